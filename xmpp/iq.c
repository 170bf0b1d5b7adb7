/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 6120, 8.2.3: an answer belongs to the request whose id it has, sent to
 * whom it comes from, by whom it goes to. All time limits are the same, so the
 * list is in the order in which they end.
 */
#include "xmpp/iq.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "gateway/base/tally.h"
#include "gateway/base/text.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

enum { IQ_ID_LEN = 20 };

struct pending {
	RB_ENTRY(pending) node;
	TAILQ_ENTRY(pending) entry;
	char *id, *local, *remote; /* JIDs as jid_full() */
	char *peer;                /* bare, under which it is counted */
	uint64_t deadline_ms;      /* 0: could not be sent */
	uint64_t serial;           /* in the order of sending */
	iq_fn fn;                  /* NULL: nobody cares */
	void *arg;
};

TAILQ_HEAD(pending_list, pending);
RB_HEAD(pending_tree, pending);

struct iq_table {
	struct xmpp_stream *stream;
	struct pending_tree tree;
	struct pending_list waiting, unsent;
	size_t n;
	struct tally *peers;
	uint64_t last_serial;
	struct event *timer;
};

static int order(const struct pending *a, const struct pending *b)
{
	int r = strcmp(a->id, b->id);

	if (!r)
		r = strcmp(a->remote, b->remote);
	return r ? r : strcmp(a->local, b->local);
}

RB_GENERATE_INTERNAL(pending_tree, pending, node, order,
		     __attribute__((unused)) static)

static struct pending *pending_free(struct pending *p)
{
	if (!p)
		return NULL;
	free(p->id);
	free(p->local);
	free(p->remote);
	free(p->peer);
	free(p);
	return NULL;
}
DEFINE_AUTO(struct pending *, pending_free)

static void unlink_pending(struct iq_table *table, struct pending *p)
{
	struct pending_list *list =
		p->deadline_ms ? &table->waiting : &table->unsent;

	TAILQ_REMOVE(list, p, entry);
	RB_REMOVE(pending_tree, &table->tree, p);
	tally_take(table->peers, p->peer, 0);
	table->n--;
}

static void finish(struct iq_table *table, struct pending *p,
		   enum iq_answer answer, const struct stanza *reply)
{
	unlink_pending(table, p);
	if (p->fn)
		p->fn(answer, reply, p->arg);
	pending_free(p);
}

static void arm(struct iq_table *table)
{
	const struct pending *first = TAILQ_FIRST(&table->waiting);
	uint64_t now = clock_ms(), left = 0;

	if (TAILQ_EMPTY(&table->unsent)) {
		if (!first) {
			evtimer_del(table->timer);
			return;
		}
		left = first->deadline_ms > now ? first->deadline_ms - now : 0;
	}
	const struct timeval tv = clock_timeval((int64_t)left);
	evtimer_add(table->timer, &tv);
}

/* Who asks again at once has its turn next time: without that, one that cannot
 * be sent would be asked again for ever. */
void iq_expire(struct iq_table *table, uint64_t now_ms)
{
	uint64_t last = table->last_serial;
	struct pending *p;

	while ((p = TAILQ_FIRST(&table->unsent)) && p->serial <= last)
		finish(table, p, IQ_NOT_SENT, NULL);
	while ((p = TAILQ_FIRST(&table->waiting)) && p->serial <= last &&
	       p->deadline_ms <= now_ms)
		finish(table, p, IQ_TIMEOUT, NULL);
	arm(table);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	iq_expire(arg, clock_ms());
}

int iq_table_new(struct iq_table **out, struct event_base *base,
		 struct xmpp_stream *stream)
{
	AUTO(iq_table_freep)
	struct iq_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->stream = stream;
	RB_INIT(&table->tree);
	TAILQ_INIT(&table->waiting);
	TAILQ_INIT(&table->unsent);
	table->timer = evtimer_new(base, on_timer, table);
	if (!table->timer || tally_new(&table->peers))
		return -ENOMEM;
	*out = table;
	table = NULL;
	return 0;
}

struct iq_table *iq_table_free(struct iq_table *table)
{
	struct pending *p;

