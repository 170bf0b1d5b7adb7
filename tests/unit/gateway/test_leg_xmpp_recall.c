/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The media of a session is lost: its client is called anew. */
#include "tests/unit/gateway/leg_rig.h"

/* What is on in the dialog of the telephone. */
static struct media_desc *telephone(void)
{
	const struct media_codec pcmu = {
		.pt = 0, .channels = 1, .clockrate = 8000, .name = "PCMU"
	};
	struct media_desc *desc;
	struct media_content *audio;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &audio), 0);
	assert_int_equal(media_content_add_codec(audio, &pcmu), 0);
	return desc;
}

/* In a session with PHONE, which is lost. */
static char old_sid[XMPP_SID_CAP];

static void lose_session(void)
{
	call_device();
	leg->answered = true;
	memcpy(old_sid, xmpp_of(leg)->sid, sizeof(old_sid));
	agreed = telephone();
	assert_int_equal(leg->ops->recall(leg), 0);
	assert_true(held && leg->recalled);
	assert_string_equal(xmpp_of(leg)->sid, old_sid);
	expect("propose " ALICE "\n");
}

/* The sid of the last proposal. */
static const char *new_sid(void)
{
	return LIST_FIRST(&xmpp_of(leg)->targets)->sid;
}

static void say(enum jmi_action action, const char *sid, const char *from,
		const char *migrated_to)
{
	leg_xmpp_message(leg, &(struct jmi){ .action = action,
					     .sid = sid,
					     .from = from,
					     .to = US,
					     .migrated_to = migrated_to });
}

static void who_goes_on_by_itself_is_called_by_a_new_session(void **state)
{
	char sid[XMPP_SID_CAP];

	(void)state;
	lose_session();
	memcpy(sid, new_sid(), sizeof(sid));
	assert_string_not_equal(sid, old_sid);
	assert_ptr_equal(leg_xmpp_find(&gateway, sid, ALICE), leg);
	say(JMI_FINISH, old_sid, PHONE, sid);
	assert_int_equal(ended_by_peer, -1);
	say(JMI_PROCEED, sid, PHONE, NULL);
	expect("finish " PHONE "\nsession-terminate " PHONE
	       "\nsession-initiate " PHONE "\n");
	assert_string_equal(xmpp_of(leg)->sid, sid);
	assert_null(leg_xmpp_find(&gateway, old_sid, PHONE));
	assert_true(held);
	hear_session("session-accept", PHONE, NULL);
	assert_int_equal(agreements, 1);
	assert_int_equal(answered, 0);
	assert_false(held || leg->recalled);
}

static void who_is_busy_with_the_old_session_is_called_behind_it(void **state)
{
	char sid[XMPP_SID_CAP];

	(void)state;
	lose_session();
	memcpy(sid, new_sid(), sizeof(sid));
	say(JMI_REJECT, sid, PHONE, NULL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\npropose " ALICE
	       "\n");
	assert_string_not_equal(new_sid(), sid);
	say(JMI_PROCEED, new_sid(), TABLET, NULL);
	expect("session-initiate " TABLET "\n");
	hear_session("session-accept", TABLET, NULL);
	assert_int_equal(agreements, 1);
}

static void who_does_not_want_it_ends_the_call(void **state)
{
	(void)state;
	lose_session();
	say(JMI_REJECT, new_sid(), PHONE, NULL);
	said[0] = '\0';
	say(JMI_REJECT, new_sid(), PHONE, NULL);
	expect("retract " ALICE "\n");
	assert_int_equal(ended_by_peer, CAUSE_LOST);
}

static void the_other_party_hangs_up_meanwhile(void **state)
{
	(void)state;
	lose_session();
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\nretract " ALICE
	       "\n");
	assert_null(xmpp_of(leg)->recall);
}

static void the_client_hangs_up_instead(void **state)
{
	(void)state;
	lose_session();
	hear_session("session-terminate", PHONE, "success");
	expect(" " PHONE "\nretract " ALICE "\n");
	assert_int_equal(ended_by_peer, CAUSE_NORMAL);
}

static void the_client_has_noticed_the_loss_itself(void **state)
{
	(void)state;
	lose_session();
	hear_session("session-terminate", PHONE, "connectivity-error");
	expect(" " PHONE "\nfinish " PHONE "\npropose " ALICE "\n");
	assert_int_equal(ended_by_peer, -1);
	say(JMI_RINGING, new_sid(), PHONE, NULL);
	say(JMI_PROCEED, new_sid(), PHONE, NULL);
	expect("session-initiate " PHONE "\n");
}

/* To what was asked while it talked; it has noticed the loss since. */
static void who_says_late_that_it_is_busy_is_called_again(void **state)
{
	char sid[XMPP_SID_CAP];

	(void)state;
	lose_session();
	memcpy(sid, new_sid(), sizeof(sid));
	hear_session("session-terminate", PHONE, "connectivity-error");
	said[0] = '\0';
	say(JMI_REJECT, sid, PHONE, NULL);
	expect("propose " ALICE "\n");
	assert_string_not_equal(new_sid(), sid);
	assert_int_equal(ended_by_peer, -1);
	say(JMI_REJECT, new_sid(), PHONE, NULL);
	expect("retract " ALICE "\n");
	assert_int_equal(ended_by_peer, CAUSE_LOST);
}

