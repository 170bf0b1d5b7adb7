/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How much an account, a trunk and strangers may. */
#include "tests/unit/gateway/route_rig.h"

/* Of who is called callee.c asks: another owner may take the call. */
static void an_account_has_its_limit_of_calls(void **state)
{
	(void)state;
	const struct brought b = { .user = "+15557654321" };
	struct origin origin;
	struct route route;

	talks("alice@example.org", "carrier");
	assert_int_equal(bring(&route, &origin, &b), 0);
	talks("alice@example.org", "carrier");
	assert_int_equal(bring(&route, &origin, &b), 0);
	assert_int_equal(
		limits_at_once(&gateway, QUOTA_ACCOUNT, "alice@example.org"),
		LIMIT_CALLS);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_BUSY);
	nobody_talks();
	assert_int_equal(call(&route, "alice@example.org", "+15551"), 0);
}

static void the_limit_counts_an_account_however_it_is_written(void **state)
{
	(void)state;
	struct route route;

	talks("Alice@Example.org", "");
	counts(TOLL_ACCOUNT, "Alice@Example.org/any");
	assert_int_equal(call(&route, "alice@example.org", "echo"),
			 ROUTE_E_BUSY);
}

static void a_trunk_has_its_limit_of_calls(void **state)
{
	(void)state;
	struct origin origin;
	struct route route;

	talks("x@example.org", "pbx");
	talks("x@example.org", "pbx");
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15550000001", NULL,
					 NULL, NULL }),
		ROUTE_E_TRUNK_BUSY);
	assert_int_equal(call(&route, "bob@example.org", "+15551234567"),
			 ROUTE_E_TRUNK_BUSY);
	/* where the route has others, they take it */
	assert_int_equal(call(&route, "bob@example.org", "+4930123456"), 0);
	assert_string_equal(route.trunk_config->name, "backup");
}

static void prefixes_and_rates_are_limited(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(call(&route, "alice@example.org", "+88212345678"),
			 ROUTE_E_DESTINATION);
	assert_int_equal(call(&route, "alice@example.org", "+19005550100"),
			 ROUTE_E_DESTINATION);
	for (int i = 2; i < 5; i++)
		assert_int_equal(call(&route, "alice@example.org", "+15551"),
				 0);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_RATE);
	assert_int_equal(call(&route, "bob@example.org", "+15551"), 0);
}

/* A leg of the account's, for @ms on one day or the next. */
static void has_talked(const char *account, const char *trunk, int64_t ms)
{
	struct toll_meter mine = { .over = NULL }, theirs = { .over = NULL };
	int64_t since_ms = (int64_t)clock_ms() - ms;

	assert_int_equal(
		limits_start(&gateway, &mine, QUOTA_ACCOUNT, account, since_ms),
		0);
	assert_int_equal(
		limits_start(&gateway, &theirs, QUOTA_TRUNK, trunk, since_ms),
		0);
	toll_stop(&mine);
	toll_stop(&theirs);
}

static void minutes_of_the_day_are_limited(void **state)
{
	(void)state;
	struct toll_meter meter = { .over = NULL };
	struct route route;

	has_talked("Alice@example.org", "carrier", 5 * 60000);
	assert_int_equal(call(&route, "alice@example.org", "+15551"), 0);
	assert_in_range(stored.seconds, 5 * 60, 5 * 60 + 2);
	assert_string_equal(stored.name, "carrier");
	/* what lasts counts as well */
	assert_int_equal(limits_start(&gateway, &meter, QUOTA_ACCOUNT,
				      "alice@example.org",
				      (int64_t)clock_ms() - 6 * 60000),
			 0);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_MINUTES);
	assert_int_equal(call(&route, "bob@example.org", "+15551"), 0);
	/* what costs nothing goes on, and so does help */
	assert_int_equal(call(&route, "alice@example.org", "echo"), 0);
	assert_int_equal(call(&route, "alice@example.org", "+15550000001"), 0);
	toll_stop(&meter);
}

/* It is no call more when one goes on elsewhere. */
static void a_transfer_is_no_call_more(void **state)
{
	(void)state;
	struct route route;

	talks("bob@example.org", "pbx");
	talks("bob@example.org", "pbx");
	assert_int_equal(call(&route, "bob@example.org", "+15551234567"),
			 ROUTE_E_BUSY);
	assert_int_equal(route_transfer(&route, &gateway, "bob@example.org",
					"+15551234567"),
			 0);
	assert_string_equal(route.trunk_config->name, "pbx");
	/* but it goes by all other rules */
	assert_int_equal(route_transfer(&route, &gateway, "bob@example.org",
					"+19005550100"),
			 ROUTE_E_DESTINATION);
	for (int i = 3; i < 5; i++)
		assert_int_equal(route_transfer(&route, &gateway,
						"bob@example.org", "+15551"),
				 0);
	assert_int_equal(
		route_transfer(&route, &gateway, "bob@example.org", "+15551"),
		ROUTE_E_RATE);
}

/* What is sent on costs who sends it on: time, a call, a line of the trunk. */
static void forwarded_calls_count_for_who_forwards(void **state)
{
	const char *bob = "bob@example.org", *alice = "alice@example.org";

	(void)state;
	counts(TOLL_TRUNK, "pbx");
	assert_int_equal(limits_at_once(&gateway, QUOTA_TRUNK, "pbx"),
			 LIMIT_NONE);
	counts(TOLL_TRUNK, "pbx");
	counts(TOLL_ACCOUNT, bob);
	assert_int_equal(limits_at_once(&gateway, QUOTA_TRUNK, "pbx"),
			 LIMIT_CALLS);
	has_talked(bob, "pbx", 20 * 60000);
	assert_int_equal(limits_check(&gateway, QUOTA_ACCOUNT, bob, "+15551",
				      LIMITS_TRIED),
			 LIMIT_MINUTES);
	assert_int_equal(limits_check(&gateway, QUOTA_ACCOUNT, alice, "+15551",
				      LIMITS_TRIED),
			 LIMIT_NONE);
}

