/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/tally.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/gateway.h"
#include "gateway/rewriting.h"
#include "gateway/route/trunks.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_queue_state.h"
#include "gateway/text/text_reports.h"
#include "gateway/text/texts.h"
#include "sip/message.h"
#include "xmpp/jid.h"
#include "xmpp/xmpp_stream.h"

enum { SWEEP_S = 60 };

static int compare(const struct conversation *a, const struct conversation *b)
{
	return strcmp(a->key, b->key);
}
TREE_GENERATE(conversations, conversation, link, compare)

/* ---- conversations ---- */

void text_free(struct text *text)
{
	free(text->sender);
	free(text->stanza_id);
	free(text->lang);
	free(text->body);
	free(text);
}

void text_rest(struct conversation *c)
{
	if (c->is_ready)
		TAILQ_REMOVE(&c->lane->ready, c, ready);
	c->is_ready = false;
}

void text_conversation_free(struct conversation *c)
{
	text_rest(c);
	RB_REMOVE(conversations, &c->queue->conversations, c);
	sip_message_cancel(c->request);
	question_free(c->question);
	if (c->retry)
		event_free(c->retry);
	free(c);
}

void text_wake(struct conversation *c)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	bool waits = c->retry && evtimer_pending(c->retry, NULL);

	if (!first || !first->on_disk || c->request || c->question ||
	    c->is_ready || waits)
		return;
	c->is_ready = true;
	TAILQ_INSERT_TAIL(&c->lane->ready, c, ready);
}

static struct lane *lane_of(struct text_queue *queue, const char *trunk)
{
	struct lane *lane;

	SLIST_FOREACH(lane, &queue->lanes, link)
	{
		if (!strcmp(lane->name, trunk))
			return lane;
	}
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return NULL;
	if (text_set(lane->name, sizeof(lane->name), trunk)) {
		free(lane);
		return NULL;
	}
	TAILQ_INIT(&lane->ready);
	SLIST_INSERT_HEAD(&queue->lanes, lane, link);
	return lane;
}

struct conversation *text_conversation(struct text_queue *queue,
				       const struct text_row *row)
{
	struct conversation *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->queue = queue;
	TAILQ_INIT(&c->texts);
	c->lane = lane_of(queue, row->trunk);
	if (!c->lane || text_set(c->number, sizeof(c->number), row->number) ||
	    text_set(c->party, sizeof(c->party), row->party) ||
	    text_format(c->key, sizeof(c->key), "%s %s", c->number, c->party)) {
		free(c);
		return NULL;
	}
	struct conversation *known =
		RB_INSERT(conversations, &queue->conversations, c);
	if (known)
		free(c);
	return known ? known : c;
}

void text_take_out(struct text *text)
{
	struct conversation *c = text->conversation;
	char writer[JID_CAP];

	TAILQ_REMOVE(&c->texts, text, link);
	jid_account(writer, text->sender);
	tally_take(c->queue->writers, writer, strlen(text->body));
	c->queue->n--;
	c->queue->octets -= strlen(text->body);
	text_free(text);
}

void text_part_taken(struct conversation *c)
{
	struct text_queue *queue = c->queue;
	struct text *first = TAILQ_FIRST(&c->texts);

	first->sent += c->part;
	c->failures = 0;
	if (!first->body[first->sent]) {
		text_delivered(c);
		return;
	}
	if (text_row_sent(queue->gateway->db, first->id, first->sent))
		log_warn("text=%s part not-on-disk: sent again after a restart",
			 first->call_id);
	text_wake(c);
}

int text_move(struct conversation *c, const char *trunk)
{
	struct lane *lane = lane_of(c->queue, trunk);

	if (!lane)
		return -ENOMEM;
	text_rest(c);
	c->lane = lane;
	text_wake(c);
	return 0;
}

void text_finish_first(struct conversation *c)
{
	struct text_queue *queue = c->queue;
	struct text *first = TAILQ_FIRST(&c->texts);

	if (text_row_drop(queue->gateway->db, first->id))
		log_warn("text=%s not-dropped: sent again after a restart",
			 first->call_id);
	db_forget(queue->gateway->db, first);
	text_take_out(first);
	c->failures = 0;
	if (TAILQ_EMPTY(&c->texts))
		text_conversation_free(c);
	else
		text_wake(c);
}

/* @c may be freed. */
static void refuse_old(struct conversation *c)
{
	bool last;

	do {
		const struct text *first = TAILQ_FIRST(&c->texts);

		if (c->request || c->question || !first->on_disk)
			return;
		last = !TAILQ_NEXT(first, link);
	} while (text_refuse_if_old(c) && !last);
}

/* Nobody waits for what becomes of its first any more. The next one may not be
 * on disk yet. */
static void give_up_first(struct conversation *c)
{
	text_rest(c);
	c->lane->at_once -= (c->request != NULL) + (c->question != NULL);
	c->request = sip_message_cancel(c->request);
	c->question = question_free(c->question);
	c->failures = 0;
	if (c->retry)
		evtimer_del(c->retry);
}

