/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls from accounts; those from trunks are route_inbound.c's. */
#include "gateway/route/route.h"

#include <string.h>

#include "db/setting.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/code.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/quotas.h"
#include "gateway/route/rewrite.h"
#include "gateway/route/routes.h"
#include "gateway/route/trunk_host.h"
#include "gateway/route/trunks.h"
#include "gateway/text/text_sender.h"
#include "sip/trunk.h"
#include "sip/uri.h"
#include "xmpp/jid.h"

#define DIGITS "0123456789"
/* RFC 3261, 25.1: what a user part may hold without escaping, less what could
 * be taken for a parameter or a password. */
#define USER_CHARS                                                          \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS "-_." \
	"+*#"

enum { E164_MIN = 7 }; /* digits; fewer are an extension */

/* ---- trunks ---- */

/* What is used up, or in use, says nothing of a later call. */
static enum limit check_limits(const struct route *route,
			       struct gateway *gateway, enum quota_kind kind,
			       const char *name, const char *to, unsigned flags)
{
	if (route->use == ROUTE_FOR_TRANSFER)
		flags |= LIMITS_COUNTED;
	else if (route->use == ROUTE_FOR_LATER)
		flags &= ~(unsigned)LIMITS_TRIES;
	enum limit limit = limits_check(gateway, kind, name, to, flags);
	return route->use == ROUTE_FOR_LATER && limit != LIMIT_DESTINATION
		       ? LIMIT_NONE
		       : limit;
}

/* Whether its limits let it take the call. */
static int try_trunk(struct route *out, struct gateway *gateway,
		     const char *name)
{
	const char *to = out->dialled_plain ? NULL : out->to;
	struct route_trunk found = {
		.trunk = trunks_find(gateway, name),
		.config = config_find_trunk(gateway->config, name),
	};

	if (!found.trunk || !found.config)
		return ROUTE_E_UNKNOWN;
	if (out->ntrunks == ROUTE_MAX_TRUNKS)
		return 0;
	if (out->emergency) {
		out->trunks[out->ntrunks++] = found;
		return 0;
	}
	if (out->use != ROUTE_FOR_LATER && trunks_is_drained(gateway, name))
		return ROUTE_E_TRUNK_BUSY;
	enum limit limit = check_limits(out, gateway, QUOTA_TRUNK, name, to, 0);
	if (limit) {
		log_info("trunk=%s limit=%s to=%s", name, limit_name(limit),
			 log_text(slice_of(out->to)).s);
		return limit == LIMIT_DESTINATION ? ROUTE_E_DESTINATION
						  : ROUTE_E_TRUNK_BUSY;
	}
	out->trunks[out->ntrunks++] = found;
	return 0;
}

/* Those that do not answer come last; they may have come back. */
static void order_trunks(struct route *route)
{
	struct route_trunk down[ROUTE_MAX_TRUNKS];
	size_t ndown = 0, n = 0;

	for (size_t i = 0; i < route->ntrunks; i++) {
		const struct route_trunk t = route->trunks[i];

		if (sip_trunk_state(t.trunk) == SIP_TRUNK_DOWN)
			down[ndown++] = t;
		else
			route->trunks[n++] = t;
	}
	memcpy(&route->trunks[n], down, ndown * sizeof(down[0]));
	route->trunk = route->trunks[0].trunk;
	route->trunk_config = route->trunks[0].config;
}

static const struct config_route *route_now(struct gateway *gateway,
					    const char *number)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm local;

	return localtime_r(&now, &local) ? routes_find(gateway, number, &local)
					 : NULL;
}

/* By @by, or else over the trunk @name alone. */
static int take_trunks(struct route *out, struct gateway *gateway,
		       const struct config_route *by, const char *name)
{
	size_t n = by ? by->trunks.n : 1;
	int why = ROUTE_E_UNKNOWN;

	out->kind = ROUTE_TRUNK;
	for (size_t i = 0; i < n; i++) {
		int r = try_trunk(out, gateway, by ? by->trunks.v[i] : name);

		if (r)
			why = r;
	}
	if (!out->ntrunks)
		return why;
	order_trunks(out);
	return 0;
}

