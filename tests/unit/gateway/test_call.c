/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The call's table of states, driven by events alone: two legs that write down
 * what they are told, and a bridge and a database that do the same.
 */
#include "gateway/route/limits.h"
#include "gateway/call/call.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/cdr.h"
#include "db/session.h"
#include "gateway/gateway.h"
#include "gateway/base/clock.h"
#include "gateway/bill/bill.h"
#include "gateway/call/hunt.h"
#include "gateway/leg/leg.h"
#include "gateway/outbox.h"
#include "media/bridge.h"
#include "media/negotiate.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/watch.h"
#include "media/resume.h"
#include "tests/test.h"

/* ---- what the call said, in order ---- */

static char said[2000];

static void say(const char *what)
{
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s%s", n ? " " : "", what);
}

static void expect(const char *words)
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

int bridge_close(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	say(side == MEDIA_SIDE_A ? "a-close" : "b-close");
	return 0;
}

bool bridge_is_open(const struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	(void)side;
	return true;
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

int session_drop(struct db *db, const char *call, db_done_fn done, void *arg)
{
	(void)db;
	(void)call;
	(void)done;
	(void)arg;
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

void limits_used(struct gateway *of, const char *account, const char *trunk,
		 uint64_t seconds)
{
	(void)of;
	(void)account;
	(void)trunk;
	(void)seconds;
}

void db_forget(struct db *db, const void *arg)
{
	(void)db;
	(void)arg;
}

/* ---- who looks on ---- */

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
	assert_string_equal(request->trunk, "carrier");
	say("asked");
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

static int fake_offer(struct leg *leg, const struct media_desc *offer)
{
	say(word(leg, "offer"));
	leg->offerer = true;
	return leg_set_local(leg, offer);
}

static int fake_ring(struct leg *leg)
{
	say(word(leg, "ring"));
	return 0;
}

static int fake_proceed(struct leg *leg)
{
	say(word(leg, "proceed"));
	return 0;
}

static int fake_answer(struct leg *leg, const struct media_desc *answer)
{
	say(word(leg, "answer"));
	return leg_set_local(leg, answer);
}

static int fake_reoffer(struct leg *leg)
{
	say(word(leg, "reoffer"));
	return 0;
}

static int fake_hold(struct leg *leg, bool on)
{
	say(word(leg, on ? "hold" : "resume"));
	return 0;
}

static int fake_digit(struct leg *leg, char digit, unsigned duration_ms)
{
	(void)digit;
	(void)duration_ms;
	say(word(leg, "digit"));
	return 0;
}

static int fake_restart(struct leg *leg)
{
	say(word(leg, "restart"));
	return 0;
}

static void fake_hangup(struct leg *leg, enum cause cause, const char *text)
{
	(void)text;
	say(word(leg, cause_name(cause)));
}

static int fake_store(struct leg *leg, struct session_row *row)
{
	return leg->side == MEDIA_SIDE_A ? call_record_put(leg->call, row) : 0;
}

static struct leg *fake_free(struct leg *leg)
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

static struct leg *new_leg(void)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	assert_non_null(leg);
	leg->ops = &fake_ops;
	return leg;
}

static int begin_with(const struct call_parties *parties)
{
	a = new_leg();
	b = new_leg();
	return call_new(&call, &gateway, parties, a, b);
}

static const struct call_parties parties = { .account = "alice@example.org",
					     .from = "alice@example.org",
					     .to = "+15551234567",
					     .trunk = "carrier",
					     .ring_timeout_ms = 60000 };

static int begin(void **state)
{
	(void)state;
	said[0] = '\0';
	bridge_takes_digits = true;
	billed = false;
	gateway =
		(struct gateway){ .config = &config, .base = event_base_new() };
	LIST_INIT(&gateway.calls);
	return begin_with(&parties);
}

static int finish(void **state)
{
	(void)state;
	call_end_all(&gateway, CAUSE_SHUTDOWN);
	assert_int_equal(gateway.ncalls, 0);
	event_base_free(gateway.base);
	return 0;
}

static void describe(struct leg *leg)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;

	assert_int_equal(negotiate_caps(&desc), 0);
	assert_int_equal(leg_set_remote(leg, desc), 0);
}

