/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the XMPP server sends back is given to it again, or not. */
#include "gateway/text/text_again.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "tests/test.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"

#define ALICE  "alice@example.org"
#define NUMBER "+15551234567@tel.example.org"

enum { LONG_MS = 3600 * 1000, ROWS_MAX = 2048, TEXT_CAP = 640 };

/* ---- the disk and the outbox ---- */

static struct row {
	char key[100], stanza[TEXT_CAP];
	int64_t kept_ms, next_ms;
	uint32_t tries;
	bool is_there;
} rows[ROWS_MAX];
static int disk_result;

static struct row *row_of(const char *key)
{
	struct row *free_row = NULL;

	for (size_t i = 0; i < ROWS_MAX; i++) {
		if (rows[i].is_there && !strcmp(rows[i].key, key))
			return &rows[i];
		if (!rows[i].is_there && !free_row)
			free_row = &rows[i];
	}
	assert_non_null(free_row);
	return free_row;
}

static struct row *row_of_id(const char *id)
{
	char key[100];

	snprintf(key, sizeof(key), ALICE " " NUMBER " %s", id);
	return row_of(key);
}

int again_row_put(struct db *db, const struct again_row *put)
{
	struct row *row = row_of(put->key);

	(void)db;
	if (disk_result)
		return disk_result;
	snprintf(row->key, sizeof(row->key), "%s", put->key);
	snprintf(row->stanza, sizeof(row->stanza), "%s", put->stanza);
	row->kept_ms = put->kept_ms;
	row->next_ms = put->next_ms;
	row->tries = put->tries;
	row->is_there = true;
	return 0;
}

int again_row_drop(struct db *db, const char *key)
{
	(void)db;
	row_of(key)->is_there = false;
	return 0;
}

int again_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	(void)db;
	for (size_t i = ROWS_MAX; i--;) {
		const struct again_row loaded = { .key = rows[i].key,
						  .stanza = rows[i].stanza,
						  .kept_ms = rows[i].kept_ms,
						  .next_ms = rows[i].next_ms,
						  .tries = rows[i].tries };
		if (rows[i].is_there)
			fn(&loaded, arg);
	}
	return 0;
}

/* What was sent again. */
static char sent[ROWS_MAX][16];
static int64_t sent_kept_ms;
static unsigned nsent, room;
static int outbox_result;

int outbox_send_again(struct gateway *gateway, const struct stanza *stanza,
		      int64_t kept_ms)
{
	(void)gateway;
	if (outbox_result)
		return outbox_result;
	if (nsent == room)
		return -ENOBUFS;
	snprintf(sent[nsent++], sizeof(sent[0]), "%s",
		 stanza_attr(stanza, "id"));
	sent_kept_ms = kept_ms;
	return 0;
}

static outbox_turn_fn turn;
static void *turn_arg;

void outbox_set_turn(struct gateway *gateway, outbox_turn_fn fn, void *arg)
{
	(void)gateway;
	turn = fn;
	turn_arg = arg;
}

static const struct stanza *kept;
static int64_t kept_since_ms;
static uint64_t last_id;

/* What is written again of its rows. */
static uint64_t put_ids[8];
static unsigned nput;

int outbox_row_keep(struct db *db, const struct outbox_row *row)
{
	(void)db;
	assert_true(nput < sizeof(put_ids) / sizeof(put_ids[0]));
	assert_true(row->taken_ms);
	put_ids[nput++] = row->id;
	return 0;
}

void outbox_each(const struct gateway *gateway, outbox_fn fn, void *arg)
{
	(void)gateway;
	if (kept)
		fn(&(struct outbox_kept){ kept, ++last_id, kept_since_ms },
		   arg);
}

/* ---- */

static char domain[] = "tel.example.org";
static struct config config;
static struct gateway gateway = { .config = &config };
static struct text_again *again;
static int64_t clock_ms_now; /* when the next one is kept */

static int set_up(void **state)
{
	(void)state;
	memset(rows, 0, sizeof(rows));
	nsent = nput = 0;
	room = ROWS_MAX;
	outbox_result = disk_result = 0;
	kept = NULL;
	config.limits.text_expires_s = 172800;
	config.xmpp.domain = domain;
	clock_ms_now = clock_wall_ms();
	gateway.base = event_base_new();
	return text_again_new(&again, &gateway);
}

