/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/bucket.h"

#include "tests/test.h"

enum { EACH_US = 1000, BURST = 5 };

static unsigned take_all(struct bucket *bucket, uint64_t now_us)
{
	unsigned n = 0;

	while (bucket_take(bucket, now_us, EACH_US, BURST))
		n++;
	return n;
}

static void it_is_full_at_first_and_then_empty(void **state)
{
	struct bucket bucket = { 0 };

	(void)state;
	assert_false(bucket_is_empty(&bucket, 0, EACH_US, BURST));
	assert_int_equal(take_all(&bucket, 0), BURST);
	assert_true(bucket_is_empty(&bucket, 0, EACH_US, BURST));
	assert_true(bucket_is_empty(&bucket, EACH_US - 1, EACH_US, BURST));
}

static void it_fills_with_time_and_no_further(void **state)
{
	struct bucket bucket = { 0 };

	(void)state;
	take_all(&bucket, 7);
	assert_int_equal(take_all(&bucket, 7 + EACH_US), 1);
	assert_int_equal(take_all(&bucket, 7 + 4 * EACH_US), 3);
	assert_int_equal(take_all(&bucket, 7 + 1000 * EACH_US), BURST);
}

static void who_asks_in_vain_waits_no_longer(void **state)
{
	struct bucket bucket = { 0 };

	(void)state;
	take_all(&bucket, 0);
	for (uint64_t us = 0; us < EACH_US; us++)
		assert_false(bucket_take(&bucket, us, EACH_US, BURST));
	assert_true(bucket_take(&bucket, EACH_US, EACH_US, BURST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_full_at_first_and_then_empty),
		cmocka_unit_test(it_fills_with_time_and_no_further),
		cmocka_unit_test(who_asks_in_vain_waits_no_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
