/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Our actions. Answers to them are not waited for.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jingle_session.h"

/* *@element is borrowed from *@iq, which is owned by the caller. */
static int new_iq(const struct jingle *jingle, enum jingle_action action,
		  struct stanza **iq, struct stanza **element)
{
	char id[JINGLE_ID_LEN + 1];
	int r = stanza_new(iq, "iq", NULL);

	if (r)
		return r;
	rand_token(id, JINGLE_ID_LEN);
	stanza_set(*iq, "type", "set");
	stanza_set(*iq, "id", id);
	stanza_set(*iq, "from", jingle->local);
	stanza_set(*iq, "to", jingle->remote);
	*element = stanza_child(*iq, "jingle", JINGLE_NS);
	stanza_set(*element, "action", jingle_action_names[action]);
	stanza_set(*element, "sid", jingle->sid);
	return 0;
}

static int send_iq(struct jingle *jingle, struct stanza *iq)
{
	if (!stanza_ok(iq))
		return -ENOMEM;
	jingle->handlers->send(iq, jingle->arg);
	return 0;
}

static void keep_local(struct jingle *jingle,
		       const struct media_content *content)
{
	memcpy(jingle->ours.ufrag, content->ufrag, sizeof(content->ufrag));
	memcpy(jingle->ours.pwd, content->pwd, sizeof(content->pwd));
}

static const struct media_content *main_content(const struct media_desc *desc)
{
	const struct media_content *audio = media_desc_first(desc, MEDIA_AUDIO);

	return audio || !desc->ncontents ? audio : desc->contents[0];
}

int jingle_offer(struct jingle *jingle, const struct media_desc *offer)
{
	const struct jingle_desc_options options = { .writer_is_initiator =
							     true };
	const struct media_content *content = main_content(offer);
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;

	if (jingle->phase != JINGLE_IDLE || !jingle->initiator || !content)
		return JINGLE_E_STATE;
	int r = new_iq(jingle, JINGLE_SESSION_INITIATE, &iq, &element);
	if (r)
		return r;
	stanza_set(element, "initiator", jingle->local);
	jingle_desc_format(element, offer, &options);
	if (!stanza_ok(iq))
		return -ENOMEM;
	memcpy(jingle->mid, content->mid, sizeof(jingle->mid));
	keep_local(jingle, content);
	r = text_set(jingle->initiate_id, sizeof(jingle->initiate_id),
		     stanza_attr(iq, "id"));
	if (r)
		return r;
	jingle_enter(jingle, JINGLE_OFFERED);
	return send_iq(jingle, iq);
}

/*
 * A refused content is left out, as Dino takes it; but among bundled ones,
 * which only WebRTC clients offer, it stays with senders "none": Conversations
 * ends a session whose accept lacks one.
 */
int jingle_answer(struct jingle *jingle, const struct media_desc *answer)
{
	const struct jingle_desc_options options = {
		.rejected = answer->bundle ? JINGLE_REJECTED_NONE
					   : JINGLE_REJECTED_OMIT,
	};
	const struct media_content *content =
		media_desc_find(answer, jingle->mid);
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;

	if (jingle->phase != JINGLE_INVITED || !content)
		return JINGLE_E_STATE;
	int r = new_iq(jingle, JINGLE_SESSION_ACCEPT, &iq, &element);
	if (r)
		return r;
	stanza_set(element, "responder", jingle->local);
	jingle_desc_format(element, answer, &options);
	if (!stanza_ok(iq))
		return -ENOMEM;
	keep_local(jingle, content);
	jingle_enter(jingle, JINGLE_ACTIVE);
	return send_iq(jingle, iq);
}

static int send_transport(struct jingle *jingle,
			  const struct media_content *content,
			  const struct media_cand *cand)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;
	int r = new_iq(jingle, JINGLE_TRANSPORT_INFO, &iq, &element);

	if (r)
		return r;
	jingle_transport_format(element, content, cand);
	return send_iq(jingle, iq);
}

int jingle_candidate(struct jingle *jingle, const struct media_content *content,
		     const struct media_cand *cand)
{
	if (jingle->phase != JINGLE_OFFERED && jingle->phase != JINGLE_ACTIVE)
		return JINGLE_E_STATE;
	return send_transport(jingle, content, cand);
}

