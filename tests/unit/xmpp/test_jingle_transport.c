/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Candidates and ICE restarts of a Jingle session (XEP-0176). */
#include "tests/unit/xmpp/jingle_rig.h"

static void candidates_before_the_accept_follow_it(void **state)
{
	(void)state;
	struct rig rig;

	rig_offered(&rig);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	assert_int_equal(rig.candidates, 0);
	receive(&rig, "session-accept", AUDIO, NULL);
	assert_int_equal(rig.answers, 1);
	assert_int_equal(rig.candidates, 2);
	assert_string_equal(rig.mid, "audio");
	assert_int_equal(addr_port(&rig.cand.addr), 5000);
	rig_fini(&rig);

	/* other credentials than the accept's: not its candidates */
	rig_offered(&rig);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("else", PWD, CANDIDATE)), NULL);
	receive(&rig, "transport-info",
		CONTENT("other", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	receive(&rig, "session-accept", AUDIO, NULL);
	assert_int_equal(rig.candidates, 0);
	assert_int_equal(rig.restarts, 0);
	rig_fini(&rig);
}

#define WITHOUT_FINGERPRINT \
	CONTENT("audio", DESCRIPTION("audio") TRANSPORT(UFRAG, PWD, CANDIDATE))

/* XEP-0320, 2 */
static void a_fingerprint_before_the_accept_is_that_of_it(void **state)
{
	static const struct {
		const char *before;
		size_t n;
	} cases[] = {
		{ CONTENT("audio", TRANSPORT(UFRAG, PWD, FINGERPRINT)), 1 },
		{ CONTENT("audio", TRANSPORT("else", PWD, FINGERPRINT)), 0 },
		{ CONTENT("other", TRANSPORT(UFRAG, PWD, FINGERPRINT)), 0 },
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_offered(&rig);
		receive(&rig, "transport-info", cases[i].before, NULL);
		receive(&rig, "session-accept", WITHOUT_FINGERPRINT, NULL);
		const struct media_content *content = rig.desc->contents[0];
		assert_int_equal(content->nfingerprints, cases[i].n);
		assert_int_equal(content->profile,
				 cases[i].n ? MEDIA_DTLS_SAVPF : MEDIA_RTP_AVP);
		rig_fini(&rig);
	}
}

static void candidates_have_the_credentials_in_force(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	assert_int_equal(rig.candidates, 1);
	/* StanzaJS leaves out the password */
	receive(&rig, "transport-info",
		CONTENT("audio",
			"<transport ufrag='" UFRAG "' xmlns='urn:xmpp:jingle:"
			"transports:ice-udp:1'>" CANDIDATE "</transport>"),
		NULL);
	assert_int_equal(rig.candidates, 2);
	receive(&rig, "transport-info",
		CONTENT("audio",
			"<transport xmlns='urn:xmpp:jingle:transports:"
			"ice-udp:1'><gathering-complete/></transport>"),
		NULL);
	assert_int_equal(rig.candidates, 2);
	/* new ones without a password are none */
	receive(&rig, "transport-info",
		CONTENT("audio",
			"<transport ufrag='half' xmlns='urn:xmpp:jingle:"
			"transports:ice-udp:1'>" CANDIDATE "</transport>"),
		NULL);
	assert_int_equal(rig.candidates, 2);
	/* of a content that we refused */
	receive(&rig, "transport-info",
		CONTENT("video", TRANSPORT("vidu", PWD, CANDIDATE)), NULL);
	assert_int_equal(rig.candidates, 2);
	assert_int_equal(rig.restarts, 0);
	rig_fini(&rig);
}

/* Conversations: new credentials, no candidates, and waits for ours. */
static void new_credentials_restart_ice(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTIVE);
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("new1", PWD, "")), NULL);
	assert_int_equal(rig.restarts, 1);
	assert_string_equal(rig.content.ufrag, "new1");
	assert_string_equal(rig.content.mid, "audio");
	/* one that was under way when it restarted */
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	assert_int_equal(rig.restarts, 1);
	assert_int_equal(rig.candidates, 0);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("new1", PWD, CANDIDATE)), NULL);
	assert_int_equal(rig.candidates, 1);

	assert_int_equal(jingle_answer_restart(rig.jingle, desc->contents[0]),
			 0);
	assert_action(&rig, "transport-info");
	const struct stanza *transport = stanza_find(
		stanza_find(last_sent(&rig), "content", NULL), "transport",
		"urn:xmpp:jingle:transports:ice-udp:1");
	assert_string_equal(stanza_attr(transport, "ufrag"), "ours");
	rig_fini(&rig);
}

