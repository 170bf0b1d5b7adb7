/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/forward.h"

#include <assert.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/route/route.h"
#include "gateway/route/telephone.h"
#include "sip/uri.h"

static const char neither[] =
	"this is neither a number such as +15551234567, nor the address of an "
	"account, nor sip:user@host of a carrier or PBX";

static int complain(const char **why, const char *text)
{
	*why = text;
	return FORWARD_E_INVALID;
}

static bool begins(const char *text, const char *scheme)
{
	return !strncasecmp(text, scheme, strlen(scheme));
}

/* ---- in the form that is kept ---- */

/* Without parameters and headers: a trunk says how it is reached. */
static int read_sip(char out[static JID_CAP], const char **why,
		    const char *text)
{
	char place[SIP_HOST_CAP + 16];
	struct sip_uri uri;

	if (sip_uri_parse(&uri, slice_of(text)) || !*uri.user ||
	    sip_hostport_format(place, uri.host, uri.port) ||
	    text_format(out, JID_CAP, "sip:%s@%s", uri.user, place))
		return complain(why, neither);
	return 0;
}

static int read_jid(char out[static JID_CAP], const char **why,
		    const char *text)
{
	char address[JID_CAP];
	struct slice rest = slice_of(text);

	if (text_copy(address, sizeof(address), slice_cut(&rest, '?')) ||
	    jid_bare(out, JID_CAP, address) || !config_is_bare_jid(out))
		return complain(why, neither);
	return 0;
}

static int read_number(char out[static JID_CAP], const char **why,
		       const struct gateway *gateway, const char *account,
		       const char *text)
{
	char number[PHONE_CAP];
	int r = number_parse(number, gateway, account, text);

	if (r == PHONE_E_COUNTRY)
		return complain(why, "this number needs + and its country "
				     "code, such as +15551234567");
	if (r == PHONE_E_LENGTH)
		return complain(why, "this number has too few or too many "
				     "digits, or lacks its area code");
	if (r > 0)
		return complain(why, neither);
	return r ? r : text_set(out, JID_CAP, number);
}

static int read_any(char out[static JID_CAP], const char **why,
		    const struct gateway *gateway, const char *account,
		    const char *text)
{
	static const char xmpp[] = "xmpp:";

	if (begins(text, "sips:"))
		return complain(why, "sips: is nothing that can be promised "
				     "beyond a carrier or PBX; write "
				     "sip:user@host");
	if (begins(text, "sip:"))
		return read_sip(out, why, text);
	if (begins(text, xmpp))
		return read_jid(out, why, text + strlen(xmpp));
	if (!begins(text, "tel:") && strchr(text, '@'))
		return read_jid(out, why, text);
	return read_number(out, why, gateway, account, text);
}

/* ---- whether it can be called ---- */

static const char *const refusals[] = {
	[ROUTE_E_FORBIDDEN] = "you have no number by which it could be called",
	[ROUTE_E_NUMBER] = neither,
	[ROUTE_E_COUNTRY] = "numbers begin with + and the country code",
	[ROUTE_E_UNKNOWN] = "no carrier or PBX of this gateway leads there",
	[ROUTE_E_DESTINATION] = "calls to this number are not allowed",
	[ROUTE_E_EMERGENCY] = "emergency numbers are called by people alone",
};

static int check_telephone(const char **why, struct gateway *gateway,
			   const char *account, const char *local)
{
	struct number number;

	if (number_find(&number, gateway, local) && number.nowners == 1 &&
	    number_has_owner(&number, account))
		return complain(why, "this is your own number");
	int r = route_can_forward(gateway, account, local);
	if (r <= 0)
		return r;
	assert((size_t)r < sizeof(refusals) / sizeof(refusals[0]) &&
	       refusals[r]);
	return complain(why, refusals[r]);
}

int forward_parse(char out[static JID_CAP], const char **why,
		  struct gateway *gateway, const char *account,
		  const char *text)
{
	char local[JID_PART_MAX + 1];
	int r = read_any(out, why, gateway, account, text);

	if (r)
		return r;
	if (telephone_local(local, gateway, out))
		return check_telephone(why, gateway, account, local);
	return jid_same_bare(out, account)
		       ? complain(why, "this is your own address")
		       : 0;
}
