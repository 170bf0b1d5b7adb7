/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/routes.h"

#include <event2/event.h>

#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/quotas.h"
#include "tests/test.h"
#include "tests/unit/db/fixture.h"
#include "tests/unit/gateway/noon.h"

static const char text[] =
	"xmpp { domain = \"tel.example.org\" secret = \"s\" }\n"
	"trunk \"a\" { proxy = \"sip:192.0.2.1\" }\n"
	"trunk \"b\" { proxy = \"sip:192.0.2.2\" }\n"
	"route \"day\" { prefixes = { \"+49\" } days = \"mon-fri\"\n"
	"  hours = \"08:00-18:00\" trunks = { \"a\" } }\n"
	"route \"night\" { prefixes = { \"+49\" } days = \"mon-fri\"\n"
	"  hours = \"18:00-08:00\" trunks = { \"b\" } }\n"
	"route \"berlin\" { prefixes = { \"+4930\", \"+4933\" }\n"
	"  hours = \"10:00-11:00\" trunks = { \"b\", \"a\" } }\n"
	"route \"rest\" { prefixes = { \"+4\" } trunks = { \"a\" } }\n";

static struct gateway gateway;

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static int set_up(void **state)
{
	struct config *config;
	struct fixture *f;

	noon();
	if (fixture_setup(state) ||
	    config_parse(&config, "test", slice_of(text), on_mistake, NULL))
		return -1;
	f = *state;
	gateway = (struct gateway){ .config = config,
				    .db = f->db,
				    .base = event_base_new() };
	return routes_new(&gateway) || quotas_new(&gateway) ||
	       toll_new(&gateway);
}

static int tear_down(void **state)
{
	routes_free(&gateway);
	toll_free(&gateway);
	quotas_free(&gateway);
	event_base_free(gateway.base);
	config_free((struct config *)gateway.config);
	return fixture_teardown(state);
}

/* @day: 0 is Sunday, as in struct tm. */
static const char *find(const char *number, int day, int hour, int minute)
{
	const struct tm now = { .tm_wday = day,
				.tm_hour = hour,
				.tm_min = minute };
	const struct config_route *route = routes_find(&gateway, number, &now);

	return route ? route->name : "none";
}

