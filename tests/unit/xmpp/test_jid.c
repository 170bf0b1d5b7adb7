/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jid.h"

#include <stdio.h>

#include "gateway/base/rand.h"
#include "tests/test.h"

/* XEP-0106, table 2: what a person types, and the localpart it becomes. */
static const struct {
	const char *plain, *local;
} examples[] = {
	{ "space cadet", "space\\20cadet" },
	{ "call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22" },
	{ "at&t guy", "at\\26t\\20guy" },
	{ "d'artagnan", "d\\27artagnan" },
	{ "/.fanboy", "\\2f.fanboy" },
	{ "::foo::", "\\3a\\3afoo\\3a\\3a" },
	{ "<foo>", "\\3cfoo\\3e" },
	{ "user@host", "user\\40host" },
	{ "c:\\net", "c\\3a\\net" },
	{ "c:\\\\net", "c\\3a\\\\net" },
	{ "c:\\cool stuff", "c\\3a\\cool\\20stuff" },
	{ "c:\\5commas", "c\\3a\\5c5commas" },
	/* XEP-0106, 4.2 and 4.3: backslashes that look like escapes. */
	{ "\\3and\\2is\\5cool", "\\5c3and\\2is\\5c5cool" },
	{ "\\3catsand\\2catsis\\5cats", "\\5c3catsand\\2catsis\\5c5cats" },
	/* A server folds \5C to \5c: it must not become a backslash. */
	{ "\\5Ca", "\\5c5Ca" },
};

static void the_examples_of_xep_0106_are_escaped_and_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		char out[JID_CAP];
		assert_int_equal(jid_escape(out, sizeof(out),
					    slice_of(examples[i].plain)),
				 0);
		assert_string_equal(out, examples[i].local);
		assert_int_equal(jid_unescape(out, sizeof(out),
					      slice_of(examples[i].local)),
				 0);
		assert_string_equal(out, examples[i].plain);
	}
}

static void random_text(char *out, size_t n)
{
	static const char alphabet[] = "\\\\\\\\ \"&'/:<>@0234567acefACEFxy";

	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[rand_u32() % (sizeof(alphabet) - 1)];
	out[n] = '\0';
}

static void what_was_escaped_is_a_localpart_and_comes_back(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char text[33], local[JID_CAP], back[JID_CAP];
		char jid_text[JID_CAP + 16];
		struct jid jid;

		random_text(text, 1 + rand_u32() % 32);
		size_t n = strlen(text);
		int r = jid_escape(local, sizeof(local), slice_of(text));
		if (text[0] == ' ' || text[n - 1] == ' ') {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		assert_int_equal(
			jid_unescape(back, sizeof(back), slice_of(local)), 0);
		assert_string_equal(back, text);
		snprintf(jid_text, sizeof(jid_text), "%s@example.com", local);
		assert_int_equal(jid_parse(&jid, jid_text), 0);
		assert_true(slice_is(jid.local, local));
	}
}

static void no_localpart_begins_or_ends_with_a_space(void **state)
{
	(void)state;
	static const char *const bad[] = { " a",    "a ",    " ",
					   "a\x01", "a\xff", "a\x7f" };
	static const char *const bad_local[] = { "\\20a", "a\\20", "a b", "a@b",
						 "a:b" };
	char out[JID_CAP];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(jid_escape(out, sizeof(out), slice_of(bad[i])),
				 -EINVAL);
	for (size_t i = 0; i < sizeof(bad_local) / sizeof(*bad_local); i++) {
		assert_int_equal(
			jid_unescape(out, sizeof(out), slice_of(bad_local[i])),
			-EINVAL);
		assert_string_equal(out, "");
	}
}

static void too_long_a_localpart_is_refused(void **state)
{
	(void)state;
	char text[JID_PART_MAX + 2], out[JID_CAP];

	memset(text, 'a', sizeof(text));
	assert_int_equal(jid_escape(out, sizeof(out),
				    (struct slice){ text, JID_PART_MAX }),
			 0);
	assert_int_equal(jid_escape(out, sizeof(out),
				    (struct slice){ text, JID_PART_MAX + 1 }),
			 -EMSGSIZE);
	memset(text, '@', sizeof(text));
	assert_int_equal(
		jid_escape(out, sizeof(out), (struct slice){ text, 342 }),
		-EMSGSIZE);
	assert_int_equal(jid_escape(out, 3, slice_of("abc")), -EMSGSIZE);
	assert_string_equal(out, "");
	assert_int_equal(jid_escape(out, 4, slice_of("abc")), 0);
}

