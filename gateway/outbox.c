/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/outbox.h"

#include <assert.h>
#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/gateway.h"
#include "xmpp/chat.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"
#include "xmpp/xmpp_stream.h"

#define NS_PING  "urn:xmpp:ping"
#define NS_DELAY "urn:xmpp:delay"

enum {
	RETRY_MS = 200,
	/* octets of chat_add_delay(), and of what wraps a kept stanza */
	DELAY_MAX = 256 + JID_PART_MAX,
};
static_assert(OUTBOX_STANZA_MAX + DELAY_MAX <= STANZA_TEXT_MAX &&
		      OUTBOX_STANZA_MAX + DELAY_MAX <= STANZA_PARSE_MAX,
	      "what is kept is read, and sent");

struct outbox_stanza {
	STAILQ_ENTRY(outbox_stanza) link;
	struct outbox *outbox;
	uint64_t id;
	struct stanza *stanza;
	int64_t kept_ms;
	uint64_t hold; /* the stanza that it answers; xmpp_stream.h */
	bool on_disk;
	size_t octets;
	bool counted; /* in the outbox's accounts */
	bool dropped; /* the disk refused it; it goes when its turn comes */
	db_done_fn done;
	void *arg;
};

struct outbox {
	struct gateway *gateway;
	STAILQ_HEAD(, outbox_stanza) stanzas; /* by id */
	struct outbox_stanza *next; /* to be sent; NULL: all have been */
	size_t n, octets;
	struct tally *accounts; /* how much of it people wrote to each */
	unsigned on_the_way;
	uint64_t last_id, sent_id, confirmed_id;
	uint64_t pinged_id; /* what the ping on its way confirms; 0: none is */
	struct event *retry;
};

static const struct timeval soon = { 0, RETRY_MS * 1000 };

static void pump(struct outbox *outbox);

/* Whose it is, as they are counted. */
static void name_account(char out[static JID_CAP], const struct stanza *stanza)
{
	if (jid_bare(out, JID_CAP, stanza_attr(stanza, "to")))
		out[0] = '\0';
}

static void free_first(struct outbox *outbox)
{
	struct outbox_stanza *first = STAILQ_FIRST(&outbox->stanzas);
	char account[JID_CAP];

	name_account(account, first->stanza);
	if (first->counted)
		tally_take(outbox->accounts, account, first->octets);
	if (outbox->next == first)
		outbox->next = STAILQ_NEXT(first, link);
	STAILQ_REMOVE_HEAD(&outbox->stanzas, link);
	outbox->n--;
	outbox->octets -= first->octets;
	db_forget(outbox->gateway->db, first);
	stanza_free(first->stanza);
	free(first);
}

/* ---- what the server has taken ---- */

static void confirm(struct outbox *outbox, uint64_t id)
{
	struct outbox_stanza *first;

	while ((first = STAILQ_FIRST(&outbox->stanzas)) && first->id <= id) {
		outbox->on_the_way -= !first->dropped;
		free_first(outbox);
	}
	outbox->confirmed_id = id;
	if (outbox_row_drop_to(outbox->gateway->db, id))
		log_warn("outbox=not-dropped id=%llu: sent again after a "
			 "restart",
			 (unsigned long long)id);
}

/* An error confirms as well: the server has read as far as the ping. */
static void on_pong(enum iq_answer answer, const struct stanza *reply,
		    void *arg)
{
	struct outbox *outbox = arg;
	uint64_t id = outbox->pinged_id;

	(void)reply;
	outbox->pinged_id = 0;
	if (answer == IQ_RESULT || answer == IQ_ERROR)
		confirm(outbox, id);
	if (answer == IQ_NOT_SENT)
		evtimer_add(outbox->retry, &soon);
	else
		pump(outbox);
}

static void ping(struct outbox *outbox, uint64_t id)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	const char *domain = outbox->gateway->config->xmpp.domain;

	if (stanza_new(&iq, "iq", NULL))
		return;
	stanza_set(iq, "type", "get");
	stanza_set(iq, "from", domain);
	stanza_set(iq, "to", domain);
	stanza_child(iq, "ping", NS_PING);
	if (stanza_ok(iq) &&
	    !iq_send(outbox->gateway->iqs, iq, on_pong, outbox))
		outbox->pinged_id = id;
}

