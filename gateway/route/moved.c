/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/moved.h"

#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/code.h"
#include "gateway/route/number.h"
#include "xmpp/stanza.h"

/* The bare JID that the account of @from means by @to. As moved_text(). */
static int right_jid(char out[static JID_CAP], const struct gateway *gateway,
		     const char *from, const char *to)
{
	char account[JID_CAP], local[JID_PART_MAX + 1], number[PHONE_CAP];
	bool withhold = false;
	struct jid jid;

	out[0] = '\0';
	if (jid_bare(account, sizeof(account), from) || jid_parse(&jid, to) ||
	    text_copy(local, sizeof(local), jid.local))
		return MOVED_E_NOT;
	const char *dialled = code_cut_withhold(local, &withhold);
	if (config_is_number(dialled))
		return MOVED_E_NOT;
	int r = number_parse_local(number, gateway, account, dialled);
	if (r)
		return r < 0 ? r : MOVED_E_NOT;
	return text_format(out, JID_CAP, "%.*s%s@%s", (int)(dialled - local),
			   local, number, gateway->config->xmpp.domain);
}

/* RFC 5122, 2.2: of what such addresses have "#" alone is escaped. */
static void add_uri(struct stanza *gone, const char *jid)
{
	struct slice rest = slice_of(jid);

	stanza_add_text(gone, "xmpp:");
	while (rest.n) {
		bool more = memchr(rest.p, '#', rest.n);

		stanza_add_slice(gone, slice_cut(&rest, '#'));
		stanza_add_text(gone, more ? "%23" : NULL);
	}
}

static int format_text(char out[static MOVED_TEXT_CAP], const char *jid)
{
	return text_format(out, MOVED_TEXT_CAP,
			   "Numbers begin with + and the country code: %s",
			   jid);
}

int moved_text(char out[static MOVED_TEXT_CAP], const struct gateway *gateway,
	       const char *from, const char *to)
{
	char jid[JID_CAP];
	int r = right_jid(jid, gateway, from, to);

	return r ? r : format_text(out, jid);
}

int moved_error(struct stanza **out, const struct gateway *gateway,
		const struct stanza *request)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	char jid[JID_CAP], text[MOVED_TEXT_CAP];
	int r = right_jid(jid, gateway, stanza_attr(request, "from"),
			  stanza_attr(request, "to"));

	if (!r)
		r = format_text(text, jid);
	if (!r)
		r = stanza_error_reply(&reply, request, NULL, "gone", text);
	if (r)
		return r == STANZA_E_REPLY ? MOVED_E_NOT : r;
	struct stanza *gone = stanza_find(stanza_find(reply, "error", NULL),
					  "gone", STANZA_NS_ERROR);
	add_uri(gone, jid);
	if (!stanza_ok(reply))
		return -ENOMEM;
	*out = reply;
	reply = NULL;
	return 0;
}
