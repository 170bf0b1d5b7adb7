/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What of the media outlives the process: a file of slots, one a call, mapped
 * and shared. A worker relays from and notes into its call's slot by plain
 * stores; these survive SIGKILL and cost no system call. They are not meant to
 * survive the machine: the file stands in a file system in memory (the runtime
 * directory), and what another boot left there is forgotten.
 *
 * No slot holds a key: those are sealed in the session table. A slot says which
 * keys its indices belong to (srtp_id()), so that rows and slots of different
 * moments never come together: a keystream would be used twice.
 *
 * The main thread's; a slot that was taken is its circuit's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/relay.h"
#include "media/srtp.h"

enum {
	KEEP_NAME_CAP = 64,
	KEEP_MAX_SLOTS = 16384,
	KEEP_GROW = 64, /* slots at a time: their memory is there for certain */
};

/* A direction of one side's SRTP. */
struct keep_stream {
	_Atomic uint64_t id; /* of its key: srtp_id(); 0: none */
	struct srtp_marks marks;
};

struct keep_counts {
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets, lost, dropped;
};

/* By the side packets come from, or go to. */
struct keep_slot {
	char name[KEEP_NAME_CAP]; /* the call's; "": free */
	struct relay relays[2];
	struct keep_stream tx[2], rx[2];
	/* at the last beat of the circuit */
	struct keep_counts counts[2];
	uint64_t beat_ms;
};

struct keep;

/*
 * Map @path, made if it is not there (0600), and find what an earlier process
 * of this boot and this layout left in it; not when several have died with
 * it, one after the other. NULL: memory that dies with the
 * process. *@out is owned by the caller. 0, -EBUSY (another process has it), or
 * -errno.
 */
CHECKED int keep_open(struct keep **out, const char *path);
/* All slots must have been given back; those of before stay in the file. */
struct keep *keep_close(struct keep *keep);

/*
 * A slot that is all zero but for @name. Where the file takes no more, and with
 * @keep NULL, it is memory that dies with the process. 0, -ENOMEM,
 * -ENAMETOOLONG.
 */
CHECKED int keep_take(struct keep *keep, struct keep_slot **out,
		      const char *name);
/* This process has lived for a while with what it found. */
void keep_is_well(struct keep *keep);
/* Whether an earlier process has left any. */
bool keep_has_before(const struct keep *keep);
/* The slot of @name of before, once; NULL: there is none. */
struct keep_slot *keep_find(struct keep *keep, const char *name);
/* As it was. NULL is fine. */
void keep_give(struct keep *keep, struct keep_slot *slot);
/* What was not found until now never will be. Returns how many. */
size_t keep_forget(struct keep *keep);
