/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route.h"

#include <string.h>

#include "gateway/call_state.h"
#include "gateway/gateway.h"
#include "gateway/number.h"
#include "sip/trunk.h"
#include "tests/test.h"

static const char text[] =
	"xmpp { domain = \"tel.example.org\" secret = \"s\" }\n"
	"limits { calls_per_account = 2 }\n"
	"trunk \"carrier\" { proxy = \"sip:192.0.2.1\""
	" allow = { \"192.0.2.0/24\" } }\n"
	"trunk \"pbx\" { proxy = \"sip:198.51.100.1\""
	" allow = { \"198.51.100.1\" } }\n"
	"number \"+15557654321\" { owner = \"alice@example.org\""
	" trunk = \"carrier\" }\n"
	"number \"+15550000001\" { owner = \"bob@example.org\""
	" trunk = \"pbx\" }\n";

/* ---- what routing asks of others ---- */

bool sip_trunk_allows(const struct sip_trunk *trunk, const struct addr *source)
{
	const struct config_trunk *config = (const struct config_trunk *)trunk;

	return addr_net_has(&config->allow[0], source);
}

static const struct account_number added = { .number = "+15559999999",
					     .trunk = "pbx",
					     .owners = { "carol@example.org" },
					     .nowners = 1 };

const struct account_number *account_find_number(
	const struct account_store *store, const char *number)
{
	(void)store;
	return strcmp(number, added.number) ? NULL : &added;
}

void account_each_number(const struct account_store *store, const char *owner,
			 account_number_fn fn, void *arg)
{
	(void)store;
	if (!strcmp(owner, added.owners[0]))
		fn(&added, arg);
}

/* ---- */

static struct gateway gateway;
static struct sip_trunk *trunks[2];
static struct config *config;

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static int set_up(void **state)
{
	(void)state;
	if (config_parse(&config, "test", slice_of(text), on_mistake, NULL))
		return -1;
	for (size_t i = 0; i < 2; i++)
		trunks[i] = (struct sip_trunk *)&config->trunks[i];
	gateway = (struct gateway){ .config = config,
				    .trunks = trunks,
				    .ntrunks = 2 };
	LIST_INIT(&gateway.calls);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config = config_free(config);
	return 0;
}

static void an_account_calls_from_its_own_number(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "+15551234567"),
			 0);
	assert_int_equal(route.kind, ROUTE_TRUNK);
	assert_string_equal(route.from, "+15557654321");
	assert_string_equal(route.to, "+15551234567");
	assert_string_equal(route.trunk_config->name, "carrier");
	assert_ptr_equal(route.trunk, trunks[0]);
}

static void a_number_added_at_run_time_counts_as_well(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "carol@example.org",
					    "+15551234567"),
			 0);
	assert_string_equal(route.from, "+15559999999");
	assert_int_equal(route_from_trunk(&route, &gateway, "+15559999999", ""),
			 0);
	assert_string_equal(route.owner, "carol@example.org");
}

static void who_owns_no_number_calls_nobody(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "mallory@example.org",
					    "+15551234567"),
			 ROUTE_E_FORBIDDEN);
	assert_int_equal(route_from_account(&route, &gateway,
					    "mallory@example.org", "echo"),
			 0);
	assert_int_equal(route.kind, ROUTE_ECHO);
}

static void our_own_numbers_are_reached_without_a_trunk(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "+15550000001"),
			 0);
	assert_int_equal(route.kind, ROUTE_ACCOUNT);
	assert_string_equal(route.owner, "bob@example.org");
	assert_string_equal(route.from, "+15557654321");
}

static void what_is_no_number_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *local;
		int expected;
	} rows[] = {
		{ "", ROUTE_E_NUMBER },
		{ "15551234567", ROUTE_E_COUNTRY },
		{ "911", ROUTE_E_COUNTRY },
		{ "555-123-4567", ROUTE_E_COUNTRY },
		{ "(555)\\20123-4567", ROUTE_E_COUNTRY },
		{ "tel\\3a+15551234567", ROUTE_E_COUNTRY },
		{ "+1-555-123-4567", ROUTE_E_COUNTRY },
		{ "+1555123456x", ROUTE_E_NUMBER },
		{ "+", ROUTE_E_NUMBER },
		{ "+1234567890123456", ROUTE_E_NUMBER },
		{ "alice", ROUTE_E_NUMBER },
		{ "alice\\40nowhere", ROUTE_E_FORBIDDEN },
		{ "a;b\\40carrier", ROUTE_E_NUMBER },
		{ "a\r\nVia\\40carrier", ROUTE_E_NUMBER },
		{ "\\40carrier", ROUTE_E_NUMBER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct route route;
		assert_int_equal(route_from_account(&route, &gateway,
						    "alice@example.org",
						    rows[i].local),
				 rows[i].expected);
	}
}