int route_dial(struct sip_parties **out, const struct route *route, size_t i)
{
	const struct config_trunk *trunk = route->trunks[i].config;
	const struct config_rewrites *callers = &trunk->rewrite_out_caller;
	char to[ROUTE_USER_CAP], from[ROUTE_USER_CAP], diverted[ROUTE_USER_CAP];
	int r = route->dialled_plain
			? rewrite_code(to, sizeof(to), &trunk->rewrite_out,
				       route->to)
			: rewrite_apply(to, sizeof(to), &trunk->rewrite_out,
					route->to);

	if (!r)
		r = rewrite_apply(from, sizeof(from), callers, route->from);
	if (!r && route->diverted)
		r = rewrite_apply(diverted, sizeof(diverted), callers,
				  route->diverted);
	if (r)
		return r;
	return sip_parties_copy(
		out, &(struct sip_parties){
			     .to = to,
			     .from = from,
			     .display = route->display,
			     .anonymous = route->withhold,
			     .diverted = route->diverted ? diverted : NULL,
			     .why_diverted = route->why_diverted,
			     .onward = route->onward });
}

/* ---- whom an account calls ---- */

static int set_parties(struct route *out, const struct number *mine,
		       const char *to)
{
	out->display = *mine->display ? mine->display : NULL;
	out->withhold |= mine->withhold;
	if (text_set(out->to, sizeof(out->to), to) ||
	    text_set(out->from, sizeof(out->from), mine->number))
		return ROUTE_E_NUMBER;
	return 0;
}

bool route_is_emergency(const struct gateway *gateway, const char *text,
			const char *region)
{
	const char *digits = text + (*text == '+');

	if (code_is_of(&gateway->config->emergency.numbers, digits))
		return true;
	return *region && *digits && !digits[strspn(digits, DIGITS)] &&
	       strlen(digits) < E164_MIN &&
	       phone_kind(digits, region) == PHONE_EMERGENCY;
}

/* Those that the configuration does not have are refused in so many words. */
static bool is_emergency(const struct gateway *gateway, const char *account,
			 const char *text)
{
	char region[PHONE_REGION_CAP];

	if (!number_region(region, gateway, account))
		region[0] = '\0';
	return route_is_emergency(gateway, text, region);
}

/* Never limited, never left to chance: by the configured trunk, or refused in
 * so many words. Who owns no number is nobody whom help could call back. */
static int to_emergency(struct route *out, struct gateway *gateway,
			const char *account, const char *text)
{
	const char *trunk = gateway->config->emergency.trunk;
	const char *to = text + (*text == '+');
	struct number mine;
	int r = ROUTE_E_EMERGENCY;

	out->emergency = out->dialled_plain = true;
	if (*trunk && code_is_of(&gateway->config->emergency.numbers, to) &&
	    (number_of(&mine, gateway, account, trunk) ||
	     number_of(&mine, gateway, account, NULL)))
		r = set_parties(out, &mine, to);
	out->withhold = false;
	if (!r)
		r = take_trunks(out, gateway, NULL, trunk);
	log_warn("event=emergency what=%s account=%s to=%s trunk=%s",
		 r ? "refused" : "placed", log_text(slice_of(account)).s,
		 log_text(slice_of(to)).s, trunk);
	return r ? ROUTE_E_EMERGENCY : 0;
}

static int emergency(struct route *out, struct gateway *gateway,
		     const char *account, const char *text)
{
	return out->use >= ROUTE_FOR_FORWARD
		       ? ROUTE_E_EMERGENCY
		       : to_emergency(out, gateway, account, text);
}

/*
 * A trunk's user who is a number in disguise would go round the rules for
 * numbers, and codes with * and # can turn a line's calls elsewhere.
 */
static bool is_disguised(const char *user)
{
	size_t digits = 0;

	if (strpbrk(user, "+*#"))
		return true;
	for (const char *p = user; *p; p++)
		digits += strchr(DIGITS, *p) != NULL;
	return digits >= E164_MIN && !user[strspn(user, DIGITS "-_.")];
}

/* "carrier", "pbx.example", "pbx.example:5080": where a SIP address is. */
static int parse_host(struct sip_uri *out, const char *place)
{
	char text[SIP_HOST_CAP + sizeof("sip:")];

	return text_format(text, sizeof(text), "sip:%s", place)
		       ? -EINVAL
		       : sip_uri_parse(out, slice_of(text));
}

