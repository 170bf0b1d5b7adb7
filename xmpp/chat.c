/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/chat.h"

#include <stddef.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "xmpp/stanza.h"

#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_SID      "urn:xmpp:sid:0"
#define NS_MARKERS  "urn:xmpp:chat-markers:0"
#define NS_HINTS    "urn:xmpp:hints"
#define NS_OOB      "jabber:x:oob"
#define NS_SFS      "urn:xmpp:sfs:0"
#define NS_URL_DATA "http://jabber.org/protocol/url-data"
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
	{ "envelope", "urn:xmpp:sce:1", CHAT_ENCRYPTED },
	{ "x", "jabber:x:encrypted", CHAT_ENCRYPTED },
	{ "replace", "urn:xmpp:message-correct:0", CHAT_EDIT },
	{ "retract", "urn:xmpp:message-retract:1", CHAT_RETRACTION },
	{ "retract", "urn:xmpp:message-retract:0", CHAT_RETRACTION },
	{ "apply-to", "urn:xmpp:fasten:0", CHAT_RETRACTION },
	{ "reactions", "urn:xmpp:reactions:0", CHAT_REACTION },
	{ "x", "jabber:x:conference", CHAT_GROUP },
	{ "x", "http://jabber.org/protocol/muc#user", CHAT_GROUP },
};

/* The same of those without a body. */
static const struct mark silent_marks[] = {
	{ "file-sharing", "urn:xmpp:sfs:0", CHAT_FILE },
	{ "reference", "urn:xmpp:reference:0", CHAT_FILE },
	{ "html", "http://jabber.org/protocol/xhtml-im", CHAT_MARKUP },
	{ "received", NS_RECEIPTS, CHAT_RECEIVED },
	{ "received", NS_MARKERS, CHAT_RECEIVED }, /* before XEP-0333, 0.4 */
	{ "displayed", NS_MARKERS, CHAT_DISPLAYED },
	{ "acknowledged", NS_MARKERS, CHAT_DISPLAYED },
};
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static const struct mark *find_mark(const struct stanza *message,
				    const struct mark *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (stanza_find(message, list[i].name, list[i].ns))
			return &list[i];
	}
	return NULL;
}

/* OTR has no element (XEP-0364, 3). */
static bool is_otr(const char *body)
{
	return !strncmp(body, "?OTR", strlen("?OTR"));
}

/* What a message without words is about. */
static void read_silent(struct chat *out, const struct stanza *message)
{
	const struct mark *mark =
		find_mark(message, silent_marks, LENGTH(silent_marks));

	if (!mark) {
		out->kind = stanza_find(message, "body", NULL) ? CHAT_EMPTY
							       : CHAT_NOTHING;
		return;
	}
	out->kind = mark->kind;
	if (mark->kind == CHAT_RECEIVED || mark->kind == CHAT_DISPLAYED)
		out->about = or_empty(stanza_attr(
			stanza_find(message, mark->name, mark->ns), "id"));
}

static void read_kind(struct chat *out, const struct stanza *message)
{
	const char *type = or_empty(stanza_attr(message, "type"));
	const struct mark *mark = find_mark(message, marks, LENGTH(marks));

	if (!strcmp(type, "headline"))
		out->kind = CHAT_NOTHING;
	else if (!strcmp(type, "groupchat"))
		out->kind = CHAT_GROUP;
	else if (mark)
		out->kind = mark->kind;
	else if (*out->body)
		out->kind = is_otr(out->body) ? CHAT_ENCRYPTED : CHAT_TEXT;
	else
		read_silent(out, message);
}

/* XEP-0066, 3; XEP-0447, 3.1: the first address at which the file is. */
static const char *link_of(const struct stanza *child)
{
	const struct stanza *sources = stanza_find(child, "sources", NS_SFS);

	if (stanza_is(child, "x", NS_OOB))
		return or_empty(stanza_find_text(child, "url", NS_OOB));
	if (!stanza_is(child, "file-sharing", NS_SFS))
		return "";
	return or_empty(stanza_attr(
		stanza_find(sources, "url-data", NS_URL_DATA), "target"));
}

/* Many clients say it in both ways: each once. */
static void read_links(struct chat *out, const struct stanza *message)
{
	const struct stanza *child;

	STANZA_FOREACH(child, message) {
		const char *link = link_of(child);
		bool known = !*link || out->nlinks == CHAT_LINKS_MAX;

		for (size_t i = 0; !known && i < out->nlinks; i++)
			known = !strcmp(out->links[i], link);
		if (!known)
			out->links[out->nlinks++] = link;
	}
}

