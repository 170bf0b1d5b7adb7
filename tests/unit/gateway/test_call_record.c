/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* However a call ends it has one record, with what was true of it. */
#include "tests/unit/gateway/call_rig.h"

/* ---- how far it comes ---- */

static void new_call(void)
{
}

static void called(void)
{
	leg_calls(a);
}

static void ringing(void)
{
	leg_calls(a);
	leg_rings(b);
}

static void up(void)
{
	come_up();
}

static void asked(void)
{
	billed = true;
	leg_calls(a);
}

/* The echo and calls within the house. */
static void local_up(void)
{
	struct call_parties local = parties;

	call_hangup(call, CAUSE_NORMAL);
	local.trunk = "";
	local.fare = NULL;
	assert_int_equal(begin_with(&local), 0);
	come_up();
}

/* ---- how it ends ---- */

static void caller_gives_up(void)
{
	leg_ends(a, CAUSE_CANCEL, NULL);
}

static void caller_hangs_up(void)
{
	leg_ends(a, CAUSE_NORMAL, NULL);
}

static void callee_hangs_up(void)
{
	leg_ends(b, CAUSE_NORMAL, "bye");
}

static void callee_is_busy(void)
{
	leg_ends(b, CAUSE_BUSY, NULL);
}

static void callee_declines(void)
{
	leg_ends(b, CAUSE_DECLINE, NULL);
}

static void number_is_unknown(void)
{
	leg_ends(b, CAUSE_UNKNOWN_NUMBER, NULL);
}

static void nobody_answers(void)
{
	call->callee_deadline_ms = clock_ms();
	call_arm(call);
	event_base_loop(gateway.base, EVLOOP_ONCE);
}

static void nobody_pays(void)
{
	let_begin(false, 0, "Top up first.");
}

static void media_is_lost(void)
{
	bridge_events->failed(MEDIA_SIDE_A, MEDIA_FAIL_CONSENT, bridge_arg);
}

static void media_is_refused(void)
{
	bridge_events->failed(MEDIA_SIDE_A, MEDIA_FAIL_FINGERPRINT, bridge_arg);
}

static void administrator_ends_it(void)
{
	call_hangup(call, CAUSE_NORMAL);
}

static void gateway_stops(void)
{
	call_hangup(call, CAUSE_SHUTDOWN);
}

static void it_lasts_too_long(void)
{
	call->answered_ms -= (int64_t)config.limits.call_duration_s * 1000;
	call_arm(call);
	event_base_loop(gateway.base, EVLOOP_ONCE);
}

static void credit_is_used_up(void)
{
	call->fares[MEDIA_SIDE_B].credit_ms = 1000;
	call->answered_ms -= 1000;
	call_arm(call);
	event_base_loop(gateway.base, EVLOOP_ONCE);
}

static const struct way {
	const char *name;
	void (*comes)(void), (*ends)(void);
	const char *cause;
	enum cdr_end by;
	bool rang, answered;
	const char *text; /* NULL: the cause's own, or none */
} ways[] = {
	{ "given up before it was called", new_call, caller_gives_up, "cancel",
	  CDR_END_CALLER, false, false, NULL },
	{ "given up before it rang", called, caller_gives_up, "cancel",
	  CDR_END_CALLER, false, false, NULL },
	{ "given up as it rang", ringing, caller_gives_up, "cancel",
	  CDR_END_CALLER, true, false, NULL },
	{ "busy", called, callee_is_busy, "busy", CDR_END_CALLEE, false, false,
	  NULL },
	{ "declined", ringing, callee_declines, "decline", CDR_END_CALLEE, true,
	  false, NULL },
	{ "no such number", called, number_is_unknown, "unknown-number",
	  CDR_END_CALLEE, false, false, NULL },
	{ "no answer", ringing, nobody_answers, "no-answer", CDR_END_GATEWAY,
	  true, false, "Nobody answered." },
	{ "not paid for", asked, nobody_pays, "credit", CDR_END_GATEWAY, false,
	  false, "Top up first." },
	{ "given up while asked about", asked, caller_gives_up, "cancel",
	  CDR_END_CALLER, false, false, NULL },
	{ "hung up by the caller", up, caller_hangs_up, "normal",
	  CDR_END_CALLER, false, true, NULL },
	{ "hung up by the callee", up, callee_hangs_up, "normal",
	  CDR_END_CALLEE, false, true, "bye" },
	{ "hung up within the house", local_up, caller_hangs_up, "normal",
	  CDR_END_CALLER, false, true, NULL },
	{ "without audio", up, media_is_lost, "media-lost", CDR_END_GATEWAY,
	  false, true, "The audio connection was lost." },
	{ "with a false certificate", up, media_is_refused, "security",
	  CDR_END_GATEWAY, false, true,
	  "The encryption could not be verified." },
	{ "by an administrator", up, administrator_ends_it, "normal",
	  CDR_END_GATEWAY, false, true, NULL },
	{ "by an administrator as it rang", ringing, administrator_ends_it,
	  "normal", CDR_END_GATEWAY, true, false, NULL },
	{ "with the gateway", up, gateway_stops, "shutdown", CDR_END_GATEWAY,
	  false, true, "The gateway is being restarted." },
	{ "after limits.call_duration_s", up, it_lasts_too_long, "normal",
	  CDR_END_GATEWAY, false, true,
	  "This call has lasted as long as calls may." },
	{ "with its credit", up, credit_is_used_up, "credit", CDR_END_GATEWAY,
	  false, true, "The credit of this account does not cover it." },
};

