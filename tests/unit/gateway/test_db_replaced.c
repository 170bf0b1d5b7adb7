/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The database is no database any more, all of a sudden, under a whole gateway:
 * what that knows is in the new one, for the next process, though nothing of
 * the old one can be read; and nothing else, though much of it can.
 */
#include <glob.h>
#include <sqlite3.h>

#include "db/account.h"
#include "db/contact.h"
#include "db/row.h"
#include "db/session.h"
#include "db/setting.h"
#include "db/text_row.h"
#include "gateway/base/recent.h"
#include "gateway/config/config.h"
#include "gateway/outbox.h"
#include "gateway/route/added.h"
#include "gateway/route/blocks.h"
#include "gateway/route/quotas.h"
#include "gateway/route/routes.h"
#include "gateway/route/toll.h"
#include "gateway/text/text_again.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_reports.h"
#include "tests/unit/gateway/parties.h"
#include "xmpp/chat.h"

enum { WAIT_MS = 30000, USED_MS = 90 * 1000, QUOTA = 7, GIVEN_ID = 77 };

#define BOB     "bob@example.org"
#define BOBS    "+15550002222"
#define BLOCKED "+15550003333"
#define OTHER   "+15550004444@tel.example.org"
#define WORDS   "to be sent on"
#define SEEN    "what came already"
#define REPORT  "a report"

/* ---- what it is told ---- */

static void tell_accounts(void)
{
	struct gateway *g = st.gateway;
	const struct account bob = { .jid = BOB,
				     .enabled = true,
				     .forward = "+15550009999" };
	const struct contact contact = { .account = BOB,
					 .local = BLOCKED,
					 .name = "Mallory",
					 .subscribed = true };
	const struct setting setting = { SETTING_ACCOUNT, BOB, SETTING_RING,
					 "17" };

	assert_int_equal(account_put(g->accounts, &bob), 0);
	assert_int_equal(account_own(g->accounts, BOBS, "carrier", BOB), 0);
	assert_int_equal(
		account_own(g->accounts, BOBS, "carrier", "alice@example.org"),
		0);
	assert_int_equal(
		account_set_ring(g->accounts, BOBS, ACCOUNT_RING_ORDER, 23), 0);
	assert_int_equal(contact_put(g->contacts, &contact), 0);
	assert_int_equal(setting_put(g->settings, &setting), 0);
}

static void tell_rights(void)
{
	const struct quota_row quota = { .kind = QUOTA_ACCOUNT,
					 .name = BOB,
					 .calls = QUOTA,
					 .allow = "+1555 +49",
					 .deny = "" };
	const struct trunk_row trunk = { .name = "second",
					 .proxy = "sip:127.0.0.1:9",
					 .username = "us",
					 .password = { 3, "abc" },
					 .allow = "127.0.0.2",
					 .more = "" };
	const struct route_row route = { .name = "abroad",
					 .position = 7,
					 .prefixes = "+44",
					 .trunks = "carrier",
					 .days = 0x7f,
					 .until_min = CONFIG_DAY_MIN };
	struct toll_meter meter = { .over = NULL };
	char why[ADDED_WHY_CAP] = "";

	assert_int_equal(quotas_set(st.gateway, &quota), 0);
	assert_int_equal(routes_put(st.gateway, &route), 0);
	assert_int_equal(blocks_add(st.gateway, BOB, BLOCKED), 0);
	if (added_put(st.gateway, &trunk, why))
		fail_msg("%s", why);
	assert_int_equal(toll_start(st.gateway, &meter, TOLL_ACCOUNT, BOB,
				    (int64_t)clock_ms() - USED_MS),
			 0);
	toll_stop(&meter);
}

/* The server does not say that it has taken it. */
static void tell_outbox(void)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	const struct chat_text text = {
		.from = NUMBER, .to = BOB, .id = "kept", .body = WORDS
	};

	assert_int_equal(chat_format(&message, &text), 0);
	assert_int_equal(outbox_send(st.gateway, message, NULL, NULL), 0);
}

/* The server has it, and may send it back. */
static void tell_given(void)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	const struct chat_text text = {
		.from = NUMBER, .to = BOB, .id = "given", .body = WORDS
	};

	assert_int_equal(chat_format(&message, &text), 0);
	assert_false(text_again_turn(
		st.gateway->texts->again,
		&(struct outbox_kept){ .stanza = message,
				       .id = GIVEN_ID,
				       .kept_ms = clock_wall_ms() }));
}

static void tell_bounced(void)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	struct text_again *again = st.gateway->texts->again;
	const struct chat_text text = {
		.from = OTHER, .to = BOB, .id = "bounced", .body = WORDS
	};
	const struct chat bounced = { .kind = CHAT_BOUNCED,
				      .from = BOB,
				      .to = OTHER,
				      .about = "bounced",
				      .condition = "resource-constraint",
				      .error_type = "wait" };

	assert_int_equal(chat_format(&message, &text), 0);
	assert_false(text_again_turn(
		again, &(struct outbox_kept){ .stanza = message,
					      .kept_ms = clock_wall_ms() }));
	assert_true(text_again_bounced(again, &bounced));
}

