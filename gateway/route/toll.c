/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/toll.h"

#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/tree.h"
#include "gateway/gateway.h"
#include "gateway/route/day.h"
#include "xmpp/jid.h"

enum {
	MS_PER_S = 1000,
	MINUTE_MS = 60 * MS_PER_S,
	SWEEP_MIN = 1024, /* subjects, before any is looked at */
	/* Anybody may try to register. */
	SUBJECTS_MAX = 1 << 18,
};

/* What was used of a day. */
struct used {
	int64_t day;
	int64_t ms;
};

/* An account or a trunk. */
struct toll_subject {
	RB_ENTRY(toll_subject) node;
	struct gateway *gateway;
	enum toll_kind kind;
	LIST_HEAD(, toll_line) lines;
	unsigned calls;           /* in .lines */
	uint64_t minute_ms;       /* when the minute that is counted began */
	unsigned attempts;        /* in it */
	struct used used, before; /* by meters that have stopped */
	LIST_HEAD(, toll_meter) meters;
	unsigned running;     /* in .meters */
	int64_t since_sum_ms; /* of them */
	int64_t allowed_ms;   /* of the day; INT64_MAX: all of it */
	struct event *over;   /* NULL: never limited yet */
	const char *name;     /* a bare JID in lower case, or a trunk's */
	char text[];          /* what name points to */
};

RB_HEAD(subject_tree, toll_subject);

struct toll {
	struct subject_tree subjects;
	size_t n, sweep_at;
	uint64_t swept_ms; /* 0: not yet */
	struct day day;
};

static int compare(const struct toll_subject *a, const struct toll_subject *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

TREE_GENERATE(subject_tree, toll_subject, node, compare)

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
	s->used = (struct used){ .day = day->number };
	s->since_sum_ms = 0;
	LIST_FOREACH(meter, &s->meters, link)
	{
		meter->since_ms = day->since_ms;
		s->since_sum_ms += meter->since_ms;
	}
}

/* The clock was set back: what counts goes on, and what was used of a day that
 * comes again is used. */
static void repeat_day(struct toll_subject *s, const struct day *day)
{
	if (s->before.day >= day->number)
		s->used.ms += s->before.ms;
	s->before = (struct used){ 0 };
	s->used.day = day->number;
}

/* The day that it is. */
static const struct day *look(struct toll *toll)
{
	day_turn(&toll->day, clock_wall_ms(), now_ms());
	return &toll->day;
}

static void turn(struct toll_subject *s)
{
	const struct day *day = look(s->gateway->toll);

	if (s->used.day < day->number)
		begin_day(s, day);
	else if (s->used.day > day->number)
		repeat_day(s, day);
}

/* ---- subjects ---- */

/* As subjects are called; @buffer may hold it. */
static const char *key_of(char buffer[static JID_CAP], enum toll_kind kind,
			  const char *name)
{
	return kind == TOLL_TRUNK || jid_bare(buffer, JID_CAP, name) ? name
								     : buffer;
}

static struct toll_subject *new_subject(struct gateway *gateway,
					enum toll_kind kind, const char *name)
{
	size_t n = strlen(name) + 1;
	struct toll_subject *s = calloc(1, sizeof(*s) + n);

	if (!s)
		return NULL;
	s->gateway = gateway;
	s->kind = kind;
	s->name = memcpy(s->text, name, n);
	s->allowed_ms = INT64_MAX;
	LIST_INIT(&s->lines);
	LIST_INIT(&s->meters);
	return s;
}

static void free_subject(struct toll_subject *s)
{
	if (s && s->over)
		event_free(s->over);
	free(s);
}

static unsigned attempts_of(const struct toll_subject *s)
{
	return clock_ms() - s->minute_ms < MINUTE_MS ? s->attempts : 0;
}

/* Whether it says no more than one that was never heard of. */
static bool is_idle(struct toll_subject *s)
{
	turn(s);
	return !s->calls && !s->running && !s->used.ms && !s->before.ms &&
	       !attempts_of(s);
}

/* As often as there are twice as many as the last time: that is little for
 * each. When there are as many as may be, once a minute: no sooner are they
 * idle who have only tried. */
