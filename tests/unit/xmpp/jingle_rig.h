/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A Jingle session on its own, all that comes out of it, and what clients send
 * it.
 */
#pragma once

#include "xmpp/jingle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "media/desc.h"
#include "tests/test.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

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

static inline void maybe_terminate(struct rig *rig)
{
	if (rig->terminate)
		jingle_terminate(rig->jingle, REASON_BUSY, NULL);
}

static inline void on_send(struct stanza *stanza, void *arg)
{
	struct rig *rig = arg;

	assert_true(rig->nsent < MAX_SENT);
	assert_non_null(stanza_attr(stanza, "id"));
	if (!stanza_copy(&rig->sent[rig->nsent], stanza))
		rig->nsent++;
}

static inline void on_offer(const struct media_desc *offer, void *arg)
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

static inline void on_answer(const struct media_desc *answer, void *arg)
{
	struct rig *rig = arg;

	on_offer(answer, arg);
	rig->offers--;
	rig->answers++;
}

static inline void on_candidate(const char *mid, const struct media_cand *cand,
				void *arg)
{
	struct rig *rig = arg;

	rig->candidates++;
	rig->cand = *cand;
	assert_int_equal(text_set(rig->mid, sizeof(rig->mid), mid), 0);
	maybe_terminate(rig);
}

static inline void on_restart(const struct media_content *content, void *arg)
{
	struct rig *rig = arg;

	rig->restarts++;
	media_content_fini(&rig->content);
	assert_int_equal(media_content_copy(&rig->content, content), 0);
	maybe_terminate(rig);
}

static inline void on_info(enum jingle_info info, void *arg)
{
	struct rig *rig = arg;

	rig->infos++;
	rig->info = info;
}

static inline void on_digit(char digit, unsigned duration_ms, void *arg)
{
	struct rig *rig = arg;

	rig->digits++;
	rig->digit = digit;
	rig->duration_ms = duration_ms;
}

static inline void on_direction(unsigned dir, void *arg)
{
	struct rig *rig = arg;

	rig->directions++;
	rig->dir = dir;
}

static inline void on_ended(enum reason reason, const char *text, void *arg)
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

static inline void rig_init(struct rig *rig, bool initiator)
{
	const struct jingle_config config = { .sid = SID,
					      .local = NUMBER,
					      .remote = ALICE,
					      .initiator = initiator };

	*rig = (struct rig){ 0 };
	assert_int_equal(jingle_new(&rig->jingle, &config, &handlers, rig), 0);
}

static inline void rig_clear(struct rig *rig)
{
	while (rig->nsent)
		stanza_free(rig->sent[--rig->nsent]);
}

static inline void rig_fini(struct rig *rig)
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

#define REASON(inside) "<reason>" inside "</reason>"
#define SENDERS(senders) \
	"<content creator='initiator' name='audio' senders='" senders "'/>"
#define ORDER "unexpected-request"
#define GONE  "item-not-found"

static inline void assert_answered(struct rig *rig, size_t before,
				   const char *id, const char *to,
				   const char *condition)
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
static inline void receive_from(struct rig *rig, const char *from,
				const char *id, const char *action,
				const char *inside, const char *condition)
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

static inline void receive(struct rig *rig, const char *action,
			   const char *inside, const char *condition)
{
	char id[16];

	snprintf(id, sizeof(id), "i%u", ++rig->iqs);
	receive_from(rig, ALICE, id, action, inside, condition);
}

/* What we sent last, a jingle action of ours. */
static inline const struct stanza *last_sent(const struct rig *rig)
{
	assert_true(rig->nsent > 0);
	return stanza_find(rig->sent[rig->nsent - 1], "jingle", JINGLE_NS);
}

static inline void assert_action(const struct rig *rig, const char *action)
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

static inline void assert_detail(const struct rig *rig, const char *detail)
{
	const struct stanza *error =
		stanza_find(rig->sent[rig->nsent - 1], "error", NULL);

	assert_non_null(stanza_find(error, detail, "urn:xmpp:jingle:errors:1"));
}

static inline struct media_desc *our_desc(const char *mid,
					  enum media_setup setup)
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

static inline void rig_offered(struct rig *rig)
{
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTPASS);

	rig_init(rig, true);
	assert_int_equal(jingle_offer(rig->jingle, desc), 0);
	rig_clear(rig);
}

static inline void rig_invited(struct rig *rig)
{
	rig_init(rig, false);
	receive(rig, "session-initiate", AUDIO, NULL);
	rig_clear(rig);
}

static inline void rig_active(struct rig *rig)
{
	AUTO(media_desc_freep)
	struct media_desc *desc = our_desc("audio", MEDIA_SETUP_ACTIVE);

	rig_invited(rig);
	assert_int_equal(jingle_answer(rig->jingle, desc), 0);
	rig_clear(rig);
}

/* Tests. */