	if (!table)
		return NULL;
	while ((p = RB_MIN(pending_tree, &table->tree))) {
		unlink_pending(table, p);
		pending_free(p);
	}
	if (table->timer)
		event_free(table->timer);
	tally_free(table->peers);
	free(table);
	return NULL;
}

/* 0, -EINVAL, -ENOMEM. */
static int keep_jid(char **out, const char *text)
{
	char jid[JID_CAP];

	if (jid_full(jid, sizeof(jid), text))
		return -EINVAL;
	*out = text_dup(slice_of(jid));
	return *out ? 0 : -ENOMEM;
}

static int pending_new(struct pending **out, const struct stanza *iq, iq_fn fn,
		       void *arg)
{
	AUTO(pending_freep) struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->fn = fn;
	p->arg = arg;
	int r = keep_jid(&p->local, stanza_attr(iq, "from"));
	if (!r)
		r = keep_jid(&p->remote, stanza_attr(iq, "to"));
	if (r)
		return r;
	p->id = text_dup(slice_of(stanza_attr(iq, "id")));
	if (!p->id)
		return -ENOMEM;
	*out = p;
	p = NULL;
	return 0;
}

static int give_id(struct stanza *iq)
{
	char id[IQ_ID_LEN + 1];

	if (stanza_attr(iq, "id"))
		return 0;
	rand_token(id, IQ_ID_LEN);
	stanza_set(iq, "id", id);
	return stanza_ok(iq) ? 0 : -ENOMEM;
}

/* One more for its peer. 0, -EAGAIN, -ENOMEM; then it is not counted. */
static int count_peer(struct iq_table *table, struct pending *p)
{
	p->peer = text_dup(slice_of(p->remote));
	if (!p->peer)
		return -ENOMEM;
	p->peer[strcspn(p->peer, "/")] = '\0';
	if (tally_of(table->peers, p->peer) >= IQ_MAX_OF_PEER)
		return -EAGAIN;
	return tally_add(table->peers, p->peer, 0);
}

int iq_send(struct iq_table *table, struct stanza *iq, iq_fn fn, void *arg)
{
	AUTO(pending_freep) struct pending *p = NULL;

	if (table->n >= IQ_MAX_PENDING)
		return -EAGAIN;
	int r = give_id(iq);
	if (!r)
		r = pending_new(&p, iq, fn, arg);
	if (!r && RB_FIND(pending_tree, &table->tree, p))
		r = -EINVAL; /* an id of the caller's that is in use */
	if (!r)
		r = count_peer(table, p);
	if (r)
		return r;
	RB_INSERT(pending_tree, &table->tree, p);
	table->n++;
	p->serial = ++table->last_serial;
	if (xmpp_stream_send(table->stream, iq)) {
		TAILQ_INSERT_TAIL(&table->unsent, p, entry);
	} else {
		p->deadline_ms = clock_ms() + IQ_TIMEOUT_MS;
		TAILQ_INSERT_TAIL(&table->waiting, p, entry);
	}
	p = NULL;
	arm(table);
	return 0;
}

void iq_cancel(struct iq_table *table, const void *arg)
{
	struct pending *p;

	RB_FOREACH(p, pending_tree, &table->tree)
		if (p->arg == arg)
			p->fn = NULL;
}

static struct pending *find(struct iq_table *table, const struct stanza *iq)
{
	AUTO(pending_freep) struct pending *key = NULL;

	if (!stanza_attr(iq, "id") || pending_new(&key, iq, NULL, NULL))
		return NULL;
	/* what came from them was sent to them */
	char *swap = key->local;
	key->local = key->remote;
	key->remote = swap;
	return RB_FIND(pending_tree, &table->tree, key);
}

bool iq_receive(struct iq_table *table, const struct stanza *iq)
{
	const char *type = stanza_attr(iq, "type");
	bool result = type && !strcmp(type, "result");

	if (!result && !(type && !strcmp(type, "error")))
		return false;
	struct pending *p = find(table, iq);
	if (!p)
		return false;
	finish(table, p, result ? IQ_RESULT : IQ_ERROR, iq);
	arm(table);
	return true;
}

size_t iq_pending(const struct iq_table *table)
{
	return table->n;
}
