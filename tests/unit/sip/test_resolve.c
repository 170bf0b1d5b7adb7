/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Against a name server of a few records in the same loop. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "sip/resolve.h"
#include "tests/test.h"

enum { TYPE_A = 1, TYPE_SRV = 33, TTL_S = 77 };

struct record {
	const char *name;
	uint16_t type;
	const char *ip;          /* A */
	uint16_t priority, port; /* SRV */
	const char *target;
};

static const struct record zone[] = {
	{ "plain.test", TYPE_A, "192.0.2.1", 0, 0, NULL },
	{ "plain.test", TYPE_A, "192.0.2.2", 0, 0, NULL },
	{ "_sip._udp.carrier.test", TYPE_SRV, NULL, 20, 5080, "b.test" },
	{ "_sip._udp.carrier.test", TYPE_SRV, NULL, 10, 5070, "a.test" },
	{ "_sip._tcp.only-tcp.test", TYPE_SRV, NULL, 10, 5090, "a.test" },
	{ "a.test", TYPE_A, "192.0.2.10", 0, 0, NULL },
	{ "b.test", TYPE_A, "192.0.2.20", 0, 0, NULL },
};

static uint8_t *put_name(uint8_t *p, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		*p++ = (uint8_t)n;
		memcpy(p, name, n);
		p += n;
		name += n + (name[n] == '.');
	}
	*p++ = 0;
	return p;
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put_record(uint8_t *p, const struct record *r)
{
	uint8_t data[256], *end = data;
	struct addr ip;

	if (r->type == TYPE_A) {
		assert_int_equal(addr_parse(&ip, slice_of(r->ip), 0), 0);
		memcpy(data, &ip.in4.sin_addr, 4);
		end += 4;
	} else {
		end = put16(end, r->priority);
		end = put16(end, 0);
		end = put16(end, r->port);
		end = put_name(end, r->target);
	}
	p = put16(p, 0xc00c); /* the question's name */
	p = put16(p, r->type);
	p = put16(p, 1);
	p = put16(p, 0);
	p = put16(p, TTL_S);
	p = put16(p, (unsigned)(end - data));
	memcpy(p, data, (size_t)(end - data));
	return p + (end - data);
}

/* The question's name with dots; returns what follows it. */
static const uint8_t *read_name(const uint8_t *p, char out[256])
{
	size_t n = 0;

	while (*p) {
		if (n)
			out[n++] = '.';
		memcpy(out + n, p + 1, *p);
		n += *p;
		p += *p + 1;
	}
	out[n] = '\0';
	return p + 1;
}

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	uint8_t q[512], a[2048];
	char name[256];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n =
		recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len);
	const uint8_t *after = read_name(q + 12, name);
	unsigned type = (unsigned)(after[0] << 8 | after[1]), count = 0;
	size_t head = (size_t)(after + 4 - q);
	uint8_t *p = a + head;

	(void)what;
	(void)arg;
	assert_true(n > 12);
	memcpy(a, q, head);
	for (size_t i = 0; i < sizeof(zone) / sizeof(*zone); i++) {
		if (zone[i].type != type || strcasecmp(zone[i].name, name))
			continue;
		p = put_record(p, &zone[i]);
		count++;
	}
	put16(a + 2, count ? 0x8180 : 0x8183); /* else NXDOMAIN */
	put16(a + 6, count);
	put16(a + 8, 0);
	put16(a + 10, 0);
	sendto(fd, a, (size_t)(p - a), 0, (struct sockaddr *)&from, len);
}

struct fixture {
	struct event_base *base;
	struct event *server;
	int fd;
	struct sip_resolver *resolver;
	struct sip_query *query;
	struct sip_hop hops[SIP_HOPS_MAX];
	size_t n;
	unsigned ttl_s;
	bool done;
};