static int tear_down(void **state)
{
	(void)state;
	again = text_again_free(again);
	event_base_free(gateway.base);
	return 0;
}

static struct stanza *text_of(const char *from, const char *to, const char *id,
			      const char *body)
{
	struct stanza *message;

	assert_int_equal(
		chat_format(&message, &(struct chat_text){ .from = from,
							   .to = to,
							   .id = id,
							   .body = body }),
		0);
	return message;
}

/* Its turn in the outbox: whether it has to wait. */
static bool has_to_wait(const char *from, const char *id, const char *body)
{
	AUTO(stanza_freep)
	struct stanza *message = text_of(from, ALICE, id, body);

	const struct outbox_kept in_turn = { message, ++last_id,
					     clock_ms_now++ };

	return turn(&in_turn, turn_arg);
}

static void give_id(const char *id)
{
	assert_false(has_to_wait(NUMBER, id, "hi & bye"));
}

static void give(void)
{
	give_id("t1");
}

static const char *to = NUMBER;

static bool bounce(const char *from, const char *id, const char *condition,
		   const char *type)
{
	return text_again_bounced(again, &(struct chat){ .kind = CHAT_BOUNCED,
							 .from = from,
							 .to = to,
							 .about = id,
							 .condition = condition,
							 .error_type = type });
}

static void what_passes_is_given_again_as_it_was(void **state)
{
	(void)state;
	give();
	assert_true(bounce(ALICE, "t1", "remote-server-timeout", "wait"));
	assert_true(bounce(ALICE, "t1", "remote-server-timeout", "wait"));
	assert_int_equal(text_again_waiting(again), 1);
	assert_true(row_of_id("t1")->is_there && row_of_id("t1")->tries == 1);
	text_again_due(again, clock_wall_ms());
	assert_int_equal(nsent, 0);
	text_again_due(again, clock_wall_ms() + TEXT_AGAIN_MIN_MS);
	assert_int_equal(nsent, 1);
	assert_int_equal(sent_kept_ms, clock_ms_now - 1);
	assert_false(row_of_id("t1")->is_there);
	assert_int_equal(text_again_waiting(again), 0);
	assert_true(bounce(ALICE, "t1", "remote-server-timeout", "wait"));
	assert_int_equal(row_of_id("t1")->tries, 2);
}

