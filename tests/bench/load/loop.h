/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The generator's loop: epoll for its thousands of sockets, libevent for the
 * XMPP server's stand-in. It sleeps until the next packet is due, to the
 * nearest microseconds, so that what it measures is the relay's delay.
 */
#pragma once

#include <stdint.h>

struct event_base;

struct loop {
	int epoll;
	struct event_base *base;
	uint64_t polled_us; /* @base */
};

/* Embedded in its owner. */
struct loop_source {
	int fd;
	void (*readable)(void *arg);
	void *arg;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);
void loop_add(struct loop *loop, struct loop_source *source);
void loop_remove(struct loop *loop, struct loop_source *source);
/* Call what is readable; wait until @until_us (monotonic) when nothing is. */
void loop_turn(struct loop *loop, uint64_t until_us);