/* The trunk does not answer. */
static void tell_texts(void)
{
	const struct report_row report = { .key = REPORT,
					   .jid = ALICE,
					   .id = "m1",
					   .number = "+15557654321",
					   .party = "+15550001111",
					   .trunk = "carrier",
					   .date = "" };

	xml_send("<message xmlns='jabber:component:accept' type='chat' id='m1' "
		 "from='" ALICE "' to='" NUMBER "'><body>" WORDS
		 "</body></message>");
	texts_remember(st.gateway, SEEN);
	text_reports_put(st.gateway->texts->reports, &report);
	tell_outbox();
	tell_bounced();
}

/* ---- what is in the file ---- */

/* -1: it cannot be read. */
static int count(const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *file = NULL;
	int n = -1;

	if (sqlite3_open_v2(st.config->db.path, &file, SQLITE_OPEN_READONLY,
			    NULL) == SQLITE_OK &&
	    sqlite3_busy_timeout(file, WAIT_MS) == SQLITE_OK &&
	    sqlite3_prepare_v2(file, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(file);
	return n;
}

static bool is_there(const char *sql, int n)
{
	return count(sql) == n;
}

static bool is_text_there(void)
{
	return is_there("SELECT count(*) FROM text", 1) &&
	       is_there("SELECT count(*) FROM outbox", 1) &&
	       is_there("SELECT count(*) FROM again", 1);
}

/* All of it is in the file itself, and then it is zeros. By another process:
 * whose locks are on it is not touched. */
static void spoil(void)
{
	const char *path = st.config->db.path;
	char command[256];
	sqlite3 *file;

	assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(file, WAIT_MS), SQLITE_OK);
	assert_int_equal(sqlite3_exec(file,
				      "CREATE TABLE spoilt (n);"
				      "DROP TABLE spoilt;"
				      "PRAGMA wal_checkpoint(TRUNCATE)",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(file);
	snprintf(command, sizeof(command),
		 "dd if=/dev/zero of=%s bs=$(stat -c %%s %s) count=1 "
		 "conv=notrunc status=none",
		 path, path);
	assert_int_equal(system(command), 0);
}

static size_t count_aside(void)
{
	char pattern[256];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s.corrupt-*[0-9]",
		 st.config->db.path);
	size_t n = glob(pattern, 0, NULL, &found) ? 0 : found.gl_pathc;
	if (n)
		globfree(&found);
	return n;
}

static bool is_written_anew(void)
{
	return count_aside() == 1 && is_text_there() &&
	       count("SELECT count(*) FROM seen") >= 1 &&
	       count("SELECT count(*) FROM usage") == 1;
}

/* Nobody answers it. */
static void wait_until(bool (*done)(void))
{
	uint64_t until = clock_ms() + WAIT_MS;

	while (!done()) {
		assert_true(clock_ms() < until);
		turn_gateway();
	}
}

/* ---- what the next one knows ---- */

static void check_accounts(void)
{
	const struct gateway *g = st.gateway;
	const struct account *bob = account_find(g->accounts, BOB);
	const struct account_number *number =
		account_find_number(g->accounts, BOBS);
	const struct contact *contact = contact_find(g->contacts, BOB, BLOCKED);

	assert_non_null(bob);
	assert_true(bob->enabled);
	assert_string_equal(bob->forward, "+15550009999");
	assert_non_null(number);
	assert_string_equal(number->trunk, "carrier");
	assert_int_equal(number->nowners, 2);
	assert_string_equal(number->owners[0], BOB);
	assert_int_equal(number->ring, ACCOUNT_RING_ORDER);
	assert_int_equal(number->ring_s, 23);
	assert_non_null(contact);
	assert_string_equal(contact->name, "Mallory");
	assert_true(contact->subscribed);
	assert_string_equal(
		setting_get(g->settings, SETTING_ACCOUNT, BOB, SETTING_RING),
		"17");
}

static void check_rights(void)
{
	const struct trunk_row *trunk = added_find(st.gateway, "second");
	const struct route_row *route = routes_find_added(st.gateway, "abroad");
	const struct config_quota *quota;
	bool withhold;

	quota = quotas_given(st.gateway, QUOTA_ACCOUNT, BOB, &withhold);
	assert_non_null(quota);
	assert_int_equal(quota->calls, QUOTA);
	assert_int_equal(quota->destinations.allow.n, 2);
	assert_string_equal(quota->destinations.allow.v[1], "+49");
	assert_true(blocks_has(st.gateway, BOB, BLOCKED));
	assert_true(toll_used_ms(st.gateway, TOLL_ACCOUNT, BOB) >= USED_MS);
	assert_non_null(trunk);
	assert_int_equal(trunk->password.n, 3);
	assert_string_equal(trunk->allow, "127.0.0.2");
	assert_non_null(route);
	assert_int_equal(route->position, 7);
	assert_false(route->enabled);
}

/* To the server, and to the telephone, which has answered. */
static bool is_sent(void)
{
	return heard("kept") && count("SELECT count(*) FROM text") == 0;
}

static void check_texts(void)
{
	const struct texts *texts = st.gateway->texts;

	assert_int_equal(text_again_waiting(texts->again), 1);
	assert_non_null(text_reports_find(texts->reports, REPORT));
	assert_true(recent_has(texts->seen, SEEN, clock_ms()));
	assert_true(run_until(is_sent, WAIT_MS));
}

static void what_is_known_is_in_the_new_one(void **state)
{
	(void)state;
	tell_accounts();
	tell_rights();
	tell_texts();
	wait_until(is_text_there);
	spoil();
	/* whatever is written finds it */
	texts_remember(st.gateway, "and now this");
	wait_until(is_written_anew);
	end_gateway();
	assert_true(is_text_there());
	begin_gateway();
	check_accounts();
	check_rights();
	check_texts();
}

/* ---- what is gone, and comes back with a part of the old file ---- */

static void execute(const char *sql)
{
	sqlite3 *file;

	assert_int_equal(sqlite3_open(st.config->db.path, &file), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(file, WAIT_MS), SQLITE_OK);
	assert_int_equal(sqlite3_exec(file, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(file);
}

/* Rows of which this process knows nothing. */
static void leave_gone(void)
{
	struct db *db = st.gateway->db;
	const struct outbox_row outbox = { .id = 999, .stanza = "<message/>" };
	const struct again_row again = { .key = "gone", .stanza = "" };
	const struct seen_row seen = { .key = "gone" };
	const struct session_row ended = { .call = "ended" },
				 other = { .call = "other run's" };

	assert_int_equal(outbox_row_put(db, &outbox, NULL, NULL), 0);
	assert_int_equal(again_row_put(db, &again), 0);
	assert_int_equal(seen_row_put(db, &seen), 0);
	assert_int_equal(session_put(db, &ended, NULL, NULL), 0);
	assert_int_equal(session_put(db, &other, NULL, NULL), 0);
}

static bool is_gone_left(void)
{
	return is_there("SELECT count(*) FROM session", 2) &&
	       is_there("SELECT count(*) FROM outbox", 2);
}

/* A page of the records, where nobody writes now. */
static void spoil_records(void)
{
	char command[256];
	int page = count("SELECT rootpage FROM sqlite_schema "
			 "WHERE name = 'cdr'");

	execute("UPDATE session SET boot_id = 'x' WHERE call LIKE 'other%';"
		"INSERT INTO account (jid, enabled, calls, created_ms) "
		"VALUES ('gone@example.org', 1, 1, 0);"
		"PRAGMA wal_checkpoint(TRUNCATE)");
	snprintf(command, sizeof(command),
		 "dd if=/dev/zero of=%s bs=4096 seek=%d count=1 conv=notrunc "
		 "status=none",
		 st.config->db.path, page - 1);
	assert_int_equal(system(command), 0);
	worker_distrust(db_worker(st.gateway->db));
}

/* What was given is written last. */
static bool is_whole_anew(void)
{
	return count_aside() == 1 &&
	       is_there("SELECT count(*) FROM outbox WHERE id = 77 AND "
			"taken_ms > 0",
			1) &&
	       is_there("SELECT count(*) FROM outbox WHERE id = 999", 0);
}

static void what_is_gone_does_not_come_back(void **state)
{
	(void)state;
	tell_accounts();
	tell_texts();
	tell_given();
	leave_gone();
	wait_until(is_gone_left);
	spoil_records();
	wait_until(is_whole_anew);
	assert_true(is_there("SELECT count(*) FROM text", 1));
	/* the one that waits, and the one that may come back */
	assert_true(is_there("SELECT count(*) FROM outbox", 2));
	assert_true(is_there("SELECT count(*) FROM again", 1));
	assert_true(
		is_there("SELECT count(*) FROM seen WHERE key = 'gone'", 0));
	/* nor of another run: the stream is up, and they were told of */
	assert_true(is_there("SELECT count(*) FROM session", 0));
	assert_true(is_there("SELECT count(*) FROM account WHERE "
			     "jid = 'gone@example.org'",
			     0));
	assert_true(is_there(
		"SELECT count(*) FROM account WHERE jid = '" BOB "'", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_known_is_in_the_new_one,
						open_stage, close_stage),
		cmocka_unit_test_setup_teardown(what_is_gone_does_not_come_back,
						open_stage, close_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
