/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jingle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "media/desc.h"
#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define SID      "ca3cf894-5325-482f-a412-a6e9f832298d"
#define NUMBER   "+15551234567@tel.example.org/sip"
#define ALICE    "alice@example.org/phone"
#define OTHER    "alice@example.org/laptop"
#define UFRAG    "4a7b"
#define PWD      "Zfp0VTQqsUEbUEnJKcVZzRkO"
#define MAX_SENT 32

/* A session and all that came out of it. */
struct rig {
	struct jingle *jingle;
	struct stanza *sent[MAX_SENT];
	size_t nsent;
	unsigned offers, answers, candidates, restarts, infos, digits, ends;
	unsigned directions;
	size_t sent_at_offer; /* when the offer was told */
	struct media_desc *desc;
	struct media_content content;
	struct media_cand cand;
	char mid[MEDIA_MID_CAP];
	enum jingle_info info;
	char digit;
	unsigned duration_ms;
	unsigned dir;
	enum reason reason;
	char text[128];
	bool terminate; /* from within the first handler that is called */
	unsigned iqs;
};

static void maybe_terminate(struct rig *rig)
{
	if (rig->terminate)
		jingle_terminate(rig->jingle, REASON_BUSY, NULL);
}

static void on_send(struct stanza *stanza, void *arg)
{
	struct rig *rig = arg;

	assert_true(rig->nsent < MAX_SENT);
	assert_non_null(stanza_attr(stanza, "id"));
	if (!stanza_copy(&rig->sent[rig->nsent], stanza))
		rig->nsent++;
}

static void on_offer(const struct media_desc *offer, void *arg)
{
	struct rig *rig = arg;

	rig->offers++;
	rig->sent_at_offer = rig->nsent;
	media_desc_free(rig->desc);
	rig->desc = NULL;
	if (media_desc_copy(&rig->desc, offer))
		rig->desc = NULL;
	maybe_terminate(rig);
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	struct rig *rig = arg;

	on_offer(answer, arg);
	rig->offers--;
	rig->answers++;
}

static void on_candidate(const char *mid, const struct media_cand *cand,
			 void *arg)
{
	struct rig *rig = arg;

	rig->candidates++;
	rig->cand = *cand;
	assert_int_equal(text_set(rig->mid, sizeof(rig->mid), mid), 0);
	maybe_terminate(rig);
}

static void on_restart(const struct media_content *content, void *arg)
{
	struct rig *rig = arg;

	rig->restarts++;
	media_content_fini(&rig->content);
	assert_int_equal(media_content_copy(&rig->content, content), 0);
	maybe_terminate(rig);
}

static void on_info(enum jingle_info info, void *arg)
{
	struct rig *rig = arg;

	rig->infos++;
	rig->info = info;
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	struct rig *rig = arg;

	rig->digits++;
	rig->digit = digit;
	rig->duration_ms = duration_ms;
}

static void on_direction(unsigned dir, void *arg)
{
	struct rig *rig = arg;

	rig->directions++;
	rig->dir = dir;
}

static void on_ended(enum reason reason, const char *text, void *arg)
{
	struct rig *rig = arg;

	rig->ends++;
	rig->reason = reason;
	assert_int_equal(text_set(rig->text, sizeof(rig->text), text), 0);
}

static const struct jingle_handlers handlers = {
	.send = on_send,
	.offer = on_offer,
	.answer = on_answer,
	.candidate = on_candidate,
	.restart = on_restart,
	.info = on_info,
	.digit = on_digit,
	.direction = on_direction,
	.ended = on_ended,
};

static void rig_init(struct rig *rig, bool initiator)
{
	const struct jingle_config config = { .sid = SID,
					      .local = NUMBER,
					      .remote = ALICE,
					      .initiator = initiator };

	*rig = (struct rig){ 0 };
	assert_int_equal(jingle_new(&rig->jingle, &config, &handlers, rig), 0);
}

static void rig_clear(struct rig *rig)
{
	while (rig->nsent)
		stanza_free(rig->sent[--rig->nsent]);
}

