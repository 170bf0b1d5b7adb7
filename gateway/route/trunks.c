/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/trunks.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/setting.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/text/texts.h"
#include "sip/policy.h"
#include "sip/trunk.h"

static void on_trunk(struct sip_trunk *trunk, enum sip_trunk_state state,
		     const char *why, void *arg)
{
	(void)why; /* sip/trunk.c has logged it */
	if (state == SIP_TRUNK_UP || state == SIP_TRUNK_DEGRADED)
		texts_trunk_up(arg, trunk);
}

static const struct sip_trunk_handlers trunk_handlers = {
	.changed = on_trunk,
};

/* ---- those that went ---- */

struct gone_trunk {
	struct sip_trunk *trunk;
	struct config_trunk *config; /* owned */
	uint64_t since_ms;
};

struct gone_trunks {
	struct gone_trunk v[TRUNKS_GONE_MAX];
	size_t n;
};

static void free_gone(struct gone_trunk *gone)
{
	sip_trunk_free(gone->trunk);
	config_trunk_free(gone->config);
}

bool trunks_can_change(const struct gateway *gateway)
{
	return gateway->gone->n < TRUNKS_GONE_MAX;
}

/* Legs, and lists of trunks that calls try one after the other, borrow; so do
 * requests that are under way. A call that began a moment later may be a leg of
 * before that has come again (leg_sip_retry.c). */
static bool is_borrowed(const struct gateway *gateway, uint64_t since_ms)
{
	const struct call *call;

	LIST_FOREACH(call, &gateway->calls, link) {
		if (call->begun_ms < (int64_t)(since_ms + TRUNKS_GONE_MS))
			return true;
	}
	return false;
}

void trunks_sweep(struct gateway *gateway)
{
	struct gone_trunks *gone = gateway->gone;
	uint64_t now = clock_ms();

	if (!LIST_EMPTY(&gateway->cancelled))
		return;
	for (size_t i = gone->n; i-- > 0;) {
		if (now - gone->v[i].since_ms < TRUNKS_GONE_MS ||
		    is_borrowed(gateway, gone->v[i].since_ms))
			continue;
		free_gone(&gone->v[i]);
		gone->v[i] = gone->v[--gone->n];
	}
}

/* One binding of the registrar's: it is not to go with the first of them. */
static bool is_same_registration(const struct config_trunk *a,
				 const struct config_trunk *b)
{
	return a->registers && b->registers &&
	       !strcmp(a->username, b->username) &&
	       !strcasecmp(a->proxy.host, b->proxy.host) &&
	       a->proxy.port == b->proxy.port;
}

static struct sip_trunk *take_out(struct gateway *gateway, const char *name)
{
	struct sip_trunk **v = gateway->trunks, *trunk;
	size_t i = 0;

	while (strcmp(sip_trunk_name(v[i]), name) != 0)
		i++;
	trunk = v[i];
	gateway->ntrunks--;
	memmove(&v[i], &v[i + 1], (gateway->ntrunks - i) * sizeof(*v));
	return trunk;
}

/* One that could not be opened at the start is in no list. */
void trunks_close(struct gateway *gateway, struct config_trunk *config,
		  const struct config_trunk *by)
{
	struct gone_trunks *gone = gateway->gone;
	bool open = trunks_find(gateway, config->name) !=
		    (by ? gateway->trunks[gateway->ntrunks - 1] : NULL);
	struct sip_trunk *trunk = open ? take_out(gateway, config->name) : NULL;

	assert(gone->n < TRUNKS_GONE_MAX);
	if (trunk)
		sip_trunk_retire(trunk,
				 !by || !is_same_registration(config, by));
	gone->v[gone->n++] = (struct gone_trunk){ trunk, config, clock_ms() };
	log_info("trunk=%s event=%s", config->name, by ? "changed" : "removed");
}

/* ---- those that are there ---- */

static int format_proxy(char *out, size_t cap, const struct config_uri *uri)
{
	static const char *const transports[] = {
		[CONFIG_UDP] = ";transport=udp",
		[CONFIG_TCP] = ";transport=tcp",
		[CONFIG_TLS] = ";transport=tls",
	};
	bool v6 = strchr(uri->host, ':') != NULL;
	char port[sizeof(":65535")] = "";

	if (uri->port && text_format(port, sizeof(port), ":%u", uri->port))
		return -EMSGSIZE;
	return text_format(out, cap, "sip:%s%s%s%s%s", v6 ? "[" : "", uri->host,
			   v6 ? "]" : "", port,
			   uri->transport_is_set ? transports[uri->transport]
						 : "");
}

static const enum sip_identity_mode identities[] = {
	[CONFIG_IDENTITY_PAI] = SIP_IDENTITY_PAI,
	[CONFIG_IDENTITY_RPID] = SIP_IDENTITY_RPID,
	[CONFIG_IDENTITY_FROM] = SIP_IDENTITY_FROM,
};

