/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * TLS towards the billing system: its certificate comes from the system's store
 * and names the host (RFC 9525).
 */
#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "gateway/base/addr.h"
#include "gateway/bill/wire_int.h"

int wire_tls_init(struct wire *wire)
{
	wire->tls = SSL_CTX_new(TLS_client_method());
	if (!wire->tls)
		return -ENOMEM;
	SSL_CTX_set_verify(wire->tls, SSL_VERIFY_PEER, NULL);
	return SSL_CTX_set_min_proto_version(wire->tls, TLS1_2_VERSION) &&
			       SSL_CTX_set_default_verify_paths(wire->tls)
		       ? 0
		       : -EIO;
}

void wire_tls_fini(struct wire *wire)
{
	SSL_CTX_free(wire->tls);
	wire->tls = NULL;
}

static bool name_host(SSL *ssl, const char *host)
{
	struct addr addr;

	if (!addr_parse(&addr, slice_of(host), 0))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	return SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
}

struct bufferevent *wire_tls_new(struct wire *wire)
{
	SSL *ssl = SSL_new(wire->tls);
	struct bufferevent *bev = NULL;

	if (ssl && name_host(ssl, wire->host))
		bev = bufferevent_openssl_socket_new(
			wire->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
			BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!bev)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}