static void a_jid_has_its_parts(void **state)
{
	(void)state;
	struct jid jid;

	assert_int_equal(
		jid_parse(&jid, "+15551234567@tel.example.org/si@p/x y"), 0);
	assert_true(slice_is(jid.local, "+15551234567"));
	assert_true(slice_is(jid.domain, "tel.example.org"));
	assert_true(slice_is(jid.resource, "si@p/x y"));
	assert_int_equal(jid_parse(&jid, "example.org."), 0);
	assert_true(slice_is(jid.domain, "example.org"));
	assert_int_equal(jid.local.n, 0);
	assert_int_equal(jid.resource.n, 0);
	assert_int_equal(jid_parse(&jid, "a@[2001:db8::1]/r"), 0);
	assert_true(slice_is(jid.domain, "[2001:db8::1]"));
	assert_int_equal(jid_parse(&jid, "f\xc3\xbc@b\xc3\xbc"
					 "cher.example"),
			 0);
}

static void what_is_no_jid_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"@example.org",
		"a@",
		"/r",
		"a@b/",
		"a b@c",
		"a@b@c",
		"a\"b@c",
		"a:b@c",
		"a@b c",
		"a@b\x01",
		"a@b/\x07",
		"a\xff@b",
		"a@b/\xc0\x80",
		".",
		"a@<b>",
		"a@b/\xed\xa0\x80",
		"a@b/\xef\xbf\xbf",
		"a@b..",
		"..",
		".b",
		"a@b..c",
		"a@b/\x7f",
		"a@b/\xc2\x85",
	};
	struct jid jid;

	assert_int_equal(jid_parse(&jid, NULL), -EINVAL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(jid_parse(&jid, bad[i]), -EINVAL);
}

static void a_part_has_1023_octets_at_most(void **state)
{
	(void)state;
	char text[2 * JID_PART_MAX];
	struct jid jid;

	memset(text, 'a', sizeof(text));
	memcpy(text + JID_PART_MAX, "@b", 3);
	assert_int_equal(jid_parse(&jid, text), 0);
	memset(text, 'a', sizeof(text));
	memcpy(text + JID_PART_MAX + 1, "@b", 3);
	assert_int_equal(jid_parse(&jid, text), -EINVAL);
}

static void case_matters_in_the_resource_alone(void **state)
{
	(void)state;
	char out[JID_CAP];

	assert_int_equal(jid_bare(out, sizeof(out), "Alice@Example.ORG/Phone"),
			 0);
	assert_string_equal(out, "alice@example.org");
	assert_int_equal(jid_full(out, sizeof(out), "Alice@Example.ORG./Phone"),
			 0);
	assert_string_equal(out, "alice@example.org/Phone");
	assert_int_equal(jid_bare(out, 5, "alice@example.org"), -EMSGSIZE);
	assert_int_equal(jid_bare(out, sizeof(out), "@"), -EINVAL);
	assert_string_equal(out, "");
	assert_true(jid_same_bare("A@b/x", "a@B/y"));
	assert_false(jid_same_bare("a@b", "b"));
	assert_true(jid_same("A@b/x", "a@B/x"));
	assert_false(jid_same("a@b/x", "a@b/X"));
	assert_false(jid_same("a@b/x", "a@b"));
	assert_false(jid_same("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_examples_of_xep_0106_are_escaped_and_come_back),
		cmocka_unit_test(
			what_was_escaped_is_a_localpart_and_comes_back),
		cmocka_unit_test(no_localpart_begins_or_ends_with_a_space),
		cmocka_unit_test(too_long_a_localpart_is_refused),
		cmocka_unit_test(a_jid_has_its_parts),
		cmocka_unit_test(what_is_no_jid_is_refused),
		cmocka_unit_test(a_part_has_1023_octets_at_most),
		cmocka_unit_test(case_matters_in_the_resource_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
