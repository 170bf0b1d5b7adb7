/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A Jingle session from its offer to its end. */
#include "tests/fail_alloc.h"
#include "tests/unit/xmpp/jingle_rig.h"

static void an_offer_of_the_peer_is_told_behind_its_result(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTIVE);
	struct rig rig;

	rig_init(&rig, false);
	receive(&rig, "session-initiate", AUDIO, NULL);
	assert_int_equal(rig.offers, 1);
	assert_int_equal(rig.sent_at_offer, 1);
	assert_int_equal(rig.desc->ncontents, 1);
	assert_string_equal(rig.desc->contents[0]->ufrag, UFRAG);
	assert_int_equal(rig.desc->contents[0]->ncands, 1);
	assert_false(jingle_is_up(rig.jingle));

	assert_int_equal(jingle_answer(rig.jingle, desc), 0);
	assert_action(&rig, "session-accept");
	assert_string_equal(stanza_attr(last_sent(&rig), "responder"), NUMBER);
	assert_string_equal(
		stanza_attr(stanza_find(last_sent(&rig), "content", NULL),
			    "name"),
		"audio");
	assert_true(jingle_is_up(rig.jingle));
	assert_int_equal(jingle_answer(rig.jingle, desc), JINGLE_E_STATE);
	assert_int_equal(jingle_offer(rig.jingle, desc), JINGLE_E_STATE);
	rig_fini(&rig);
}

static void our_offer_is_accepted(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTPASS);
	struct rig rig;

	rig_init(&rig, true);
	assert_int_equal(jingle_offer(rig.jingle, desc), 0);
	assert_action(&rig, "session-initiate");
	assert_string_equal(stanza_attr(last_sent(&rig), "initiator"), NUMBER);
	assert_int_equal(jingle_offer(rig.jingle, desc), JINGLE_E_STATE);
	assert_int_equal(jingle_answer(rig.jingle, desc), JINGLE_E_STATE);

	receive(&rig, "session-info",
		"<ringing xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>", NULL);
	assert_int_equal(rig.info, JINGLE_INFO_RINGING);
	receive(&rig, "session-accept", AUDIO, NULL);
	assert_int_equal(rig.answers, 1);
	assert_true(jingle_is_up(rig.jingle));
	assert_string_equal(jingle_sid(rig.jingle), SID);
	assert_string_equal(jingle_local(rig.jingle), NUMBER);
	assert_string_equal(jingle_remote(rig.jingle), ALICE);
	rig_fini(&rig);
}

/* A stream that is resumed (XEP-0198) delivers what was sent before again. */
static void a_repetition_gets_its_answer_again_and_does_nothing(void **state)
{
	(void)state;
	struct rig rig;

	rig_offered(&rig);
	for (int i = 0; i < 3; i++)
		receive_from(&rig, ALICE, "accept", "session-accept", AUDIO,
			     NULL);
	assert_int_equal(rig.answers, 1);
	for (int i = 0; i < 3; i++)
		receive_from(&rig, ALICE, "info", "transport-info",
			     CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)),
			     NULL);
	assert_int_equal(rig.candidates, 1);
	for (int i = 0; i < 2; i++)
		receive_from(&rig, ALICE, "bad", "session-info",
			     "<x xmlns='urn:x'/>", "feature-not-implemented");
	/* a second accept is none: StanzaJS says the same to us */
	receive(&rig, "session-accept", AUDIO, "unexpected-request");
	assert_detail(&rig, "out-of-order");
	assert_int_equal(rig.answers, 1);
	for (int i = 0; i < 2; i++)
		receive_from(&rig, ALICE, "end", "session-terminate", "", NULL);
	receive(&rig, "session-terminate", "", NULL);
	assert_int_equal(rig.ends, 1);
	rig_fini(&rig);
}

static void one_id_for_several_things_is_no_repetition(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	for (int i = 0; i < 2; i++) {
		receive_from(&rig, ALICE, "x", "session-info",
			     "<hold xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>",
			     NULL);
		receive_from(&rig, ALICE, "x", "session-info",
			     "<dtmf xmlns='urn:xmpp:jingle:dtmf:0' code='1'/>",
			     NULL);
		receive_from(&rig, ALICE, "x", "session-info",
			     "<dtmf xmlns='urn:xmpp:jingle:dtmf:0' code='2'/>",
			     NULL);
		assert_int_equal(rig.infos, 1);
		assert_int_equal(rig.digits, 2);
	}
	assert_int_equal(rig.digit, '2');
	rig_fini(&rig);
}