static void ready(enum media_side side)
{
	bridge_events->ready(side, bridge_arg);
}

static void calls_blind(void)
{
	leg_calls(a);
	expect("b-offer");
}

static void answers(void)
{
	describe(b);
	leg_answers(b);
}

static void to_disk(void)
{
	stored(0, stored_arg);
}

/* All the way up, the caller's offer known at once. */
static void come_up(void)
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

static void a_proposed_call_is_asked_for_its_offer_when_answered(void **state)
{
	(void)state;
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	answers();
	expect("");
	ready(MEDIA_SIDE_B);
	expect("a-proceed");
	describe(a);
	leg_offers(a);
	expect("store");
	to_disk();
	expect("a-answer");
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
}

/* What a client says that has PCMA alone. */
static void describe_pcma(struct leg *leg)
{
	const struct media_content *audio;

	describe(leg);
	audio = leg_remote_audio(leg);
	assert_string_equal(audio->codecs[1].name, "PCMA");
	leg_remote_audio(leg)->codecs[0] = audio->codecs[1];
	leg_remote_audio(leg)->ncodecs = 1;
}

static void a_callee_that_would_send_another_codec_is_told_the_common_one(
	void **state)
{
	(void)state;
	calls_blind();
	answers();
	ready(MEDIA_SIDE_B);
	describe_pcma(a);
	leg_offers(a);
	expect("a-proceed store");
	to_disk();
	expect("a-answer b-reoffer");
	assert_int_equal(leg_local_audio(b)->ncodecs, 2);
	assert_string_equal(leg_local_audio(b)->codecs[0].name, "PCMA");
	assert_string_equal(leg_local_audio(b)->codecs[1].name,
			    "telephone-event");
	describe_pcma(b);
	leg_agrees(b);
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
}

static void a_callee_heard_early_is_told_the_common_codec_when_it_answers(
	void **state)
{
	(void)state;
	struct call_parties early = parties;

	early.early_answer = true;
	assert_int_equal(begin_with(&early), 0);
	calls_blind();
	describe(b);
	leg_rings_early(b);
	ready(MEDIA_SIDE_B);
	describe_pcma(a);
	leg_offers(a);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "early");
	expect("a-ring a-proceed store a-answer store");
	answers();
	expect("b-reoffer store");
	assert_string_equal(call_state_name(call), "up");
}

/* Its payload types are not those that we would have chosen. */
static void an_echo_has_the_callers_payload_types(void **state)
{
	(void)state;
	static struct leg_ops echo_ops;
	static const struct media_codec opus = { 96, 2, 48000, "opus", "" };

	echo_ops = fake_ops;
	echo_ops.echoes = true;
	b->ops = &echo_ops;
	calls_blind();
	answers();
	ready(MEDIA_SIDE_B);
	describe(a);
	leg_remote_audio(a)->codecs[0] = opus;
	leg_remote_audio(a)->ncodecs = 1;
	leg_offers(a);
	to_disk();
	assert_int_equal(maps[MEDIA_SIDE_A].rx[96].pt, 96);
	assert_int_equal(maps[MEDIA_SIDE_A].codec_pt, 96);
}

static void an_offered_call_is_answered_when_the_callees_media_flows(
	void **state)
{
	(void)state;
	describe(a);
	leg_offers(a);
	expect("b-offer");
	answers();
	expect("");
	ready(MEDIA_SIDE_B);
	expect("store");
	to_disk();
	expect("a-answer");
}

static void media_that_was_ready_early_is_not_waited_for(void **state)
{
	(void)state;
	describe(a);
	leg_offers(a);
	ready(MEDIA_SIDE_A);
	ready(MEDIA_SIDE_B);
	expect("b-offer");
	answers();
	expect("store");
	to_disk();
	expect("a-answer store");
	assert_string_equal(call_state_name(call), "up");
}

