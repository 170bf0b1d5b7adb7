/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/form.h"

#include <stdio.h>
#include <string.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

static const struct form_option colours[] = { { "r", "Red" },
					      { "g", "Green" },
					      { NULL, NULL } };

enum { NAME, COUNT, COLOUR, COLOURS, FLAG, JID, LINES, NUMBER, SECRET };

static const struct form_spec specs[] = {
	[NAME] = { .var = "name",
		   .label = "Name",
		   .type = FORM_TEXT_SINGLE,
		   .required = true },
	[COUNT] = { .var = "count",
		    .label = "Count",
		    .type = FORM_TEXT_SINGLE,
		    .integer = true,
		    .min = -5,
		    .max = 100,
		    .initial = "7" },
	[COLOUR] = { .var = "colour",
		     .label = "Colour",
		     .type = FORM_LIST_SINGLE,
		     .options = colours },
	[COLOURS] = { .var = "colours",
		      .label = "Colours",
		      .type = FORM_LIST_MULTI,
		      .options = colours },
	[FLAG] = { .var = "flag", .label = "Flag", .type = FORM_BOOLEAN },
	[JID] = { .var = "jid", .label = "Address", .type = FORM_JID_SINGLE },
	[LINES] = { .var = "lines", .label = "Lines", .type = FORM_TEXT_MULTI },
	[NUMBER] = { .var = "number",
		     .label = "Number",
		     .type = FORM_TEXT_SINGLE,
		     .regex = "a+|b",
		     .expects = "letters, please" },
	[SECRET] = { .var = "secret",
		     .label = "Secret",
		     .type = FORM_TEXT_PRIVATE },
};
enum { NSPECS = sizeof(specs) / sizeof(specs[0]) };

static int build(struct form **out)
{
	int r = form_new(out, "Title", "Do it");

	for (size_t i = 0; !r && i < NSPECS; i++)
		form_add(*out, &specs[i]);
	if (!r && !form_ok(*out)) {
		*out = form_free(*out);
		r = -ENOMEM;
	}
	return r;
}

static struct stanza *parse(const char *xml)
{
	struct stanza *st = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(xml)), 0);
	return st;
}

/* Submit "var=value" pairs, NULL at the end. */
static int submit(struct form_values *values, struct form_mistake *mistake,
		  const char *const *pairs)
{
	AUTO(form_freep) struct form *form = NULL;

	assert_int_equal(build(&form), 0);
	for (; pairs[0]; pairs += 2)
		assert_int_equal(form_values_add(values, pairs[0], pairs[1]),
				 0);
	return form_check(form, values, mistake);
}