static void both_beginning_at_once_is_a_tie(void **state)
{
	(void)state;
	struct rig rig;

	rig_offered(&rig);
	receive(&rig, "session-initiate", AUDIO, "conflict");
	assert_detail(&rig, "tie-break");
	receive(&rig, "session-accept", AUDIO, NULL);
	assert_int_equal(rig.answers, 1);
	rig_fini(&rig);
}

static void an_offer_that_cannot_be_read_ends_the_session(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, false);
	receive(&rig, "session-initiate", "", "bad-request");
	assert_int_equal(rig.offers, 0);
	assert_int_equal(rig.ends, 1);
	assert_int_equal(rig.reason, REASON_FAILED_APPLICATION);
	receive(&rig, "session-initiate", AUDIO, GONE);
	rig_fini(&rig);
}

static void too_many_contents_are_no_application_of_ours(void **state)
{
	(void)state;
	char inside[MEDIA_MAX_CONTENTS * 2 * 128] = "";
	struct rig rig;

	for (int i = 0; i < MEDIA_MAX_CONTENTS * 2; i++)
		snprintf(inside + strlen(inside),
			 sizeof(inside) - strlen(inside),
			 "<content creator='initiator' name='c%d'/>", i);
	rig_init(&rig, false);
	receive(&rig, "session-initiate", inside, NULL);
	assert_action(&rig, "session-terminate");
	assert_int_equal(rig.offers, 0);
	assert_int_equal(rig.ends, 1);
	assert_int_equal(rig.reason, REASON_UNSUPPORTED_APPLICATIONS);
	rig_fini(&rig);
}

static void an_accept_without_our_content_ends_the_session(void **state)
{
	(void)state;
	struct rig rig;

	rig_offered(&rig);
	receive(&rig, "session-accept", VIDEO, NULL);
	assert_action(&rig, "session-terminate");
	assert_int_equal(rig.answers, 0);
	assert_int_equal(rig.reason, REASON_FAILED_APPLICATION);
	rig_fini(&rig);
}

static void the_peer_ends_the_session(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "session-terminate",
		REASON("<busy/><text>in a meeting</text>"), NULL);
	assert_int_equal(rig.ends, 1);
	assert_int_equal(rig.reason, REASON_BUSY);
	assert_string_equal(rig.text, "in a meeting");
	assert_int_equal(rig.nsent, 1);
	/* nothing is said to a session that is over */
	jingle_terminate(rig.jingle, REASON_SUCCESS, NULL);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(jingle_info(rig.jingle, JINGLE_INFO_HOLD),
			 JINGLE_E_STATE);
	rig_fini(&rig);

	rig_active(&rig);
	receive(&rig, "session-terminate", "", NULL);
	assert_int_equal(rig.reason, REASON_NONE);
	rig_fini(&rig);
}

static void we_end_the_session_with_a_reason(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	jingle_terminate(rig.jingle, REASON_NONE, "bye");
	assert_action(&rig, "session-terminate");
	const struct stanza *reason =
		stanza_find(last_sent(&rig), "reason", NULL);
	assert_non_null(stanza_find(reason, "success", NULL));
	assert_string_equal(stanza_find_text(reason, "text", NULL), "bye");
	jingle_terminate(rig.jingle, REASON_BUSY, NULL);
	assert_int_equal(rig.nsent, 1);
	assert_int_equal(rig.ends, 0);
	rig_fini(&rig);

	rig_active(&rig);
	jingle_terminate(rig.jingle, REASON_BUSY, NULL);
	reason = stanza_find(last_sent(&rig), "reason", NULL);
	assert_non_null(stanza_find(reason, "busy", NULL));
	rig_fini(&rig);

	/* before session-initiate it would throw in Conversations */
	rig_init(&rig, true);
	jingle_terminate(rig.jingle, REASON_CANCEL, NULL);
	assert_int_equal(rig.nsent, 0);
	receive(&rig, "session-accept", AUDIO, GONE);
	rig_fini(&rig);
}

