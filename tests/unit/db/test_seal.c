/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"

static char dir[] = "/tmp/tandem-seal-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/key", dir);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void what_was_sealed_is_unsealed_by_the_same_key(void **state)
{
	(void)state;
	struct seal *a = NULL, *b = NULL;
	static const size_t lengths[] = { 0, 1, 30, DB_SECRET_MAX };

	assert_int_equal(seal_open(&a, path), 0);
	assert_int_equal(seal_open(&b, path), 0); /* read, not made */
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct db_secret in = { .n = lengths[i] }, out;
		uint8_t blob[SEAL_MAX];
		size_t n = 0;

		memset(in.octets, 0x5a, in.n);
		assert_int_equal(seal_encode(a, "key", &in, blob, &n), 0);
		assert_int_equal(n, in.n + SEAL_NONCE_LEN + SEAL_TAG_LEN);
		assert_int_equal(seal_decode(b, "key", blob, n, &out), 0);
		assert_int_equal(out.n, in.n);
		assert_memory_equal(out.octets, in.octets, in.n);
	}
	seal_free(a);
	seal_free(b);
}

static void damage_and_another_column_are_noticed(void **state)
{
	(void)state;
	struct seal *seal = NULL;
	struct db_secret in = { 4, "abcd" }, out;
	uint8_t blob[SEAL_MAX];
	size_t n = 0;

	assert_int_equal(seal_open(&seal, path), 0);
	assert_int_equal(seal_encode(seal, "key", &in, blob, &n), 0);
	assert_int_equal(seal_decode(seal, "pwd", blob, n, &out), SEAL_E_AUTH);
	assert_int_equal(out.n, 0);
	for (size_t i = 0; i < n; i++) {
		blob[i] ^= 1;
		assert_int_equal(seal_decode(seal, "key", blob, n, &out),
				 SEAL_E_AUTH);
		blob[i] ^= 1;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seal_decode(seal, "key", blob, i, &out),
				 SEAL_E_AUTH);
	assert_int_equal(seal_decode(seal, "key", blob, SEAL_MAX + 1, &out),
			 SEAL_E_AUTH);
	seal_free(seal);
}

static void a_file_that_is_no_key_is_refused(void **state)
{
	(void)state;
	struct seal *seal = NULL;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs("too short", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(seal_open(&seal, path), -EBADMSG);
	assert_null(seal);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_is_unsealed_by_the_same_key),
		cmocka_unit_test(damage_and_another_column_are_noticed),
		cmocka_unit_test(a_file_that_is_no_key_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
