/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/latch.h"
#include "tests/test.h"

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static struct latch latch_for(const char *signalled)
{
	struct latch latch = { 0 };
	struct addr a = at(signalled);

	latch_set(&latch, &a, 0);
	return latch;
}

static enum latch_verdict packet(struct latch *latch, const char *source,
				 uint64_t now_ms)
{
	struct addr a = at(source);

	return latch_packet(latch, &a, now_ms);
}

static void nothing_is_taken_before_a_description(void **state)
{
	(void)state;
	struct latch latch = { 0 };

	assert_int_equal(packet(&latch, "192.0.2.1:5000", 1), LATCH_DROP);
}

static void the_signalled_address_is_good_at_once(void **state)
{
	(void)state;
	struct latch latch = latch_for("192.0.2.1:5000");

	assert_int_equal(packet(&latch, "192.0.2.1:5000", 1), LATCH_TAKE);
	/* And afterwards nobody else is, however long he tries. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "192.0.2.1:6000", 10),
				 LATCH_DROP);
}

static void another_ip_is_never_learned_of_a_public_address(void **state)
{
	(void)state;
	struct latch latch = latch_for("192.0.2.1:5000");

	for (int i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "203.0.113.9:5000", 10),
				 LATCH_DROP);
}

static void a_stable_port_of_the_same_ip_is_learned(void **state)
{
	(void)state;
	struct latch latch = latch_for("192.0.2.1:5000");
	struct addr moved = at("192.0.2.1:6000");

	for (int i = 1; i < LATCH_PACKETS; i++)
		assert_int_equal(packet(&latch, "192.0.2.1:6000", 20),
				 LATCH_DROP);
	assert_int_equal(packet(&latch, "192.0.2.1:6000", 20), LATCH_MOVED);
	assert_true(addr_equal(&latch.remote, &moved));
	assert_int_equal(packet(&latch, "192.0.2.1:6000", 20), LATCH_TAKE);
	assert_int_equal(packet(&latch, "192.0.2.1:5000", 20), LATCH_DROP);
}

static void packets_too_far_apart_are_not_stable(void **state)
{
	(void)state;
	struct latch latch = latch_for("192.0.2.1:5000");

	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "192.0.2.1:6000",
					i * (LATCH_MS / 2 + 1)),
				 LATCH_DROP);
}

static void trust(struct latch *latch, const char *signals_from, bool anywhere)
{
	struct addr a = at(signals_from);

	latch_trust(latch, &a, anywhere);
}

static void behind_a_nat_only_where_it_signals_from_is_learned(void **state)
{
	(void)state;
	struct latch latch = latch_for("10.0.0.5:5000");

	for (int i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "203.0.113.9:7000", 20),
				 LATCH_DROP);
	trust(&latch, "203.0.113.9:5060", false);
	for (int i = 1; i <= LATCH_PACKETS; i++) {
		assert_int_equal(packet(&latch, "198.51.100.1:53", 20),
				 LATCH_DROP);
		assert_int_equal(packet(&latch, "203.0.113.9:7000", 20),
				 i < LATCH_PACKETS ? LATCH_DROP : LATCH_MOVED);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "198.51.100.1:53", 20),
				 LATCH_DROP);
}

static void a_public_address_is_learned_nowhere_else(void **state)
{
	(void)state;
	struct latch latch = latch_for("192.0.2.1:5000");

	trust(&latch, "203.0.113.9:5060", true);
	for (int i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "203.0.113.9:5000", 10),
				 LATCH_DROP);
}

static void behind_other_nats_the_first_stable_source_wins(void **state)
{
	(void)state;
	struct latch latch = latch_for("10.0.0.5:5000");
	struct addr peer = at("203.0.113.9:7000");

	trust(&latch, "192.0.2.1:5060", true);
	/* A sprayer's packets come in between and do not hinder. */
	for (int i = 1; i < LATCH_PACKETS; i++) {
		assert_int_equal(packet(&latch, "203.0.113.9:7000", 20),
				 LATCH_DROP);
		assert_int_equal(packet(&latch, "198.51.100.1:53", 20),
				 LATCH_DROP);
	}
	assert_int_equal(packet(&latch, "203.0.113.9:7000", 20), LATCH_MOVED);
	assert_true(addr_equal(&latch.remote, &peer));
	for (int i = 0; i < 20; i++)
		assert_int_equal(packet(&latch, "198.51.100.1:53", 20),
				 LATCH_DROP);
}

