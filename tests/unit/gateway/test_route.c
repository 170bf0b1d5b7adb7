/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is called, and by which trunk. */
#include "tests/unit/gateway/route_rig.h"

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
	struct origin origin;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "carol@example.org",
					    "+15551234567"),
			 0);
	assert_string_equal(route.from, "+15559999999");
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15559999999", NULL,
					 NULL, NULL }),
		0);
	assert_string_equal(route.owner, "carol@example.org");
}

/* As the voice side of a text gateway, which writes its users so. */
static void one_call_may_hide_the_number(void **state)
{
	static const char *const dialled[] = { "*67+15551234567",
					       "#31#+15551234567" };
	struct route route;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(call(&route, "bob@example.org", dialled[i]),
				 0);
		assert_string_equal(route.to, "+15551234567");
		assert_true(route.withhold);
	}
	assert_int_equal(call(&route, "bob@example.org", "+15551234567"), 0);
	assert_false(route.withhold);
	/* who is called for help sees who calls */
	assert_int_equal(call(&route, "bob@example.org", "*67911"),
			 ROUTE_E_EMERGENCY);
	assert_int_equal(call(&route, "bob@example.org", "*67"),
			 ROUTE_E_COUNTRY);
}

static void a_number_may_be_said_to_live_here(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "+15551234567\\40Tel.example.org"),
			 0);
	assert_int_equal(route.kind, ROUTE_TRUNK);
	assert_string_equal(route.to, "+15551234567");
	assert_string_equal(route.trunk_config->name, "carrier");
}

static void a_trunk_is_known_by_its_host_too(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "reception\\40192.0.2.1"),
			 0);
	assert_string_equal(route.trunk_config->name, "carrier");
	assert_int_equal(route_from_account(&route, &gateway,
					    "alice@example.org",
					    "reception\\40198.51.100.1"),
			 ROUTE_E_FORBIDDEN);
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
		{ "611", ROUTE_E_COUNTRY },
		{ "555-123-4567", ROUTE_E_COUNTRY },
		{ "(555)\\20123-4567", ROUTE_E_COUNTRY },
		{ "tel\\3a+15551234567", ROUTE_E_COUNTRY },
		{ "+1-555-123-4567", ROUTE_E_COUNTRY },
		{ "+1555123456x", ROUTE_E_NUMBER },
		{ "+", ROUTE_E_NUMBER },
		{ "+1234567890123456", ROUTE_E_NUMBER },
		{ "alice", ROUTE_E_NUMBER },
		{ "alice\\40nowhere", ROUTE_E_UNKNOWN },
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
		tear_down(NULL); /* the rate */
		set_up(NULL);
	}
}

