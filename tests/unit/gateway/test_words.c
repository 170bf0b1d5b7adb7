/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/words.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/admin/answer.h"
#include "gateway/admin/args.h"
#include "gateway/admin/list.h"
#include "gateway/admin/span.h"
#include "gateway/call/quiet.h"
#include "tests/test.h"

static void words_are_cut_at_blanks_and_kept_by_quotes(void **state)
{
	static const struct {
		const char *text, *words[4];
	} rows[] = {
		{ "", { NULL } },
		{ " \n\t ", { NULL } },
		{ "a  b", { "a", "b" } },
		{ "a \"b c\" d", { "a", "b c", "d" } },
		{ "name=\"b c\"", { "name=b c" } },
		{ "\"open end", { "open end" } },
		{ "\"\"", { "" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct words words;
		size_t n = 0;

		assert_int_equal(words_split(&words, rows[i].text), 0);
		for (; n < 4 && rows[i].words[n]; n++)
			assert_string_equal(words.v[n], rows[i].words[n]);
		assert_int_equal(words.n, n);
		words_fini(&words);
	}
}

static void too_many_words_are_refused(void **state)
{
	char text[2 * WORDS_MAX + 3];
	struct words words;

	(void)state;
	memset(text, ' ', sizeof(text));
	for (size_t i = 0; i <= WORDS_MAX; i++)
		text[2 * i] = 'x';
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(words_split(&words, text), -E2BIG);
	assert_null(words.text);
}

static void commands_are_found_by_one_word_or_two(void **state)
{
	static const struct {
		const char *text, *node;
		size_t used;
	} rows[] = {
		{ "status", "status", 1 },
		{ "Number-Assign x", "number-assign", 1 },
		{ "number assign x", "number-assign", 2 },
		{ "numbers assign", "numbers", 1 },
		{ "why failed", "why-failed", 2 },
		{ "nothing", NULL, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct command *command;
		struct words words;

		assert_int_equal(words_split(&words, rows[i].text), 0);
		command = words_command(&words);
		if (rows[i].node)
			assert_string_equal(command->node, rows[i].node);
		else
			assert_null(command);
		assert_int_equal(words.used, rows[i].used);
		words_fini(&words);
	}
}

static void values_go_to_fields_by_name_or_in_order(void **state)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	struct args args = { .command = command_find("number-assign") };

	(void)state;
	assert_int_equal(form_values_new(&values), 0);
	args.values = values;
	assert_int_equal(args_add(&args, "owner=bob@example.org"), 0);
	assert_int_equal(args_add(&args, "+15551234567"), 0);
	assert_int_equal(args_add(&args, "carrier"), 0);
	assert_int_equal(args_add(&args, "more"), ARGS_E_UNKNOWN);
	assert_int_equal(args_add(&args, "nothing=1"), ARGS_E_UNKNOWN);
	assert_string_equal(form_value(values, "number", 0), "+15551234567");
	assert_string_equal(form_value(values, "owner", 0), "bob@example.org");
	assert_string_equal(form_value(values, "trunk", 0), "carrier");
	assert_int_equal(args_add(&args, "trunk=-"), 0);
	assert_null(form_value(values, "trunk", 0));
	assert_true(form_values_has(values, "trunk"));
}

static void what_is_no_word_of_a_command_is_told(void **state)
{
	static const struct {
		const char *command, *word, *said;
	} rows[] = {
		{ "trunks", "x",
		  "trunks takes no words behind it.\ntrunks: Trunks\n" },
		{ "trunk-test", "colour=red",
		  "trunk-test has no field colour. It has these:\n"
		  "trunk-test: Test a trunk by OPTIONS\n"
		  "trunk=… Trunk (required)\n" },
		{ "trunk-drain", "x",
		  "These are more words than trunk-drain has fields:\n"
		  "trunk-drain: Take a trunk out of service, or back\n"
		  "trunk=… Trunk (required)\n"
		  "drain=… Take no new calls (else yes)\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct command *command = command_find(rows[i].command);
		char *text = NULL;
		size_t n = 0;
		FILE *to = open_memstream(&text, &n);

		assert_non_null(to);
		args_explain(to, command, rows[i].word);
		words_help_command(to, command);
		assert_int_equal(fclose(to), 0);
		assert_string_equal(text, rows[i].said);
		free(text);
	}
}

static void flags_are_said_as_people_say_them(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = {
		{ "YES", "true" },  { "on", "true" },   { "n", "false" },
		{ "Off", "false" }, { "true", "true" }, { "what", "what" }
	};
	static const struct form_spec spec = { .var = "f",
					       .label = "F",
					       .type = FORM_BOOLEAN };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(form_values_freep) struct form_values *values = NULL;

		assert_int_equal(form_values_new(&values), 0);
		assert_int_equal(args_set(values, &spec, rows[i].text), 0);
		assert_string_equal(form_value(values, "f", 0), rows[i].value);
	}
}

/* The table is data: what a slip in it would break. */
static void the_table_is_sound(void **state)
{
	const struct command *command, *other;

	(void)state;
	for (size_t i = 0; (command = command_at(i)); i++) {
		assert_true(command->node && command->title && command->run);
		for (size_t k = 0; k < i; k++) {
			other = command_at(k);
			assert_string_not_equal(command->node, other->node);
		}
		for (size_t s = 0; s < COMMAND_MAX_STEPS; s++) {
			const struct command_step *step = &command->steps[s];

			for (size_t f = 0; f < step->n; f++) {
				assert_non_null(step->fields[f].var);
				assert_non_null(step->fields[f].label);
			}
		}
		assert_ptr_equal(command_find(command->node), command);
	}
}

static void print(char *out, size_t cap, const struct answer *answer,
		  enum answer_style style)
{
	FILE *to = fmemopen(out, cap, "w");

	assert_non_null(to);
	answer_print(answer, style, to);
	assert_int_equal(fclose(to), 0);
}

static void an_answer_has_nothing_that_xml_or_a_terminal_minds(void **state)
{
	AUTO(answer_freep) struct answer *answer = NULL;
	char text[64];

	(void)state;
	assert_int_equal(answer_new(&answer), 0);
	answer_info(answer, "%s", "a\x1b[2Jb\xff\xc2\x9b\nZo\xc3\xab");
	print(text, sizeof(text), answer, ANSWER_ALIGNED);
	assert_string_equal(text, "a?[2Jb??\nZo\xc3\xab\n");
}

static void an_answer_has_three_styles(void **state)
{
	AUTO(answer_freep) struct answer *answer = NULL;
	char text[512];

	(void)state;
	assert_int_equal(answer_new(&answer), 0);
	answer_info(answer, "Well.");
	answer_warn(answer, "But.");
	answer_fact(answer, "Calls", "%d", 3);
	answer_column(answer, "Who");
	answer_column(answer, "What");
	answer_cell(answer, "Zoë");
	answer_cell(answer, "a\tb");
	answer_cell(answer, "Al");
	answer_cell(answer, "%s", "");
	assert_true(answer_ok(answer) && !answer_failed(answer));
	print(text, sizeof(text), answer, ANSWER_ALIGNED);
	assert_string_equal(text, "Well.\nNote: But.\nCalls: 3\n"
				  "Who  What\nZoë  a\tb\nAl   \n");
	print(text, sizeof(text), answer, ANSWER_TABS);
	assert_string_equal(text, "Well.\nNote: But.\nCalls\t3\n"
				  "Zoë\ta b\nAl\t\n");
	print(text, sizeof(text), answer, ANSWER_CHAT);
	assert_string_equal(text, "Well.\nNote: But.\nCalls: 3\n"
				  "• Zoë; What: a\tb\n• Al\n");
	answer_error(answer, "No.");
	assert_true(answer_failed(answer));
}

static void times_are_read_and_written(void **state)
{
	int64_t ms;

	(void)state;
	assert_true(span_parse_time(&ms, "2026-11-21 17:04:05"));
	assert_string_equal(span_time(ms).s, "2026-11-21 17:04:05");
	assert_true(span_parse_time(&ms, "2026-11-21"));
	assert_string_equal(span_time(ms).s, "2026-11-21 00:00:00");
	assert_false(span_parse_time(&ms, "yesterday"));
	assert_false(span_parse_time(&ms, "2026-11-21 25:00"));
	assert_string_equal(span_text(3723000).s, "1 h 2 min");
	assert_string_equal(span_text(59999).s, "59 s");
}

static void lists_are_cut_with_an_ellipsis(void **state)
{
	const char *names[200];

	(void)state;
	for (size_t i = 0; i < 200; i++)
		names[i] = "somebody@example.org";
	assert_string_equal(list_join(names, 2).s,
			    "somebody@example.org, somebody@example.org");
	struct list_text all = list_join(names, 200);
	assert_true(strlen(all.s) < sizeof(all.s));
	assert_non_null(strstr(all.s, ", …"));
}

static void it_is_quiet_at_its_times(void **state)
{
	/* a Friday, 23:30, and the Saturday after it, 06:59 and 07:00 */
	const struct tm night = { .tm_wday = 5, .tm_hour = 23, .tm_min = 30 };
	const struct tm dawn = { .tm_wday = 6, .tm_hour = 6, .tm_min = 59 };
	const struct tm day = { .tm_wday = 6, .tm_hour = 7 };

	(void)state;
	assert_true(quiet_is("on", &day) && !quiet_is("", &night));
	assert_true(quiet_is("mon-fri 22:00-07:00", &night));
	assert_true(quiet_is("mon-fri 22:00-07:00", &dawn));
	assert_false(quiet_is("mon-fri 22:00-07:00", &day));
	assert_false(quiet_is("sat, sun 22:00-07:00", &night));
	assert_true(quiet_is_valid("mon-fri, sun 08:00-18:00"));
	assert_false(quiet_is_valid("sometimes"));
	assert_false(quiet_is_valid("mon-fri 8-18"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_cut_at_blanks_and_kept_by_quotes),
		cmocka_unit_test(too_many_words_are_refused),
		cmocka_unit_test(commands_are_found_by_one_word_or_two),
		cmocka_unit_test(values_go_to_fields_by_name_or_in_order),
		cmocka_unit_test(what_is_no_word_of_a_command_is_told),
		cmocka_unit_test(flags_are_said_as_people_say_them),
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(
			an_answer_has_nothing_that_xml_or_a_terminal_minds),
		cmocka_unit_test(an_answer_has_three_styles),
		cmocka_unit_test(times_are_read_and_written),
		cmocka_unit_test(lists_are_cut_with_an_ellipsis),
		cmocka_unit_test(it_is_quiet_at_its_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
