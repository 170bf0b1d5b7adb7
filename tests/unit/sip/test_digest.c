/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "sip/digest.h"
#include "tests/test.h"

/* RFC 7616, 3.9.1, whose client nonce and answers are these. */
#define NONCE  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

static const struct sip_digest_account mufasa = { "Mufasa", "Circle of Life",
						  "" };

static void check_answer(const char *algorithm, const char *response)
{
	const char *const params[] = { "realm=\"http-auth@example.org\"",
				       "qop=\"auth, auth-int\"",
				       algorithm,
				       "nonce=\"" NONCE "\"",
				       "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMk"
				       "PqMAFRtzCUYo5tdS\"",
				       NULL };
	char out[SIP_CREDENTIALS_CAP];
	struct sip_challenge c;

	assert_int_equal(sip_challenge_parse(&c, "Digest", params), 0);
	assert_int_equal(sip_credentials_format(out, &c, &mufasa, "GET",
						"/dir/index.html", CNONCE),
			 0);
	assert_non_null(strstr(out, response));
	assert_non_null(strstr(out, "qop=auth, nc=00000001"));
	assert_non_null(strstr(out, "opaque=\"FQhe"));
}

static void the_examples_of_rfc_7616_are_answered(void **state)
{
	(void)state;
	check_answer("algorithm=MD5",
		     "response=\"8ca523f5e9506fed4657c9700eebdbec\"");
	check_answer("algorithm=SHA-256",
		     "response=\"753927fa0e85d155564e2e272a28d1802ca10daf449"
		     "6794697cf8db5856cb6c1\"");
	/* RFC 8760, 2.2; computed with Python's hashlib */
	check_answer("algorithm=SHA-512-256",
		     "response=\"430d05014cecc49cab6fbe03176d41a1da86cbfe24a"
		     "16580e22aaad928d960d0\"");
}

/* RFC 2069's, with RFC 2617's numbers and no qop. */
static void without_qop_the_old_way_is_taken(void **state)
{
	static const char *const params[] = {
		"realm=\"testrealm@host.com\"",
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"", NULL
	};
	struct sip_digest_account account = { "Mufasa", "CircleOfLife", "" };
	char out[SIP_CREDENTIALS_CAP];
	struct sip_challenge c;

	(void)state;
	assert_int_equal(sip_challenge_parse(&c, "digest", params), 0);
	assert_int_equal(sip_credentials_format(out, &c, &account, "GET",
						"/dir/index.html", "x"),
			 0);
	assert_non_null(strstr(out, "1949323746fe6a43ef61f9606e7febea"));
	assert_null(strstr(out, "cnonce"));
}

static void what_we_cannot_answer_is_passed_over(void **state)
{
	static const char *const basic[] = { "realm=\"x\"", NULL };
	static const char *const akav1[] = { "realm=\"x\"", "nonce=\"n\"",
					     "algorithm=AKAv1-MD5", NULL };
	static const char *const integrity[] = { "realm=\"x\"", "nonce=\"n\"",
						 "qop=\"auth-int\"", NULL };
	static const char *const none[] = { "realm=\"x\"", NULL };
	struct sip_challenge c;

	(void)state;
	assert_int_equal(sip_challenge_parse(&c, "Basic", basic),
			 SIP_E_NO_CHALLENGE);
	assert_int_equal(sip_challenge_parse(&c, "Digest", akav1),
			 SIP_E_NO_CHALLENGE);
	assert_int_equal(sip_challenge_parse(&c, "Digest", integrity),
			 SIP_E_NO_CHALLENGE);
	assert_int_equal(sip_challenge_parse(&c, "Digest", none), -EINVAL);
	assert_int_equal(sip_challenge_parse(&c, "Digest", NULL), -EINVAL);
}

static void only_the_configured_realm_is_answered(void **state)
{
	static const char *const params[] = { "realm=\"evil\"", "nonce=\"n\"",
					      NULL };
	struct sip_digest_account any = { "u", "p", "" };
	struct sip_digest_account mine = { "u", "p", "carrier" };
	struct sip_digest_account nobody = { "", "", "" };
	struct sip_challenge c;

	(void)state;
	assert_int_equal(sip_challenge_parse(&c, "Digest", params), 0);
	assert_true(sip_challenge_is_for(&c, &any));
	assert_false(sip_challenge_is_for(&c, &mine));
	assert_false(sip_challenge_is_for(&c, &nobody));
	assert_false(sip_challenge_is_for(&c, NULL));
}

static void quotes_in_a_realm_are_quoted_again(void **state)
{
	static const char *const params[] = { "realm=\"a\\\"b\"", "nonce=\"n\"",
					      NULL };
	struct sip_digest_account account = { "u", "p", "" };
	char out[SIP_CREDENTIALS_CAP];
	struct sip_challenge c;

	(void)state;
	assert_int_equal(sip_challenge_parse(&c, "Digest", params), 0);
	assert_string_equal(c.realm, "a\"b");
	assert_int_equal(sip_credentials_format(out, &c, &account, "BYE",
						"sip:a@b", "c"),
			 0);
	assert_non_null(strstr(out, "realm=\"a\\\"b\""));
	account.username = "u\r\nX: 1";
	assert_int_equal(sip_credentials_format(out, &c, &account, "BYE",
						"sip:a@b", "c"),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc_7616_are_answered),
		cmocka_unit_test(without_qop_the_old_way_is_taken),
		cmocka_unit_test(what_we_cannot_answer_is_passed_over),
		cmocka_unit_test(only_the_configured_realm_is_answered),
		cmocka_unit_test(quotes_in_a_realm_are_quoted_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
