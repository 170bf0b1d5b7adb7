/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How much an account, a trunk and strangers may. */
#include "tests/unit/gateway/route_rig.h"

/* Of who is called callee.c asks: another owner may take the call. */
static void an_account_has_its_limit_of_calls(void **state)
{
	(void)state;
	static char account[] = "alice@example.org", trunk[] = "carrier";
	struct call calls[2] = { { .account = account, .trunk = trunk },
				 { .account = account, .trunk = trunk } };
	const struct brought b = { .user = "+15557654321" };
	struct origin origin;
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	assert_int_equal(bring(&route, &origin, &b), 0);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(bring(&route, &origin, &b), 0);
	assert_int_equal(
		limits_at_once(&gateway, QUOTA_ACCOUNT, "alice@example.org"),
		LIMIT_CALLS);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_BUSY);
}

static void the_limit_counts_an_account_however_it_is_written(void **state)
{
	(void)state;
	static char written[] = "Alice@Example.org", none[] = "";
	struct call calls[2] = { { .account = written, .trunk = none },
				 { .account = written, .trunk = none } };
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(call(&route, "alice@example.org", "echo"),
			 ROUTE_E_BUSY);
}

static void a_trunk_has_its_limit_of_calls(void **state)
{
	(void)state;
	static char account[] = "x@example.org", trunk[] = "pbx";
	struct call calls[2] = { { .account = account, .trunk = trunk },
				 { .account = account, .trunk = trunk } };
	struct origin origin;
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
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

static void minutes_of_the_day_are_limited(void **state)
{
	(void)state;
	static char account[] = "alice@example.org", trunk[] = "carrier";
	struct fare fare = { .account = account, .trunk = trunk };
	struct call talking = { .account = account,
				.trunk = trunk,
				.fare = &fare,
				.fare_said = CALL_FARE_ALLOWED,
				.answered_ms = clock_wall_ms() - 6 * 60000 };
	struct route route;

	limits_used(&gateway, "Alice@example.org", "carrier", 5 * 60);
	assert_int_equal(call(&route, "alice@example.org", "+15551"), 0);
	assert_int_equal(stored.seconds, 5 * 60);
	assert_string_equal(stored.name, "carrier");
	LIST_INSERT_HEAD(&gateway.calls, &talking, link);
	assert_int_equal(call(&route, "alice@example.org", "+15551"),
			 ROUTE_E_MINUTES);
	assert_int_equal(
		limits_left_ms(&gateway, "bob@example.org", "+1", "pbx"),
		10 * 60000);
	assert_int_equal(
		limits_left_ms(&gateway, "alice@example.org", "+1", "carrier"),
		1);
	assert_true(limits_left_ms(&gateway, "alice@example.org", "112",
				   "carrier") > 24 * 3600 * 1000);
	/* what costs nothing goes on */
	assert_int_equal(call(&route, "alice@example.org", "echo"), 0);
	assert_int_equal(call(&route, "alice@example.org", "+15550000001"), 0);
}

/* What is sent on costs who sends it on: time, a call, a line of each trunk. */
static void forwarded_calls_count_for_who_forwards(void **state)
{
	static char alice[] = "alice@example.org", bob[] = "bob@example.org";
	static char pbx[] = "pbx";
	struct fare fare = { .account = bob, .trunk = pbx, .diverted = true };
	struct call sent_on = { .account = alice,
				.trunk = pbx,
				.inbound = true,
				.fare = &fare,
				.answered_ms = clock_wall_ms() - 20 * 60000 };

	(void)state;
	LIST_INSERT_HEAD(&gateway.calls, &sent_on, link);
	assert_int_equal(limits_now(&gateway, QUOTA_ACCOUNT, bob, "+15551"),
			 LIMIT_NONE);
	assert_int_equal(limits_at_once(&gateway, QUOTA_TRUNK, pbx),
			 LIMIT_NONE);
	/* asked about just now */
	sent_on.question = (struct question *)&sent_on;
	assert_int_equal(limits_at_once(&gateway, QUOTA_TRUNK, pbx),
			 LIMIT_CALLS);
	sent_on.question = NULL;
	sent_on.fare_said = CALL_FARE_ALLOWED;
	assert_int_equal(limits_now(&gateway, QUOTA_ACCOUNT, bob, "+15551"),
			 LIMIT_MINUTES);
	assert_int_equal(limits_now(&gateway, QUOTA_ACCOUNT, alice, "+15551"),
			 LIMIT_NONE);
	assert_int_equal(limits_at_once(&gateway, QUOTA_TRUNK, pbx),
			 LIMIT_CALLS);
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
	assert_true(limits_withhold(&gateway, "frank@example.org"));
	assert_false(limits_withhold(&gateway, "bob@example.org"));
}

static void half_of_all_calls_may_ring_at_a_time(void **state)
{
	static const unsigned rows[][2] = { { 1, 1 },       { 150, 150 },
					    { 200, 200 },   { 300, 200 },
					    { 1000, 500 },  { 1001, 500 },
					    { 3200, 1600 }, { 100000, 50000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config sized = { .limits.calls = rows[i][0] };
		assert_int_equal(limits_half_open(&sized), rows[i][1]);
	}
}

static void the_echo_calls_an_account_once_at_a_time(void **state)
{
	(void)state;
	static char alice[] = "alice@example.org", none[] = "";
	static char echo[] = "echo";
	struct call one = {
		.account = alice, .trunk = none, .from = echo, .to = alice
	};

	assert_int_equal(route_echo_to(&gateway, "alice@example.org"), 0);
	LIST_INSERT_HEAD(&gateway.calls, &one, link);
	assert_int_equal(route_echo_to(&gateway, "alice@example.org"),
			 ROUTE_E_BUSY);
	assert_int_equal(route_echo_to(&gateway, "bob@example.org"), 0);
}

static void echo_is_for_a_few_strangers_at_a_time(void **state)
{
	(void)state;
	static char one[] = "mallory@example.net", two[] = "eve@example.net";
	static char none[] = "", echo[] = "echo", bob[] = "+15550000001";
	struct call calls[3] = {
		{ .account = one, .trunk = none, .to = echo },
		{ .account = two, .trunk = none, .to = echo },
		{ .account = two, .trunk = none, .to = bob },
	};
	struct route route;

	/* a call from account to account is none to the echo */
	LIST_INSERT_HEAD(&gateway.calls, &calls[2], link);
	assert_int_equal(call(&route, "eve@example.net", "echo"), 0);

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	assert_int_equal(call(&route, "mallory@example.net", "echo"),
			 ROUTE_E_BUSY);
	assert_int_equal(call(&route, "trudy@example.net", "echo"), 0);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
	assert_int_equal(call(&route, "trudy@example.net", "echo"),
			 ROUTE_E_BUSY);
	/* who has a number has its own limit */
	assert_int_equal(call(&route, "alice@example.org", "echo"), 0);
}

static void emergency_calls_go_by_their_trunk_and_are_never_limited(
	void **state)
{
	(void)state;
	static char name[] = "pbx", account[] = "alice@example.org";
	struct call calls[2] = { { .account = account, .trunk = name },
				 { .account = account, .trunk = name } };
	char *before = config->emergency.trunk;
	AUTO(sip_parties_freep) struct sip_parties *dialled = NULL;
	struct route route;

	LIST_INSERT_HEAD(&gateway.calls, &calls[0], link);
	LIST_INSERT_HEAD(&gateway.calls, &calls[1], link);
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
		ROUTE_TEST(half_of_all_calls_may_ring_at_a_time),
		ROUTE_TEST(prefixes_and_rates_are_limited),
		ROUTE_TEST(minutes_of_the_day_are_limited),
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
