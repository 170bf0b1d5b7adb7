/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An account calls the number that calls it, and what comes of it. */
#include "tests/unit/gateway/leg_rig.h"

/* Below and above every sid of ours, which are of hexadecimal digits. */
#define LOW  "!low"
#define HIGH "~high"

static void propose(const char *sid, const char *from)
{
	struct leg *found = leg_xmpp_calling(&gateway, from, US);

	assert_ptr_equal(found, leg);
	leg_xmpp_tie(leg, &(struct jmi){ .action = JMI_PROPOSE,
					 .sid = sid,
					 .from = from,
					 .to = US,
					 .audio = true });
}

static void begin(const char *sid, const char *from)
{
	AUTO(stanza_freep) struct stanza *iq = initiate(sid, from);
	struct leg *found = leg_xmpp_calling(&gateway, from, US);

	if (found)
		leg_xmpp_tie_session(found, iq);
	else
		leg_xmpp_iq(leg, iq);
}

static void the_higher_sid_is_rejected_and_it_rings_on(void **state)
{
	(void)state;
	offer();
	said[0] = '\0';
	propose(HIGH, PHONE);
	expect("reject " PHONE "\n");
	assert_int_equal(proceeded, 0);
	hear(JMI_PROCEED, PHONE);
	expect("session-initiate " PHONE "\n");
}

static void the_lower_sid_gets_the_call(void **state)
{
	(void)state;
	offer_to(three, 3);
	said[0] = '\0';
	propose(LOW, PHONE);
	expect("retract " ALICE "\nretract " BOB "\nretract " CAROL
	       "\nproceed " PHONE "\n");
	assert_int_equal(proceeded, 1);
	assert_ptr_equal(leg_xmpp_find(&gateway, LOW, PHONE), leg);
	assert_null(leg_xmpp_calling(&gateway, ALICE, US));
	begin(LOW, PHONE);
	expect(" " PHONE "\nsession-accept " PHONE "\n");
	assert_int_equal(answered, 1);
	assert_string_equal(leg->ops->account(leg), ALICE);
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\n");
	assert_string_equal(missed, "");
}

static void a_device_that_calls_back_may_change_its_mind(void **state)
{
	(void)state;
	offer();
	propose(LOW, PHONE);
	said[0] = '\0';
	hear(JMI_RETRACT, PHONE);
	assert_int_equal(ended_by_peer, CAUSE_DECLINE);
	expect("");
}

static void who_is_called_back_may_hang_up(void **state)
{
	(void)state;
	offer();
	propose(LOW, PHONE);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("reject " PHONE "\nfinish " PHONE "\n");
}

/* Ours is lower than the session: it loses, and ours goes on. */
static void of_two_sessions_the_lower_counts(void **state)
{
	(void)state;
	direct[0] = WEB;
	offer();
	said[0] = '\0';
	begin(HIGH, WEB);
	expect("error " WEB "\n");
	assert_int_equal(proceeded, 0);
	begin(LOW, WEB);
	expect("session-terminate " WEB "\nretract " ALICE "\n " WEB
	       "\nsession-accept " WEB "\n");
	assert_int_equal(proceeded, 1);
	assert_int_equal(answered, 1);
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " WEB "\n");
}

/* A proposal was made, a session comes: there is nothing to compare. */
static void a_session_answers_a_proposal(void **state)
{
	(void)state;
	offer();
	said[0] = '\0';
	begin(HIGH, PHONE);
	expect("retract " ALICE "\n " PHONE "\nsession-accept " PHONE "\n");
	assert_int_equal(answered, 1);
}

static void other_accounts_call_nobody_back(void **state)
{
	(void)state;
	offer();
	assert_null(leg_xmpp_calling(&gateway, BOB "/x", US));
	assert_null(leg_xmpp_calling(&gateway, PHONE,
				     "+15550000000@tel.example.org"));
	hear(JMI_PROCEED, PHONE);
	assert_null(leg_xmpp_calling(&gateway, PHONE, US));
}

/* One that is lower than half of all. */
static void who_calls_is_called_by_a_lower_sid(void **state)
{
	(void)state;
	static const char sid[] = "80000000-0000-4000-8000-000000000000";
	struct leg *caller;

	assert_int_equal(
		leg_xmpp_new_caller(&caller, &gateway,
				    &(struct leg_xmpp_caller){ .local = US,
							       .peer = PHONE,
							       .sid = sid }),
		0);
	leg_xmpp_begin(caller, &(struct jmi){ .action = JMI_PROPOSE,
					      .sid = sid,
					      .from = PHONE,
					      .to = US });
	for (unsigned i = 0; i < 100; i++) {
		offer_to(three, 3);
		assert_true(strcmp(xmpp_of(leg)->sid, sid) < 0);
		said[0] = '\0';
		leg = leg->ops->free(leg);
	}
	caller->ops->free(caller);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(the_higher_sid_is_rejected_and_it_rings_on),
		LEG_TEST(the_lower_sid_gets_the_call),
		LEG_TEST(a_device_that_calls_back_may_change_its_mind),
		LEG_TEST(who_is_called_back_may_hang_up),
		LEG_TEST(of_two_sessions_the_lower_counts),
		LEG_TEST(a_session_answers_a_proposal),
		LEG_TEST(other_accounts_call_nobody_back),
		LEG_TEST(who_calls_is_called_by_a_lower_sid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
