/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The generator: calls that come, speak and are measured.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/load/call.h"
#include "tests/bench/load/loop.h"
#include "tests/bench/load/process.h"
#include "tests/bench/load/stream.h"
#include "tests/bench/load/target.h"

enum {
	LOAD_MAX_CALLS = 20000,
	LOAD_SLOTS = 200, /* of the 20 ms between two packets of a stream */
	LOAD_SLOT_US = STREAM_PACKET_MS * 1000 / LOAD_SLOTS,
	LOAD_WINDOW = 8, /* calls being set up at a time */
};

struct load_options {
	const struct target_ops *target;
	const char *dir;    /* for configurations and logs */
	const char *binary; /* the relay's; NULL: the usual */
	int core;           /* the relay's */
	bool tcp;           /* what the trunk's calls go by; else UDP */
	bool ring;          /* calls ring, and are not answered */
	bool verbose;       /* the relay's log has what it does */
	unsigned accounts;  /* that it knows, besides the one that is called */
	enum srtp_profile suite;
};

struct load {
	struct load_options options;
	struct loop loop;
	struct wire *wires[CALL_ENDS];
	struct process process;
	struct call **calls;
	unsigned ncalls, nup, nsetting_up, nfailed, nringing;
	struct call_list slots[LOAD_SLOTS][CALL_ENDS];
	uint64_t due_us; /* the next slot's time */
	uint64_t tick_ms;
	unsigned slot;
	bool ending; /* calls that fail now shall */
	struct verdict verdict;
	struct delays late; /* the generator's own lateness */
	void *target;       /* its own */
	/* the relay's process was started, and took calls */
	uint64_t started_us, ready_us;
};

void load_open(struct load *load, const struct load_options *options);
void load_close(struct load *load);

struct call *load_call(struct load *load);
void load_hang_up(struct call *call);
/* By the number it was given; NULL: none. */
struct call *load_find(struct load *load, unsigned long number);
/* Signalling has come to its end; media may still be on its way. */
void load_answered(struct call *call);
/* It rings, and shall. */
void load_rings(struct call *call);
void load_failed(struct call *call, const char *why);

/* Speak and listen until then. */
void load_run(struct load *load, uint64_t until_us);
void load_turn(struct load *load, uint64_t until_us);

/* What is sent between the two is what is judged. */
void load_measure_begin(struct load *load);
/* Returns the number of packets sent. */
uint64_t load_measure_end(struct load *load);
