/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is measured: a relay, how it is started and how a call is put through
 * it. The calls' media is the same for all.
 */
#pragma once

#include <stdbool.h>

#include "tests/bench/load/call.h"
#include "tests/bench/load/process.h"

struct load;

struct target_ops {
	const char *name;
	bool web; /* end A is a WebRTC client, else plain RTP */
	/* Start the process; returns when it takes calls. */
	void (*start)(struct load *load);
	void (*stop)(struct load *load);
	/* SIGKILL, and start again; returns when it takes calls. NULL: no. */
	void (*restart)(struct load *load);
	/* Both endpoints are open. Leads to load_answered(). */
	void (*call)(struct call *call);
	void (*hang_up)(struct call *call);
	/* Where all clients' media comes in; NULL: each has a port. */
	const struct addr *(*shared_port)(const struct load *load);
	/* Now and then: retransmissions. May be NULL. */
	void (*tick)(struct load *load);
};

extern const struct target_ops target_tandem, target_rtpengine, target_epoll,
	target_batch;
