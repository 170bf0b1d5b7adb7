/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/rewrite.h"

#include "tests/test.h"

#define TRUNK(keys)                                              \
	"xmpp { domain = \"tel.example.org\" secret = \"s\" }\n" \
	"trunk \"t\" { proxy = \"sip:192.0.2.1\" " keys " }\n"

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static struct config *read_trunk(const char *text)
{
	struct config *config = NULL;

	assert_int_equal(
		config_parse(&config, "test", slice_of(text), on_mistake, NULL),
		0);
	return config;
}

/* How carriers want it and how they give it: the first that fits. */
static void rules_are_tried_in_their_order(void **state)
{
	(void)state;
	static const struct {
		const char *text, *number, *expected;
	} rows[] = {
		{ TRUNK("rewrite_out = { \"+=>\" }"), "+15551234567",
		  "15551234567" },
		{ TRUNK("rewrite_out = { \"+=>00\" }"), "+4930123",
		  "004930123" },
		{ TRUNK("rewrite_out = { \"+1=>1\", \"+=>011\" }"),
		  "+15551234567", "15551234567" },
		{ TRUNK("rewrite_out = { \"+1=>1\", \"+=>011\" }"), "+4930123",
		  "0114930123" },
		/* Flowroute's technical prefix */
		{ TRUNK("rewrite_out = { \"+=>12345678*\" }"), "+12065550100",
		  "12345678*12065550100" },
		{ TRUNK("rewrite_out = { \"=>9\" }"), "+1555", "9+1555" },
		{ TRUNK("rewrite_out = { \"+1555$=>0\", \"+1555=>1\" }"),
		  "+1555", "0" },
		{ TRUNK("rewrite_out = { \"+1555$=>0\", \"+1555=>1\" }"),
		  "+15556", "16" },
		{ TRUNK("rewrite_out = { \"+44=>0\" }"), "+4930", "+4930" },
		{ TRUNK(""), "+4930", "+4930" },
		/* the other way: VoIP.ms, and a German carrier */
		{ TRUNK("rewrite_out = { \"+=>+\", \"1=>+1\", \"=>+1\" }"),
		  "5551234567", "+15551234567" },
		{ TRUNK("rewrite_out = { \"+=>+\", \"1=>+1\", \"=>+1\" }"),
		  "15551234567", "+15551234567" },
		{ TRUNK("rewrite_out = { \"00=>+\", \"0=>+49\", \"=>+\" }"),
		  "030123", "+4930123" },
		{ TRUNK("rewrite_out = { \"00=>+\", \"0=>+49\", \"=>+\" }"),
		  "004930123", "+4930123" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AUTO(config_freep) struct config *c = read_trunk(rows[i].text);
		char out[64];

		assert_int_equal(rewrite_apply(out, sizeof(out),
					       &c->trunks[0].rewrite_out,
					       rows[i].number),
				 0);
		assert_string_equal(out, rows[i].expected);
	}
}

static void what_does_not_fit_is_not_cut(void **state)
{
	(void)state;
	AUTO(config_freep)
	struct config *c = read_trunk(TRUNK("rewrite_out = { \"=>123\" }"));
	char out[8];

	assert_int_equal(rewrite_apply(out, sizeof(out),
				       &c->trunks[0].rewrite_out, "12345"),
			 -EMSGSIZE);
	assert_int_equal(rewrite_plain(out, sizeof(out), "1-2-3-4"), 0);
	assert_int_equal(rewrite_plain(out, sizeof(out), "123456789"),
			 -EMSGSIZE);
}

static void separators_are_left_out_of_numbers_alone(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "+1-555-123.4567", "+15551234567" },
		{ "(555)1234567", "5551234567" },
		{ "bob-1", "bob-1" },
		{ "anonymous", "anonymous" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[64];

		assert_int_equal(rewrite_plain(out, sizeof(out), rows[i][0]),
				 0);
		assert_string_equal(out, rows[i][1]);
	}
}

static void the_longest_prefix_decides(void **state)
{
	(void)state;
	static const struct {
		const char *text, *number;
		bool allowed;
	} rows[] = {
		{ TRUNK(""), "+88212345", true },
		{ TRUNK("deny_prefixes = { \"+88\" }"), "+88212345", false },
		{ TRUNK("deny_prefixes = { \"+88\" }"), "+4930", true },
		{ TRUNK("allow_prefixes = { \"+1\" }"), "+1555", true },
		{ TRUNK("allow_prefixes = { \"+1\" }"), "+4930", false },
		{ TRUNK("allow_prefixes = { \"+1\" } deny_prefixes = { "
			"\"+1900\""
			" }"),
		  "+19005550100", false },
		{ TRUNK("allow_prefixes = { \"+88213\" } deny_prefixes = { "
			"\"+882\" }"),
		  "+882131", true },
		{ TRUNK("allow_prefixes = { \"+\" } deny_prefixes = { \"+\" }"),
		  "+1", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		AUTO(config_freep) struct config *c = read_trunk(rows[i].text);

		assert_int_equal(
			rewrite_allows(&c->trunks[0].quota.destinations,
				       rows[i].number),
			rows[i].allowed);
	}
}

static void a_prefix_is_one_with_its_plus_or_without(void **state)
{
	(void)state;
	assert_int_equal(config_prefix_fit("+44", "+4420"), 3);
	assert_int_equal(config_prefix_fit("44", "+4420"), 3);
	assert_int_equal(config_prefix_fit("+44", "4420"), 3);
	assert_int_equal(config_prefix_fit("+", "+4420"), 1);
	assert_int_equal(config_prefix_fit("45", "+4420"), -1);
	assert_int_equal(config_prefix_fit("+44201", "+4420"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_tried_in_their_order),
		cmocka_unit_test(what_does_not_fit_is_not_cut),
		cmocka_unit_test(separators_are_left_out_of_numbers_alone),
		cmocka_unit_test(the_longest_prefix_decides),
		cmocka_unit_test(a_prefix_is_one_with_its_plus_or_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