static void our_candidates_go_out_when_the_peer_can_take_them(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTIVE);
	struct media_cand cand = { .component = 1, .foundation = "1" };
	struct rig rig;

	assert_int_equal(addr_parse(&cand.addr, slice_of("192.0.2.9"), 9), 0);
	rig_invited(&rig);
	assert_int_equal(jingle_candidate(rig.jingle, desc->contents[0], &cand),
			 JINGLE_E_STATE);
	assert_int_equal(jingle_restart(rig.jingle, desc->contents[0]),
			 JINGLE_E_STATE);
	assert_int_equal(rig.nsent, 0);
	rig_fini(&rig);
	rig_active(&rig);
	assert_int_equal(jingle_candidate(rig.jingle, desc->contents[0], &cand),
			 0);
	assert_action(&rig, "transport-info");
	const struct stanza *content =
		stanza_find(last_sent(&rig), "content", NULL);
	assert_non_null(content);
	assert_null(stanza_next(content)); /* Dino takes one alone */
	const struct stanza *transport = stanza_find(
		content, "transport", "urn:xmpp:jingle:transports:ice-udp:1");
	assert_string_equal(
		stanza_attr(stanza_find(transport, "candidate", NULL), "ip"),
		"192.0.2.9");
	rig_fini(&rig);
}

static const struct stanza *sent_transport(const struct rig *rig, size_t i)
{
	const struct stanza *jingle =
		stanza_find(rig->sent[i], "jingle", JINGLE_NS);

	assert_string_equal(stanza_attr(jingle, "action"), "transport-info");
	return stanza_find(stanza_find(jingle, "content", NULL), "transport",
			   "urn:xmpp:jingle:transports:ice-udp:1");
}

static unsigned count_candidates(const struct stanza *transport)
{
	const struct stanza *child;
	unsigned n = 0;

	STANZA_FOREACH(child, transport)
		n += !strcmp(stanza_name(child), "candidate");
	return n;
}

/* With two candidates. */
static struct media_desc *our_transport(const char *ufrag)
{
	struct media_cand cand = { .component = 1, .foundation = "1" };
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTIVE);
	struct media_content *content = desc->contents[0];

	assert_int_equal(addr_parse(&cand.addr, slice_of("192.0.2.9"), 9), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(media_content_add_cand(content, &cand), 0);
	assert_int_equal(
		text_set(content->ufrag, sizeof(content->ufrag), ufrag), 0);
	return desc;
}

/* Conversations takes what has candidates for an answer. */
static void our_restart_has_credentials_alone_and_our_answer_all(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = our_transport("next");
	struct rig rig;

	rig_active(&rig);
	assert_int_equal(jingle_restart(rig.jingle, desc->contents[0]), 0);
	assert_int_equal(rig.nsent, 3);
	for (size_t i = 0; i < rig.nsent; i++) {
		const struct stanza *transport = sent_transport(&rig, i);

		assert_string_equal(stanza_attr(transport, "ufrag"), "next");
		assert_int_equal(count_candidates(transport), i ? 1 : 0);
	}
	rig_clear(&rig);
	assert_int_equal(jingle_answer_restart(rig.jingle, desc->contents[0]),
			 0);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(count_candidates(sent_transport(&rig, 0)), 2);
	rig_fini(&rig);
}

/* XEP-0166, 7.2.16. */
static void of_two_restarts_at_once_the_initiators_counts(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = our_transport("next");
	struct rig rig;

	rig_offered(&rig);
	receive(&rig, "session-accept", AUDIO, NULL);
	assert_int_equal(jingle_restart(rig.jingle, desc->contents[0]), 0);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("new1", PWD, "")), "conflict");
	assert_detail(&rig, "tie-break");
	assert_int_equal(rig.restarts, 0);
	/* its answer to ours */
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("new2", PWD, CANDIDATE)), NULL);
	assert_int_equal(rig.restarts, 1);
	/* and a later one of its own */
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("new3", PWD, "")), NULL);
	assert_int_equal(rig.restarts, 2);
	rig_fini(&rig);

	rig_active(&rig);
	assert_int_equal(jingle_restart(rig.jingle, desc->contents[0]), 0);
	rig_clear(&rig);
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT("new1", PWD, "")), NULL);
	assert_int_equal(rig.restarts, 1);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_before_the_accept_follow_it),
		cmocka_unit_test(a_fingerprint_before_the_accept_is_that_of_it),
		cmocka_unit_test(candidates_have_the_credentials_in_force),
		cmocka_unit_test(new_credentials_restart_ice),
		cmocka_unit_test(
			our_candidates_go_out_when_the_peer_can_take_them),
		cmocka_unit_test(
			our_restart_has_credentials_alone_and_our_answer_all),
		cmocka_unit_test(of_two_restarts_at_once_the_initiators_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
