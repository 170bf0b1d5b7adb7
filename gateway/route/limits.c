/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/limits.h"

#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/rewrite.h"
#include "gateway/route/route.h"
#include "xmpp/jid.h"

enum {
	MINUTE_MS = 60 * 1000,
	DAY_MS = 24 * 3600 * 1000,
	MINUTE_S = 60,
	HALF_OPEN_MIN = 200,
	/* Accounts are those that own numbers, trunks the configured ones. */
	MAX_SUBJECTS = 100000,
};

/* An account or a trunk. */
struct subject {
	RB_ENTRY(subject) node;
	enum quota_kind kind;
	bool is_set; /* an administrator has: quota */
	struct config_quota quota;
	bool withhold;
	uint64_t minute_ms; /* when the minute that is counted began */
	unsigned attempts;  /* in it */
	int64_t day;
	uint64_t used_s; /* of that day */
	char name[];     /* a bare JID in lower case, or a trunk's */
};

RB_HEAD(subject_tree, subject);

struct limits {
	struct subject_tree subjects;
	size_t n;
};

static int compare(const struct subject *a, const struct subject *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

TREE_GENERATE(subject_tree, subject, node, compare)

/* ---- subjects ---- */

static struct subject *new_subject(enum quota_kind kind, const char *name)
{
	size_t cap = strlen(name) + 1;
	struct subject *s = calloc(1, sizeof(*s) + cap);

	if (!s)
		return NULL;
	s->kind = kind;
	/* The longest that a JID becomes in lower case is as long as it was. */
	if (kind != QUOTA_ACCOUNT || jid_bare(s->name, cap, name))
		memcpy(s->name, name, cap);
	return s;
}

static void free_quota(struct config_quota *quota)
{
	config_texts_fini(&quota->destinations.allow);
	config_texts_fini(&quota->destinations.deny);
	*quota = (struct config_quota){ 0 };
}

static void free_subject(struct subject *s)
{
	if (s)
		free_quota(&s->quota);
	free(s);
}

/* Made when it is not known yet; NULL without memory. */
static struct subject *take(struct limits *limits, enum quota_kind kind,
			    const char *name)
{
	struct subject *s = new_subject(kind, name);
	struct subject *known =
		s ? RB_FIND(subject_tree, &limits->subjects, s) : NULL;

	if (known || limits->n >= MAX_SUBJECTS) {
		free_subject(s);
		return known;
	}
	if (s) {
		RB_INSERT(subject_tree, &limits->subjects, s);
		limits->n++;
	}
	return s;
}

/* ---- what holds ---- */

static const struct config_quota *configured(const struct gateway *gateway,
					     const struct subject *s)
{
	static const struct config_quota none;
	const struct config_trunk *trunk;

	if (s->kind == QUOTA_ACCOUNT)
		return &gateway->config->limits.account;
	trunk = config_find_trunk(gateway->config, s->name);
	return trunk ? &trunk->quota : &none;
}

/* Shallow: the lists are borrowed. */
static struct config_quota quota_of(const struct gateway *gateway,
				    const struct subject *s)
{
	struct config_quota quota = *configured(gateway, s);
	const struct account *account =
		s->kind == QUOTA_ACCOUNT && gateway->accounts
			? account_find(gateway->accounts, s->name)
			: NULL;

	if (account && account->calls)
		quota.calls = account->calls;
	if (!s->is_set)
		return quota;
	if (s->quota.calls)
		quota.calls = s->quota.calls;
	if (s->quota.calls_per_minute)
		quota.calls_per_minute = s->quota.calls_per_minute;
	if (s->quota.minutes_per_day)
		quota.minutes_per_day = s->quota.minutes_per_day;
	if (s->quota.destinations.allow.n)
		quota.destinations.allow = s->quota.destinations.allow;
	if (s->quota.destinations.deny.n)
		quota.destinations.deny = s->quota.destinations.deny;
	return quota;
}

/* ---- counting ---- */

/* Whether its leg to a trunk is at the expense of @s: also while the billing
 * system is asked, or any number could be at once. */
static bool is_paid_by(const struct call *call, const struct subject *s)
{
	const struct fare *fare = call->fare;

	return fare &&
	       (call->fare_said == CALL_FARE_ALLOWED || call->question) &&
	       call->state != CALL_CLOSED &&
	       !strcmp(s->kind == QUOTA_ACCOUNT ? fare->account : fare->trunk,
		       s->name);
}

/* A call that is sent on may take two lines of one trunk. */
static unsigned lines_of(const struct call *call, const struct subject *s)
{
	bool paid = is_paid_by(call, s);

	if (s->kind == QUOTA_ACCOUNT)
		return paid && call->fare->diverted;
	if (call->state == CALL_CLOSED || !call->trunk)
		return 0;
	return !strcmp(call->trunk, s->name)
		       ? 1 + (paid && call->fare->diverted)
		       : paid;
}

static unsigned calls_of(const struct gateway *gateway, const struct subject *s)
{
	const struct call *call;
	unsigned n = s->kind == QUOTA_ACCOUNT
			     ? leg_xmpp_calls_of(gateway, s->name)
			     : 0;

	LIST_FOREACH(call, &gateway->calls, link)
	n += lines_of(call, s);
	return n;
}

static int64_t today(void)
{
	return clock_wall_ms() / DAY_MS;
}

static uint64_t used_of(const struct gateway *gateway, const struct subject *s)
{
	uint64_t seconds = s->day == today() ? s->used_s : 0;
	int64_t now = clock_wall_ms();
	const struct call *call;

	LIST_FOREACH(call, &gateway->calls, link)
	{
		int64_t since =
			is_paid_by(call, s) ? call_fare_since_ms(call) : 0;

		if (since && now > since)
			seconds += (uint64_t)(now - since) / 1000;
	}
	return seconds;
}

static unsigned attempts_of(const struct subject *s)
{
	return clock_ms() - s->minute_ms < MINUTE_MS ? s->attempts : 0;
}

static unsigned count_attempt(struct subject *s)
{
	if (!attempts_of(s)) {
		s->minute_ms = clock_ms();
		s->attempts = 0;
	}
	return ++s->attempts;
}

/* ---- what others ask ---- */

enum limit limits_at_once(struct gateway *gateway, enum quota_kind kind,
			  const char *name)
{
	struct subject *s = take(gateway->limits, kind, name);

	if (!s)
		return LIMIT_CALLS; /* no memory is no call */
	struct config_quota quota = quota_of(gateway, s);
	return quota.calls && calls_of(gateway, s) >= quota.calls ? LIMIT_CALLS
								  : LIMIT_NONE;
}

/* @attempts: in this minute, with the one that is asked for. */
static enum limit check(const struct gateway *gateway, const struct subject *s,
			const char *to, unsigned attempts)
{
	struct config_quota quota = quota_of(gateway, s);

	if (to && !rewrite_allows(&quota.destinations, to))
		return LIMIT_DESTINATION;
	if (quota.calls && calls_of(gateway, s) >= quota.calls)
		return LIMIT_CALLS;
	if (quota.calls_per_minute && attempts > quota.calls_per_minute)
		return LIMIT_RATE;
	if (to && quota.minutes_per_day &&
	    used_of(gateway, s) >= (uint64_t)quota.minutes_per_day * MINUTE_S)
		return LIMIT_MINUTES;
	return LIMIT_NONE;
}

enum limit limits_attempt(struct gateway *gateway, enum quota_kind kind,
			  const char *name, const char *to)
{
	struct subject *s = take(gateway->limits, kind, name);

	return s ? check(gateway, s, to, count_attempt(s)) : LIMIT_CALLS;
}

enum limit limits_check(struct gateway *gateway, enum quota_kind kind,
			const char *name, const char *to)
{
	struct subject *s = take(gateway->limits, kind, name);

	return s ? check(gateway, s, to, attempts_of(s) + 1) : LIMIT_CALLS;
}

enum limit limits_now(struct gateway *gateway, enum quota_kind kind,
		      const char *name, const char *to)
{
	struct subject *s = take(gateway->limits, kind, name);

	return s ? check(gateway, s, to, attempts_of(s)) : LIMIT_CALLS;
}

void limits_tried(struct gateway *gateway, enum quota_kind kind,
		  const char *name)
{
	struct subject *s = take(gateway->limits, kind, name);

	if (s)
		count_attempt(s);
}

static int64_t left_ms(struct gateway *gateway, enum quota_kind kind,
		       const char *name)
{
	struct subject *s = take(gateway->limits, kind, name);
	unsigned minutes = s ? quota_of(gateway, s).minutes_per_day : 0;
	int64_t used_s = minutes ? (int64_t)used_of(gateway, s) : 0;
	int64_t left_s = (int64_t)minutes * MINUTE_S - used_s;

	if (!minutes)
		return INT64_MAX;
	return left_s > 0 ? left_s * 1000 : 1;
}

int64_t limits_left_ms(struct gateway *gateway, const char *account,
		       const char *to, const char *trunk)
{
	const struct config_texts *emergency =
		&gateway->config->emergency.numbers;

	for (size_t i = 0; i < emergency->n; i++) {
		if (!strcmp(emergency->v[i], to))
			return INT64_MAX;
	}
	int64_t one = left_ms(gateway, QUOTA_ACCOUNT, account);
	int64_t other = left_ms(gateway, QUOTA_TRUNK, trunk);

	return one < other ? one : other;
}

static bool is_echo_name(const char *name)
{
	return name && !strcmp(name, ROUTE_ECHO_LOCAL);
}

static bool is_echo(const struct call *call)
{
	return call->state != CALL_CLOSED && !call->inbound &&
	       (is_echo_name(call->to) || is_echo_name(call->from));
}

enum limit limits_echo(struct gateway *gateway, const char *account)
{
	const struct call *call;
	unsigned n = 0;

	LIST_FOREACH(call, &gateway->calls, link)
	{
		if (!is_echo(call))
			continue;
		n++;
		if (jid_same_bare(call->account, account))
			return LIMIT_CALLS;
	}
	return n >= gateway->config->limits.echo_calls ? LIMIT_CALLS
						       : LIMIT_NONE;
}

unsigned limits_half_open(const struct config *config)
{
	unsigned calls = config->limits.calls, half = calls / 2;

	if (half < HALF_OPEN_MIN)
		half = HALF_OPEN_MIN;
	return half < calls ? half : calls;
}

/* Not take(): anybody may be asked about, also who owns no number. */
static struct subject *find_subject(struct limits *limits, enum quota_kind kind,
				    const char *name)
{
	struct subject *key = new_subject(kind, name);
	struct subject *found =
		key ? RB_FIND(subject_tree, &limits->subjects, key) : NULL;

	free_subject(key);
	return found;
}

const struct config_quota *limits_given(const struct gateway *gateway,
					enum quota_kind kind, const char *name,
					bool *withhold)
{
	const struct subject *s = find_subject(gateway->limits, kind, name);
	bool is_set = s && s->is_set;

	*withhold = is_set && s->withhold;
	return is_set ? &s->quota : NULL;
}

bool limits_withhold(struct gateway *gateway, const char *account)
{
	bool withhold;

	limits_given(gateway, QUOTA_ACCOUNT, account, &withhold);
	return withhold;
}

/* ---- the record ---- */

static void add_used(struct gateway *gateway, enum quota_kind kind,
		     const char *name, uint64_t seconds)
{
	struct subject *s = take(gateway->limits, kind, name);

	if (!s)
		return;
	if (s->day != today())
		s->used_s = 0;
	s->day = today();
	s->used_s += seconds;
	int r = usage_put(gateway->db,
			  &(struct usage_row){ .kind = kind,
					       .name = s->name,
					       .day = s->day,
					       .seconds = s->used_s },
			  NULL, NULL);
	if (r)
		log_warn("usage=not-stored name=%s r=%d",
			 log_text(slice_of(name)).s, r);
}

void limits_used(struct gateway *gateway, const char *account,
		 const char *trunk, uint64_t seconds)
{
	if (!gateway->limits)
		return;
	add_used(gateway, QUOTA_ACCOUNT, account, seconds);
	add_used(gateway, QUOTA_TRUNK, trunk, seconds);
}

static int read_prefixes(struct config_destinations *out,
			 const struct quota_row *row)
{
	int r = config_texts_parse(&out->allow, row->allow, config_is_prefix);

	return r ? r
		 : config_texts_parse(&out->deny, row->deny, config_is_prefix);
}

static int apply(struct limits *limits, const struct quota_row *row)
{
	struct config_quota quota = {
		.calls = row->calls,
		.calls_per_minute = row->calls_per_minute,
		.minutes_per_day = row->minutes_per_day,
	};
	int r = read_prefixes(&quota.destinations, row);
	struct subject *s = r ? NULL : take(limits, row->kind, row->name);

	if (!s) {
		free_quota(&quota);
		return r ? r : -ENOMEM;
	}
	free_quota(&s->quota);
	s->quota = quota;
	s->withhold = row->withhold;
	s->is_set = true;
	return 0;
}

int limits_set(struct gateway *gateway, const struct quota_row *row)
{
	struct config_quota scrap = { 0 };
	int r = read_prefixes(&scrap.destinations, row);

	free_quota(&scrap);
	if (!r && !take(gateway->limits, row->kind, row->name))
		r = -ENOMEM;
	if (!r)
		r = quota_put(gateway->db, row, NULL, NULL);
	return r ? r : apply(gateway->limits, row);
}

void limits_forget(struct gateway *gateway, enum quota_kind kind,
		   const char *name)
{
	struct subject *s = find_subject(gateway->limits, kind, name);

	if (!s)
		return;
	free_quota(&s->quota);
	s->is_set = s->withhold = false;
}

int limits_prepare(struct gateway *gateway, const char *to)
{
	return take(gateway->limits, QUOTA_ACCOUNT, to) ? 0 : -ENOMEM;
}

void limits_move(struct gateway *gateway, const char *from, const char *to)
{
	struct subject *old =
		find_subject(gateway->limits, QUOTA_ACCOUNT, from);
	struct subject *new = find_subject(gateway->limits, QUOTA_ACCOUNT, to);

	if (!old || !new)
		return;
	free_quota(&new->quota);
	new->quota = old->quota;
	new->is_set = old->is_set;
	new->withhold = old->withhold;
	new->minute_ms = old->minute_ms;
	new->attempts = old->attempts;
	new->day = old->day;
	new->used_s = old->used_s;
	old->quota = (struct config_quota){ 0 };
	old->is_set = old->withhold = false;
	old->attempts = 0;
	old->used_s = 0;
}

int limits_unset(struct gateway *gateway, enum quota_kind kind,
		 const char *name)
{
	struct subject *s = take(gateway->limits, kind, name);
	int r = s ? quota_drop(gateway->db, kind, s->name, NULL, NULL)
		  : -ENOMEM;

	if (!r)
		limits_forget(gateway, kind, name);
	return r;
}

/* ---- life ---- */

struct load {
	struct limits *limits;
	int result;
};

static void on_quota(const void *data, void *arg)
{
	const struct quota_row *row = data;
	struct load *load = arg;
	int r = apply(load->limits, row);

	if (r == -EINVAL)
		log_error(
			"quota=unreadable name=%s: the configured limits hold",
			log_text(slice_of(row->name)).s);
	else if (r)
		load->result = r;
}

static void on_usage(const void *data, void *arg)
{
	const struct usage_row *row = data;
	struct load *load = arg;
	struct subject *s;

	if (row->day != today())
		return;
	s = take(load->limits, row->kind, row->name);
	if (!s) {
		load->result = -ENOMEM;
		return;
	}
	s->day = row->day;
	s->used_s = row->seconds;
}

int limits_new(struct gateway *gateway)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	struct load load = { limits, 0 };

	if (!limits)
		return -ENOMEM;
	RB_INIT(&limits->subjects);
	gateway->limits = limits;
	int r = quota_load_all(gateway->db, on_quota, &load);
	if (!r)
		r = usage_load_all(gateway->db, on_usage, &load);
	return r ? r : load.result;
}

void limits_free(struct gateway *gateway)
{
	struct limits *limits = gateway->limits;
	struct subject *s;

	gateway->limits = NULL;
	if (!limits)
		return;
	while ((s = RB_MIN(subject_tree, &limits->subjects))) {
		RB_REMOVE(subject_tree, &limits->subjects, s);
		free_subject(s);
	}
	free(limits);
}

const char *limit_name(enum limit limit)
{
	static const char *const names[] = { [LIMIT_NONE] = "none",
					     [LIMIT_CALLS] = "calls",
					     [LIMIT_RATE] = "rate",
					     [LIMIT_DESTINATION] =
						     "destination",
					     [LIMIT_MINUTES] = "minutes" };

	return names[limit];
}
