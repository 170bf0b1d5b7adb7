/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Jingle iqs in general: which come when, from whom, and how they are answered.
 */
#include "tests/unit/xmpp/jingle_rig.h"

static const char *const action_names[] = {
	"content-accept",   "content-add",       "content-modify",
	"content-reject",   "content-remove",    "description-info",
	"security-info",    "session-accept",    "session-info",
	"session-initiate", "session-terminate", "transport-accept",
	"transport-info",   "transport-reject",  "transport-replace",
};
enum { NACTIONS = sizeof(action_names) / sizeof(*action_names) };

/* Conditions in the order of action_names; NULL is a result. */
static const struct {
	void (*init)(struct rig *rig);
	const char *conditions[NACTIONS];
} phases[] = {
	{ rig_offered,
	  { ORDER, NULL, NULL, ORDER, NULL, NULL, "feature-not-implemented",
	    NULL, NULL, "conflict", NULL, ORDER, NULL, ORDER, NULL } },
	{ rig_invited,
	  { ORDER, NULL, NULL, ORDER, NULL, NULL, "feature-not-implemented",
	    ORDER, NULL, ORDER, NULL, ORDER, NULL, ORDER, NULL } },
	{ rig_active,
	  { ORDER, NULL, NULL, ORDER, NULL, NULL, "feature-not-implemented",
	    ORDER, NULL, ORDER, NULL, ORDER, NULL, ORDER, NULL } },
};

static void every_action_is_answered_once_in_every_phase(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(phases) / sizeof(*phases); i++)
		for (size_t j = 0; j < NACTIONS; j++) {
			bool info = !strcmp(action_names[j], "session-info");
			struct rig rig;

			phases[i].init(&rig);
			receive(&rig, action_names[j], info ? "" : AUDIO,
				phases[i].conditions[j]);
			/* and when it is over */
			jingle_terminate(rig.jingle, REASON_SUCCESS, NULL);
			bool end =
				!strcmp(action_names[j], "session-terminate");
			receive(&rig, action_names[j], AUDIO,
				end ? NULL : GONE);
			if (!end)
				assert_detail(&rig, "unknown-session");
			rig_fini(&rig);
		}
}

static void before_an_offer_nothing_is_in_order_but_it_and_the_end(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, false);
	for (size_t i = 0; i < NACTIONS; i++)
		if (strcmp(action_names[i], "session-initiate") != 0 &&
		    strcmp(action_names[i], "session-terminate") != 0)
			receive(&rig, action_names[i], AUDIO, ORDER);
	assert_int_equal(rig.ends, 0);
	receive(&rig, "session-initiate", AUDIO, NULL);
	assert_int_equal(rig.offers, 1);
	rig_fini(&rig);
	rig_init(&rig, false);
	receive(&rig, "session-terminate", REASON("<cancel/>"), NULL);
	assert_int_equal(rig.ends, 1);
	assert_int_equal(rig.reason, REASON_CANCEL);
	rig_fini(&rig);
}

static void what_cannot_be_read_is_a_bad_request(void **state)
{
	(void)state;
	static const struct {
		const char *action, *inside;
	} bad[] = {
		{ "session-accept", "" },
		{ "session-accept", "<content creator='initiator'/>" },
		{ "transport-info", "" },
		{ "content-add", "" },
		{ "content-modify", CONTENT("", "") },
		{ "transport-replace", "<content/>" },
		{ "what", "" },
		{ "", "" },
	};
	struct rig rig;

	rig_offered(&rig);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		receive(&rig, bad[i].action, bad[i].inside, "bad-request");
	assert_int_equal(rig.answers, 0);
	assert_int_equal(rig.ends, 0);
	rig_fini(&rig);
}

static void only_its_peer_has_a_say(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive_from(&rig, "mallory@example.org/phone", "m1",
		     "session-terminate", REASON("<success/>"), GONE);
	assert_detail(&rig, "unknown-session");
	receive_from(&rig, OTHER, "m2", "session-info",
		     "<hold xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>", GONE);
	assert_int_equal(rig.infos + rig.ends, 0);
	/* Conversations that lost its stream ends it under a new resource */
	receive_from(&rig, OTHER, "m3", "session-terminate",
		     REASON("<connectivity-error/>"), NULL);
	assert_int_equal(rig.reason, REASON_CONNECTIVITY_ERROR);
	rig_fini(&rig);
}

