/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call over a trunk that is only a test: a number is called, a tone sent to
 * it, and what comes back is measured. It is none of the gateway's calls: its
 * media is a socket of its own, read by the loop.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

struct config_trunk;
struct gateway;
struct probe_call;
struct sip_trunk;

enum {
	PROBE_CALL_RING_MS = 45 * 1000,
	PROBE_CALL_LISTEN_MS = 4000, /* from the answer on */
	PROBE_CALL_QUIET_MS = 500,   /* of that before the tone */
	PROBE_CALL_HZ = 850, /* what is sent: no digit's, no carrier's */
	PROBE_CALL_MILLIWATT_HZ = 1004,
	PROBE_CALL_TEXT_CAP = 64,
};

struct probe_call_result {
	unsigned status; /* final; 200: answered, 0: no answer */
	char text[PROBE_CALL_TEXT_CAP];
	unsigned ring_ms, answer_ms; /* since the INVITE; ring 0: it did not */
	const char *codec;           /* constant */
	struct addr local;           /* where media was expected */
	unsigned sent, received, lost;
	/* Blocks of 20 ms that were our tone, a test tone, anything else, and
	 * nothing; and the mean level of those that were something. */
	unsigned ours, milliwatt, sound, silence;
	double level_dbm0;
	bool over;         /* it had its time; else it was given up */
	unsigned delay_ms; /* from our tone to its return; where @ours */
};

/* Once, from the loop; the probe may be freed in it. */
typedef void (*probe_call_fn)(const struct probe_call_result *result,
			      void *arg);

struct probe_call_target {
	struct sip_trunk *trunk;
	const struct config_trunk *config;
	const char *to, *from; /* as the trunk writes numbers */
};

/* *@out is owned by the caller: probe_call_free(). 0, -EHOSTUNREACH (no address
 * is known of the trunk), -EADDRINUSE (no port), -errno. */
CHECKED int probe_call_new(struct probe_call **out, struct gateway *gateway,
			   const struct probe_call_target *target,
			   probe_call_fn fn, void *arg);
/* Hangs up. NULL is fine; returns NULL. */
struct probe_call *probe_call_free(struct probe_call *probe);
/* So far; borrowed as long as it lives. */
const struct probe_call_result *probe_call_result(struct probe_call *probe);

LIST_HEAD(probe_list, probe_call);
/* All that there are are told that they are over, from the loop. */
void probe_calls_give_up(struct gateway *gateway);
