/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/presence.h"

#include <string.h>

#include "db/contact.h"
#include "gateway/admin/role.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/code.h"
#include "gateway/route/number.h"
#include "gateway/route/route.h"
#include "gateway/route/telephone.h"
#include "gateway/text/text_sender.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

enum {
	/* How long a subscription that we asked for is not asked for again. */
	ASKED_MS = 600000,
	ASKED_MAX = 4096,
	PAIR_CAP = 2 * JID_CAP,
};

/* Whether @local is called; Dino asks whom it calls what he can. */
static bool is_number(const struct gateway *gateway, const char *account,
		      const char *local)
{
	bool withhold = false;

	if (code_is_dialled(gateway, account, local))
		return true;
	local = code_cut_withhold(local, &withhold);
	return text_sender_of(local) || !strcmp(local, ROUTE_ANONYMOUS_LOCAL) ||
	       strstr(local, "\\40");
}

bool presence_entity(enum disco_entity *out, const struct gateway *gateway,
		     const char *account, const char *local)
{
	if (!*local)
		*out = DISCO_GATEWAY;
	else if (!strcmp(local, ROUTE_ECHO_LOCAL))
		*out = DISCO_ECHO;
	else if (is_number(gateway, account, local))
		*out = DISCO_NUMBER;
	else
		return false;
	return true;
}

static int send_one(struct gateway *gateway, const struct stanza *stanza)
{
	int r = xmpp_stream_send(gateway->stream, stanza);

	if (r)
		log_debug("xmpp=presence not-sent r=%d", r);
	return r;
}

/* Presence comes from the one full JID that also calls. */
static int format_full(char out[static JID_CAP], const struct gateway *gateway,
		       const char *local)
{
	const char *domain = gateway->config->xmpp.domain;

	return *local ? text_format(out, JID_CAP, "%s@%s/sip", local, domain)
		      : text_format(out, JID_CAP, "%s/gateway", domain);
}

static int format_bare(char out[static JID_CAP], const struct gateway *gateway,
		       const char *local)
{
	return text_format(out, JID_CAP, "%s%s%s", local, *local ? "@" : "",
			   gateway->config->xmpp.domain);
}

int presence_show(struct gateway *gateway, const char *local, const char *to)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	enum disco_entity entity;
	char full[JID_CAP];

	if (!presence_entity(&entity, gateway, to, local) ||
	    format_full(full, gateway, local))
		return -EINVAL;
	int r = disco_presence(&stanza, role_entity(gateway, to, entity), full,
			       to);
	return r ? r : send_one(gateway, stanza);
}

static int try_type(struct gateway *gateway, const char *type, const char *from,
		    const char *to)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;

	if (stanza_new(&stanza, "presence", NULL))
		return -ENOMEM;
	stanza_set(stanza, "type", type);
	stanza_set(stanza, "from", from);
	stanza_set(stanza, "to", to);
	return stanza_ok(stanza) ? send_one(gateway, stanza) : -ENOMEM;
}

static void send_type(struct gateway *gateway, const char *type,
		      const char *from, const char *to)
{
	if (try_type(gateway, type, from, to) == -ENOMEM)
		log_warn("xmpp=presence not-sent: no memory");
}

int presence_hide(struct gateway *gateway, const char *local, const char *to)
{
	char full[JID_CAP];

	if (format_full(full, gateway, local))
		return -EINVAL;
	return try_type(gateway, "unavailable", full, to);
}

int presence_probe(struct gateway *gateway, const char *local,
		   const char *account)
{
	char bare[JID_CAP];

	return format_bare(bare, gateway, local)
		       ? -EINVAL
		       : try_type(gateway, "probe", bare, account);
}

/* Siskin takes the end of presence for the end of a call. */
static void hide_unless_calling(struct gateway *gateway, const char *local,
				const char *to)
{
	if (!leg_xmpp_calls_of(gateway, to) &&
	    presence_hide(gateway, local, to) == -ENOMEM)
		log_warn("xmpp=presence not-sent: no memory");
}

