/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is longer than 1,300 octets goes by TCP, where the peer has that; else
 * as a datagram (RFC 3261, 18.1.1), but never in fragments. */
#include <sys/socket.h>
#include <unistd.h>

#include "sip/datagram.h"
#include "sip/trunk_life.h"
#include "tests/unit/sip/fixture.h"

/* Octets of a header: with it an INVITE has more than 1,300, and more than a
 * packet holds. */
enum { LARGE = 700, TOO_LARGE = 1500 };

static struct sip_peer tcp;

/* UDP and TCP at one port. */
static void open_both(struct sip_peer *peer)
{
	sip_peer_open_tcp(&tcp);
	sip_peer_open(peer);
	close(peer->fd);
	peer->fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->fd, &tcp.at.sa, addr_len(&tcp.at)), 0);
	peer->at = tcp.at;
}

static int set_up_both(void **state)
{
	struct sip_listen listens[] = { { .transport = SIP_UDP },
					{ .transport = SIP_TCP } };
	struct sip_agent_config config = {
		.listens = listens,
		.nlistens = 2,
		.max_half_open = 400,
		.max_half_open_each = 400,
		.max_requests_each = 500,
	};
	struct fixture *f;
	struct addr at;

	set_up_with(state, open_both);
	f = *state;
	at = sip_agent_bound(f->agent, 0);
	f->agent = sip_agent_free(f->agent);
	listens[0].addr = listens[1].addr = at;
	assert_int_equal(sip_agent_new(&f->agent, &config, f->base,
				       &agent_handlers, NULL),
			 0);
	tcp.turn = turn;
	tcp.arg = f;
	return 0;
}

static int tear_down_both(void **state)
{
	tear_down(state);
	if (tcp.fd >= 0)
		sip_peer_close(&tcp);
	return 0;
}

/* By a trunk that wants a header of so many octets. */
static void start_call_with(struct fixture *f, size_t octets)
{
	char header[TOO_LARGE + 1], proxy[128];
	const char *const headers[] = { header };
	struct sip_trunk_config config = { .name = "carrier",
					   .proxy = proxy,
					   .username = "",
					   .password = "",
					   .realm = "",
					   .from_domain = "",
					   .headers = headers,
					   .nheaders = 1 };
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);

	memset(header, 'x', octets);
	memcpy(header, "X-Token: ", strlen("X-Token: "));
	header[octets] = '\0';
	snprintf(proxy, sizeof(proxy), "sip:%s", addr_text(&f->peer.at).s);
	assert_int_equal(
		sip_trunk_new(&f->trunk, f->agent, &config, NULL, NULL), 0);
	sip_peer_expect(&f->peer, "OPTIONS ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);

	struct sip_dialog_start start = { .trunk = f->trunk,
					  .parties.to = "+15551234567",
					  .parties.from = "+15557654321",
					  .offer = offer };

	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 0);
	media_desc_free(offer);
}

static void a_large_request_goes_by_tcp(void **state)
{
	struct fixture *f = *state;

	start_call_with(f, TOO_LARGE);
	sip_peer_expect(&tcp, "INVITE ");
	assert_true(sip_peer_header_has(&tcp, "Via", "SIP/2.0/TCP"));
	assert_int_equal(sip_peer_header(&tcp, "Via", 1).n, 0);
	sip_peer_respond(&tcp, "200 OK", "Allow: INVITE, ACK, BYE\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&tcp, "ACK ");
	expect_log(f, "answer ");
}

static void without_tcp_there_it_is_a_datagram(void **state)
{
	struct fixture *f = *state;

	sip_peer_close(&tcp);
	start_call_with(f, LARGE);
	sip_peer_expect(&f->peer, "INVITE ");
	assert_in_range(strlen(f->peer.last), 1301, SIP_DATAGRAM_V4_MAX);
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/UDP"));
	sip_peer_respond(&f->peer, "200 OK", "Allow: INVITE, ACK, BYE\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
}

/* And the trunk is not thought to be gone for that. */
static void without_tcp_there_nothing_goes_in_fragments(void **state)
{
	struct fixture *f = *state;

	sip_peer_close(&tcp);
	start_call_with(f, TOO_LARGE);
	expect_log(f, "ended:503 ");
	assert_false(sip_peer_wait(&f->peer, "INVITE ", 100));
	assert_int_equal(sip_hops_aside(&f->trunk->hops), 0);
}

static void what_is_one_packet_is_known(void **state)
{
	struct addr v4, v6;

	(void)state;
	assert_int_equal(addr_parse(&v4, slice_of("192.0.2.1"), 5060), 0);
	assert_int_equal(addr_parse(&v6, slice_of("2001:db8::1"), 5060), 0);
	assert_true(sip_datagram_holds(1472, &v4));
	assert_false(sip_datagram_holds(1473, &v4));
	assert_true(sip_datagram_holds(1452, &v6));
	assert_false(sip_datagram_holds(1453, &v6));
}

/* A response goes where its request came from (18.2.2). */
static void responses_of_any_length_may_leave(void **state)
{
	char first[] = "SIP/2.0 200 OK\r\n", rest[2000] = "";
	struct iovec iov[] = { { first, sizeof(first) - 1 },
			       { rest, sizeof(rest) } };
	struct addr to;

	(void)state;
	assert_int_equal(addr_parse(&to, slice_of("192.0.2.1"), 5060), 0);
	assert_true(sip_datagram_may_leave(iov, 2, &to.sa));
	first[0] = 'X';
	assert_false(sip_datagram_may_leave(iov, 2, &to.sa));
	assert_true(sip_datagram_may_leave(iov, 1, &to.sa));
}

#define LARGE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_both, tear_down_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LARGE_TEST(a_large_request_goes_by_tcp),
		LARGE_TEST(without_tcp_there_it_is_a_datagram),
		LARGE_TEST(without_tcp_there_nothing_goes_in_fragments),
		cmocka_unit_test(what_is_one_packet_is_known),
		cmocka_unit_test(responses_of_any_length_may_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
