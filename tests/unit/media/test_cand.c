/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/cand.h"
#include "tests/test.h"

#include <stdlib.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

enum { PORT = 10000, MAX_TEXTS = 20 };

struct gathered {
	struct cand_local cands[CAND_MAX_LOCAL];
	size_t n;
};

static struct addr ip(const char *text)
{
	struct addr a = { 0 };

	if (text)
		assert_int_equal(addr_parse(&a, slice_of(text), 0), 0);
	return a;
}

static struct cand_config all(void)
{
	return (struct cand_config){ .ipv4 = true, .ipv6 = true };
}

static struct gathered gather(const struct cand_config *config,
			      const char *const *texts)
{
	struct addr addrs[MAX_TEXTS];
	struct gathered g;
	size_t n = 0;

	for (; texts[n]; n++)
		addrs[n] = ip(texts[n]);
	g.n = cand_from(g.cands, config, addrs, n, PORT);
	return g;
}

static void expect(const struct gathered *g, const char *const *texts)
{
	size_t n = 0;

	for (; texts[n]; n++) {
		assert_true(n < g->n);
		assert_string_equal(addr_text(&g->cands[n].cand.addr).s,
				    texts[n]);
	}
	assert_int_equal(g->n, n);
}

static const char *const host[] = { "127.0.0.1",   "10.0.0.5", "192.0.2.1",
				    "::1",         "fe80::1",  "fd00::5",
				    "2001:db8::5", NULL };

static void families_take_turns_and_public_comes_before_private(void **state)
{
	(void)state;
	struct cand_config config = all();
	struct gathered g = gather(&config, host);

	expect(&g,
	       (const char *[]){ "[2001:db8::5]:10000", "192.0.2.1:10000",
				 "[fd00::5]:10000", "10.0.0.5:10000", NULL });
}

static void loopback_is_offered_when_allowed_and_last(void **state)
{
	(void)state;
	struct cand_config config = all();

	config.allow_loopback = true;
	config.ipv6 = false;
	struct gathered g = gather(&config, host);
	expect(&g, (const char *[]){ "192.0.2.1:10000", "10.0.0.5:10000",
				     "127.0.0.1:10000", NULL });
}

static void a_bound_socket_offers_its_address_alone(void **state)
{
	(void)state;
	struct cand_config config = all();

	config.address = ip("10.0.0.5");
	struct gathered g = gather(&config, host);
	expect(&g, (const char *[]){ "10.0.0.5:10000", NULL });
	config.address = ip("10.0.0.6");
	g = gather(&config, host);
	assert_int_equal(g.n, 0);
	config.address = ip("0.0.0.0");
	g = gather(&config, host);
	assert_int_equal(g.n, 4);
}

static void a_public_address_behind_nat_has_a_base_of_ours(void **state)
{
	(void)state;
	struct cand_config config = all();
	static const char *const behind[] = { "10.0.0.5", "fd00::5", NULL };

	config.public_address = ip("198.51.100.7");
	struct gathered g = gather(&config, behind);
	expect(&g, (const char *[]){ "198.51.100.7:10000", "[fd00::5]:10000",
				     "10.0.0.5:10000", NULL });
	assert_string_equal(addr_text(&g.cands[0].base).s, "10.0.0.5:10000");
	assert_int_equal(g.cands[0].cand.type, MEDIA_CAND_HOST);
}

static void a_public_address_of_ours_is_offered_once(void **state)
{
	(void)state;
	struct cand_config config = all();
	static const char *const addrs[] = { "203.0.113.9", "192.0.2.1", NULL };

	config.public_address = ip("192.0.2.1");
	struct gathered g = gather(&config, addrs);
	expect(&g, (const char *[]){ "192.0.2.1:10000", "203.0.113.9:10000",
				     NULL });
	assert_true(addr_equal(&g.cands[0].base, &g.cands[0].cand.addr));
}

static void a_public_address_without_a_base_is_not_offered(void **state)
{
	(void)state;
	struct cand_config config = all();
	static const char *const only_v6[] = { "2001:db8::5", NULL };

	config.public_address = ip("198.51.100.7");
	struct gathered g = gather(&config, only_v6);
	expect(&g, (const char *[]){ "[2001:db8::5]:10000", NULL });
}

