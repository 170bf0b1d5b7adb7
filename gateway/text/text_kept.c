/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts that wait for their trunk, as they come and as they are on disk. */
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/tally.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_queue_state.h"
#include "gateway/text/texts.h"
#include "xmpp/jid.h"
#include "xmpp/xmpp_stream.h"

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
		c = text_conversation(queue, row);
	if (!c || tally_add(queue->writers, writer, strlen(row->body))) {
		if (c && TAILQ_EMPTY(&c->texts))
			text_conversation_free(c);
		if (text)
			text_free(text);
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

	text_take_out(text);
	if (TAILQ_EMPTY(&c->texts))
		text_conversation_free(c);
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

int text_put_again(const struct text *text)
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

/* Of a damaged file its key may be lost alone (db/salvage.h): it is read again
 * from the stream that it came by. */
static void recognize(struct gateway *gateway, const struct text_row *row)
{
	char account[JID_CAP], key[TEXT_SEEN_CAP];

	if (jid_bare(account, sizeof(account), row->sender))
		return;
	text_key(key, account, row->party, row->stanza_id, row->body);
	if (*key)
		recent_add(gateway->texts->seen, key, clock_ms());
}

void text_read_row(const void *data, void *arg)
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
