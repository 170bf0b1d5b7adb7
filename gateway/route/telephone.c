/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/telephone.h"

#include <string.h>

#include "gateway/base/text.h"
#include "gateway/gateway.h"

bool telephone_is_ours(const struct gateway *gateway, const char *jid)
{
	struct jid parsed;

	return !jid_parse(&parsed, jid) &&
	       slice_is_nocase(parsed.domain, gateway->config->xmpp.domain);
}

bool telephone_local(char out[static JID_PART_MAX + 1],
		     const struct gateway *gateway, const char *address)
{
	static const char scheme[] = "sip:";
	bool sip = !strncasecmp(address, scheme, strlen(scheme));
	struct slice domain = slice_of(address + (sip ? strlen(scheme) : 0));
	struct slice whole = domain, local = slice_cut(&domain, '@');
	enum { CAP = JID_PART_MAX + 1 };

	if (config_is_number(address))
		return !text_set(out, CAP, address);
	if (slice_is_nocase(domain, gateway->config->xmpp.domain))
		return !text_copy(out, CAP, local);
	if (!sip || text_copy(out, CAP, local))
		return false;
	return config_is_number(out) || !jid_escape(out, CAP, whole);
}
