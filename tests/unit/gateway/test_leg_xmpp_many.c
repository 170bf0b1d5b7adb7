/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who has the call of a leg over XMPP when several could: accounts, devices
 * with and without proposals, and a device that takes a running call.
 */
#include "tests/unit/gateway/leg_rig.h"

/* ---- several accounts ---- */

static void all_accounts_ring_and_stop_when_one_answers(void **state)
{
	(void)state;
	offer_to(three, 3);
	expect("propose " ALICE "\npropose " BOB "\npropose " CAROL "\n");
	hear(JMI_RINGING, BOB "/tablet");
	hear(JMI_RINGING, PHONE);
	assert_int_equal(rang, 1);
	assert_int_equal(leg_xmpp_calls_of(&gateway, CAROL), 1);
	hear(JMI_PROCEED, BOB "/tablet");
	expect("retract " ALICE "\nretract " CAROL "\nsession-initiate " BOB
	       "/tablet\n");
	assert_string_equal(leg->ops->account(leg), BOB);
	assert_int_equal(leg_xmpp_calls_of(&gateway, CAROL), 0);
	assert_int_equal(leg_xmpp_calls_of(&gateway, "Bob@Example.org/any"), 1);
	/* late ones */
	hear(JMI_PROCEED, PHONE);
	expect("retract " PHONE "\nfinish " PHONE "\n");
	reject_from(CAROL "/x", REASON_BUSY);
	hear(JMI_RINGING, CAROL "/x");
	expect("");
	assert_int_equal(ended_by_peer, -1);
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " BOB "/tablet\nfinish " BOB "/tablet\n");
}

static void one_reject_leaves_it_to_the_others(void **state)
{
	(void)state;
	offer_to(three, 3);
	reject_from(PHONE, REASON_DECLINE);
	reject_from(ALICE "/other", REASON_BUSY);
	bounce_from(BOB);
	assert_int_equal(ended_by_peer, -1);
	said[0] = '\0';
	/* who has refused does not answer any more, and is not left waiting */
	hear(JMI_PROCEED, ALICE "/third");
	expect("retract " ALICE "/third\nfinish " ALICE "/third\n");
	reject_from(CAROL "/x", REASON_BUSY);
	assert_int_equal(ended_by_peer, CAUSE_BUSY);
	call_hangup(NULL, CAUSE_BUSY);
	expect("");
}

/* The server's is of all of them. */
static void a_device_that_cannot_take_it_leaves_it_to_the_others(void **state)
{
	(void)state;
	offer();
	bounce_from(TABLET);
	assert_int_equal(ended_by_peer, -1);
	said[0] = '\0';
	hear(JMI_PROCEED, PHONE);
	expect("session-initiate " PHONE "\n");
}

static void who_is_left_is_told_of_the_end(void **state)
{
	(void)state;
	offer_to(three, 3);
	reject_from(PHONE, REASON_DECLINE);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("retract " BOB "\nretract " CAROL "\n");
}

static void who_did_not_answer_has_missed_the_call(void **state)
{
	(void)state;
	offer_to(three, 3);
	reject_from(PHONE, REASON_DECLINE);
	assert_string_equal(missed, "");
	call_hangup(NULL, CAUSE_CANCEL);
	call_hangup(NULL, CAUSE_CANCEL);
	assert_string_equal(missed, ALICE " decline\n" BOB " cancel\n" CAROL
					  " cancel\n");
}

static void who_has_picked_up_misses_nothing(void **state)
{
	(void)state;
	offer_to(three, 3);
	hear(JMI_PROCEED, PHONE);
	call_hangup(NULL, CAUSE_MEDIA_LOST);
	assert_string_equal(missed, "");
}

static void the_leg_of_a_running_call_is_found_by_both_parties(void **state)
{
	(void)state;
	offer_to(three, 3);
	assert_ptr_equal(leg_xmpp_talking(&gateway, BOB "/any",
					  "+15551234567@tel.example.org"),
			 leg);
	assert_null(leg_xmpp_talking(&gateway, "dora@example.org", US));
	assert_null(leg_xmpp_talking(&gateway, BOB,
				     "+15559999999@tel.example.org/sip"));
	hear(JMI_PROCEED, PHONE);
	assert_null(leg_xmpp_talking(&gateway, BOB, US));
	assert_ptr_equal(leg_xmpp_talking(&gateway, ALICE, US), leg);
}

