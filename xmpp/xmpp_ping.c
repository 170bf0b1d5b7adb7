/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_ping.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

#define NS_PING "urn:xmpp:ping"

int xmpp_ping_new(struct xmpp_ping *ping, const char *domain,
		  struct stanza **out)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	char token[17];

	xmpp_ping_forget(ping);
	int r = stanza_new(&iq, "iq", NULL);
	if (r)
		return r;
	rand_token(token, sizeof(token) - 1);
	r = text_format(ping->id, sizeof(ping->id), "alive-%s", token);
	assert(!r);
	stanza_set(iq, "type", "get");
	stanza_set(iq, "id", ping->id);
	stanza_set(iq, "from", domain);
	stanza_set(iq, "to", domain);
	stanza_child(iq, "ping", NS_PING);
	if (!stanza_ok(iq)) {
		xmpp_ping_forget(ping);
		return -ENOMEM;
	}
	*out = iq;
	iq = NULL;
	return 0;
}

void xmpp_ping_forget(struct xmpp_ping *ping)
{
	ping->id[0] = '\0';
}

bool xmpp_ping_is_out(const struct xmpp_ping *ping)
{
	return ping->id[0];
}

bool xmpp_ping_came_back(struct xmpp_ping *ping, const char *domain,
			 const struct stanza *stanza)
{
	const char *id = stanza_attr(stanza, "id");

	if (!xmpp_ping_is_out(ping) || !id || strcmp(id, ping->id) != 0 ||
	    !jid_same(stanza_attr(stanza, "from"), domain))
		return false;
	xmpp_ping_forget(ping);
	return true;
}
