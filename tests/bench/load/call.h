/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call through the relay that is measured: an endpoint on each side and a
 * stream each way. How it is set up is the target's.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/load/endpoint.h"
#include "tests/bench/load/stream.h"

enum call_end { CALL_A, CALL_B, CALL_ENDS }; /* the client, the telephone */

enum call_stage {
	CALL_SETTING_UP,
	CALL_RINGING, /* and it stays so */
	CALL_UP,
	CALL_FAILED,
	CALL_OVER,
};

struct load;

struct call {
	struct load *load;
	unsigned number;
	enum call_stage stage;
	const char *why; /* it failed */
	struct endpoint ends[CALL_ENDS];
	/* streams[e] is what end e sends */
	struct stream streams[CALL_ENDS];
	TAILQ_ENTRY(call) slots[CALL_ENDS];
	bool answered; /* signalling is done */
	uint64_t began_us, proposed_us, proceeded_us, up_us, heard_us;
	char called[24],
		account[40]; /* the number, and whose it is: full JID */
	/* signalling's own */
	char sid[64], peer[128];
	char tag[64], contact[128];
	uint64_t sent_us; /* the INVITE, last */
	bool provisional;
};
TAILQ_HEAD(call_list, call);