static void read_error(struct chat *out, const struct stanza *message)
{
	const struct stanza *error = stanza_find(message, "error", NULL);
	const char *words = stanza_find_text(error, "text", STANZA_NS_ERROR);
	const struct stanza *child;

	out->kind = CHAT_BOUNCED;
	out->about = out->id;
	out->body = or_empty(words);
	out->error_type = or_empty(stanza_attr(error, "type"));
	if (!error)
		return;
	STANZA_FOREACH(child, error) {
		if (!*out->condition && strcmp(stanza_name(child), "text") != 0)
			out->condition = stanza_name(child);
	}
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

/*
 * RFC 6121, 5.2.3: of words in several languages those in the message's own,
 * which need not say so; or else the first. NULL: there are none.
 */
static const struct stanza *find_words(const struct stanza *message,
				       const char *name)
{
	const char *wanted = stanza_attr(message, "xml:lang");
	const struct stanza *child, *first = NULL;

	STANZA_FOREACH(child, message) {
		const char *lang = stanza_attr(child, "xml:lang");

		if (!stanza_is(child, name, NULL) || !*stanza_text(child))
			continue;
		if (!lang || (wanted && !strcasecmp(lang, wanted)))
			return child;
		first = first ? first : child;
	}
	return first;
}

/* There are no other words. */
static void take_subject(struct chat *out)
{
	out->body = out->subject;
	out->subject = "";
}

void chat_read(struct chat *out, const struct stanza *message)
{
	const struct stanza *body = find_words(message, "body");
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
		.subject = stanza_text(find_words(message, "subject")),
		.lang = language(lang),
		.origin_id = origin ? or_empty(stanza_attr(origin, "id")) : id,
		.receipt_requested =
			stanza_find(message, "request", NS_RECEIPTS) != NULL,
		.markable =
			stanza_find(message, "markable", NS_MARKERS) != NULL,
		.about = "",
		.condition = "",
		.error_type = "",
	};
	read_links(out, message);
	if (!*out->body && out->nlinks)
		out->body = out->links[0];
	else if (!*out->body)
		take_subject(out);
	if (!strcmp(or_empty(stanza_attr(message, "type")), "error"))
		read_error(out, message);
	else
		read_kind(out, message);
}

bool chat_has_words(const struct stanza *message)
{
	const char *type = or_empty(stanza_attr(message, "type"));

	return strcmp(type, "error") != 0 &&
	       (stanza_find(message, "body", NULL) ||
		stanza_find(message, "x", NS_OOB));
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
	if (text->subject && *text->subject)
		stanza_child_text(*out, "subject", NULL, text->subject);
	stanza_child_text(*out, "body", NULL, text->body);
	if (text->nick && *text->nick)
		stanza_child_text(*out, "nick", NS_NICK, text->nick);
	for (size_t i = 0; i < text->nlinks; i++)
		stanza_child_text(stanza_child(*out, "x", NS_OOB), "url",
				  NS_OOB, text->links[i]);
	if (text->receipt)
		stanza_child(*out, "request", NS_RECEIPTS);
	if (text->markable)
		stanza_child(*out, "markable", NS_MARKERS);
	stanza_set(stanza_child(*out, "origin-id", NS_SID), "id", text->id);
	/* Archived (XEP-0313) by servers that keep only what says so. */
	stanza_child(*out, text->passing ? "no-store" : "store", NS_HINTS);
	if (text->passing)
		stanza_child(*out, "no-copy", NS_HINTS);
	return finish(out);
}

void chat_add_delay(struct stanza *message, const char *domain, int64_t wall_ms)
{
	char stamp[TEXT_STAMP_CAP];

	text_stamp(stamp, wall_ms);
	if (!*stamp)
		return;
	struct stanza *delay = stanza_child(message, "delay", NS_DELAY);
	stanza_set(delay, "from", domain);
	stanza_set(delay, "stamp", stamp);
}

/* For the archive, where all devices find it; none gets a copy of one that is
 * for another (XEP-0334, 4.3; XEP-0280, 6.1). */
static int format_outcome(struct stanza **out, const char *from, const char *to,
			  const char *name, const char *ns, const char *id)
{
	char own[RAND_UUID_CAP];

	rand_uuid(own);
	int r = new_message(out, "chat", from, to, own);
	if (r)
		return r;
	stanza_set(stanza_child(*out, name, ns), "id", id);
	stanza_child(*out, "store", NS_HINTS);
	stanza_child(*out, "no-copy", NS_HINTS);
	return finish(out);
}

int chat_format_receipt(struct stanza **out, const char *from, const char *to,
			const char *id)
{
	return format_outcome(out, from, to, "received", NS_RECEIPTS, id);
}

int chat_format_displayed(struct stanza **out, const char *from, const char *to,
			  const char *id)
{
	return format_outcome(out, from, to, "displayed", NS_MARKERS, id);
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
