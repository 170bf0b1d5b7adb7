/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A peer, and an owner, do with a session what they like. The input is cut at
 * NUL; the first octet of a piece says who does what:
 *
 *     a to o   the peer: the action of that number; what <jingle/> contains
 *     A to O   the same again with the id of the piece before
 *     0 to 9   the owner
 *     p to t   the owner, too
 *     <        the peer: a whole iq
 *
 * The octet before all says which end of the session it is, and whether the
 * owner ends it when he is told something, or answers at once. Each iq of the
 * peer gets one answer, with its id; what is sent is legal XML; after the end
 * nothing is told; and nobody is called about what he has ended.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "media/desc.h"
#include "tests/fuzz/same_random.h"
#include "xmpp/jingle.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LOCAL  "+15551234567@tel.example.org/sip"
#define REMOTE "alice@example.org/phone"

struct run {
	struct jingle *jingle;
	struct stanza *last; /* the last iq of type set that was sent */
	unsigned answers, iqs;
	const char *id; /* of the iq that is being answered */
	bool ended;
	bool nervous; /* ends the session whenever it is told something */
	bool prompt;  /* answers an offer or a restart where it is told of it */
};

static void on_send(struct stanza *stanza, void *arg)
{
	struct run *run = arg;
	const char *type = stanza_attr(stanza, "type");
	char *text = NULL;
	size_t n;

	assert(stanza_attr(stanza, "id") && type);
	assert(!stanza_format(stanza, 1 << 20, &text, &n));
	free(text);
	if (!strcmp(type, "set")) {
		stanza_free(run->last);
		assert(!stanza_copy(&run->last, stanza));
		return;
	}
	run->answers++;
	assert(run->id && !strcmp(stanza_attr(stanza, "id"), run->id));
}

static void told(struct run *run)
{
	assert(!run->ended);
	if (!run->nervous)
		return;
	run->ended = true;
	jingle_terminate(run->jingle, REASON_GENERAL_ERROR, NULL);
}

static struct media_desc *our_desc(const char *mid);

static void answer(struct run *run, bool restart)
{
	AUTO(media_desc_freep) struct media_desc *desc = our_desc("audio");
	int r = restart ? jingle_answer_restart(run->jingle, desc->contents[0])
			: jingle_answer(run->jingle, desc);

	assert(r >= 0);
}

static void on_offer(const struct media_desc *desc, void *arg)
{
	struct run *run = arg;

	assert(desc->ncontents);
	told(run);
	if (run->prompt)
		answer(run, false);
}

static void on_answer(const struct media_desc *desc, void *arg)
{
	assert(desc->ncontents);
	told(arg);
}

static void on_candidate(const char *mid, const struct media_cand *cand,
			 void *arg)
{
	assert(*mid && addr_is_set(&cand->addr));
	told(arg);
}

static void on_restart(const struct media_content *content, void *arg)
{
	struct run *run = arg;

	assert(content->ufrag[0] && content->pwd[0]);
	told(run);
	if (run->prompt)
		answer(run, true);
}

static void on_info(enum jingle_info info, void *arg)
{
	assert(info <= JINGLE_INFO_UNMUTE);
	told(arg);
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	assert(strchr("0123456789*#ABCD", digit));
	assert(duration_ms && duration_ms <= JINGLE_DTMF_MAX_MS);
	told(arg);
}

static void on_direction(unsigned dir, void *arg)
{
	assert(dir <= MEDIA_SENDRECV);
	told(arg);
}

static void on_ended(enum reason reason, const char *text, void *arg)
{
	struct run *run = arg;

	(void)text;
	assert(reason < REASON_NVALUES && !run->ended);
	run->ended = true;
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

/* As if there were no such session, or one of ours before it. */
static void answer_for_nobody(const struct stanza *iq)
{
	AUTO(stanza_freep) struct stanza *unknown = NULL, *tie = NULL;
	bool initiate;
	const char *sid = jingle_iq_sid(iq, &initiate);

	assert(!sid || (*sid && strlen(sid) <= JINGLE_SID_MAX));
	assert(!initiate || !jingle_iq_terminates(iq));
	assert(!jingle_unknown(&unknown, iq) && !jingle_tie(&tie, iq));
	assert(stanza_error_condition(unknown) && stanza_error_condition(tie));
}

static void receive(struct run *run, const struct stanza *iq)
{
	const char *type = stanza_attr(iq, "type");
	unsigned before = run->answers;

	run->id = stanza_attr(iq, "id");
	if (!run->id || !type || strcmp(type, "set") != 0)
		return;
	if (jingle_is_iq(iq))
		answer_for_nobody(iq);
	jingle_receive(run->jingle, iq);
	assert(run->answers == before + 1);
	run->id = NULL;
}

static void receive_text(struct run *run, struct slice xml)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	if (!stanza_parse(&iq, xml))
		receive(run, iq);
}

