/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* SIP over TLS with a peer that has OpenSSL of its own. */
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sip/tls.h"
#include "tests/unit/sip/fixture.h"

/* Certificates in a directory of the run's own. */
static char dir[] = "/tmp/test_tls.XXXXXX";
static char good[64], other[64], uri_only[64], root[64], middle[64], named[64];

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

static int make_certificates(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	make_certificate(good, "good", "IP:127.0.0.1,DNS:localhost", NULL);
	make_certificate(other, "other", "DNS:other.example", NULL);
	make_certificate(uri_only, "uri", "URI:sip:127.0.0.1", NULL);
	make_certificate(root, "root", "DNS:root.example", NULL);
	make_certificate(middle, "middle", "DNS:middle.example", root);
	make_certificate(named, "named", "DNS:pool.test", middle);
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

/* Whether the agent has closed the connection, within @ms; each time it is
 * looked at @drop is sent. */
static bool is_closed_within(struct sip_peer *peer, unsigned ms,
			     const char *drop)
{
	uint64_t end = clock_ms() + ms;
	char text[64];

	while (clock_ms() < end) {
		if (sip_peer_read(peer, text, sizeof(text)) < 0)
			return true;
		if (*drop)
			sip_peer_send(peer, drop, strlen(drop));
		run_ms(fx, 100);
	}
	return false;
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

/* ---- the stream ---- */

static void a_ping_is_answered(void **state)
{
	struct fixture *f = *state;
	char text[8] = "";

	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, "\r\n\r\n", 4);
	for (int i = 0; i < 100 && sip_peer_read(&f->peer, text, 8) <= 0; i++)
		run_ms(f, 5);
	assert_string_equal(text, "\r\n");
}

static void pieces_make_a_message(void **state)
{
	static const char text[] =
		"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\n"
		"Via: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bKp;rport\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\n"
		"Call-ID: pieces\r\nCSeq: 1 OPTIONS\r\n"
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
	struct fixture *f = *state;

	sip_peer_connect(&f->peer);
	for (size_t i = 0; i < strlen(text); i++) {
		sip_peer_send(&f->peer, text + i, 1);
		turn(f);
	}
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
		TLS_TEST(a_ping_is_answered, set_up_good),
		TLS_TEST(pieces_make_a_message, set_up_good),
		TLS_TEST(garbage_closes_it, set_up_good),
		TLS_TEST(a_trickle_does_not_hold_it_open, set_up_good),
		TLS_TEST(aborted_handshakes_cost_nothing, set_up_good),
		TLS_TEST(strangers_are_soon_refused, set_up_good),
		TLS_TEST(silence_is_no_handshake, set_up_good),
		TLS_TEST(without_files_there_is_no_tls, set_up_good),
	};

	return cmocka_run_group_tests(tests, make_certificates,
				      remove_certificates);
}
