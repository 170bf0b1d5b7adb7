/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * How many of something each of many has, and how many octets those are, by
 * name: so that one of them cannot take the room of all.
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"

struct tally;

/* *@out is owned by the caller: tally_free(). 0 or -ENOMEM. */
CHECKED int tally_new(struct tally **out);
/* NULL is fine; returns NULL. */
struct tally *tally_free(struct tally *tally);

size_t tally_of(const struct tally *tally, const char *name);
size_t tally_octets(const struct tally *tally, const char *name);
/* One more; @name is copied. 0 or -ENOMEM. */
CHECKED int tally_add(struct tally *tally, const char *name, size_t octets);
/* One less of those that were added, with as many octets as then. */
void tally_take(struct tally *tally, const char *name, size_t octets);
