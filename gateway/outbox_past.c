/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/outbox_past.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/outbox_state.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

enum { SWEEP_S = 30, OVER_MAX = OUTBOX_PAST_MAX / 8 };

struct past {
	uint64_t id;
	char *account; /* owned; NULL without memory: it goes with its time */
	size_t octets;
	int64_t taken_ms;
};

/* A ring. */
struct outbox_past {
	struct db *db;
	struct event *sweep;
	struct past rows[OUTBOX_PAST_MAX];
	size_t first, n, octets;
	/* Gone from here, still on disk: the last of them, and how many. */
	uint64_t over_id;
	size_t nover;
};

static const struct timeval sweep = { SWEEP_S, 0 };

static struct past *at(struct outbox_past *past, size_t i)
{
	return &past->rows[(past->first + i) % OUTBOX_PAST_MAX];
}

static void forget(struct outbox_past *past, struct past *one)
{
	past->octets -= one->octets;
	free(one->account);
	one->account = NULL;
}

static void drop_first(struct outbox_past *past)
{
	struct past *first = at(past, 0);

	past->over_id = first->id;
	past->nover++;
	forget(past, first);
	past->first = (past->first + 1) % OUTBOX_PAST_MAX;
	past->n--;
}

static void clear_disk(struct outbox_past *past)
{
	if (!past->nover)
		return;
	if (outbox_row_drop_to(past->db, past->over_id))
		log_warn("outbox=not-dropped id=%llu: it goes with the next",
			 (unsigned long long)past->over_id);
	else
		past->nover = 0;
}

void outbox_past_expire(struct outbox_past *past, int64_t now_ms)
{
	while (past->n && (at(past, 0)->taken_ms < now_ms - OUTBOX_PAST_MS ||
			   past->octets > OUTBOX_PAST_OCTETS_MAX))
		drop_first(past);
	clear_disk(past);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct outbox_past *past = arg;

	(void)fd;
	(void)what;
	outbox_past_expire(past, clock_wall_ms());
	if (past->n || past->nover)
		evtimer_add(past->sweep, &sweep);
}

static char *account_of(const struct stanza *stanza)
{
	char account[JID_CAP];

	jid_account(account, stanza_attr(stanza, "to"));
	return text_dup(slice_of(account));
}

void outbox_past_add(struct outbox_past *past, const struct outbox_stanza *one,
		     int64_t taken_ms)
{
	while (past->n == OUTBOX_PAST_MAX ||
	       (past->n && past->octets + one->octets > OUTBOX_PAST_OCTETS_MAX))
		drop_first(past);
	*at(past, past->n++) =
		(struct past){ .id = one->id,
			       .account = account_of(one->stanza),
			       .octets = one->octets,
			       .taken_ms = taken_ms };
	past->octets += one->octets;
	if (past->nover >= OVER_MAX)
		clear_disk(past);
	if (!evtimer_pending(past->sweep, NULL))
		evtimer_add(past->sweep, &sweep);
}

void outbox_past_forget(struct outbox_past *past, const char *account)
{
	for (size_t i = 0; i < past->n; i++) {
		const struct past *one = at(past, i);

		if (one->account && !strcmp(one->account, account) &&
		    outbox_row_drop(past->db, one->id))
			log_warn("outbox=not-dropped id=%llu: it goes with its "
				 "time",
				 (unsigned long long)one->id);
	}
}

void outbox_past_take_back(struct outbox_past *past, uint64_t id)
{
	while (past->n && at(past, past->n - 1)->id >= id)
		forget(past, at(past, --past->n));
}

int outbox_past_new(struct outbox_past **out, struct db *db,
		    struct event_base *base)
{
	struct outbox_past *past = calloc(1, sizeof(*past));

	if (!past)
		return -ENOMEM;
	past->db = db;
	past->sweep = evtimer_new(base, on_sweep, past);
	if (!past->sweep) {
		free(past);
		return -ENOMEM;
	}
	*out = past;
	return 0;
}

struct outbox_past *outbox_past_free(struct outbox_past *past)
{
	if (!past)
		return NULL;
	while (past->n)
		forget(past, at(past, --past->n));
	event_free(past->sweep);
	free(past);
	return NULL;
}
