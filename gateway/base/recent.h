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
/* Of each that is known, in the order in which they came; nothing may change
 * meanwhile. */
void recent_each(const struct recent *recent,
		 void (*fn)(const char *name, void *arg), void *arg);
/* Forget the names whose time is over; adding does it as well. */
void recent_expire(struct recent *recent, uint64_t now_ms);
bool recent_has(const struct recent *recent, const char *name, uint64_t now_ms);