/* ---- devices that take no proposals ---- */

static void devices_without_proposals_have_a_session_at_once(void **state)
{
	(void)state;
	direct[0] = WEB;
	direct[1] = OLD;
	offer_to(three, 3);
	expect("propose " ALICE "\npropose " BOB "\npropose " CAROL
	       "\nsession-initiate " WEB "\nsession-initiate " OLD "\n");
	hear_session("session-accept", OLD, NULL);
	expect(" " OLD "\nsession-terminate " WEB "\nretract " ALICE
	       "\nretract " BOB "\nretract " CAROL "\n");
	assert_string_equal(leg->ops->account(leg), ALICE);
	/* the other device is late */
	hear_session("session-accept", WEB, NULL);
	assert_int_equal(ended_by_peer, -1);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " OLD "\n");
}

static void a_proposal_that_is_taken_ends_the_sessions(void **state)
{
	(void)state;
	direct[0] = WEB;
	offer();
	said[0] = '\0';
	hear(JMI_PROCEED, PHONE);
	expect("session-terminate " WEB "\nsession-initiate " PHONE "\n");
}

static void a_bounced_proposal_leaves_it_to_the_sessions(void **state)
{
	(void)state;
	direct[0] = WEB;
	direct[1] = OLD;
	offer();
	bounce_from(ALICE);
	assert_int_equal(ended_by_peer, -1);
	hear_session("session-terminate", WEB, "unsupported-transports");
	assert_int_equal(ended_by_peer, -1);
	hear_session("session-terminate", OLD, "busy");
	assert_int_equal(ended_by_peer, CAUSE_BUSY);
}

static void who_declines_does_so_for_all_devices(void **state)
{
	(void)state;
	direct[0] = WEB;
	direct[1] = OLD;
	offer();
	said[0] = '\0';
	hear_session("session-terminate", WEB, "decline");
	expect(" " WEB "\nsession-terminate " OLD "\n");
	assert_int_equal(ended_by_peer, CAUSE_DECLINE);
}

static void a_call_that_is_cancelled_ends_all_sessions(void **state)
{
	(void)state;
	direct[0] = WEB;
	offer();
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("session-terminate " WEB "\nretract " ALICE "\n");
}

/* ---- another device of the same account ---- */

static void begin_from(const char *sid, const char *from)
{
	AUTO(stanza_freep) struct stanza *iq = initiate(sid, from);

	leg_xmpp_iq(leg, iq);
}

static void propose_move(void)
{
	call_device();
	leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
					  .sid = "second",
					  .from = TABLET,
					  .to = US });
	expect("proceed " TABLET "\n");
	assert_ptr_equal(leg_xmpp_find(&gateway, "second", TABLET), leg);
}

static void a_call_moves_to_another_device(void **state)
{
	(void)state;
	char first[XMPP_SID_CAP];

	propose_move();
	assert_int_equal(leg_xmpp_calls_of(&gateway, ALICE), 1);
	memcpy(first, xmpp_of(leg)->sid, sizeof(first));
	begin_from("second", BOB "/x");
	assert_int_equal(closed, 0);
	said[0] = '\0';
	begin_from("second", TABLET);
	assert_int_equal(closed, 1);
	expect("finish " PHONE "\nsession-terminate " PHONE "\n " TABLET "\n");
	assert_string_equal(xmpp_of(leg)->sid, "second");
	assert_null(leg_xmpp_find(&gateway, first, PHONE));
	assert_int_equal(leg_xmpp_calls_of(&gateway, ALICE), 1);
	/* the first device is nobody's any more */
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_FINISH,
					     .sid = first,
					     .from = PHONE,
					     .to = US });
	assert_int_equal(ended_by_peer, -1);
	/* once, however often it is delivered */
	begin_from("second", TABLET);
	assert_int_equal(closed, 1);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " TABLET "\nfinish " TABLET "\n");
	/* its proposal, delivered again, begins no other */
	leg = leg->ops->free(leg);
	assert_true(leg_xmpp_has_ended(&gateway, "second", TABLET));
	assert_false(leg_xmpp_has_ended(&gateway, first, PHONE));
}

