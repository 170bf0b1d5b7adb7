/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Preloaded into a process: the wall clock of a machine whose clock is set. How
 * far it was set, in seconds, stands in the file FAULT_CLOCK, which the test
 * changes while the process runs. The monotonic clocks are as ever.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *set_by;

__attribute__((constructor)) static void open_clock(void)
{
	const char *path = getenv("FAULT_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = fd < 0 ? MAP_FAILED
			    : mmap(NULL, sizeof(*set_by), PROT_READ, MAP_SHARED,
				   fd, 0);

	if (page == MAP_FAILED)
		abort();
	set_by = page;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (!r && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *set_by;
	return r;
}

int gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;
	int r = clock_gettime(CLOCK_REALTIME, &ts);

	(void)zone;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return r;
}

time_t time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
