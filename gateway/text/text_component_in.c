/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a component says to the accounts whose texts it carries. */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/blocks.h"
#include "gateway/route/number.h"
#include "gateway/route/refused.h"
#include "gateway/text/text_component.h"
#include "gateway/text/text_from.h"
#include "gateway/text/text_group.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_sender.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define NS_OOB   "jabber:x:oob"
#define NS_HINTS "urn:xmpp:hints"
#define NS_NICK  "http://jabber.org/protocol/nick"

/* A message on its way to an account. */
struct passing {
	const struct stanza *message;
	struct jid from, to;
	char component[JID_PART_MAX + 1];
	char party[JID_PART_MAX + 1]; /* who wrote, as a localpart of ours */
	char name[TEXT_NAME_MAX + 1]; /* of who has no number, or "" */
	char account[JID_CAP];        /* bare */
	struct number number;
	char key[TEXT_SEEN_CAP]; /* of its repetitions; "" has none */
	bool is_error;
};

/* Components write "12345" and "bank" where Cheogram's users see more. */
static int read_party(struct passing *p)
{
	char user[JID_PART_MAX + 1], local[TEXT_SENDER_CAP];
	int r = text_copy(p->party, sizeof(p->party), p->from.local);

	if (!r)
		r = jid_unescape(user, sizeof(user), p->from.local);
	if (r || text_sender_format(local, user))
		return r;
	if (text_sender_of(local) == TEXT_SENDER_NAME)
		r = text_set(p->name, sizeof(p->name), user);
	return r ? r : text_set(p->party, sizeof(p->party), local);
}

/* Whom components speak to: accounts, or all whom a group's text is for. What
 * people write to is never looked for among all numbers. */
static bool is_proxy(struct slice local)
{
	return !local.n || memmem(local.p, local.n, "\\40", strlen("\\40"));
}

/* False: it comes from no component of ours. */
static bool read_passing(struct passing *p, const struct gateway *gateway,
			 const struct stanza *message)
{
	const char *type = stanza_attr(message, "type");

	*p = (struct passing){ .message = message,
			       .is_error = type && !strcmp(type, "error") };
	return !jid_parse(&p->from, stanza_attr(message, "from")) &&
	       !jid_parse(&p->to, stanza_attr(message, "to")) &&
	       is_proxy(p->to.local) &&
	       !text_copy(p->component, sizeof(p->component), p->from.domain) &&
	       number_is_carried(gateway, p->component) && !read_party(p);
}

/* Whose number it is for. */
static bool find_account(struct passing *p, const struct gateway *gateway)
{
	char text[JID_PART_MAX + 1];

	return !jid_unescape(text, sizeof(text), p->to.local) &&
	       !jid_bare(p->account, sizeof(p->account), text) &&
	       number_of_texts(&p->number, gateway, p->account, p->component);
}

/* Who it is from, as the account knows it: a number, a group of them, or the
 * gateway itself for what the component says of itself. */
static int format_party(char out[static JID_CAP], const struct passing *p,
			const struct text_group *group, const char *domain)
{
	char local[TEXT_GROUP_CAP];

	if (group->n > 1 && !text_group_format(local, group))
		return text_format(out, JID_CAP, "%s@%s", local, domain);
	return text_format(out, JID_CAP, "%s%s%s", p->party,
			   *p->party ? "@" : "", domain);
}

/* All devices get what was written; what became of a text is for its writer's
 * one. */
static int format_reader(char out[static JID_CAP], const struct passing *p,
			 bool words)
{
	return words || !p->to.resource.n
		       ? text_format(out, JID_CAP, "%s", p->account)
		       : text_format(out, JID_CAP, "%s/%.*s", p->account,
				     (int)p->to.resource.n, p->to.resource.p);
}

/* XEP-0066: Conversations shows a picture where the text is the link alone. */
static void set_body(struct stanza *message, const char *writer,
		     const char *domain)
{
	struct stanza *body = stanza_find(message, "body", NULL);
	const char *link = stanza_find_text(stanza_find(message, "x", NS_OOB),
					    "url", NS_OOB);
	char *words = text_dup(slice_of(body ? stanza_text(body) : link));

	if (!words) {
		stanza_adopt(message, NULL);
		return;
	}
	stanza_free(body);
	body = stanza_child(message, "body", NULL);
	if (writer && (!link || strcmp(words, link) != 0)) {
		stanza_add_text(body, "<xmpp:");
		stanza_add_text(body, writer);
		stanza_add_text(body, "@");
		stanza_add_text(body, domain);
		stanza_add_text(body, "> ");
	}
	stanza_add_text(body, words);
	free(words);
}

/* Answers to @from go by the component, from a number that it carries: which
 * of them, where it carries several, it does not say. */
static void note(struct gateway *gateway, const struct passing *p,
		 const char *from)
{
	char party[JID_PART_MAX + 1];
	struct number before;
	struct jid jid;

	if (jid_parse(&jid, from) || !jid.local.n ||
	    text_copy(party, sizeof(party), jid.local))
		return;
	if (!text_from(&before, gateway, p->account, party) ||
	    strcmp(before.texts, p->component) != 0)
		(void)text_from_note(gateway, p->account, party,
				     p->number.number);
}

