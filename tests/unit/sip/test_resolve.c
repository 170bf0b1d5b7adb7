/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Against a name server of a few records in the same loop. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "sip/resolve.h"
#include "tests/mock/name_server.h"
#include "tests/test.h"

static const struct name_record zone[] = {
	{ "plain.test", NS_A, "192.0.2.1", 0, 0, NULL, 0 },
	{ "plain.test", NS_A, "192.0.2.2", 0, 0, NULL, 0 },
	{ "_sip._udp.carrier.test", NS_SRV, NULL, 20, 5080, "b.test", 0 },
	{ "_sip._udp.carrier.test", NS_SRV, NULL, 10, 5070, "a.test", 0 },
	{ "_sip._tcp.only-tcp.test", NS_SRV, NULL, 10, 5090, "a.test", 0 },
	{ "a.test", NS_A, "192.0.2.10", 0, 0, NULL, 0 },
	{ "b.test", NS_A, "192.0.2.20", 0, 0, NULL, 0 },

	{ "chosen.test", NS_NAPTR, "SIP+D2U", 20, 10, "_u.chosen.test", 0 },
	{ "chosen.test", NS_NAPTR, "E2U+sip", 1, 1, "_e.chosen.test", 0 },
	{ "chosen.test", NS_NAPTR, "SIPS+D2T", 10, 50, "_s.chosen.test", 0 },
	{ "chosen.test", NS_NAPTR, "SIP+D2T", 10, 20, "_t.chosen.test", 0 },
	{ "alike.test", NS_NAPTR, "SIP+D2T", 10, 50, "_t.chosen.test", 0 },
	{ "alike.test", NS_NAPTR, "SIP+D2U", 10, 50, "_u.chosen.test", 0 },
	{ "_u.chosen.test", NS_SRV, NULL, 1, 5071, "a.test", 0 },
	{ "_t.chosen.test", NS_SRV, NULL, 9, 5072, "a.test", 0 },
	{ "_s.chosen.test", NS_SRV, NULL, 5, 5073, "b.test", 0 },
	{ "_sips._tcp.secure.test", NS_SRV, NULL, 1, 5074, "a.test", 0 },
	{ "_sip._udp.secure.test", NS_SRV, NULL, 1, 5075, "a.test", 0 },

	{ "_sip._udp.heavy.test", NS_SRV, NULL, 1, 5001, "a.test", 90 },
	{ "_sip._udp.heavy.test", NS_SRV, NULL, 1, 5002, "b.test", 10 },
};

struct fixture {
	struct event_base *base;
	struct name_server ns;
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
	struct sip_resolver_config config = { .servers = f->ns.servers,
					      .v4 = true,
					      .udp = true,
					      .tcp = true,
					      .tls = true };

	f->base = event_base_new();
	name_server_open(&f->ns, f->base, zone, sizeof(zone) / sizeof(*zone));
	assert_int_equal(sip_resolver_new(&f->resolver, f->base, &config), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sip_query_free(f->query);
	sip_resolver_free(f->resolver);
	name_server_close(&f->ns);
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
	assert_int_equal(f->ttl_s, NS_TTL_S);
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

static void naptr_chooses_transports_in_its_order(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sip:chosen.test");
	assert_int_equal(f->n, 3);
	check_hop(f, 0, "192.0.2.10:5072", SIP_TCP);
	check_hop(f, 1, "192.0.2.20:5073", SIP_TLS);
	check_hop(f, 2, "192.0.2.10:5071", SIP_UDP);
}

/* RFC 3403, 4.1: in any order, but none is left out. */
static void naptrs_that_are_alike_all_count(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sip:alike.test");
	assert_int_equal(f->n, 2);
	assert_int_not_equal(f->hops[0].transport, f->hops[1].transport);
}

static void sips_takes_tls_alone(void **state)
{
	struct fixture *f = *state;

	resolve(f, "sips:chosen.test");
	assert_int_equal(f->n, 1);
	check_hop(f, 0, "192.0.2.20:5073", SIP_TLS);
	resolve(f, "sips:secure.test");
	assert_int_equal(f->n, 1);
	check_hop(f, 0, "192.0.2.10:5074", SIP_TLS);
	resolve(f, "sip:secure.test;transport=tls");
	check_hop(f, 0, "192.0.2.10:5074", SIP_TLS);
	/* No service at all: RFC 3263, 4.2. */
	resolve(f, "sips:plain.test");
	assert_int_equal(addr_port(&f->hops[0].addr), 5061);
	assert_int_equal(f->hops[0].transport, SIP_TLS);
	resolve(f, "sips:192.0.2.7");
	check_hop(f, 0, "192.0.2.7:5061", SIP_TLS);
}

/* RFC 2782: 90 of 100 here; 60 to 100 of 100 is certain enough. */
static void a_heavier_server_comes_first_more_often(void **state)
{
	struct fixture *f = *state;
	unsigned first = 0;

	for (int i = 0; i < 100; i++) {
		resolve(f, "sip:heavy.test;transport=udp");
		assert_int_equal(f->n, 2);
		first += addr_port(&f->hops[0].addr) == 5001;
	}
	assert_in_range(first, 60, 100);
	assert_int_not_equal(first, 100);
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
		RESOLVE_TEST(naptr_chooses_transports_in_its_order),
		RESOLVE_TEST(naptrs_that_are_alike_all_count),
		RESOLVE_TEST(sips_takes_tls_alone),
		RESOLVE_TEST(a_heavier_server_comes_first_more_often),
		RESOLVE_TEST(an_unknown_name_has_none),
		RESOLVE_TEST(odd_names_do_no_harm),
		RESOLVE_TEST(a_query_can_be_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
