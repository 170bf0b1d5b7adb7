/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The inside of gateway/route/toll.h, for toll*.c alone. */
#pragma once

#include "gateway/route/day.h"
#include "gateway/route/subjects.h"
#include "gateway/route/toll.h"

struct event;

/* What was used of a day. */
struct toll_used {
	int64_t day;
	int64_t ms;
};

/* An account or a trunk. */
struct toll_subject {
	struct subject subject; /* first: it is found by it */
	struct gateway *gateway;
	LIST_HEAD(, toll_line) lines;
	unsigned calls;     /* in .lines */
	uint64_t minute_ms; /* when the minute that is counted began */
	unsigned attempts;  /* in it */
	struct toll_used used, before; /* by meters that have stopped */
	LIST_HEAD(, toll_meter) meters;
	unsigned running;     /* in .meters */
	int64_t since_sum_ms; /* of them */
	int64_t allowed_ms;   /* of the day; INT64_MAX: all of it */
	struct event *over;   /* NULL: never limited yet */
};

struct toll {
	struct subjects subjects;
	size_t sweep_at;
	struct day day;
};

/* toll.c: as they are today; made when there is none yet. NULL: there is none;
 * no memory. */
struct toll_subject *toll_subject_find(struct gateway *gateway,
				       enum toll_kind kind, const char *name);
struct toll_subject *toll_subject_take(struct gateway *gateway,
				       enum toll_kind kind, const char *name);

/* toll_minutes.c: the day that it is. */
const struct day *toll_day(struct toll *toll);
/* What it has used is of that day from now on. */
void toll_turn(struct toll_subject *s);
/* It has used so much of @day already. */
void toll_load(struct toll_subject *s, int64_t day, int64_t ms);
/* The minutes of @old are those of @new. */
void toll_move_minutes(struct toll_subject *old, struct toll_subject *new);