static void sids_and_addresses_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"a b",
		"\xc3\xa9",
		("0123456789012345678901234567890123456789"
		 "0123456789012345678901234"),
	};
	struct jingle_config config = { .local = NUMBER, .remote = ALICE };
	struct jingle *jingle = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		config.sid = bad[i];
		assert_int_equal(jingle_new(&jingle, &config, &handlers, NULL),
				 -EINVAL);
	}
	config.sid = SID;
	config.remote = "@";
	assert_int_equal(jingle_new(&jingle, &config, &handlers, NULL),
			 -EINVAL);
	assert_null(jingle_free(NULL));
}

static const char *iq_sid(const char *xml, bool *initiate, char *out,
			  size_t cap)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	assert_int_equal(stanza_parse(&iq, slice_of(xml)), 0);
	const char *sid = jingle_iq_sid(iq, initiate);
	if (!sid)
		return NULL;
	assert_int_equal(text_set(out, cap, sid), 0);
	return out;
}

static void the_sid_of_an_iq_is_found(void **state)
{
	(void)state;
	bool initiate = false;
	char out[128];

	assert_string_equal(
		iq_sid("<iq><jingle xmlns='urn:xmpp:jingle:1' sid='x' "
		       "action='session-initiate'/></iq>",
		       &initiate, out, sizeof(out)),
		"x");
	assert_true(initiate);
	assert_non_null(iq_sid("<iq><jingle xmlns='urn:xmpp:jingle:1' sid='x' "
			       "action='session-info'/></iq>",
			       &initiate, out, sizeof(out)));
	assert_false(initiate);
	assert_null(iq_sid("<iq><jingle xmlns='urn:xmpp:jingle:1'/></iq>",
			   &initiate, out, sizeof(out)));
	assert_null(iq_sid("<iq><jingle xmlns='urn:xmpp:jingle:1' "
			   "sid='a b'/></iq>",
			   &initiate, out, sizeof(out)));
	assert_null(iq_sid("<iq><jingle xmlns='urn:other' sid='x'/></iq>",
			   &initiate, out, sizeof(out)));
	assert_null(iq_sid("<iq/>", &initiate, out, sizeof(out)));
}

/* The answer to an iq with a jingle element of @attributes. */
static struct stanza *answer_unknown(const char *attributes)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *answer = NULL;
	char text[256];

	snprintf(text, sizeof(text),
		 "<iq type='set' id='1' from='a@b/c' to='d@e'>"
		 "<jingle xmlns='urn:xmpp:jingle:1' %s/></iq>",
		 attributes);
	assert_int_equal(stanza_parse(&iq, slice_of(text)), 0);
	assert_int_equal(jingle_unknown(&answer, iq), 0);
	return answer;
}

static void an_iq_without_a_session_is_told_so(void **state)
{
	(void)state;
	static const char *const malformed[] = { "", "sid='x'",
						 "action='session-info'",
						 "sid='x' action='dance'" };
	AUTO(stanza_freep)
	struct stanza *answer = answer_unknown("sid='x' action='session-info'");

	assert_string_equal(stanza_error_condition(answer), "item-not-found");
	assert_non_null(stanza_find(stanza_find(answer, "error", NULL),
				    "unknown-session",
				    "urn:xmpp:jingle:errors:1"));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
		AUTO(stanza_freep)
		struct stanza *bad = answer_unknown(malformed[i]);
		assert_string_equal(stanza_error_condition(bad), "bad-request");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_action_is_answered_once_in_every_phase),
		cmocka_unit_test(
			before_an_offer_nothing_is_in_order_but_it_and_the_end),
		cmocka_unit_test(what_cannot_be_read_is_a_bad_request),
		cmocka_unit_test(only_its_peer_has_a_say),
		cmocka_unit_test(sids_and_addresses_are_checked),
		cmocka_unit_test(the_sid_of_an_iq_is_found),
		cmocka_unit_test(an_iq_without_a_session_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
