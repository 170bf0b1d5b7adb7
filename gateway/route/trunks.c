/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/trunks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/setting.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
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

static int open_trunk(struct gateway *gateway, const struct config_trunk *from)
{
	char proxy[TRUNKS_PROXY_CAP];
	struct sip_trunk_config trunk;
	int r = trunks_describe(&trunk, proxy, from);

	return r ? r
		 : sip_trunk_new(&gateway->trunks[gateway->ntrunks],
				 gateway->agent, &trunk, &trunk_handlers,
				 gateway);
}

int trunks_new(struct gateway *gateway)
{
	const struct config *config = gateway->config;

	if (!config->ntrunks)
		return 0;
	gateway->trunks = calloc(config->ntrunks, sizeof(*gateway->trunks));
	if (!gateway->trunks)
		return -ENOMEM;
	for (; gateway->ntrunks < config->ntrunks; gateway->ntrunks++) {
		const struct config_trunk *trunk =
			&config->trunks[gateway->ntrunks];
		int r = open_trunk(gateway, trunk);
		if (r) {
			log_error("trunk=%s not-opened r=%d (%s)", trunk->name,
				  r, strerror(-r));
			return r;
		}
	}
	return 0;
}

void trunks_free(struct gateway *gateway)
{
	while (gateway->ntrunks)
		sip_trunk_free(gateway->trunks[--gateway->ntrunks]);
	free(gateway->trunks);
	gateway->trunks = NULL;
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