/* "alice\40carrier": a SIP user of a trunk, as route_caller_local() wrote it.
 */
static int to_user(struct route *out, struct gateway *gateway,
		   const char *account, const char *local)
{
	char address[ROUTE_USER_CAP + SIP_HOST_CAP];
	const struct config_trunk *trunk;
	struct sip_uri uri;
	struct number mine;

	if (jid_unescape(address, sizeof(address), slice_of(local)))
		return ROUTE_E_NUMBER;
	char *at = strrchr(address, '@');
	if (!at)
		return ROUTE_E_NUMBER;
	*at = '\0';
	if (!*address || address[strspn(address, USER_CHARS)] != '\0' ||
	    parse_host(&uri, at + 1))
		return ROUTE_E_NUMBER;
	if (is_emergency(gateway, account, address))
		return emergency(out, gateway, account, address);
	trunk = trunk_host_find(gateway, account, &uri);
	if (is_disguised(address) &&
	    !(trunk && code_is_of(&trunk->short_codes, address)))
		return ROUTE_E_NUMBER;
	if (!trunk)
		return ROUTE_E_UNKNOWN;
	if (!number_of(&mine, gateway, account, trunk->name))
		return ROUTE_E_FORBIDDEN;
	out->dialled_plain = true;
	int r = set_parties(out, &mine, address);
	return r ? r : take_trunks(out, gateway, NULL, mine.trunk);
}

/* Digits without a country code: a short code of the account's trunk. */
static int to_code(struct route *out, struct gateway *gateway,
		   const char *account, const char *local)
{
	const struct config_trunk *trunk;
	struct number mine;

	if (!number_of(&mine, gateway, account, NULL))
		return ROUTE_E_COUNTRY;
	trunk = config_find_trunk(gateway->config, mine.trunk);
	if (!trunk || !code_is_of(&trunk->short_codes, local))
		return ROUTE_E_COUNTRY;
	out->dialled_plain = true;
	int r = set_parties(out, &mine, local);
	return r ? r : take_trunks(out, gateway, NULL, mine.trunk);
}

/* "12345;phone-context=…": a short code under which texts come. */
static int to_sender(struct route *out, struct gateway *gateway,
		     const char *account, const char *local)
{
	char code[ROUTE_USER_CAP];

	if (text_sender_user(code, sizeof(code), local))
		return ROUTE_E_NUMBER;
	if (is_emergency(gateway, account, code))
		return emergency(out, gateway, account, code);
	int r = to_code(out, gateway, account, code);
	return r == ROUTE_E_COUNTRY ? ROUTE_E_UNKNOWN : r;
}

static int to_number(struct route *out, struct gateway *gateway,
		     const char *account, const char *local)
{
	struct number mine, theirs;

	if (!number_of(&mine, gateway, account, NULL))
		return ROUTE_E_FORBIDDEN;
	int r = set_parties(out, &mine, local);
	if (r)
		return r;
	if (number_find(&theirs, gateway, local)) {
		/* one of ours: no way through a carrier */
		out->kind = ROUTE_ACCOUNT;
		out->owner = theirs.owners[0];
		return 0;
	}
	return take_trunks(out, gateway, route_now(gateway, local), mine.trunk);
}

/* ---- limits ---- */

static int outcome_of(enum limit limit)
{
	static const int outcomes[] = {
		[LIMIT_NONE] = 0,
		[LIMIT_CALLS] = ROUTE_E_BUSY,
		[LIMIT_RATE] = ROUTE_E_RATE,
		[LIMIT_DESTINATION] = ROUTE_E_DESTINATION,
		[LIMIT_MINUTES] = ROUTE_E_MINUTES,
	};

	return outcomes[limit];
}

static int to_echo(struct route *out, struct gateway *gateway,
		   const char *account)
{
	struct number mine;

	out->kind = ROUTE_ECHO;
	if (text_set(out->to, sizeof(out->to), ROUTE_ECHO_LOCAL))
		return ROUTE_E_NUMBER;
	if (number_of(&mine, gateway, account, NULL))
		return outcome_of(limits_check(gateway, QUOTA_ACCOUNT, account,
					       NULL, LIMITS_TRIES));
	return outcome_of(limits_echo(gateway, account));
}

