/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/texts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "db/account.h"
#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/rewriting.h"
#include "gateway/text/text_again.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_queue.h"
#include "gateway/text/text_refuse.h"
#include "gateway/text/text_reports.h"

enum {
	RATE_MS = 60 * 1000,
	RATES_MAX = 65536,
	/* So many texts later those that are no repetition any more leave the
	 * disk. */
	EXPIRE_EACH = 1000,
	/* Rows that a text becomes: to each owner itself, a notice and a
	 * contact; a report that is awaited, a receipt, and its key. */
	ROWS_MAX = 3 * ACCOUNT_MAX_OWNERS + 3,
};

static void on_seen(const void *data, void *arg)
{
	const struct seen_row *row = data;
	const struct gateway *gateway = arg;

	recent_add(gateway->texts->seen, row->key, clock_ms());
}

/* A carrier does not know that we were gone. */
static int read_seen(struct gateway *gateway)
{
	int64_t since_ms = clock_wall_ms() - TEXTS_SEEN_MS;

	if (seen_row_expire(gateway->db, since_ms))
		log_warn("texts=seen not-expired");
	return seen_row_load_all(gateway->db, on_seen, gateway);
}

/* With its words: there are clients that give several texts one id. */
void text_key(char out[static TEXT_SEEN_CAP], const char *account,
	      const char *party, const char *id, const char *words)
{
	if (!*id ||
	    text_format(out, TEXT_SEEN_CAP, "%s %s %s %016" PRIx64, account,
			party, id, text_digest(slice_of(words))))
		out[0] = '\0';
}

bool texts_know_id(const struct gateway *gateway, const char *account,
		   const char *party, const char *id)
{
	char prefix[TEXT_SEEN_CAP];

	return !text_format(prefix, sizeof(prefix), "%s %s %s ", account, party,
			    id) &&
	       recent_has_prefix(gateway->texts->seen, prefix, clock_ms());
}

bool texts_have_room(const struct gateway *gateway)
{
	return db_has_room(gateway->db, ROWS_MAX);
}

void texts_remember(struct gateway *gateway, const char *key)
{
	const struct seen_row row = { .key = key, .seen_ms = clock_wall_ms() };

	recent_add(gateway->texts->seen, key, clock_ms());
	if (seen_row_put(gateway->db, &row))
		log_warn("text=not-remembered: a repetition after a restart "
			 "would be delivered");
	if (++gateway->texts->nseen % EXPIRE_EACH == 0 &&
	    seen_row_expire(gateway->db, row.seen_ms - TEXTS_SEEN_MS))
		log_warn("texts=seen not-expired");
}

void texts_forget(struct gateway *gateway, const char *key)
{
	recent_drop(gateway->texts->seen, key);
	if (seen_row_drop(gateway->db, key))
		log_warn("text=not-forgotten: a repetition after a restart "
			 "would be lost");
}

bool texts_are_too_fast(struct gateway *gateway, const char *account, size_t n)
{
	unsigned count = 0;

	while (n--)
		count = recent_count(gateway->texts->rates, account,
				     clock_ms());
	return count > gateway->config->limits.texts_per_minute;
}

bool texts_are_closed(const struct gateway *gateway, const char *account)
{
	const struct account *found = account_find(gateway->accounts, account);

	return found && !found->enabled;
}

/* ---- again, some at a time ---- */

static bool put_queue(struct gateway *gateway, bool begin, int *r)
{
	return text_queue_put_some(gateway->texts->queue, begin, r);
}

static bool put_reports(struct gateway *gateway, bool begin, int *r)
{
	return text_reports_put_some(gateway->texts->reports, begin, r);
}

static bool put_again(struct gateway *gateway, bool begin, int *r)
{
	return text_again_put_some(gateway->texts->again, begin, r);
}

static bool put_seen(struct gateway *gateway, bool begin, int *r)
{
	struct texts *texts = gateway->texts;
	const char *key = begin ? recent_next(texts->seen, "")
				: recent_next(texts->seen, texts->put_key);

	for (unsigned i = 0; key && i < REWRITING_EACH; i++) {
		const struct seen_row row = { .key = key,
					      .seen_ms = clock_wall_ms() };
		int bad = seen_row_put(gateway->db, &row);

		*r = bad ? bad : *r;
		(void)!text_set(texts->put_key, sizeof(texts->put_key), key);
		key = recent_next(texts->seen, key);
	}
	return key != NULL;
}

static const rewriting_some_fn puts_some[] = { put_queue, put_reports,
					       put_again, put_seen };
enum { NPUTS = sizeof(puts_some) / sizeof(puts_some[0]) };

bool texts_put_some(struct gateway *gateway, bool begin, int *r)
{
	struct texts *texts = gateway->texts;

	if (begin)
		texts->put = 0;
	else
		begin = texts->put_begins;
	texts->put_begins = !puts_some[texts->put](gateway, begin, r);
	texts->put += texts->put_begins;
	return texts->put < NPUTS;
}

int texts_new(struct gateway *gateway)
{
	struct texts *texts = calloc(1, sizeof(*texts));
	int r;

	gateway->texts = texts;
	if (!texts)
		return -ENOMEM;
	RB_INIT(&texts->mailboxes);
	r = recent_new(&texts->seen, TEXTS_SEEN_MAX, TEXTS_SEEN_MS);
	if (!r)
		r = recent_new(&texts->rates, RATES_MAX, RATE_MS);
	if (!r)
		r = recent_new(&texts->sources, RATES_MAX, RATE_MS);
	if (!r)
		r = recent_new(&texts->explained, TEXT_EXPLAINED_MAX,
			       TEXT_EXPLAIN_MS);
	if (!r)
		r = read_seen(gateway);
	if (!r)
		r = text_reports_new(&texts->reports, gateway);
	if (!r)
		r = text_again_new(&texts->again, gateway);
	return r ? r : text_queue_new(&texts->queue, gateway);
}

void texts_free(struct gateway *gateway)
{
	struct texts *texts = gateway->texts;

	if (!texts)
		return;
	if (gateway->outbox)
		text_arrivals_free(gateway);
	text_askings_free(gateway);
	text_mailboxes_free(texts);
	text_queue_free(texts->queue);
	text_reports_free(texts->reports);
	text_again_free(texts->again);
	recent_free(texts->seen);
	recent_free(texts->rates);
	recent_free(texts->sources);
	recent_free(texts->explained);
	free(texts);
	gateway->texts = NULL;
}

void texts_forget_account(struct gateway *gateway, const char *account)
{
	text_queue_forget(gateway->texts->queue, account);
	text_again_forget(gateway->texts->again, account);
	text_reports_forget(gateway->texts->reports, account);
	outbox_forget_account(gateway, account);
}

void texts_trunk_up(struct gateway *gateway, const struct sip_trunk *trunk)
{
	if (gateway->texts)
		text_queue_trunk_up(gateway->texts->queue, trunk);
}
