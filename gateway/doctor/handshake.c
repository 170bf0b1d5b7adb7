/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/doctor/handshake.h"

#include <assert.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sip/tls_context.h"

enum { WAIT_S = 3 };
static_assert((int)HANDSHAKE_WHY_CAP == (int)SIP_TLS_WHY_CAP, "same text");

DEFINE_AUTO(SSL *, SSL_free)
DEFINE_AUTO(struct sip_tls_context *, sip_tls_context_free)

/* The descriptor, or -errno. */
static int dial(const struct addr *at)
{
	const struct timeval most = { WAIT_S, 0 };
	int fd = socket(at->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	if (connect(fd, &at->sa, addr_len(at))) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int shake(SSL *ssl, char why[static HANDSHAKE_WHY_CAP], const char *name)
{
	if (SSL_connect(ssl) != 1) {
		sip_tls_why(ssl, why);
		return *why ? -EACCES : -EPROTO;
	}
	if (sip_tls_is_for(ssl, name))
		return 0;
	snprintf(why, HANDSHAKE_WHY_CAP, "the certificate is not for %s", name);
	return -EACCES;
}

int handshake_try(char why[static HANDSHAKE_WHY_CAP],
		  const struct sip_tls_files *files, const struct addr *at,
		  const char *name)
{
	AUTO(sip_tls_context_freep) struct sip_tls_context *ctx = NULL;
	int r = sip_tls_context_new(&ctx, files);
	int fd = r ? r : dial(at);

	why[0] = '\0';
	if (fd >= 0) {
		AUTO(SSL_freep) SSL *ssl = sip_tls_context_connect(ctx, name);

		r = ssl && SSL_set_fd(ssl, fd) ? shake(ssl, why, name)
					       : -ENOMEM;
		close(fd);
	} else {
		r = fd;
	}
	if (r && !*why)
		snprintf(why, HANDSHAKE_WHY_CAP, "%s", strerror(-r));
	return r;
}
