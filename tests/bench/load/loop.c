/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/loop.h"

#include <event2/event.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/die.h"

enum { EVENTS = 256, POLL_US = 100 };

void loop_open(struct loop *loop)
{
	/* The kernel's default lets a sleep be 50 microseconds longer. */
	prctl(PR_SET_TIMERSLACK, 1);
	*loop = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC),
			       .base = event_base_new() };
	if (loop->epoll < 0 || !loop->base)
		DIE("load: no loop");
}

void loop_close(struct loop *loop)
{
	event_base_free(loop->base);
	close(loop->epoll);
}

void loop_add(struct loop *loop, struct loop_source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event))
		DIE("load: epoll_ctl");
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

void loop_turn(struct loop *loop, uint64_t until_us)
{
	struct epoll_event events[EVENTS];
	uint64_t now_us = clock_us();
	uint64_t wait_us = until_us > now_us ? until_us - now_us : 0;
	struct timespec wait = { .tv_sec = (time_t)(wait_us / 1000000),
				 .tv_nsec = (long)(wait_us % 1000000 * 1000) };

	if (now_us - loop->polled_us >= POLL_US) {
		event_base_loop(loop->base, EVLOOP_NONBLOCK);
		loop->polled_us = now_us;
	}
	int n = epoll_pwait2(loop->epoll, events, EVENTS, &wait, NULL);
	for (int i = 0; i < n; i++) {
		const struct loop_source *source = events[i].data.ptr;
		source->readable(source->arg);
	}
}