static void rig_fini(struct rig *rig)
{
	media_content_fini(&rig->content);
	jingle_free(rig->jingle);
	media_desc_free(rig->desc);
	rig_clear(rig);
}

/* What clients send. */

#define CANDIDATE                                                        \
	"<candidate component='1' foundation='1' generation='0' id='c' " \
	"ip='192.0.2.1' network='0' port='5000' priority='2130706431' "  \
	"protocol='udp' type='host'/>"
#define TRANSPORT(ufrag, pwd, inside)                              \
	"<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' " \
	"ufrag='" ufrag "' pwd='" pwd "'>" inside "</transport>"
#define FINGERPRINT                                                        \
	"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' " \
	"setup='actpass'>00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF</fingerprint>"
#define DESCRIPTION(media)                                                 \
	"<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='" media    \
	"'><payload-type id='0' name='PCMU' clockrate='8000'/>"            \
	"<payload-type id='126' name='telephone-event' clockrate='8000'/>" \
	"<rtcp-mux/></description>"
#define CONTENT(name, inside) \
	"<content creator='initiator' name='" name "'>" inside "</content>"
#define AUDIO                                 \
	CONTENT("audio", DESCRIPTION("audio") \
				 TRANSPORT(UFRAG, PWD, CANDIDATE FINGERPRINT))
#define VIDEO            \
	CONTENT("video", \
		DESCRIPTION("video") TRANSPORT("vidu", PWD, FINGERPRINT))

static void assert_answered(struct rig *rig, size_t before, const char *id,
			    const char *to, const char *condition)
{
	unsigned answers = 0;

	for (size_t i = before; i < rig->nsent; i++) {
		const struct stanza *st = rig->sent[i];
		if (!strcmp(stanza_attr(st, "type"), "set"))
			continue;
		answers++;
		/* before all that the action does */
		assert_int_equal(i, before);
		assert_string_equal(stanza_attr(st, "id"), id);
		assert_string_equal(stanza_attr(st, "to"), to);
		assert_string_equal(stanza_attr(st, "type"),
				    condition ? "error" : "result");
		if (condition)
			assert_string_equal(stanza_error_condition(st),
					    condition);
	}
	assert_int_equal(answers, 1);
}

/* One iq with that id; its answer is checked. */
static void receive_from(struct rig *rig, const char *from, const char *id,
			 const char *action, const char *inside,
			 const char *condition)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	size_t before = rig->nsent;
	char *xml = NULL;

	assert_true(asprintf(&xml,
			     "<iq xmlns='jabber:component:accept' type='set' "
			     "id='%s' from='%s' to='" NUMBER "'>"
			     "<jingle xmlns='urn:xmpp:jingle:1' sid='" SID
			     "' action='%s'>%s</jingle></iq>",
			     id, from, action, inside) > 0);
	assert_int_equal(stanza_parse(&iq, slice_of(xml)), 0);
	free(xml);
	jingle_receive(rig->jingle, iq);
	assert_answered(rig, before, id, from, condition);
}

static void receive(struct rig *rig, const char *action, const char *inside,
		    const char *condition)
{
	char id[16];

	snprintf(id, sizeof(id), "i%u", ++rig->iqs);
	receive_from(rig, ALICE, id, action, inside, condition);
}

/* What we sent last, a jingle action of ours. */
static const struct stanza *last_sent(const struct rig *rig)
{
	assert_true(rig->nsent > 0);
	return stanza_find(rig->sent[rig->nsent - 1], "jingle", JINGLE_NS);
}

static void assert_action(const struct rig *rig, const char *action)
{
	const struct stanza *st = last_sent(rig);

	assert_non_null(st);
	assert_string_equal(stanza_attr(st, "action"), action);
	assert_string_equal(stanza_attr(st, "sid"), SID);
	assert_string_equal(stanza_attr(rig->sent[rig->nsent - 1], "from"),
			    NUMBER);
	assert_string_equal(stanza_attr(rig->sent[rig->nsent - 1], "to"),
			    ALICE);
}