static void priorities_fall_and_foundations_are_different_numbers(void **state)
{
	(void)state;
	struct cand_config config = all();

	config.public_address = ip("198.51.100.7");
	struct gathered g = gather(&config, host);
	assert_int_equal(g.n, 5);
	for (size_t i = 0; i < g.n; i++) {
		const struct media_cand *c = &g.cands[i].cand;
		char *end;

		assert_int_equal(c->component, 1);
		assert_int_equal(strtoul(c->foundation, &end, 10), i + 1);
		assert_int_equal(*end, '\0');
		if (i)
			assert_true(c->priority < g.cands[i - 1].cand.priority);
	}
}

static void there_is_an_end_to_what_is_offered(void **state)
{
	(void)state;
	struct cand_config config = all();
	static const char *const many[] = {
		"10.0.0.1",  "10.0.0.2",  "10.0.0.3",  "10.0.0.4",  "10.0.0.5",
		"10.0.0.6",  "10.0.0.7",  "10.0.0.8",  "10.0.0.9",  "10.0.0.10",
		"10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.13", NULL
	};
	struct gathered g = gather(&config, many);

	assert_int_equal(g.n, CAND_MAX_LOCAL);
}

static void this_machine_has_a_loopback_candidate(void **state)
{
	(void)state;
	struct cand_config config = all();
	struct cand_local out[CAND_MAX_LOCAL];
	size_t n;

	config.allow_loopback = true;
	config.address = ip("127.0.0.1");
	assert_int_equal(cand_gather(out, &n, &config, PORT), 0);
	assert_int_equal(n, 1);
	assert_string_equal(addr_text(&out[0].cand.addr).s, "127.0.0.1:10000");
}

static bool usable(const char *text, bool allow_loopback, uint8_t component)
{
	struct media_cand c = { .component = component };

	assert_int_equal(addr_parse_port(&c.addr, slice_of(text)), 0);
	return cand_is_usable(&c, allow_loopback);
}

static void remote_candidates_must_be_places_to_send_to(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"0.0.0.0:9",          "0.1.2.3:9",
		"224.0.0.1:9",        "255.255.255.255:9",
		"240.0.0.1:9",        "169.254.0.1:9",
		"192.0.2.1:0",        "[::]:9",
		"[fe80::1]:9",        "[ff02::1]:9",
		"[::ffff:0.0.0.0]:9", "[::127.0.0.1]:9",
	};

	for (size_t i = 0; i < LENGTH(bad); i++)
		if (usable(bad[i], true, 1))
			fail_msg("usable: %s", bad[i]);
	assert_true(usable("192.0.2.1:9", false, 1));
	assert_true(usable("10.0.0.1:9", false, 1));
	assert_true(usable("[2001:db8::1]:9", false, 1));
	assert_false(usable("192.0.2.1:9", false, 2));
}

static void remote_loopback_needs_leave(void **state)
{
	(void)state;
	static const char *const loopback[] = { "127.0.0.1:9", "127.255.0.1:9",
						"[::1]:9",
						"[::ffff:127.0.0.1]:9" };

	for (size_t i = 0; i < LENGTH(loopback); i++) {
		assert_false(usable(loopback[i], false, 1));
		assert_true(usable(loopback[i], true, 1));
	}
}

static void priorities_are_those_of_the_formula(void **state)
{
	(void)state;
	assert_int_equal(cand_priority(MEDIA_CAND_HOST, 65535, 1), 2130706431);
	assert_int_equal(cand_priority(MEDIA_CAND_SRFLX, 65535, 1), 1694498815);
	assert_int_equal(cand_priority(MEDIA_CAND_PRFLX, 0, 2),
			 (110u << 24) + 254);
	assert_int_equal(cand_priority(MEDIA_CAND_RELAY, 1, 1), 256 + 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			families_take_turns_and_public_comes_before_private),
		cmocka_unit_test(loopback_is_offered_when_allowed_and_last),
		cmocka_unit_test(a_bound_socket_offers_its_address_alone),
		cmocka_unit_test(
			a_public_address_behind_nat_has_a_base_of_ours),
		cmocka_unit_test(a_public_address_of_ours_is_offered_once),
		cmocka_unit_test(
			a_public_address_without_a_base_is_not_offered),
		cmocka_unit_test(
			priorities_fall_and_foundations_are_different_numbers),
		cmocka_unit_test(there_is_an_end_to_what_is_offered),
		cmocka_unit_test(this_machine_has_a_loopback_candidate),
		cmocka_unit_test(remote_candidates_must_be_places_to_send_to),
		cmocka_unit_test(remote_loopback_needs_leave),
		cmocka_unit_test(priorities_are_those_of_the_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