static void an_administrator_sets_one_accounts_limits(void **state)
{
	(void)state;
	struct quota_row row = { .kind = QUOTA_ACCOUNT,
				 .name = "bob@example.org",
				 .allow = "+44 +4",
				 .deny = "" };
	struct route route;

	assert_int_equal(limits_set(&gateway, &row), 0);
	assert_int_equal(call(&route, "bob@example.org", "+15551"),
			 ROUTE_E_DESTINATION);
	assert_int_equal(call(&route, "bob@example.org", "+442012345678"), 0);
	row.deny = "+44 x";
	assert_int_equal(limits_set(&gateway, &row), -EINVAL);
	assert_int_equal(call(&route, "bob@example.org", "+442012345678"), 0);
	assert_int_equal(
		limits_unset(&gateway, QUOTA_ACCOUNT, "bob@example.org"), 0);
	assert_int_equal(call(&route, "bob@example.org", "+15551"), 0);
	assert_true(quotas_withhold(&gateway, "frank@example.org"));
	assert_false(quotas_withhold(&gateway, "bob@example.org"));
}

static void some_of_all_calls_may_ring_at_a_time(void **state)
{
	/* all, of these may ring, and of one address */
	static const unsigned rows[][3] = {
		{ 1, 1, 1 },       { 3, 3, 3 },        { 150, 150, 113 },
		{ 200, 200, 150 }, { 1000, 200, 150 }, { 1005, 201, 151 },
		{ 3200, 640, 480 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config sized = { .limits.calls = rows[i][0] };
		assert_int_equal(limits_half_open(&sized), rows[i][1]);
		assert_int_equal(limits_half_open_each(&sized), rows[i][2]);
	}
}

/* A call of the echo's, or to it. */
static void echoes(const char *account)
{
	counts(TOLL_ECHO, account);
	counts(TOLL_ECHO, TOLL_ECHO_ALL);
}

static void the_echo_calls_an_account_once_at_a_time(void **state)
{
	(void)state;
	assert_int_equal(route_echo_to(&gateway, "alice@example.org"), 0);
	echoes("alice@example.org");
	assert_int_equal(route_echo_to(&gateway, "alice@example.org"),
			 ROUTE_E_BUSY);
	assert_int_equal(route_echo_to(&gateway, "bob@example.org"), 0);
}

static void echo_is_for_a_few_strangers_at_a_time(void **state)
{
	(void)state;
	struct route route;

	/* a call from account to account is none to the echo */
	talks("eve@example.net", "");
	assert_int_equal(call(&route, "eve@example.net", "echo"), 0);

	echoes("mallory@example.net");
	assert_int_equal(call(&route, "mallory@example.net", "echo"),
			 ROUTE_E_BUSY);
	assert_int_equal(call(&route, "trudy@example.net", "echo"), 0);
	echoes("eve@example.net");
	assert_int_equal(call(&route, "trudy@example.net", "echo"),
			 ROUTE_E_BUSY);
	/* who has a number has its own limit */
	assert_int_equal(call(&route, "alice@example.org", "echo"), 0);
}

static void emergency_calls_go_by_their_trunk_and_are_never_limited(
	void **state)
{
	(void)state;
	static char name[] = "pbx";
	char *before = config->emergency.trunk;
	AUTO(sip_parties_freep) struct sip_parties *dialled = NULL;
	struct route route;

	talks("alice@example.org", name);
	talks("alice@example.org", name);
	config->emergency.trunk = name;
	assert_int_equal(call(&route, "alice@example.org", "112"), 0);
	assert_string_equal(route.trunk_config->name, "pbx");
	assert_int_equal(route_dial(&dialled, &route, 0), 0);
	assert_string_equal(dialled->to, "112");
	assert_false(route.withhold);
	assert_int_equal(call(&route, "mallory@example.org", "112"),
			 ROUTE_E_EMERGENCY);
	config->emergency.trunk = before;
}

static void who_is_disabled_calls_nobody(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(call(&route, "eve@example.org", "+15551"),
			 ROUTE_E_FORBIDDEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTE_TEST(an_account_has_its_limit_of_calls),
		ROUTE_TEST(the_limit_counts_an_account_however_it_is_written),
		ROUTE_TEST(a_trunk_has_its_limit_of_calls),
		ROUTE_TEST(some_of_all_calls_may_ring_at_a_time),
		ROUTE_TEST(prefixes_and_rates_are_limited),
		ROUTE_TEST(minutes_of_the_day_are_limited),
		ROUTE_TEST(a_transfer_is_no_call_more),
		ROUTE_TEST(forwarded_calls_count_for_who_forwards),
		ROUTE_TEST(an_administrator_sets_one_accounts_limits),
		ROUTE_TEST(the_echo_calls_an_account_once_at_a_time),
		ROUTE_TEST(echo_is_for_a_few_strangers_at_a_time),
		ROUTE_TEST(
			emergency_calls_go_by_their_trunk_and_are_never_limited),
		ROUTE_TEST(who_is_disabled_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
