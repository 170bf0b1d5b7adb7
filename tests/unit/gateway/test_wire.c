/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A billing system in the process, over TLS and without. */
#include "gateway/bill/wire.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "tests/test.h"

enum { WAIT_MS = 10000, TIMEOUT_MS = 3000 };

static struct event_base *base;
static struct evhttp *server;
static unsigned short port;
static SSL_CTX *server_tls;
static char dir[] = "/tmp/tandem-wire-XXXXXX", pem[64];

/* ---- the server ---- */

static void on_request(struct evhttp_request *request, void *arg)
{
	struct evbuffer *body = evbuffer_new();

	(void)arg;
	assert_int_equal(evhttp_request_get_command(request), EVHTTP_REQ_POST);
	assert_string_equal(evhttp_request_get_uri(request), "/x/authorise");
	evbuffer_add_buffer(body, evhttp_request_get_input_buffer(request));
	evhttp_send_reply(request, 200, "OK", body);
	evbuffer_free(body);
}

static struct bufferevent *on_tls(struct event_base *of, void *arg)
{
	(void)arg;
	return bufferevent_openssl_socket_new(of, -1, SSL_new(server_tls),
					      BUFFEREVENT_SSL_ACCEPTING,
					      BEV_OPT_CLOSE_ON_FREE);
}

static void serve(bool tls)
{
	struct evhttp_bound_socket *bound;
	struct sockaddr_in sin = { 0 };
	socklen_t n = sizeof(sin);

	server = evhttp_new(base);
	evhttp_set_gencb(server, on_request, NULL);
	if (tls)
		evhttp_set_bevcb(server, on_tls, NULL);
	bound = evhttp_bind_socket_with_handle(server, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound),
				     (struct sockaddr *)&sin, &n),
			 0);
	port = ntohs(sin.sin_port);
}

/* A certificate for 127.0.0.1, which alone is trusted. */
static int make_certificate(void **state)
{
	char key[80], command[512];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(pem, sizeof(pem), "%s/x.pem", dir);
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=x -addext "
		 "subjectAltName=IP:127.0.0.1 -keyout %s.key -out %s "
		 "2>/dev/null",
		 pem, pem);
	assert_int_equal(system(command), 0);
	setenv("SSL_CERT_FILE", pem, 1);
	server_tls = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate_chain_file(server_tls, pem),
			 1);
	snprintf(key, sizeof(key), "%s.key", pem);
	assert_int_equal(
		SSL_CTX_use_PrivateKey_file(server_tls, key, SSL_FILETYPE_PEM),
		1);
	return 0;
}

static int remove_certificate(void **state)
{
	char command[64];

	(void)state;
	SSL_CTX_free(server_tls);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	base = event_base_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (server)
		evhttp_free(server);
	server = NULL;
	event_base_free(base);
	return 0;
}

/* ---- who asks ---- */

static struct wire *wire;
static struct exchange *exchange;
static unsigned heard, status;
static char said[64];

static void on_reply(unsigned s, struct slice body, void *arg)
{
	assert_ptr_equal(arg, &heard);
	heard++;
	status = s;
	snprintf(said, sizeof(said), "%.*s", SLICE_ARG(body));
	exchange = exchange_free(exchange);
}

static void open_wire(const char *scheme, const char *host)
{
	char url[128];
	const struct wire_config config = { .url = url,
					    .token = "t",
					    .timeout_ms = TIMEOUT_MS };

	snprintf(url, sizeof(url), "%s://%s:%u/x/", scheme, host, port);
	assert_int_equal(wire_new(&wire, &config, base), 0);
}

static void ask(void)
{
	uint64_t until = clock_ms() + WAIT_MS;
	const struct timeval tick = { 0, 10000 };

	heard = 0;
	assert_int_equal(wire_send(&exchange, wire, "authorise",
				   slice_of("{\"a\":1}"), on_reply, &heard),
			 0);
	while (!heard && clock_ms() < until) {
		event_base_loopexit(base, &tick);
		event_base_dispatch(base);
	}
	assert_int_equal(heard, 1);
}

static void a_request_gets_its_reply(void **state)
{
	(void)state;
	serve(false);
	open_wire("http", "127.0.0.1");
	ask();
	assert_int_equal(status, 200);
	assert_string_equal(said, "{\"a\":1}");
	wire = wire_free(wire);
}

static void over_tls_too(void **state)
{
	(void)state;
	serve(true);
	open_wire("https", "127.0.0.1");
	ask();
	assert_int_equal(status, 200);
	assert_string_equal(said, "{\"a\":1}");
	wire = wire_free(wire);
}

static void a_certificate_of_another_is_not_believed(void **state)
{
	(void)state;
	serve(true);
	open_wire("https", "127.0.0.2"); /* the same machine */
	evhttp_bind_socket(server, "127.0.0.2", port);
	ask();
	assert_int_equal(status, 0);
	wire = wire_free(wire);
}

static void nobody_there_is_no_reply(void **state)
{
	(void)state;
	serve(false);
	evhttp_free(server);
	server = NULL;
	open_wire("http", "127.0.0.1");
	ask();
	assert_int_equal(status, 0);
	assert_string_equal(said, "no connection");
	wire = wire_free(wire);
}

static void who_gives_up_hears_nothing(void **state)
{
	(void)state;
	serve(false);
	open_wire("http", "127.0.0.1");
	heard = 0;
	assert_int_equal(wire_send(&exchange, wire, "authorise", slice_of("{}"),
				   on_reply, &heard),
			 0);
	exchange = exchange_free(exchange);
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(heard, 0);
	wire = wire_free(wire);
}

static void requests_are_bounded(void **state)
{
	static struct exchange *many[WIRE_OPEN_MAX + 1];
	size_t n = 0;

	(void)state;
	serve(false);
	open_wire("http", "127.0.0.1");
	while (n <= WIRE_OPEN_MAX &&
	       !wire_send(&many[n], wire, "authorise", slice_of("{}"), on_reply,
			  &heard))
		n++;
	assert_int_equal(n, WIRE_OPEN_MAX);
	while (n)
		exchange_free(many[--n]);
	wire = wire_free(wire);
}

static void a_url_is_one_of_three(void **state)
{
	static const char *const good[] = { "http://h", "https://h:1/a/b",
					    "http://[::1]:8/x", "unix:/a" };
	static const char *const bad[] = { "",           "h",
					   "ftp://h",    "http://",
					   "http://u@h", "http://h/?q",
					   "http://h#f", "unix:a" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(wire_is_url(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(wire_is_url(bad[i]));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_request_gets_its_reply),
		TEST(over_tls_too),
		TEST(a_certificate_of_another_is_not_believed),
		TEST(nobody_there_is_no_reply),
		TEST(who_gives_up_hears_nothing),
		TEST(requests_are_bounded),
		TEST(a_url_is_one_of_three),
	};

	return cmocka_run_group_tests(tests, make_certificate,
				      remove_certificate);
}