static void sweep(struct toll *toll)
{
	struct toll_subject *s, *next;

	if (toll->n == SUBJECTS_MAX && toll->swept_ms &&
	    clock_ms() - toll->swept_ms < MINUTE_MS)
		return;
	toll->swept_ms = clock_ms();
	RB_FOREACH_SAFE(s, subject_tree, &toll->subjects, next) {
		if (!is_idle(s))
			continue;
		RB_REMOVE(subject_tree, &toll->subjects, s);
		free_subject(s);
		toll->n--;
	}
	toll->sweep_at = toll->n < SWEEP_MIN / 2 ? SWEEP_MIN : 2 * toll->n;
	if (toll->sweep_at > SUBJECTS_MAX)
		toll->sweep_at = SUBJECTS_MAX;
}

/* @name as key_of() has it. */
static struct toll_subject *look_up(struct gateway *gateway,
				    enum toll_kind kind, const char *name)
{
	struct toll_subject key = { .kind = kind, .name = name };
	struct toll_subject *found =
		RB_FIND(subject_tree, &gateway->toll->subjects, &key);

	if (found)
		turn(found);
	return found;
}

static struct toll_subject *find(struct gateway *gateway, enum toll_kind kind,
				 const char *name)
{
	char buffer[JID_CAP];

	return look_up(gateway, kind, key_of(buffer, kind, name));
}

/* Made when it is not known yet; NULL without memory. */
static struct toll_subject *take(struct gateway *gateway, enum toll_kind kind,
				 const char *name)
{
	struct toll *toll = gateway->toll;
	char buffer[JID_CAP];
	const char *key = key_of(buffer, kind, name);
	struct toll_subject *s = look_up(gateway, kind, key);

	if (s)
		return s;
	if (toll->n >= toll->sweep_at)
		sweep(toll);
	if (toll->n < SUBJECTS_MAX)
		s = new_subject(gateway, kind, key);
	if (!s)
		return NULL;
	turn(s);
	RB_INSERT(subject_tree, &toll->subjects, s);
	toll->n++;
	return s;
}

/* ---- calls ---- */

int toll_take(struct gateway *gateway, struct toll_line *line,
	      enum toll_kind kind, const char *name)
{
	struct toll_subject *s = take(gateway, kind, name);

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
	const struct toll_subject *s = find(gateway, kind, name);

	return s ? s->calls : 0;
}

/* ---- attempts ---- */

unsigned toll_try(struct gateway *gateway, enum toll_kind kind,
		  const char *name)
{
	struct toll_subject *s = take(gateway, kind, name);

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
	const struct toll_subject *s = find(gateway, kind, name);

	return s ? attempts_of(s) : 0;
}

/* ---- minutes ---- */

static int64_t used_ms(const struct toll_subject *s)
{
	return s->used.ms + running_ms(s, now_ms());
}

static void store(const struct toll_subject *s)
{
	const struct usage_row row = {
		.kind = (enum quota_kind)s->kind,
		.name = s->name,
		.day = s->used.day,
		.seconds = (uint64_t)(s->used.ms + MS_PER_S - 1) / MS_PER_S,
	};
	int r = usage_put(s->gateway->db, &row, NULL, NULL);

	if (r)
		log_warn("usage=not-stored name=%s r=%d",
			 log_text(slice_of(s->name)).s, r);
}

/* That is to be told yet. */
static struct toll_meter *first_to_tell(struct toll_subject *s)
{
	struct toll_meter *meter;

	LIST_FOREACH(meter, &s->meters, link)
	{
		if (meter->over && !meter->told)
			return meter;
	}
	return NULL;
}

static void set_timer(struct toll_subject *s)
{
	int64_t left = s->allowed_ms - used_ms(s);
	int64_t ms = left > 0 ? (left + s->running - 1) / s->running : 0;
	const struct timeval tv = { ms / MS_PER_S, ms % MS_PER_S * 1000 };

	evtimer_add(s->over, &tv);
}

/* Who is told stops its meter, and perhaps more of them. */
static void on_over(evutil_socket_t fd, short what, void *arg)
{
	struct toll_subject *s = arg;
	struct toll_meter *meter;

	(void)fd;
	(void)what;
	turn(s);
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
			  log_text(slice_of(s->name)).s);
}

