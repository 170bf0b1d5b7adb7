/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Certificates for SIP over TLS (RFC 3261, 26.2; RFC 5922): TLS 1.2 and 1.3.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "sip/agent.h"

struct sip_tls_context;
struct ssl_st;

enum { SIP_TLS_WHY_CAP = 160 };

/* Reads the files; what is wrong with them is logged. *@out is owned by the
 * caller. 0, -EINVAL, -ENOMEM. */
CHECKED int sip_tls_context_new(struct sip_tls_context **out,
				const struct sip_tls_files *files);
/* NULL is fine; returns NULL. */
struct sip_tls_context *sip_tls_context_free(struct sip_tls_context *ctx);

/* Read the certificate anew when its file or the key's has changed; if that one
 * is bad the old one stays. */
void sip_tls_context_refresh(struct sip_tls_context *ctx);

/* One end of a connection, the caller's: SSL_free(). NULL: out of memory. The
 * client asks for @name, if that is no address. */
struct ssl_st *sip_tls_context_accept(struct sip_tls_context *ctx);
struct ssl_st *sip_tls_context_connect(struct sip_tls_context *ctx,
				       const char *name);

/*
 * Whether the peer's certificate is for @name (RFC 5922, 7.2): a dNSName or IP
 * address of its subjectAltName, a sip: URI, or the CN if there is none of
 * these. Wildcards count, as large carriers have them.
 */
bool sip_tls_is_for(struct ssl_st *ssl, const char *name);

/* Why a handshake failed, as text. */
void sip_tls_why(struct ssl_st *ssl, char out[static SIP_TLS_WHY_CAP]);
