/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SIP over TLS. sofia's own listener leaks 46 KB for each handshake that is not
 * finished, knows neither SNI nor chains; so TLS ends here, with OpenSSL on our
 * loop, and sofia gets the clear stream by a TCP connection on loopback:
 *
 *     peer --- TLS --- outer [sip/tls_conn.c] inner --- TCP, loopback --- sofia
 *
 * Only whole messages pass, and the topmost Via says TCP inside and TLS
 * outside. sofia calls accept() and connect(), which sip/fence.h has: there it
 * is given the inner connection, and told the address of the real peer, so Via,
 * received, and who may speak come out right.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "sip/agent.h"

struct sip_tls;

enum {
	SIP_TLS_HANDSHAKE_MS = 5 * 1000, /* TCP's included */
	SIP_TLS_MESSAGE_MS = 10 * 1000,  /* from its first octet to its last */
	SIP_TLS_IDLE_MS = 900 * 1000,
	SIP_TLS_STRANGER_MS = 10 * 1000, /* what strangers may be idle */
	SIP_TLS_NAMES_MAX = 64,
};

/* Needs agent->nta. 0, -EINVAL (certificates; logged), or -errno. */
CHECKED int sip_tls_new(struct sip_agent *agent,
			const struct sip_tls_files *files);
void sip_tls_free(struct sip_agent *agent);

/* Listen at @addr, whose port 0 becomes the one it got. */
CHECKED int sip_tls_listen(struct sip_agent *agent, struct addr *addr);

/*
 * What sofia knows the inner side by where requests to @peer go, to who can
 * prove to be @name, so that a connection may be opened; NULL: by one that is
 * there. NULL: there is none, or no room for one more name at that address.
 */
const char *sip_tls_way(struct sip_agent *agent, const struct addr *peer,
			const char *name);
/* Whether @ident is one of these. */
bool sip_tls_is_ident(const char *ident);

/* Whether a way to @peer has been asked for with a name. */
bool sip_tls_is_expected(const struct sip_agent *agent,
			 const struct addr *peer);

/* Whether a stream of sofia's with these ends is an inner one. */
bool sip_tls_is_inside(const struct sip_agent *agent, const struct addr *local,
		       const struct addr *remote);

/* ---- for sip/fence.c ---- */

/* Whether sofia's @listener is an inner one; then *@peer, an inner end, becomes
 * the real peer, or false in *@known. */
bool sip_tls_accepted(struct sip_agent *agent, int listener, struct addr *peer,
		      bool *known);
/* Whether sofia's @fd, which is to be connected with @peer, is for TLS: then
 * *@r is what connect() returns, with errno. */
bool sip_tls_connecting(struct sip_agent *agent, int fd,
			const struct addr *peer, int *r);