static void assert_detail(const struct rig *rig, const char *detail)
{
	const struct stanza *error =
		stanza_find(rig->sent[rig->nsent - 1], "error", NULL);

	assert_non_null(stanza_find(error, detail, "urn:xmpp:jingle:errors:1"));
}

static struct media_desc *our_desc(const char *mid, enum media_setup setup)
{
	struct media_codec pcmu = {
		.pt = 0, .channels = 1, .clockrate = 8000, .name = "PCMU"
	};
	struct media_content *content = NULL;
	struct media_desc *desc = NULL;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &content), 0);
	assert_int_equal(text_set(content->mid, sizeof(content->mid), mid), 0);
	assert_int_equal(
		text_set(content->ufrag, sizeof(content->ufrag), "ours"), 0);
	assert_int_equal(text_set(content->pwd, sizeof(content->pwd),
				  "ourpasswordourpassword"),
			 0);
	content->profile = MEDIA_DTLS_SAVPF;
	content->setup = setup;
	content->rtcp_mux = true;
	assert_int_equal(media_content_add_codec(content, &pcmu), 0);
	return desc;
}

static void rig_offered(struct rig *rig)
{
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTPASS);

	rig_init(rig, true);
	assert_int_equal(jingle_offer(rig->jingle, desc), 0);
	rig_clear(rig);
}

static void rig_invited(struct rig *rig)
{
	rig_init(rig, false);
	receive(rig, "session-initiate", AUDIO, NULL);
	rig_clear(rig);
}

static void rig_active(struct rig *rig)
{
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTIVE);

	rig_invited(rig);
	assert_int_equal(jingle_answer(rig->jingle, desc), 0);
	rig_clear(rig);
}

/* Tests. */

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

static const char *const action_names[] = {
	"content-accept",   "content-add",       "content-modify",
	"content-reject",   "content-remove",    "description-info",
	"security-info",    "session-accept",    "session-info",
	"session-initiate", "session-terminate", "transport-accept",
	"transport-info",   "transport-reject",  "transport-replace",
};
enum { NACTIONS = sizeof(action_names) / sizeof(*action_names) };

/* Conditions in the order of action_names; NULL is a result. */
#define ORDER "unexpected-request"
#define GONE  "item-not-found"
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

static void before_an_offer_everything_is_out_of_order(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, false);
	for (size_t i = 0; i < NACTIONS; i++)
		if (strcmp(action_names[i], "session-initiate") != 0)
			receive(&rig, action_names[i], AUDIO, ORDER);
	assert_int_equal(rig.ends, 0);
	receive(&rig, "session-initiate", AUDIO, NULL);
	assert_int_equal(rig.offers, 1);
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

	assert_int_equal(jingle_restart(rig.jingle, desc->contents[0]), 0);
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

static void added_contents_are_refused_as_they_were_written(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "content-add", VIDEO, NULL);
	assert_action(&rig, "content-reject");
	const struct stanza *content =
		stanza_find(last_sent(&rig), "content", NULL);
	assert_string_equal(stanza_attr(content, "name"), "video");
	assert_string_equal(stanza_attr(content, "creator"), "initiator");
	assert_string_equal(
		stanza_attr(stanza_find(content, "description",
					"urn:xmpp:jingle:apps:rtp:1"),
			    "media"),
		"video");
	receive(&rig, "transport-replace",
		CONTENT("audio", "<transport xmlns='urn:xmpp:jingle:transports:"
				 "raw-udp:1'/>"),
		NULL);
	assert_action(&rig, "transport-reject");
	assert_true(jingle_is_up(rig.jingle));
	rig_fini(&rig);
}

#define SENDERS(senders) \
	"<content creator='initiator' name='audio' senders='" senders "'/>"

