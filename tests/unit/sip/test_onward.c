/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a call that is sent on takes along. */
#include "sip/onward.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/agent.h"
#include "sip/identity.h"
#include "tests/test.h"

/* Of an INVITE with @headers. */
static struct sip_onward *brought(const char *headers)
{
	char text[4096];
	struct sip_identity identity;
	struct sip_onward *out;
	msg_t *msg;

	snprintf(text, sizeof(text),
		 "INVITE sip:+15550000001@us SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		 "From: <sip:+15551112222@h>;tag=1\r\nTo: <sip:x@us>\r\n"
		 "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s\r\n",
		 headers);
	msg = msg_make(sip_default_mclass(), 0, text, strlen(text));
	assert_non_null(msg);
	sip_identity_read(&identity, sip_object(msg));
	const struct sip_invite invite = { .identity = &identity,
					   .message = sip_object(msg) };
	assert_int_equal(sip_onward_new(&out, &invite), 0);
	msg_destroy(msg);
	return out;
}

static void expect(const struct sip_onward *onward, enum sip_diversion why,
		   const char *lines)
{
	char *text;

	assert_int_equal(
		sip_onward_format(
			&text,
			&(struct sip_diverted){ .by_uri = "sip:+15550000001@gw",
						.to_uri = "sip:+1777@carrier",
						.why = why,
						.onward = onward }),
		0);
	assert_string_equal(text, lines);
	free(text);
}

static void who_sends_it_on_is_told_and_why(void **state)
{
	static const struct {
		enum sip_diversion why;
		const char *reason, *cause;
	} rows[] = {
		{ SIP_DIVERSION_UNCONDITIONAL, "unconditional", "302" },
		{ SIP_DIVERSION_USER_BUSY, "user-busy", "486" },
		{ SIP_DIVERSION_NO_ANSWER, "no-answer", "408" },
		{ SIP_DIVERSION_UNAVAILABLE, "unavailable", "503" },
		{ SIP_DIVERSION_DO_NOT_DISTURB, "do-not-disturb", "404" },
		{ SIP_DIVERSION_TIME_OF_DAY, "time-of-day", "404" },
		{ SIP_DIVERSION_UNKNOWN, "unknown", "404" },
	};
	char lines[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(lines, sizeof(lines),
			 "Diversion: <sip:+15550000001@gw>;reason=%s;"
			 "counter=1\r\nHistory-Info: "
			 "<sip:+15550000001@gw>;index=1, "
			 "<sip:+1777@carrier;cause=%s>;index=1.1;mp=1\r\n",
			 rows[i].reason, rows[i].cause);
		expect(NULL, rows[i].why, lines);
	}
}

/* RFC 7044, 9.2; RFC 8224: not a character of what came is another. */
static void what_came_goes_on_as_it_was(void **state)
{
	AUTO(sip_onward_freep)
	struct sip_onward *onward = brought(
		"Max-Forwards: 12\r\nIdentity: abc.def.ghi;info=<https://c/x>;"
		"alg=ES256\r\nIdentity: second;info=<https://c/y>\r\n"
		"History-Info: <sip:+1333@h>;index=1\r\n"
		"History-Info: <sip:+15550000001@us;cause=302>;index=1.1\r\n");

	(void)state;
	assert_int_equal(onward->diversions, 1);
	assert_int_equal(sip_onward_hops(onward), 11);
	expect(onward, SIP_DIVERSION_USER_BUSY,
	       "Diversion: <sip:+15550000001@gw>;reason=user-busy;"
	       "counter=2\r\n"
	       "History-Info: <sip:+1333@h>;index=1, "
	       "<sip:+15550000001@us;cause=302>;index=1.1, "
	       "<sip:+1777@carrier;cause=486>;index=1.1.1;mp=1.1\r\n"
	       "Identity: abc.def.ghi;info=<https://c/x>;alg=ES256, "
	       "second;info=<https://c/y>\r\n");
}

/* A signature names the number that it is about. */
static void who_hides_takes_no_signature_along(void **state)
{
	AUTO(sip_onward_freep)
	struct sip_onward *onward =
		brought("Privacy: id\r\nIdentity: abc;info=<https://c>\r\n");

	(void)state;
	assert_null(onward->identity);
	assert_int_equal(sip_onward_hops(onward), -1);
}

/* None is left: the next hop says so, and nothing goes round for ever. */
static void the_last_hop_is_no_first_one(void **state)
{
	AUTO(sip_onward_freep)
	struct sip_onward *last = brought("Max-Forwards: 1\r\n");
	AUTO(sip_onward_freep)
	struct sip_onward *too_many = brought("Max-Forwards: 1000\r\n");

	(void)state;
	assert_int_equal(sip_onward_hops(last), 0);
	assert_int_equal(sip_onward_hops(too_many), 254);
	assert_int_equal(sip_onward_hops(NULL), -1);
}

static void a_history_without_an_index_ends_here(void **state)
{
	AUTO(sip_onward_freep)
	struct sip_onward *onward = brought("History-Info: <sip:+1333@h>\r\n");

	(void)state;
	expect(onward, SIP_DIVERSION_UNCONDITIONAL,
	       "Diversion: <sip:+15550000001@gw>;reason=unconditional;"
	       "counter=1\r\n");
}

static void a_copy_has_all_of_it(void **state)
{
	char headers[3600], value[3400];

	(void)state;
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	snprintf(headers, sizeof(headers), "Identity: %s\r\n", value);
	AUTO(sip_onward_freep) struct sip_onward *onward = brought(headers);
	assert_int_equal(strlen(onward->identity), sizeof(value) - 1);
	AUTO(sip_onward_freep) struct sip_onward *copy = NULL;
	assert_int_equal(sip_onward_copy(&copy, onward), 0);
	assert_string_equal(copy->identity, onward->identity);
	assert_null(copy->history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_sends_it_on_is_told_and_why),
		cmocka_unit_test(what_came_goes_on_as_it_was),
		cmocka_unit_test(who_hides_takes_no_signature_along),
		cmocka_unit_test(the_last_hop_is_no_first_one),
		cmocka_unit_test(a_history_without_an_index_ends_here),
		cmocka_unit_test(a_copy_has_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