static void a_call_moves_to_a_device_that_was_called(void **state)
{
	(void)state;
	direct[0] = WEB;
	offer();
	hear(JMI_PROCEED, PHONE);
	leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
					  .sid = "second",
					  .from = WEB,
					  .to = US });
	begin_from("second", WEB);
	assert_int_equal(closed, 1);
	said[0] = '\0';
	begin_from("second", WEB);
	expect(" " WEB "\n");
}

static void a_call_that_ends_is_not_moved(void **state)
{
	(void)state;
	propose_move();
	call_hangup(NULL, CAUSE_NORMAL);
	expect("reject " TABLET "\nfinish " TABLET "\nsession-terminate " PHONE
	       "\nfinish " PHONE "\n");
	assert_null(leg_xmpp_find(&gateway, "second", TABLET));
}

static void a_call_outlives_its_first_device_for_the_second(void **state)
{
	(void)state;
	propose_move();
	hear(JMI_FINISH, PHONE);
	assert_int_equal(ended_by_peer, -1);
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_RETRACT,
					     .sid = "second",
					     .from = TABLET,
					     .to = US });
	assert_int_equal(ended_by_peer, CAUSE_NORMAL);
}

static void a_call_without_a_session_ends_with_its_last_hope(void **state)
{
	(void)state;
	propose_move();
	hear(JMI_FINISH, PHONE);
	leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
					  .sid = "third",
					  .from = WEB,
					  .to = US });
	assert_int_equal(ended_by_peer, -1);
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_RETRACT,
					     .sid = "third",
					     .from = WEB,
					     .to = US });
	assert_int_equal(ended_by_peer, CAUSE_NORMAL);
}

static void strangers_cannot_take_or_refuse_a_call(void **state)
{
	(void)state;
	static const char *const alone[] = { ALICE };

	offer_to(alone, 1);
	said[0] = '\0';
	hear(JMI_PROCEED, BOB "/tablet");
	reject_from(BOB "/tablet", REASON_BUSY);
	bounce_from(BOB);
	expect("");
	assert_int_equal(ended_by_peer, -1);
}

static void an_account_is_called_once_by_a_leg(void **state)
{
	(void)state;
	static const char *const twice[] = { ALICE, "Alice@Example.org" };

	assert_int_equal(leg_xmpp_new_callee(
				 &leg, &gateway,
				 &(struct leg_xmpp_callees){ .local = US,
							     .accounts = twice,
							     .naccounts = 2 }),
			 -EEXIST);
	leg = NULL;
	assert_int_equal(leg_xmpp_calls_of(&gateway, ALICE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(all_accounts_ring_and_stop_when_one_answers),
		LEG_TEST(one_reject_leaves_it_to_the_others),
		LEG_TEST(a_device_that_cannot_take_it_leaves_it_to_the_others),
		LEG_TEST(who_is_left_is_told_of_the_end),
		LEG_TEST(who_did_not_answer_has_missed_the_call),
		LEG_TEST(who_has_picked_up_misses_nothing),
		LEG_TEST(the_leg_of_a_running_call_is_found_by_both_parties),
		LEG_TEST(devices_without_proposals_have_a_session_at_once),
		LEG_TEST(a_proposal_that_is_taken_ends_the_sessions),
		LEG_TEST(a_bounced_proposal_leaves_it_to_the_sessions),
		LEG_TEST(who_declines_does_so_for_all_devices),
		LEG_TEST(a_call_that_is_cancelled_ends_all_sessions),
		LEG_TEST(a_call_moves_to_another_device),
		LEG_TEST(a_call_moves_to_a_device_that_was_called),
		LEG_TEST(a_call_that_ends_is_not_moved),
		LEG_TEST(a_call_outlives_its_first_device_for_the_second),
		LEG_TEST(a_call_without_a_session_ends_with_its_last_hope),
		LEG_TEST(strangers_cannot_take_or_refuse_a_call),
		LEG_TEST(an_account_is_called_once_by_a_leg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
