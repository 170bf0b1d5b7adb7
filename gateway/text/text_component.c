/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_component.h"

#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/number.h"
#include "gateway/text/text_from.h"
#include "gateway/text/text_group.h"
#include "gateway/text/text_sender.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

bool text_component_is_party(const char *local)
{
	struct text_group group;

	return text_sender_of(local) || !text_group_parse(&group, local);
}

/* ---- addresses ---- */

int text_component_proxy(char out[static JID_CAP],
			 const struct gateway *gateway, const char *jid)
{
	char account[JID_CAP], local[JID_PART_MAX + 1];
	struct jid parsed;
	int r = jid_parse(&parsed, jid);

	if (!r)
		r = jid_bare(account, sizeof(account), jid);
	if (!r)
		r = jid_escape(local, sizeof(local), slice_of(account));
	if (!r)
		r = text_format(out, JID_CAP, "%s@%s%s%.*s", local,
				gateway->config->xmpp.domain,
				parsed.resource.n ? "/" : "",
				(int)parsed.resource.n, parsed.resource.p);
	return r;
}

/* ---- to a component ---- */

static int address(struct stanza *message, const char *component,
		   const char *party)
{
	struct text_group group;

	if (!text_group_parse(&group, party)) {
		stanza_set(message, "to", component);
		text_group_add(message, &group);
	} else {
		stanza_setf(message, "to", "%s@%s", party, component);
	}
	return stanza_ok(message) ? 0 : -ENOMEM;
}

static int hand_on(struct gateway *gateway, struct stanza *message,
		   const char *component, const char *party)
{
	int r = address(message, component, party);

	return r ? r : outbox_send(gateway, message, NULL, NULL);
}

int text_component_send(struct gateway *gateway, const struct chat *chat,
			const struct number *number, const char *account,
			const char *party)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	char from[JID_CAP], id[RAND_UUID_CAP];
	const struct chat_text text = {
		.from = from,
		.to = number->texts,
		.id = *chat->id ? chat->id : id,
		.body = chat->body,
		.subject = chat->subject,
		.lang = chat->lang,
		.links = chat->links,
		.nlinks = chat->nlinks,
		.receipt = chat->receipt_requested,
		.markable = chat->markable,
	};
	int r = text_component_proxy(from, gateway, chat->from);

	rand_uuid(id);
	if (!r)
		r = chat_format(&message, &text);
	if (r)
		return r;
	r = hand_on(gateway, message, number->texts, party);
	if (!r)
		log_info("text=%s component=%s account=%s to=%s",
			 log_text(slice_of(text.id)).s, number->texts,
			 log_text(slice_of(account)).s,
			 log_text(slice_of(party)).s);
	return r;
}

bool text_component_answer(struct gateway *gateway, const struct chat *chat)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	char account[JID_CAP], from[JID_CAP], party[JID_PART_MAX + 1];
	struct number number;
	struct jid to;

	if (jid_parse(&to, chat->to) ||
	    text_copy(party, sizeof(party), to.local) ||
	    jid_bare(account, sizeof(account), chat->from) ||
	    !text_from(&number, gateway, account, party) || !*number.texts)
		return false;
	int r = text_component_proxy(from, gateway, chat->from);
	if (!r)
		r = chat->kind == CHAT_RECEIVED
			    ? chat_format_receipt(&message, from, chat->to,
						  chat->about)
			    : chat_format_displayed(&message, from, chat->to,
						    chat->about);
	if (!r)
		r = hand_on(gateway, message, number.texts, party);
	if (r)
		log_warn("text=%s component=%s report=not-sent r=%d",
			 log_text(slice_of(chat->about)).s, number.texts, r);
	return true;
}