int trunks_describe(struct sip_trunk_config *out,
		    char proxy[static TRUNKS_PROXY_CAP],
		    const struct config_trunk *from)
{
	*out = (struct sip_trunk_config){
		.name = from->name,
		.proxy = proxy,
		.username = from->username,
		.password = from->password,
		.realm = from->realm,
		.from_domain = from->from_domain,
		.contact_user = from->contact_user,
		.identity = identities[from->identity],
		.headers = (const char *const *)from->headers.v,
		.nheaders = from->headers.n,
		.do_register = from->registers,
		.expires_s = from->expires_s,
		.qualify_s = from->qualify_s,
		.allow = from->allow,
		.nallow = from->nallow,
	};
	return format_proxy(proxy, TRUNKS_PROXY_CAP, &from->proxy);
}

int trunks_open(struct gateway *gateway, const struct config_trunk *from)
{
	struct sip_trunk **grown = reallocarray(
		gateway->trunks, gateway->ntrunks + 1, sizeof(*grown));
	char proxy[TRUNKS_PROXY_CAP];
	struct sip_trunk_config trunk;

	if (!grown)
		return -ENOMEM;
	gateway->trunks = grown;
	int r = trunks_describe(&trunk, proxy, from);
	if (!r)
		r = sip_trunk_new(&gateway->trunks[gateway->ntrunks],
				  gateway->agent, &trunk, &trunk_handlers,
				  gateway);
	gateway->ntrunks += !r;
	return r;
}

void trunks_open_undo(struct gateway *gateway)
{
	sip_trunk_free(gateway->trunks[--gateway->ntrunks]);
}

/* Numbers that commands gave to a trunk which is not there any more. */
struct stranded {
	const struct config *config;
	const struct account_number *first;
	size_t n;
};

static void on_number(const struct account_number *number, void *arg)
{
	struct stranded *stranded = arg;

	if (config_find_trunk(stranded->config, number->trunk))
		return;
	if (!stranded->n++)
		stranded->first = number;
}

static void tell_stranded(const struct gateway *gateway)
{
	struct stranded stranded = { .config = gateway->config };

	account_each_number(gateway->accounts, NULL, on_number, &stranded);
	if (stranded.n)
		log_warn("numbers=%zu first=%s trunk=%s missing: they call by "
			 "routes alone; the command number-assign gives them "
			 "another",
			 stranded.n, stranded.first->number,
			 stranded.first->trunk);
}

int trunks_new(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	const struct config_trunk *trunk;

	gateway->gone = calloc(1, sizeof(*gateway->gone));
	if (!gateway->gone)
		return -ENOMEM;
	for (size_t i = 0; (trunk = config_trunk_at(config, i)); i++) {
		int r = trunks_open(gateway, trunk);

		if (r)
			log_error("trunk=%s not-opened r=%d (%s)", trunk->name,
				  r, strerror(-r));
		if (r && i < config->ntrunks)
			return r;
	}
	tell_stranded(gateway);
	return 0;
}

void trunks_free(struct gateway *gateway)
{
	while (gateway->ntrunks)
		sip_trunk_free(gateway->trunks[--gateway->ntrunks]);
	free(gateway->trunks);
	gateway->trunks = NULL;
	while (gateway->gone && gateway->gone->n)
		free_gone(&gateway->gone->v[--gateway->gone->n]);
	free(gateway->gone);
	gateway->gone = NULL;
}

void trunks_leave(struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->ntrunks; i++)
		sip_trunk_leave(gateway->trunks[i]);
}

void trunks_policy(struct sip_policy *out, const struct config_trunk *trunk)
{
	*out = (struct sip_policy){ .prack = false };
	if (trunk)
		*out = (struct sip_policy){
			.prack = trunk->prack,
			.refer = trunk->refer,
			.follow = trunk->redirect,
			.refuse_notify = !trunk->unsolicited_notify,
			.session_expires_s = trunk->session_expires_s,
		};
}

struct sip_trunk *trunks_find(const struct gateway *gateway, const char *name)
{
	for (size_t i = 0; i < gateway->ntrunks; i++) {
		if (!strcmp(sip_trunk_name(gateway->trunks[i]), name))
			return gateway->trunks[i];
	}
	return NULL;
}

#define DRAINED "drained"

bool trunks_is_drained(const struct gateway *gateway, const char *name)
{
	return *setting_get(gateway->settings, SETTING_TRUNK, name, DRAINED);
}

int trunks_drain(struct gateway *gateway, const char *name, bool drain)
{
	return setting_put(gateway->settings,
			   &(struct setting){ .kind = SETTING_TRUNK,
					      .subject = name,
					      .name = DRAINED,
					      .value = drain ? "yes" : "" });
}
