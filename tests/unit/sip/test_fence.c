/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/fence.h"

#include <sofia-sip/url.h>

#include "tests/test.h"

/* What stands behind the end is not read. */
static void a_longer_name_is_another_parameter(void **state)
{
	static const char params[] = "a=1;lrx\0lr\0lr";
	url_t url = { .url_params = params };
	char value[8] = "";

	(void)state;
	assert_int_equal(url_has_param(&url, "lr"), 0);
	assert_int_equal(url_has_param(&url, "lrx"), 1);
	assert_int_equal(url_param(params, "A=", value, sizeof(value)), 2);
	assert_string_equal(value, "1");
	assert_int_equal(url_param("transport=TLS;lr", "transport", value, 3),
			 4);
	assert_string_equal(value, "1");
	assert_int_equal(url_param("x;lr", "lr", value, sizeof(value)), 1);
	assert_string_equal(value, "");
	assert_int_equal(url_param(NULL, "lr", value, sizeof(value)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_longer_name_is_another_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