static void what_is_for_good_is_told_at_once(void **state)
{
	static const struct {
		const char *condition, *type;
	} lasting[] = {
		{ "item-not-found", "cancel" },   { "gone", "cancel" },
		{ "forbidden", "auth" },          { "not-allowed", "cancel" },
		{ "policy-violation", "modify" }, { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		give();
		assert_false(bounce(ALICE, "t1", lasting[i].condition,
				    lasting[i].type));
		assert_false(bounce(ALICE, "t1", "x", "wait"));
	}
}

/* The same for an account that is not there and one that is away. */
static void what_is_not_clear_is_tried_a_few_times(void **state)
{
	int64_t now_ms = clock_wall_ms();

	(void)state;
	give();
	for (unsigned i = 0; i < TEXT_AGAIN_FEW; i++) {
		assert_true(
			bounce(ALICE, "t1", "service-unavailable", "cancel"));
		text_again_due(again, now_ms + (i + 1) * LONG_MS);
	}
	assert_false(bounce(ALICE, "t1", "service-unavailable", "cancel"));
	assert_int_equal(nsent, TEXT_AGAIN_FEW);
}

static void what_is_too_old_is_not_tried(void **state)
{
	(void)state;
	config.limits.text_expires_s = 0;
	give();
	assert_false(bounce(ALICE, "t1", "remote-server-timeout", "wait"));
}

static void what_nobody_gave_is_nothing(void **state)
{
	(void)state;
	give();
	assert_false(bounce("bob@example.org", "t1", "x", "wait"));
	assert_false(bounce(ALICE, "t2", "x", "wait"));
	assert_false(bounce(ALICE, "", "x", "wait"));
	to = "+15559876543@tel.example.org";
	assert_false(bounce(ALICE, "t1", "x", "wait"));
	to = NUMBER;
}

static void it_waits_across_a_restart_and_a_full_outbox(void **state)
{
	(void)state;
	give();
	assert_true(bounce(ALICE, "t1", "resource-constraint", "wait"));
	text_again_free(again);
	assert_int_equal(text_again_new(&again, &gateway), 0);
	assert_int_equal(text_again_waiting(again), 1);
	outbox_result = -ENOBUFS;
	text_again_due(again, clock_wall_ms() + LONG_MS);
	assert_true(row_of_id("t1")->is_there);
	assert_int_equal(text_again_waiting(again), 1);
	outbox_result = 0;
	text_again_due(again, clock_wall_ms() + 2 * LONG_MS);
	assert_int_equal(nsent, 1);
	assert_false(row_of_id("t1")->is_there);
}

/* The outbox has it on disk for a while. */
static void what_an_earlier_run_gave_may_come_back(void **state)
{
	AUTO(stanza_freep)
	struct stanza *message = text_of(NUMBER, ALICE, "t1", "hi");

	(void)state;
	text_again_free(again);
	kept_since_ms = clock_ms_now;
	kept = message;
	assert_int_equal(text_again_new(&again, &gateway), 0);
	kept = NULL;
	assert_true(text_again_has(again, ALICE "/phone", NUMBER, "t1"));
	assert_false(text_again_has(again, ALICE, NUMBER, "t2"));
	assert_true(bounce(ALICE, "t1", "remote-server-not-found", "cancel"));
	assert_int_equal(text_again_waiting(again), 1);
	assert_true(text_again_has(again, ALICE, NUMBER, "t1"));
}

static void a_clock_that_is_set_back_keeps_nobody_waiting(void **state)
{
	int64_t now_ms = clock_wall_ms();

	(void)state;
	give();
	assert_true(bounce(ALICE, "t1", "remote-server-timeout", "wait"));
	text_again_due(again, now_ms - TEXT_AGAIN_MIN_MS);
	assert_int_equal(nsent, 0);
	text_again_due(again, now_ms - LONG_MS);
	assert_int_equal(nsent, 1);
}

static void bounce_many(unsigned n)
{
	char id[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		give_id(id);
	}
	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		(void)bounce(ALICE, id, "x", "wait");
	}
}

/* A server is back: calls have turns of the loop in between. */
static void many_are_not_given_in_one_turn(void **state)
{
	enum { N = 200 };

	(void)state;
	bounce_many(N);
	assert_int_equal(text_again_waiting(again), N);
	outbox_result = -EMSGSIZE;
	text_again_due(again, clock_wall_ms() + LONG_MS);
	assert_in_range(text_again_waiting(again), 1, N - 1);
	for (unsigned i = 0; i < N; i++)
		text_again_due(again, clock_wall_ms() + LONG_MS);
	assert_int_equal(text_again_waiting(again), 0);
}

/* Whose server sends all back leaves room for others. */
static void one_account_has_a_share_alone(void **state)
{
	AUTO(stanza_freep)
	struct stanza *message = text_of(NUMBER, "bob@example.org", "b1", "b");

	(void)state;
	bounce_many(TEXT_AGAIN_ACCOUNT_MAX + 10);
	assert_int_equal(text_again_waiting(again), TEXT_AGAIN_ACCOUNT_MAX);
	assert_false(
		turn(&(struct outbox_kept){ message, ++last_id, clock_ms_now },
		     turn_arg));
	assert_true(bounce("bob@example.org", "b1", "x", "wait"));
}

static void the_oldest_that_was_given_gives_way(void **state)
{
	char id[16];

	(void)state;
	give();
	for (unsigned i = 0; i < TEXT_GIVEN_MAX; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		give_id(id);
	}
	assert_false(bounce(ALICE, "t1", "x", "wait"));
	assert_true(bounce(ALICE, "n0", "x", "wait"));
}

/* ---- the order of a conversation ---- */

static void pass(const char *id)
{
	assert_true(bounce(ALICE, id, "remote-server-timeout", "wait"));
}

/* What was sent again, since the start of the test, is @ids in that order. */
static void are_sent(const char *ids)
{
	char all[TEXT_CAP] = "";
	size_t n = 0;

	for (unsigned i = 0; i < nsent; i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s",
				      i ? " " : "", sent[i]);
	assert_string_equal(all, ids);
}

