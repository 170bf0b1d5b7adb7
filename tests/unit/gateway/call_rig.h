/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A call, with two legs, a bridge, a database and a billing system that only
 * note what they are told. */
#pragma once

#include "gateway/call/call.h"
#include "gateway/route/limits.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/cdr.h"
#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/call/hunt.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg.h"
#include "gateway/outbox.h"
#include "gateway/trace/trace.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/watch.h"
#include "media/bridge.h"
#include "media/negotiate.h"
#include "media/resume.h"
#include "tests/test.h"

/* ---- what the call said, in order ---- */

static char said[2000];

static inline void say(const char *what)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s%s", n ? " " : "", what);
}

static inline void expect(const char *words)
{
	assert_string_equal(said, words);
	said[0] = '\0';
}

/* ---- a bridge ---- */

static const struct bridge_handlers *bridge_events;
static void *bridge_arg;
static bool bridge_takes_digits = true;
static struct media_map maps[2];

int bridge_new(struct bridge **out, struct media *media, const char *name,
	       const struct bridge_handlers *handlers, void *arg)
{
	(void)media;
	(void)name;
	bridge_events = handlers;
	bridge_arg = arg;
	*out = (struct bridge *)&bridge_arg;
	return 0;
}

struct bridge *bridge_free(struct bridge *bridge)
{
	(void)bridge;
	return NULL;
}

int bridge_open(struct bridge *bridge, enum media_side side,
		enum media_transport transport, bool offerer,
		const struct addr *peer)
{
	(void)bridge;
	(void)transport;
	(void)offerer;
	(void)peer;
	say(side == MEDIA_SIDE_A ? "a-open" : "b-open");
	return 0;
}

int bridge_close(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	say(side == MEDIA_SIDE_A ? "a-close" : "b-close");
	return 0;
}

static bool caller_has_no_media; /* as an echo */

bool bridge_is_open(const struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	return side == MEDIA_SIDE_B || !caller_has_no_media;
}

int bridge_map(struct bridge *bridge, enum media_side from,
	       const struct media_map *map)
{
	(void)bridge;
	maps[from] = *map;
	return 0;
}

int bridge_direction(struct bridge *bridge, enum media_side side,
		     enum media_dir dir)
{
	static const char *const words[2][4] = {
		{ "a-none", "a-send", "a-recv", "" },
		{ "b-none", "b-send", "b-recv", "" },
	};

	(void)bridge;
	if (*words[side][dir])
		say(words[side][dir]);
	return 0;
}

int bridge_digit(struct bridge *bridge, enum media_side side, char digit,
		 unsigned duration_ms)
{
	(void)bridge;
	(void)digit;
	(void)duration_ms;
	say(side == MEDIA_SIDE_A ? "a-tone" : "b-tone");
	return bridge_takes_digits ? 0 : -EINVAL;
}

int bridge_echo(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	(void)side;
	return 0;
}

int bridge_save(const struct bridge *bridge, enum media_side side,
		struct bridge_saved *out)
{
	(void)bridge;
	(void)side;
	(void)out;
	return -ENOTCONN;
}

void bridge_stats(const struct bridge *bridge, enum media_side side,
		  struct media_side_stats *out)
{
	(void)bridge;
	(void)side;
	memset(out, 0, sizeof(*out));
}

/* ---- a database ---- */

static struct cdr record;
static db_done_fn stored;
static void *stored_arg;
static bool rows_stay; /* what legs have to say is what they said before */

int session_digest(struct session_digest *out, const struct session_row *row)
{
	(void)row;
	*out = (struct session_digest){ { rows_stay ? 2 : 1 } };
	return 0;
}

bool session_digest_equal(const struct session_digest *a,
			  const struct session_digest *b)
{
	return rows_stay && !memcmp(a, b, sizeof(*a));
}

int session_put(struct db *db, const struct session_row *row, db_done_fn done,
		void *arg)
{
	(void)db;
	(void)row;
	stored = done;
	stored_arg = arg;
	say("store");
	return 0;
}