/* Whether the account may; who owns no number has no account to limit. */
static int check_account(const struct route *route, struct gateway *gateway,
			 const char *account, const char *local)
{
	const struct account *added =
		gateway->accounts ? account_find(gateway->accounts, account)
				  : NULL;
	bool number = config_is_number(local);
	struct number mine, theirs;

	if (added && !added->enabled)
		return ROUTE_E_FORBIDDEN;
	if (!number_of(&mine, gateway, account, NULL))
		return number ? ROUTE_E_FORBIDDEN : 0;
	if (number && number_find(&theirs, gateway, local))
		number = false; /* costs nothing */
	return outcome_of(check_limits(route, gateway, QUOTA_ACCOUNT, account,
				       number ? local : NULL, LIMITS_TRIES));
}

int route_echo_to(struct gateway *gateway, const char *account)
{
	const struct route route = { .use = ROUTE_FOR_CALL };
	int r = check_account(&route, gateway, account, ROUTE_ECHO_LOCAL);

	return r ? r : outcome_of(limits_echo(gateway, account));
}

/*
 * "+15551234567\40tel.example.org", of our own domain: how a text gateway that
 * was told of us writes what it calls (gateway/service/service.h).
 */
static bool is_local_here(char out[static ROUTE_USER_CAP + SIP_HOST_CAP],
			  const struct gateway *gateway, const char *local)
{
	if (jid_unescape(out, ROUTE_USER_CAP + SIP_HOST_CAP, slice_of(local)))
		return false;
	char *at = strrchr(out, '@');
	if (!at || strcasecmp(at + 1, gateway->config->xmpp.domain) != 0)
		return false;
	*at = '\0';
	return true;
}

/* @out is empty, but for what the call is. */
static int from_account(struct route *out, struct gateway *gateway,
			const char *account, const char *local)
{
	char corrected[PHONE_CAP], here[ROUTE_USER_CAP + SIP_HOST_CAP];
	int r;

	out->account = account;
	if (is_local_here(here, gateway, local))
		local = here;
	local = code_cut_withhold(local, &out->withhold);
	if (is_emergency(gateway, account, local))
		return emergency(out, gateway, account, local);
	if (!strcmp(local, ROUTE_ECHO_LOCAL))
		return out->use >= ROUTE_FOR_FORWARD
			       ? ROUTE_E_NUMBER
			       : to_echo(out, gateway, account);
	r = check_account(out, gateway, account, local);
	if (r)
		return r;
	out->withhold |= quotas_withhold(gateway, account) ||
			 *setting_get(gateway->settings, SETTING_ACCOUNT,
				      account, SETTING_WITHHOLD);
	if (config_is_number(local))
		return to_number(out, gateway, account, local);
	if (*local && !local[strspn(local, DIGITS "*#")])
		return to_code(out, gateway, account, local);
	if (text_sender_of(local) == TEXT_SENDER_CODE)
		return to_sender(out, gateway, account, local);
	/* "555 123-4567" is a number, but not its address */
	r = number_parse_local(corrected, gateway, account, local);
	if (r <= 0)
		return r ? r : ROUTE_E_COUNTRY;
	return to_user(out, gateway, account, local);
}

int route_from_account(struct route *out, struct gateway *gateway,
		       const char *account, const char *local)
{
	*out = (struct route){ .use = ROUTE_FOR_CALL };
	return from_account(out, gateway, account, local);
}

int route_transfer(struct route *out, struct gateway *gateway,
		   const char *account, const char *local)
{
	*out = (struct route){ .use = ROUTE_FOR_TRANSFER };
	return from_account(out, gateway, account, local);
}

int route_forward(struct route *out, struct gateway *gateway,
		  const char *account, const char *local)
{
	*out = (struct route){ .use = ROUTE_FOR_FORWARD };
	return from_account(out, gateway, account, local);
}

int route_can_forward(struct gateway *gateway, const char *account,
		      const char *local)
{
	struct route route = { .use = ROUTE_FOR_LATER };

	return from_account(&route, gateway, account, local);
}