/* ---- sending ---- */

/* Unless who wrote it said when that was. */
static bool is_late(const struct outbox_stanza *one)
{
	return clock_wall_ms() - one->kept_ms >= OUTBOX_LATE_MS &&
	       !stanza_find(one->stanza, "delay", NS_DELAY);
}

static int send_one(struct outbox *outbox, const struct outbox_stanza *one)
{
	AUTO(stanza_freep) struct stanza *late = NULL;
	const struct gateway *gateway = outbox->gateway;

	if (!is_late(one))
		return xmpp_stream_send(gateway->stream, one->stanza);
	int r = stanza_copy(&late, one->stanza);
	if (r)
		return r;
	chat_add_delay(late, gateway->config->xmpp.domain, one->kept_ms);
	return xmpp_stream_send(gateway->stream, late);
}

/* 0: that one has gone, or never will. */
static int send_next(struct outbox *outbox)
{
	struct outbox_stanza *one = outbox->next;
	int r = one->dropped ? 0 : send_one(outbox, one);

	if (r == XMPP_E_DOWN || r == XMPP_E_FULL || r < 0)
		return r;
	if (r) /* it was checked when it was kept */
		log_error("outbox=not-sent id=%llu: it is dropped",
			  (unsigned long long)one->id);
	outbox->on_the_way += !one->dropped;
	outbox->sent_id = one->id;
	outbox->next = STAILQ_NEXT(one, link);
	return 0;
}