static void drop(struct text *text)
{
	struct conversation *c = text->conversation;
	struct gateway *gateway = c->queue->gateway;

	if (text == TAILQ_FIRST(&c->texts))
		give_up_first(c);
	text_reports_drop(gateway->texts->reports, text->call_id);
	if (text_row_drop(gateway->db, text->id))
		log_warn("text=%s not-dropped: sent after a restart",
			 text->call_id);
	db_forget(gateway->db, text);
	xmpp_stream_release(gateway->stream, text->hold);
	text_take_out(text);
}

static void drop_all_of(struct conversation *c, const char *account)
{
	struct text *text, *next;
	char writer[JID_CAP];

	TAILQ_FOREACH_SAFE(text, &c->texts, link, next) {
		jid_account(writer, text->sender);
		if (!strcmp(writer, account))
			drop(text);
	}
	if (TAILQ_EMPTY(&c->texts))
		text_conversation_free(c);
	else
		text_wake(c);
}

void text_queue_forget(struct text_queue *queue, const char *account)
{
	struct conversation *c, *next;
	struct lane *lane;

	RB_FOREACH_SAFE(c, conversations, &queue->conversations, next)
		drop_all_of(c, account);
	SLIST_FOREACH(lane, &queue->lanes, link)
	{
		text_pump(queue, lane);
	}
}

/* Whose trunk has left the configuration: nothing else would wake them. */
static void pump_homeless(struct text_queue *queue)
{
	struct lane *lane;

	SLIST_FOREACH(lane, &queue->lanes, link)
	{
		if (!trunks_find(queue->gateway, lane->name))
			text_pump(queue, lane);
	}
}

/* Those whose trunk is down are not tried at all: they grow old here. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct text_queue *queue = arg;
	struct conversation *c, *next;

	(void)fd;
	(void)what;
	pump_homeless(queue);
	RB_FOREACH_SAFE(c, conversations, &queue->conversations, next)
		refuse_old(c);
}

/* ---- again, some at a time ---- */

/* Those of @c behind the cursor, as far as the turn's share goes: @n of it have
 * been put. */
static unsigned put_texts(struct text_queue *queue,
			  const struct conversation *c, unsigned n, int *r)
{
	const struct text *text;

	TAILQ_FOREACH(text, &c->texts, link) {
		if (text->id <= queue->put_id)
			continue;
		if (n == REWRITING_EACH)
			break;
		int bad = text_put_again(text);
		*r = bad ? bad : *r;
		queue->put_id = text->id;
		n++;
	}
	return n;
}

/* Conversation by conversation; the cursor is the last text of one. */
bool text_queue_put_some(struct text_queue *queue, bool begin, int *r)
{
	struct conversation at, *c;
	unsigned n = 0;

	if (begin) {
		queue->put_key[0] = '\0';
		queue->put_id = 0;
	}
	memcpy(at.key, queue->put_key, sizeof(at.key));
	c = RB_NFIND(conversations, &queue->conversations, &at);
	for (; c && n < REWRITING_EACH;
	     c = RB_NEXT(conversations, &queue->conversations, c)) {
		if (strcmp(c->key, queue->put_key) != 0)
			queue->put_id = 0;
		memcpy(queue->put_key, c->key, sizeof(queue->put_key));
		n = put_texts(queue, c, n, r);
	}
	return n == REWRITING_EACH;
}

/* ---- start ---- */

int text_queue_new(struct text_queue **out, struct gateway *gateway)
{
	const struct timeval often = { SWEEP_S, 0 };
	struct text_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	queue->gateway = gateway;
	RB_INIT(&queue->conversations);
	SLIST_INIT(&queue->lanes);
	queue->sweep =
		event_new(gateway->base, -1, EV_PERSIST, on_sweep, queue);
	int r = queue->sweep && !event_add(queue->sweep, &often)
			? tally_new(&queue->writers)
			: -ENOMEM;
	if (!r)
		r = text_row_load_all(gateway->db, text_read_row, queue);
	if (r) {
		text_queue_free(queue);
		return r;
	}
	if (queue->n)
		log_info("texts=read waiting=%zu", queue->n);
	pump_homeless(queue);
	*out = queue;
	return 0;
}

struct text_queue *text_queue_free(struct text_queue *queue)
{
	struct conversation *c;
	struct lane *lane;

	if (!queue)
		return NULL;
	while ((c = RB_MIN(conversations, &queue->conversations))) {
		struct text *text;
		while ((text = TAILQ_FIRST(&c->texts))) {
			db_forget(queue->gateway->db, text);
			text_take_out(text);
		}
		text_conversation_free(c);
	}
	while ((lane = SLIST_FIRST(&queue->lanes))) {
		SLIST_REMOVE_HEAD(&queue->lanes, link);
		free(lane);
	}
	if (queue->sweep)
		event_free(queue->sweep);
	tally_free(queue->writers);
	free(queue);
	return NULL;
}
