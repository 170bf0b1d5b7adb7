/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The fixture, with the peer's connection as octets. Include it in one .c. */
#pragma once

#include "tests/unit/sip/fixture.h"

/* A request that is nobody's we know. */
static const char nobodys_options[] =
	"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\n"
	"Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKp;rport\r\n"
	"From: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\n"
	"Call-ID: pieces\r\nCSeq: 1 OPTIONS\r\n"
	"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

/* Octet by octet. */
static void send_in_pieces(struct fixture *f, const char *octets)
{
	for (size_t i = 0; i < strlen(octets); i++) {
		sip_peer_send(&f->peer, octets + i, 1);
		turn(f);
	}
}

/* Whether the agent has closed the connection, within @ms; each time it is
 * looked at @drop is sent. */
static bool is_closed_within(struct sip_peer *peer, unsigned ms,
			     const char *drop)
{
	uint64_t end = clock_ms() + ms;
	char octets[1024];

	while (clock_ms() < end) {
		if (sip_peer_read(peer, octets, sizeof(octets)) < 0)
			return true;
		if (*drop)
			sip_peer_send(peer, drop, strlen(drop));
		run_ms(fx, 100);
	}
	return false;
}
