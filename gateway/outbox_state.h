/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of the outbox, shared by outbox.c (what is kept) and outbox_lane.c
 * (what goes to the server, and what it has taken). Nobody else includes it.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>

#include "gateway/outbox.h"

struct event;
struct gateway;
struct outbox_past;
struct tally;

struct outbox_stanza {
	STAILQ_ENTRY(outbox_stanza) link;
	struct outbox *outbox;
	uint64_t id;
	struct stanza *stanza;
	int64_t kept_ms, taken_ms;
	uint64_t hold; /* the stanza that it answers; xmpp_stream.h */
	bool on_disk, on_the_way;
	size_t octets;
	bool counted; /* in the outbox's accounts */
	/* The disk refused it, its account is gone, or another keeps it: it
	 * goes when its turn comes. */
	bool dropped;
	db_done_fn done;
	void *arg;
};

struct outbox {
	struct gateway *gateway;
	STAILQ_HEAD(, outbox_stanza) stanzas; /* by id; the taken come first */
	struct outbox_stanza *open;           /* the first that is not taken */
	struct outbox_stanza *next;  /* to be sent; NULL: all have been */
	struct outbox_stanza *unput; /* outbox_put_some(): the next of them */
	uint64_t unput_id;           /* the last */
	size_t n, ntaken, octets;
	struct tally *accounts; /* how much of it people wrote to each */
	outbox_turn_fn turn;
	void *turn_arg;
	unsigned on_the_way;
	uint64_t last_id, sent_id, taken_id;
	uint64_t pinged_id; /* what the ping on its way confirms; 0: none is */
	uint64_t pinged_ms;
	int64_t kept_ms, taken_ms; /* the last, each (wall time) */
	/* All up to that have been taken since: the server lives on. */
	uint64_t ripe_id, ripe_ms; /* 0: none waits for that */
	struct outbox_past *past;
	struct event *retry;
};

/* outbox.c */
void outbox_free_first(struct outbox *outbox);
/* @one is not sent any more. */
void outbox_drop(struct outbox_stanza *one);

/* outbox_lane.c. 0 or -ENOMEM; to be ended either way. */
CHECKED int outbox_lane_init(struct outbox *outbox);
void outbox_lane_fini(struct outbox *outbox);
/* Send what may go. */
void outbox_pump(struct outbox *outbox);
/* The server has taken the first that was not. */
void outbox_take_first_open(struct outbox *outbox, int64_t now_ms);
