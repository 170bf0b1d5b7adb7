/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Dialogs over TCP, and what connections may cost. */
#include "tests/unit/sip/fixture.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_call_comes_in_over_tcp(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	call_in_up(f);
	hang_up(f, 0, 16, NULL);
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void a_call_goes_out_over_tcp(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/TCP"));
	assert_true(sip_peer_header_has(&f->peer, "Contact", "transport=tcp"));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
}

/* nta forgets an INVITE over TCP that it was asked to cancel. */
static void cancel_over_tcp_gets_its_487(void **state)
{
	struct fixture *f = *state;
	char invite[SIP_PEER_TEXT_CAP];

	add_trunk(f, "", "", "");
	call_out(f);
	memcpy(invite, f->peer.last, sizeof(invite));
	sip_peer_respond(&f->peer, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	hang_up(f, 487, 0, NULL);
	sip_peer_expect(&f->peer, "CANCEL ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	sip_peer_respond_to(&f->peer, invite, "487 Request Terminated", "",
			    NULL);
	sip_peer_expect(&f->peer, "ACK ");
}

static void a_connection_may_go_at_any_time(void **state)
{
	static const char part[] = "INVITE sip:1@x SIP/2.0\r\nVia: ";
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	call_in(f);
	close(f->peer.conn);
	f->peer.conn = -1;
	run_ms(f, 50);
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	run_ms(f, 50);
	hang_up(f, 486, 17, NULL);
	run_ms(f, 50);
	f->dialog = sip_dialog_free(f->dialog);
	/* And one that goes in the middle of a message. */
	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, part, sizeof(part) - 1);
	run_ms(f, 30);
	close(f->peer.conn);
	f->peer.conn = -1;
	run_ms(f, 30);
	sip_peer_connect(&f->peer);
	call_in(f);
}

static void a_strangers_connection_is_closed(void **state)
{
	struct fixture *f = *state;
	char octet;

	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	sip_peer_dialog(&f->peer, "sip:1@127.0.0.1");
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 403");
	run_ms(f, 50);
	assert_int_equal(recv(f->peer.conn, &octet, 1, MSG_DONTWAIT), 0);
}

/* sofia would answer each of these by itself. */
static void a_strangers_malformed_stream_gets_silence(void **state)
{
	static const char *const streams[] = {
		"INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n",
		"OPTIONS sip:1@x SIP/2.0\r\nCSeq: 1 BYE\r\nFrom: x\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
	};
	struct fixture *f = *state;
	char octet;

	f->trust = SIP_STRANGER;
	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		sip_peer_connect(&f->peer);
		assert_true(send(f->peer.conn, streams[i], strlen(streams[i]),
				 MSG_NOSIGNAL) > 0);
		run_ms(f, 50);
		assert_int_equal(recv(f->peer.conn, &octet, 1, MSG_DONTWAIT),
				 0);
		sip_peer_hang_up(&f->peer);
	}
}

/* Carriers send a BYE from where they like. */
static void a_stranger_who_knows_the_call_is_heard_over_tcp(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	call_in_up(f);
	f->trust = SIP_STRANGER;
	sip_peer_connect(&f->peer);
	sip_peer_request(&f->peer, "BYE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "ended:0 ");
}

/* How many of @n new connections are still open after a moment. */
static unsigned connect_many(struct fixture *f, int *fds, unsigned n)
{
	unsigned held = 0;
	char octet;

	for (unsigned i = 0; i < n; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[i], &f->peer.target.sa,
					 addr_len(&f->peer.target)),
				 0);
	}
	run_ms(f, 100);
	for (unsigned i = 0; i < n; i++)
		held += recv(fds[i], &octet, 1, MSG_DONTWAIT) < 0 &&
			errno == EAGAIN;
	return held;
}

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

static void connections_of_one_address_are_limited(void **state)
{
	enum { TRIES = 20, EACH = 8 };
	struct fixture *f = *state;
	int fds[TRIES];

	assert_int_equal(connect_many(f, fds, TRIES), EACH);
	close_all(fds, TRIES);
	run_ms(f, 50);
	/* Their places are free again, and a call comes through. */
	sip_peer_connect(&f->peer);
	call_in_up(f);
}

static void running_out_of_descriptors_does_not_spin(void **state)
{
	enum { SPARE = 2 };
	struct fixture *f = *state;
	struct rlimit before, none;
	int fds[SPARE + 1], probe;
	unsigned turns = 0;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i <= SPARE; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
	probe = dup(0);
	close(probe);
	none = before;
	none.rlim_cur = (rlim_t)probe;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i <= SPARE; i++)
		assert_int_equal(connect(fds[i], &f->peer.target.sa,
					 addr_len(&f->peer.target)),
				 0);
	event_del(f->tick);
	struct timeval guard = { 0, 400000 };
	event_add(f->tick, &guard);
	for (uint64_t end = clock_ms() + 350; clock_ms() < end; turns++)
		turn(f);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(turns, 0, 50);
	close_all(fds, SPARE + 1);
}

#define TCP_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_tcp, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TCP_TEST(a_call_comes_in_over_tcp),
		TCP_TEST(a_call_goes_out_over_tcp),
		TCP_TEST(cancel_over_tcp_gets_its_487),
		TCP_TEST(a_connection_may_go_at_any_time),
		TCP_TEST(a_strangers_connection_is_closed),
		TCP_TEST(a_strangers_malformed_stream_gets_silence),
		TCP_TEST(a_stranger_who_knows_the_call_is_heard_over_tcp),
		TCP_TEST(connections_of_one_address_are_limited),
		TCP_TEST(running_out_of_descriptors_does_not_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
