/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* For how long accounts and trunks have called today. */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "gateway/route/toll_table.h"

static int64_t now_ms(void)
{
	return (int64_t)clock_ms();
}

/* ---- days ---- */

/* @ms by the meters that run, at @at_ms. */
static int64_t running_ms(const struct toll_subject *s, int64_t at_ms)
{
	return (int64_t)s->running * at_ms - s->since_sum_ms;
}

/* What runs counts for the new day alone from when it began. */
static void begin_day(struct toll_subject *s, const struct day *day)
{
	struct toll_meter *meter;

	s->before = s->used;
	s->before.ms += running_ms(s, day->since_ms);
	s->used = (struct toll_used){ .day = day->number };
	s->since_sum_ms = 0;
	LIST_FOREACH(meter, &s->meters, link) {
		meter->since_ms = day->since_ms;
		s->since_sum_ms += meter->since_ms;
	}
}

static void arm(struct toll_subject *s);

/* The clock was set back: what counts goes on, and what was used of a day that
 * comes again is used, which leaves less for what runs. */
static void repeat_day(struct toll_subject *s, const struct day *day)
{
	if (s->before.day >= day->number)
		s->used.ms += s->before.ms;
	s->before = (struct toll_used){ 0 };
	s->used.day = day->number;
	arm(s);
}

const struct day *toll_day(struct toll *toll)
{
	day_turn(&toll->day, clock_wall_ms(), now_ms());
	return &toll->day;
}

void toll_turn(struct toll_subject *s)
{
	const struct day *day = toll_day(s->gateway->toll);

	if (s->used.day < day->number)
		begin_day(s, day);
	else if (s->used.day > day->number)
		repeat_day(s, day);
}

/* ---- minutes ---- */

static int64_t used_ms(const struct toll_subject *s)
{
	return s->used.ms + running_ms(s, now_ms());
}

static int store(const struct toll_subject *s)
{
	const struct usage_row row = {
		.kind = (enum quota_kind)s->subject.kind,
		.name = s->subject.name,
		.day = s->used.day,
		.seconds = (uint64_t)(s->used.ms + MS_PER_S - 1) / MS_PER_S,
	};
	int r = usage_put(s->gateway->db, &row, NULL, NULL);

	if (r)
		log_warn("usage=not-stored name=%s r=%d",
			 log_text(slice_of(s->subject.name)).s, r);
	return r;
}

/* That is to be told yet. */
static struct toll_meter *first_to_tell(struct toll_subject *s)
{
	struct toll_meter *meter;

	LIST_FOREACH(meter, &s->meters, link) {
		if (meter->over && !meter->told)
			return meter;
	}
	return NULL;
}

static void set_timer(struct toll_subject *s)
{
	int64_t left = s->allowed_ms - used_ms(s);
	int64_t ms = left > 0 ? (left + s->running - 1) / s->running : 0;
	const struct timeval tv = clock_timeval(ms);

	evtimer_add(s->over, &tv);
}

/* Who is told stops its meter, and perhaps more of them. */
static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct toll_subject *s = arg;
	struct toll_meter *meter;

	(void)fd;
	(void)what;
	toll_turn(s);
	if (used_ms(s) < s->allowed_ms) {
		if (s->running)
			set_timer(s);
		return;
	}
	while ((meter = first_to_tell(s))) {
		meter->told = true;
		meter->over(meter->arg);
	}
}

/* As many share what is left as run. */
static void arm(struct toll_subject *s)
{
	bool limited = s->running && s->allowed_ms != INT64_MAX;

	if (s->over)
		evtimer_del(s->over);
	if (!limited)
		return;
	if (!s->over)
		s->over = evtimer_new(s->gateway->base, on_over, s);
	if (s->over)
		set_timer(s);
	else
		log_error("limit=minutes name=%s what=\"no memory: its calls "
			  "of now are not ended by it\"",
			  log_text(slice_of(s->subject.name)).s);
}

int toll_start(struct gateway *gateway, struct toll_meter *meter,
	       enum toll_kind kind, const char *name, int64_t since_ms)
{
	struct toll_subject *s = toll_subject_take(gateway, kind, name);
	int64_t today_ms = gateway->toll->day.since_ms;

	if (!s)
		return -ENOMEM;
	meter->gateway = gateway;
	meter->of = s;
	meter->told = false;
	meter->since_ms = since_ms > today_ms ? since_ms : today_ms;
	s->running++;
	s->since_sum_ms += meter->since_ms;
	LIST_INSERT_HEAD(&s->meters, meter, link);
	arm(s);
	return 0;
}

void toll_stop(struct toll_meter *meter)
{
	struct toll_subject *s = meter->of;

	if (!s)
		return;
	toll_turn(s);
	LIST_REMOVE(meter, link);
	meter->of = NULL;
	s->running--;
	s->since_sum_ms -= meter->since_ms;
	s->used.ms += now_ms() - meter->since_ms;
	if (!s->running)
		s->allowed_ms = INT64_MAX;
	arm(s);
	(void)store(s);
}

int64_t toll_used_ms(struct gateway *gateway, enum toll_kind kind,
		     const char *name)
{
	const struct toll_subject *s = toll_subject_find(gateway, kind, name);

	return s ? used_ms(s) : 0;
}

void toll_allow(struct gateway *gateway, enum toll_kind kind, const char *name,
		int64_t ms)
{
	struct toll_subject *s = toll_subject_find(gateway, kind, name);

	if (!s || !s->running)
		return;
	s->allowed_ms = ms;
	arm(s);
}

void toll_each_running(struct gateway *gateway, toll_fn fn)
{
	struct subject *one = subjects_first(&gateway->toll->subjects);

	for (; one; one = subjects_next(one)) {
		if (((const struct toll_subject *)one)->running)
			fn(gateway, (enum toll_kind)one->kind, one->name);
	}
}

int toll_put_all(struct gateway *gateway)
{
	struct subject *one = subjects_first(&gateway->toll->subjects);
	int r = 0;

	for (; one; one = subjects_next(one)) {
		struct toll_subject *s = (struct toll_subject *)one;

		toll_turn(s);
		int bad = s->used.ms ? store(s) : 0;
		r = bad ? bad : r;
	}
	return r;
}

/* ---- what else changes them ---- */

/* One of a day that has not come yet was written before the clock was set back:
 * once that counts for today. */
void toll_load(struct toll_subject *s, int64_t day, int64_t ms)
{
	s->used.ms = ms;
	if (day > s->used.day)
		(void)store(s);
}

static void move_meters(struct toll_subject *old, struct toll_subject *new)
{
	struct toll_meter *meter;

	while ((meter = LIST_FIRST(&old->meters))) {
		LIST_REMOVE(meter, link);
		LIST_INSERT_HEAD(&new->meters, meter, link);
		meter->of = new;
	}
	new->running += old->running;
	new->since_sum_ms += old->since_sum_ms;
	new->allowed_ms = old->allowed_ms;
	old->running = 0;
	old->since_sum_ms = 0;
}

void toll_move_minutes(struct toll_subject *old, struct toll_subject *new)
{
	move_meters(old, new);
	new->used.ms += old->used.ms;
	new->before = old->before;
	old->used.ms = 0;
	old->before = (struct toll_used){ 0 };
	arm(old);
	arm(new);
}
