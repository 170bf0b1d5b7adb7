/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/progress.h"

#include <string.h>

#include "tests/test.h"

static const char text[] =
	"OPTIONS sip:x SIP/2.0\r\n"
	"Via: SIP/2.0/TCP a-name-that-is-rather-long.test\r\n"
	"Content-Length : 4\r\n\r\n\r\n\r\n";

static void a_message_is_under_way_until_its_last_octet(void **state)
{
	struct sip_progress progress = { .n = 0 };
	size_t n = strlen(text);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		sip_progress_add(&progress, text + i, 1, 100 + i);
		assert_int_equal(progress.begun, i + 1 < n);
		assert_int_equal(progress.since_ms, 100);
	}
	sip_progress_add(&progress, text, n, 9000);
	assert_false(progress.begun);
	sip_progress_add(&progress, text, n - 1, 9100);
	assert_true(progress.begun);
	assert_int_equal(progress.since_ms, 9100);
}

static void keepalives_begin_nothing(void **state)
{
	struct sip_progress progress = { .n = 0 };

	(void)state;
	sip_progress_add(&progress, "\r\n\r\n", 4, 1);
	assert_false(progress.begun);
	sip_progress_add(&progress, "\r\nOPTIONS", 9, 2);
	assert_true(progress.begun);
}

static void several_at_once_are_all_seen(void **state)
{
	struct sip_progress progress = { .n = 0 };
	char twice[2 * sizeof(text)];

	(void)state;
	memcpy(twice, text, strlen(text));
	memcpy(twice + strlen(text), text, strlen(text));
	sip_progress_add(&progress, twice, 2 * strlen(text), 1);
	assert_false(progress.begun);
	sip_progress_add(&progress, twice, 2 * strlen(text) - 5, 7);
	assert_true(progress.begun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_under_way_until_its_last_octet),
		cmocka_unit_test(keepalives_begin_nothing),
		cmocka_unit_test(several_at_once_are_all_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
