/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_tags.h"

#include <string.h>

#include "gateway/base/text.h"

#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

/* XEP-0114, 3. The domain has no character that XML would escape. */
int xmpp_tags_open(char out[static XMPP_TAG_CAP], const char *domain)
{
	return text_format(out, XMPP_TAG_CAP, XMPP_TAGS_HEAD " to='%s'>",
			   domain);
}

int xmpp_tags_error(char out[static XMPP_TAG_CAP], const char *condition)
{
	return text_format(out, XMPP_TAG_CAP,
			   "<stream:error><%s xmlns='" NS_STREAM_ERRORS
			   "'/></stream:error>" XMPP_TAGS_END,
			   condition);
}

const char *xmpp_tags_condition(const struct stanza *error)
{
	const struct stanza *child;

	STANZA_FOREACH(child, error)
		if (!strcmp(stanza_ns(child), NS_STREAM_ERRORS) &&
		    strcmp(stanza_name(child), "text") != 0)
			return stanza_name(child);
	return "undefined-condition";
}
