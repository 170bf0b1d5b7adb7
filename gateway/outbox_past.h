/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the XMPP server has taken of the outbox: for some minutes it is still on
 * disk, marked as taken, as the server may send a text back, or lose with its
 * own end what it has taken last. This knows which rows those are and when they
 * go. The newest stay; in number, octets and time they are bounded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct db;
struct event_base;
struct outbox_past;
struct outbox_stanza;

enum {
	OUTBOX_PAST_MAX = 8192,
	OUTBOX_PAST_OCTETS_MAX = 16 * 1024 * 1024,
	/* Servers give up on another after a minute or two. */
	OUTBOX_PAST_MS = 5 * 60 * 1000,
};

/* @db and @base must outlive *@out, which is owned by the caller. 0, -ENOMEM.
 */
CHECKED int outbox_past_new(struct outbox_past **out, struct db *db,
			    struct event_base *base);
/* NULL is fine; returns NULL. */
struct outbox_past *outbox_past_free(struct outbox_past *past);

/* The row of @one, above all ids so far, was taken at @taken_ms (wall time). */
void outbox_past_add(struct outbox_past *past, const struct outbox_stanza *one,
		     int64_t taken_ms);
/* Those from @id on are not taken any more. */
void outbox_past_take_back(struct outbox_past *past, uint64_t id);
/* Those for @account (bare JID) leave the disk. */
void outbox_past_forget(struct outbox_past *past, const char *account);
/* Drop what is over at @now_ms; its own timer does that too. */
void outbox_past_expire(struct outbox_past *past, int64_t now_ms);
