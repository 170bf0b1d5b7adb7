/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/quality.h"

#include "gateway/watch/mos.h"
#include "tests/test.h"

enum { PACKETS = 100 }; /* in a look */

static bool near(double a, double b)
{
	return a - b < 0.01 && b - a < 0.01;
}

/* ITU-T G.107: R 93.2 is MOS 4.41; the rest by its formulas. */
static void the_estimate_is_that_of_the_e_model(void **state)
{
	static const struct {
		struct mos_path path;
		double mos;
	} rows[] = {
		{ { 0, 0, 0, "PCMU/8000" }, 4.40 },
		{ { 0.01, 0, 0, "PCMU/8000" }, 4.31 },
		{ { 0.05, 0, 0, "PCMA" }, 3.90 },
		{ { 0.20, 0, 0, "PCMU/8000" }, 2.61 },
		{ { 1, 1000, 500, "PCMU/8000" }, 1.0 },
		{ { 0, 0, 0, "G729/8000" }, 4.09 },
		{ { 0, 400, 0, "PCMU/8000" }, 2.91 },
		{ { 0, 0, 0, NULL }, 4.27 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double mos = mos_estimate(&rows[i].path);

		if (!near(mos, rows[i].mos))
			fail_msg("row %zu: %.3f is not %.3f", i, mos,
				 rows[i].mos);
	}
}

static void worse_is_never_better(void **state)
{
	double last = 5;

	(void)state;
	for (double loss = 0; loss <= 1; loss += 0.01) {
		double mos = mos_estimate(&(struct mos_path){ .loss = loss });

		assert_true(mos <= last && mos >= 1);
		last = mos;
	}
}

/* ---- looks ---- */

static struct quality *quality;
static struct quality_counts counts[2];
static struct quality_point points[2];

static int setup(void **state)
{
	(void)state;
	assert_int_equal(quality_new(&quality), 0);
	counts[0] = counts[1] = (struct quality_counts){ .codec = "PCMU/8000" };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	quality = quality_free(quality);
	return 0;
}

static void look(unsigned received, unsigned lost)
{
	counts[0].received += received;
	counts[0].lost += lost;
	counts[1].received += PACKETS;
	quality_look(quality, counts, points);
}

static void a_look_tells_of_its_own_time_alone(void **state)
{
	(void)state;
	look(PACKETS, 0);
	assert_true(near(points[0].loss, 0));
	assert_true(points[0].mos > 4.3F);
	look(75, 25);
	assert_true(near(points[0].loss, 0.25));
	assert_true(points[0].mos < 2.5F);
	assert_true(points[1].mos > 4.3F);
	look(PACKETS, 0);
	assert_true(near(points[0].loss, 0));
	assert_int_equal(quality_side_of(quality, MEDIA_SIDE_A)->n, 3);
}

static void silence_is_no_loss(void **state)
{
	(void)state;
	look(PACKETS, 0);
	look(0, 0);
	assert_true(near(points[0].mos, 0));
	assert_true(near(points[0].loss, 0));
}

/* RFC 3550, A.3 counts what comes late, or twice, against the losses. */
static void a_late_packet_takes_no_loss_back(void **state)
{
	(void)state;
	look(PACKETS, 10);
	counts[0].lost -= 5;
	look(PACKETS, 0);
	assert_true(near(points[0].loss, 0));
}

static void delay_of_both_ways_counts(void **state)
{
	(void)state;
	counts[0].rtt_us = counts[1].rtt_us = 600000;
	look(PACKETS, 0);
	assert_true(points[0].mos < 2.6F);
}

static void a_long_call_keeps_all_of_its_time(void **state)
{
	const struct quality_side *side =
		quality_side_of(quality, MEDIA_SIDE_A);
	enum { LOOKS = 16 * QUALITY_POINTS + 1 };
	unsigned bad = 0;

	(void)state;
	for (unsigned i = 0; i < LOOKS; i++) {
		/* one bad stretch at the start */
		look(i < QUALITY_POINTS ? 50 : PACKETS,
		     i < QUALITY_POINTS ? 50 : 0);
		assert_true(side->n <= QUALITY_POINTS);
	}
	assert_true(side->n >= QUALITY_POINTS / 2);
	for (unsigned i = 0; i < side->n; i++)
		bad += side->points[i].loss > 0.4F;
	/* a sixteenth of the time is a sixteenth of the points */
	assert_in_range(bad, 1, side->n / 16 + 1);
	assert_true(side->points[0].loss > 0.4F);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_estimate_is_that_of_the_e_model),
		cmocka_unit_test(worse_is_never_better),
		TEST(a_look_tells_of_its_own_time_alone),
		TEST(silence_is_no_loss),
		TEST(a_late_packet_takes_no_loss_back),
		TEST(delay_of_both_ways_counts),
		TEST(a_long_call_keeps_all_of_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