int jingle_answer_restart(struct jingle *jingle,
			  const struct media_content *content)
{
	if (jingle->phase != JINGLE_ACTIVE)
		return JINGLE_E_STATE;
	int r = send_transport(jingle, content, NULL);
	if (!r)
		keep_local(jingle, content);
	return r;
}

int jingle_restart(struct jingle *jingle, const struct media_content *content)
{
	struct media_content bare = *content; /* nothing in it is its own */

	bare.ncands = 0;
	int r = jingle_answer_restart(jingle, &bare);
	jingle->restarting = !r;
	for (size_t i = 0; !r && i < content->ncands; i++)
		r = send_transport(jingle, content, &content->cands[i]);
	return r;
}

static bool is_pending_or_active(const struct jingle *jingle)
{
	return jingle->phase != JINGLE_IDLE && jingle->phase != JINGLE_ENDED;
}

int jingle_info(struct jingle *jingle, enum jingle_info info)
{
	static const char *const names[] = {
		[JINGLE_INFO_RINGING] = "ringing", [JINGLE_INFO_HOLD] = "hold",
		[JINGLE_INFO_UNHOLD] = "active",   [JINGLE_INFO_MUTE] = "mute",
		[JINGLE_INFO_UNMUTE] = "unmute",
	};
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;

	if (!is_pending_or_active(jingle))
		return JINGLE_E_STATE;
	int r = new_iq(jingle, JINGLE_SESSION_INFO, &iq, &element);
	if (r)
		return r;
	struct stanza *payload =
		stanza_child(element, names[info], JINGLE_NS_INFO);
	if (info == JINGLE_INFO_MUTE || info == JINGLE_INFO_UNMUTE) {
		stanza_set(payload, "creator", "initiator");
		stanza_set(payload, "name", jingle->mid);
	}
	return send_iq(jingle, iq);
}

int jingle_ping(struct jingle *jingle)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;

	if (!is_pending_or_active(jingle))
		return JINGLE_E_STATE;
	int r = new_iq(jingle, JINGLE_SESSION_INFO, &iq, &element);
	return r ? r : send_iq(jingle, iq);
}

void jingle_terminate(struct jingle *jingle, enum reason reason,
		      const char *text)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;
	/* a session that ended between reading and doing was not said to end */
	bool silent = !is_pending_or_active(jingle);

	jingle_enter(jingle, JINGLE_ENDED);
	if (silent)
		return;
	int r = new_iq(jingle, JINGLE_SESSION_TERMINATE, &iq, &element);
	if (!r) {
		reason_format(element,
			      reason == REASON_NONE ? REASON_SUCCESS : reason,
			      text);
		r = send_iq(jingle, iq);
	}
	if (r)
		log_error("jingle=%s terminate=unsent r=%d", jingle->sid, r);
}

/* Conversations wants names, media and senders as it wrote them. */
static void copy_content(struct stanza *element, const struct stanza *theirs)
{
	static const char *const names[] = { "creator", "name", "senders" };
	const struct stanza *description =
		stanza_find(theirs, "description", JINGLE_NS_RTP);
	const struct stanza *transport =
		stanza_find(theirs, "transport", JINGLE_NS_ICE_UDP);
	struct stanza *st = stanza_child(element, "content", NULL);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		stanza_set(st, names[i], stanza_attr(theirs, names[i]));
	if (description)
		stanza_set(stanza_child(st, "description", JINGLE_NS_RTP),
			   "media", stanza_attr(description, "media"));
	if (transport)
		stanza_child(st, "transport", JINGLE_NS_ICE_UDP);
}

void jingle_send_refusal(struct jingle *jingle, enum jingle_action action,
			 const struct stanza *theirs)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct stanza *element = NULL;
	const struct stanza *child;
	int r = new_iq(jingle, action, &iq, &element);

	if (!r) {
		STANZA_FOREACH(child, theirs)
			if (stanza_is(child, "content", JINGLE_NS))
				copy_content(element, child);
		r = send_iq(jingle, iq);
	}
	if (r)
		log_error("jingle=%s refusal=unsent r=%d", jingle->sid, r);
}
