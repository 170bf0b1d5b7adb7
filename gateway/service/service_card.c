/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is behind an address: vCard4 (XEP-0292), also as an item of PEP, its
 * forerunner vcard-temp (XEP-0054), and the nickname (XEP-0172). A caller's
 * name is told to the account that he called, and to nobody else.
 */
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/call/caller.h"
#include "gateway/gateway.h"
#include "gateway/route/phone.h"
#include "gateway/service/service.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#define NS_VCARD4  "urn:ietf:params:xml:ns:vcard-4.0"
#define NS_PUBSUB  "http://jabber.org/protocol/pubsub"
#define NS_NICK    "http://jabber.org/protocol/nick"
#define NODE_CARD4 "urn:xmpp:vcard4"

struct card {
	char name[JID_PART_MAX + 1];
	const char *number; /* E.164; NULL none */
	bool known;         /* the name is one, not the number again */
};

static int name_of(struct card *out, const struct service_query *query)
{
	const char *name;
	size_t cap = sizeof(out->name);

	if (query->entity == DISCO_GATEWAY)
		return text_set(out->name, cap, "Tandem");
	if (query->entity == DISCO_ECHO)
		return text_set(out->name, cap, "Tandem echo test");
	name = caller_name(query->gateway, query->account, query->local);
	out->known = name;
	if (name)
		return text_set(out->name, cap, name);
	if (out->number)
		return phone_format(out->name, cap, out->number);
	return jid_unescape(out->name, cap, slice_of(query->local));
}

/* 0 or -ENOMEM. */
static int card_of(struct card *out, const struct service_query *query)
{
	*out = (struct card){ .number = config_is_number(query->local)
						? query->local
						: NULL };
	int r = name_of(out, query);

	/* too long, or nothing that is read: the address itself is its name */
	if (r && r != -ENOMEM)
		r = text_set(out->name, sizeof(out->name), query->local);
	return r;
}

/* XEP-0292, 3; RFC 6351. */
static void add_card(struct stanza *parent, const struct card *card)
{
	struct stanza *vcard = stanza_child(parent, "vcard", NS_VCARD4);

	stanza_child_text(stanza_child(vcard, "fn", NULL), "text", NULL,
			  card->name);
	if (card->known)
		stanza_child_text(stanza_child(vcard, "nickname", NULL), "text",
				  NULL, card->name);
	if (!card->number)
		return;
	struct stanza *tel = stanza_child(vcard, "tel", NULL);
	struct stanza *uri = stanza_child(tel, "uri", NULL);
	stanza_add_text(uri, "tel:");
	stanza_add_text(uri, card->number);
}

/* XEP-0054, 3 */
static void add_old_card(struct stanza *parent, const struct card *card)
{
	struct stanza *vcard = stanza_child(parent, "vCard", "vcard-temp");

	stanza_child_text(vcard, "FN", NULL, card->name);
	if (card->known)
		stanza_child_text(vcard, "NICKNAME", NULL, card->name);
	if (!card->number)
		return;
	struct stanza *tel = stanza_child(vcard, "TEL", NULL);
	stanza_child(tel, "VOICE", NULL);
	stanza_child_text(tel, "NUMBER", NULL, card->number);
}

static void add_nick(struct stanza *parent, const struct card *card)
{
	stanza_child_text(parent, "nick", NS_NICK, card->name);
}

typedef void (*add_fn)(struct stanza *parent, const struct card *card);

static int answer(struct stanza **reply, const struct service_query *query,
		  const char *node, add_fn add)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct card card;

	if (query->set)
		return stanza_error_reply(reply, query->iq, NULL, "not-allowed",
					  NULL);
	int r = card_of(&card, query);
	if (!r)
		r = stanza_result(&st, query->iq);
	if (r)
		return r;
	struct stanza *parent = st;
	if (node) {
		parent = stanza_child(stanza_child(st, "pubsub", NS_PUBSUB),
				      "items", NULL);
		stanza_set(parent, "node", node);
		parent = stanza_child(parent, "item", NULL);
		stanza_set(parent, "id", "current");
	}
	add(parent, &card);
	return service_finish(reply, &st);
}

int service_card(struct stanza **reply, const struct service_query *query)
{
	return answer(reply, query, NULL, add_card);
}

int service_old_card(struct stanza **reply, const struct service_query *query)
{
	return answer(reply, query, NULL, add_old_card);
}

/* XEP-0060, 6.5; of the nodes that XEP-0292 and XEP-0172 name. */
int service_items(struct stanza **reply, const struct service_query *query)
{
	static const struct {
		const char *node;
		add_fn add;
	} nodes[] = { { NODE_CARD4, add_card }, { NS_NICK, add_nick } };
	const struct stanza *items = stanza_find(query->payload, "items", NULL);
	const char *node = stanza_attr(items, "node");

	for (size_t i = 0; node && i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (!strcmp(nodes[i].node, node))
			return answer(reply, query, nodes[i].node,
				      nodes[i].add);
	return stanza_error_reply(
		reply, query->iq, NULL,
		items ? "item-not-found" : "feature-not-implemented", NULL);
}
