/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* SIP over TLS with a peer that has OpenSSL of its own. */
#include "tests/unit/sip/tls_fixture.h"

static char other[64], uri_only[64], root[64], middle[64], named[64];

static int make_certificates(void **state)
{
	make_good(state);
	make_certificate(other, "other", "DNS:other.example", NULL);
	make_certificate(uri_only, "uri", "URI:sip:127.0.0.1", NULL);
	make_certificate(root, "root", "DNS:root.example", NULL);
	make_certificate(middle, "middle", "DNS:middle.example", root);
	make_certificate(named, "named", "DNS:pool.test", middle);
	return 0;
}

static int set_up_wrong_name(void **state)
{
	return set_up_tls(state, other, other);
}

static int set_up_untrusted(void **state)
{
	return set_up_tls(state, good, other);
}

static int set_up_uri(void **state)
{
	return set_up_tls(state, uri_only, uri_only);
}

static int set_up_clients(void **state)
{
	peer_pem = good;
	files = (struct sip_tls_files){ .certificate = good,
					.private_key = "",
					.trusted = good,
					.ask_clients = true };
	fixture_tls = &files;
	return set_up_with(state, open_tls);
}

/* ---- calls ---- */

static void a_call_goes_out(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/TLS 127."));
	assert_int_equal(sip_peer_header(&f->peer, "Via", 1).n, 0);
	assert_true(sip_peer_header_has(&f->peer, "Contact", "transport=tls"));
	assert_int_equal(sip_peer_header(&f->peer, "Contact", 1).n, 0);
	sip_peer_respond(&f->peer, "200 OK", "Allow: INVITE, ACK, BYE\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	sip_peer_request(&f->peer, "BYE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/TLS"));
	expect_log(f, "ended:0 ");
}

static void a_call_comes_in_from_its_own_address(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char rport[32];

	sip_peer_connect(&f->peer);
	getsockname(f->peer.conn, (struct sockaddr *)&sin, &len);
	snprintf(rport, sizeof(rport), "rport=%u", ntohs(sin.sin_port));
	call_in(f);
	assert_int_equal(f->source.transport, SIP_TLS);
	assert_int_equal(addr_port(&f->source.addr), ntohs(sin.sin_port));
	answer_in(f);
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/TLS"));
	assert_true(sip_peer_header_has(&f->peer, "Via", rport));
	assert_true(sip_peer_header_has(&f->peer, "Contact", "transport=tls"));
	sip_peer_request(&f->peer, "ACK", "", NULL);
	run_ms(f, 30);
	sip_dialog_hangup(f->dialog, &(struct sip_hangup){ .status = 0 });
	sip_peer_expect(&f->peer, "BYE ");
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/TLS"));
}

/* ---- who it is ---- */

static void start_trunk(struct fixture *f)
{
	char proxy[128];
	struct sip_trunk_config config = { .name = "carrier",
					   .proxy = proxy,
					   .username = "alice",
					   .password = "secret",
					   .realm = "",
					   .from_domain = "" };

	snprintf(proxy, sizeof(proxy), "sip:%s;transport=tls",
		 addr_text(&f->peer.at).s);
	assert_int_equal(
		sip_trunk_new(&f->trunk, f->agent, &config, NULL, NULL), 0);
}

static void who_is_another_gets_nothing(void **state)
{
	struct fixture *f = *state;

	start_trunk(f);
	assert_false(sip_peer_wait(&f->peer, "OPTIONS ", 1500));
	assert_int_equal(f->peer.nstream, 0);
	assert_int_equal(sip_trunk_stats(f->trunk)->qualify_failures, 1);
}

/* Two trunks at one address: each has a connection to whom it means. */
static void two_names_at_one_address_have_a_connection_each(void **state)
{
	struct fixture *f = *state;
	char proxy[64];
	struct sip_trunk *second = NULL;
	const struct sip_trunk_config config = {
		.name = "second",
		.proxy = proxy,
		.username = "",
		.password = "",
		.realm = "",
		.from_domain = "",
	};
	int first;

	add_trunk(f, "", "", "");
	assert_string_equal(sip_peer_asked_name(&f->peer), "");
	first = f->peer.conn;
	snprintf(proxy, sizeof(proxy), "sip:localhost:%u;transport=tls",
		 addr_port(&f->peer.at));
	assert_int_equal(sip_trunk_new(&second, f->agent, &config, NULL, NULL),
			 0);
	sip_peer_expect(&f->peer, "OPTIONS sip:localhost");
	assert_string_equal(sip_peer_asked_name(&f->peer), "localhost");
	assert_int_not_equal(f->peer.conn, first);
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	for (int i = 0; i < 100 && !sip_trunk_state(second); i++)
		run_ms(f, 20);
	assert_int_equal(sip_trunk_state(second), SIP_TRUNK_UP);
	assert_int_equal(sip_trunk_state(f->trunk), SIP_TRUNK_UP);
	sip_trunk_free(second);
}

/* RFC 5626, 4.4.1: as often as the registrar's Flow-Timer says. */
static void a_registered_connection_is_pinged(void **state)
{
	struct fixture *f = *state;
	char proxy[128], octets[64];
	const struct sip_trunk_config config = {
		.name = "carrier",
		.proxy = proxy,
		.username = "alice",
		.password = "secret",
		.realm = "",
		.from_domain = "",
		.do_register = true,
	};
	int n = 0;

	snprintf(proxy, sizeof(proxy), "sip:%s;transport=tls",
		 addr_text(&f->peer.at).s);
	assert_int_equal(
		sip_trunk_new(&f->trunk, f->agent, &config, NULL, NULL), 0);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "200 OK",
			 "Expires: 600\r\nFlow-Timer: 1\r\n", NULL);
	for (int i = 0; i < 150 && n <= 0; i++) {
		run_ms(f, 20);
		n = sip_peer_read(&f->peer, octets, sizeof(octets));
		if (n > 4 && octets[0] == 'O')
			n = 0; /* its OPTIONS */
	}
	assert_int_equal(n, 4);
	assert_memory_equal(octets, "\r\n\r\n", 4);
}

