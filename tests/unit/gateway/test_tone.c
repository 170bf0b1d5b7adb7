/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/tone.h"

#include <math.h>
#include <stdlib.h>

#include "tests/test.h"

static const enum tone_law laws[] = { TONE_PCMU, TONE_PCMA };

/* ITU-T G.711, tables 1 and 2: the ends and the middle of the scale. */
static void samples_are_as_the_standard_has_them(void **state)
{
	(void)state;
	assert_int_equal(tone_decode(TONE_PCMU, 0xff), 0);
	assert_int_equal(tone_decode(TONE_PCMU, 0x80), 32124);
	assert_int_equal(tone_decode(TONE_PCMU, 0x00), -32124);
	assert_int_equal(tone_decode(TONE_PCMA, 0xd5), 8);
	assert_int_equal(tone_decode(TONE_PCMA, 0x55), -8);
	assert_int_equal(tone_decode(TONE_PCMA, 0xaa), 32256);
	assert_int_equal(tone_decode(TONE_PCMA, 0x2a), -32256);
	assert_int_equal(tone_encode(TONE_PCMU, 0), 0xff);
	assert_int_equal(tone_encode(TONE_PCMU, 40000), 0x80);
	assert_int_equal(tone_encode(TONE_PCMA, -40000), 0x2a);
}

static void each_octet_comes_back_as_itself(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2; k++) {
		for (int octet = 0; octet < 256; octet++) {
			int sample = tone_decode(laws[k], (uint8_t)octet);

			/* Negative zero is zero. */
			if (laws[k] == TONE_PCMU && octet == 0x7f)
				continue;
			assert_int_equal(tone_encode(laws[k], sample), octet);
		}
	}
}

static void a_tone_is_heard_as_what_it_is(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2; k++) {
		uint8_t octets[TONE_BLOCK];
		struct tone_block block;
		double phase = 0;

		for (int i = 0; i < 10; i++) {
			tone_make(laws[k], 850, &phase, octets);
			tone_hear(laws[k], octets, &block);
			assert_true(fabs(block.level_dbm0 - TONE_LEVEL_DBM0) <
				    0.5);
			assert_true(tone_share(&block, 850) > 0.95);
			assert_true(tone_share(&block, 1004) < 0.1);
		}
	}
}

static void silence_is_no_tone(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2; k++) {
		uint8_t octets[TONE_BLOCK];
		struct tone_block block;
		double phase = 0;

		tone_make(laws[k], 0, &phase, octets);
		tone_hear(laws[k], octets, &block);
		assert_true(block.level_dbm0 <= TONE_SILENCE_DBM0);
	}
}

static void noise_is_no_tone(void **state)
{
	uint8_t octets[TONE_BLOCK];
	struct tone_block block;
	uint32_t x = 1;

	(void)state;
	for (int i = 0; i < TONE_BLOCK; i++) {
		x = x * 1664525 + 1013904223;
		octets[i] = (uint8_t)(x >> 24);
	}
	tone_hear(TONE_PCMU, octets, &block);
	assert_true(block.level_dbm0 > TONE_SILENCE_DBM0);
	assert_true(tone_share(&block, 850) < 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_as_the_standard_has_them),
		cmocka_unit_test(each_octet_comes_back_as_itself),
		cmocka_unit_test(a_tone_is_heard_as_what_it_is),
		cmocka_unit_test(silence_is_no_tone),
		cmocka_unit_test(noise_is_no_tone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