int64_t limits_left_ms(struct gateway *of, const char *account, const char *to,
		       const char *trunk)
{
	(void)of;
	(void)to;
	(void)account;
	(void)trunk;
	return INT64_MAX;
}

static char used_by[64]; /* the last, and for how long */
static uint64_t used_s;

void limits_used(struct gateway *of, const char *account, const char *trunk,
		 uint64_t seconds)
{
	(void)of;
	snprintf(used_by, sizeof(used_by), "%s %s", account, trunk);
	used_s = seconds;
}

static enum limit reached;

enum limit limits_now(struct gateway *of, enum quota_kind kind,
		      const char *name, const char *to)
{
	(void)of;
	(void)name;
	(void)to;
	return kind == QUOTA_ACCOUNT ? reached : LIMIT_NONE;
}

const char *limit_name(enum limit limit)
{
	return limit ? "minutes" : "none";
}

void db_forget(struct db *db, const void *arg)
{
	(void)db;
	(void)arg;
}

/* ---- who looks on ---- */

void trace_call_changed(const struct call *call, const char *from,
			const char *event, const char *to)
{
	(void)call;
	assert_string_not_equal(from, to);
	assert_non_null(event);
}

void trace_media_changed(const struct call *call, enum media_side side,
			 const char *what)
{
	(void)call;
	(void)side;
	assert_non_null(what);
}

void watch_call_began(struct gateway *gateway)
{
	(void)gateway;
}

void watch_call_ended(const struct call *call, const struct cdr *cdr)
{
	(void)call;
	(void)cdr;
}

void watch_media_failed(const struct call *call, enum media_side side,
			const char *why)
{
	(void)call;
	(void)side;
	(void)why;
}

struct quality *quality_free(struct quality *quality)
{
	assert_null(quality);
	return NULL;
}

/* ---- the billing system ---- */

static bool billed, question_open;
static bill_answer_fn bill_answers;
static char asked_of[256];
static void *bill_arg;

bool bill_asks(const struct gateway *of)
{
	(void)of;
	return billed;
}

bool bill_pushes(const struct gateway *of)
{
	(void)of;
	return billed;
}

void bill_record_written(struct gateway *of)
{
	(void)of;
}

int bill_ask(struct question **out, struct gateway *of,
	     const struct bill_request *request, bill_answer_fn fn, void *arg)
{
	static char question;

	(void)of;
	say("asked");
	snprintf(asked_of, sizeof(asked_of), "%s %s %s %s %s",
		 request->inbound ? "in" : "out", request->account,
		 request->from, request->to, request->trunk);
	*out = (struct question *)&question;
	question_open = true;
	bill_answers = fn;
	bill_arg = arg;
	return 0;
}

struct question *question_free(struct question *question)
{
	if (question)
		question_open = false;
	return NULL;
}

const char *cdr_end_name(enum cdr_end end)
{
	(void)end;
	return "end";
}

int cdr_put(struct db *db, const struct cdr *cdr, db_done_fn done, void *arg)
{
	(void)db;
	(void)done;
	(void)arg;
	record = *cdr;
	say("record");
	return 0;
}

/* ---- texts: of calls that were missed ---- */

int outbox_send(struct gateway *of, const struct stanza *stanza,
		db_done_fn done, void *arg)
{
	(void)of;
	(void)stanza;
	(void)done;
	(void)arg;
	return 0;
}

/* ---- legs ---- */

static const char *word(const struct leg *leg, const char *what)
{
	static char text[64];

	snprintf(text, sizeof(text), "%c-%s",
		 leg->side == MEDIA_SIDE_A ? 'a' : 'b', what);
	return text;
}

static inline int fake_offer(struct leg *leg, const struct media_desc *offer)
{
	say(word(leg, "offer"));
	leg->offerer = true;
	return leg_set_local(leg, offer);
}

static inline int fake_ring(struct leg *leg)
{
	say(word(leg, "ring"));
	return 0;
}

static inline int fake_proceed(struct leg *leg)
{
	say(word(leg, "proceed"));
	return 0;
}

static inline int fake_answer(struct leg *leg, const struct media_desc *answer)
{
	say(word(leg, "answer"));
	return leg_set_local(leg, answer);
}