static void name_writer(char out[static JID_CAP], const struct passing *p)
{
	if (jid_bare(out, JID_CAP, stanza_attr(p->message, "from")) &&
	    text_set(out, JID_CAP, p->component))
		out[0] = '\0';
}

static void name_passing(struct passing *p)
{
	const struct stanza *body = stanza_find(p->message, "body", NULL);
	const char *id = stanza_attr(p->message, "id");
	char writer[JID_CAP];

	name_writer(writer, p);
	text_key(p->key, p->account, writer, id && !p->is_error ? id : "",
		 body ? stanza_text(body) : "");
}

/* There are components that give several texts one id: what comes back to us
 * would be taken for the first of them. */
static void set_id(struct stanza *message, const struct gateway *gateway,
		   const struct passing *p)
{
	const char *theirs = stanza_attr(message, "id");
	char writer[JID_CAP], id[RAND_UUID_CAP];

	name_writer(writer, p);
	if (theirs && !(chat_has_words(p->message) &&
			texts_know_id(gateway, p->account, writer, theirs)))
		return;
	text_id(id, p->key, p->account, "");
	stanza_set(message, "id", id);
}

static int pass(struct gateway *gateway, const struct passing *p)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	const char *domain = gateway->config->xmpp.domain;
	char from[JID_CAP], to[JID_CAP];
	bool words = chat_has_words(p->message);
	struct text_group group;
	int r = stanza_copy(&message, p->message);

	text_group_read(&group, p->message, p->from.local, p->number.number);
	if (!r)
		r = format_party(from, p, &group, domain);
	if (!r)
		r = format_reader(to, p, words);
	if (r)
		return r;
	/* they have the account's address at the component */
	stanza_free(stanza_find(message, "addresses", NS_ADDRESS));
	stanza_set(message, "from", from);
	stanza_set(message, "to", to);
	set_id(message, gateway, p);
	if (!p->is_error)
		stanza_set(message, "type", "chat");
	if (words) {
		set_body(message, group.n > 1 ? p->party : NULL, domain);
		if (*p->name && !stanza_find(message, "nick", NS_NICK))
			stanza_child_text(message, "nick", NS_NICK, p->name);
		if (!stanza_find(message, "store", NS_HINTS))
			stanza_child(message, "store", NS_HINTS);
	}
	r = stanza_ok(message) ? outbox_send(gateway, message, NULL, NULL)
			       : -ENOMEM;
	if (!r && words)
		note(gateway, p, from);
	return r;
}

static void refuse(struct gateway *gateway, const struct passing *p,
		   const char *condition, const char *words)
{
	AUTO(stanza_freep) struct stanza *error = NULL;

	refused_log(gateway, condition, stanza_attr(p->message, "from"),
		    stanza_attr(p->message, "to"));
	if (p->is_error)
		return;
	if (stanza_error_reply(&error, p->message, NULL, condition, words) ||
	    xmpp_stream_send(gateway->stream, error))
		log_warn("text=refusal not-sent");
}

/* What became of its own texts it hears of all the same. */
static bool is_blocked(const struct passing *p, const struct gateway *gateway)
{
	return chat_has_words(p->message) &&
	       blocks_has(gateway, p->account, p->party);
}

/* For one account. */
static void take(struct gateway *gateway, struct passing *p)
{
	if (!find_account(p, gateway)) {
		refuse(gateway, p, "item-not-found",
		       "No account here has a number of this component.");
		return;
	}
	if (is_blocked(p, gateway))
		return;
	name_passing(p);
	if (*p->key && recent_has(gateway->texts->seen, p->key, clock_ms()))
		return;
	if (!texts_have_room(gateway) || pass(gateway, p))
		refuse(gateway, p, "resource-constraint",
		       "Too many texts wait; try again later.");
	else if (*p->key)
		texts_remember(gateway, p->key);
}

/* XEP-0033, 4.1.4: who has it already does not get it again. False: that is
 * nobody here. */
static bool read_address(struct passing *p, const struct stanza *address,
			 const char *domain)
{
	const char *delivered = stanza_attr(address, "delivered");
	const char *jid = stanza_attr(address, "jid");

	return jid && !(delivered && !strcmp(delivered, "true")) &&
	       !jid_parse(&p->to, jid) && slice_is(p->to.domain, domain) &&
	       p->to.local.n;
}

bool text_component_take(struct gateway *gateway, const struct stanza *message)
{
	const struct stanza *list =
		stanza_find(message, "addresses", NS_ADDRESS);
	const struct stanza *one;
	struct passing p;

	if (!read_passing(&p, gateway, message))
		return false;
	if (p.to.local.n || !list) {
		take(gateway, &p);
		return true;
	}
	/* of a group's text one stanza may come, to our domain */
	STANZA_FOREACH(one, list) {
		if (read_address(&p, one, gateway->config->xmpp.domain))
			take(gateway, &p);
	}
	return true;
}