static void values_are_taken_as_their_fields_want_them(void **state)
{
	static const struct {
		const char *var, *value, *kept; /* NULL: refused */
	} rows[] = {
		{ "count", "0", "0" },
		{ "count", " 100 ", "100" },
		{ "count", "-5", "-5" },
		{ "count", "-6", NULL },
		{ "count", "101", NULL },
		{ "count", "1.5", NULL },
		{ "count", "--1", NULL },
		{ "count", "99999999999999999999", NULL },
		{ "colour", "g", "g" },
		{ "colour", "Green", NULL },
		{ "flag", "1", "true" },
		{ "flag", "true", "true" },
		{ "flag", "0", "false" },
		{ "flag", "yes", NULL },
		{ "jid", "alice@example.org", "alice@example.org" },
		{ "jid", "@", NULL },
		{ "number", "aaa", "aaa" },
		{ "number", "b", "b" },
		{ "number", "ab", NULL },
		{ "number", "xb", NULL },
		{ "secret", " s ", " s " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const pairs[] = { "name", "x", rows[i].var,
					      rows[i].value, NULL };
		AUTO(form_values_freep) struct form_values *values = NULL;
		struct form_mistake mistake;

		assert_int_equal(form_values_new(&values), 0);
		int r = submit(values, &mistake, pairs);
		if (!rows[i].kept) {
			assert_int_equal(r, FORM_E_VALUE);
			assert_string_equal(mistake.var, rows[i].var);
			assert_true(strlen(mistake.text) > 0);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(form_value(values, rows[i].var, 0),
				    rows[i].kept);
		assert_null(form_value(values, rows[i].var, 1));
	}
}

static void what_is_not_said_is_the_forms_and_what_is_emptied_is_none(
	void **state)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	AUTO(form_values_freep) struct form_values *empty = NULL;
	static const char *const one[] = { "name", "x", "unknown", "y", NULL };
	static const char *const two[] = { "name", "x", "count", "", NULL };
	static const char *const none[] = { NULL };
	struct form_mistake mistake;

	(void)state;
	assert_int_equal(form_values_new(&values), 0);
	assert_int_equal(submit(values, &mistake, one), 0);
	assert_string_equal(form_value(values, "count", 0), "7");
	assert_false(form_values_has(values, "unknown"));
	assert_int_equal(form_values_clear(values, "name"), 0);
	assert_int_equal(submit(values, &mistake, none), FORM_E_MISSING);
	assert_string_equal(mistake.var, "name");
	assert_int_equal(form_values_new(&empty), 0);
	assert_int_equal(submit(empty, &mistake, two), 0);
	assert_null(form_value(empty, "count", 0));
	assert_true(form_values_has(empty, "count"));
}

static void too_many_values_are_a_mistake_of_their_field(void **state)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	static const char *const pairs[] = { "name", "x", NULL };
	struct form_mistake mistake;
	int r = 0;

	(void)state;
	assert_int_equal(form_values_new(&values), 0);
	for (unsigned n = 1; !r && n < FORM_MAX_VALUES; n++)
		r = form_values_add(values, "lines", "x");
	assert_int_equal(r, 0);
	assert_int_equal(submit(values, &mistake, pairs), FORM_E_VALUE);
	assert_non_null(mistake.var);
	assert_true(strlen(mistake.text) > 0);
}

static void one_value_is_one(void **state)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	static const char *const pairs[] = { "name",    "x", "colours", "r",
					     "colours", "g", "lines",   "1",
					     "lines",   "2", NULL };
	static const char *const more[] = { "colour", "r", "colour", "g",
					    NULL };
	struct form_mistake mistake;

	(void)state;
	assert_int_equal(form_values_new(&values), 0);
	assert_int_equal(submit(values, &mistake, pairs), 0);
	assert_string_equal(form_value(values, "colours", 1), "g");
	assert_string_equal(form_value(values, "lines", 1), "2");
	assert_int_equal(submit(values, &mistake, more), FORM_E_VALUE);
	assert_string_equal(mistake.var, "colour");
}

static void a_form_is_printed_with_its_validation(void **state)
{
	AUTO(form_freep) struct form *form = NULL;
	AUTO(stanza_freep) struct stanza *st = NULL;
	const struct stanza *field, *x;

	(void)state;
	assert_int_equal(build(&form), 0);
	assert_int_equal(stanza_new(&st, "command", NULL), 0);
	form_set(form_find(form, "lines"), "one\ntwo");
	form_print(st, form);
	assert_true(stanza_ok(st));
	x = stanza_find(st, "x", FORM_NS);
	assert_string_equal(stanza_attr(x, "type"), "form");
	assert_string_equal(stanza_find_text(x, "title", NULL), "Title");
	STANZA_FOREACH(field, x) {
		const char *var = stanza_attr(field, "var");
		const struct stanza *range;

		if (!var)
			continue;
		assert_true((stanza_find(field, "required", NULL) != NULL) ==
			    !strcmp(var, "name"));
		if (strcmp(var, "count") != 0)
			continue;
		range = stanza_find(
			stanza_find(
				field, "validate",
				"http://jabber.org/protocol/xdata-validate"),
			"range", NULL);
		assert_string_equal(stanza_attr(range, "min"), "-5");
		assert_string_equal(stanza_attr(range, "max"), "100");
	}
}

