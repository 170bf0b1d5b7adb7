/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/cdr.h"

#include <sqlite3.h>

#include "db/cdr_csv.h"
#include "tests/unit/db/fixture.h"

enum { FOUND_CAP = 256 };

struct found {
	struct fixture *f;
	char calls[FOUND_CAP]; /* "c b a" */
};

static void on_records(int result, const struct cdr *rows, size_t n, void *arg)
{
	struct found *found = arg;

	assert_int_equal(result, 0);
	found->f->heard++;
	found->calls[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(found->calls);

		snprintf(found->calls + at, sizeof(found->calls) - at, "%s%s",
			 i ? " " : "", rows[i].call);
	}
}

static void keep(struct fixture *f, const struct cdr *cdr)
{
	assert_int_equal(cdr_put(f->db, cdr, NULL, NULL), 0);
}

static const struct cdr records[] = {
	{ .call = "a",
	  .direction = CDR_OUTBOUND,
	  .caller = "ann@x",
	  .callee = "+1",
	  .account = "ann@x",
	  .trunk = "t",
	  .started_ms = 1000,
	  .cause = "normal" },
	{ .call = "b",
	  .direction = CDR_OUTBOUND,
	  .caller = "ann@x",
	  .callee = "+2",
	  .account = "ann@x",
	  .trunk = "u",
	  .started_ms = 2000,
	  .cause = "busy",
	  .end_text = "Busy Here" },
	{ .call = "c",
	  .direction = CDR_INBOUND,
	  .caller = "+1",
	  .callee = "+3",
	  .account = "bob@x",
	  .trunk = "t",
	  .started_ms = 3000,
	  .cause = "cancel" },
	{ .call = "d",
	  .direction = CDR_INBOUND,
	  .caller = "+1",
	  .callee = "+3",
	  .account = "bob@x",
	  .trunk = "t",
	  .started_ms = 4000,
	  .cause = "media-lost" },
};

static const struct {
	struct cdr_filter filter;
	const char *found, *index;
} searches[] = {
	{ { .limit = 0 }, "d c b a", "cdr_by_start" },
	{ { .call = "c" }, "c", "sqlite_autoindex_cdr_1" },
	{ { .party = "+1" }, "d c a", "cdr_by_caller" },
	{ { .party = "+1" }, "d c a", "cdr_by_callee" },
	{ { .party = "+1", .account = "bob@x", .limit = 1 },
	  "d",
	  "cdr_by_caller" },
	{ { .account = "ann@x" }, "b a", "cdr_by_account" },
	{ { .account = "ann@x", .failed = true }, "b", "cdr_by_account" },
	{ { .trunk = "t", .since_ms = 3000, .until_ms = 4000 },
	  "c",
	  "cdr_by_trunk" },
	{ { .cause = "busy" }, "b", "cdr_by_cause" },
	{ { .cause = "busy", .trunk = "t" }, "", "cdr_by_trunk" },
	{ { .failed = true }, "d b", "cdr_by_start" },
};
enum { NSEARCHES = sizeof(searches) / sizeof(searches[0]) };

/* The last search, as SQLite got it. */
static char *asked;

static int on_statement(unsigned what, void *arg, void *stmt, void *text)
{
	(void)arg;
	(void)text;
	if (what == SQLITE_TRACE_STMT &&
	    !strncmp(sqlite3_sql(stmt), "SELECT call,", 12)) {
		sqlite3_free(asked);
		asked = sqlite3_expanded_sql(stmt);
	}
	return 0;
}

static int on_open(sqlite3 *sqlite, const char **error,
		   const struct sqlite3_api_routines *api)
{
	(void)error;
	(void)api;
	return sqlite3_trace_v2(sqlite, SQLITE_TRACE_STMT, on_statement, NULL);
}

static bool plan_has(sqlite3 *sqlite, const char *index)
{
	sqlite3_stmt *stmt = NULL;
	char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", asked);
	bool has = false;

	assert_int_equal(sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL),
			 SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		has |= strstr((const char *)sqlite3_column_text(stmt, 3),
			      index) != NULL;
	sqlite3_finalize(stmt);
	sqlite3_free(sql);
	return has;
}

static void each_search_finds_what_was_asked_by_an_index(void **state)
{
	struct fixture *f = *state;
	struct found found = { .f = f };
	sqlite3 *sqlite = NULL;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		keep(f, &records[i]);
	for (unsigned i = 0; i < NSEARCHES; i++) {
		assert_int_equal(cdr_find(f->db, &searches[i].filter,
					  on_records, &found),
				 0);
		fixture_wait(f, i + 1);
		assert_string_equal(found.calls, searches[i].found);
		if (!sqlite)
			assert_int_equal(sqlite3_open(f->path, &sqlite),
					 SQLITE_OK);
		assert_true(plan_has(sqlite, searches[i].index));
	}
	sqlite3_close(sqlite);
	sqlite3_free(asked);
	asked = NULL;
}

/* ---- pushed to somebody ---- */

