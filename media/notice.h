/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What workers tell the main thread. Nothing is allocated: each circuit has one
 * notice that is filled in until the main thread takes it, so that a flood of
 * events becomes one turn. Filled by workers, taken by the main thread; a lock
 * guards it, taken only when there is something to tell.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/bridge.h"
#include "media/dtls.h"

enum {
	NOTICE_DIGITS = 16, /* between two turns of the main thread */
	NOTICE_STUN_MAX = 128,
	NOTICE_STUN_QUEUE = 8,
};

struct circuit;

struct notice_digit {
	char digit;
	unsigned duration_ms;
};

struct notice_side {
	bool ready;
	bool failed;
	enum media_failure why;
	bool crowded; /* its shared-port tuple is another flow's */
	struct addr crowded_local;
	bool doubt;   /* our own address may have changed */
	bool changed; /* one of those below */
	struct addr local, remote;
	uint64_t ice_ms, dtls_ms;
	struct dtls_keys keys;
	struct notice_digit digits[NOTICE_DIGITS];
	unsigned ndigits;
};

/* Embedded in a circuit. */
struct notice {
	STAILQ_ENTRY(notice) next;
	bool queued;
	struct circuit *circuit;
	struct notice_side sides[2];
	uint32_t epochs[2]; /* how often each side was closed: stays */
	bool gone;          /* the worker has forgotten the circuit */
};

/* An answer of the STUN server that tells our public address. */
struct notice_stun {
	unsigned worker;
	struct addr remote;
	size_t n;
	uint8_t p[NOTICE_STUN_MAX];
};

struct notices {
	pthread_mutex_t lock;
	int fd; /* readable when there is something to take */
	STAILQ_HEAD(, notice) list;
	struct notice_stun stun[NOTICE_STUN_QUEUE];
	unsigned nstun;
};

CHECKED int notices_init(struct notices *notices);
void notices_fini(struct notices *notices);

/* Worker: between these two @notice may be filled in. */
void notice_begin(struct notices *notices);
void notice_end(struct notices *notices, struct notice *notice);
/* Too long or too many: left out, STUN repeats itself. */
void notice_stun(struct notices *notices, const struct notice_stun *stun);

/*
 * Main thread: take the next notice; *@out is a copy, the original is clear.
 * Whether there was one.
 */
bool notices_take(struct notices *notices, struct notice *out);
bool notices_take_stun(struct notices *notices, struct notice_stun *out);
/* Before taking: the descriptor is not readable any more. */
void notices_clear(struct notices *notices);