static void on_resolved(const struct sip_hop *hops, size_t n, unsigned ttl_s,
			void *arg)
{
	struct fixture *f = arg;

	memcpy(f->hops, hops, n * sizeof(*hops));
	f->n = n;
	f->ttl_s = ttl_s;
	f->done = true;
	f->query = sip_query_free(f->query);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char servers[64];
	struct sip_resolver_config config = { servers, true, false, true };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->base = event_base_new();
	f->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&sin, len), 0);
	getsockname(f->fd, (struct sockaddr *)&sin, &len);
	f->server =
		event_new(f->base, f->fd, EV_READ | EV_PERSIST, on_question, f);
	event_add(f->server, NULL);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", ntohs(sin.sin_port));
	assert_int_equal(sip_resolver_new(&f->resolver, f->base, &config), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sip_query_free(f->query);
	sip_resolver_free(f->resolver);
	event_free(f->server);
	close(f->fd);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void resolve(struct fixture *f, const char *uri)
{
	uint64_t end = clock_ms() + 5000;
	struct sip_uri u;

	assert_int_equal(sip_uri_parse(&u, slice_of(uri)), 0);
	f->done = false;
	assert_int_equal(
		sip_resolve(&f->query, f->resolver, &u, on_resolved, f), 0);
	assert_false(f->done);
	while (!f->done && clock_ms() < end)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(f->done);
}

static void check_hop(struct fixture *f, size_t i, const char *at,
		      enum sip_transport transport)
{
	assert_true(i < f->n);
	assert_string_equal(addr_text(&f->hops[i].addr).s, at);
	assert_int_equal(f->hops[i].transport, transport);
}

static void literals_need_no_server(void **state)
{
	resolve(*state, "sip:192.0.2.7");
	check_hop(*state, 0, "192.0.2.7:5060", SIP_UDP);
	resolve(*state, "sip:[2001:db8::7]:5090;transport=tcp");
	check_hop(*state, 0, "[2001:db8::7]:5090", SIP_TCP);
}

static void a_port_means_addresses(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sip:plain.test:5099");
	assert_int_equal(f->n, 2);
	assert_int_equal(addr_port(&f->hops[0].addr), 5099);
	assert_int_equal(f->ttl_s, TTL_S);
}

static void services_come_by_priority(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sip:carrier.test");
	assert_int_equal(f->n, 2);
	check_hop(f, 0, "192.0.2.10:5070", SIP_UDP);
	check_hop(f, 1, "192.0.2.20:5080", SIP_UDP);
}

static void tcp_is_asked_for_when_udp_has_no_service(void **state)
{
	resolve(*state, "sip:only-tcp.test");
	check_hop(*state, 0, "192.0.2.10:5090", SIP_TCP);
}

static void without_a_service_addresses_are_taken(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sip:plain.test");
	assert_int_equal(f->n, 2);
	assert_int_equal(addr_port(&f->hops[0].addr), 5060);
}

static void an_unknown_name_has_none(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sip:nowhere.test");
	assert_int_equal(f->n, 0);
	assert_int_equal(f->ttl_s, SIP_TTL_MIN_S);
}

static void odd_names_do_no_harm(void **state)
{
	static const char *const odd[] = {
		"sip:.",
		"sip:..",
		"sip:a..b",
		"sip:-",
		"sip:1.2.3",
		"sip:_",
		"sip:"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaa.test",
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		resolve(*state, odd[i]);
}

static void a_query_can_be_given_up(void **state)
{
	struct fixture *f = *state;
	struct sip_uri u;

	assert_int_equal(sip_uri_parse(&u, slice_of("sip:carrier.test")), 0);
	assert_int_equal(
		sip_resolve(&f->query, f->resolver, &u, on_resolved, f), 0);
	f->query = sip_query_free(f->query);
	for (int i = 0; i < 3; i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_false(f->done);
}

#define RESOLVE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESOLVE_TEST(literals_need_no_server),
		RESOLVE_TEST(a_port_means_addresses),
		RESOLVE_TEST(services_come_by_priority),
		RESOLVE_TEST(tcp_is_asked_for_when_udp_has_no_service),
		RESOLVE_TEST(without_a_service_addresses_are_taken),
		RESOLVE_TEST(an_unknown_name_has_none),
		RESOLVE_TEST(odd_names_do_no_harm),
		RESOLVE_TEST(a_query_can_be_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
