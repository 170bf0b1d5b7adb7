/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * su_root_create() makes one epoll descriptor; we watch that one. What is asked
 * of nta on our own thread makes no descriptor readable, so the pump has to run
 * after every iteration, and the time that su_root_step() returns is truncated,
 * so one millisecond is added or the loop would spin.
 */
#include "sip/root.h"

#include <dirent.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sofia-sip/su.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_time.h>
#include <sofia-sip/su_wait.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"

enum {
	PUMP_STEPS = 16,
	SOFIA_LOG_LEVEL = 3, /* errors; its level 5 is a line per message */
	SOFIA_DEBUG_LEVEL = 5,
	FD_MAX = 65536,
};

/* sofia's epoch is 1900; any start will do, but never near zero. No enumerator:
 * one that is no int makes all of its enum unsigned from gcc 13 on. */
#define EPOCH_S 2208988800u

/* Exported by the library for its own tests, and in no header. */
extern void (*_su_time)(su_time_t *);
extern uint64_t (*_su_nanotime)(uint64_t *);

struct sip_root {
	su_root_t *su;
	struct event_base *base;
	struct event *readable;
	struct event *timer;
};

static void monotonic_time(su_time_t *tv)
{
	uint64_t us = clock_us();

	tv->tv_sec = (unsigned long)(us / 1000000u) + EPOCH_S;
	tv->tv_usec = (unsigned long)(us % 1000000u);
}

static uint64_t monotonic_nanotime(uint64_t *out)
{
	uint64_t ns = clock_us() * 1000u + (uint64_t)EPOCH_S * 1000000000u;

	if (out)
		*out = ns;
	return ns;
}

static void on_sofia_log(void *stream, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static void on_sofia_log(void *stream, const char *fmt, va_list ap)
{
	char line[LOG_TEXT_CAP];
	int n;

	(void)stream;
	if (!log_on(LOG_LEVEL_DEBUG))
		return;
	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n <= 0)
		return;
	if ((size_t)n >= sizeof(line))
		n = sizeof(line) - 1;
	log_debug("sofia=%s", log_text((struct slice){ line, (size_t)n }).s);
}

static void quiet_sofia(void)
{
	extern su_log_t nta_log[], tport_log[], stun_log[], su_log_default[],
		iptsec_log[], sresolv_log[];
	su_log_t *const logs[] = { nta_log,        tport_log,  stun_log,
				   su_log_default, iptsec_log, sresolv_log };
	unsigned level =
		log_on(LOG_LEVEL_DEBUG) ? SOFIA_DEBUG_LEVEL : SOFIA_LOG_LEVEL;

	su_log_redirect(NULL, on_sofia_log, NULL);
	for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
		su_log_redirect(logs[i], on_sofia_log, NULL);
		su_log_set_level(logs[i], level);
	}
}

static bool is_epoll(const char *fd)
{
	char path[64], link[64];
	ssize_t n;

	if (text_format(path, sizeof(path), "/proc/self/fd/%s", fd))
		return false;
	n = readlink(path, link, sizeof(link));
	return n > 0 && slice_is((struct slice){ link, (size_t)n },
				 "anon_inode:[eventpoll]");
}

/* Mark in @set the epoll descriptors there are now. */
static int list_epolls(uint8_t set[static FD_MAX])
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		uint64_t fd;

		if (!text_number(slice_of(entry->d_name), FD_MAX - 1, &fd) &&
		    is_epoll(entry->d_name))
			set[fd] = 1;
	}
	closedir(dir);
	return 0;
}

/* The one descriptor that is in @now and not in @before, or -ENOSYS. */
static int new_epoll(const uint8_t *before, const uint8_t *now)
{
	int found = -ENOSYS;

	for (int fd = 0; fd < FD_MAX; fd++) {
		if (!now[fd] || before[fd])
			continue;
		if (found >= 0)
			return -ENOSYS;
		found = fd;
	}
	return found;
}

static int create_su_root(struct sip_root *root)
{
	uint8_t *sets = calloc(2, FD_MAX);
	int r;

	if (!sets)
		return -ENOMEM;
	r = list_epolls(sets);
	if (!r)
		root->su = su_root_create(NULL);
	if (!r && !root->su)
		r = -ENOMEM;
	if (!r)
		r = list_epolls(sets + FD_MAX);
	if (!r)
		r = new_epoll(sets, sets + FD_MAX);
	free(sets);
	if (r >= 0 && strcmp(su_root_name(root->su), "epoll"))
		r = -ENOSYS;
	return r;
}

/* The pump follows every iteration; to be woken is all that is needed. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int watch(struct sip_root *root, int fd)
{
	root->readable =
		event_new(root->base, fd, EV_READ | EV_PERSIST, on_wake, NULL);
	root->timer = evtimer_new(root->base, on_wake, NULL);
	if (!root->readable || !root->timer)
		return -ENOMEM;
	return event_add(root->readable, NULL) ? -ENOMEM : 0;
}

int sip_root_new(struct sip_root **out, struct event_base *base)
{
	struct sip_root *root = calloc(1, sizeof(*root));
	int r;

	if (!root)
		return -ENOMEM;
	root->base = base;
	_su_time = monotonic_time;
	_su_nanotime = monotonic_nanotime;
	unsetenv("SU_PORT");
	su_init();
	quiet_sofia();
	r = create_su_root(root);
	if (r == -ENOSYS)
		log_error("event=sip_loop what=\"no single new epoll "
			  "descriptor\" port=%s",
			  root->su ? su_root_name(root->su) : "none");
	if (r >= 0)
		r = watch(root, r);
	if (r) {
		sip_root_free(root);
		return r;
	}
	/* Otherwise a second thread would run the library. */
	su_root_threading(root->su, 0);
	*out = root;
	return 0;
}

struct sip_root *sip_root_free(struct sip_root *root)
{
	if (!root)
		return NULL;
	if (root->readable)
		event_free(root->readable);
	if (root->timer)
		event_free(root->timer);
	if (root->su)
		su_root_destroy(root->su);
	su_deinit();
	free(root);
	return NULL;
}

struct su_root_s *sip_root_su(const struct sip_root *root)
{
	return root->su;
}

void sip_root_pump(struct sip_root *root)
{
	su_duration_t wait = 0;

	for (int i = 0; i < PUMP_STEPS; i++) {
		wait = su_root_step(root->su, 0);
		if (wait)
			break;
	}
	if (wait < 0) {
		evtimer_del(root->timer);
		return;
	}
	struct timeval tv = { wait / 1000, (wait % 1000 + 1) * 1000 };

	evtimer_add(root->timer, &tv);
}
