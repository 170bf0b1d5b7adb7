/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Connections over TLS: what they carry, who breaks them off. */
#include "tests/unit/sip/tls_fixture.h"

static void a_ping_is_answered(void **state)
{
	ping(*state);
}

static void pieces_make_a_message(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	send_in_pieces(f, nobodys_options);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

static void garbage_closes_it(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);

	static const char text[] = "X\r\nContent-Length: -1\r\n\r\n";

	sip_peer_send(&f->peer, text, strlen(text));
	assert_true(is_closed_within(&f->peer, 1000, ""));
}

static void a_trickle_does_not_hold_it_open(void **state)
{
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, "OPTIONS ", 8);
	assert_true(is_closed_within(&f->peer, SIP_TLS_MESSAGE_MS + 1500, "x"));
}

/* ---- abuse ---- */

static unsigned count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static unsigned resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long size, pages = 0;

	assert_int_equal(fscanf(file, "%lu %lu", &size, &pages), 2);
	fclose(file);
	return (unsigned)(pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

/* Connected, and gone: at once, or in the midst of the ClientHello. */
static void abort_handshakes(struct fixture *f, unsigned n)
{
	static const unsigned char hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00,
					       0x01, 0x00, 0x01, 0xfc };

	for (unsigned i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(connect(fd, &f->peer.target.sa,
					 addr_len(&f->peer.target)),
				 0);
		if (i % 2)
			send(fd, hello, sizeof(hello), MSG_NOSIGNAL);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		close(fd);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		sip_agent_pump(f->agent);
	}
	run_ms(f, 100);
}

static void aborted_handshakes_cost_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned descriptors, kib;
	uint64_t began;

	abort_handshakes(f, 500);
	descriptors = count_descriptors();
	kib = resident_kib();
	began = clock_ms();
	abort_handshakes(f, 10000);
	assert_in_range(clock_ms() - began, 0, 30000);
	assert_int_equal(count_descriptors(), descriptors);
	/* The sanitizer keeps what was freed. */
#ifndef __SANITIZE_ADDRESS__
	assert_in_range(resident_kib(), 0, kib + 1024);
#else
	(void)kib;
#endif
	/* And it still serves. */
	sip_peer_connect(&f->peer);
	sip_peer_dialog(&f->peer, "sip:x@127.0.0.1");
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

static void strangers_are_soon_refused(void **state)
{
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	abort_handshakes(f, 200);
	/* The one of this second has been: no handshake for this one. */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char octet;

	assert_int_equal(
		connect(fd, &f->peer.target.sa, addr_len(&f->peer.target)), 0);
	run_ms(f, 50);
	assert_int_equal(recv(fd, &octet, 1, MSG_DONTWAIT), 0);
	close(fd);
}

static void silence_is_no_handshake(void **state)
{
	struct fixture *f = *state;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd closed = { .fd = fd, .events = POLLIN };

	assert_int_equal(
		connect(fd, &f->peer.target.sa, addr_len(&f->peer.target)), 0);
	run_ms(f, SIP_TLS_HANDSHAKE_MS - 1000);
	assert_int_equal(poll(&closed, 1, 0), 0);
	run_ms(f, 1500);
	assert_int_equal(poll(&closed, 1, 0), 1);
	close(fd);
}

#define CONN_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_good, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONN_TEST(a_ping_is_answered),
		CONN_TEST(pieces_make_a_message),
		CONN_TEST(garbage_closes_it),
		CONN_TEST(a_trickle_does_not_hold_it_open),
		CONN_TEST(aborted_handshakes_cost_nothing),
		CONN_TEST(strangers_are_soon_refused),
		CONN_TEST(silence_is_no_handshake),
	};

	return cmocka_run_group_tests(tests, make_good, remove_certificates);
}
