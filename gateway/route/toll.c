/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who calls how often, and how much at a time; for how long is
 * toll_minutes.c's. */
#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/route/toll_table.h"

enum {
	MINUTE_MS = 60 * MS_PER_S,
	SWEEP_MIN = 1024, /* subjects, before any is looked at */
};

/* ---- subjects ---- */

static void drop(struct toll *toll, struct toll_subject *s)
{
	if (s->over)
		event_free(s->over);
	subjects_drop(&toll->subjects, &s->subject);
}

static unsigned attempts_of(const struct toll_subject *s)
{
	return clock_ms() - s->minute_ms < MINUTE_MS ? s->attempts : 0;
}

/* Whether it says no more than one that was never heard of. */
static bool is_idle(struct toll_subject *s)
{
	toll_turn(s);
	return !s->calls && !s->running && !s->used.ms && !s->before.ms &&
	       !attempts_of(s);
}

/* As often as there are twice as many as the last time: that is little for
 * each. */
static void sweep(struct toll *toll)
{
	struct subject *one = subjects_first(&toll->subjects), *next;

	for (; one; one = next) {
		struct toll_subject *s = (struct toll_subject *)one;

		next = subjects_next(one);
		if (is_idle(s))
			drop(toll, s);
	}
	toll->sweep_at = toll->subjects.n < SWEEP_MIN / 2
				 ? SWEEP_MIN
				 : 2 * toll->subjects.n;
}

struct toll_subject *toll_subject_find(struct gateway *gateway,
				       enum toll_kind kind, const char *name)
{
	struct toll_subject *s = (struct toll_subject *)subjects_find(
		&gateway->toll->subjects, kind, name);

	if (s)
		toll_turn(s);
	return s;
}

static void init_subject(struct toll_subject *s, struct gateway *gateway)
{
	s->gateway = gateway;
	s->allowed_ms = INT64_MAX;
	LIST_INIT(&s->lines);
	LIST_INIT(&s->meters);
	toll_turn(s);
}

struct toll_subject *toll_subject_take(struct gateway *gateway,
				       enum toll_kind kind, const char *name)
{
	struct toll_subject *s = toll_subject_find(gateway, kind, name);
	struct toll *toll = gateway->toll;

	if (s)
		return s;
	if (toll->subjects.n >= toll->sweep_at)
		sweep(toll);
	s = (struct toll_subject *)subjects_take(&toll->subjects, kind, name,
						 sizeof(*s));
	if (s)
		init_subject(s, gateway);
	return s;
}

/* ---- calls ---- */

int toll_take(struct gateway *gateway, struct toll_line *line,
	      enum toll_kind kind, const char *name)
{
	struct toll_subject *s = toll_subject_take(gateway, kind, name);

	if (!s)
		return -ENOMEM;
	line->of = s;
	s->calls++;
	LIST_INSERT_HEAD(&s->lines, line, link);
	return 0;
}

void toll_drop(struct toll_line *line)
{
	if (!line->of)
		return;
	LIST_REMOVE(line, link);
	line->of->calls--;
	line->of = NULL;
}

unsigned toll_calls(struct gateway *gateway, enum toll_kind kind,
		    const char *name)
{
	const struct toll_subject *s = toll_subject_find(gateway, kind, name);

	return s ? s->calls : 0;
}

/* ---- attempts ---- */

unsigned toll_try(struct gateway *gateway, enum toll_kind kind,
		  const char *name)
{
	struct toll_subject *s = toll_subject_take(gateway, kind, name);

	if (!s)
		return UINT_MAX;
	if (!attempts_of(s)) {
		s->minute_ms = clock_ms();
		s->attempts = 0;
	}
	return ++s->attempts;
}

unsigned toll_tries(struct gateway *gateway, enum toll_kind kind,
		    const char *name)
{
	const struct toll_subject *s = toll_subject_find(gateway, kind, name);

	return s ? attempts_of(s) : 0;
}

/* ---- another name ---- */

int toll_prepare(struct gateway *gateway, const char *to)
{
	return toll_subject_take(gateway, TOLL_ACCOUNT, to) ? 0 : -ENOMEM;
}

static void move_calls(struct toll_subject *old, struct toll_subject *new)
{
	struct toll_line *line;

	while ((line = LIST_FIRST(&old->lines))) {
		LIST_REMOVE(line, link);
		LIST_INSERT_HEAD(&new->lines, line, link);
		line->of = new;
	}
	new->calls += old->calls;
	old->calls = 0;
}

void toll_move(struct gateway *gateway, const char *from, const char *to)
{
	struct toll_subject *old =
		toll_subject_find(gateway, TOLL_ACCOUNT, from);
	struct toll_subject *new = toll_subject_find(gateway, TOLL_ACCOUNT, to);

	if (!old || !new)
		return;
	move_calls(old, new);
	toll_move_minutes(old, new);
	new->minute_ms = old->minute_ms;
	new->attempts = old->attempts;
	old->attempts = 0;
}

/* ---- life ---- */

struct load {
	struct gateway *gateway;
	int result;
};

static void on_usage(const void *data, void *arg)
{
	const struct usage_row *row = data;
	struct load *load = arg;
	struct toll_subject *s;

	if (row->day < toll_day(load->gateway->toll)->number)
		return;
	s = toll_subject_take(load->gateway, (enum toll_kind)row->kind,
			      row->name);
	if (s)
		toll_load(s, row->day, (int64_t)row->seconds * MS_PER_S);
	else
		load->result = -ENOMEM;
}

int toll_new(struct gateway *gateway)
{
	struct toll *toll = calloc(1, sizeof(*toll));
	struct load load = { gateway, 0 };

	if (!toll)
		return -ENOMEM;
	subjects_init(&toll->subjects);
	toll->sweep_at = SWEEP_MIN;
	gateway->toll = toll;
	int r = usage_load_all(gateway->db, on_usage, &load);
	return r ? r : load.result;
}

void toll_free(struct gateway *gateway)
{
	struct toll *toll = gateway->toll;
	struct subject *first;

	gateway->toll = NULL;
	if (!toll)
		return;
	while ((first = subjects_first(&toll->subjects)))
		drop(toll, (struct toll_subject *)first);
	free(toll);
}