static void a_trunk_finds_the_owner_as_it_writes_numbers(void **state)
{
	(void)state;
	static const struct brought rows[] = {
		{ .user = "+15557654321" },
		{ .user = "15557654321" },
		{ .user = "05557654321" }, /* rewrite_in */
		{ .user = "+1-555-765-4321" },
		{ .user = "opaque-contact", .to = "+15557654321" },
		{ .user = "", .to = "15557654321" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin origin;
		struct route route;

		assert_int_equal(bring(&route, &origin, &rows[i]), 0);
		assert_int_equal(route.kind, ROUTE_ACCOUNT);
		assert_string_equal(route.owner, "alice@example.org");
		assert_string_equal(route.to, "+15557654321");
		assert_string_equal(route.from, "+15551112222");
	}
}

static void nobodys_number_is_unknown(void **state)
{
	(void)state;
	struct origin origin;
	struct route route;

	assert_int_equal(bring(&route, &origin,
			       &(struct brought){ .user = "+15550009999",
						  .to = "+15550009999" }),
			 ROUTE_E_UNKNOWN);
}

static void trunks_at_one_address_are_told_apart(void **state)
{
	(void)state;
	static const struct {
		struct brought b;
		const char *trunk;
		int expected;
	} rows[] = {
		{ { "203.0.113.9", "+15557654321", NULL, NULL,
		    "x-trunk:  backup \r\n" },
		  "backup",
		  0 },
		{ { "203.0.113.9", "77*+15557654321", NULL, NULL, NULL },
		  "beside",
		  0 },
		{ { "203.0.113.9", "77*+15557654321", NULL, NULL,
		    "X-Trunk: backup\r\n" },
		  "backup",
		  ROUTE_E_UNKNOWN },
		{ { "203.0.113.9", "+15557654321", NULL, NULL,
		    "X-Trunk: backuq\r\n" },
		  NULL,
		  ROUTE_E_STRANGER },
		{ { "203.0.113.9", "+15557654321", NULL, NULL, NULL },
		  NULL,
		  ROUTE_E_STRANGER },
		{ { "203.0.113.10", "+15557654321", NULL, NULL, NULL },
		  NULL,
		  ROUTE_E_STRANGER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin origin;
		struct route route;

		assert_int_equal(bring(&route, &origin, &rows[i].b),
				 rows[i].expected);
		if (rows[i].trunk)
			assert_string_equal(route.trunk_config->name,
					    rows[i].trunk);
	}
}

static void callers_are_written_as_e164(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "<sip:0049301234567@x>", "+49301234567" },
		{ "<sip:030-1234567@x>", "+49301234567" },
		{ "<sip:+1(555)1112222@x>", "+15551112222" },
		{ "<sip:bob@x>", "bob\\40carrier" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origin origin;
		struct route route;

		assert_int_equal(
			bring(&route, &origin,
			      &(struct brought){ .user = "+15557654321",
						 .from = rows[i][0] }),
			0);
		assert_string_equal(route.from, rows[i][1]);
	}
}

static void a_trunk_is_believed_or_not(void **state)
{
	(void)state;
	static const char headers[] =
		"P-Asserted-Identity: \"Bob\" <sip:+15553334444"
		";verstat=TN-Validation-Passed@x>\r\n"
		"Diversion: <sip:+15550001@x>;reason=no-answer\r\n";
	struct origin origin;
	struct route route;

	assert_int_equal(bring(&route, &origin,
			       &(struct brought){ .user = "+15557654321",
						  .headers = headers }),
			 0);
	assert_string_equal(route.from, "+15553334444");
	assert_string_equal(origin.display, "Bob");
	assert_string_equal(origin.verstat, "TN-Validation-Passed");
	assert_string_equal(origin.first_called, "+15550001");
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15550000001", NULL,
					 NULL, headers }),
		0);
	assert_string_equal(route.from, "+15551112222");
	assert_string_equal(origin.verstat, "");
	assert_string_equal(origin.first_called, "");
}

static void a_trunks_rules_refuse_callers(void **state)
{
	(void)state;
	struct origin origin;
	struct route route;

	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ .user = "+15557654321",
					 .headers = "Privacy: id\r\n" }),
		ROUTE_E_ANONYMOUS);
	assert_int_equal(bring(&route, &origin,
			       &(struct brought){
				       .user = "+15557654321",
				       .headers = "X-Twilio-VerStat: "
						  "TN-Validation-Failed\r\n" }),
			 ROUTE_E_VERDICT);
	/* another trunk has no such rule */
	assert_int_equal(
		bring(&route, &origin,
		      &(struct brought){ "198.51.100.1", "+15550000001", NULL,
					 NULL, "Privacy: id\r\n" }),
		0);
	assert_string_equal(route.from, "anonymous");
	assert_string_equal(origin.display, "");
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
		{ "Unavailable", "anonymous" },
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

static void a_route_gives_the_order_of_trunks(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_int_equal(route.ntrunks, 3);
	assert_string_equal(route.trunks[0].config->name, "pbx");
	assert_string_equal(route.trunks[2].config->name, "carrier");
	down = "pbx";
	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_string_equal(route.trunk_config->name, "backup");
	assert_string_equal(route.trunks[2].config->name, "pbx");
	/* one denies the number */
	assert_int_equal(call(&route, "alice@example.org", "+4712345678"), 0);
	assert_int_equal(route.ntrunks, 2);
	/* one is called too often */
	toll_try(&gateway, TOLL_TRUNK, "backup");
	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_int_equal(route.ntrunks, 3);
	toll_try(&gateway, TOLL_TRUNK, "backup");
	assert_int_equal(call(&route, "alice@example.org", "+4930123456"), 0);
	assert_int_equal(route.ntrunks, 2);
}

#define CODES ";phone-context=ca-us.phone-context.soprani.ca"

