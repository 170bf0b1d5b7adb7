/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/base64.h"

#include <string.h>

#include "tests/test.h"

/* RFC 4648, 10 */
static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void the_vectors_of_the_rfc_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		const char *plain = vectors[i][0], *coded = vectors[i][1];
		char text[BASE64_CAP(6)];
		uint8_t octets[6];
		size_t n = sizeof(octets);
		base64_encode(text, (const uint8_t *)plain, strlen(plain));
		assert_string_equal(text, coded);
		assert_int_equal(base64_decode(octets, &n, slice_of(coded)), 0);
		assert_int_equal(n, strlen(plain));
		assert_memory_equal(octets, plain, n);
	}
}

static void padding_may_be_missing(void **state)
{
	(void)state;
	uint8_t octets[4];
	size_t n = sizeof(octets);

	assert_int_equal(base64_decode(octets, &n, slice_of("Zm9vYg")), 0);
	assert_int_equal(n, 4);
}

static void what_is_not_base64_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "Z",    "Zm9vY", "Zm9v Yg==",
					   "Zm=v", "Zg===", "Zm9_" };
	uint8_t octets[16];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		size_t n = sizeof(octets);
		assert_int_equal(base64_decode(octets, &n, slice_of(bad[i])),
				 -EINVAL);
	}
}

static void too_much_for_the_room_is_refused(void **state)
{
	(void)state;
	uint8_t octets[3];
	size_t n = sizeof(octets);

	assert_int_equal(base64_decode(octets, &n, slice_of("Zm9vYg==")),
			 -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc_hold),
		cmocka_unit_test(padding_may_be_missing),
		cmocka_unit_test(what_is_not_base64_is_refused),
		cmocka_unit_test(too_much_for_the_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
