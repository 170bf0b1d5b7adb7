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

static void free_text(struct text *text)
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

static void free_conversation(struct conversation *c)
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

static struct conversation *conversation_of(struct text_queue *queue,
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

static void take_out(struct text *text)
{
	struct conversation *c = text->conversation;
	char writer[JID_CAP];

	TAILQ_REMOVE(&c->texts, text, link);
	jid_account(writer, text->sender);
	tally_take(c->queue->writers, writer, strlen(text->body));
	c->queue->n--;
	c->queue->octets -= strlen(text->body);
	free_text(text);
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
	take_out(first);
	c->failures = 0;
	if (TAILQ_EMPTY(&c->texts))
		free_conversation(c);
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
	take_out(text);
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
		free_conversation(c);
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

/* ---- keeping ---- */

static int fill(struct text *text, const struct text_row *row)
{
	text->id = row->id;
	text->kind = row->kind;
	text->receipt = row->receipt;
	text->markable = row->markable;
	text->received_ms = row->received_ms;
	text->sender = text_dup(slice_of(row->sender));
	text->stanza_id = text_dup(slice_of(row->stanza_id));
	text->lang = text_dup(slice_of(row->lang));
	text->body = text_dup(slice_of(row->body));
	if (!text->sender || !text->stanza_id || !text->lang || !text->body)
		return -ENOMEM;
	if (row->sent < strlen(text->body))
		text->sent = row->sent;
	return text_set(text->call_id, sizeof(text->call_id), row->call_id);
}

/* *@out is the last of its conversation. 0 or -ENOMEM. */
static int append(struct text **out, struct text_queue *queue,
		  const struct text_row *row)
{
	struct text *text = calloc(1, sizeof(*text));
	struct conversation *c = NULL;
	char writer[JID_CAP];

	jid_account(writer, row->sender);
	if (text && !fill(text, row))
		c = conversation_of(queue, row);
	if (!c || tally_add(queue->writers, writer, strlen(row->body))) {
		if (c && TAILQ_EMPTY(&c->texts))
			free_conversation(c);
		if (text)
			free_text(text);
		return -ENOMEM;
	}
	text->conversation = c;
	TAILQ_INSERT_TAIL(&c->texts, text, link);
	queue->n++;
	queue->octets += strlen(row->body);
	queue->last_id = row->id;
	*out = text;
	return 0;
}

/* The disk refuses it: XMPP has no answer that could be held back, and it is
 * here, as long as we are. */
static void on_disk(int result, void *arg)
{
	struct text *text = arg;
	struct conversation *c = text->conversation;
	struct text_queue *queue = c->queue;
	struct lane *lane = c->lane;

	text->on_disk = true;
	xmpp_stream_release(queue->gateway->stream, text->hold);
	if (result)
		log_warn("text=%s not-on-disk r=%d: sent all the same",
			 text->call_id, result);
	text_wake(c);
	text_pump(queue, lane);
}

/* The disk's queue is full: as if it had not come. */
static void take_back(struct text *text)
{
	struct conversation *c = text->conversation;

	take_out(text);
	if (TAILQ_EMPTY(&c->texts))
		free_conversation(c);
}

static bool has_room(const struct text_queue *queue, const struct text_row *row)
{
	char writer[JID_CAP];
	size_t octets = strlen(row->body);

	jid_account(writer, row->sender);
	return queue->n < TEXTS_MAX &&
	       queue->octets + octets <= TEXTS_OCTETS_MAX &&
	       tally_of(queue->writers, writer) < TEXTS_PER_ACCOUNT_MAX &&
	       tally_octets(queue->writers, writer) + octets <=
		       TEXTS_PER_ACCOUNT_OCTETS_MAX;
}

int text_queue_add(struct text_queue *queue, const struct text_row *row)
{
	struct text_row mine = *row;
	char call_id[RAND_UUID_CAP];
	struct text *text;

	if (!has_room(queue, row))
		return -ENOBUFS;
	rand_uuid(call_id);
	mine.id = queue->last_id + 1;
	mine.call_id = call_id;
	int r = append(&text, queue, &mine);
	if (r)
		return r;
	r = text_row_put(queue->gateway->db, &mine, on_disk, text);
	if (r)
		take_back(text);
	else
		text->hold = xmpp_stream_hold(queue->gateway->stream);
	return r;
}

static int put_again(const struct text *text)
{
	const struct conversation *c = text->conversation;
	const struct text_row row = {
		.id = text->id,
		.sender = text->sender,
		.stanza_id = text->stanza_id,
		.number = c->number,
		.party = c->party,
		.trunk = c->lane->name,
		.call_id = text->call_id,
		.lang = text->lang,
		.body = text->body,
		.receipt = text->receipt,
		.received_ms = text->received_ms,
		.kind = text->kind,
		.sent = text->sent,
		.markable = text->markable,
	};

	return text_row_put(c->queue->gateway->db, &row, NULL, NULL);
}

int text_queue_put_all(struct text_queue *queue)
{
	struct conversation *c;
	const struct text *text;
	int r = 0;

	RB_FOREACH(c, conversations, &queue->conversations) {
		TAILQ_FOREACH(text, &c->texts, link) {
			int one = put_again(text);
			r = one ? one : r;
		}
	}
	return r;
}

/* Whoever died between the commit of a text and that of its key: the text is
 * read again from the stream that it came by. */
static void recognize(struct gateway *gateway, const struct text_row *row)
{
	char account[JID_CAP], key[TEXT_SEEN_CAP];

	if (jid_bare(account, sizeof(account), row->sender))
		return;
	text_key(key, account, row->party, row->stanza_id, row->body);
	if (*key)
		recent_add(gateway->texts->seen, key, clock_ms());
}

static void on_row(const void *data, void *arg)
{
	const struct text_row *row = data;
	struct text_queue *queue = arg;
	struct text *text;

	recognize(queue->gateway, row);
	queue->last_id = row->id; /* also of one that is left on disk alone */
	if (append(&text, queue, row)) {
		log_error("text=%s not-read: no memory, it waits for the next "
			  "start",
			  log_text(slice_of(row->call_id)).s);
		return;
	}
	text->on_disk = true;
	text_wake(text->conversation);
}

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
		r = text_row_load_all(gateway->db, on_row, queue);
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
			take_out(text);
		}
		free_conversation(c);
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
