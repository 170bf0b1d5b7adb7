/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls from trunks: whose they are, whom for, and from whom. */
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/called.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/rewrite.h"
#include "gateway/route/route.h"
#include "gateway/route/trunks.h"
#include "sip/agent.h"
#include "sip/identity.h"
#include "sip/trunk.h"
#include "xmpp/jid.h"

#define DIGITS "0123456789"
#define USER_CHARS                                                          \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "-_." \
	"+*#"

/* ---- which trunk ---- */

struct sip_trunk *route_trunk_of(struct gateway *gateway,
				 const struct addr *source)
{
	for (size_t i = 0; i < gateway->ntrunks; i++) {
		if (sip_trunk_allows(gateway->trunks[i], source))
			return gateway->trunks[i];
	}
	return NULL;
}

/* In equal time, wherever they differ (a token is a secret). */
static bool is_same_secret(struct slice a, struct slice b)
{
	unsigned char differs = a.n != b.n;

	for (size_t i = 0; i < a.n && i < b.n; i++)
		differs |= (unsigned char)(a.p[i] ^ b.p[i]);
	return !differs;
}

static bool has_token(const struct sip_invite *invite, const char *token)
{
	struct slice value = slice_of(token);
	struct slice name = slice_cut(&value, ':');
	char text[CONFIG_HEADER_MAX + 1];

	if (text_copy(text, sizeof(text), name))
		return false;
	return is_same_secret(
		slice_trim(slice_of(sip_header_text(invite->message, text))),
		slice_trim(value));
}

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/*
 * How well a call at the trunk's address fits it: -1, it is not its own. What
 * is asked for must be there; who asks for more knows better.
 */
static int fit(const struct config_trunk *trunk,
	       const struct sip_invite *invite)
{
	int n = 0;

	if (*trunk->token) {
		if (!has_token(invite, trunk->token))
			return -1;
		n += 2;
	}
	if (*trunk->called_prefix) {
		if (!begins(invite->request_user, trunk->called_prefix))
			return -1;
		n++;
	}
	return n;
}

struct sip_trunk *route_trunk_for(struct gateway *gateway,
				  const struct sip_invite *invite)
{
	struct sip_trunk *best = NULL;
	int most = -1;

	for (size_t i = 0; i < gateway->ntrunks; i++) {
		struct sip_trunk *trunk = gateway->trunks[i];
		const struct config_trunk *config;
		int n;

		if (!sip_trunk_allows(trunk, &invite->source.addr))
			continue;
		config = config_find_trunk(gateway->config,
					   sip_trunk_name(trunk));
		n = config ? fit(config, invite) : -1;
		if (n <= most)
			continue;
		most = n;
		best = trunk;
	}
	return best;
}

static int find_trunk(struct route *out, struct gateway *gateway,
		      const struct sip_invite *invite)
{
	out->trunk = route_trunk_for(gateway, invite);
	if (!out->trunk)
		return ROUTE_E_STRANGER;
	out->trunk_config =
		config_find_trunk(gateway->config, sip_trunk_name(out->trunk));
	return 0;
}

/* ---- whom for ---- */

static int to_e164(char *out, size_t cap, const struct config_rewrites *rules,
		   const char *user)
{
	char plain[SIP_USER_CAP];
	int r = rewrite_plain(plain, sizeof(plain), user);

	return r ? r : rewrite_apply(out, cap, rules, plain);
}

/* Trunks write E.164 with and without its plus. */
static bool find_number(struct number *out, const struct gateway *gateway,
			const struct config_trunk *trunk, const char *user)
{
	char number[SIP_USER_CAP], with_plus[SIP_USER_CAP + 1];

	if (begins(user, trunk->called_prefix))
		user += strlen(trunk->called_prefix);
	if (to_e164(number, sizeof(number), &trunk->rewrite_in, user))
		return false;
	return number_find(out, gateway, number) ||
	       (!text_format(with_plus, sizeof(with_plus), "+%s", number) &&
		number_find(out, gateway, with_plus));
}

static int find_owner(struct route *out, struct gateway *gateway,
		      const struct sip_invite *invite)
{
	struct number number;

	if (!find_number(&number, gateway, out->trunk_config,
			 called_user(out->trunk_config, invite)))
		return ROUTE_E_UNKNOWN;
	out->kind = ROUTE_ACCOUNT;
	out->owner = number.owners[0];
	return text_set(out->to, sizeof(out->to), number.number);
}

