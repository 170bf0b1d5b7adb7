/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/presence.h"

#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

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

void presence_receive(struct gateway *gateway, const struct stanza *presence)
{
	const char *type = stanza_attr(presence, "type");
	char us[JID_CAP], them[JID_CAP], local[JID_PART_MAX + 1];
	enum disco_entity entity;
	struct jid to;

	if (!type || jid_bare(us, sizeof(us), stanza_attr(presence, "to")) ||
	    jid_bare(them, sizeof(them), stanza_attr(presence, "from")) ||
	    jid_parse(&to, us) || text_copy(local, sizeof(local), to.local) ||
	    !presence_entity(&entity, local))
		return;

	if (!strcmp(type, "subscribe")) {
		send_type(gateway, "subscribed", us, them);
		send_type(gateway, "subscribe", us, them);
		send_available(gateway, entity, us, them);
	} else if (!strcmp(type, "probe")) {
		send_available(gateway, entity, us,
			       stanza_attr(presence, "from"));
	} else if (!strcmp(type, "unsubscribe")) {
		send_type(gateway, "unsubscribed", us, them);
	}
	/* "unavailable" ends no call: a stream may be resumed (XEP-0198). */
}

void presence_announce(struct gateway *gateway)
{
	const struct config *config = gateway->config;

	for (size_t i = 0; i < config->nnumbers; i++)
		send_available(gateway, DISCO_GATEWAY, config->xmpp.domain,
			       config->numbers[i].owner);
}