static void receive_action(struct run *run, unsigned action,
			   struct slice inside)
{
	static const char *const names[] = {
		"content-accept",   "content-add",       "content-modify",
		"content-reject",   "content-remove",    "description-info",
		"security-info",    "session-accept",    "session-info",
		"session-initiate", "session-terminate", "transport-accept",
		"transport-info",   "transport-reject",  "transport-replace",
	};
	char *xml = NULL;
	int n = asprintf(&xml,
			 "<iq xmlns='jabber:component:accept' type='set' "
			 "id='i%u' from='" REMOTE "' to='" LOCAL "'><jingle "
			 "xmlns='urn:xmpp:jingle:1' sid='s' action='%s'>%.*s"
			 "</jingle></iq>",
			 run->iqs, names[action % 15], SLICE_ARG(inside));

	assert(n > 0);
	receive_text(run, (struct slice){ xml, (size_t)n });
	free(xml);
}

static struct media_desc *our_desc(const char *mid)
{
	static const struct media_codec pcmu = { .channels = 1,
						 .clockrate = 8000,
						 .name = "PCMU" };
	struct media_content *content = NULL;
	struct media_desc *desc = NULL;

	assert(!media_desc_new(&desc) && !media_desc_add(desc, &content));
	assert(!text_set(content->mid, sizeof(content->mid), mid));
	assert(!text_set(content->ufrag, sizeof(content->ufrag), "ours"));
	assert(!media_content_add_codec(content, &pcmu));
	return desc;
}

/* A fresh process takes the session over. */
static void restore(struct run *run)
{
	struct jingle_state state;

	if (jingle_save(run->jingle, &state))
		return;
	run->jingle = jingle_free(run->jingle);
	assert(!jingle_restore(&run->jingle, &state, &handlers, run));
	jingle_state_fini(&state);
}

static void reply(struct run *run, const char *condition, const char *detail)
{
	AUTO(stanza_freep) struct stanza *error = NULL;

	if (!run->last)
		return;
	assert(!stanza_error_reply(&error, run->last, NULL, condition, NULL));
	stanza_child(stanza_find(error, "error", NULL), detail,
		     "urn:xmpp:jingle:errors:1");
	jingle_reply(run->jingle, error);
}

static void acknowledge(struct run *run)
{
	AUTO(stanza_freep) struct stanza *result = NULL;

	if (!run->last)
		return;
	assert(!stanza_result(&result, run->last));
	jingle_reply(run->jingle, result);
}

static void own(struct run *run, char what)
{
	AUTO(media_desc_freep) struct media_desc *desc = our_desc("audio");
	struct media_content *content = desc->contents[0];
	const struct media_cand cand = { .component = 1, .foundation = "1" };
	int r = 0;

	switch (what) {
	case '0':
		r = jingle_offer(run->jingle, desc);
		break;
	case '1':
		r = jingle_answer(run->jingle, desc);
		break;
	case '2':
		r = jingle_candidate(run->jingle, content, &cand);
		break;
	case '3':
		r = jingle_restart(run->jingle, content);
		break;
	case '4':
		r = jingle_info(run->jingle, JINGLE_INFO_MUTE);
		break;
	case '5':
		r = jingle_ping(run->jingle);
		break;
	case '6':
		jingle_terminate(run->jingle, REASON_NONE, "text");
		run->ended = true;
		break;
	case '7':
		reply(run, "item-not-found", "unknown-session");
		break;
	case '8':
		reply(run, "service-unavailable", "tie-break");
		break;
	case 'p':
		r = jingle_answer_restart(run->jingle, content);
		break;
	case 'q':
		r = jingle_info(run->jingle, JINGLE_INFO_HOLD);
		break;
	case 'r':
		r = jingle_info(run->jingle, JINGLE_INFO_UNHOLD);
		break;
	case 's':
		r = jingle_info(run->jingle, JINGLE_INFO_RINGING);
		break;
	case 't':
		acknowledge(run);
		break;
	default:
		restore(run);
	}
	assert(r >= 0);
}

static void piece_of(struct run *run, struct slice piece)
{
	struct slice rest = { piece.p + 1, piece.n - 1 };
	char what = piece.p[0];

	if (what == '<') {
		receive_text(run, piece);
	} else if ((what >= '0' && what <= '9') ||
		   (what >= 'p' && what <= 't')) {
		own(run, what);
	} else if (what >= 'a' && what <= 'o') {
		run->iqs++;
		receive_action(run, (unsigned)(what - 'a'), rest);
	} else if (what >= 'A' && what <= 'O') {
		receive_action(run, (unsigned)(what - 'A'), rest);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jingle_config config = { .sid = "s",
					.local = LOCAL,
					.remote = REMOTE };
	struct slice input = { (const char *)data, size };
	struct run run = { 0 };

	if (!size)
		return 0;
	config.initiator = data[0] & 1;
	run.nervous = data[0] & 2;
	run.prompt = data[0] & 4;
	same_random_begin();
	input.p++;
	input.n--;
	if (jingle_new(&run.jingle, &config, &handlers, &run))
		abort();
	while (input.n) {
		struct slice piece = slice_cut(&input, '\0');
		if (piece.n)
			piece_of(&run, piece);
	}
	jingle_free(run.jingle);
	stanza_free(run.last);
	return 0;
}