static void after_silence_only_the_port_may_move(void **state)
{
	(void)state;
	struct latch latch = latch_for("192.0.2.1:5000");
	uint64_t late = LATCH_SILENCE_MS + 1;

	assert_int_equal(packet(&latch, "192.0.2.1:5000", 1), LATCH_TAKE);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(packet(&latch, "192.0.2.1:6000", late - 1),
				 LATCH_DROP);
		assert_int_equal(packet(&latch, "203.0.113.9:5000", late + 10),
				 LATCH_DROP);
	}
	for (int i = 1; i < LATCH_PACKETS; i++)
		assert_int_equal(packet(&latch, "192.0.2.1:6000", late),
				 LATCH_DROP);
	assert_int_equal(packet(&latch, "192.0.2.1:6000", late), LATCH_MOVED);
}

static void the_same_description_keeps_what_was_learned(void **state)
{
	(void)state;
	struct latch latch = latch_for("10.0.0.5:5000");
	trust(&latch, "203.0.113.9:5060", false);
	struct addr same = at("10.0.0.5:5000"), other = at("10.0.0.6:5000");

	for (int i = 0; i < LATCH_PACKETS; i++)
		(void)packet(&latch, "203.0.113.9:7000", 20);
	latch_set(&latch, &same, 30);
	assert_int_equal(packet(&latch, "203.0.113.9:7000", 40), LATCH_TAKE);
	latch_set(&latch, &other, 50);
	assert_int_equal(packet(&latch, "203.0.113.9:7000", 60), LATCH_DROP);
	assert_int_equal(packet(&latch, "10.0.0.6:5000", 60), LATCH_TAKE);
}

static void after_our_own_move_the_port_may_move_at_once(void **state)
{
	struct latch latch = { .locked = false };
	struct addr signalled = at("198.51.100.7:4000");
	struct addr other = at("198.51.100.7:4002");
	struct addr stranger = at("198.51.100.8:4000");

	(void)state;
	latch_set(&latch, &signalled, 10000);
	assert_int_equal(latch_packet(&latch, &signalled, 10020), LATCH_TAKE);
	latch_moved(&latch, 10040);
	for (unsigned i = 1; i < LATCH_PACKETS; i++) {
		assert_int_equal(latch_packet(&latch, &stranger, 10040),
				 LATCH_DROP);
		assert_int_equal(latch_packet(&latch, &other, 10040 + i),
				 LATCH_DROP);
	}
	assert_int_equal(latch_packet(&latch, &stranger, 10050), LATCH_DROP);
	assert_int_equal(latch_packet(&latch, &other, 10050), LATCH_MOVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_taken_before_a_description),
		cmocka_unit_test(the_signalled_address_is_good_at_once),
		cmocka_unit_test(
			another_ip_is_never_learned_of_a_public_address),
		cmocka_unit_test(a_stable_port_of_the_same_ip_is_learned),
		cmocka_unit_test(packets_too_far_apart_are_not_stable),
		cmocka_unit_test(
			behind_a_nat_only_where_it_signals_from_is_learned),
		cmocka_unit_test(a_public_address_is_learned_nowhere_else),
		cmocka_unit_test(
			behind_other_nats_the_first_stable_source_wins),
		cmocka_unit_test(after_silence_only_the_port_may_move),
		cmocka_unit_test(the_same_description_keeps_what_was_learned),
		cmocka_unit_test(after_our_own_move_the_port_may_move_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
