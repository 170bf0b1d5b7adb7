/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Any sequence of what devices, servers and the call may do to a leg over XMPP:
 * it ends once, hangs on nobody, and what comes afterwards says nothing.
 */
#include "tests/unit/gateway/leg_rig.h"

enum { CALLS = 4000, STEPS = 40 };

static uint32_t seed;

/* xorshift: the same sequences each time. */
static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static const char *const devices[] = { PHONE,  WEB,        OLD,
				       TABLET, BOB "/x",   BOB,
				       ALICE,  CAROL "/y", "mallory@x.org/z" };

static const char *device(void)
{
	return devices[below(sizeof(devices) / sizeof(devices[0]))];
}

static const char *sid(void)
{
	return below(4) ? xmpp_of(leg)->sid : "second";
}

static void some_message(void)
{
	bool error = !below(8);

	leg_xmpp_message(
		leg,
		&(struct jmi){ .action = (enum jmi_action)below(JMI_NACTIONS),
			       .sid = sid(),
			       .from = device(),
			       .to = US,
			       .reason = (enum reason)below(REASON_NVALUES),
			       .tie_break = !below(6),
			       .error = error,
			       .error_condition = "service-unavailable" });
}

static void some_iq(void)
{
	static const char *const actions[] = {
		"session-initiate", "session-accept",    "session-terminate",
		"session-info",     "transport-info",    "content-add",
		"content-remove",   "transport-replace", "nonsense",
	};
	static const char *const reasons[] = { "busy", "decline", "success",
					       "failed_application" };
	AUTO(stanza_freep) struct stanza *iq = initiate(sid(), device());
	struct stanza *jingle = stanza_first(iq);

	stanza_setf(iq, "id", "r%u", below(50)); /* at times repeated */
	stanza_set(jingle, "action",
		   actions[below(sizeof(actions) / sizeof(actions[0]))]);
	if (below(2))
		stanza_child(stanza_child(jingle, "reason", NULL),
			     reasons[below(4)], NULL);
	leg_xmpp_iq(leg, iq);
}

static void some_move(void)
{
	if (xmpp_of(leg)->state == XMPP_LEG_SESSION &&
	    !leg_xmpp_find(&gateway, "second", ALICE))
		leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
						  .sid = "second",
						  .from = TABLET,
						  .to = US,
						  .audio = true });
}

/* By a sid that is lower than ours, or higher. */
static void some_call_back(void)
{
	const char *back = below(2) ? "!back" : "~back";
	const char *from = below(2) ? WEB : device();
	struct leg *called = leg_xmpp_calling(&gateway, from, US);
	AUTO(stanza_freep) struct stanza *iq = initiate(back, from);

	if (!called || leg_xmpp_find(&gateway, back, from))
		return;
	if (below(2))
		leg_xmpp_tie_session(called, iq);
	else
		leg_xmpp_tie(called, &(struct jmi){ .action = JMI_PROPOSE,
						    .sid = back,
						    .from = from,
						    .to = US,
						    .audio = true });
}

static void some_timer(void)
{
	struct timeval now = { 0, 0 };

	evtimer_add(xmpp_of(leg)->timer, &now);
	event_base_loop(gateway.base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void step(void)
{
	switch (below(17)) {
	case 0:
		some_move();
		break;
	case 16:
		some_call_back();
		break;
	case 1:
		some_timer();
		break;
	case 2:
		(void)!leg->ops->hold(leg, below(2));
		break;
	case 3:
		(void)!leg->ops->restart(leg);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		some_iq();
		break;
	default:
		some_message();
	}
}

static void begin(void)
{
	direct[0] = below(2) ? WEB : NULL;
	direct[1] = direct[0] && below(2) ? OLD : NULL;
	if (below(3)) {
		offer_to(three, 1 + below(3));
		return;
	}
	assert_int_equal(
		leg_xmpp_new_caller(&leg, &gateway,
				    &(struct leg_xmpp_caller){ .local = US,
							       .peer = PHONE,
							       .sid = "mine" }),
		0);
	leg_xmpp_begin(leg, &(struct jmi){ .action = JMI_PROPOSE,
					   .sid = "mine",
					   .from = PHONE,
					   .to = US });
}

static void any_sequence_ends_once_and_then_all_is_quiet(void **state)
{
	(void)state;
	for (unsigned call = 0; call < CALLS; call++) {
		seed = 0x9e3779b9u + call * 2654435761u;
		ended_by_us = ended_by_peer = -1;
		begin();
		for (unsigned i = 0; i < STEPS; i++) {
			step();
			said[0] = missed[0] = '\0';
		}
		/* as the call does when a leg has ended, or ends it */
		call_hangup(NULL, CAUSE_NORMAL);
		assert_int_equal(xmpp_of(leg)->state, XMPP_LEG_ENDED);
		said[0] = missed[0] = '\0';
		call_hangup(NULL, CAUSE_NORMAL);
		expect("");
		leg = leg->ops->free(leg);
		assert_int_equal(leg_xmpp_calls_of(&gateway, ALICE), 0);
		assert_int_equal(leg_xmpp_calls_of(&gateway, BOB), 0);
		leg_xmpp_index_expire(&gateway, UINT64_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(any_sequence_ends_once_and_then_all_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
