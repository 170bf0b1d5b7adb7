/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/presence.h"

#include <string.h>

#include "db/account.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/recent.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

enum {
	/* How long a subscription that we asked for is not asked for again. */
	ASKED_MS = 600000,
	ASKED_MAX = 4096,
	PAIR_CAP = 2 * JID_CAP,
};

bool presence_entity(enum disco_entity *out, const char *local)
{
	if (!*local)
		*out = DISCO_GATEWAY;
	else if (!strcmp(local, "echo"))
		*out = DISCO_ECHO;
	else if (config_is_number(local) || !strcmp(local, "anonymous") ||
		 strstr(local, "\\40"))
		*out = DISCO_NUMBER;
	else
		return false;
	return true;
}

static void send_one(struct gateway *gateway, const struct stanza *stanza)
{
	if (xmpp_stream_send(gateway->stream, stanza))
		log_debug("xmpp=presence not-sent");
}

/* @from bare: presence comes from the one full JID that also calls. */
static void send_available(struct gateway *gateway, enum disco_entity entity,
			   const char *bare, const char *to)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char full[JID_CAP];

	if (text_format(full, sizeof(full), "%s/%s", bare,
			entity == DISCO_GATEWAY ? "gateway" : "sip"))
		return;
	if (!disco_presence(&stanza, entity, full, to))
		send_one(gateway, stanza);
}

static void send_type(struct gateway *gateway, const char *type,
		      const char *from, const char *to)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;

	if (stanza_new(&stanza, "presence", NULL))
		return;
	stanza_set(stanza, "type", type);
	stanza_set(stanza, "from", from);
	stanza_set(stanza, "to", to);
	if (stanza_ok(stanza))
		send_one(gateway, stanza);
}

int presence_new(struct gateway *gateway)
{
	return recent_new(&gateway->asked, ASKED_MAX, ASKED_MS);
}

void presence_free(struct gateway *gateway)
{
	gateway->asked = recent_free(gateway->asked);
}

/* Who asks whom: both bare JIDs. */
struct parties {
	const char *us, *them;
	enum disco_entity entity;
};

/* 0 or -EMSGSIZE. */
static int pair_name(char out[static PAIR_CAP], const struct parties *parties)
{
	return text_format(out, PAIR_CAP, "%s %s", parties->us, parties->them);
}

/* We ask back, for the call button of those that want both directions (Dino,
 * Movim); not again soon: another gateway that does the same would ask for
 * ever. */
static void ask_back(struct gateway *gateway, const struct parties *parties)
{
	char pair[PAIR_CAP];

	if (pair_name(pair, parties) ||
	    recent_has(gateway->asked, pair, clock_ms()))
		return;
	recent_add(gateway->asked, pair, clock_ms());
	send_type(gateway, "subscribe", parties->us, parties->them);
}

static void on_subscribe(struct gateway *gateway, const struct parties *parties)
{
	send_type(gateway, "subscribed", parties->us, parties->them);
	ask_back(gateway, parties);
	send_available(gateway, parties->entity, parties->us, parties->them);
}

static void on_unsubscribe(struct gateway *gateway,
			   const struct parties *parties)
{
	char pair[PAIR_CAP];

	if (!pair_name(pair, parties))
		recent_drop(gateway->asked, pair);
	send_type(gateway, "unsubscribed", parties->us, parties->them);
}

/* RFC 6121, 3.1.3 and 4.3.2: what nobody lives at. */
static void on_nobody(struct gateway *gateway, const char *type,
		      const struct parties *parties)
{
	if (!strcmp(type, "subscribe") || !strcmp(type, "probe"))
		send_type(gateway, "unsubscribed", parties->us, parties->them);
}

static bool is_ours(const struct gateway *gateway, const char *bare)
{
	struct jid jid;

	return !jid_parse(&jid, bare) &&
	       slice_is_nocase(jid.domain, gateway->config->xmpp.domain);
}

/* "unavailable" ends no call: a stream may be resumed (XEP-0198). */
void presence_receive(struct gateway *gateway, const struct stanza *presence)
{
	const char *type = stanza_attr(presence, "type");
	const char *from = stanza_attr(presence, "from");
	char us[JID_CAP], them[JID_CAP], local[JID_PART_MAX + 1];
	struct parties parties = { .us = us, .them = them };
	struct jid to;

	if (!type || jid_bare(us, sizeof(us), stanza_attr(presence, "to")) ||
	    jid_bare(them, sizeof(them), from) || is_ours(gateway, them) ||
	    jid_parse(&to, us) || text_copy(local, sizeof(local), to.local))
		return;

	if (!presence_entity(&parties.entity, local))
		on_nobody(gateway, type, &parties);
	else if (!strcmp(type, "subscribe"))
		on_subscribe(gateway, &parties);
	else if (!strcmp(type, "unsubscribe"))
		on_unsubscribe(gateway, &parties);
	else if (!strcmp(type, "probe"))
		send_available(gateway, parties.entity, us, from);
}

/* ---- announcement ---- */

struct announcement {
	struct gateway *gateway;
	struct recent *told; /* owners */
};

static void announce(struct announcement *to_all, const char *owner)
{
	struct gateway *gateway = to_all->gateway;
	char bare[JID_CAP];

	if (jid_bare(bare, sizeof(bare), owner) ||
	    recent_has(to_all->told, bare, 0))
		return;
	recent_add(to_all->told, bare, 0);
	send_available(gateway, DISCO_GATEWAY, gateway->config->xmpp.domain,
		       bare);
}

static void on_number(const struct account_number *number, void *arg)
{
	for (size_t i = 0; i < number->nowners; i++)
		announce(arg, number->owners[i]);
}

void presence_stream_up(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct announcement to_all = { .gateway = gateway };

	if (recent_new(&to_all.told, SIZE_MAX, 1)) {
		log_warn("xmpp=presence not-announced: no memory");
		return;
	}
	for (size_t i = 0; i < config->nnumbers; i++)
		for (size_t j = 0; j < config->numbers[i].nowners; j++)
			announce(&to_all, config->numbers[i].owners[j]);
	account_each_number(gateway->accounts, NULL, on_number, &to_all);
	recent_free(to_all.told);
}
