/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * jabber:iq:gateway (XEP-0100, 6.3): what a person types, a telephone number in
 * any form or a SIP address, becomes the JID to call.
 */
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/code.h"
#include "gateway/route/number.h"
#include "gateway/route/trunk_host.h"
#include "gateway/service/service.h"
#include "gateway/text/text_sender.h"
#include "sip/uri.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

enum { TYPED_MAX = 512 }; /* octets: longer than any address that is dialled */

static int ask(struct stanza **reply, const struct service_query *query)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	int r = stanza_result(&st, query->iq);

	if (r)
		return r;
	struct stanza *form = stanza_child(st, "query", "jabber:iq:gateway");
	stanza_child_text(
		form, "desc", NULL,
		"The telephone number of whom you would like to call, "
		"best with + and the country code.");
	stanza_child_text(form, "prompt", NULL, "Telephone number");
	return service_finish(reply, &st);
}

/* "alice@pbx.example" of a person is sip:alice@pbx.example. */
static int parse_address(struct sip_uri *out, const char *typed)
{
	char uri[TYPED_MAX + sizeof("sip:")];
	bool scheme = strchr(typed, ':') != NULL;

	if (text_format(uri, sizeof(uri), "%s%s", scheme ? "" : "sip:", typed))
		return -EINVAL;
	return sip_uri_parse(out, slice_of(uri));
}

/*
 * The localpart of a SIP address: a number wherever it is said to live, or a
 * user of one of our trunks as gateway/route/route.h writes it. sips: is
 * nothing that we could promise (RFC 7247, 8). 0 or -EINVAL.
 */
static int local_of_address(char out[static JID_PART_MAX + 1],
			    const struct service_query *query,
			    const char *typed)
{
	const struct config *config = query->gateway->config;
	char address[SIP_USER_CAP + CONFIG_TRUNK_NAME_MAX + 2];
	const struct config_trunk *trunk;
	struct sip_uri uri;

	if (parse_address(&uri, typed) || uri.tel || uri.sips || !*uri.user)
		return -EINVAL;
	if (config_is_number(uri.user))
		return text_set(out, JID_PART_MAX + 1, uri.user);
	if (!strcasecmp(uri.host, config->xmpp.domain))
		return number_parse(out, query->gateway, query->account,
				    uri.user)
			       ? -EINVAL
			       : 0;
	trunk = trunk_host_find(query->gateway, query->account, &uri);
	if (!trunk || text_format(address, sizeof(address), "%s@%s", uri.user,
				  trunk->name))
		return -EINVAL;
	return jid_escape(out, JID_PART_MAX + 1, slice_of(address));
}

static const char *why_not(int outcome)
{
	switch (outcome) {
	case PHONE_E_COUNTRY:
		return "This number needs + and its country code.";
	case PHONE_E_LENGTH:
		return "This number has too few or too many digits, or lacks "
		       "its area code.";
	default:
		return "This is neither a telephone number nor an address that "
		       "is reached from here.";
	}
}

/* Five or six digits that are no number in the account's country: a short code,
 * which takes texts (as with Cheogram). */
static bool is_code(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n >= TEXT_CODE_DIGITS - 1 && n <= TEXT_CODE_DIGITS && !text[n];
}

/* A number, and what is dialled before it stays. As local_of(). */
static int local_of_number(char out[static JID_PART_MAX + 1],
			   const struct service_query *query, const char *text)
{
	bool withhold = false;
	const char *number = code_cut_withhold(text, &withhold);
	size_t n = (size_t)(number - text);

	memcpy(out, text, n);
	return number_parse(out + n, query->gateway, query->account, number);
}

/* 0, or why not: PHONE_E_*, -ENOMEM. */
static int local_of(char out[static JID_PART_MAX + 1],
		    const struct service_query *query, const char *typed)
{
	struct slice trimmed = slice_trim(slice_of(typed));
	char text[TYPED_MAX + 1];

	if (text_copy(text, sizeof(text), trimmed))
		return PHONE_E_TEXT;
	if (code_is_dialled(query->gateway, query->account, text))
		return text_set(out, JID_PART_MAX + 1, text);
	int r = local_of_number(out, query, text);
	if (r == PHONE_E_TEXT && !local_of_address(out, query, text))
		return 0;
	if (r > 0 && is_code(text))
		return text_sender_format(out, text);
	return r;
}

static int answer(struct stanza **reply, const struct service_query *query,
		  const char *local)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	char jid[JID_CAP];
	int r = text_format(jid, sizeof(jid), "%s@%s", local,
			    query->gateway->config->xmpp.domain);

	if (!r)
		r = stanza_result(&st, query->iq);
	if (r)
		return r;
	stanza_child_text(stanza_child(st, "query", "jabber:iq:gateway"), "jid",
			  NULL, jid);
	return service_finish(reply, &st);
}

int service_prompt(struct stanza **reply, const struct service_query *query)
{
	const char *typed = stanza_find_text(query->payload, "prompt", NULL);
	char local[JID_PART_MAX + 1];

	if (!query->set)
		return ask(reply, query);
	if (!typed)
		return stanza_error_reply(reply, query->iq, NULL, "bad-request",
					  NULL);
	int r = local_of(local, query, typed);
	if (r < 0)
		return r;
	if (r)
		return stanza_error_reply(reply, query->iq, NULL,
					  "not-acceptable", why_not(r));
	return answer(reply, query, local);
}
