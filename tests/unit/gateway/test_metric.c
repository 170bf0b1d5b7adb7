/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/metric.h"

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "gateway/watch/metric_table.h"
#include "tests/test.h"

/* ---- the collected ones are another test's (tests/integration) ---- */

static void count_value(const struct metric_value *value, void *arg)
{
	(void)value;
	++*(unsigned *)arg;
}

static int setup(void **state)
{
	struct metrics *metrics = NULL;

	assert_int_equal(metrics_new(&metrics), 0);
	*state = metrics;
	return 0;
}

static int teardown(void **state)
{
	metrics_free(*state);
	return 0;
}

static const struct metric_value *seen;
static struct metric_value kept;
static uint64_t kept_counts[METRIC_MAX_BOUNDS + 1];
static char kept_labels[METRIC_MAX_LABELS][64];

static void keep(const struct metric_value *value, void *arg)
{
	const struct metric_row *row = arg;

	kept = *value;
	seen = &kept;
	for (size_t i = 0; i < METRIC_MAX_LABELS; i++)
		snprintf(kept_labels[i], sizeof(kept_labels[i]), "%s",
			 value->labels[i]);
	for (size_t i = 0; i <= row->nbounds; i++)
		kept_counts[i] = value->counts[i];
}

static void look(const struct metrics *metrics, enum metric metric)
{
	seen = NULL;
	metric_each(metrics, metric, keep, (void *)&metric_rows[metric]);
}

static void a_counter_adds_up_by_its_labels(void **state)
{
	struct metrics *m = *state;
	unsigned n = 0;

	metric_add(m, METRIC_CALLS, 1, METRIC_LABELS("inbound", "t", "busy"));
	metric_add(m, METRIC_CALLS, 2, METRIC_LABELS("inbound", "t", "busy"));
	metric_add(m, METRIC_CALLS, -5, METRIC_LABELS("inbound", "t", "busy"));
	look(m, METRIC_CALLS);
	assert_non_null(seen);
	assert_true(kept.value > 2.9 && kept.value < 3.1);
	assert_string_equal(kept_labels[2], "busy");
	metric_add(m, METRIC_CALLS, 1, METRIC_LABELS("inbound", "u", "busy"));
	metric_add(m, METRIC_CALLS, 1, METRIC_LABELS("inbound", NULL, "busy"));
	metric_each(m, METRIC_CALLS, count_value, &n);
	assert_int_equal(n, 3);
}

static void a_histogram_counts_up_to_its_bounds(void **state)
{
	struct metrics *m = *state;
	const struct metric_row *row = &metric_rows[METRIC_SETUP];
	const struct metric_labels *labels = METRIC_LABELS("outbound", "t");

	metric_observe(m, METRIC_SETUP, row->bounds[0], labels);
	metric_observe(m, METRIC_SETUP, row->bounds[0] + 0.01, labels);
	metric_observe(m, METRIC_SETUP, 1e9, labels);
	look(m, METRIC_SETUP);
	assert_int_equal(kept_counts[0], 1);
	assert_int_equal(kept_counts[1], 1);
	assert_int_equal(kept_counts[row->nbounds], 1);
}

static void series_are_bounded_and_what_is_over_is_counted(void **state)
{
	struct metrics *m = *state;
	unsigned n = 0;

	for (unsigned i = 0; i < METRIC_MAX_SERIES + 7; i++) {
		char trunk[16];

		snprintf(trunk, sizeof(trunk), "t%u", i);
		metric_add(m, METRIC_CALLS, 1,
			   METRIC_LABELS("inbound", trunk, "busy"));
	}
	metric_each(m, METRIC_CALLS, count_value, &n);
	assert_int_equal(n, METRIC_MAX_SERIES);
	look(m, METRIC_SERIES_DROPPED);
	assert_true(kept.value > 6.9 && kept.value < 7.1);
}

static void a_series_is_known_before_its_first_event(void **state)
{
	struct metrics *m = *state;

	metric_know(m, METRIC_SETUP, METRIC_LABELS("inbound", "t"));
	look(m, METRIC_SETUP);
	assert_non_null(seen);
	assert_int_equal(kept_counts[0], 0);
	assert_true(kept.value < 0.1);
}

static void without_metrics_nothing_happens(void **state)
{
	(void)state;
	metric_add(NULL, METRIC_CALLS, 1, METRIC_NO_LABELS);
	metric_observe(NULL, METRIC_SETUP, 1, METRIC_NO_LABELS);
}

static bool ends(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static void names_keep_the_conventions(void **state)
{
	(void)state;
	for (size_t i = 0; i < METRIC_NVALUES; i++) {
		const struct metric_row *row = &metric_rows[i];

		assert_non_null(row->name);
		assert_int_equal(
			strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"),
			strlen(row->name));
		assert_int_equal(row->type == METRIC_COUNTER,
				 ends(row->name, "_total"));
		assert_true(ends(row->help, "."));
		assert_int_equal(row->type == METRIC_HISTOGRAM,
				 row->nbounds > 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(row->name, metric_rows[j].name);
		for (size_t j = 1; j < row->nbounds; j++)
			assert_true(row->bounds[j - 1] < row->bounds[j]);
	}
}

static void the_bounds_of_the_database_are_its_own(void **state)
{
	const struct metric_row *row = &metric_rows[METRIC_DB_LATENCY];

	(void)state;
	assert_int_equal(row->nbounds, DB_LATENCY_BOUNDS);
	for (size_t i = 0; i < row->nbounds; i++)
		assert_int_equal((unsigned)(row->bounds[i] * 1e6 + 0.5),
				 db_latency_bounds_us[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_counter_adds_up_by_its_labels),
		TEST(a_histogram_counts_up_to_its_bounds),
		TEST(series_are_bounded_and_what_is_over_is_counted),
		TEST(a_series_is_known_before_its_first_event),
		cmocka_unit_test(without_metrics_nothing_happens),
		cmocka_unit_test(names_keep_the_conventions),
		cmocka_unit_test(the_bounds_of_the_database_are_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
