/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/chat.h"

#include <stddef.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "xmpp/stanza.h"

#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_SID      "urn:xmpp:sid:0"
#define NS_HINTS    "urn:xmpp:hints"
#define NS_NICK     "http://jabber.org/protocol/nick"

enum { LANG_MAX = 35 }; /* octets: RFC 5646, 4.4.1 */

/* An element that says what kind of message it is, its body notwithstanding:
 * that is for clients that do not know the element (XEP-0428). */
static const struct mark {
	const char *name, *ns;
	enum chat_kind kind;
} marks[] = {
	{ "encrypted", "eu.siacs.conversations.axolotl", CHAT_ENCRYPTED },
	{ "encrypted", "urn:xmpp:omemo:2", CHAT_ENCRYPTED },
	{ "encryption", "urn:xmpp:eme:0", CHAT_ENCRYPTED },
	{ "openpgp", "urn:xmpp:openpgp:0", CHAT_ENCRYPTED },
	{ "x", "jabber:x:encrypted", CHAT_ENCRYPTED },
	{ "replace", "urn:xmpp:message-correct:0", CHAT_EDIT },
	{ "retract", "urn:xmpp:message-retract:1", CHAT_RETRACTION },
	{ "retract", "urn:xmpp:message-retract:0", CHAT_RETRACTION },
	{ "apply-to", "urn:xmpp:fasten:0", CHAT_RETRACTION },
	{ "reactions", "urn:xmpp:reactions:0", CHAT_REACTION },
};

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static enum chat_kind kind_of(const struct stanza *message, const char *body)
{
	const char *type = or_empty(stanza_attr(message, "type"));

	if (!strcmp(type, "error") || !strcmp(type, "headline"))
		return CHAT_NOTHING;
	if (!strcmp(type, "groupchat"))
		return CHAT_GROUP;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (stanza_find(message, marks[i].name, marks[i].ns))
			return marks[i].kind;
	}
	return body && *body ? CHAT_TEXT : CHAT_NOTHING;
}

/* It goes on into a header (RFC 3261, 20.13), which a line end in it would end:
 * what is no language tag (RFC 5646, 2.1) is not said. */
static const char *language(const char *lang)
{
	static const char octets[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	size_t n = lang ? strspn(lang, octets) : 0;

	return n && !lang[n] && n <= LANG_MAX ? lang : "";
}

void chat_read(struct chat *out, const struct stanza *message)
{
	const struct stanza *body = stanza_find(message, "body", NULL);
	const struct stanza *origin = stanza_find(message, "origin-id", NS_SID);
	const char *lang = stanza_attr(body, "xml:lang");
	const char *id = or_empty(stanza_attr(message, "id"));

	if (!lang)
		lang = stanza_attr(message, "xml:lang");
	*out = (struct chat){
		.from = or_empty(stanza_attr(message, "from")),
		.to = or_empty(stanza_attr(message, "to")),
		.id = id,
		.body = stanza_text(body),
		.lang = language(lang),
		.origin_id = origin ? or_empty(stanza_attr(origin, "id")) : id,
		.receipt_requested =
			stanza_find(message, "request", NS_RECEIPTS) != NULL,
	};
	out->kind = kind_of(message, out->body);
}

static int new_message(struct stanza **out, const char *type, const char *from,
		       const char *to, const char *id)
{
	int r = stanza_new(out, "message", NULL);

	if (r)
		return r;
	stanza_set(*out, "type", type);
	stanza_set(*out, "from", from);
	stanza_set(*out, "to", to);
	stanza_set(*out, "id", *id ? id : NULL);
	return 0;
}

static int finish(struct stanza **message)
{
	if (stanza_ok(*message))
		return 0;
	*message = stanza_free(*message);
	return -ENOMEM;
}

int chat_format(struct stanza **out, const struct chat_text *text)
{
	int r = new_message(out, "chat", text->from, text->to, text->id);

	if (r)
		return r;
	if (text->lang && *text->lang)
		stanza_set(*out, "xml:lang", text->lang);
	stanza_child_text(*out, "body", NULL, text->body);
	if (text->nick && *text->nick)
		stanza_child_text(*out, "nick", NS_NICK, text->nick);
	stanza_set(stanza_child(*out, "origin-id", NS_SID), "id", text->id);
	/* Archived (XEP-0313) by servers that keep only what says so. */
	stanza_child(*out, "store", NS_HINTS);
	return finish(out);
}

int chat_format_receipt(struct stanza **out, const char *from, const char *to,
			const char *id)
{
	char own[RAND_UUID_CAP];

	rand_uuid(own);
	int r = new_message(out, "chat", from, to, own);
	if (r)
		return r;
	stanza_set(stanza_child(*out, "received", NS_RECEIPTS), "id", id);
	stanza_child(*out, "store", NS_HINTS);
	return finish(out);
}

int chat_format_error(struct stanza **out, const char *from, const char *to,
		      const char *id, const char *condition, const char *text)
{
	struct stanza *request = NULL;
	int r = new_message(&request, "chat", to, from, id);

	if (!r)
		r = stanza_error_reply(out, request, NULL, condition, text);
	stanza_free(request);
	return r > 0 ? -EINVAL : r;
}