static void who_rings_again_and_refuses_ends_the_call(void **state)
{
	(void)state;
	lose_session();
	hear_session("session-terminate", PHONE, "connectivity-error");
	said[0] = '\0';
	say(JMI_RINGING, new_sid(), PHONE, NULL);
	say(JMI_REJECT, new_sid(), PHONE, NULL);
	expect("retract " ALICE "\n");
	assert_int_equal(ended_by_peer, CAUSE_LOST);
}

/* Conversations: its ICE has failed, and no new path brings back the keys. */
static void the_client_restarts_ice(void **state)
{
	(void)state;
	lose_session();
	hear_session("transport-info", PHONE, NULL);
	assert_int_equal(ended_by_peer, -1);
}

static void what_nobody_heard_is_said_again(void **state)
{
	(void)state;
	lose_session();
	leg_xmpp_stream_up(&gateway);
	assert_non_null(strstr(said, "propose " ALICE "\n"));
	said[0] = '\0';
	send_result = -ENOTCONN;
	leg_xmpp_stream_up(&gateway);
	assert_int_equal(ended_by_peer, CAUSE_LOST);
}

static void the_user_calls_the_number_instead(void **state)
{
	AUTO(stanza_freep) struct stanza *iq = initiate("theirs", WEB);

	(void)state;
	lose_session();
	leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
					  .sid = "theirs",
					  .from = WEB,
					  .to = US,
					  .audio = true });
	expect("proceed " WEB "\n");
	leg_xmpp_iq(leg, iq);
	assert_memory_equal(said, "retract " ALICE "\nfinish " PHONE "\n",
			    strlen("retract " ALICE "\nfinish " PHONE "\n"));
	assert_false(leg->recalled);
	assert_null(xmpp_of(leg)->recall);
}

static void who_calls_the_number_too_late_is_refused(void **state)
{
	char sid[XMPP_SID_CAP];

	(void)state;
	lose_session();
	memcpy(sid, new_sid(), sizeof(sid));
	leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
					  .sid = "theirs",
					  .from = WEB,
					  .to = US,
					  .audio = true });
	expect("proceed " WEB "\n");
	say(JMI_PROCEED, sid, PHONE, NULL);
	expect("reject " WEB "\nfinish " WEB "\nfinish " PHONE
	       "\nsession-terminate " PHONE "\nsession-initiate " PHONE "\n");
	assert_null(xmpp_of(leg)->move);
	assert_null(leg_xmpp_find(&gateway, "theirs", WEB));
	say(JMI_RETRACT, "theirs", WEB, NULL);
	hear_session("session-accept", PHONE, NULL);
	assert_int_equal(agreements, 1);
}

static void a_device_that_proceeds_twice_has_one_session(void **state)
{
	char sid[XMPP_SID_CAP];

	(void)state;
	lose_session();
	memcpy(sid, new_sid(), sizeof(sid));
	say(JMI_PROCEED, sid, PHONE, NULL);
	said[0] = '\0';
	say(JMI_PROCEED, sid, PHONE, NULL);
	expect("");
	say(JMI_PROCEED, sid, TABLET, NULL);
	expect("retract " TABLET "\nfinish " TABLET "\n");
}

static void without_memory_for_its_session_the_call_ends(void **state)
{
	(void)state;
	lose_session();
	open_result = -ENOMEM;
	say(JMI_PROCEED, new_sid(), PHONE, NULL);
	assert_int_equal(ended_by_us, CAUSE_FAILED);
}

static int end(void **state)
{
	agreed = media_desc_free(agreed);
	return tear_down(state);
}

#define RECALL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECALL_TEST(who_goes_on_by_itself_is_called_by_a_new_session),
		RECALL_TEST(
			who_is_busy_with_the_old_session_is_called_behind_it),
		RECALL_TEST(who_does_not_want_it_ends_the_call),
		RECALL_TEST(the_other_party_hangs_up_meanwhile),
		RECALL_TEST(the_client_hangs_up_instead),
		RECALL_TEST(the_client_has_noticed_the_loss_itself),
		RECALL_TEST(who_says_late_that_it_is_busy_is_called_again),
		RECALL_TEST(who_rings_again_and_refuses_ends_the_call),
		RECALL_TEST(the_client_restarts_ice),
		RECALL_TEST(what_nobody_heard_is_said_again),
		RECALL_TEST(the_user_calls_the_number_instead),
		RECALL_TEST(who_calls_the_number_too_late_is_refused),
		RECALL_TEST(a_device_that_proceeds_twice_has_one_session),
		RECALL_TEST(without_memory_for_its_session_the_call_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