static void what_is_submitted_is_read(void **state)
{
	static const struct {
		const char *xml;
		int outcome;
	} rows[] = {
		{ "<c><x xmlns='jabber:x:data' type='submit'/></c>", 0 },
		{ "<c><x xmlns='jabber:x:data' type='cancel'/></c>",
		  FORM_E_CANCEL },
		{ "<c><x xmlns='jabber:x:data' type='form'/></c>",
		  FORM_E_SYNTAX },
		{ "<c><x xmlns='jabber:x:data'/></c>", FORM_E_SYNTAX },
		{ "<c><x xmlns='other' type='submit'/></c>", FORM_E_NONE },
		{ "<c/>", FORM_E_NONE },
	};
	AUTO(stanza_freep)
	struct stanza *st = parse(
		"<c><x xmlns='jabber:x:data' type='submit'><field var='a'>"
		"<value>1</value><value>2</value></field><field var='b'/>"
		"<field><value>x</value></field><other/></x></c>");
	AUTO(form_values_freep) struct form_values *values = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(stanza_freep) struct stanza *one = parse(rows[i].xml);
		AUTO(form_values_freep) struct form_values *none = NULL;

		assert_int_equal(form_values_parse(&none, one),
				 rows[i].outcome);
	}
	assert_int_equal(form_values_parse(&values, st), 0);
	assert_string_equal(form_value(values, "a", 1), "2");
	assert_null(form_value(values, "a", 2));
	assert_true(form_values_has(values, "b"));
	assert_null(form_value(values, "b", 0));
	assert_false(form_values_has(values, "c"));
}

static void there_is_an_end_to_values(void **state)
{
	AUTO(form_values_freep) struct form_values *values = NULL;

	(void)state;
	assert_int_equal(form_values_new(&values), 0);
	for (size_t i = 0; i < FORM_MAX_VALUES; i++)
		assert_int_equal(form_values_add(values, "a", "x"), 0);
	assert_int_equal(form_values_add(values, "a", "x"), FORM_E_SYNTAX);
}

static const struct form_spec pick = { .var = "pick",
				       .label = "Pick",
				       .type = FORM_LIST_SINGLE,
				       .required = true };

/* What is said of @value, NULL nothing, with @n choices. */
static void expect_choice(const char *value, size_t n, const char *said)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	AUTO(form_freep) struct form *form = NULL;
	struct form_mistake mistake;
	char option[sizeof("trunk18446744073709551615")];

	assert_int_equal(form_new(&form, "Title", NULL), 0);
	assert_int_equal(form_values_new(&values), 0);
	struct form_field *field = form_add(form, &pick);
	for (size_t i = 0; i < n; i++) {
		snprintf(option, sizeof(option), "trunk%zu", i);
		form_add_option(field, option, NULL);
	}
	if (value)
		assert_int_equal(form_values_add(values, "pick", value), 0);
	assert_int_equal(form_check(form, values, &mistake),
			 value ? FORM_E_VALUE : FORM_E_MISSING);
	assert_string_equal(mistake.text, said);
}

static void what_there_is_to_choose_from_is_told(void **state)
{
	(void)state;
	expect_choice("x", 2, "Pick: one of trunk0, trunk1, please.");
	expect_choice(NULL, 1, "Pick: one of trunk0, please.");
	expect_choice("x", 0, "Pick: there is nothing to choose from.");
	expect_choice("x", 200, "Pick: this is none of the choices.");
}

/* As the value of an allocation that failed. */
static void a_value_without_memory_spoils_the_form(void **state)
{
	AUTO(form_freep) struct form *form = NULL;

	(void)state;
	assert_int_equal(build(&form), 0);
	form_set(form_find(form, "lines"), NULL);
	assert_false(form_ok(form));
	form = form_free(form);
	assert_int_equal(build(&form), 0);
	form_add_value(form_find(form, "colours"), NULL);
	assert_false(form_ok(form));
}

static void without_memory_there_is_no_form(void **state)
{
	struct form *form = NULL;
	int r;

	(void)state;
	FAIL_EACH_ALLOCATION(r, build(&form))
	form = form_free(form);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_taken_as_their_fields_want_them),
		cmocka_unit_test(
			what_is_not_said_is_the_forms_and_what_is_emptied_is_none),
		cmocka_unit_test(too_many_values_are_a_mistake_of_their_field),
		cmocka_unit_test(one_value_is_one),
		cmocka_unit_test(a_form_is_printed_with_its_validation),
		cmocka_unit_test(what_is_submitted_is_read),
		cmocka_unit_test(there_is_an_end_to_values),
		cmocka_unit_test(what_there_is_to_choose_from_is_told),
		cmocka_unit_test(a_value_without_memory_spoils_the_form),
		cmocka_unit_test(without_memory_there_is_no_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
