/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route.h"

#include <string.h>

#include "gateway/base/text.h"
#include "gateway/call_state.h"
#include "gateway/gateway.h"
#include "gateway/number.h"
#include "sip/trunk.h"
#include "xmpp/jid.h"

#define ECHO_LOCAL "echo"
#define DIGITS     "0123456789"
/* RFC 3261, 25.1: what a user part may hold without escaping, less what could
 * be taken for a parameter or a password. */
#define USER_CHARS                                                          \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "-_." \
	"+*#"

static struct sip_trunk *trunk_at(struct gateway *gateway, size_t i)
{
	return i < gateway->ntrunks ? gateway->trunks[i] : NULL;
}

static int take_trunk(struct route *out, struct gateway *gateway,
		      const char *name)
{
	const struct config *config = gateway->config;

	for (size_t i = 0; i < config->ntrunks; i++) {
		if (strcmp(config->trunks[i].name, name) != 0)
			continue;
		out->trunk_config = &config->trunks[i];
		out->trunk = trunk_at(gateway, i);
		return out->trunk ? 0 : ROUTE_E_UNKNOWN;
	}
	return ROUTE_E_UNKNOWN;
}

static unsigned calls_of(const struct gateway *gateway, const char *account)
{
	const struct call *call;
	unsigned n = 0;

	LIST_FOREACH(call, &gateway->calls, link)
	n += call->state != CALL_CLOSED &&
	     jid_same_bare(call->account, account);
	return n;
}

/* "alice\40carrier": a SIP user of a trunk, as route_caller_local() wrote it.
 */
static int to_user(struct route *out, struct gateway *gateway,
		   const char *account, const char *local)
{
	char address[ROUTE_USER_CAP + CONFIG_TRUNK_NAME_MAX];

	if (jid_unescape(address, sizeof(address), slice_of(local)))
		return ROUTE_E_NUMBER;
	char *at = strrchr(address, '@');
	if (!at)
		return ROUTE_E_NUMBER;
	*at = '\0';
	struct number mine;
	if (!*address || address[strspn(address, USER_CHARS)] != '\0')
		return ROUTE_E_NUMBER;
	if (!number_of(&mine, gateway, account, at + 1))
		return ROUTE_E_FORBIDDEN;
	if (text_set(out->to, sizeof(out->to), address) ||
	    text_set(out->from, sizeof(out->from), mine.number))
		return ROUTE_E_NUMBER;
	out->kind = ROUTE_TRUNK;
	return take_trunk(out, gateway, mine.trunk);
}

static int to_number(struct route *out, struct gateway *gateway,
		     const char *account, const char *local)
{
	struct number mine, theirs;

	if (!number_of(&mine, gateway, account, NULL))
		return ROUTE_E_FORBIDDEN;
	if (text_set(out->to, sizeof(out->to), local) ||
	    text_set(out->from, sizeof(out->from), mine.number))
		return ROUTE_E_NUMBER;
	if (number_find(&theirs, gateway, local)) {
		/* one of ours: no way through a carrier */
		out->kind = ROUTE_ACCOUNT;
		out->owner = theirs.owners[0];
		return 0;
	}
	out->kind = ROUTE_TRUNK;
	return take_trunk(out, gateway, mine.trunk);
}

int route_from_account(struct route *out, struct gateway *gateway,
		       const char *account, const char *local)
{
	char corrected[PHONE_CAP];

	memset(out, 0, sizeof(*out));
	if (calls_of(gateway, account) >=
	    gateway->config->limits.account.calls)
		return ROUTE_E_BUSY;
	if (!strcmp(local, ECHO_LOCAL)) {
		out->kind = ROUTE_ECHO;
		return text_set(out->to, sizeof(out->to), local);
	}
	if (config_is_number(local))
		return to_number(out, gateway, account, local);
	/* "555 123-4567" is a number, but not its address */
	int r = number_parse_local(corrected, gateway, account, local);
	if (r < 0)
		return r;
	if (!r || (*local && !local[strspn(local, DIGITS)]))
		return ROUTE_E_COUNTRY;
	return to_user(out, gateway, account, local);
}

/* Trunks write E.164 with and without its plus. */
static bool find_number(struct number *out, const struct gateway *gateway,
			const char *user)
{
	char with_plus[ROUTE_USER_CAP];

	return number_find(out, gateway, user) ||
	       (!text_format(with_plus, sizeof(with_plus), "+%s", user) &&
		number_find(out, gateway, with_plus));
}

int route_from_trunk(struct route *out, struct gateway *gateway,
		     const char *user, const char *to_user_part)
{
	struct number number;

	memset(out, 0, sizeof(*out));
	/* Trunks that send to our Contact name the number in To alone. */
	if (!find_number(&number, gateway, user) &&
	    !find_number(&number, gateway, to_user_part))
		return ROUTE_E_UNKNOWN;
	if (calls_of(gateway, number.owners[0]) >=
	    gateway->config->limits.account.calls)
		return ROUTE_E_BUSY;
	out->kind = ROUTE_ACCOUNT;
	out->owner = number.owners[0];
	return text_set(out->to, sizeof(out->to), number.number);
}

struct sip_trunk *route_trunk_of(struct gateway *gateway,
				 const struct addr *source)
{
	for (size_t i = 0; i < gateway->ntrunks; i++) {
		struct sip_trunk *trunk = trunk_at(gateway, i);
		if (trunk && sip_trunk_allows(trunk, source))
			return trunk;
	}
	return NULL;
}

int route_caller_local(char *out, size_t cap, const char *user,
		       const char *trunk)
{
	enum { E164_MIN = 7 };
	size_t digits = strspn(user, DIGITS);
	char address[ROUTE_USER_CAP + CONFIG_TRUNK_NAME_MAX + 2];

	if (config_is_number(user))
		return text_set(out, cap, user);
	if (digits >= E164_MIN && !user[digits] &&
	    digits <= CONFIG_NUMBER_DIGITS)
		return text_format(out, cap, "+%s", user);
	if (*user && !user[strspn(user, USER_CHARS)] &&
	    !text_format(address, sizeof(address), "%s@%s", user, trunk))
		return jid_escape(out, cap, slice_of(address));
	return text_set(out, cap, "anonymous");
}
