/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_refuse.h"

#include <stddef.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/number.h"
#include "gateway/route/refused.h"
#include "gateway/text/text_int.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static const struct text_refusal kinds[] = {
	[CHAT_EMPTY] = { "bad-request", "A text without words is not sent." },
	[CHAT_ENCRYPTED] = { "not-acceptable",
			     "The telephone network cannot read encrypted "
			     "messages; switch encryption off for this "
			     "contact." },
	[CHAT_EDIT] = { "feature-not-implemented",
			"A text that was sent cannot be changed; write "
			"another." },
	[CHAT_RETRACTION] = { "feature-not-implemented",
			      "A text that was sent cannot be taken back." },
	[CHAT_REACTION] = { "feature-not-implemented",
			    "Telephones show no reactions; write a text." },
	[CHAT_FILE] = { "feature-not-implemented",
			"Files cannot be sent to this number in that way." },
	[CHAT_MARKUP] = { "not-acceptable",
			  "This message has no plain text, which is all that "
			  "telephones show." },
	[CHAT_GROUP] = { "feature-not-implemented",
			 "There are no rooms here." },
	[CHAT_BOUNCED] = { NULL, NULL }, /* the last */
};

const struct text_refusal *text_refusal_of(enum chat_kind kind)
{
	return kinds[kind].condition ? &kinds[kind] : NULL;
}

/* Who has no number here gets the error alone: that leaves nothing on our disk.
 */
static bool has_number(const struct gateway *gateway, const struct chat *chat)
{
	char account[JID_CAP];
	struct number number;

	return !jid_bare(account, sizeof(account), chat->from) &&
	       number_of(&number, gateway, account, NULL);
}

/* Whether the account has been told in this conversation. */
static bool is_explained(struct gateway *gateway, const struct chat *chat)
{
	char name[2 * JID_CAP], from[JID_CAP], to[JID_CAP];

	if (jid_bare(from, sizeof(from), chat->from) ||
	    jid_bare(to, sizeof(to), chat->to) ||
	    text_format(name, sizeof(name), "%d %s %s", chat->kind, from, to))
		return true;
	return recent_count(gateway->texts->explained, name, clock_ms()) != 1;
}

static void explain(struct gateway *gateway, const struct chat *chat,
		    const char *words)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char id[RAND_UUID_CAP], from[JID_CAP];
	int r = jid_bare(from, sizeof(from), chat->to);

	rand_uuid(id);
	if (!r)
		r = chat_format(&stanza, &(struct chat_text){ .from = from,
							      .to = chat->from,
							      .id = id,
							      .body = words });
	if (!r)
		r = outbox_send(gateway, stanza, NULL, NULL);
	if (r)
		log_warn("text=explanation not-sent r=%d", r);
}

static void refuse(struct gateway *gateway, const struct chat *chat,
		   const struct text_refusal *why)
{
	AUTO(stanza_freep) struct stanza *error = NULL;

	refused_log(gateway, why->condition, chat->from, chat->to);
	if (chat_format_error(&error, chat->to, chat->from, chat->id,
			      why->condition, why->words) ||
	    xmpp_stream_send(gateway->stream, error))
		log_warn("text=refusal not-sent");
}

void text_refuse(struct gateway *gateway, const struct chat *chat,
		 const struct text_refusal *why)
{
	bool unseen = text_refusal_of(chat->kind) && chat->kind != CHAT_EMPTY &&
		      chat->kind != CHAT_GROUP;

	refuse(gateway, chat, why);
	if (unseen && has_number(gateway, chat) && !is_explained(gateway, chat))
		explain(gateway, chat, why->words);
}

/* Each is on our disk for a while: no more of them than of texts. */
static bool is_too_loud(struct gateway *gateway, const struct chat *chat)
{
	char account[JID_CAP];

	jid_account(account, chat->from);
	return texts_are_too_fast(gateway, account, 1);
}

void text_refuse_aloud(struct gateway *gateway, const struct chat *chat,
		       const struct text_refusal *why)
{
	refuse(gateway, chat, why);
	if (has_number(gateway, chat) && !is_too_loud(gateway, chat))
		explain(gateway, chat, why->words);
}
