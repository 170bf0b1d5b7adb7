/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/identity.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

/* What is read of an INVITE with @from in From and @headers behind it. */
static struct sip_identity read_from(const char *from, const char *headers)
{
	struct sip_identity identity;
	char text[4096];
	int n = snprintf(text, sizeof(text),
			 "INVITE sip:1@x SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
			 "From: %s;tag=1\r\nTo: <sip:1@x>\r\nCall-ID: 1\r\n"
			 "CSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
			 from, headers);
	msg_t *msg = msg_make(sip_default_mclass(), 0, text, n);

	assert_non_null(msg);
	sip_identity_read(&identity, sip_object(msg));
	msg_destroy(msg);
	return identity;
}

static struct sip_party caller_of(const char *from, const char *headers,
				  bool believe)
{
	struct sip_identity identity = read_from(from, headers);
	struct sip_party caller;

	sip_identity_caller(&caller, &identity, believe);
	return caller;
}

static void what_is_asserted_comes_before_from(void **state)
{
	(void)state;
	static const struct {
		const char *headers, *user;
	} rows[] = {
		{ "P-Asserted-Identity: <sip:+15550001@x>\r\n", "+15550001" },
		{ "Remote-Party-ID: \"B\" <sip:+15550002@x>;party=calling\r\n",
		  "+15550002" },
		{ "Remote-Party-ID: <sip:+15550001@x>;party=called\r\n"
		  "Remote-Party-ID: <sip:+15550002@x>;party=calling\r\n",
		  "+15550002" },
		{ "P-Asserted-Identity: <sip:+15550001@x;transport=ws>\r\n",
		  "+15550001" },
		{ "Remote-Party-ID: <sip:+15550002@x>\r\n"
		  "p-asserted-identity: <tel:+15550001>\r\n",
		  "+15550001" },
		{ "P-Asserted-Identity: \"a, b\" <sip:bob@x>, "
		  "<tel:+15550003>\r\n",
		  "+15550003" },
		{ "P-Asserted-Identity: <sip:bob@x>\r\n"
		  "P-Asserted-Identity: <tel:+15550004>\r\n",
		  "+15550004" },
		{ "P-Asserted-Identity: nonsense\r\n", "+15559999" },
		{ "P-Asserted-Identity: <sip:x@y\r\n", "+15559999" },
		{ "", "+15559999" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sip_party caller = caller_of("\"Al\" <sip:+15559999@y>",
						    rows[i].headers, true);

		assert_string_equal(caller.user, rows[i].user);
	}
}

static void who_is_not_believed_is_who_he_says_in_from(void **state)
{
	(void)state;
	struct sip_party caller = caller_of(
		"\"Al\" <sip:+15559999@y>",
		"P-Asserted-Identity: \"Bob\" <sip:+1555@x>\r\n", false);

	assert_string_equal(caller.user, "+15559999");
	assert_string_equal(caller.display, "Al");
}

static void an_asserted_number_without_a_name_has_froms(void **state)
{
	(void)state;
	struct sip_party caller =
		caller_of("\"Al\" <sip:+15559999@y>",
			  "P-Asserted-Identity: <sip:+1555@x>\r\n", true);

	assert_string_equal(caller.user, "+1555");
	assert_string_equal(caller.display, "Al");
}

static void privacy_has_many_spellings(void **state)
{
	(void)state;
	static const struct {
		const char *from, *headers;
		bool withheld;
	} rows[] = {
		{ "<sip:1@x>", "Privacy: id\r\n", true },
		{ "<sip:1@x>", "Privacy: critical;user\r\n", true },
		{ "<sip:1@x>", "Privacy: header\r\n", true },
		{ "<sip:1@x>", "Privacy: none\r\n", false },
		{ "<sip:1@x>", "Remote-Party-ID: <sip:2@x>;privacy=full\r\n",
		  true },
		{ "<sip:1@x>", "Remote-Party-ID: <sip:2@x>;privacy=off\r\n",
		  false },
		/* the one who calls is the one who may be hidden */
		{ "<sip:1@x>",
		  "Remote-Party-ID: <sip:3@x>;party=called;privacy=off\r\n"
		  "Remote-Party-ID: <sip:2@x>;party=calling;privacy=full\r\n",
		  true },
		{ "<sip:1@x>",
		  "Remote-Party-ID: <sip:3@x>;party=called;privacy=full, "
		  "<sip:2@x>;party=calling;privacy=off\r\n",
		  false },
		{ "\"Anonymous\" <sip:anonymous@anonymous.invalid>", "", true },
		{ "<sip:Anonymous@x>", "", true },
		{ "\"Private\" <sip:Restricted@x>", "", true },
		{ "\"Anonymous\" <sip:1@x>", "", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
			read_from(rows[i].from, rows[i].headers).withheld,
			rows[i].withheld);
}

static void verdicts_stand_in_many_places(void **state)
{
	(void)state;
	static const struct {
		const char *headers, *verstat;
		char attestation;
	} rows[] = {
		{ "P-Asserted-Identity: "
		  "<sip:+1555;verstat=TN-Validation-Passed@x;user=phone>\r\n",
		  "TN-Validation-Passed", 0 },
		{ "P-Asserted-Identity: "
		  "<sip:+1555@x;verstat=TN-Validation-Failed>\r\n",
		  "TN-Validation-Failed", 0 },
		{ "P-Asserted-Identity: <sip:+1555@x>"
		  ";verstat=No-TN-Validation\r\nP-Attestation-Indicator: b\r\n",
		  "No-TN-Validation", 'B' },
		{ "P-Asserted-Identity: "
		  "<sip:+1555@x>;verstat=TN-Validation-Passed-C\r\n",
		  "TN-Validation-Passed-C", 'C' },
		{ "X-Twilio-VerStat: TN-Validation-Passed-A\r\n",
		  "TN-Validation-Passed-A", 'A' },
		{ "X-Twilio-VerStat: a b\r\nX-Attestation: D\r\n", "", 0 },
		/* a display name says nothing */
		{ "P-Asserted-Identity: \"x;verstat=TN-Validation-Passed\" "
		  "<sip:+1555@x>\r\n",
		  "", 0 },
		{ "P-Asserted-Identity: <sip:+1555@x>;verstat="
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
		  "", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sip_identity identity =
			read_from("<sip:1@x>", rows[i].headers);

		assert_string_equal(identity.verstat, rows[i].verstat);
		assert_int_equal(identity.attestation, rows[i].attestation);
	}
}

static void who_was_called_first_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *headers, *first, *why;
	} rows[] = {
		{ "Diversion: <sip:+15552@x>;reason=user-busy\r\n"
		  "Diversion: <sip:+15551@x>;reason=no-answer;counter=1\r\n",
		  "+15551", "no-answer" },
		{ "Diversion: <sip:+15552@x>, \"A, B\" <sip:+15551@x>"
		  ";reason=\"unconditional\"\r\n",
		  "+15551", "unconditional" },
		{ "Diversion: <sip:+15552@x>;privacy=full\r\n", "", "" },
		{ "History-Info: <sip:+15551@x>;index=1, "
		  "<sip:+15552@x?Reason=SIP%3Bcause%3D302>;index=1.1\r\n",
		  "+15551", "" },
		{ "History-Info: <sip:+15551@x?Privacy=history>;index=1\r\n"
		  "History-Info: <sip:+15552@x>;index=1.1\r\n",
		  "", "" },
		{ "History-Info: <sip:+15551@x>;index=1\r\n", "", "" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sip_identity identity =
			read_from("<sip:1@x>", rows[i].headers);

		assert_string_equal(identity.first_called.user, rows[i].first);
		assert_string_equal(identity.diversion, rows[i].why);
	}
}

static void a_signature_is_noticed(void **state)
{
	(void)state;
	assert_false(read_from("<sip:1@x>", "").is_signed);
	assert_true(read_from("<sip:1@x>", "Identity: a.b.c;info=<https://d>"
					   "\r\n")
			    .is_signed);
	assert_true(read_from("<sip:1@x>", "y: a.b.c;info=<https://d>\r\n")
			    .is_signed);
}

static void each_trunk_is_told_in_its_own_way(void **state)
{
	(void)state;
	static const struct {
		enum sip_identity_mode mode;
		bool anonymous;
		const char *from, *asserted;
	} rows[] = {
		{ SIP_IDENTITY_PAI, false, "\"Al\" <sip:+15551@d>",
		  "P-Asserted-Identity: \"Al\" <sip:+15551@d>" },
		{ SIP_IDENTITY_PAI, true,
		  "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
		  "P-Asserted-Identity: \"Al\" <sip:+15551@d>" },
		{ SIP_IDENTITY_RPID, false, "\"Al\" <sip:+15551@d>",
		  "Remote-Party-ID: \"Al\" <sip:+15551@d>;party=calling"
		  ";screen=yes;privacy=off" },
		{ SIP_IDENTITY_RPID, true,
		  "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
		  "Remote-Party-ID: \"Al\" <sip:+15551@d>;party=calling"
		  ";screen=yes;privacy=full" },
		{ SIP_IDENTITY_FROM, false, "\"Al\" <sip:+15551@d>", "" },
		{ SIP_IDENTITY_FROM, true,
		  "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
		  "P-Asserted-Identity: \"Al\" <sip:+15551@d>" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct sip_calling calling = {
			.mode = rows[i].mode,
			.user = "+15551",
			.display = "Al",
			.domain = "d",
			.anonymous = rows[i].anonymous,
		};
		struct sip_calling_text out;

		assert_int_equal(sip_calling_format(&out, &calling), 0);
		assert_string_equal(out.from, rows[i].from);
		assert_string_equal(out.asserted, rows[i].asserted);
	}
}

static void a_name_ends_no_header(void **state)
{
	(void)state;
	const struct sip_calling calling = {
		.mode = SIP_IDENTITY_RPID,
		.user = "+15551",
		.display = "a\"\r\nX: 1\\",
		.domain = "d",
	};
	struct sip_calling_text out;

	assert_int_equal(sip_calling_format(&out, &calling), 0);
	assert_null(strpbrk(out.asserted, "\r\n"));
	assert_null(strpbrk(out.from, "\r\n"));
	const struct sip_calling bad = { .user = "1\r\n", .domain = "d" };

	assert_int_equal(sip_calling_format(&out, &bad), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asserted_comes_before_from),
		cmocka_unit_test(who_is_not_believed_is_who_he_says_in_from),
		cmocka_unit_test(an_asserted_number_without_a_name_has_froms),
		cmocka_unit_test(privacy_has_many_spellings),
		cmocka_unit_test(verdicts_stand_in_many_places),
		cmocka_unit_test(who_was_called_first_is_found),
		cmocka_unit_test(a_signature_is_noticed),
		cmocka_unit_test(each_trunk_is_told_in_its_own_way),
		cmocka_unit_test(a_name_ends_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
