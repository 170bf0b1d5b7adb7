/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/rewriting.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/contact.h"
#include "db/db.h"
#include "db/setting.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call.h"
#include "gateway/call/recover.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/added.h"
#include "gateway/route/blocks.h"
#include "gateway/route/quotas.h"
#include "gateway/route/routes.h"
#include "gateway/route/toll.h"
#include "gateway/text/texts.h"

struct rewriting {
	struct gateway *gateway;
	struct event *turn;
	size_t part;
	bool begun; /* that part */
	int result; /* the last of what could not be written */
	uint64_t since_ms;
};

static int put_accounts(struct gateway *gateway)
{
	return account_put_all(gateway->accounts);
}

static int put_contacts(struct gateway *gateway)
{
	return contact_put_all(gateway->contacts);
}

static int put_settings(struct gateway *gateway)
{
	return setting_put_all(gateway->settings);
}

/* Calls first: nobody can make them again. */
static const struct {
	/* What there are few of, as account_put_all(). */
	int (*all)(struct gateway *gateway);
	rewriting_some_fn some;
	enum db_known known; /* behind them */
} parts[] = {
	{ NULL, call_record_some, DB_KNOWN_CALLS },
	{ recover_put_all, NULL, DB_KNOWN_NONE },
	{ put_accounts, NULL, DB_KNOWN_ACCOUNTS },
	{ put_contacts, NULL, DB_KNOWN_CONTACTS },
	{ put_settings, NULL, DB_KNOWN_SETTINGS },
	{ quotas_put_all, NULL, DB_KNOWN_QUOTAS },
	{ toll_put_all, NULL, DB_KNOWN_USAGE },
	{ blocks_put_all, NULL, DB_KNOWN_BLOCKS },
	{ routes_put_all, NULL, DB_KNOWN_ROUTES },
	{ added_put_all, NULL, DB_KNOWN_TRUNKS },
	{ NULL, outbox_put_some, DB_KNOWN_NONE },
	{ NULL, texts_put_some, DB_KNOWN_TEXTS },
};
enum { NPARTS = sizeof(parts) / sizeof(parts[0]) };

static void turn_in(struct rewriting *rewriting, int64_t ms)
{
	const struct timeval tv = clock_timeval(ms);

	if (evtimer_add(rewriting->turn, &tv))
		log_error("db=replaced: no memory to write what is known");
}

static void finish(const struct rewriting *rewriting)
{
	unsigned took_ms = (unsigned)(clock_ms() - rewriting->since_ms);

	if (rewriting->result)
		log_error("db=replaced r=%d (%s): not all that is known is in "
			  "the new file",
			  rewriting->result, strerror(-rewriting->result));
	else
		log_warn("db=rewritten took_ms=%u: what is known is in the new "
			 "file",
			 took_ms);
}

/* A trunk that the configuration leaves no place for is on disk alone. */
static bool knows_all(const struct gateway *gateway, enum db_known known)
{
	return known && (known != DB_KNOWN_TRUNKS || !gateway->added_left_out);
}

/* Whether the part goes on. */
static bool put(struct rewriting *rewriting)
{
	struct gateway *gateway = rewriting->gateway;
	const enum db_known known = parts[rewriting->part].known;
	bool begin = !rewriting->begun, more = false;
	int r = 0;

	rewriting->begun = true;
	db_put_again(gateway->db, true);
	if (parts[rewriting->part].all)
		r = parts[rewriting->part].all(gateway);
	else
		more = parts[rewriting->part].some(gateway, begin, &r);
	rewriting->result = r ? r : rewriting->result;
	/* in the transaction of the last of them; where one is missing, what
	 * came from the old file is better than nothing */
	if (!more && !rewriting->result && knows_all(gateway, known))
		rewriting->result = db_drop_salvaged(gateway->db, known);
	db_put_again(gateway->db, false);
	return more;
}

static void step(struct rewriting *rewriting)
{
	if (put(rewriting))
		return;
	rewriting->part++;
	rewriting->begun = false;
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct rewriting *rewriting = arg;

	(void)fd;
	(void)what;
	if (!db_may_put_again(rewriting->gateway->db)) {
		turn_in(rewriting, REWRITING_WAIT_MS);
		return;
	}
	step(rewriting);
	if (rewriting->part < NPARTS)
		turn_in(rewriting, 0);
	else
		finish(rewriting);
}

/* The last turn of all. */
static void hurry(struct rewriting *rewriting)
{
	while (rewriting->part < NPARTS)
		step(rewriting);
	finish(rewriting);
}

/* Also while that before is being written: what of it waits goes to this one,
 * and all of it once more. */
static void on_replaced(void *arg)
{
	struct rewriting *rewriting = arg;

	rewriting->part = 0;
	rewriting->begun = false;
	rewriting->result = 0;
	rewriting->since_ms = clock_ms();
	turn_in(rewriting, 0);
}

int rewriting_new(struct gateway *gateway)
{
	struct rewriting *rewriting = calloc(1, sizeof(*rewriting));

	gateway->rewriting = rewriting;
	if (!rewriting)
		return -ENOMEM;
	rewriting->gateway = gateway;
	rewriting->turn = evtimer_new(gateway->base, on_turn, rewriting);
	if (!rewriting->turn)
		return -ENOMEM;
	db_on_replaced(gateway->db, on_replaced, rewriting);
	return 0;
}

void rewriting_free(struct gateway *gateway)
{
	struct rewriting *rewriting = gateway->rewriting;

	if (!rewriting)
		return;
	db_on_replaced(gateway->db, NULL, NULL);
	if (rewriting->turn && evtimer_pending(rewriting->turn, NULL))
		hurry(rewriting);
	if (rewriting->turn)
		event_free(rewriting->turn);
	free(rewriting);
	gateway->rewriting = NULL;
}
