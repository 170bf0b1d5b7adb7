/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/trunk_host.h"

#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "sip/uri.h"

/* What speaks for a trunk, the more the better: none outweighs what is above
 * it. */
enum {
	FITS_TRANSPORT = 1,
	FITS_PORT = 2,
	FITS_ACCOUNT = 4,
	FITS_NAME = 8,
};

static const enum sip_transport transports[] = {
	[CONFIG_UDP] = SIP_UDP, [CONFIG_TCP] = SIP_TCP, [CONFIG_TLS] = SIP_TLS
};

/* RFC 3261, 19.1.2 */
static uint16_t port_of(uint16_t port, enum sip_transport transport)
{
	return port ? port : sip_transport_port(transport);
}

static bool is_at_port(const struct config_uri *proxy,
		       const struct sip_uri *uri)
{
	return port_of(proxy->port, transports[proxy->transport]) ==
	       port_of(uri->port, uri->transport);
}

/* -1: it is another. */
static int fit_place(const struct config_trunk *trunk,
		     const struct sip_uri *uri)
{
	const struct config_uri *proxy = &trunk->proxy;
	bool port = is_at_port(proxy, uri);

	if (!uri->port && !strcasecmp(trunk->name, uri->host))
		return FITS_NAME;
	/* A domain in From says nothing of ports. */
	if (!strcasecmp(trunk->from_domain, uri->host))
		port = port || uri->port;
	else if (strcasecmp(proxy->host, uri->host) != 0 ||
		 (uri->port && !port))
		return -1;
	return (port ? FITS_PORT : 0) +
	       (transports[proxy->transport] == uri->transport ? FITS_TRANSPORT
							       : 0);
}

static int fit(const struct gateway *gateway, const char *account,
	       const struct config_trunk *trunk, const struct sip_uri *uri)
{
	int n = fit_place(trunk, uri);
	struct number mine;

	return n >= 0 && number_of(&mine, gateway, account, trunk->name)
		       ? n + FITS_ACCOUNT
		       : n;
}

const struct config_trunk *trunk_host_find(const struct gateway *gateway,
					   const char *account,
					   const struct sip_uri *uri)
{
	const struct config_trunk *best = NULL, *trunk;
	int most = -1;

	for (size_t i = 0; (trunk = config_trunk_at(gateway->config, i)); i++) {
		int n = fit(gateway, account, trunk, uri);

		if (n > most) {
			most = n;
			best = trunk;
		}
	}
	return best;
}