/* The only number on a trunk, if it is. */
static const char *only_number(const struct config *config, const char *trunk)
{
	const struct config_number *first =
		config_number_by(config, CONFIG_BY_TRUNK, trunk, 0);

	return first && !config_number_by(config, CONFIG_BY_TRUNK, trunk, 1)
		       ? first->number
		       : NULL;
}

/* What is no INVITE need not have what tells trunks at one address apart. */
static const struct config_trunk *config_of(struct gateway *gateway,
					    const struct sip_invite *request)
{
	const struct sip_trunk *trunk = route_trunk_for(gateway, request);

	if (!trunk)
		trunk = route_trunk_of(gateway, &request->source.addr);
	return trunk ? config_find_trunk(gateway->config, sip_trunk_name(trunk))
		     : NULL;
}

int route_number(struct number *out, struct gateway *gateway,
		 const struct sip_invite *request)
{
	const struct config_trunk *config = config_of(gateway, request);

	if (!config)
		return ROUTE_E_STRANGER;
	return find_number(out, gateway, config, request->request_user)
		       ? 0
		       : ROUTE_E_UNKNOWN;
}

int route_mailbox(struct number *out, struct gateway *gateway,
		  const struct sip_invite *request, const char *account)
{
	const char *const users[] = { account, request->request_user,
				      request->to_user };
	const struct config_trunk *config = config_of(gateway, request);
	const char *only;

	if (!config)
		return ROUTE_E_STRANGER;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		if (find_number(out, gateway, config, users[i]))
			return 0;
	}
	only = only_number(gateway->config, config->name);
	return only && number_find(out, gateway, only) ? 0 : ROUTE_E_UNKNOWN;
}

/* ---- from whom ---- */

/* What carriers and PBXs write when they know no number. */
static bool is_nobody(const char *user)
{
	static const char *const users[] = { "unavailable", "unknown" };

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		if (!strcasecmp(user, users[i]))
			return true;
	}
	return false;
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
	if (*user && !user[strspn(user, USER_CHARS)] && !is_nobody(user) &&
	    !text_format(address, sizeof(address), "%s@%s", user, trunk))
		return jid_escape(out, cap, slice_of(address));
	return text_set(out, cap, ROUTE_ANONYMOUS_LOCAL);
}

static int find_caller(struct route *out, const struct sip_invite *invite)
{
	const struct config_trunk *trunk = out->trunk_config;
	char number[SIP_USER_CAP];
	struct sip_party caller;

	sip_identity_caller(&caller, invite->identity, trunk->trust_identity);
	if (invite->identity->withheld ||
	    to_e164(number, sizeof(number), &trunk->rewrite_in_caller,
		    caller.user))
		number[0] = '\0';
	if (text_set(out->caller, sizeof(out->caller), number))
		out->caller[0] = '\0';
	return route_caller_local(out->from, sizeof(out->from), number,
				  trunk->name);
}

/* What the trunk's rules refuse of callers. */
static int check_caller(const struct route *route, const struct origin *origin)
{
	const struct config_texts *refuse = &route->trunk_config->refuse;
	bool anonymous = !strcmp(route->from, ROUTE_ANONYMOUS_LOCAL);

	for (size_t i = 0; i < refuse->n; i++) {
		if (anonymous &&
		    !strcasecmp(refuse->v[i], CONFIG_REFUSE_ANONYMOUS))
			return ROUTE_E_ANONYMOUS;
		if (*origin->verstat &&
		    !strcasecmp(refuse->v[i], origin->verstat))
			return ROUTE_E_VERDICT;
	}
	return 0;
}

int route_text_from_trunk(struct route *out, struct origin *origin,
			  struct gateway *gateway,
			  const struct sip_invite *invite)
{
	int r;

	memset(out, 0, sizeof(*out));
	memset(origin, 0, sizeof(*origin));
	r = find_trunk(out, gateway, invite);
	if (r)
		return r;
	origin_read(origin, invite, out->trunk_config->trust_identity);
	r = find_owner(out, gateway, invite);
	if (!r)
		r = find_caller(out, invite);
	return r ? r : check_caller(out, origin);
}

int route_from_trunk(struct route *out, struct origin *origin,
		     struct gateway *gateway, const struct sip_invite *invite)
{
	int r = route_text_from_trunk(out, origin, gateway, invite);

	if (r)
		return r;
	return trunks_is_drained(gateway, out->trunk_config->name) ||
			       limits_at_once(gateway, QUOTA_TRUNK,
					      out->trunk_config->name)
		       ? ROUTE_E_TRUNK_BUSY
		       : 0;
}
