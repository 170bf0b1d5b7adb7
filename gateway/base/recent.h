/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What happened a while ago, by name, so that it does not happen again: a
 * stanza that is delivered twice, a question that was asked already. Bounded in
 * number and time; the oldest gives way.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct recent;

/* *@out keeps at most @max names for @lifetime_ms each and is owned by the
 * caller. 0 or -ENOMEM. */
CHECKED int recent_new(struct recent **out, size_t max, unsigned lifetime_ms);
/* NULL is fine; returns NULL. */
struct recent *recent_free(struct recent *recent);
DEFINE_AUTO(struct recent *, recent_free)

/* Copies @name; again: from now on. Without memory it is only not known. */
void recent_add(struct recent *recent, const char *name, uint64_t now_ms);
/*
 * The same, but a name that is known stays until its time: how often it came in
 * that time, this one included. 0 without memory.
 */
unsigned recent_count(struct recent *recent, const char *name, uint64_t now_ms);
void recent_drop(struct recent *recent, const char *name);
/* The name behind @name, which need not be there, in the order of their
 * letters; NULL: none. Borrowed until the next change. */
const char *recent_next(const struct recent *recent, const char *name);
/* Forget the names whose time is over; adding does it as well. */
void recent_expire(struct recent *recent, uint64_t now_ms);
bool recent_has(const struct recent *recent, const char *name, uint64_t now_ms);
/* Whether a name that begins so is known. */
bool recent_has_prefix(const struct recent *recent, const char *prefix,
		       uint64_t now_ms);