static void all_are_due(void)
{
	text_again_due(again, clock_wall_ms() + LONG_MS);
}

static void what_is_written_later_waits_behind_what_is_back(void **state)
{
	(void)state;
	give_id("a");
	give_id("b");
	pass("a");
	assert_true(has_to_wait(NUMBER, "c", "later"));
	assert_true(row_of_id("c")->is_there);
	assert_int_equal(row_of_id("c")->tries, 0);
	pass("b");
	assert_true(has_to_wait(NUMBER, "d", "later"));
	assert_false(has_to_wait("+15559876543@tel.example.org", "e", "other"));
	all_are_due();
	are_sent("a b c d");
	assert_int_equal(text_again_waiting(again), 0);
	give_id("f");
}

static void what_comes_back_in_another_order_is_given_in_its_own(void **state)
{
	(void)state;
	give_id("a");
	give_id("b");
	give_id("c");
	pass("c");
	pass("a");
	pass("b");
	all_are_due();
	are_sent("a b c");
	pass("b");
	assert_true(has_to_wait(NUMBER, "d", "later"));
	pass("a");
	all_are_due();
	are_sent("a b c a b d");
}

/* Not the time of those of its conversation that have not had their turn. */
static void what_is_back_again_waits_its_time_again(void **state)
{
	enum { N = 100 };

	(void)state;
	bounce_many(N);
	text_again_due(again, clock_wall_ms() + TEXT_AGAIN_MIN_MS);
	assert_in_range(nsent, 1, N - 1);
	unsigned before = nsent;
	assert_true(bounce(ALICE, "n0", "x", "wait"));
	text_again_due(again, clock_wall_ms() + TEXT_AGAIN_MIN_MS);
	assert_int_equal(nsent, before);
	text_again_due(again, clock_wall_ms() + LONG_MS);
	assert_string_equal(sent[before], "n0");
}

/* It is in the outbox already, and is sent once more on a new stream. */
static void what_is_back_does_not_go_before_its_time(void **state)
{
	(void)state;
	give_id("a");
	pass("a");
	clock_ms_now--;
	assert_true(has_to_wait(NUMBER, "a", "hi & bye"));
	all_are_due();
	clock_ms_now--;
	assert_false(has_to_wait(NUMBER, "a", "hi & bye"));
}

static void the_order_outlives_the_process(void **state)
{
	(void)state;
	give_id("z");
	give_id("b");
	pass("z");
	pass("b");
	assert_true(has_to_wait(NUMBER, "a", "later"));
	text_again_free(again);
	assert_int_equal(text_again_new(&again, &gateway), 0);
	assert_true(has_to_wait(NUMBER, "c", "later"));
	all_are_due();
	are_sent("z b a c");
}

/* Those that were given again are no later than the rest. */
static void a_full_outbox_changes_no_order(void **state)
{
	(void)state;
	give_id("a");
	give_id("b");
	pass("a");
	pass("b");
	clock_ms_now -= 2;
	room = 1;
	all_are_due();
	are_sent("a");
	assert_false(has_to_wait(NUMBER, "a", "hi & bye"));
	clock_ms_now++;
	assert_true(has_to_wait(NUMBER, "c", "later"));
	room = ROWS_MAX;
	text_again_due(again, clock_wall_ms() + 2 * LONG_MS);
	are_sent("a b c");
}

/* The process ends when the first of them is in the outbox again. */
static void what_the_outbox_has_again_is_not_behind_the_rest(void **state)
{
	AUTO(stanza_freep)
	struct stanza *first = text_of(NUMBER, ALICE, "a", "hi & bye");

	(void)state;
	kept_since_ms = clock_ms_now;
	give_id("a");
	give_id("b");
	pass("a");
	pass("b");
	room = 1;
	all_are_due();
	text_again_free(again);
	kept = first;
	assert_int_equal(text_again_new(&again, &gateway), 0);
	assert_false(
		turn(&(struct outbox_kept){ first, ++last_id, kept_since_ms },
		     turn_arg));
	assert_true(has_to_wait(NUMBER, "c", "later"));
	room = ROWS_MAX;
	all_are_due();
	are_sent("a b c");
}

