/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Connections over TCP that peers and strangers open. */
#include "sip/connection.h"

#include <unistd.h>

#include "tests/unit/sip/connection_fixture.h"

enum { SOON_MS = SIP_CONNECTION_MESSAGE_MS / 2 };

/* Each piece comes in time, but the message does not. */
static void a_trickle_does_not_hold_it_open(void **state)
{
	struct fixture *f = *state;
	uint64_t end = clock_ms() + SIP_CONNECTION_MESSAGE_MS * 2;
	char octets[64];
	int held, r = 0;

	/* Nor a stranger's half of one, which is held outside. */
	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, nobodys_options, strlen(nobodys_options) / 2);
	run_ms(f, 50);
	held = dup(f->peer.conn);
	f->trust = SIP_TRUSTED;
	sip_peer_connect(&f->peer);
	for (size_t i = 0; !r && clock_ms() < end; i++) {
		if (i < strlen(nobodys_options) - 20)
			sip_peer_send(&f->peer, nobodys_options + i, 1);
		run_ms(f, 200);
		r = sip_peer_read(&f->peer, octets, sizeof(octets));
	}
	assert_int_equal(r, -1);
	assert_int_equal(recv(held, octets, sizeof(octets), MSG_DONTWAIT), 0);
	close(held);
}

static void pieces_that_come_in_time_make_a_message(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	send_in_pieces(f, nobodys_options);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

static void a_ping_is_answered(void **state)
{
	ping(*state);
}

/* Keepalives say nothing of who sends them: what follows is looked at, and a
 * request of nobody's ends the connection. sofia reads more than eight octets
 * as it reads a message. */
static void pings_open_no_door(void **state)
{
	static const char pings[] = "\r\n\r\n\r\n\r\n\r\n\r\n";
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, pings, strlen(pings));
	run_ms(f, 100);
	sip_peer_send(&f->peer, nobodys_options, strlen(nobodys_options));
	assert_true(is_closed_within(&f->peer, SOON_MS, ""));
}

/* What passed once opens no door for what comes after it. */
static void each_message_of_a_stranger_is_looked_at(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	call_in_up(f);
	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_send(&f->peer, nobodys_options, strlen(nobodys_options));
	sip_peer_expect(&f->peer, "SIP/2.0 403");
	assert_true(is_closed_within(&f->peer, SOON_MS, ""));
	f->trust = SIP_TRUSTED;
	sip_peer_connect(&f->peer);
	hang_up(f, 0, 16, NULL);
}

/* In one segment with one that may pass. */
static void what_follows_at_once_is_looked_at_too(void **state)
{
	struct fixture *f = *state;
	char both[4096];

	sip_peer_connect(&f->peer);
	call_in_up(f);
	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	snprintf(both, sizeof(both),
		 "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKq;rport\r\n"
		 "From: <sip:a@b>;tag=%s\r\nTo: <sip:x@127.0.0.1>;tag=%s\r\n"
		 "Call-ID: %s\r\nCSeq: 90 OPTIONS\r\n"
		 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n%s",
		 f->peer.local_tag, f->peer.remote_tag, f->peer.call_id,
		 nobodys_options);
	sip_peer_send(&f->peer, both, strlen(both));
	sip_peer_expect(&f->peer, "SIP/2.0 ");
	/* Which of the answers leaves first is not said. */
	if (!strstr(f->peer.last, "SIP/2.0 403"))
		sip_peer_expect(&f->peer, "SIP/2.0 403");
	assert_true(is_closed_within(&f->peer, SOON_MS, ""));
	f->trust = SIP_TRUSTED;
	sip_peer_connect(&f->peer);
	hang_up(f, 0, 16, NULL);
}

/* A response, a live Call-ID without our tag: each ends the connection. */
static void who_does_not_know_our_tag_is_a_stranger(void **state)
{
	static const char *const starts[] = {
		"SIP/2.0 200 OK\r\n",
		"BYE sip:x@127.0.0.1 SIP/2.0\r\n",
	};
	struct fixture *f = *state;
	char octets[1024], id[64];

	sip_peer_connect(&f->peer);
	call_in_up(f);
	snprintf(id, sizeof(id), "%s", f->peer.call_id);
	f->trust = SIP_STRANGER;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		sip_peer_connect(&f->peer);
		snprintf(octets, sizeof(octets),
			 "%sVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKr%zu\r\n"
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:x@y>;tag=2\r\n"
			 "Call-ID: %s\r\nCSeq: 90 BYE\r\n"
			 "Content-Length: 0\r\n\r\n",
			 starts[i], i, id);
		sip_peer_send(&f->peer, octets, strlen(octets));
		assert_true(is_closed_within(&f->peer, SOON_MS, ""));
	}
	f->trust = SIP_TRUSTED;
	sip_peer_connect(&f->peer);
	hang_up(f, 0, 16, NULL);
}

/* Its pieces wait outside until they are a message, and cost nothing. */
static void a_strangers_message_may_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	char octets[1024];

	sip_peer_connect(&f->peer);
	call_in_up(f);
	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	snprintf(octets, sizeof(octets),
		 "BYE sip:x@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKq;rport\r\n"
		 "From: <sip:a@b>;tag=%s\r\nTo: <sip:x@127.0.0.1>;tag=%s\r\n"
		 "Call-ID: %s\r\nCSeq: %u BYE\r\n"
		 "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		 f->peer.local_tag, f->peer.remote_tag, f->peer.call_id,
		 f->peer.cseq + 1);
	send_in_pieces(f, octets);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "ended:0 ");
}

/* Half a message, and the end of the stream: nobody waits for the rest. */
static void a_strangers_stream_that_ends_is_closed(void **state)
{
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, nobodys_options, 40);
	run_ms(f, 50);
	assert_int_equal(shutdown(f->peer.conn, SHUT_WR), 0);
	assert_true(is_closed_within(&f->peer, SOON_MS, ""));
}

/* Who connects before the name of its trunk was looked up is heard once it was.
 */
static void a_connection_may_become_a_trunks(void **state)
{
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	run_ms(f, 50);
	f->trust = SIP_TRUSTED;
	sip_peer_send(&f->peer, nobodys_options, strlen(nobodys_options));
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

#define CONNECTION_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_tcp, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONNECTION_TEST(a_trickle_does_not_hold_it_open),
		CONNECTION_TEST(pieces_that_come_in_time_make_a_message),
		CONNECTION_TEST(a_ping_is_answered),
		CONNECTION_TEST(pings_open_no_door),
		CONNECTION_TEST(a_connection_may_become_a_trunks),
		CONNECTION_TEST(each_message_of_a_stranger_is_looked_at),
		CONNECTION_TEST(what_follows_at_once_is_looked_at_too),
		CONNECTION_TEST(who_does_not_know_our_tag_is_a_stranger),
		CONNECTION_TEST(a_strangers_message_may_come_in_pieces),
		CONNECTION_TEST(a_strangers_stream_that_ends_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