static void a_handler_may_end_the_session(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, false);
	rig.terminate = true;
	receive(&rig, "session-initiate", AUDIO, NULL);
	assert_action(&rig, "session-terminate");
	rig_fini(&rig);

	rig_active(&rig);
	rig.terminate = true;
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE CANDIDATE))
			CONTENT("audio", TRANSPORT("new1", PWD, "")),
		NULL);
	assert_int_equal(rig.candidates, 1);
	assert_int_equal(rig.restarts, 0);
	rig_fini(&rig);

	rig_offered(&rig);
	rig.terminate = true;
	receive(&rig, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	receive(&rig, "session-accept", AUDIO, NULL);
	assert_int_equal(rig.candidates, 0);
	rig_fini(&rig);
}

static void reply(struct rig *rig, const struct stanza *iq,
		  const char *condition, const char *detail)
{
	AUTO(stanza_freep) struct stanza *answer = NULL;

	if (!condition)
		assert_int_equal(stanza_result(&answer, iq), 0);
	else
		assert_int_equal(
			stanza_error_reply(&answer, iq, NULL, condition, NULL),
			0);
	if (detail)
		stanza_child(stanza_find(answer, "error", NULL), detail,
			     "urn:xmpp:jingle:errors:1");
	jingle_reply(rig->jingle, answer);
}

static void an_error_to_our_offer_ends_the_session(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		enum reason reason;
	} errors[] = {
		{ "service-unavailable", REASON_GONE },
		{ "recipient-unavailable", REASON_GONE },
		{ "item-not-found", REASON_GONE },
		{ "bad-request", REASON_GENERAL_ERROR },
		{ "resource-constraint", REASON_GENERAL_ERROR },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		AUTO(media_desc_freep)
		struct media_desc *desc =
			our_desc("audio", MEDIA_SETUP_ACTPASS);
		struct rig rig;

		rig_init(&rig, true);
		assert_int_equal(jingle_offer(rig.jingle, desc), 0);
		reply(&rig, rig.sent[0], NULL, NULL);
		assert_int_equal(rig.ends, 0);
		reply(&rig, rig.sent[0], errors[i].condition, NULL);
		assert_int_equal(rig.ends, 1);
		assert_int_equal(rig.reason, errors[i].reason);
		assert_string_equal(rig.text, errors[i].condition);
		reply(&rig, rig.sent[0], errors[i].condition, NULL);
		assert_int_equal(rig.ends, 1);
		rig_fini(&rig);
	}
}

static void other_errors_end_it_only_when_it_is_unknown(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	assert_int_equal(jingle_info(rig.jingle, JINGLE_INFO_HOLD), 0);
	/* Siskin */
	reply(&rig, rig.sent[0], "feature-not-implemented", NULL);
	/* a client that is being resumed */
	reply(&rig, rig.sent[0], "service-unavailable", NULL);
	reply(&rig, rig.sent[0], "item-not-found", NULL);
	assert_true(jingle_is_up(rig.jingle));
	reply(&rig, rig.sent[0], "item-not-found", "unknown-session");
	assert_int_equal(rig.ends, 1);
	assert_int_equal(rig.reason, REASON_GONE);
	rig_fini(&rig);
}