static void a_trunk_finds_the_owner_with_and_without_plus(void **state)
{
	(void)state;
	static const char *const users[][2] = {
		{ "+15557654321", "" },
		{ "15557654321", "" },
		{ "opaque-contact", "+15557654321" },
		{ "", "15557654321" },
	};

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct route route;
		assert_int_equal(route_from_trunk(&route, &gateway, users[i][0],
						  users[i][1]),
				 0);
		assert_int_equal(route.kind, ROUTE_ACCOUNT);
		assert_string_equal(route.owner, "alice@example.org");
		assert_string_equal(route.to, "+15557654321");
	}
}

static void nobodys_number_is_unknown(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_trunk(&route, &gateway, "+15550009999",
					  "+15550009999"),
			 ROUTE_E_UNKNOWN);
}

static void a_source_belongs_to_the_trunk_that_allows_it(void **state)
{
	(void)state;
	struct addr a;

	assert_int_equal(addr_parse(&a, slice_of("192.0.2.77"), 5060), 0);
	assert_ptr_equal(route_trunk_of(&gateway, &a), trunks[0]);
	assert_int_equal(addr_parse(&a, slice_of("198.51.100.1"), 5060), 0);
	assert_ptr_equal(route_trunk_of(&gateway, &a), trunks[1]);
	assert_int_equal(addr_parse(&a, slice_of("203.0.113.1"), 5060), 0);
	assert_null(route_trunk_of(&gateway, &a));
}

static void callers_have_plain_addresses(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "+15551234567", "+15551234567" },
		{ "15551234567", "+15551234567" },
		{ "", "anonymous" },
		{ "alice", "alice\\40pbx" },
		{ "100", "100\\40pbx" },
		{ "a b", "anonymous" },
		{ "a\"b", "anonymous" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char local[256];
		assert_int_equal(route_caller_local(local, sizeof(local),
						    rows[i][0], "pbx"),
				 0);
		assert_string_equal(local, rows[i][1]);
	}
}

static void a_sip_user_who_called_can_be_called_back(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway, "bob@example.org",
					    "alice\\40pbx"),
			 0);
	assert_int_equal(route.kind, ROUTE_TRUNK);
	assert_string_equal(route.to, "alice");
	assert_string_equal(route.trunk_config->name, "pbx");
}

static void an_account_has_its_limit_of_calls(void **state)
{
	(void)state;
	static char account[] = "alice@example.org";
	struct call calls[2] = { { .account = account },
				 { .account = account } };
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	assert_int_equal(route_from_trunk(&route, &gateway, "+15557654321", ""),
			 0);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(route_from_trunk(&route, &gateway, "+15557654321", ""),
			 ROUTE_E_BUSY);
	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org", "+15551"),
			 ROUTE_E_BUSY);
}

static void the_limit_counts_an_account_however_it_is_written(void **state)
{
	(void)state;
	static char written[] = "Alice@Example.org";
	struct call calls[2] = { { .account = written },
				 { .account = written } };
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org", "echo"),
			 ROUTE_E_BUSY);
}

#define ROUTE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTE_TEST(an_account_calls_from_its_own_number),
		ROUTE_TEST(a_number_added_at_run_time_counts_as_well),
		ROUTE_TEST(who_owns_no_number_calls_nobody),
		ROUTE_TEST(our_own_numbers_are_reached_without_a_trunk),
		ROUTE_TEST(what_is_no_number_is_refused),
		ROUTE_TEST(a_trunk_finds_the_owner_with_and_without_plus),
		ROUTE_TEST(nobodys_number_is_unknown),
		ROUTE_TEST(a_source_belongs_to_the_trunk_that_allows_it),
		ROUTE_TEST(callers_have_plain_addresses),
		ROUTE_TEST(a_sip_user_who_called_can_be_called_back),
		ROUTE_TEST(an_account_has_its_limit_of_calls),
		ROUTE_TEST(the_limit_counts_an_account_however_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
