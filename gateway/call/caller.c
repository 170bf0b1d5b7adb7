/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/caller.h"

#include <stdbool.h>
#include <string.h>

#include "db/contact.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/route.h"
#include "gateway/service/presence.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define NS_EVENT "http://jabber.org/protocol/pubsub#event"
#define NS_NICK  "http://jabber.org/protocol/nick"

enum { KEEP_AGAIN_MS = 86400000 }; /* when it was last seen, to the day */

/* "+1 (555) 123-4567" is no name. */
static bool is_name(const char *display)
{
	return display[strspn(display, " +0123456789()-./")] != '\0';
}

void caller_keep_name(struct gateway *gateway, const char *account,
		      const char *local, const char *display)
{
	const struct contact *known =
		contact_find(gateway->contacts, account, local);
	struct contact contact = { .account = account,
				   .local = local,
				   .subscribed = known && known->subscribed,
				   .seen_ms = clock_wall_ms(),
				   .number = known ? known->number : "" };
	char name[CALLER_NAME_MAX + 1];

	if (!is_name(display) || !strcmp(local, ROUTE_ANONYMOUS_LOCAL))
		return;
	text_clean(name, sizeof(name), slice_of(display));
	if (known && !strcmp(known->name, name) &&
	    contact.seen_ms - known->seen_ms < KEEP_AGAIN_MS)
		return;
	contact.name = name;
	int r = contact_put(gateway->contacts, &contact);
	if (r)
		log_warn("caller=%s name=not-kept r=%d",
			 log_text(slice_of(local)).s, r);
}

const char *caller_name(const struct gateway *gateway, const char *account,
			const char *local)
{
	const struct contact *contact =
		contact_find(gateway->contacts, account, local);

	return contact && *contact->name ? contact->name : NULL;
}

int caller_nick(char out[static CALLER_NICK_CAP], const char *name,
		const char *jid, const char *to)
{
	struct slice rest = slice_of(jid);
	struct slice number = slice_cut(&rest, '@');

	if (!to)
		return text_set(out, CALLER_NICK_CAP, name);
	if (name && *name)
		return text_format(out, CALLER_NICK_CAP, "%s (to %s)", name,
				   to);
	return text_format(out, CALLER_NICK_CAP, "%.*s (to %s)",
			   SLICE_ARG(number), to);
}

static void send_nick(struct gateway *gateway, const struct contact *contact)
{
	AUTO(stanza_freep) struct stanza *st = NULL;

	if (stanza_new(&st, "message", NULL))
		return;
	stanza_set(st, "type", "headline");
	stanza_setf(st, "from", "%s@%s", contact->local,
		    gateway->config->xmpp.domain);
	stanza_set(st, "to", contact->account);
	struct stanza *items = stanza_child(stanza_child(st, "event", NS_EVENT),
					    "items", NULL);
	stanza_set(items, "node", NS_NICK);
	struct stanza *item = stanza_child(items, "item", NULL);
	stanza_set(item, "id", "current");
	stanza_child_text(item, "nick", NS_NICK, contact->name);
	if (!stanza_ok(st) || xmpp_stream_send(gateway->stream, st))
		log_debug("caller=%s nick=not-sent",
			  log_text(slice_of(contact->local)).s);
}

void caller_introduce(struct gateway *gateway, const char *account,
		      const char *local)
{
	const struct contact *contact =
		contact_find(gateway->contacts, account, local);

	if (!contact || !contact->subscribed)
		presence_show(gateway, local, account);
	else if (*contact->name)
		send_nick(gateway, contact);
}
