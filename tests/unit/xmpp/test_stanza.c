/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/stanza.h"

#include <stdlib.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/stanza_text.h"

static void assert_text(const struct stanza *st, const char *expected)
{
	char *text = NULL;
	size_t n = 0;

	assert_int_equal(stanza_format(st, 0, &text, &n), 0);
	assert_string_equal(text, expected);
	assert_int_equal(n, strlen(expected));
	free(text);
}

static struct stanza *new_element(const char *name, const char *ns)
{
	struct stanza *st = NULL;

	assert_int_equal(stanza_new(&st, name, ns), 0);
	return st;
}

static void namespaces_are_declared_where_they_change(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = new_element("iq", NULL);
	struct stanza *jingle = stanza_child(iq, "jingle", "urn:a");
	struct stanza *content = stanza_child(jingle, "content", NULL);

	stanza_set(iq, "type", "set");
	stanza_child(content, "description", "urn:b");
	stanza_child(content, "transport", NULL);
	stanza_child(iq, "x", NULL);
	assert_text(iq, "<iq type='set'><jingle xmlns='urn:a'><content>"
			"<description xmlns='urn:b'/><transport/></content>"
			"</jingle><x/></iq>");
}

static void text_and_attributes_are_escaped(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = new_element("message", NULL);

	stanza_set(st, "a", "<&>'\"\n\t\r");
	stanza_child_text(st, "body", NULL, "<&>'\"\n\r]]> \xf0\x9f\x98\x80");
	assert_text(st, "<message a='&lt;&amp;&gt;&apos;&quot;&#10;&#9;&#13;'>"
			"<body>&lt;&amp;&gt;'\"\n&#13;]]&gt; "
			"\xf0\x9f\x98\x80</body></message>");
}

static void what_xml_cannot_hold_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\x01",         "a\x1f",
		"\x80",         "\xc0\x80",
		"\xed\xa0\x80", "\xef\xbf\xbe",
		"\xef\xbf\xbf", "\xf4\x90\x80\x80",
		"a\xe2\x82",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO(stanza_freep)
		struct stanza *in_text = new_element("a", NULL);
		AUTO(stanza_freep)
		struct stanza *in_attr = new_element("a", NULL);
		char *text = NULL;
		size_t n;
		stanza_add_text(in_text, bad[i]);
		stanza_set(in_attr, "a", bad[i]);
		assert_int_equal(stanza_format(in_text, 0, &text, &n),
				 STANZA_TEXT_E_CHARS);
		assert_int_equal(stanza_format(in_attr, 0, &text, &n),
				 STANZA_TEXT_E_CHARS);
		assert_null(text);
	}
}

static void names_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",          "1a", "a b", "a:b",
					   "a\xc3\xa9", "a<", "-a",  "xmlns" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO(stanza_freep) struct stanza *st = new_element("a", NULL);
		char *text = NULL;
		size_t n;
		stanza_set(st, bad[i], "v");
		assert_int_equal(stanza_format(st, 0, &text, &n),
				 STANZA_TEXT_E_NAME);
		AUTO(stanza_freep)
		struct stanza *named = new_element(bad[i], NULL);
		if (strcmp(bad[i], "xmlns") != 0)
			assert_int_equal(stanza_format(named, 0, &text, &n),
					 STANZA_TEXT_E_NAME);
	}
	/* "<xml:a/>" reads well, but cannot be written without its prefix */
	AUTO(stanza_freep)
	struct stanza *reserved =
		new_element("a", "http://www.w3.org/XML/1998/namespace");
	char *none = NULL;
	size_t len;
	assert_int_equal(stanza_format(reserved, 0, &none, &len),
			 STANZA_TEXT_E_NAME);
	AUTO(stanza_freep) struct stanza *st = new_element("a", NULL);
	stanza_set(st, "xml:lang", "de");
	assert_text(st, "<a xml:lang='de'/>");
}

static void a_stanza_above_its_size_is_refused(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = new_element("a", NULL);
	char *text = NULL;
	size_t n;

	stanza_add_text(st, "12345");
	assert_int_equal(stanza_format(st, 11, &text, &n), STANZA_TEXT_E_SIZE);
	assert_int_equal(stanza_format(st, 12, &text, &n), 0);
	assert_string_equal(text, "<a>12345</a>");
	free(text);
}

static void a_tree_too_deep_is_refused(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = new_element("a", NULL);
	struct stanza *at = st;
	char *text = NULL;
	size_t n;

	for (int i = 1; i < STANZA_DEPTH_MAX; i++)
		at = stanza_child(at, "a", NULL);
	assert_int_equal(stanza_format(st, 0, &text, &n), 0);
	free(text);
	stanza_child(at, "a", NULL);
	assert_int_equal(stanza_format(st, 0, &text, &n), STANZA_TEXT_E_SIZE);
}

static void attributes_are_replaced_and_removed(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = new_element("a", NULL);

	stanza_set(st, "b", "1");
	stanza_setf(st, "c", "%d", 2);
	stanza_set(st, "b", stanza_attr(st, "b"));
	assert_string_equal(stanza_attr(st, "b"), "1");
	stanza_set(st, "b", NULL);
	assert_null(stanza_attr(st, "b"));
	assert_text(st, "<a c='2'/>");
}