static void hold_is_a_direction_of_the_peer(void **state)
{
	(void)state;
	struct rig rig;

	/* senders names roles: the initiator alone is who offers */
	rig_init(&rig, false);
	receive(&rig, "session-initiate",
		"<content creator='initiator' name='audio' "
		"senders='initiator'>" DESCRIPTION("audio")
			TRANSPORT(UFRAG, PWD, FINGERPRINT) "</content>",
		NULL);
	assert_int_equal(rig.desc->contents[0]->dir, MEDIA_SENDONLY);
	receive(&rig, "content-modify", SENDERS("both"), NULL);
	assert_int_equal(rig.dir, MEDIA_SENDRECV);
	rig_fini(&rig);

	/* the peer is the initiator */
	rig_active(&rig);
	receive(&rig, "content-modify", SENDERS("initiator"), NULL);
	assert_int_equal(rig.directions, 1);
	assert_int_equal(rig.dir, MEDIA_SENDONLY);
	receive(&rig, "content-modify", SENDERS("initiator"), NULL);
	assert_int_equal(rig.directions, 1);
	receive(&rig, "content-modify", SENDERS("none"), NULL);
	assert_int_equal(rig.dir, MEDIA_INACTIVE);
	/* Movim sends its whole description */
	receive(&rig, "content-modify", AUDIO VIDEO, NULL);
	assert_int_equal(rig.dir, MEDIA_SENDRECV);
	receive(&rig, "content-modify", VIDEO, NULL);
	assert_int_equal(rig.directions, 3);
	rig_fini(&rig);

	rig_offered(&rig);
	receive(&rig, "session-accept", AUDIO, NULL);
	receive(&rig, "content-modify", SENDERS("responder"), NULL);
	assert_int_equal(rig.dir, MEDIA_SENDONLY);
	rig_fini(&rig);
}

static void without_its_content_the_session_ends(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "content-remove", VIDEO, NULL);
	assert_true(jingle_is_up(rig.jingle));
	receive(&rig, "content-remove", SENDERS("both"), NULL);
	assert_action(&rig, "session-terminate");
	assert_int_equal(rig.ends, 1);
	assert_false(jingle_is_up(rig.jingle));
	rig_fini(&rig);
}

static void infos_are_told_and_unknown_ones_named(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum jingle_info info;
	} infos[] = {
		{ "ringing", JINGLE_INFO_RINGING },
		{ "hold", JINGLE_INFO_HOLD },
		{ "unhold", JINGLE_INFO_UNHOLD },
		{ "active", JINGLE_INFO_UNHOLD },
		{ "mute", JINGLE_INFO_MUTE },
		{ "unmute", JINGLE_INFO_UNMUTE },
	};
	struct rig rig;

	rig_active(&rig);
	for (unsigned i = 0; i < sizeof(infos) / sizeof(*infos); i++) {
		char inside[128];
		snprintf(inside, sizeof(inside),
			 "<%s xmlns='urn:xmpp:jingle:apps:rtp:info:1' "
			 "name='audio'/>",
			 infos[i].name);
		receive(&rig, "session-info", inside, NULL);
		assert_int_equal(rig.infos, i + 1);
		assert_int_equal(rig.info, infos[i].info);
	}
	receive(&rig, "session-info", "", NULL); /* a ping */
	receive(&rig, "session-info",
		"<dance xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>",
		"feature-not-implemented");
	assert_detail(&rig, "unsupported-info");
	assert_int_equal(rig.infos, 6);
	rig_fini(&rig);
}

#define DTMF(attributes) "<dtmf xmlns='urn:xmpp:jingle:dtmf:0' " attributes "/>"

