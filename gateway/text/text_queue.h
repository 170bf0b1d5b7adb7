/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts that wait for their trunk: conversations, each a queue whose first
 * text is sent until the trunk has taken or refused it. Private to
 * gateway/text*.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct gateway;
struct sip_trunk;
struct text_queue;
struct text_row;

/* 0 or -errno; reads what an earlier run has left. */
CHECKED int text_queue_new(struct text_queue **out, struct gateway *gateway);
/* NULL is fine; returns NULL. */
struct text_queue *text_queue_free(struct text_queue *queue);

/*
 * text_kept.c: keep a text and send it: @row without id and Call-ID, which it
 * gets here. All is copied. 0, -ENOBUFS (texts.h has the limits), -ENOMEM.
 */
CHECKED int text_queue_add(struct text_queue *queue,
			   const struct text_row *row);

/* All again, as rewriting_some_fn. */
bool text_queue_put_some(struct text_queue *queue, bool begin, int *r);

/* What @account (bare JID) wrote is not sent any more; it is told nothing. */
void text_queue_forget(struct text_queue *queue, const char *account);

void text_queue_trunk_up(struct text_queue *queue,
			 const struct sip_trunk *trunk);
