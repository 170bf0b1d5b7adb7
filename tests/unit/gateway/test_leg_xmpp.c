/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP on its own: what it sends when something of ours fails, and
 * what a peer can make it hold. Crossing messages between real peers are in
 * tests/integration/test_jmi.py.
 */
#include "gateway/leg/leg_xmpp.h"

#include "tests/unit/gateway/leg_rig.h"

static void a_proposal_that_cannot_be_sent_rings_nobody(void **state)
{
	(void)state;
	send_result = XMPP_E_FULL;
	offer();
	assert_int_equal(ended_by_us, CAUSE_CONGESTION);
	expect("");
}

/* Conversations takes the retract, Monal the finish. */
static void a_session_that_cannot_be_offered_ends_for_the_device(void **state)
{
	(void)state;
	open_result = -ENOBUFS;
	offer();
	expect("propose " ALICE "\n");
	hear(JMI_PROCEED, PHONE);
	assert_int_equal(ended_by_us, CAUSE_FAILED);
	expect("retract " PHONE "\nfinish " PHONE "\n");
}

static void before_a_device_proceeds_all_are_told(void **state)
{
	(void)state;
	offer();
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("retract " ALICE "\n");
}

static void in_a_session_the_device_is_told(void **state)
{
	(void)state;
	call_device();
	call_hangup(NULL, CAUSE_CANCEL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\n");
}

static void a_second_device_is_told_that_it_is_late(void **state)
{
	(void)state;
	call_device();
	hear(JMI_PROCEED, ALICE "/other");
	expect("retract " ALICE "/other\nfinish " ALICE "/other\n");
	hear(JMI_PROCEED, PHONE);
	hear(JMI_REJECT, ALICE "/other");
	hear(JMI_FINISH, ALICE "/other");
	expect("");
	assert_int_equal(ended_by_peer, -1);
}

static void a_reject_of_the_device_crosses_our_session(void **state)
{
	(void)state;
	call_device();
	hear(JMI_REJECT, PHONE);
	expect("session-terminate " PHONE "\n");
	assert_int_equal(ended_by_peer, CAUSE_DECLINE);
}

/* Whoever closes the window may know no other word. */
static void a_caller_ends_by_a_session_that_it_has_not_begun(void **state)
{
	const struct leg_xmpp_caller peer = { .local = US,
					      .peer = PHONE,
					      .sid = "s1" };

	(void)state;
	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg_xmpp_begin(leg, &(struct jmi){ .action = JMI_PROPOSE,
					   .sid = "s1",
					   .from = PHONE,
					   .to = US });
	hear_session("session-terminate", ALICE "/other", "success");
	assert_int_equal(ended_by_peer, -1);
	hear_session("session-terminate", PHONE, "success");
	expect("error " ALICE "/other\n " PHONE "\n");
	assert_int_equal(ended_by_peer, CAUSE_CANCEL);
}

static void begin_session(void)
{
	const struct leg_xmpp_caller peer = { .local = US,
					      .peer = PHONE,
					      .sid = "s1" };
	AUTO(stanza_freep) struct stanza *iq = initiate("s1", PHONE);

	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg_xmpp_begin_session(leg, iq);
}

/* Our answer will have what is ours. */
static void a_caller_restarts_ice_while_it_rings(void **state)
{
	AUTO(stanza_freep) struct stanza *iq = initiate("s1", PHONE);
	struct stanza *jingle = stanza_first(iq);
	struct stanza *transport =
		stanza_find(stanza_first(jingle), "transport",
			    "urn:xmpp:jingle:transports:ice-udp:1");

	(void)state;
	begin_session();
	said[0] = '\0';
	stanza_set(iq, "id", "restart");
	stanza_set(jingle, "action", "transport-info");
	stanza_set(transport, "ufrag", "anew");
	stanza_set(transport, "pwd", "0123456789012345678901");
	leg_xmpp_iq(leg, iq);
	assert_int_equal(ended_by_peer, -1);
	assert_string_equal(leg_remote_audio(leg)->ufrag, "anew");
}

static void a_proposal_of_an_account_is_taken_up_by_a_device(void **state)
{
	const struct leg_xmpp_caller peer = { .local = US,
					      .peer = ALICE,
					      .sid = "s1" };

	(void)state;
	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg_xmpp_begin(leg, &(struct jmi){ .action = JMI_PROPOSE,
					   .sid = "s1",
					   .from = ALICE,
					   .to = US });
	hear_session("session-initiate", BOB "/phone", NULL);
	expect("error " BOB "/phone\n");
	hear_session("session-initiate", PHONE, NULL);
	expect(" " PHONE "\n");
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\n");
}

static void content_add(unsigned n)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", "set");
	stanza_setf(iq, "id", "i%u", n);
	stanza_set(iq, "from", PHONE);
	stanza_set(iq, "to", US);
	struct stanza *jingle = stanza_child(iq, "jingle", "urn:xmpp:jingle:1");
	stanza_set(jingle, "action", "content-add");
	stanza_set(jingle, "sid", xmpp_of(leg)->sid);
	struct stanza *content = stanza_child(jingle, "content", NULL);
	stanza_set(content, "creator", "initiator");
	stanza_set(content, "name", "video");
	assert_true(stanza_ok(iq));
	leg_xmpp_iq(leg, iq);
	said[0] = '\0';
}

static void a_peer_fills_no_more_than_its_share_of_our_iqs(void **state)
{
	(void)state;
	call_device();
	for (unsigned i = 0; i < 10 * XMPP_IQS_MAX; i++)
		content_add(i);
	assert_int_equal(waiting, XMPP_IQS_MAX);
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\n");
}

static void an_ended_leg_is_known_for_a_while(void **state)
{
	(void)state;
	const struct leg_xmpp_caller peer = { .local = US,
					      .peer = PHONE,
					      .sid = "s1" };

	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg = leg->ops->free(leg);
	assert_false(leg_xmpp_has_ended(&gateway, "s1", PHONE));

	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg_xmpp_begin(leg, &(struct jmi){ .action = JMI_PROPOSE,
					   .sid = "s1",
					   .from = PHONE,
					   .to = US });
	assert_false(leg_xmpp_has_ended(&gateway, "s1", PHONE));
	leg = leg->ops->free(leg);
	assert_true(leg_xmpp_has_ended(&gateway, "s1", PHONE));
	assert_true(leg_xmpp_has_ended(&gateway, "s1", "Alice@Example.org"));
	assert_false(leg_xmpp_has_ended(&gateway, "s1", "bob@example.org"));
	assert_false(leg_xmpp_has_ended(&gateway, "s2", PHONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(a_proposal_that_cannot_be_sent_rings_nobody),
		LEG_TEST(a_session_that_cannot_be_offered_ends_for_the_device),
		LEG_TEST(before_a_device_proceeds_all_are_told),
		LEG_TEST(in_a_session_the_device_is_told),
		LEG_TEST(a_second_device_is_told_that_it_is_late),
		LEG_TEST(a_reject_of_the_device_crosses_our_session),
		LEG_TEST(a_caller_ends_by_a_session_that_it_has_not_begun),
		LEG_TEST(a_caller_restarts_ice_while_it_rings),
		LEG_TEST(a_proposal_of_an_account_is_taken_up_by_a_device),
		LEG_TEST(a_peer_fills_no_more_than_its_share_of_our_iqs),
		LEG_TEST(an_ended_leg_is_known_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
