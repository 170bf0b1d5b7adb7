/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who an account does not want to hear (XEP-0191), asked of our domain: its
 * server can pass on what concerns us, so that a blocked telephone's carrier is
 * told, and no other device or archive gets the text.
 */
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/blocks.h"
#include "gateway/route/number.h"
#include "gateway/service/service.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#define NS_BLOCKING "urn:xmpp:blocking"
#define EVERYBODY   "*" /* whom our domain stands for */

enum { REPLY_MAX = 500 }; /* items; more would not fit a stanza */

static int refuse(struct stanza **reply, const struct service_query *query,
		  const char *condition, const char *words)
{
	return stanza_error_reply(reply, query->iq, NULL, condition, words);
}

struct listing {
	struct stanza *list;
	const char *domain;
	unsigned n;
};

/* Prefixes are an administrator's or a command's, and no JID. */
static void add_item(const void *data, void *arg)
{
	const struct block_row *row = data;
	struct listing *listing = arg;
	bool all = !strcmp(row->party, EVERYBODY);

	if ((!all && strchr(row->party, '*')) || listing->n++ >= REPLY_MAX)
		return;
	stanza_setf(stanza_child(listing->list, "item", NULL), "jid", "%s%s%s",
		    all ? "" : row->party, all ? "" : "@", listing->domain);
}

static int list(struct stanza **reply, const struct service_query *query)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	int r = stanza_result(&st, query->iq);

	if (r)
		return r;
	struct listing listing = {
		.list = stanza_child(st, "blocklist", NS_BLOCKING),
		.domain = query->gateway->config->xmpp.domain,
	};
	blocks_each(query->gateway, query->account, add_item, &listing);
	return service_finish(reply, &st);
}

/* The localpart of ours that @item names; false: it names nobody here. */
static bool read_item(char party[static JID_PART_MAX + 1],
		      const struct service_query *query,
		      const struct stanza *item)
{
	const char *domain = query->gateway->config->xmpp.domain;
	const char *text = stanza_attr(item, "jid");
	char bare[JID_CAP];
	struct jid jid;

	/* In lower case, as we write them. */
	if (!text || jid_bare(bare, sizeof(bare), text) ||
	    jid_parse(&jid, bare) || !slice_is(jid.domain, domain))
		return false;
	if (!jid.local.n)
		return !text_set(party, JID_PART_MAX + 1, EVERYBODY);
	return !memchr(jid.local.p, '*', jid.local.n) &&
	       !text_copy(party, JID_PART_MAX + 1, jid.local);
}

/* Whom it may concern is not refused for those whom it cannot: a server that
 * passes on a whole list need not sort it. */
static int change(const struct service_query *query, unsigned *changed)
{
	bool block = !strcmp(stanza_name(query->payload), "block");
	const struct stanza *item;
	char party[JID_PART_MAX + 1];
	int r = 0;

	STANZA_FOREACH(item, query->payload) {
		if (!read_item(party, query, item))
			continue;
		r = block ? blocks_add(query->gateway, query->account, party)
			  : blocks_drop(query->gateway, query->account, party);
		if (r)
			break;
		(*changed)++;
	}
	return r;
}

/* XEP-0191, 3.4: without items, everybody. */
static void drop_one(const void *data, void *arg)
{
	const struct block_row *row = data;
	char *party = arg;

	if (text_set(party, JID_PART_MAX + 1, row->party))
		party[0] = '\0';
}

static int drop_all(const struct service_query *query)
{
	char party[JID_PART_MAX + 1];
	int r = 0;

	do {
		party[0] = '\0';
		blocks_each(query->gateway, query->account, drop_one, party);
		if (*party)
			r = blocks_drop(query->gateway, query->account, party);
	} while (!r && *party);
	return r;
}

int service_block(struct stanza **reply, const struct service_query *query)
{
	const char *name = stanza_name(query->payload);
	bool all = !stanza_first(query->payload);
	struct number number;
	unsigned changed = 0;
	int r;

	if (!number_of(&number, query->gateway, query->account, NULL))
		return refuse(reply, query, "forbidden",
			      "This account has no number here.");
	if (!query->set && !strcmp(name, "blocklist"))
		return list(reply, query);
	if (!query->set ||
	    (strcmp(name, "block") != 0 && strcmp(name, "unblock") != 0) ||
	    (all && !strcmp(name, "block")))
		return refuse(reply, query, "bad-request", NULL);
	r = all ? drop_all(query) : change(query, &changed);
	if (r)
		return refuse(reply, query, "resource-constraint",
			      "The list of those who are not heard is full.");
	if (!all && !changed)
		return refuse(reply, query, "item-not-found",
			      "None of them is an address of this domain.");
	return stanza_result(reply, query->iq);
}
