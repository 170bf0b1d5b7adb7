/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a call has cost that another process began. */
#include "gateway/call/fare_row.h"

#include <event2/event.h>
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/route/toll.h"
#include "tests/unit/gateway/call_rig_db.h"
#include "tests/unit/gateway/noon.h"

#define ALICE "alice@example.org"

enum { MINUTE_MS = 60000, SLACK_MS = 5000 };

static struct gateway gateway;
static const int64_t began_ms = 1773100800000;

bool bill_pushes(const struct gateway *of)
{
	(void)of;
	return true;
}

void bill_record_written(struct gateway *of)
{
	(void)of;
}

static int set_up(void **state)
{
	(void)state;
	noon();
	said[0] = used_by[0] = '\0';
	gateway = (struct gateway){ .base = event_base_new() };
	return toll_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	toll_free(&gateway);
	event_base_free(gateway.base);
	return 0;
}

/* Those of a call that was answered after 10 s; nobody pays. */
static void rows_of(struct session_row rows[2], bool inbound)
{
	for (int side = 0; side < 2; side++)
		rows[side] = (struct session_row){
			.call = "call",
			.side = side ? SESSION_SIDE_B : SESSION_SIDE_A,
			.inbound = inbound,
			.started_ms = began_ms,
			.answered_ms = began_ms + 10000,
			.payer = "",
			.paid_from = "",
			.paid_to = "",
			.paid_trunk = "",
		};
}

static void pay(struct session_row *row, const char *to, bool diverted,
		int64_t since_ms, unsigned part)
{
	const struct fare fare = { .account = (char *)ALICE,
				   .from = (char *)"+1",
				   .to = (char *)to,
				   .trunk = (char *)"carrier",
				   .diverted = diverted };

	fare_row_put(row, &fare, since_ms, part);
}

static int64_t used_ms(enum toll_kind kind, const char *name)
{
	return toll_used_ms(&gateway, kind, name);
}

static void lose(const struct session_row rows[2], int64_t after_ms)
{
	fare_row_lost(&gateway, &rows[0], &rows[1], began_ms + after_ms);
}

static void a_lost_call_has_used_its_minutes(void **state)
{
	struct session_row rows[2];

	(void)state;
	rows_of(rows, false);
	pay(&rows[1], "+49", false, 0, 0);
	lose(rows, 10000 + 2 * MINUTE_MS);
	/* and is not told of again; its own record is recover.c's */
	expect("settled");
	assert_in_range(used_ms(TOLL_ACCOUNT, ALICE), 2 * MINUTE_MS,
			2 * MINUTE_MS + SLACK_MS);
	assert_in_range(used_ms(TOLL_TRUNK, "carrier"), 2 * MINUTE_MS,
			2 * MINUTE_MS + SLACK_MS);
	assert_string_equal(used_by, ALICE " carrier");
	assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, "carrier"), 0);
}

static void a_lost_call_that_cost_nothing_is_left_alone(void **state)
{
	struct session_row rows[2];

	(void)state;
	rows_of(rows, true);
	lose(rows, MINUTE_MS);
	expect("");
}

static void each_leg_that_was_lost_has_its_record(void **state)
{
	struct session_row rows[2];

	(void)state;
	rows_of(rows, true);
	pay(&rows[0], "+33", false, began_ms + 40000, 1);
	pay(&rows[1], "+49", true, 0, 0);
	lose(rows, 70000);
	expect("record record settled");
	assert_string_equal(record.cause, "lost");
	assert_int_equal(record.answered_ms, began_ms + 10000);
	assert_int_equal(record.ended_ms, began_ms + 70000);
	assert_in_range(used_ms(TOLL_ACCOUNT, ALICE), 90000, 90000 + SLACK_MS);
}

static void one_that_was_never_answered_has_used_nothing(void **state)
{
	struct session_row rows[2];

	(void)state;
	rows_of(rows, false);
	rows[0].answered_ms = rows[1].answered_ms = 0;
	pay(&rows[1], "+49", false, 0, 0);
	lose(rows, MINUTE_MS);
	expect("settled");
	assert_int_equal(used_ms(TOLL_ACCOUNT, ALICE), 0);
}

/* Both rows of one call said the same. */
static void rows_of_earlier_versions_are_understood(void **state)
{
	static const struct {
		bool inbound, diverted;
		int64_t since_ms;
		int side; /* whose it is */
	} cases[] = {
		{ false, false, 0, 1 },
		{ false, false, 99, 1 },
		{ true, true, 0, 1 },
		{ true, false, 99, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session_row rows[2];
		struct fare_past past;

		rows_of(rows, cases[i].inbound);
		for (int side = 0; side < 2; side++)
			pay(&rows[side], "+49", cases[i].diverted,
			    cases[i].since_ms, 0);
		for (int side = 0; side < 2; side++)
			assert_int_equal(
				fare_row_get(&past, &rows[side], &rows[!side]),
				side == cases[i].side);
	}
}

#define ROW_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW_TEST(a_lost_call_has_used_its_minutes),
		ROW_TEST(a_lost_call_that_cost_nothing_is_left_alone),
		ROW_TEST(each_leg_that_was_lost_has_its_record),
		ROW_TEST(one_that_was_never_answered_has_used_nothing),
		ROW_TEST(rows_of_earlier_versions_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
