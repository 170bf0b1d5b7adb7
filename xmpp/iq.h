/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Our iq requests and who waits for their answers: matched on the full triple
 * from, to, id (RFC 6120, 8.2.3), each with a time limit and counted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct event_base;
struct stanza;
struct xmpp_stream;
struct iq_table;

enum {
	IQ_TIMEOUT_MS = 30000,
	IQ_MAX_PENDING = 20000,
	/* Of these to one bare JID, all of its devices together, so that one
	 * who makes us ask and never answers keeps nobody else from being
	 * asked. */
	IQ_MAX_OF_PEER = IQ_MAX_PENDING / 10,
};

enum iq_answer { IQ_RESULT, IQ_ERROR, IQ_TIMEOUT, IQ_NOT_SENT };

/* @reply is borrowed, NULL for IQ_TIMEOUT and IQ_NOT_SENT. Called once, unless
 * iq_cancel(). The table must not be freed in it. */
typedef void (*iq_fn)(enum iq_answer answer, const struct stanza *reply,
		      void *arg);

/* @base and @stream must outlive the table. 0 or -ENOMEM. */
CHECKED int iq_table_new(struct iq_table **out, struct event_base *base,
			 struct xmpp_stream *stream);
/* Nobody waits any more, nothing is called. NULL is fine; returns NULL. */
struct iq_table *iq_table_free(struct iq_table *table);
DEFINE_AUTO(struct iq_table *, iq_table_free)

/*
 * Send @iq (get or set, with valid from and to). It gets an id unless it has
 * one, which nobody may be able to guess and which is used once. @fn may be
 * NULL: the answer is read over. It is called from the loop, never from here.
 * 0, -EINVAL (addresses), -ENOMEM, or -EAGAIN past IQ_MAX_PENDING or
 * IQ_MAX_OF_PEER.
 */
CHECKED int iq_send(struct iq_table *table, struct stanza *iq, iq_fn fn,
		    void *arg);
/* No answer to any request made with @arg is reported any more. */
void iq_cancel(struct iq_table *table, const void *arg);
/* An iq of type result or error: true when somebody waited for it. */
bool iq_receive(struct iq_table *table, const struct stanza *iq);
/* Report what is late at @now_ms (clock.h). The table's own timer does it. */
void iq_expire(struct iq_table *table, uint64_t now_ms);
/* Requests without an answer yet. */
size_t iq_pending(const struct iq_table *table);