static void pump(struct outbox *outbox)
{
	int r = 0;

	if (!xmpp_stream_is_up(outbox->gateway->stream))
		return;
	while (!r && outbox->next && outbox->next->on_disk &&
	       outbox->on_the_way < OUTBOX_WINDOW)
		r = send_next(outbox);
	if (!outbox->pinged_id && outbox->sent_id > outbox->confirmed_id)
		ping(outbox, outbox->sent_id);
	if (!outbox->pinged_id && (r || outbox->sent_id > outbox->confirmed_id))
		evtimer_add(outbox->retry, &soon);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

void outbox_stream_up(struct gateway *gateway)
{
	struct outbox *outbox = gateway->outbox;

	iq_cancel(gateway->iqs, outbox);
	outbox->pinged_id = 0;
	outbox->sent_id = outbox->confirmed_id;
	outbox->on_the_way = 0;
	outbox->next = STAILQ_FIRST(&outbox->stanzas);
	pump(outbox);
}

/* ---- keeping ---- */

/* What people wrote; not what became of it. */
static bool has_words(const struct stanza *stanza)
{
	const char *type = stanza_attr(stanza, "type");

	return stanza_find(stanza, "body", NULL) &&
	       !(type && !strcmp(type, "error"));
}

/* Not counted without memory for it. */
static void append(struct outbox *outbox, struct outbox_stanza *one)
{
	char account[JID_CAP];

	name_account(account, one->stanza);
	one->counted = has_words(one->stanza) &&
		       !tally_add(outbox->accounts, account, one->octets);
	outbox->octets += one->octets;
	STAILQ_INSERT_TAIL(&outbox->stanzas, one, link);
	if (!outbox->next)
		outbox->next = one;
	outbox->n++;
	outbox->last_id = one->id;
}

static void on_disk(int result, void *arg)
{
	struct outbox_stanza *one = arg;
	struct outbox *outbox = one->outbox;

	one->on_disk = true;
	xmpp_stream_release(outbox->gateway->stream, one->hold);
	one->dropped = result && one->done;
	if (one->dropped && outbox_row_drop(outbox->gateway->db, one->id))
		log_warn("outbox=not-dropped id=%llu: it may still be sent",
			 (unsigned long long)one->id);
	if (one->done)
		one->done(result, one->arg);
	pump(outbox);
}

static bool has_room(const struct outbox *outbox, const struct stanza *stanza,
		     size_t octets)
{
	char account[JID_CAP];

	if (!has_words(stanza))
		return outbox->n < OUTBOX_MAX &&
		       outbox->octets + octets <= OUTBOX_OCTETS_MAX;
	name_account(account, stanza);
	return outbox->n < OUTBOX_NEW_MAX &&
	       tally_of(outbox->accounts, account) < OUTBOX_ACCOUNT_MAX &&
	       outbox->octets + octets <= OUTBOX_NEW_OCTETS_MAX &&
	       tally_octets(outbox->accounts, account) + octets <=
		       OUTBOX_ACCOUNT_OCTETS_MAX;
}

/* One that says already when it came has the room for that. */
static size_t octets_max(const struct stanza *stanza)
{
	return stanza_find(stanza, "delay", NS_DELAY)
		       ? OUTBOX_STANZA_MAX + DELAY_MAX
		       : OUTBOX_STANZA_MAX;
}

static int put(const struct outbox *outbox, struct outbox_stanza *one)
{
	struct outbox_row row = { .id = one->id, .kept_ms = one->kept_ms };
	char *xml;
	int r = stanza_format(one->stanza, octets_max(one->stanza), &xml,
			      &one->octets);

	if (r)
		return r < 0 ? r : -EMSGSIZE;
	row.stanza = xml;
	r = has_room(outbox, one->stanza, one->octets)
		    ? outbox_row_put(outbox->gateway->db, &row, on_disk, one)
		    : -ENOBUFS;
	free(xml);
	return r;
}

int outbox_send(struct gateway *gateway, const struct stanza *stanza,
		db_done_fn done, void *arg)
{
	struct outbox *outbox = gateway->outbox;
	struct outbox_stanza *one;

	one = calloc(1, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = (struct outbox_stanza){ .outbox = outbox,
				       .id = outbox->last_id + 1,
				       .kept_ms = clock_wall_ms(),
				       .done = done,
				       .arg = arg };
	int r = stanza_copy(&one->stanza, stanza);
	if (!r)
		r = put(outbox, one);
	if (r) {
		stanza_free(one->stanza);
		free(one);
		return r;
	}
	append(outbox, one);
	one->hold = xmpp_stream_hold(gateway->stream);
	return 0;
}

void outbox_forget(struct gateway *gateway, const void *arg)
{
	struct outbox_stanza *one;

	STAILQ_FOREACH(one, &gateway->outbox->stanzas, link) {
		if (one->arg == arg)
			one->done = NULL;
	}
}

size_t outbox_waiting(const struct gateway *gateway)
{
	return gateway->outbox->n;
}

/* ---- start ---- */

static void on_row(const void *data, void *arg)
{
	const struct outbox_row *row = data;
	struct outbox *outbox = arg;
	struct outbox_stanza *one = calloc(1, sizeof(*one));

	if (!one || stanza_parse_kept(&one->stanza, row->stanza)) {
		log_error("outbox=unreadable id=%llu: left out",
			  (unsigned long long)row->id);
		free(one);
		return;
	}
	one->outbox = outbox;
	one->id = row->id;
	one->kept_ms = row->kept_ms;
	one->octets = strlen(row->stanza);
	one->on_disk = true;
	append(outbox, one);
}

int outbox_new(struct gateway *gateway)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	gateway->outbox = outbox;
	if (!outbox)
		return -ENOMEM;
	outbox->gateway = gateway;
	STAILQ_INIT(&outbox->stanzas);
	outbox->retry = evtimer_new(gateway->base, on_retry, outbox);
	if (!outbox->retry || tally_new(&outbox->accounts))
		return -ENOMEM;
	int r = outbox_row_load_all(gateway->db, on_row, outbox);
	if (!r && outbox->n)
		log_info("outbox=read stanzas=%zu", outbox->n);
	return r;
}

void outbox_free(struct gateway *gateway)
{
	struct outbox *outbox = gateway->outbox;

	if (!outbox)
		return;
	if (gateway->iqs)
		iq_cancel(gateway->iqs, outbox);
	while (outbox->n)
		free_first(outbox);
	if (outbox->retry)
		event_free(outbox->retry);
	tally_free(outbox->accounts);
	free(outbox);
	gateway->outbox = NULL;
}