static void the_caller_gives_up_while_it_rings(void **state)
{
	(void)state;
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_int_equal(record.ended_by, CDR_END_CALLER);
	assert_string_equal(record.cause, "cancel");
	assert_int_equal(record.answered_ms, 0);
}

static void the_callee_refuses(void **state)
{
	(void)state;
	calls_blind();
	leg_ends(b, CAUSE_BUSY, "busy there");
	expect("a-busy record");
	assert_int_equal(record.ended_by, CDR_END_CALLEE);
}

static void either_side_hangs_up(void **state)
{
	(void)state;
	come_up();
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record");
	assert_true(record.answered_ms > 0);
	assert_int_equal(begin_with(&parties), 0);
	come_up();
	leg_ends(b, CAUSE_NORMAL, NULL);
	expect("a-normal record");
}

static void an_ended_call_hears_nothing_more(void **state)
{
	(void)state;
	come_up();
	leg_ends(a, CAUSE_NORMAL, NULL);
	expect("b-normal record");
	leg_ends(b, CAUSE_BUSY, NULL);
	leg_rings(b);
	leg_answers(b);
	leg_holds(b, true);
	ready(MEDIA_SIDE_A);
	bridge_events->failed(MEDIA_SIDE_A, MEDIA_FAIL_CONSENT, bridge_arg);
	expect("");
}

static void lost_media_ends_both_legs_with_a_reason(void **state)
{
	(void)state;
	come_up();
	bridge_events->failed(MEDIA_SIDE_A, MEDIA_FAIL_FINGERPRINT, bridge_arg);
	expect("a-security b-security record");
	assert_int_equal(record.ended_by, CDR_END_GATEWAY);
}

static void no_common_codec_ends_both_legs(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *audio;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &audio), 0);
	assert_int_equal(
		media_content_add_codec(
			audio, &(struct media_codec){ .pt = 18,
						      .clockrate = 8000,
						      .channels = 1,
						      .name = "G729" }),
		0);
	assert_int_equal(leg_set_remote(a, desc), 0);
	leg_offers(a);
	expect("a-incompatible b-incompatible record");
}

static void hold_reaches_the_other_side_once(void **state)
{
	(void)state;
	come_up();
	leg_holds(a, true);
	expect("a-none b-hold store");
	leg_holds(a, true);
	expect("");
	leg_holds(a, false);
	expect("b-resume store");
}

static void a_direction_in_a_new_offer_is_a_hold(void **state)
{
	(void)state;
	come_up();
	leg_remote_audio(b)->dir = MEDIA_SENDONLY;
	leg_offers(b);
	expect("b-answer b-recv a-hold store");
	leg_remote_audio(b)->dir = MEDIA_SENDRECV;
	leg_offers(b);
	expect("b-answer a-resume store");
}

