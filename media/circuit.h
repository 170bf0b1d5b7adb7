/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The worker's half of a bridge: two flows and what passes between them.
 *
 * Two owners, one after the other: the bridge makes it and gives it to the
 * worker with the first command; after worker_leave() the worker forgets it and
 * says so (notice.gone), and the main thread frees it. In between only the
 * worker touches it, but for the counters, the notice (under its lock) and the
 * fields that are marked the main thread's.
 */
#pragma once

#include "gateway/base/tree.h"
#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/command.h"
#include "media/flow.h"
#include "media/keep.h"
#include "media/notice.h"
#include "media/port.h"
#include "media/relay.h"

enum {
	CIRCUIT_NAME_CAP = KEEP_NAME_CAP,
	CIRCUIT_BEAT_MS = 5000, /* RTCP of our own, and the look for silence */
};

struct worker;
struct bridge;

struct circuit {
	/* set before the worker sees it */
	struct worker *worker;
	struct keep *keep; /* NULL: none */
	struct keep_slot *kept;
	uint64_t left_ms; /* when the process it was taken from last lived */
	/* the worker's */
	bool open[2]; /* packets of relays[] may leave */
	bool echo;
	struct flow flows[2];
	struct relay *relays;     /* kept; by the side packets come from */
	struct media_map maps[2]; /* of relays[] */
	uint64_t beat_ms;
	uint64_t digits_us[2]; /* when relays[] insert next */
	RB_ENTRY(circuit) timer;
	uint64_t due_ms;
	bool armed;
	STAILQ_ENTRY(circuit) touched;
	bool is_touched;
	/* the main thread's */
	struct bridge *bridge; /* NULL: freed */
	struct port_pair ports[2];
	STAILQ_ENTRY(circuit) leaving; /* of its worker, on the way out */
	/* set before the worker sees it */
	char name[CIRCUIT_NAME_CAP];
	/* both, under the lock of notices */
	struct notice notice;
};

/* With a slot of @keep. *@out is owned by the caller. 0 or -errno. */
CHECKED int circuit_new(struct circuit **out, struct worker *worker,
			struct bridge *bridge, struct keep *keep,
			const char *name);
/* It is that of a process that died: goes on from the slot of its name. Before
 * the worker sees it. 0, -ENOENT. */
CHECKED int circuit_take_up(struct circuit *circuit);
struct circuit *circuit_free(struct circuit *circuit);
/* In the worker: nothing flows any more, and its tuples are up for others. */
void circuit_quit(struct circuit *circuit);
/* In the worker: the side is closed and may be opened anew. What is told of it
 * from now on is of @epoch. */
void circuit_reset(struct circuit *circuit, enum media_side side,
		   uint32_t epoch);
/* In the worker: close all, so that nothing refers to it but its notice. */
void circuit_close(struct circuit *circuit);

/* To whom go the packets of @from. */
struct flow *circuit_target(struct circuit *circuit, const struct flow *from);
/* flow_near_path(): what a packet of @from with @pt will need here. */
void circuit_near(struct circuit *circuit, const struct flow *from, uint8_t pt);

/* A packet of @from's peer, checked and in plain. */
void circuit_rtp(struct circuit *circuit, struct flow *from,
		 struct packet *packet);
void circuit_rtcp(struct circuit *circuit, struct flow *from,
		  struct packet *packet);

void circuit_map(struct circuit *circuit, enum media_side from,
		 const struct media_map *map);
/* Whether packets may leave may have changed. */
void circuit_gate(struct circuit *circuit);
CHECKED int circuit_digit(struct circuit *circuit, enum media_side towards,
			  char digit, unsigned duration_ms);

/* A flow became ready: from the moment that all are, silence counts. */
void circuit_ready(struct circuit *circuit);
/* Its timers may have changed: ticked at the end of this turn. */
void circuit_touch(struct circuit *circuit);
/* Do what is due; returns when to be called again, UINT64_MAX: never. */
uint64_t circuit_tick(struct circuit *circuit);
