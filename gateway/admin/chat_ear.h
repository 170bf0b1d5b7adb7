/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whether the device that is told something is still there (XEP-0199): a
 * message to one that has gone is kept for its user by most servers, and never
 * comes back. A device that has answered once and does no more has gone; of one
 * that never did nothing is known.
 */
#pragma once

#include "gateway/base/err.h"

struct chat_ear;
struct gateway;

/* From the loop, once; the ear may be freed in it. */
typedef void (*chat_ear_fn)(void *arg);

/* @jid is borrowed for its lifetime. *@out is owned by the caller:
 * chat_ear_free(). 0 or -ENOMEM. */
CHECKED int chat_ear_new(struct chat_ear **out, struct gateway *gateway,
			 const char *jid, chat_ear_fn gone, void *arg);
/* NULL is fine; returns NULL. */
struct chat_ear *chat_ear_free(struct chat_ear *ear);
/* Ask it, unless it is being asked, or was a moment ago. */
void chat_ear_ask(struct chat_ear *ear);