static void what_is_not_taken_is_found_in_its_order(void **state)
{
	static const struct cdr_filter filter = { .to_push = true };
	struct fixture *f = *state;
	struct found found = { .f = f };
	const struct cdr rows[] = {
		{ .call = "late",
		  .direction = CDR_OUTBOUND,
		  .started_ms = 1,
		  .ended_ms = 9,
		  .push = true },
		{ .call = "early",
		  .direction = CDR_OUTBOUND,
		  .started_ms = 2,
		  .ended_ms = 5,
		  .push = true },
		{ .call = "never",
		  .direction = CDR_OUTBOUND,
		  .started_ms = 3,
		  .ended_ms = 4 },
	};
	sqlite3 *sqlite = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		keep(f, &rows[i]);
	assert_int_equal(cdr_find(f->db, &filter, on_records, &found), 0);
	fixture_wait(f, 1);
	assert_string_equal(found.calls, "early late");
	assert_int_equal(sqlite3_open(f->path, &sqlite), SQLITE_OK);
	assert_true(plan_has(sqlite, "cdr_to_push"));
	sqlite3_close(sqlite);
	sqlite3_free(asked);
	asked = NULL;
	assert_int_equal(cdr_pushed(f->db, "early", fixture_done, f), 0);
	fixture_wait(f, 2);
	assert_int_equal(cdr_find(f->db, &filter, on_records, &found), 0);
	fixture_wait(f, 3);
	assert_string_equal(found.calls, "late");
	fixture_reopen(f);
	assert_int_equal(cdr_find(f->db, &filter, on_records, &found), 0);
	fixture_wait(f, 4);
	assert_string_equal(found.calls, "late");
	sqlite3_free(asked);
	asked = NULL;
}

struct ends {
	struct fixture *f;
	int64_t ended_ms;
	bool push;
};

static void on_end(int result, const struct cdr *rows, size_t n, void *arg)
{
	struct ends *ends = arg;

	assert_int_equal(result, 0);
	assert_int_equal(n, 1);
	ends->f->heard++;
	ends->ended_ms = rows->ended_ms;
	ends->push = rows->push;
}

static void the_first_record_of_a_lost_call_stays(void **state)
{
	static const struct cdr_filter filter = { .call = "lost" };
	struct fixture *f = *state;
	struct ends ends = { .f = f };
	struct cdr cdr = { .call = "lost",
			   .direction = CDR_OUTBOUND,
			   .ended_ms = 5,
			   .push = true };

	assert_int_equal(cdr_put_first(f->db, &cdr, NULL, NULL), 0);
	assert_int_equal(cdr_pushed(f->db, "lost", NULL, NULL), 0);
	cdr.ended_ms = 9;
	assert_int_equal(cdr_put_first(f->db, &cdr, fixture_done, f), 0);
	fixture_wait(f, 1);
	assert_int_equal(f->last, 0);
	assert_int_equal(cdr_find(f->db, &filter, on_end, &ends), 0);
	fixture_wait(f, 2);
	assert_int_equal(ends.ended_ms, 5);
	assert_false(ends.push);
	keep(f, &cdr);
	assert_int_equal(cdr_find(f->db, &filter, on_end, &ends), 0);
	fixture_wait(f, 3);
	assert_int_equal(ends.ended_ms, 9);
}

/* ---- CSV ---- */

static char *csv_of(const struct cdr *cdr)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	cdr_csv_rows(f, cdr, 1);
	assert_false(ferror(f));
	fclose(f);
	return text;
}

static void assert_begins(const struct cdr *cdr, const char *text)
{
	char *csv = csv_of(cdr);

	if (strncmp(csv, text, strlen(text)) != 0)
		fail_msg("%s\nis not\n%s", csv, text);
	free(csv);
}

static unsigned commas(const char *line)
{
	unsigned n = 0;
	bool quoted = false;

	for (; *line; line++) {
		quoted ^= *line == '"';
		n += *line == ',' && !quoted;
	}
	return n;
}

static void a_record_is_a_line_of_csv(void **state)
{
	const struct cdr cdr = { .call = "id",
				 .direction = CDR_OUTBOUND,
				 .caller = "ann@x",
				 .callee = "+15551234567",
				 .account = "ann@x",
				 .trunk = "t",
				 .started_ms = 1700000000123,
				 .answered_ms = 1700000001000,
				 .ended_ms = 1700000002001,
				 .cause = "normal",
				 .ended_by = CDR_END_CALLER };

	(void)state;
	assert_begins(&cdr,
		      "outbound,caller,2,\"id\",\"ann@x\",,\"+15551234567\","
		      "\"ann@x\",\"t\",2023-11-14T22:13:20.123Z,,"
		      "2023-11-14T22:13:21.000Z,2023-11-14T22:13:22.001Z,"
		      "\"normal\",");
}

static void a_caller_writes_no_formula_and_no_field_of_ours(void **state)
{
	static const struct {
		const char *name, *field;
	} rows[] = {
		{ "=HYPERLINK(\"http://x\")",
		  "\"'=HYPERLINK(\"\"http://x\"\")\"" },
		{ "+1+cmd", "\"'+1+cmd\"" },
		{ "-1", "\"'-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "a\",\"b\r\nc", "\"a\"\",\"\"b\r\nc\"" },
		{ "+15551234567", "\"+15551234567\"" },
	};
	char *head = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&head, &n);

	(void)state;
	cdr_csv_head(f);
	fclose(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cdr cdr = { .call = "id",
					 .caller_name = rows[i].name };
		char expected[128];
		char *csv = csv_of(&cdr);

		snprintf(expected, sizeof(expected), ",gateway,0,\"id\",,%s,",
			 rows[i].field);
		assert_memory_equal(csv, expected, strlen(expected));
		assert_int_equal(commas(csv), commas(head));
		free(csv);
	}
	free(head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_search_finds_what_was_asked_by_an_index,
			fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_taken_is_found_in_its_order, fixture_setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(
			the_first_record_of_a_lost_call_stays, fixture_setup,
			fixture_teardown),
		cmocka_unit_test(a_record_is_a_line_of_csv),
		cmocka_unit_test(
			a_caller_writes_no_formula_and_no_field_of_ours),
	};

	assert_int_equal(sqlite3_auto_extension((void (*)(void))on_open),
			 SQLITE_OK);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
