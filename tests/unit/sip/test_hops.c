/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/hops.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

/* 192.0.2.@last */
static struct sip_hop make_hop(unsigned last, unsigned priority)
{
	struct sip_hop hop = { .transport = SIP_UDP,
			       .priority = priority,
			       .target = (uint8_t)last };
	char ip[32];

	snprintf(ip, sizeof(ip), "192.0.2.%u", last);
	assert_int_equal(addr_parse(&hop.addr, slice_of(ip), 5060), 0);
	return hop;
}

static struct sip_hops make_hops(void)
{
	struct sip_hop list[] = { make_hop(1, 10), make_hop(2, 20),
				  make_hop(3, 30) };
	struct sip_hops hops = { .n = 0 };

	sip_hops_set(&hops, list, 3);
	return hops;
}

/* The last octets along the walk: "1 2 3 ". */
static const char *walk_text(const struct sip_hops *hops,
			     const struct sip_walk_wish *wish)
{
	static char text[64];
	struct sip_walk walk;
	size_t n = 0;

	text[0] = '\0';
	if (!sip_walk_start(&walk, hops, wish))
		return text;
	do {
		const char *ip = addr_ip_text(&sip_walk_hop(&walk)->addr).s;

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ",
				      ip + strlen(ip) - 1);
	} while (sip_walk_on(&walk));
	return text;
}

static void the_way_is_by_priority(void **state)
{
	struct sip_hops hops = make_hops();
	struct sip_walk_wish wish = { .now_ms = 1000 };

	(void)state;
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
}

static void what_failed_comes_last_for_calls(void **state)
{
	struct sip_hops hops = make_hops();
	struct sip_walk_wish wish = { .now_ms = 1000 };

	(void)state;
	sip_hops_failed(&hops, &hops.hop[0], 1000, 0);
	assert_int_equal(sip_hops_aside(&hops), 1);
	assert_string_equal(walk_text(&hops, &wish), "2 3 1 ");
	wish.now_ms += SIP_HOP_ASIDE_MS;
	/* Its time is over, but it is a probe that finds out. */
	assert_string_equal(walk_text(&hops, &wish), "2 3 1 ");
	wish.probe = true;
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
	sip_hops_worked(&hops, &hops.hop[0]);
	wish.probe = false;
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
}

static void failures_in_a_row_keep_it_aside_longer(void **state)
{
	struct sip_hops hops = make_hops();
	struct sip_walk_wish wish = { .probe = true };

	(void)state;
	sip_hops_failed(&hops, &hops.hop[0], 0, 0);
	sip_hops_failed(&hops, &hops.hop[0], 0, 0);
	wish.now_ms = SIP_HOP_ASIDE_MS;
	assert_string_equal(walk_text(&hops, &wish), "2 3 1 ");
	wish.now_ms = UINT64_C(2) * SIP_HOP_ASIDE_MS;
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
	for (int i = 0; i < 100; i++)
		sip_hops_failed(&hops, &hops.hop[0], 0, 0);
	wish.now_ms = SIP_HOP_ASIDE_MAX_MS;
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
}

static void a_peer_says_how_long(void **state)
{
	struct sip_hops hops = make_hops();
	struct sip_walk_wish wish = { .probe = true, .now_ms = 4999 };

	(void)state;
	sip_hops_failed(&hops, &hops.hop[0], 0, 5000);
	assert_string_equal(walk_text(&hops, &wish), "2 3 1 ");
	wish.now_ms = 5000;
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
}

static void a_probe_comes_to_what_failed_before_what_works(void **state)
{
	struct sip_hops hops = make_hops();
	struct sip_hop second = hops.hop[1];
	struct sip_walk_wish wish = { .probe = true, .first = &second };

	(void)state;
	sip_hops_failed(&hops, &hops.hop[2], 0, 0);
	assert_string_equal(walk_text(&hops, &wish), "2 1 3 ");
	wish.now_ms = SIP_HOP_ASIDE_MS;
	assert_string_equal(walk_text(&hops, &wish), "3 2 1 ");
	wish.probe = false;
	assert_string_equal(walk_text(&hops, &wish), "2 1 3 ");
}

static void the_registrar_comes_first_unless_it_failed(void **state)
{
	struct sip_hops hops = make_hops();
	struct sip_hop third = hops.hop[2];
	struct sip_walk_wish wish = { .first = &third };

	(void)state;
	assert_string_equal(walk_text(&hops, &wish), "3 1 2 ");
	sip_hops_failed(&hops, &third, 0, 0);
	assert_string_equal(walk_text(&hops, &wish), "1 2 3 ");
}

static void one_family_is_kept(void **state)
{
	struct sip_hop list[] = { make_hop(1, 10), make_hop(2, 20) };
	struct sip_hops hops = { .n = 0 };
	struct sip_walk_wish wish = { .one_family = true };

	(void)state;
	assert_int_equal(
		addr_parse(&list[1].addr, slice_of("2001:db8::2"), 5060), 0);
	sip_hops_set(&hops, list, 2);
	assert_string_equal(walk_text(&hops, &wish), "1 ");
	sip_hops_failed(&hops, &list[0], 0, 0);
	assert_string_equal(walk_text(&hops, &wish), "2 ");
}

static void a_new_answer_of_the_dns_forgets_no_failure(void **state)
{
	struct sip_hop list[] = { make_hop(4, 5), make_hop(1, 10) };
	struct sip_hops hops = make_hops();
	struct sip_walk_wish wish = { .now_ms = 0 };

	(void)state;
	sip_hops_failed(&hops, &hops.hop[0], 0, 0);
	sip_hops_set(&hops, list, 2);
	assert_string_equal(walk_text(&hops, &wish), "4 1 ");
	assert_int_equal(sip_hops_aside(&hops), 1);
}

static void addresses_of_one_target_stay_together(void **state)
{
	struct sip_hop list[] = { make_hop(1, 1), make_hop(2, 1),
				  make_hop(3, 1), make_hop(4, 1) };

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct sip_hop hop[4];

		memcpy(hop, list, sizeof(list));
		hop[0].target = hop[2].target = 7;
		hop[1].target = hop[3].target = 8;
		sip_hops_order(hop, 4);
		assert_int_equal(hop[0].target, hop[1].target);
		assert_int_equal(hop[2].target, hop[3].target);
	}
}

static void nothing_known_is_no_way(void **state)
{
	struct sip_hops hops = { .n = 0 };
	struct sip_walk_wish wish = { .now_ms = 0 };
	struct sip_walk walk;

	(void)state;
	assert_false(sip_walk_start(&walk, &hops, &wish));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_is_by_priority),
		cmocka_unit_test(what_failed_comes_last_for_calls),
		cmocka_unit_test(failures_in_a_row_keep_it_aside_longer),
		cmocka_unit_test(a_peer_says_how_long),
		cmocka_unit_test(
			a_probe_comes_to_what_failed_before_what_works),
		cmocka_unit_test(the_registrar_comes_first_unless_it_failed),
		cmocka_unit_test(one_family_is_kept),
		cmocka_unit_test(a_new_answer_of_the_dns_forgets_no_failure),
		cmocka_unit_test(addresses_of_one_target_stay_together),
		cmocka_unit_test(nothing_known_is_no_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
