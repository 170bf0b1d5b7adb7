/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/agent_int.h"
#include "tests/test.h"

static enum sip_frame_kind next(const char *text, size_t *len)
{
	struct sip_frame frame = { .total = 0 };

	return sip_frame_next(&frame, text, strlen(text), len);
}

#define START "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z\r\n"

static void a_message_ends_with_its_body(void **state)
{
	static const char one[] = START "Content-Length: 3\r\n\r\nabc";
	static const char two[] = START "l:3\r\n\r\nabcOPTIONS";
	static const char none[] = START "\r\nabc";
	size_t len;

	(void)state;
	assert_int_equal(next(one, &len), SIP_FRAME_MESSAGE);
	assert_int_equal(len, strlen(one));
	assert_int_equal(next(two, &len), SIP_FRAME_MESSAGE);
	assert_int_equal(len, strlen(two) - strlen("OPTIONS"));
	/* Without a length there is no body (RFC 3261, 18.3). */
	assert_int_equal(next(none, &len), SIP_FRAME_MESSAGE);
	assert_int_equal(len, strlen(none) - 3);
}

static void any_cut_comes_to_the_same(void **state)
{
	static const char text[] = START "Content-Length: 3\r\n\r\nabc";
	struct sip_frame frame = { .total = 0 };
	size_t len;

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(sip_frame_next(&frame, text, n, &len),
				 SIP_FRAME_MORE);
	assert_int_equal(sip_frame_next(&frame, text, strlen(text), &len),
			 SIP_FRAME_MESSAGE);
	assert_int_equal(len, strlen(text));
}

static void blanks_between_messages_are_told(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(next("\r\n\r\nOPTIONS", &len), SIP_FRAME_BLANK);
	assert_int_equal(len, 4);
	assert_true(sip_frame_is_ping("\r\n\r\n", 4));
	assert_false(sip_frame_is_ping("\r\n", 2));
	assert_int_equal(next("", &len), SIP_FRAME_MORE);
}

static void a_length_that_is_none_is_bad(void **state)
{
	static const char *const bad[] = {
		START "Content-Length: -1\r\n\r\n",
		START "Content-Length: x\r\n\r\n",
		START "Content-Length: 99999999999999999999\r\n\r\n",
		START "Content-Length: 65536\r\n\r\n",
		START "Content-Length: 1\r\nl: 2\r\n\r\n",
	};
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(next(bad[i], &len), SIP_FRAME_BAD);
}

/* To sofia a line ends at each CR and LF, and the header at an empty one. */
static void a_message_within_another_is_bad(void **state)
{
	static const char nul[] = START "X: a\0\r\n\r\n";
	static const char *const bad[] = {
		START "\nOPTIONS sip:y SIP/2.0\r\n\r\n",
		START "X: a\n\nOPTIONS sip:y SIP/2.0\r\n\r\n",
		START "X: a\r\rOPTIONS sip:y SIP/2.0\r\n\r\n",
		START "X: a\rl: 9\r\n\r\n",
	};
	struct sip_frame frame = { .total = 0 };
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(next(bad[i], &len), SIP_FRAME_BAD);
	assert_int_equal(sip_frame_next(&frame, nul, sizeof(nul) - 1, &len),
			 SIP_FRAME_BAD);
	assert_int_equal(next(START "X: a\nY: b\r\n\r\n", &len),
			 SIP_FRAME_MESSAGE);
}

static void an_endless_header_is_bad(void **state)
{
	char *text = malloc(SIP_MESSAGE_MAX + 1);
	struct sip_frame frame = { .total = 0 };
	size_t len;

	(void)state;
	memset(text, 'a', SIP_MESSAGE_MAX + 1);
	assert_int_equal(sip_frame_next(&frame, text, SIP_MESSAGE_MAX, &len),
			 SIP_FRAME_MORE);
	assert_int_equal(
		sip_frame_next(&frame, text, SIP_MESSAGE_MAX + 1, &len),
		SIP_FRAME_BAD);
	free(text);
}

static void check_via(const char *before, const char *transport,
		      const char *after)
{
	char text[512];

	snprintf(text, sizeof(text), "%s", before);
	sip_frame_set_transport(text, strlen(text), transport);
	assert_string_equal(text, after);
}

static void the_topmost_via_is_rewritten_alone(void **state)
{
	(void)state;
	check_via("SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\n"
		  "Via: SIP/2.0/TCP b\r\n\r\n",
		  "TLS",
		  "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a\r\n"
		  "Via: SIP/2.0/TCP b\r\n\r\n");
	check_via("OPTIONS sip:x SIP/2.0\r\nl: 0\r\nv : SIP / 2.0 / tls a\r\n",
		  "TCP",
		  "OPTIONS sip:x SIP/2.0\r\nl: 0\r\nv : SIP / 2.0 / TCP a\r\n");
	/* RFC 4475, 3.1.1.1: the value in the next line. */
	check_via("OPTIONS sip:x SIP/2.0\r\nVia:\r\n  SIP/2.0/TLS a\r\n", "TCP",
		  "OPTIONS sip:x SIP/2.0\r\nVia:\r\n  SIP/2.0/TCP a\r\n");
}

static void what_is_no_via_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"",
		"\r\n",
		"OPTIONS",
		"OPTIONS sip:x SIP/2.0\r\nVia:",
		"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n",
		"OPTIONS sip:x SIP/2.0\r\nX: y\r\n\r\nVia: SIP/2.0/TLS a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check_via(texts[i], "TCP", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_ends_with_its_body),
		cmocka_unit_test(any_cut_comes_to_the_same),
		cmocka_unit_test(blanks_between_messages_are_told),
		cmocka_unit_test(a_length_that_is_none_is_bad),
		cmocka_unit_test(a_message_within_another_is_bad),
		cmocka_unit_test(an_endless_header_is_bad),
		cmocka_unit_test(the_topmost_via_is_rewritten_alone),
		cmocka_unit_test(what_is_no_via_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
