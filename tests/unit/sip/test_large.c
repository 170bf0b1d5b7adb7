/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is too long for a datagram goes by TCP, where the peer has that; else it
 * is sent as it is (RFC 3261, 18.1.1). */
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/sip/fixture.h"

enum { LARGE = 1500 };

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

static void start_large_call(struct fixture *f)
{
	static char header[LARGE] = "X-Token: ";
	const char *const headers[] = { header };
	char proxy[128];
	struct sip_trunk_config config = { .name = "carrier",
					   .proxy = proxy,
					   .username = "",
					   .password = "",
					   .realm = "",
					   .from_domain = "",
					   .headers = headers,
					   .nheaders = 1 };
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);

	memset(header + strlen(header), 'x',
	       sizeof(header) - strlen(header) - 1);
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

	start_large_call(f);
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
	start_large_call(f);
	sip_peer_expect(&f->peer, "INVITE ");
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/UDP"));
	sip_peer_respond(&f->peer, "200 OK", "Allow: INVITE, ACK, BYE\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
}

#define LARGE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_both, tear_down_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LARGE_TEST(a_large_request_goes_by_tcp),
		LARGE_TEST(without_tcp_there_it_is_a_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
