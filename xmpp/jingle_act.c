/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the peer's actions do. Each has had its result, and the phase is set.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jingle_session.h"

/* We end a session that the peer made impossible. */
static void give_up(struct jingle *jingle, enum reason reason, const char *text)
{
	jingle_terminate(jingle, reason, text);
	jingle->handlers->ended(reason, text, jingle->arg);
}

static void keep_creds(struct jingle_creds *out,
		       const struct media_content *content)
{
	memcpy(out->ufrag, content->ufrag, sizeof(out->ufrag));
	memcpy(out->pwd, content->pwd, sizeof(out->pwd));
}

static void keep_remote(struct jingle *jingle,
			const struct media_content *content)
{
	keep_creds(&jingle->theirs, content);
	jingle->remote_dir = content->dir;
}

void jingle_on_initiate(struct jingle *jingle, const struct jingle_event *e)
{
	if (e->too_many) {
		give_up(jingle, REASON_UNSUPPORTED_APPLICATIONS,
			"too many contents");
		return;
	}
	const struct media_content *content =
		media_desc_first(e->desc, MEDIA_AUDIO);
	if (!content)
		content = e->desc->contents[0];
	memcpy(jingle->mid, content->mid, sizeof(jingle->mid));
	keep_remote(jingle, content);
	jingle->handlers->offer(e->desc, jingle->arg);
}

static bool is_current(const struct jingle *jingle,
		       const struct media_content *content)
{
	return !strcmp(content->ufrag, jingle->theirs.ufrag) ||
	       (!content->ufrag[0] && !strcmp(content->mid, jingle->mid));
}

static void copy_fingerprints(struct media_content *to,
			      const struct media_content *from)
{
	memcpy(to->fingerprints, from->fingerprints, sizeof(to->fingerprints));
	to->nfingerprints = from->nfingerprints;
	to->setup = from->setup;
}

/* XEP-0320, 2: a fingerprint may have come in a transport-info before. */
static void complete(struct media_content *accepted,
		     const struct jingle *jingle)
{
	const struct media_content *early = jingle->early;

	if (accepted->nfingerprints || !early || !early->nfingerprints ||
	    !is_current(jingle, early))
		return;
	copy_fingerprints(accepted, early);
	accepted->profile = MEDIA_DTLS_SAVPF;
}

/* Those with the accept's credentials, or without any. */
static void tell_early(struct jingle *jingle)
{
	struct media_content *early = jingle->early;

	if (!early)
		return;
	jingle->early = NULL;
	if (is_current(jingle, early))
		for (size_t i = 0;
		     i < early->ncands && jingle->phase != JINGLE_ENDED; i++)
			jingle->handlers->candidate(
				jingle->mid, &early->cands[i], jingle->arg);
	media_content_fini(early);
	free(early);
}

void jingle_on_accept(struct jingle *jingle, const struct jingle_event *e)
{
	struct media_content *content =
		e->desc ? media_desc_find(e->desc, jingle->mid) : NULL;

	if (!content) {
		give_up(jingle, REASON_FAILED_APPLICATION,
			"the accept lacks the content");
		return;
	}
	keep_remote(jingle, content);
	complete(content, jingle);
	jingle->handlers->answer(e->desc, jingle->arg);
	tell_early(jingle);
}

void jingle_on_terminate(struct jingle *jingle, const struct jingle_event *e)
{
	jingle->handlers->ended(e->reason, e->text, jingle->arg);
}

void jingle_on_info(struct jingle *jingle, const struct jingle_event *e)
{
	if (e->digit)
		jingle->handlers->digit(e->digit, e->duration_ms, jingle->arg);
	else if (e->info >= 0)
		jingle->handlers->info((enum jingle_info)e->info, jingle->arg);
}

/* Before the accept: kept until it says whose credentials these are. */
static void keep_early(struct jingle *jingle,
		       const struct media_content *content)
{
	struct media_content *early = jingle->early;

	if (strcmp(content->mid, jingle->mid) != 0)
		return;
	if (!early)
		early = jingle->early = calloc(1, sizeof(*early));
	if (!early)
		return;
	memcpy(early->mid, content->mid, sizeof(early->mid));
	if (strcmp(early->ufrag, content->ufrag) != 0) {
		memcpy(early->ufrag, content->ufrag, sizeof(early->ufrag));
		early->ncands = early->nfingerprints = 0;
	}
	if (content->nfingerprints)
		copy_fingerprints(early, content);
	for (size_t i = 0; i < content->ncands; i++)
		if (media_content_add_cand(early, &content->cands[i]))
			return; /* full: the rest is left out */
}

static void take_transport(struct jingle *jingle,
			   const struct media_content *content)
{
	if (jingle->phase == JINGLE_OFFERED) {
		keep_early(jingle, content);
	} else if (jingle_is_restart(jingle, content)) {
		jingle->restarting = false;
		memcpy(jingle->stale_ufrag, jingle->theirs.ufrag,
		       sizeof(jingle->stale_ufrag));
		keep_creds(&jingle->theirs, content);
		jingle->handlers->restart(content, jingle->arg);
	} else if (is_current(jingle, content)) {
		for (size_t i = 0;
		     i < content->ncands && jingle->phase != JINGLE_ENDED; i++)
			jingle->handlers->candidate(
				content->mid, &content->cands[i], jingle->arg);
	}
}

void jingle_on_transport(struct jingle *jingle, const struct jingle_event *e)
{
	const struct stanza *child;

	STANZA_FOREACH(child, e->jingle) {
		AUTO(media_content_fini) struct media_content content = { 0 };

		if (jingle->phase == JINGLE_ENDED)
			return;
		if (stanza_is(child, "content", JINGLE_NS) &&
		    !jingle_content_parse(&content, child, !jingle->initiator))
			take_transport(jingle, &content);
	}
}

/*
 * The content of @e that carries the call, which is the caller's then; false:
 * it is not among them.
 */
static bool find_content(struct media_content *out, const struct jingle *jingle,
			 const struct jingle_event *e)
{
	const struct stanza *child;

	STANZA_FOREACH(child, e->jingle) {
		if (!stanza_is(child, "content", JINGLE_NS) ||
		    jingle_content_parse(out, child, !jingle->initiator))
			continue;
		if (!strcmp(out->mid, jingle->mid))
			return true;
		media_content_fini(out);
	}
	return false;
}

void jingle_on_modify(struct jingle *jingle, const struct jingle_event *e)
{
	AUTO(media_content_fini) struct media_content content = { 0 };

	if (!find_content(&content, jingle, e) ||
	    content.dir == jingle->remote_dir)
		return;
	jingle->remote_dir = content.dir;
	jingle->handlers->direction(content.dir, jingle->arg);
}

/* XEP-0166, 7.2.5: without a content there is no session. */
void jingle_on_remove(struct jingle *jingle, const struct jingle_event *e)
{
	AUTO(media_content_fini) struct media_content content = { 0 };

	if (find_content(&content, jingle, e))
		give_up(jingle, REASON_SUCCESS, NULL);
}

void jingle_on_add(struct jingle *jingle, const struct jingle_event *e)
{
	jingle_send_refusal(jingle, JINGLE_CONTENT_REJECT, e->jingle);
}

void jingle_on_replace(struct jingle *jingle, const struct jingle_event *e)
{
	jingle_send_refusal(jingle, JINGLE_TRANSPORT_REJECT, e->jingle);
}

void jingle_on_nothing(struct jingle *jingle, const struct jingle_event *e)
{
	log_debug("jingle=%s read-over=%s", jingle->sid,
		  jingle_action_names[e->action]);
}
