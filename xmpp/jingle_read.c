/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What an incoming action says, and whether it can be said: XEP-0166, 7.2 and
 * 10; XEP-0167, 7 (session-info); XEP-0181 (DTMF). Nothing is changed here.
 */
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jingle_session.h"

static const struct jingle_fault bad_request = { "bad-request", NULL };
static const struct jingle_fault no_memory = { "resource-constraint", NULL };
static const struct jingle_fault unsupported_info = { "feature-not-implemented",
						      "unsupported-info" };
static const struct jingle_fault bad_code = { "feature-not-implemented", NULL };
static const struct jingle_fault tie_break = { "conflict", "tie-break" };

const char *const jingle_action_names[JINGLE_NACTIONS] = {
	[JINGLE_CONTENT_ACCEPT] = "content-accept",
	[JINGLE_CONTENT_ADD] = "content-add",
	[JINGLE_CONTENT_MODIFY] = "content-modify",
	[JINGLE_CONTENT_REJECT] = "content-reject",
	[JINGLE_CONTENT_REMOVE] = "content-remove",
	[JINGLE_DESCRIPTION_INFO] = "description-info",
	[JINGLE_SECURITY_INFO] = "security-info",
	[JINGLE_SESSION_ACCEPT] = "session-accept",
	[JINGLE_SESSION_INFO] = "session-info",
	[JINGLE_SESSION_INITIATE] = "session-initiate",
	[JINGLE_SESSION_TERMINATE] = "session-terminate",
	[JINGLE_TRANSPORT_ACCEPT] = "transport-accept",
	[JINGLE_TRANSPORT_INFO] = "transport-info",
	[JINGLE_TRANSPORT_REJECT] = "transport-reject",
	[JINGLE_TRANSPORT_REPLACE] = "transport-replace",
};

enum jingle_action jingle_action_parse(const char *name)
{
	enum jingle_action i = 0;

	while (i < JINGLE_NACTIONS &&
	       (!name || strcmp(name, jingle_action_names[i]) != 0))
		i++;
	return i;
}

/* session-initiate, session-accept */
static const struct jingle_fault *read_desc(struct jingle *jingle,
					    struct jingle_event *out)
{
	int r = jingle_desc_parse(&out->desc, out->jingle, !jingle->initiator);

	if (r == JINGLE_DESC_E_CONTENT)
		out->too_many = true;
	else if (r)
		return r < 0 ? &no_memory : &bad_request;
	return NULL;
}

bool jingle_is_restart(const struct jingle *jingle,
		       const struct media_content *content)
{
	return content->ufrag[0] && content->pwd[0] &&
	       strcmp(content->ufrag, jingle->theirs.ufrag) != 0 &&
	       strcmp(content->ufrag, jingle->stale_ufrag) != 0 &&
	       !strcmp(content->mid, jingle->mid);
}

/* It has not seen our restart yet; without candidates it is no answer. */
static bool crosses_ours(const struct jingle *jingle,
			 const struct media_content *content)
{
	return jingle->initiator && jingle->restarting && !content->ncands &&
	       jingle_is_restart(jingle, content);
}

static const struct jingle_fault *read_contents(struct jingle *jingle,
						struct jingle_event *out)
{
	const struct stanza *child;
	bool any = false;

	STANZA_FOREACH(child, out->jingle) {
		AUTO(media_content_fini) struct media_content content = { 0 };

		if (!stanza_is(child, "content", JINGLE_NS))
			continue;
		any = true;
		int r = jingle_content_parse(&content, child,
					     !jingle->initiator);
		if (r)
			return r < 0 ? &no_memory : &bad_request;
		if (out->action == JINGLE_TRANSPORT_INFO &&
		    crosses_ours(jingle, &content))
			return &tie_break;
	}
	return any ? NULL : &bad_request;
}

static const struct jingle_fault *read_end(struct jingle *jingle,
					   struct jingle_event *out)
{
	(void)jingle;
	out->reason = reason_parse(stanza_find(out->jingle, "reason", NULL),
				   &out->text);
	return NULL;
}

/* XEP-0181, 2: one of the sixteen keys. */
static const struct jingle_fault *read_dtmf(struct jingle_event *out,
					    const struct stanza *dtmf)
{
	const char *code = stanza_attr(dtmf, "code");
	const char *duration = stanza_attr(dtmf, "duration");
	uint64_t ms = JINGLE_DTMF_MS;

	if (!code || !code[0])
		return &bad_request;
	if (code[1] || !strchr("0123456789*#ABCD", code[0]))
		return &bad_code;
	if (duration &&
	    (text_number(slice_of(duration), JINGLE_DTMF_MAX_MS, &ms) || !ms))
		return &bad_request;
	out->digit = code[0];
	out->duration_ms = (unsigned)ms;
	return NULL;
}

/* Empty: a ping (XEP-0166, 6.8). */
static const struct jingle_fault *read_info(struct jingle *jingle,
					    struct jingle_event *out)
{
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
	const struct stanza *payload = stanza_first(out->jingle);

	(void)jingle;
	if (!payload)
		return NULL;
	if (stanza_is(payload, "dtmf", JINGLE_NS_DTMF))
		return read_dtmf(out, payload);
	for (size_t i = 0; i < sizeof(infos) / sizeof(*infos); i++)
		if (stanza_is(payload, infos[i].name, JINGLE_NS_INFO))
			out->info = (int)infos[i].info;
	return out->info < 0 ? &unsupported_info : NULL;
}

typedef const struct jingle_fault *(*read_fn)(struct jingle *jingle,
					      struct jingle_event *out);

/* The others have nothing that is read. */
static const read_fn readers[JINGLE_NACTIONS] = {
	[JINGLE_CONTENT_ADD] = read_contents,
	[JINGLE_CONTENT_MODIFY] = read_contents,
	[JINGLE_CONTENT_REMOVE] = read_contents,
	[JINGLE_SESSION_ACCEPT] = read_desc,
	[JINGLE_SESSION_INFO] = read_info,
	[JINGLE_SESSION_INITIATE] = read_desc,
	[JINGLE_SESSION_TERMINATE] = read_end,
	[JINGLE_TRANSPORT_INFO] = read_contents,
	[JINGLE_TRANSPORT_REPLACE] = read_contents,
};

const struct jingle_fault *jingle_read(struct jingle *jingle,
				       struct jingle_event *out)
{
	read_fn fn = readers[out->action];

	return fn ? fn(jingle, out) : NULL;
}

void jingle_event_fini(struct jingle_event *event)
{
	event->desc = media_desc_free(event->desc);
}