static void digits_are_told(void **state)
{
	(void)state;
	struct rig rig;

	rig_active(&rig);
	receive(&rig, "session-info", DTMF("code='7'"), NULL);
	assert_int_equal(rig.digit, '7');
	assert_int_equal(rig.duration_ms, 100);
	receive(&rig, "session-info", DTMF("code='#' duration='250'"), NULL);
	assert_int_equal(rig.digit, '#');
	assert_int_equal(rig.duration_ms, 250);
	receive(&rig, "session-info", DTMF("code='E'"),
		"feature-not-implemented");
	receive(&rig, "session-info", DTMF("code='12'"),
		"feature-not-implemented");
	receive(&rig, "session-info", DTMF("code=''"), "bad-request");
	receive(&rig, "session-info", DTMF(""), "bad-request");
	receive(&rig, "session-info", DTMF("code='1' duration='0'"),
		"bad-request");
	receive(&rig, "session-info", DTMF("code='1' duration='9999999'"),
		"bad-request");
	receive(&rig, "session-info", DTMF("code='1' duration='-1'"),
		"bad-request");
	assert_int_equal(rig.digits, 2);
	rig_fini(&rig);
}

static void our_infos_are_written(void **state)
{
	(void)state;
	static const struct {
		enum jingle_info info;
		const char *name;
	} infos[] = {
		{ JINGLE_INFO_RINGING, "ringing" },
		{ JINGLE_INFO_HOLD, "hold" },
		{ JINGLE_INFO_UNHOLD, "active" },
		{ JINGLE_INFO_MUTE, "mute" },
		{ JINGLE_INFO_UNMUTE, "unmute" },
	};
	struct rig rig;

	rig_init(&rig, true);
	assert_int_equal(jingle_info(rig.jingle, JINGLE_INFO_RINGING),
			 JINGLE_E_STATE);
	assert_int_equal(jingle_ping(rig.jingle), JINGLE_E_STATE);
	rig_fini(&rig);
	rig_active(&rig);
	for (unsigned i = 0; i < sizeof(infos) / sizeof(*infos); i++) {
		assert_int_equal(jingle_info(rig.jingle, infos[i].info), 0);
		assert_action(&rig, "session-info");
		assert_non_null(stanza_find(last_sent(&rig), infos[i].name,
					    "urn:xmpp:jingle:apps:rtp:info:1"));
	}
	assert_int_equal(jingle_ping(rig.jingle), 0);
	assert_action(&rig, "session-info");
	assert_null(stanza_first(last_sent(&rig)));
	rig_fini(&rig);
}

#define REASON(inside) "<reason>" inside "</reason>"

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
		cmocka_unit_test(every_action_is_answered_once_in_every_phase),
		cmocka_unit_test(both_beginning_at_once_is_a_tie),
		cmocka_unit_test(before_an_offer_everything_is_out_of_order),
		cmocka_unit_test(what_cannot_be_read_is_a_bad_request),
		cmocka_unit_test(an_offer_that_cannot_be_read_ends_the_session),
		cmocka_unit_test(too_many_contents_are_no_application_of_ours),
		cmocka_unit_test(
			an_accept_without_our_content_ends_the_session),
		cmocka_unit_test(candidates_before_the_accept_follow_it),
		cmocka_unit_test(candidates_have_the_credentials_in_force),
		cmocka_unit_test(new_credentials_restart_ice),
		cmocka_unit_test(
			our_candidates_go_out_when_the_peer_can_take_them),
		cmocka_unit_test(
			added_contents_are_refused_as_they_were_written),
		cmocka_unit_test(hold_is_a_direction_of_the_peer),
		cmocka_unit_test(without_its_content_the_session_ends),
		cmocka_unit_test(infos_are_told_and_unknown_ones_named),
		cmocka_unit_test(digits_are_told),
		cmocka_unit_test(our_infos_are_written),
		cmocka_unit_test(the_peer_ends_the_session),
		cmocka_unit_test(only_its_peer_has_a_say),
		cmocka_unit_test(we_end_the_session_with_a_reason),
		cmocka_unit_test(a_handler_may_end_the_session),
		cmocka_unit_test(an_error_to_our_offer_ends_the_session),
		cmocka_unit_test(other_errors_end_it_only_when_it_is_unknown),
		cmocka_unit_test(a_session_outlives_its_process),
		cmocka_unit_test(sids_and_addresses_are_checked),
		cmocka_unit_test(the_sid_of_an_iq_is_found),
		cmocka_unit_test(an_iq_without_a_session_is_told_so),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