int toll_start(struct gateway *gateway, struct toll_meter *meter,
	       enum toll_kind kind, const char *name, int64_t since_ms)
{
	struct toll_subject *s = take(gateway, kind, name);
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
	turn(s);
	LIST_REMOVE(meter, link);
	meter->of = NULL;
	s->running--;
	s->since_sum_ms -= meter->since_ms;
	s->used.ms += now_ms() - meter->since_ms;
	if (!s->running)
		s->allowed_ms = INT64_MAX;
	arm(s);
	store(s);
}

int64_t toll_used_ms(struct gateway *gateway, enum toll_kind kind,
		     const char *name)
{
	const struct toll_subject *s = find(gateway, kind, name);

	return s ? used_ms(s) : 0;
}

void toll_allow(struct gateway *gateway, enum toll_kind kind, const char *name,
		int64_t ms)
{
	struct toll_subject *s = find(gateway, kind, name);

	if (!s || !s->running)
		return;
	s->allowed_ms = ms;
	arm(s);
}

void toll_each_running(struct gateway *gateway, toll_fn fn)
{
	struct toll_subject *s;

	RB_FOREACH(s, subject_tree, &gateway->toll->subjects) {
		if (s->running)
			fn(gateway, s->kind, s->name);
	}
}

/* ---- another name ---- */

int toll_prepare(struct gateway *gateway, const char *to)
{
	return take(gateway, TOLL_ACCOUNT, to) ? 0 : -ENOMEM;
}

static void move_handles(struct toll_subject *old, struct toll_subject *new)
{
	struct toll_meter *meter;
	struct toll_line *line;

	while ((line = LIST_FIRST(&old->lines))) {
		LIST_REMOVE(line, link);
		LIST_INSERT_HEAD(&new->lines, line, link);
		line->of = new;
	}
	while ((meter = LIST_FIRST(&old->meters))) {
		LIST_REMOVE(meter, link);
		LIST_INSERT_HEAD(&new->meters, meter, link);
		meter->of = new;
	}
	new->calls += old->calls;
	new->running += old->running;
	new->since_sum_ms += old->since_sum_ms;
	new->allowed_ms = old->allowed_ms;
	old->calls = old->running = 0;
	old->since_sum_ms = 0;
}

void toll_move(struct gateway *gateway, const char *from, const char *to)
{
	struct toll_subject *old = find(gateway, TOLL_ACCOUNT, from);
	struct toll_subject *new = find(gateway, TOLL_ACCOUNT, to);

	if (!old || !new)
		return;
	move_handles(old, new);
	new->minute_ms = old->minute_ms;
	new->attempts = old->attempts;
	new->used.ms += old->used.ms;
	new->before = old->before;
	old->attempts = 0;
	old->used.ms = 0;
	old->before = (struct used){ 0 };
	arm(old);
	arm(new);
}

/* ---- life ---- */

struct load {
	struct gateway *gateway;
	int result;
};

/* One of a day that has not come yet was written before the clock was set back:
 * once that counts for today. */
static void on_usage(const void *data, void *arg)
{
	const struct usage_row *row = data;
	struct load *load = arg;
	struct toll_subject *s;

	if (row->day < look(load->gateway->toll)->number)
		return;
	s = take(load->gateway, (enum toll_kind)row->kind, row->name);
	if (!s) {
		load->result = -ENOMEM;
		return;
	}
	s->used.ms = (int64_t)row->seconds * MS_PER_S;
	if (row->day > s->used.day)
		store(s);
}

int toll_new(struct gateway *gateway)
{
	struct toll *toll = calloc(1, sizeof(*toll));
	struct load load = { gateway, 0 };

	if (!toll)
		return -ENOMEM;
	RB_INIT(&toll->subjects);
	toll->sweep_at = SWEEP_MIN;
	gateway->toll = toll;
	int r = usage_load_all(gateway->db, on_usage, &load);
	return r ? r : load.result;
}

void toll_free(struct gateway *gateway)
{
	struct toll *toll = gateway->toll;
	struct toll_subject *s;

	gateway->toll = NULL;
	if (!toll)
		return;
	while ((s = RB_MIN(subject_tree, &toll->subjects))) {
		RB_REMOVE(subject_tree, &toll->subjects, s);
		free_subject(s);
	}
	free(toll);
}
