/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/gather.h"

#include <string.h>

#include "tests/test.h"

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static void assert_cand(const struct command_cand *c, enum media_cand_type type,
			const char *addr, const char *base)
{
	struct addr want = at(addr), from = at(base);

	assert_int_equal(c->cand.type, type);
	assert_string_equal(addr_text(&c->cand.addr).s, addr_text(&want).s);
	assert_string_equal(addr_text(&c->base).s, addr_text(&from).s);
}

static void every_host_address_is_a_candidate(void **state)
{
	(void)state;
	struct host_list hosts = {
		.addrs = { at("192.0.2.1:0"), at("[2001:db8::1]:0") }, .n = 2
	};
	struct gather gather = { .hosts = &hosts, .port = 10000 };
	struct command_cand out[8];

	assert_int_equal(gather_candidates(&gather, out, 8), 2);
	assert_cand(&out[0], MEDIA_CAND_HOST, "192.0.2.1:10000",
		    "192.0.2.1:10000");
	assert_cand(&out[1], MEDIA_CAND_HOST, "[2001:db8::1]:10000",
		    "[2001:db8::1]:10000");
	assert_true(out[0].cand.priority > out[1].cand.priority);
	assert_string_not_equal(out[0].cand.foundation, out[1].cand.foundation);
	assert_int_equal(out[0].cand.component, 1);
	assert_false(addr_is_set(&out[0].cand.related));
}

/* RFC 8421, 4: a version that does not work delays nothing. */
static void ip_versions_take_turns(void **state)
{
	(void)state;
	struct host_list hosts = {
		.addrs = { at("[2001:db8::1]:0"), at("[2001:db8::2]:0"),
			   at("[2001:db8::3]:0"), at("192.0.2.1:0"),
			   at("10.0.0.1:0") },
		.n = 5,
	};
	static const char *const wanted[] = {
		"[2001:db8::1]:10000", "192.0.2.1:10000",
		"[2001:db8::2]:10000", "10.0.0.1:10000",
		"[2001:db8::3]:10000",
	};
	struct gather gather = { .hosts = &hosts, .port = 10000 };
	struct command_cand out[8];

	assert_int_equal(gather_candidates(&gather, out, 8), 5);
	for (size_t i = 0; i < 5; i++) {
		assert_cand(&out[i], MEDIA_CAND_HOST, wanted[i], wanted[i]);
		assert_true(!i ||
			    out[i].cand.priority < out[i - 1].cand.priority);
	}
}

static void the_public_address_stands_first_on_a_private_base(void **state)
{
	(void)state;
	struct host_list hosts = {
		.addrs = { at("[2001:db8::1]:0"), at("10.0.0.2:0") }, .n = 2
	};
	struct gather gather = { .hosts = &hosts,
				 .port = 10001,
				 .generation = 3,
				 .public_address = at("203.0.113.7:0") };
	struct command_cand out[8];

	assert_int_equal(gather_candidates(&gather, out, 8), 3);
	assert_cand(&out[0], MEDIA_CAND_HOST, "203.0.113.7:10001",
		    "10.0.0.2:10001");
	assert_int_equal(out[0].cand.generation, 3);
}

static void a_public_address_of_our_own_is_not_repeated(void **state)
{
	(void)state;
	struct host_list hosts = { .addrs = { at("203.0.113.7:0") }, .n = 1 };
	struct gather gather = { .hosts = &hosts,
				 .port = 10000,
				 .public_address = at("203.0.113.7:0"),
				 .mapped = at("203.0.113.7:10000"),
				 .mapped_base = at("203.0.113.7:0") };
	struct command_cand out[8];

	assert_int_equal(gather_candidates(&gather, out, 8), 1);
}

static void a_mapped_address_is_server_reflexive(void **state)
{
	(void)state;
	struct host_list hosts = { .addrs = { at("10.0.0.2:0") }, .n = 1 };
	struct gather gather = { .hosts = &hosts,
				 .port = 10000,
				 .mapped = at("203.0.113.7:4242"),
				 .mapped_base = at("10.0.0.2:0") };
	struct addr related = at("10.0.0.2:10000");
	struct command_cand out[8];

	assert_int_equal(gather_candidates(&gather, out, 8), 2);
	assert_cand(&out[1], MEDIA_CAND_SRFLX, "203.0.113.7:4242",
		    "10.0.0.2:10000");
	assert_true(addr_equal(&out[1].cand.related, &related));
	assert_true(out[1].cand.priority < out[0].cand.priority);
	/* An interface that is gone maps to nothing. */
	gather.mapped_base = at("10.0.0.3:0");
	assert_int_equal(gather_candidates(&gather, out, 8), 1);
}

static void room_bounds_the_list(void **state)
{
	(void)state;
	struct host_list hosts = {
		.addrs = { at("192.0.2.1:0"), at("192.0.2.2:0") }, .n = 2
	};
	struct gather gather = { .hosts = &hosts, .port = 10000 };
	struct command_cand out[2];

	memset(out, 0, sizeof(out));
	assert_int_equal(gather_candidates(&gather, out, 1), 1);
	assert_int_equal(out[1].cand.component, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_host_address_is_a_candidate),
		cmocka_unit_test(ip_versions_take_turns),
		cmocka_unit_test(
			the_public_address_stands_first_on_a_private_base),
		cmocka_unit_test(a_public_address_of_our_own_is_not_repeated),
		cmocka_unit_test(a_mapped_address_is_server_reflexive),
		cmocka_unit_test(room_bounds_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