static void the_longest_prefix_whose_time_it_is_decides(void **state)
{
	(void)state;
	static const struct {
		const char *number;
		int day, hour, minute;
		const char *route;
	} rows[] = {
		{ "+49891234", 1, 8, 0, "day" },
		{ "+49891234", 5, 17, 59, "day" },
		{ "+49891234", 1, 18, 0, "night" },
		{ "+49891234", 1, 7, 59, "rest" },  /* Sunday's night */
		{ "+49891234", 2, 7, 59, "night" }, /* Monday's */
		{ "+49891234", 6, 3, 0, "night" },  /* Friday's */
		{ "+49891234", 6, 12, 0, "rest" },
		{ "+49301234", 1, 10, 30, "berlin" },
		{ "+49331234", 0, 10, 30, "berlin" },
		{ "+49301234", 1, 11, 0, "day" },
		{ "+43112345", 1, 11, 0, "rest" },
		{ "+15551234", 1, 11, 0, "none" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(find(rows[i].number, rows[i].day,
					 rows[i].hour, rows[i].minute),
				    rows[i].route);
}

static struct route_row added(const char *name, uint32_t position,
			      const char *prefixes)
{
	return (struct route_row){ .name = name,
				   .position = position,
				   .prefixes = prefixes,
				   .trunks = "b a",
				   .days = 0x7f,
				   .from_min = 0,
				   .until_min = CONFIG_DAY_MIN,
				   .enabled = true };
}

static void routes_added_at_run_time_count_and_are_kept(void **state)
{
	struct fixture *f = *state;
	struct route_row late = added("late", 9, "+1 +2");
	struct route_row early = added("early", 3, "+1");
	struct route_row equal = added("equal", 1, "+4");

	assert_int_equal(routes_put(&gateway, &late), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "late");
	assert_int_equal(routes_put(&gateway, &early), 0);
	assert_int_equal(routes_put(&gateway, &equal), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "early");
	assert_string_equal(find("+4311234", 1, 1, 1), "rest"); /* the file's */
	routes_free(&gateway);
	fixture_reopen(f);
	gateway.db = f->db;
	assert_int_equal(routes_new(&gateway), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "early");
	assert_int_equal(routes_drop(&gateway, "early"), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "late");
	late.enabled = false;
	assert_int_equal(routes_put(&gateway, &late), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "none");
}

static void a_route_without_a_trunk_leaves_calls_to_the_next(void **state)
{
	struct fixture *f = *state;
	struct route_row gone = added("gone", 1, "+1555"),
			 rest = added("rest", 2, "+1");

	gone.trunks = "c d";
	assert_int_equal(routes_put(&gateway, &gone), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "none");
	assert_int_equal(routes_put(&gateway, &rest), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "rest");
	gone.trunks = "c b";
	assert_int_equal(routes_put(&gateway, &gone), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "gone");
	routes_free(&gateway);
	fixture_reopen(f);
	gateway.db = f->db;
	assert_int_equal(routes_new(&gateway), 0);
	assert_string_equal(find("+15551234", 1, 1, 1), "gone");
}

static void trunks_that_are_not_there_are_named(void **state)
{
	char a[] = "a", c[] = "c", d[] = "d";
	char *names[] = { a, c, d };
	struct config_route route = { .trunks = { names, 3 } };

	(void)state;
	assert_string_equal(routes_missing_trunk(&gateway, &route), "c");
	route.trunks.n = 1;
	assert_null(routes_missing_trunk(&gateway, &route));
}

static void a_route_that_cannot_be_is_refused(void **state)
{
	(void)state;
	char long_text[ROUTES_TEXT_MAX + 2];
	struct route_row rows[] = {
		added("r", 1, "+1 x"), added("r", 1, "+1"),
		added("r", 1, "+1"),   added("r", 1, "+1"),
		added("a b", 1, "+1"),
	};
	struct route_row too_long = added("r", 1, long_text);

	rows[1].trunks = "";
	rows[2].days = 0;
	rows[3].from_min = rows[3].until_min = 60;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(routes_put(&gateway, &rows[i]), -EINVAL);
	memset(long_text, '1', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	assert_int_equal(routes_put(&gateway, &too_long), -EMSGSIZE);
	assert_string_equal(find("+15551234", 1, 1, 1), "none");
	assert_int_equal(routes_drop(&gateway, "r"), ROUTES_E_UNKNOWN);
}

static void there_are_as_many_as_there_may_be(void **state)
{
	char name[sizeof("r4294967295")];
	struct route_row row = added(name, 1, "+1");

	(void)state;
	for (unsigned i = 0; i < ROUTES_MAX; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		assert_int_equal(routes_put(&gateway, &row), 0);
	}
	assert_int_equal(routes_put(&gateway, &row), 0); /* it is there */
	snprintf(name, sizeof(name), "one");
	assert_int_equal(routes_put(&gateway, &row), ROUTES_E_FULL);
	assert_int_equal(routes_drop(&gateway, "r7"), 0);
	assert_int_equal(routes_put(&gateway, &row), 0);
}

static void on_route(const struct route_row *row,
		     const struct config_route *route, void *arg)
{
	char *names = arg;

	assert_string_equal(row->name, route->name);
	names[strlen(names)] = row->name[0];
}

/* Also when it is not enabled; and equal ones stand as they do after a
 * restart. */
static void what_was_added_is_known(void **state)
{
	static const char *const names[] = { "d", "b", "c", "a" };
	char order[5] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct route_row row = added(names[i], i ? 5 : 1, "");

		row.enabled = i != 1;
		if (i == 2)
			row.trunks = "other";
		assert_int_equal(routes_put(&gateway, &row), 0);
	}
	routes_each_added(&gateway, on_route, order);
	assert_string_equal(order, "dabc");
	assert_false(routes_find_added(&gateway, "b")->enabled);
	assert_null(routes_find_added(&gateway, "e"));
	assert_string_equal(routes_find_by_trunk(&gateway, "a")->name, "d");
	assert_string_equal(routes_find_by_trunk(&gateway, "other")->name, "c");
	assert_null(routes_find_by_trunk(&gateway, "oth"));
}

/* Limits and what was used of them live as long as the database. */
static enum limit tries(const char *trunk, const char *to)
{
	return limits_check(&gateway, QUOTA_TRUNK, trunk, to, LIMITS_TRIES);
}

static void has_talked(const char *trunk, int64_t ms)
{
	struct toll_meter meter = { .over = NULL };

	assert_int_equal(limits_start(&gateway, &meter, QUOTA_TRUNK, trunk,
				      (int64_t)clock_ms() - ms),
			 0);
	toll_stop(&meter);
}

static void limits_are_kept(void **state)
{
	struct fixture *f = *state;
	const struct quota_row row = { .kind = QUOTA_TRUNK,
				       .name = "a",
				       .minutes_per_day = 2,
				       .allow = "",
				       .deny = "+19" };

	assert_int_equal(limits_set(&gateway, &row), 0);
	has_talked("a", 119 * 1000);
	assert_int_equal(tries("a", "+1"), LIMIT_NONE);
	has_talked("a", 1000);
	toll_free(&gateway);
	quotas_free(&gateway);
	fixture_reopen(f);
	gateway.db = f->db;
	assert_int_equal(quotas_new(&gateway) || toll_new(&gateway), 0);
	assert_int_equal(tries("a", "+1"), LIMIT_MINUTES);
	assert_int_equal(tries("a", "+19"), LIMIT_DESTINATION);
	assert_int_equal(limits_unset(&gateway, QUOTA_TRUNK, "a"), 0);
	assert_int_equal(tries("a", "+19"), LIMIT_NONE);
}

#define ROUTES_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTES_TEST(the_longest_prefix_whose_time_it_is_decides),
		ROUTES_TEST(routes_added_at_run_time_count_and_are_kept),
		ROUTES_TEST(a_route_without_a_trunk_leaves_calls_to_the_next),
		ROUTES_TEST(trunks_that_are_not_there_are_named),
		ROUTES_TEST(a_route_that_cannot_be_is_refused),
		ROUTES_TEST(there_are_as_many_as_there_may_be),
		ROUTES_TEST(what_was_added_is_known),
		ROUTES_TEST(limits_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