/* There are components that do. */
static void two_texts_with_one_id_are_two(void **state)
{
	(void)state;
	give_id("a");
	pass("a");
	assert_false(has_to_wait(NUMBER, "a", "another"));
}

static void without_room_or_a_disk_nothing_is_held_back(void **state)
{
	(void)state;
	give_id("a");
	pass("a");
	disk_result = -ENOBUFS;
	assert_false(has_to_wait(NUMBER, "b", "later"));
	assert_int_equal(text_again_waiting(again), 1);
}

/* The outbox has it on disk, and would drop it. */
static void what_could_not_be_written_is_left_to_the_outbox(void **state)
{
	(void)state;
	give_id("a");
	disk_result = -ENOBUFS;
	pass("a");
	assert_int_equal(text_again_waiting(again), 1);
	clock_ms_now--;
	assert_false(has_to_wait(NUMBER, "a", "hi & bye"));
	assert_int_equal(text_again_waiting(again), 0);
	disk_result = 0;
	pass("a");
	disk_result = -ENOBUFS;
	clock_ms_now--;
	assert_true(has_to_wait(NUMBER, "a", "hi & bye"));
	assert_true(row_of_id("a")->is_there);
}

/* To another file: what waits, and what may come back to the next process. */
static void all_of_it_is_written_again(void **state)
{
	int r = 0;

	(void)state;
	give_id("a");
	uint64_t id = last_id;
	give_id("b");
	give_id("c");
	pass("b");
	pass("c");
	room = 1;
	/* the outbox has "b" in another row then */
	text_again_due(again, clock_wall_ms() + TEXT_AGAIN_MIN_MS);
	memset(rows, 0, sizeof(rows));
	assert_false(text_again_put_some(again, true, &r));
	assert_int_equal(r, 0);
	assert_int_equal(nput, 1);
	assert_int_equal(put_ids[0], id);
	assert_true(row_of_id("c")->is_there);
	assert_false(row_of_id("b")->is_there);
}

static void nothing_waits_for_who_is_removed(void **state)
{
	(void)state;
	give_id("a");
	give_id("b");
	pass("a");
	text_again_forget(again, "alice@example.or");
	assert_int_equal(text_again_waiting(again), 1);
	text_again_forget(again, ALICE);
	assert_int_equal(text_again_waiting(again), 0);
	assert_false(row_of_id("a")->is_there);
	assert_false(bounce(ALICE, "b", "x", "wait"));
}

#define AGAIN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGAIN_TEST(what_passes_is_given_again_as_it_was),
		AGAIN_TEST(what_is_for_good_is_told_at_once),
		AGAIN_TEST(what_is_not_clear_is_tried_a_few_times),
		AGAIN_TEST(what_is_too_old_is_not_tried),
		AGAIN_TEST(what_nobody_gave_is_nothing),
		AGAIN_TEST(it_waits_across_a_restart_and_a_full_outbox),
		AGAIN_TEST(what_an_earlier_run_gave_may_come_back),
		AGAIN_TEST(a_clock_that_is_set_back_keeps_nobody_waiting),
		AGAIN_TEST(many_are_not_given_in_one_turn),
		AGAIN_TEST(one_account_has_a_share_alone),
		AGAIN_TEST(the_oldest_that_was_given_gives_way),
		AGAIN_TEST(what_is_written_later_waits_behind_what_is_back),
		AGAIN_TEST(
			what_comes_back_in_another_order_is_given_in_its_own),
		AGAIN_TEST(what_is_back_again_waits_its_time_again),
		AGAIN_TEST(what_is_back_does_not_go_before_its_time),
		AGAIN_TEST(the_order_outlives_the_process),
		AGAIN_TEST(a_full_outbox_changes_no_order),
		AGAIN_TEST(what_the_outbox_has_again_is_not_behind_the_rest),
		AGAIN_TEST(two_texts_with_one_id_are_two),
		AGAIN_TEST(without_room_or_a_disk_nothing_is_held_back),
		AGAIN_TEST(what_could_not_be_written_is_left_to_the_outbox),
		AGAIN_TEST(all_of_it_is_written_again),
		AGAIN_TEST(nothing_waits_for_who_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