static unsigned count_records(void)
{
	unsigned n = 0;

	for (const char *at = said; (at = strstr(at, "record")); at++)
		n++;
	return n;
}

static void judge(const struct way *way)
{
	bool well = count_records() == 1 && !strcmp(record.cause, way->cause) &&
		    record.ended_by == way->by &&
		    !record.ringing_ms == !way->rang &&
		    !record.answered_ms == !way->answered &&
		    record.ended_ms >= record.started_ms &&
		    (!way->text || !strcmp(record.end_text, way->text)) &&
		    record.sip_status && record.q850;

	if (!well)
		fail_msg("%s: %u records, cause %s by %d, rang %lld, answered "
			 "%lld, \"%s\"",
			 way->name, count_records(), record.cause,
			 (int)record.ended_by, (long long)record.ringing_ms,
			 (long long)record.answered_ms, record.end_text);
}

static void each_way_to_end_has_one_true_record(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *way = &ways[i];

		assert_int_equal(begin(state), 0);
		way->comes();
		said[0] = '\0';
		record = (struct cdr){ .cause = "none" };
		way->ends();
		assert_string_equal(call_state_name(call), "closed");
		/* late words of either side change nothing */
		leg_ends(a, CAUSE_BUSY, NULL);
		leg_ends(b, CAUSE_BUSY, NULL);
		call_hangup(call, CAUSE_FAILED);
		judge(way);
		assert_int_equal(finish(state), 0);
	}
}

/* What was talked is what passed, whatever the wall clock says meanwhile. */
static void its_times_are_those_that_passed(void **state)
{
	(void)state;
	come_up();
	call->answered_ms -= 90000;
	call->started_ms -= 90000;
	call->begun_ms -= 90000;
	leg_ends(a, CAUSE_NORMAL, NULL);
	assert_in_range(record.ended_ms - record.answered_ms, 90000, 95000);
	assert_true(record.answered_ms >= record.started_ms);
}

/* Of one that is not up there may be nothing to write yet. */
static void its_rows_are_written_again_to_another_file(void **state)
{
	int r = 0;

	(void)state;
	said[0] = '\0';
	assert_false(call_record_some(&gateway, true, &r));
	expect("keep");
	come_up();
	rows_stay = true;
	call_record_refresh(call);
	said[0] = '\0';
	call_record_refresh(call);
	expect("");
	assert_false(call_record_some(&gateway, true, &r));
	expect("store keep");
	assert_false(call_record_some(&gateway, false, &r));
	expect("");
	assert_int_equal(r, 0);
	rows_stay = false;
}

/* So that whoever is there when we have died ends it, and says when it rang. */
static void a_call_that_is_not_answered_is_in_the_table_as_well(void **state)
{
	unsigned called_rows;

	(void)state;
	setup_rows = 0;
	setup_rang_ms = 0;
	leg_calls(a);
	called_rows = setup_rows;
	assert_true(called_rows > 0);
	assert_int_equal(setup_rang_ms, 0);
	leg_rings(b);
	assert_true(setup_rows > called_rows);
	assert_int_equal(setup_rang_ms, call->rang_ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_to_end_has_one_true_record),
		CALL_TEST(its_times_are_those_that_passed),
		CALL_TEST(its_rows_are_written_again_to_another_file),
		CALL_TEST(a_call_that_is_not_answered_is_in_the_table_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