static void digits_go_by_rtp_where_the_peer_takes_them(void **state)
{
	(void)state;
	come_up();
	leg_digit(a, '5', 100);
	expect("b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE); /* it has been played */
	bridge_takes_digits = false;
	leg_digit(a, '5', 100);
	expect("b-tone b-digit");
}

static void digits_come_one_after_the_other(void **state)
{
	(void)state;
	come_up();
	leg_digit(a, '1', 10);
	leg_digit(a, '2', 10);
	leg_digit(b, '3', 10);
	expect("b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-tone");
}

static void digits_before_the_answer_wait_for_it(void **state)
{
	(void)state;
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	assert_false(call_takes_digits(call));
	leg_digit(a, '1', 10);
	answers();
	assert_true(call_takes_digits(call));
	ready(MEDIA_SIDE_B);
	describe(a);
	leg_offers(a);
	to_disk();
	expect("a-proceed store a-answer");
	leg_digit(a, '2', 10);
	expect("");
	ready(MEDIA_SIDE_A);
	expect("store b-tone");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("b-tone");
	call_hangup(call, CAUSE_NORMAL);
	assert_false(call_takes_digits(call));
}

static void a_moved_address_restarts_that_leg(void **state)
{
	(void)state;
	come_up();
	bridge_events->moved(MEDIA_SIDE_A, bridge_arg);
	expect("a-restart");
}

static void early_media_rings_unless_the_policy_answers(void **state)
{
	(void)state;
	calls_blind();
	describe(b);
	leg_rings_early(b);
	expect("a-ring");
	assert_string_equal(call_state_name(call), "ringing");
}

static void by_policy_the_caller_hears_early_media(void **state)
{
	(void)state;
	struct call_parties early = parties;

	early.early_answer = true;
	assert_int_equal(begin_with(&early), 0);
	calls_blind();
	ready(MEDIA_SIDE_B);
	describe(b);
	leg_rings_early(b);
	expect("a-ring a-proceed");
	describe(a);
	leg_offers(a);
	to_disk();
	expect("store a-answer");
	ready(MEDIA_SIDE_A);
	expect("store");
	assert_string_equal(call_state_name(call), "early");
	leg_answers(b);
	assert_string_equal(call_state_name(call), "up");
}

static void too_many_calls_are_refused(void **state)
{
	(void)state;
	assert_int_equal(begin_with(&parties), 0);
	assert_int_equal(begin_with(&parties), -EAGAIN);
}

static void a_slow_disk_delays_but_does_not_end_a_call(void **state)
{
	(void)state;
	describe(a);
	leg_offers(a);
	answers();
	ready(MEDIA_SIDE_B);
	expect("b-offer store");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-answer");
}

static void nobody_answers(void **state)
{
	(void)state;
	struct call_parties impatient = parties;

	impatient.ring_timeout_ms = 20;
	assert_int_equal(begin_with(&impatient), 0);
	calls_blind();
	leg_rings(b);
	expect("a-ring");
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-no-answer b-no-answer record");
}

static void let_begin(bool allowed, uint32_t seconds, const char *reason)
{
	const struct bill_answer answer = { .allowed = allowed,
					    .answered = true,
					    .seconds = seconds,
					    .reason = reason };

	bill_answers(&answer, bill_arg);
}

static void nobody_is_called_before_it_is_paid_for(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	expect("asked");
	assert_string_equal(call_state_name(call), "asking");
	leg_digit(a, '1', 100);
	expect("");
	let_begin(true, 0, "");
	expect("b-offer");
	assert_false(question_open);
	leg_rings(b);
	expect("a-ring");
}

static void an_offer_waits_for_the_answer_too(void **state)
{
	(void)state;
	billed = true;
	describe(a);
	leg_offers(a);
	expect("asked");
	let_begin(true, 0, "");
	expect("b-offer");
}

static void who_may_not_is_told_why(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	expect("asked");
	let_begin(false, 0, "Top up first.");
	expect("a-credit b-credit record");
	assert_string_equal(record.end_text, "Top up first.");
	assert_string_equal(record.cause, "credit");
	assert_int_equal(record.sip_status, 402);
	assert_true(record.push);
}

static void without_words_there_are_words(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	let_begin(false, 0, "");
	assert_string_equal(record.end_text, cause_text(CAUSE_CREDIT));
}

static void a_call_is_given_up_while_it_is_asked_about(void **state)
{
	(void)state;
	billed = true;
	leg_calls(a);
	expect("asked");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_false(question_open);
}

static void a_call_within_the_house_is_not_asked_about(void **state)
{
	struct call_parties local = parties;

	(void)state;
	billed = true;
	local.trunk = "";
	assert_int_equal(begin_with(&local), 0);
	calls_blind();
}

static void an_emergency_call_is_not_asked_about(void **state)
{
	struct call_parties emergency = parties;

	(void)state;
	billed = true;
	emergency.emergency = true;
	assert_int_equal(begin_with(&emergency), 0);
	calls_blind();
}

static void a_call_ends_when_its_credit_does(void **state)
{
	uint64_t began = clock_ms();

	(void)state;
	billed = true;
	describe(a);
	leg_offers(a);
	let_begin(true, 1, "");
	answers();
	ready(MEDIA_SIDE_B);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
	said[0] = '\0';
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-credit b-credit record");
	assert_in_range(clock_ms() - began, 900, 3000);
	assert_string_equal(record.cause, "credit");
}

/* The ring deadline is not for setting up the media of who has picked up. */
static void who_has_picked_up_is_not_left_for_ringing_too_long(void **state)
{
	(void)state;
	struct call_parties impatient = parties;

	impatient.ring_timeout_ms = 20;
	assert_int_equal(begin_with(&impatient), 0);
	calls_blind();
	leg_rings(b);
	leg_proceeds(b);
	expect("a-ring");
	assert_string_equal(call_state_name(call), "picked-up");
	event_base_loopexit(gateway.base, &(struct timeval){ 0, 60000 });
	event_base_loop(gateway.base, 0);
	assert_string_equal(call_state_name(call), "picked-up");
	answers();
	ready(MEDIA_SIDE_B);
	expect("a-proceed");
}

static void who_has_picked_up_may_still_change_his_mind(void **state)
{
	(void)state;
	calls_blind();
	leg_proceeds(b);
	leg_ends(b, CAUSE_DECLINE, NULL);
	expect("a-decline record");
}

/* ---- several callees ---- */

static unsigned made;

static int make_leg(struct leg **out, struct gateway *of, void *arg)
{
	(void)of;
	(void)arg;
	*out = b = new_leg();
	made++;
	return 0;
}

static void hunt_by(const struct call_parties *of, unsigned n, unsigned ring_ms)
{
	struct call_parties several = *of;
	struct leg *first;

	made = 0;
	several.ring_timeout_ms = 200;
	assert_int_equal(hunt_new(&several.hunt, &gateway), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(hunt_add(several.hunt,
					  &(struct hunt_target){
						  .name = "a callee",
						  .trunk = "second",
						  .ring_ms = ring_ms,
						  .next_on = HUNT_ON_NOT_TAKEN,
						  .new_leg = make_leg }),
				 0);
	assert_int_equal(hunt_next(several.hunt, &first), 0);
	a = new_leg();
	assert_int_equal(call_new(&call, &gateway, &several, a, first), 0);
	calls_blind();
}

/* A call to @n callees one after the other, @ring_ms each. */
static void begin_hunt(unsigned n, unsigned ring_ms)
{
	hunt_by(&parties, n, ring_ms);
}

static void a_callee_who_refuses_leaves_the_call_to_the_next(void **state)
{
	(void)state;
	begin_hunt(2, 0);
	leg_rings(b);
	expect("a-ring");
	leg_ends(b, CAUSE_DECLINE, NULL);
	expect("b-close b-offer");
	assert_int_equal(made, 2);
	leg_rings(b);
	answers();
	ready(MEDIA_SIDE_B);
	expect("a-ring a-proceed");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_string_equal(record.trunk, "second");
}

static void a_call_from_a_trunk_stays_that_trunks(void **state)
{
	struct call_parties inbound = parties;

	(void)state;
	inbound.inbound = true;
	hunt_by(&inbound, 2, 0);
	leg_rings(b);
	expect("a-ring");
	leg_ends(b, CAUSE_DECLINE, NULL);
	expect("b-close b-offer");
	leg_ends(a, CAUSE_CANCEL, NULL);
	expect("b-cancel record");
	assert_string_equal(record.trunk, "carrier");
}

static void the_last_callees_end_is_the_calls(void **state)
{
	(void)state;
	begin_hunt(3, 0);
	leg_ends(b, CAUSE_BUSY, NULL);
	leg_ends(b, CAUSE_UNREACHABLE, NULL);
	leg_ends(b, CAUSE_DECLINE, "no");
	expect("b-close b-offer b-close b-offer a-busy record");
	assert_string_equal(record.cause, "busy");
}

static void a_cause_that_leads_nowhere_ends_the_hunt(void **state)
{
	(void)state;
	begin_hunt(2, 0);
	leg_ends(b, CAUSE_UNKNOWN_NUMBER, NULL);
	expect("a-unknown-number record");
	assert_int_equal(made, 1);
}

static void a_callee_that_rings_for_long_is_left(void **state)
{
	(void)state;
	const struct leg *first;

	begin_hunt(2, 20);
	leg_rings(b);
	expect("a-ring");
	first = b;
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("b-no-answer b-close b-offer");
	assert_ptr_not_equal(first, b);
	event_base_loop(gateway.base, EVLOOP_ONCE); /* the burial */
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-no-answer b-no-answer record");
}

static void a_callee_that_was_left_says_nothing_more(void **state)
{
	(void)state;
	struct leg *first;

	begin_hunt(2, 0);
	first = b;
	leg_ends(b, CAUSE_BUSY, NULL);
	expect("b-close b-offer");
	leg_rings(first);
	describe(first);
	leg_answers(first);
	leg_ends(first, CAUSE_BUSY, NULL);
	expect("");
	assert_string_equal(call_state_name(call), "offered");
}

static void all_of_them_have_the_calls_time(void **state)
{
	(void)state;
	begin_hunt(2, 100000);
	leg_rings(b);
	event_base_loop(gateway.base, EVLOOP_ONCE);
	expect("a-ring a-no-answer b-no-answer record");
	assert_int_equal(made, 1);
}

#define CALL_TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL_TEST(nobody_is_called_before_it_is_paid_for),
		CALL_TEST(an_offer_waits_for_the_answer_too),
		CALL_TEST(who_may_not_is_told_why),
		CALL_TEST(without_words_there_are_words),
		CALL_TEST(a_call_is_given_up_while_it_is_asked_about),
		CALL_TEST(a_call_within_the_house_is_not_asked_about),
		CALL_TEST(an_emergency_call_is_not_asked_about),
		CALL_TEST(a_call_ends_when_its_credit_does),
		CALL_TEST(a_proposed_call_is_asked_for_its_offer_when_answered),
		CALL_TEST(
			a_callee_that_would_send_another_codec_is_told_the_common_one),
		CALL_TEST(
			a_callee_heard_early_is_told_the_common_codec_when_it_answers),
		CALL_TEST(an_echo_has_the_callers_payload_types),
		CALL_TEST(
			an_offered_call_is_answered_when_the_callees_media_flows),
		CALL_TEST(media_that_was_ready_early_is_not_waited_for),
		CALL_TEST(the_caller_gives_up_while_it_rings),
		CALL_TEST(the_callee_refuses),
		CALL_TEST(either_side_hangs_up),
		CALL_TEST(an_ended_call_hears_nothing_more),
		CALL_TEST(lost_media_ends_both_legs_with_a_reason),
		CALL_TEST(no_common_codec_ends_both_legs),
		CALL_TEST(hold_reaches_the_other_side_once),
		CALL_TEST(a_direction_in_a_new_offer_is_a_hold),
		CALL_TEST(digits_go_by_rtp_where_the_peer_takes_them),
		CALL_TEST(digits_come_one_after_the_other),
		CALL_TEST(digits_before_the_answer_wait_for_it),
		CALL_TEST(a_moved_address_restarts_that_leg),
		CALL_TEST(early_media_rings_unless_the_policy_answers),
		CALL_TEST(by_policy_the_caller_hears_early_media),
		CALL_TEST(too_many_calls_are_refused),
		CALL_TEST(a_slow_disk_delays_but_does_not_end_a_call),
		CALL_TEST(nobody_answers),
		CALL_TEST(who_has_picked_up_is_not_left_for_ringing_too_long),
		CALL_TEST(who_has_picked_up_may_still_change_his_mind),
		CALL_TEST(a_callee_who_refuses_leaves_the_call_to_the_next),
		CALL_TEST(a_call_from_a_trunk_stays_that_trunks),
		CALL_TEST(the_last_callees_end_is_the_calls),
		CALL_TEST(a_cause_that_leads_nowhere_ends_the_hunt),
		CALL_TEST(a_callee_that_rings_for_long_is_left),
		CALL_TEST(a_callee_that_was_left_says_nothing_more),
		CALL_TEST(all_of_them_have_the_calls_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
