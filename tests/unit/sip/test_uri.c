/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include "sip/info.h"
#include "sip/uri.h"
#include "tests/test.h"

static void uris_are_read(void **state)
{
	struct sip_uri u;

	(void)state;
	assert_int_equal(sip_uri_parse(&u, slice_of("sip:carrier.example")), 0);
	assert_string_equal(u.host, "carrier.example");
	assert_int_equal(u.port, 0);
	assert_false(u.has_transport);
	assert_int_equal(
		sip_uri_parse(&u, slice_of("sip:a%40b:pw@[2001:db8::1]:5070"
					   ";transport=TCP;lr?X=y")),
		0);
	assert_string_equal(u.user, "a@b");
	assert_string_equal(u.host, "2001:db8::1");
	assert_int_equal(u.port, 5070);
	assert_int_equal(u.transport, SIP_TCP);
	assert_int_equal(sip_uri_parse(&u, slice_of("tel:+1555;ext=3")), 0);
	assert_true(u.tel);
	assert_string_equal(u.user, "+1555");
}

static void what_carriers_note_of_a_number_is_left_out(void **state)
{
	static const char *const read[][2] = {
		{ "sip:+1555;npdi;rn=+1777@h;user=phone", "+1555" },
		{ "sip:+1555;verstat=TN-Validation-Passed@h", "+1555" },
		{ "sip:1-(555).7;phone-context=+1@h", "1-(555).7" },
		{ "sip:%2B1555@h", "+1555" },
		{ "sip:bob;day=tuesday@h", "bob;day=tuesday" },
		{ "sip:4x;y@h", "4x;y" },
	};
	struct sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
		assert_int_equal(sip_uri_parse(&u, slice_of(read[i][0])), 0);
		assert_string_equal(u.user, read[i][1]);
	}
}

static void bad_uris_are_refused(void **state)
{
	static const char *const bad[] = {
		"",          "sip:",       "carrier.example", "sip:@",
		"sip:a@",    "sip:h:",     "sip:h:0",         "sip:h:99999",
		"sip:h:5x",  "sip:[::1",   "sip:a b",         "sip:a%0d%0ab@h",
		"sip:a%4@h", "sip:a%zz@h", "sip:[::1]x",
	};
	struct sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (sip_uri_parse(&u, slice_of(bad[i])) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(sip_uri_parse(&u, slice_of("mailto:a@h")),
			 -EPROTONOSUPPORT);
	assert_int_equal(sip_uri_parse(&u, slice_of("sip:h;transport=sctp")),
			 -EPROTONOSUPPORT);
}

static void name_addrs_are_read(void **state)
{
	char display[SIP_DISPLAY_CAP];
	struct sip_uri u;

	(void)state;
	assert_int_equal(sip_name_addr_parse(
				 &u, display,
				 slice_of("\"A \\\"x\\\" <b>\" <sip:1@h>;q=1")),
			 0);
	assert_string_equal(display, "A \"x\" <b>");
	assert_string_equal(u.user, "1");
	assert_int_equal(sip_name_addr_parse(&u, display,
					     slice_of("Bob  <sip:2@h>, <x>")),
			 0);
	assert_string_equal(display, "Bob");
	assert_int_equal(
		sip_name_addr_parse(&u, display, slice_of("sip:3@h;tag=1")), 0);
	assert_string_equal(u.user, "3");
	assert_int_equal(
		sip_name_addr_parse(&u, display, slice_of("\"open <sip:1@h>")),
		-EINVAL);
	assert_int_equal(
		sip_name_addr_parse(&u, display, slice_of("x <sip:1@h")),
		-EINVAL);
}

static void what_is_written_ends_no_header(void **state)
{
	char out[SIP_NAME_ADDR_CAP];

	(void)state;
	assert_int_equal(sip_name_addr_format(out, "a\"b\\c\r\nEvil: 1",
					      "x y@z", "h:5060"),
			 0);
	assert_null(strpbrk(out, "\r\n"));
	assert_non_null(strstr(out, "a\\\"b\\\\c"));
	assert_non_null(strstr(out, "<sip:x%20y%40z@h:5060>"));
	assert_int_equal(sip_name_addr_format(out, NULL, NULL, "h"), 0);
	assert_string_equal(out, "<sip:h>");
	assert_int_equal(sip_name_addr_format(out, "", "a\n", "h"), -EINVAL);
}

static void info_bodies_are_read_and_written(void **state)
{
	char digit, out[SIP_INFO_CAP];
	unsigned ms;

	(void)state;
	assert_int_equal(sip_info_parse("application/dtmf-relay",
					slice_of("Signal= 5\r\nDuration= 160"),
					&digit, &ms),
			 0);
	assert_int_equal(digit, '5');
	assert_int_equal(sip_info_parse("application/dtmf-relay",
					slice_of("Duration=1\nSignal=11\n"),
					&digit, &ms),
			 0);
	assert_int_equal(digit, '#');
	assert_int_equal(ms, SIP_INFO_MIN_MS);
	assert_int_equal(sip_info_parse("application/dtmf", slice_of("d\r\n"),
					&digit, &ms),
			 0);
	assert_int_equal(digit, 'D');
	assert_int_equal(
		sip_info_parse("application/dtmf", slice_of("hi"), &digit, &ms),
		-EINVAL);
	assert_int_equal(sip_info_parse("application/dtmf-relay", slice_of(""),
					&digit, &ms),
			 -EINVAL);
	assert_int_equal(
		sip_info_parse("text/plain", slice_of("5"), &digit, &ms),
		SIP_E_INFO_TYPE);
	assert_int_equal(sip_info_format(out, '*', 99999), 0);
	assert_string_equal(out, "Signal=*\r\nDuration=5000\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris_are_read),
		cmocka_unit_test(what_carriers_note_of_a_number_is_left_out),
		cmocka_unit_test(bad_uris_are_refused),
		cmocka_unit_test(name_addrs_are_read),
		cmocka_unit_test(what_is_written_ends_no_header),
		cmocka_unit_test(info_bodies_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