static void children_are_found_by_name_and_namespace(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = new_element("a", "urn:a");
	const struct stanza *child;
	int n = 0;

	stanza_add_text(st, "before");
	stanza_child(st, "b", "urn:b");
	struct stanza *mine = stanza_child_text(st, "b", NULL, "text");
	stanza_add_text(st, "after");

	assert_ptr_equal(stanza_find(st, "b", NULL), mine);
	assert_ptr_equal(stanza_find(st, NULL, NULL), mine);
	assert_ptr_not_equal(stanza_find(st, "b", "urn:b"), mine);
	assert_null(stanza_find(st, "b", "urn:c"));
	assert_null(stanza_find(NULL, "b", NULL));
	assert_string_equal(stanza_find_text(st, "b", NULL), "text");
	assert_string_equal(stanza_find_text(st, "b", "urn:b"), "");
	assert_null(stanza_find_text(st, "c", NULL));
	assert_string_equal(stanza_text(st), "before");
	STANZA_FOREACH(child, st)
		n++;
	assert_int_equal(n, 2);
}

static void a_copy_keeps_its_namespace(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = new_element("iq", NULL);
	AUTO(stanza_freep) struct stanza *copy = NULL;
	struct stanza *a = stanza_child(iq, "a", "urn:a");

	stanza_set(a, "k", "v");
	stanza_add_text(a, "1");
	stanza_child_text(a, "b", NULL, "2");
	stanza_add_text(a, "3");
	assert_int_equal(stanza_copy(&copy, a), 0);
	stanza_free(stanza_detach(a));
	assert_text(copy, "<a xmlns='urn:a' k='v'>1<b>2</b>3</a>");
	assert_text(iq, "<iq/>");
}

static void an_adopted_tree_belongs_to_its_parent(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = new_element("iq", NULL);

	stanza_adopt(iq, new_element("a", "urn:a"));
	assert_text(iq, "<iq><a xmlns='urn:a'/></iq>");
	stanza_adopt(NULL, new_element("b", NULL));
	assert_true(stanza_ok(iq));
	stanza_adopt(iq, NULL);
	assert_false(stanza_ok(iq));
}

static void an_error_reply_turns_the_addresses(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *iq = new_element("iq", NULL);
	AUTO(stanza_freep) struct stanza *error = NULL;

	stanza_set(iq, "type", "get");
	stanza_set(iq, "id", "1");
	stanza_set(iq, "from", "a@b/c");
	stanza_set(iq, "to", "d");
	assert_int_equal(
		stanza_error_reply(&error, iq, NULL, "jid-malformed", "no"), 0);
	assert_text(error, "<iq type='error' id='1' from='d' to='a@b/c'>"
			   "<error type='modify'>"
			   "<jid-malformed xmlns='" STANZA_NS_ERROR "'/>"
			   "<text xmlns='" STANZA_NS_ERROR "'>no</text>"
			   "</error></iq>");
	assert_string_equal(stanza_error_condition(error), "jid-malformed");
	assert_string_equal(stanza_error_condition(iq), "undefined-condition");
}

static void errors_and_results_get_no_answer(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = new_element("iq", NULL);
	struct stanza *reply = NULL;

	stanza_set(st, "type", "result");
	assert_int_equal(stanza_result(&reply, st), STANZA_E_REPLY);
	stanza_set(st, "type", "error");
	assert_int_equal(stanza_error_reply(&reply, st, NULL, "conflict", NULL),
			 STANZA_E_REPLY);
	assert_null(reply);
}

static int build(struct stanza **out)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	AUTO(stanza_freep) struct stanza *copy = NULL;
	char *text = NULL;
	size_t n;
	int r = stanza_new(&iq, "iq", NULL);

	if (r)
		return r;
	stanza_set(iq, "to", "a@b");
	struct stanza *a = stanza_child(iq, "a", "urn:a");
	stanza_setf(a, "n", "%d", 7);
	stanza_child_text(a, "b", NULL, "text");
	r = stanza_copy(&copy, iq);
	if (r)
		return r;
	r = stanza_format(copy, 0, &text, &n);
	free(text);
	if (r)
		return r;
	return stanza_error_reply(out, iq, NULL, "conflict", "text");
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct stanza *st = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, build(&st))
	st = stanza_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_are_declared_where_they_change),
		cmocka_unit_test(text_and_attributes_are_escaped),
		cmocka_unit_test(what_xml_cannot_hold_is_refused),
		cmocka_unit_test(names_that_are_none_are_refused),
		cmocka_unit_test(a_stanza_above_its_size_is_refused),
		cmocka_unit_test(a_tree_too_deep_is_refused),
		cmocka_unit_test(attributes_are_replaced_and_removed),
		cmocka_unit_test(children_are_found_by_name_and_namespace),
		cmocka_unit_test(a_copy_keeps_its_namespace),
		cmocka_unit_test(an_adopted_tree_belongs_to_its_parent),
		cmocka_unit_test(an_error_reply_turns_the_addresses),
		cmocka_unit_test(errors_and_results_get_no_answer),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