static void a_sip_uri_names_it_as_well(void **state)
{
	struct fixture *f = *state;

	start_trunk(f);
	sip_peer_expect(&f->peer, "OPTIONS ");
}

static struct name_record zone[] = {
	{ "_sips._tcp.pool.test", NS_SRV, NULL, 10, 0, "a.test", 0 },
	{ "a.test", NS_A, "127.0.0.1", 0, 0, NULL, 0 },
};

static int set_up_named(void **state)
{
	int r;

	fixture_zone = zone;
	fixture_nzone = sizeof(zone) / sizeof(*zone);
	r = set_up_tls(state, named, root);
	zone[0].port = addr_port(&fx->peer.at);
	return r;
}

static int tear_down_named(void **state)
{
	int r = tear_down(state);

	fixture_zone = NULL;
	return r;
}

/* Not the server's name, which is the DNS's word: RFC 5922, 7.3. */
static void the_domain_is_proven_through_a_chain(void **state)
{
	struct fixture *f = *state;
	struct sip_trunk_config config = { .name = "carrier",
					   .proxy = "sips:pool.test",
					   .username = "",
					   .password = "",
					   .realm = "",
					   .from_domain = "" };

	assert_int_equal(
		sip_trunk_new(&f->trunk, f->agent, &config, NULL, NULL), 0);
	sip_peer_expect(&f->peer, "OPTIONS ");
	assert_string_equal(sip_peer_asked_name(&f->peer), "pool.test");
}

static void clients_may_have_to_show_a_certificate(void **state)
{
	struct fixture *f = *state;
	struct sip_peer bare;

	sip_peer_connect(&f->peer);
	sip_peer_dialog(&f->peer, "sip:x@127.0.0.1");
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_open_tls(&bare, NULL);
	bare.target = f->peer.target;
	bare.turn = turn;
	bare.arg = f;
	/* With TLS 1.3 it learns of it only afterwards. */
	sip_peer_connect(&bare);
	assert_true(is_closed_within(&bare, 1000, ""));
	sip_peer_close(&bare);
}

static void a_lost_connection_is_opened_anew(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	run_ms(f, 30);
	sip_peer_hang_up(&f->peer);
	run_ms(f, 50);
	call_out(f);
	assert_true(sip_peer_header_has(&f->peer, "Via", "SIP/2.0/TLS"));
}

static void without_files_there_is_no_tls(void **state)
{
	static const struct sip_tls_files missing = { "/nowhere.pem", "", "",
						      false };
	struct fixture *f = *state;
	struct sip_agent_config config = { .tls = &missing };
	struct sip_agent *agent;

	f->agent = sip_agent_free(f->agent);
	assert_int_equal(
		sip_agent_new(&agent, &config, f->base, &agent_handlers, NULL),
		-EINVAL);
	open_agent(f, 0);
}

#define TLS_TEST(name, set_up_it) \
	cmocka_unit_test_setup_teardown(name, set_up_it, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS_TEST(a_call_goes_out, set_up_good),
		TLS_TEST(a_call_comes_in_from_its_own_address, set_up_good),
		TLS_TEST(who_is_another_gets_nothing, set_up_wrong_name),
		TLS_TEST(who_is_another_gets_nothing, set_up_untrusted),
		TLS_TEST(two_names_at_one_address_have_a_connection_each,
			 set_up_good),
		TLS_TEST(a_registered_connection_is_pinged, set_up_good),
		TLS_TEST(a_sip_uri_names_it_as_well, set_up_uri),
		cmocka_unit_test_setup_teardown(
			the_domain_is_proven_through_a_chain, set_up_named,
			tear_down_named),
		TLS_TEST(clients_may_have_to_show_a_certificate,
			 set_up_clients),
		TLS_TEST(a_lost_connection_is_opened_anew, set_up_good),
		TLS_TEST(without_files_there_is_no_tls, set_up_good),
	};

	return cmocka_run_group_tests(tests, make_certificates,
				      remove_certificates);
}