static void each_trunk_has_its_own_spelling(void **state)
{
	(void)state;
	AUTO(sip_parties_freep) struct sip_parties *dialled = NULL;
	struct route route;

	assert_int_equal(call(&route, "alice@example.org", "+15551234567"), 0);
	assert_int_equal(route_dial(&dialled, &route, 0), 0);
	assert_string_equal(dialled->to, "0015551234567");
	assert_string_equal(dialled->from, "15557654321");
	assert_string_equal(route.display, "Alice");
	assert_true(route.withhold);
	assert_int_equal(call(&route, "alice@example.org", "411"), 0);
	sip_parties_free(dialled);
	assert_int_equal(route_dial(&dialled, &route, 0), 0);
	assert_string_equal(dialled->to, "411");
	assert_int_equal(call(&route, "bob@example.org", "411"),
			 ROUTE_E_COUNTRY);
	/* as texts come from them */
	assert_int_equal(call(&route, "alice@example.org", "411" CODES), 0);
	assert_true(route.dialled_plain);
	assert_string_equal(route.to, "411");
	assert_int_equal(call(&route, "alice@example.org", "412" CODES),
			 ROUTE_E_UNKNOWN);
	assert_int_equal(call(&route, "alice@example.org", "911" CODES),
			 ROUTE_E_EMERGENCY);
}

static void no_user_of_a_trunk_is_a_number_in_disguise(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"0088212345678\\40carrier", "+88212345678\\40carrier",
		"011-882-12345\\40carrier", "*21*0088212345678#\\40carrier",
		"*72\\40carrier",
	};
	struct route route;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(call(&route, "alice@example.org", rows[i]),
				 ROUTE_E_NUMBER);
		tear_down(NULL);
		set_up(NULL);
	}
	assert_int_equal(call(&route, "alice@example.org", "201\\40carrier"),
			 0);
	assert_int_equal(call(&route, "alice@example.org", "*98\\40carrier"),
			 0);
}

static void emergency_numbers_are_refused_in_so_many_words(void **state)
{
	(void)state;
	static const char *const rows[] = { "112", "911", "+112",
					    "911\\40carrier" };
	struct route route;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(call(&route, "alice@example.org", rows[i]),
				 ROUTE_E_EMERGENCY);
}

/* Whoever dials a number whose owner forwards there. */
static void calls_go_on_to_telephones_alone(void **state)
{
	(void)state;
	struct route route;

	assert_int_equal(route_forward(&route, &gateway, "alice@example.org",
				       "+15551234567"),
			 0);
	assert_string_equal(route.from, "+15557654321");
	assert_int_equal(route_forward(&route, &gateway, "alice@example.org",
				       "911\\40carrier"),
			 ROUTE_E_EMERGENCY);
	assert_int_equal(
		route_forward(&route, &gateway, "alice@example.org", "112"),
		ROUTE_E_EMERGENCY);
	assert_int_equal(
		route_forward(&route, &gateway, "alice@example.org", "echo"),
		ROUTE_E_NUMBER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTE_TEST(an_account_calls_from_its_own_number),
		ROUTE_TEST(a_number_added_at_run_time_counts_as_well),
		ROUTE_TEST(one_call_may_hide_the_number),
		ROUTE_TEST(a_number_may_be_said_to_live_here),
		ROUTE_TEST(a_trunk_is_known_by_its_host_too),
		ROUTE_TEST(who_owns_no_number_calls_nobody),
		ROUTE_TEST(our_own_numbers_are_reached_without_a_trunk),
		ROUTE_TEST(what_is_no_number_is_refused),
		ROUTE_TEST(a_trunk_finds_the_owner_as_it_writes_numbers),
		ROUTE_TEST(nobodys_number_is_unknown),
		ROUTE_TEST(trunks_at_one_address_are_told_apart),
		ROUTE_TEST(callers_are_written_as_e164),
		ROUTE_TEST(a_trunk_is_believed_or_not),
		ROUTE_TEST(a_trunks_rules_refuse_callers),
		ROUTE_TEST(a_source_belongs_to_the_trunk_that_allows_it),
		ROUTE_TEST(callers_have_plain_addresses),
		ROUTE_TEST(a_sip_user_who_called_can_be_called_back),
		ROUTE_TEST(a_route_gives_the_order_of_trunks),
		ROUTE_TEST(each_trunk_has_its_own_spelling),
		ROUTE_TEST(no_user_of_a_trunk_is_a_number_in_disguise),
		ROUTE_TEST(emergency_numbers_are_refused_in_so_many_words),
		ROUTE_TEST(calls_go_on_to_telephones_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