static void part(struct gateway *gateway, const struct contact *contact)
{
	char bare[JID_CAP];

	if (!contact->subscribed || format_bare(bare, gateway, contact->local))
		return;
	send_type(gateway, "unsubscribe", bare, contact->account);
	send_type(gateway, "unsubscribed", bare, contact->account);
	hide_unless_calling(gateway, contact->local, contact->account);
}

void presence_part(struct gateway *gateway, const char *account)
{
	const struct contact *contact =
		contact_find(gateway->contacts, account, "");
	char local[JID_PART_MAX + 1] = "";

	if (contact)
		part(gateway, contact);
	while ((contact = contact_after(gateway->contacts, account, local)) &&
	       !strcmp(contact->account, account) &&
	       !text_set(local, sizeof(local), contact->local))
		part(gateway, contact);
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
	const char *local; /* of us */
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

/*
 * Kept for the next start (announce.h). Of those without a number nothing is:
 * they could fill the disk, and their own server asks again when they log in.
 */
static void keep(struct gateway *gateway, const struct parties *parties,
		 bool subscribed)
{
	const struct contact *known =
		contact_find(gateway->contacts, parties->them, parties->local);
	struct contact contact = { .account = parties->them,
				   .local = parties->local,
				   .name = known ? known->name : "",
				   .subscribed = subscribed,
				   .seen_ms = clock_wall_ms(),
				   .number = known ? known->number : "" };
	struct number number;
	int r = 0;

	if (known ? known->subscribed == subscribed : !subscribed)
		return;
	if (!subscribed && !*contact.name &&
	    !(contact.number && *contact.number))
		r = contact_drop(gateway->contacts, parties->them,
				 parties->local);
	else if (number_of(&number, gateway, parties->them, NULL))
		r = contact_put(gateway->contacts, &contact);
	if (r)
		log_warn("xmpp=subscription account=%s not-kept r=%d",
			 log_text(slice_of(parties->them)).s, r);
}

static void on_subscribe(struct gateway *gateway, const struct parties *parties)
{
	send_type(gateway, "subscribed", parties->us, parties->them);
	ask_back(gateway, parties);
	presence_show(gateway, parties->local, parties->them);
	keep(gateway, parties, true);
}

/* RFC 6121, 3.3.3: who is not subscribed any more is not shown presence of
 * before. */
static void on_unsubscribe(struct gateway *gateway,
			   const struct parties *parties)
{
	char pair[PAIR_CAP];

	if (!pair_name(pair, parties))
		recent_drop(gateway->asked, pair);
	send_type(gateway, "unsubscribed", parties->us, parties->them);
	hide_unless_calling(gateway, parties->local, parties->them);
	keep(gateway, parties, false);
}

/* RFC 6121, 3.1.3 and 4.3.2: what nobody lives at. */
static void on_nobody(struct gateway *gateway, const char *type,
		      const struct parties *parties)
{
	if (!strcmp(type, "subscribe") || !strcmp(type, "probe"))
		send_type(gateway, "unsubscribed", parties->us, parties->them);
}

/* "unavailable" ends no call: a stream may be resumed (XEP-0198). */
void presence_receive(struct gateway *gateway, const struct stanza *presence)
{
	const char *type = stanza_attr(presence, "type");
	const char *from = stanza_attr(presence, "from");
	char us[JID_CAP], them[JID_CAP], local[JID_PART_MAX + 1];
	const struct parties parties = { us, them, local };
	enum disco_entity entity;
	struct jid to;

	if (!type || jid_bare(us, sizeof(us), stanza_attr(presence, "to")) ||
	    jid_bare(them, sizeof(them), from) ||
	    telephone_is_ours(gateway, them) || jid_parse(&to, us) ||
	    text_copy(local, sizeof(local), to.local))
		return;

	if (!presence_entity(&entity, gateway, them, local))
		on_nobody(gateway, type, &parties);
	else if (!strcmp(type, "subscribe"))
		on_subscribe(gateway, &parties);
	else if (!strcmp(type, "unsubscribe"))
		on_unsubscribe(gateway, &parties);
	else if (!strcmp(type, "probe"))
		presence_show(gateway, local, from);
}