static inline int fake_reoffer(struct leg *leg)
{
	say(word(leg, "reoffer"));
	return 0;
}

static inline int fake_hold(struct leg *leg, bool on)
{
	say(word(leg, on ? "hold" : "resume"));
	return 0;
}

static inline int fake_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	(void)digit;
	(void)duration_ms;
	say(word(leg, "digit"));
	return 0;
}

static inline int fake_restart(struct leg *leg)
{
	say(word(leg, "restart"));
	return 0;
}

static inline void fake_hangup(struct leg *leg, enum cause cause,
			       const char *text)
{
	(void)text;
	say(word(leg, cause_name(cause)));
}

static inline int fake_store(struct leg *leg, struct session_row *row)
{
	return leg->side == MEDIA_SIDE_A ? call_record_put(leg->call, row) : 0;
}

static inline struct leg *fake_free(struct leg *leg)
{
	leg_fini(leg);
	free(leg);
	return NULL;
}

static const struct leg_ops fake_ops = {
	.name = "fake",
	.offer = fake_offer,
	.ring = fake_ring,
	.proceed = fake_proceed,
	.answer = fake_answer,
	.reoffer = fake_reoffer,
	.hold = fake_hold,
	.digit = fake_digit,
	.restart = fake_restart,
	.hangup = fake_hangup,
	.store = fake_store,
	.free = fake_free,
};

/* ---- a call to drive ---- */

static struct config config = { .limits = { .calls = 2,
					    .call_duration_s = 3600 } };
static struct gateway gateway;
static struct leg *a, *b;
static struct call *call;

static inline struct leg *new_leg(void)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	assert_non_null(leg);
	leg->ops = &fake_ops;
	return leg;
}

static unsigned made; /* by hunts */

static inline int make_leg(struct leg **out, struct gateway *of, void *arg)
{
	(void)of;
	(void)arg;
	*out = b = new_leg();
	made++;
	return 0;
}

static inline int begin_with(const struct call_parties *parties)
{
	a = new_leg();
	b = new_leg();
	return call_new(&call, &gateway, parties, a, b);
}

static const struct fare own_fare = { .account = (char *)"alice@example.org",
				      .from = (char *)"+15557654321",
				      .to = (char *)"+15551234567",
				      .trunk = (char *)"carrier" };

static const struct call_parties parties = { .account = "alice@example.org",
					     .from = "alice@example.org",
					     .to = "+15551234567",
					     .trunk = "carrier",
					     .fare = &own_fare,
					     .ring_timeout_ms = 60000 };

static inline int begin(void **state)
{
	(void)state;
	said[0] = '\0';
	bridge_takes_digits = true;
	reached = LIMIT_NONE;
	used_by[0] = '\0';
	billed = false;
	gateway =
		(struct gateway){ .config = &config, .base = event_base_new() };
	LIST_INIT(&gateway.calls);
	return begin_with(&parties);
}

static inline int finish(void **state)
{
	(void)state;
	call_end_all(&gateway, CAUSE_SHUTDOWN);
	assert_int_equal(gateway.ncalls, 0);
	event_base_free(gateway.base);
	return 0;
}

static inline void describe(struct leg *leg)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;

	assert_int_equal(negotiate_caps(&desc), 0);
	assert_int_equal(leg_set_remote(leg, desc), 0);
}

static inline void ready(enum media_side side)
{
	bridge_events->ready(side, bridge_arg);
}

static inline void calls_blind(void)
{
	leg_calls(a);
	expect("b-offer");
}

static inline void answers(void)
{
	describe(b);
	leg_answers(b);
}

static inline void to_disk(void)
{
	stored(0, stored_arg);
}

/* All the way up, the caller's offer known at once. */
static inline void come_up(void)
{
	describe(a);
	leg_offers(a);
	answers();
	ready(MEDIA_SIDE_B);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
	said[0] = '\0';
}

static inline void let_begin(bool allowed, uint32_t seconds, const char *reason)
{
	const struct bill_answer answer = { .allowed = allowed,
					    .seconds = seconds,
					    .reason = reason };

	bill_answers(&answer, bill_arg);
}

#define CALL_TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)