static void a_session_outlives_its_process(void **state)
{
	(void)state;
	struct jingle_state saved;
	struct rig rig, again = { 0 };

	rig_init(&rig, false);
	assert_int_equal(jingle_save(rig.jingle, &saved), JINGLE_E_STATE);
	rig_fini(&rig);
	/* what is on disk before the accept leaves */
	rig_invited(&rig);
	assert_int_equal(jingle_save(rig.jingle, &saved), 0);
	assert_string_equal(saved.mid, "audio");
	assert_string_equal(saved.remote_ufrag, UFRAG);
	jingle_state_fini(&saved);
	rig_fini(&rig);
	rig_active(&rig);
	jingle_terminate(rig.jingle, REASON_SUCCESS, NULL);
	assert_int_equal(jingle_save(rig.jingle, &saved), JINGLE_E_STATE);
	rig_fini(&rig);
	rig_active(&rig);
	assert_int_equal(jingle_save(rig.jingle, &saved), 0);
	rig_fini(&rig);
	assert_string_equal(saved.mid, "audio");
	assert_string_equal(saved.local_ufrag, "ours");
	assert_string_equal(saved.remote_ufrag, UFRAG);
	assert_string_equal(saved.remote_pwd, PWD);
	assert_int_equal(
		jingle_restore(&again.jingle, &saved, &handlers, &again), 0);
	assert_true(jingle_is_up(again.jingle));
	receive(&again, "transport-info",
		CONTENT("audio", TRANSPORT(UFRAG, PWD, CANDIDATE)), NULL);
	assert_int_equal(again.candidates, 1);
	receive(&again, "content-modify", SENDERS("initiator"), NULL);
	assert_int_equal(again.dir, MEDIA_SENDONLY);
	receive(&again, "session-terminate", REASON("<success/>"), NULL);
	assert_int_equal(again.ends, 1);
	rig_fini(&again);
	jingle_state_fini(&saved);
}

static int receive_offer(struct rig *rig, const struct stanza *iq)
{
	jingle_receive(rig->jingle, iq);
	return rig->nsent && rig->offers && rig->desc ? 0 : -ENOMEM;
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	const struct jingle_config config = {
		.sid = SID, .local = NUMBER, .remote = ALICE, .initiator = true
	};
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTPASS);
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct jingle_state saved = { 0 };
	struct jingle *jingle = NULL;
	struct rig rig;
	int r;

	FAIL_EACH_ALLOCATION(r, jingle_new(&jingle, &config, &handlers, NULL))
	jingle = jingle_free(jingle);

	rig_init(&rig, true);
	for (long i = 0; i < 200; i++) {
		fail_alloc_arm(i);
		r = fail_alloc_disarm(jingle_offer(rig.jingle, desc));
		if (!r)
			break;
		assert_int_equal(r, -ENOMEM);
	}
	assert_int_equal(r, 0);
	rig_fini(&rig);

	rig_active(&rig);
	FAIL_EACH_ALLOCATION(r, jingle_save(rig.jingle, &saved))
	rig_fini(&rig);
	FAIL_EACH_ALLOCATION(r,
			     jingle_restore(&jingle, &saved, &handlers, NULL))
	jingle = jingle_free(jingle);
	jingle_state_fini(&saved);

	assert_int_equal(
		stanza_parse(&iq,
			     slice_of("<iq xmlns='jabber:component:accept' "
				      "type='set' id='1' from='" ALICE
				      "' to='" NUMBER "'><jingle "
				      "xmlns='urn:xmpp:jingle:1' sid='" SID
				      "' action='session-initiate'>" AUDIO
				      "</jingle></iq>")),
		0);
	bool done = false;
	for (long i = 0; i < 400 && !done; i++) {
		rig_init(&rig, false);
		fail_alloc_arm(i);
		done = !fail_alloc_disarm(receive_offer(&rig, iq));
		/* without an answer of ours there is nothing to go on with */
		assert_true(rig.offers + rig.ends <= 1);
		rig_fini(&rig);
	}
	assert_true(done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_offer_of_the_peer_is_told_behind_its_result),
		cmocka_unit_test(our_offer_is_accepted),
		cmocka_unit_test(
			a_repetition_gets_its_answer_again_and_does_nothing),
		cmocka_unit_test(one_id_for_several_things_is_no_repetition),
		cmocka_unit_test(both_beginning_at_once_is_a_tie),
		cmocka_unit_test(an_offer_that_cannot_be_read_ends_the_session),
		cmocka_unit_test(too_many_contents_are_no_application_of_ours),
		cmocka_unit_test(
			an_accept_without_our_content_ends_the_session),
		cmocka_unit_test(the_peer_ends_the_session),
		cmocka_unit_test(we_end_the_session_with_a_reason),
		cmocka_unit_test(a_handler_may_end_the_session),
		cmocka_unit_test(an_error_to_our_offer_ends_the_session),
		cmocka_unit_test(other_errors_end_it_only_when_it_is_unknown),
		cmocka_unit_test(a_session_outlives_its_process),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
