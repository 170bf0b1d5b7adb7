/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/kept.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"

enum {
	STATE_CAP = 320,
	SEND_MAX = 250, /* SCM_MAX_FD is 253 */
};

/* Of two with one name the later is the one. */
int kept_take(const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	int found = -1;

	for (int i = 0; i < n; i++) {
		if (!strcmp(names[i], name))
			found = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	found = found < 0 ? found : fcntl(found, F_DUPFD_CLOEXEC, 0);
	return found < 0 ? 0 : found;
}

size_t kept_take_last(const char *name, int (*take)(int fd), size_t *refused)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	size_t found = 0;

	*refused = 0;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (!strcmp(names[i], name)) {
			found++;
			*refused += take(fd) != 0;
		} else {
			close(fd);
		}
		free(names[i]);
	}
	free(names);
	if (found)
		kept_drop(name);
	return found;
}

/* False: nobody was told. */
static bool tell(const char *what, const char *name, const int *fds, size_t n)
{
	char state[STATE_CAP];
	int r = text_format(state, sizeof(state), "%s\nFDNAME=%s", what, name);

	if (!r)
		r = sd_pid_notify_with_fds(0, 0, state, fds, (unsigned)n);
	if (r < 0)
		log_warn("kept=%s not-told=%.*s r=%d", name,
			 (int)strcspn(what, "="), what, r);
	return r > 0;
}

void kept_put(const char *name, int fd)
{
	(void)!tell("FDSTORE=1", name, &fd, 1);
}

/* Nor does the manager look at them: an ICMP error would have it drop one. */
size_t kept_put_all(const char *name, const int *fds, size_t n)
{
	size_t put = 0;

	while (put < n) {
		size_t some = n - put < SEND_MAX ? n - put : SEND_MAX;

		if (!tell("FDSTORE=1\nFDPOLL=0", name, fds + put, some))
			break;
		put += some;
	}
	return put;
}

void kept_drop(const char *name)
{
	(void)!tell("FDSTOREREMOVE=1", name, NULL, 0);
}

size_t kept_drop_others(const char *prefix, const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	size_t dropped = 0;

	for (int i = 0; i < n; i++) {
		if (!strncmp(names[i], prefix, strlen(prefix)) &&
		    strcmp(names[i], name) != 0) {
			kept_drop(names[i]);
			dropped++;
		}
		free(names[i]);
	}
	free(names);
	return dropped;
}

void *kept_page(const char *name)
{
	int fd = kept_take(name);
	bool found = fd > 0;

	if (!found)
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* one that is too short would be SIGBUS */
	void *page = ftruncate(fd, KEPT_PAGE_LEN)
			     ? MAP_FAILED
			     : mmap(NULL, KEPT_PAGE_LEN, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0);
	if (!found && page != MAP_FAILED)
		kept_put(name, fd);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

void kept_page_free(void *page)
{
	if (page)
		munmap(page, KEPT_PAGE_LEN);
}
