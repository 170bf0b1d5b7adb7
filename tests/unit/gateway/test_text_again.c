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

enum { LONG_MS = 3600 * 1000 };

/* ---- the disk and the outbox ---- */

static struct {
	char key[100], stanza[1000];
	int64_t kept_ms, next_ms;
	uint32_t tries;
	bool is_there;
} row;

int again_row_put(struct db *db, const struct again_row *put)
{
	(void)db;
	snprintf(row.key, sizeof(row.key), "%s", put->key);
	snprintf(row.stanza, sizeof(row.stanza), "%s", put->stanza);
	row.kept_ms = put->kept_ms;
	row.next_ms = put->next_ms;
	row.tries = put->tries;
	row.is_there = true;
	return 0;
}

int again_row_drop(struct db *db, const char *key)
{
	(void)db;
	if (!strcmp(key, row.key))
		row.is_there = false;
	return 0;
}

int again_row_load_all(struct db *db, db_row_fn fn, void *arg)
{
	const struct again_row loaded = { .key = row.key,
					  .stanza = row.stanza,
					  .kept_ms = row.kept_ms,
					  .next_ms = row.next_ms,
					  .tries = row.tries };

	(void)db;
	if (row.is_there)
		fn(&loaded, arg);
	return 0;
}

static unsigned nsent;
static int outbox_result;
static bool is_stamped;

int outbox_send(struct gateway *gateway, const struct stanza *stanza,
		db_done_fn done, void *arg)
{
	(void)gateway;
	(void)arg;
	assert_null(done);
	if (outbox_result)
		return outbox_result;
	assert_string_equal(stanza_attr(stanza, "id"), "t1");
	assert_string_equal(stanza_attr(stanza, "to"), ALICE);
	is_stamped = stanza_find(stanza, "delay", "urn:xmpp:delay") != NULL;
	nsent++;
	return 0;
}

static const struct stanza *kept;

void outbox_each(const struct gateway *gateway, outbox_fn fn, void *arg)
{
	(void)gateway;
	if (kept)
		fn(kept, clock_wall_ms(), arg);
}

/* ---- */

static char domain[] = "tel.example.org";
static struct config config;
static struct gateway gateway = { .config = &config };
static struct text_again *again;

static int set_up(void **state)
{
	(void)state;
	memset(&row, 0, sizeof(row));
	nsent = 0;
	outbox_result = 0;
	config.limits.text_expires_s = 172800;
	config.xmpp.domain = domain;
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

static void give(void)
{
	AUTO(stanza_freep) struct stanza *message = NULL;

	assert_int_equal(chat_format(&message,
				     &(struct chat_text){ .from = NUMBER,
							  .to = ALICE,
							  .id = "t1",
							  .body = "hi & bye" }),
			 0);
	text_again_give(again, message);
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
	assert_true(row.is_there && row.tries == 1);
	text_again_due(again, clock_wall_ms());
	assert_int_equal(nsent, 0);
	text_again_due(again, clock_wall_ms() + TEXT_AGAIN_MIN_MS);
	assert_int_equal(nsent, 1);
	assert_true(is_stamped);
	assert_false(row.is_there);
	assert_int_equal(text_again_waiting(again), 0);
	assert_true(bounce(ALICE, "t1", "remote-server-timeout", "wait"));
	assert_int_equal(row.tries, 2);
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
	assert_true(row.is_there);
	assert_int_equal(text_again_waiting(again), 1);
	outbox_result = 0;
	text_again_due(again, clock_wall_ms() + 2 * LONG_MS);
	assert_int_equal(nsent, 1);
	assert_false(row.is_there);
}

/* The outbox has it on disk for a while. */
static void what_an_earlier_run_gave_may_come_back(void **state)
{
	AUTO(stanza_freep) struct stanza *message = NULL;

	(void)state;
	text_again_free(again);
	assert_int_equal(
		chat_format(&message, &(struct chat_text){ .from = NUMBER,
							   .to = ALICE,
							   .id = "t1",
							   .body = "hi" }),
		0);
	kept = message;
	assert_int_equal(text_again_new(&again, &gateway), 0);
	kept = NULL;
	assert_true(bounce(ALICE, "t1", "remote-server-not-found", "cancel"));
	assert_int_equal(text_again_waiting(again), 1);
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

static struct stanza *text_to(const char *jid, const char *id)
{
	struct stanza *message;

	assert_int_equal(
		chat_format(&message, &(struct chat_text){ .from = NUMBER,
							   .to = jid,
							   .id = id,
							   .body = "b" }),
		0);
	return message;
}

static void bounce_many(unsigned n)
{
	AUTO(stanza_freep) struct stanza *message = text_to(ALICE, "x");
	char id[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		stanza_set(message, "id", id);
		text_again_give(again, message);
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
	struct stanza *message = text_to("bob@example.org", "b1");

	(void)state;
	bounce_many(TEXT_AGAIN_ACCOUNT_MAX + 10);
	assert_int_equal(text_again_waiting(again), TEXT_AGAIN_ACCOUNT_MAX);
	text_again_give(again, message);
	assert_true(bounce("bob@example.org", "b1", "x", "wait"));
}

static void the_oldest_that_was_given_gives_way(void **state)
{
	AUTO(stanza_freep) struct stanza *message = text_to(ALICE, "x");
	char id[16];

	(void)state;
	give();
	for (unsigned i = 0; i < TEXT_GIVEN_MAX; i++) {
		snprintf(id, sizeof(id), "n%u", i);
		stanza_set(message, "id", id);
		text_again_give(again, message);
	}
	assert_false(bounce(ALICE, "t1", "x", "wait"));
	assert_true(bounce(ALICE, "n0", "x", "wait"));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
