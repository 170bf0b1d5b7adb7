/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The fixture, over TLS with a peer that has OpenSSL of its own. Include it in
 * one .c.
 */
#pragma once

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sip/tls.h"
#include "tests/unit/sip/connection_fixture.h"

/* Certificates in a directory of the run's own. */
static char dir[] = "/tmp/test_tls.XXXXXX";
static char good[64];

/* By itself, or by @issuer, whose own follows it in the file. */
static void make_certificate(char path[64], const char *name, const char *san,
			     const char *issuer)
{
	char command[1024], by[160] = "", chain[80] = "";

	snprintf(path, 64, "%s/%s.pem", dir, name);
	if (issuer) {
		snprintf(by, sizeof(by), "-CA %s.crt -CAkey %s", issuer,
			 issuer);
		snprintf(chain, sizeof(chain), "%s.crt", issuer);
	}
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s -addext "
		 "subjectAltName=%s %s -keyout %s -out %s.crt 2>/dev/null && "
		 "cat %s.crt %s >>%s",
		 name, san, by, path, path, path, chain, path);
	assert_int_equal(system(command), 0);
}

static int make_good(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	make_certificate(good, "good", "IP:127.0.0.1,DNS:localhost", NULL);
	return 0;
}

static int remove_certificates(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static struct sip_tls_files files;
static const char *peer_pem;

static void open_tls(struct sip_peer *peer)
{
	sip_peer_open_tls(peer, peer_pem);
}

static int set_up_tls(void **state, const char *pem, const char *trusted)
{
	peer_pem = pem;
	files = (struct sip_tls_files){ .certificate = good,
					.private_key = "",
					.trusted = trusted };
	fixture_tls = &files;
	return set_up_with(state, open_tls);
}

static int set_up_good(void **state)
{
	return set_up_tls(state, good, good);
}
