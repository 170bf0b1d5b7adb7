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
#include "gateway/outbox_past.h"
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
	MS_PER_S = 1000,
	US_PER_MS = 1000,
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
	int64_t kept_ms, taken_ms;
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
	STAILQ_HEAD(, outbox_stanza) stanzas; /* by id; the taken come first */
	struct outbox_stanza *open;           /* the first that is not taken */
	struct outbox_stanza *next; /* to be sent; NULL: all have been */
	size_t n, ntaken, octets;
	struct tally *accounts; /* how much of it people wrote to each */
	unsigned on_the_way;
	uint64_t last_id, sent_id, taken_id;
	uint64_t pinged_id; /* what the ping on its way confirms; 0: none is */
	uint64_t pinged_ms;
	int64_t taken_ms; /* when it took the last (wall time) */
	/* All up to that have been taken since: the server lives on. */
	uint64_t ripe_id, ripe_ms; /* 0: none waits for that */
	struct outbox_past *past;
	struct event *retry;
};

static void pump(struct outbox *outbox);

static void pump_in(struct outbox *outbox, uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / MS_PER_S),
				    (suseconds_t)(ms % MS_PER_S * US_PER_MS) };

	if (evtimer_add(outbox->retry, &tv))
		log_error("outbox=stuck: no memory for its timer");
}

static void free_first(struct outbox *outbox)
{
	struct outbox_stanza *first = STAILQ_FIRST(&outbox->stanzas);
	char account[JID_CAP];

	jid_account(account, stanza_attr(first->stanza, "to"));
	if (first->counted)
		tally_take(outbox->accounts, account, first->octets);
	if (outbox->next == first)
		outbox->next = STAILQ_NEXT(first, link);
	if (outbox->open == first)
		outbox->open = STAILQ_NEXT(first, link);
	else
		outbox->ntaken--;
	STAILQ_REMOVE_HEAD(&outbox->stanzas, link);
	outbox->n--;
	outbox->octets -= first->octets;
	db_forget(outbox->gateway->db, first);
	stanza_free(first->stanza);
	free(first);
}

/* ---- what the server has taken ---- */

static void take_first_open(struct outbox *outbox, int64_t now_ms)
{
	struct outbox_stanza *one = outbox->open;

	outbox_past_add(outbox->past, one->id, one->octets, now_ms);
	one->taken_ms = outbox->taken_ms = now_ms;
	outbox->on_the_way -= !one->dropped;
	outbox->ntaken++;
	outbox->open = STAILQ_NEXT(one, link);
	outbox->taken_id = one->id;
}

static void take(struct outbox *outbox, uint64_t id)
{
	uint64_t before = outbox->taken_id;
	int64_t now_ms = clock_wall_ms();

	while (outbox->open && outbox->open->id <= id)
		take_first_open(outbox, now_ms);
	if (outbox->taken_id > before &&
	    outbox_row_take(outbox->gateway->db, before, outbox->taken_id,
			    now_ms))
		log_warn("outbox=not-marked id=%llu: sent again after a "
			 "restart",
			 (unsigned long long)id);
}

static unsigned settle_ms(const struct outbox *outbox)
{
	return outbox->gateway->config->limits.text_settle_ms;
}

/* The server has answered what it was asked at @asked_ms: what it had taken
 * long enough before does not go with it any more when it ends. */
static void ripen(struct outbox *outbox, uint64_t asked_ms)
{
	const struct outbox_stanza *first;

	if (outbox->ripe_id && asked_ms < outbox->ripe_ms + settle_ms(outbox))
		return;
	uint64_t id = settle_ms(outbox) ? outbox->ripe_id : outbox->taken_id;
	while ((first = STAILQ_FIRST(&outbox->stanzas)) && first->id <= id)
		free_first(outbox);
	outbox->ripe_id = outbox->ntaken ? outbox->taken_id : 0;
	outbox->ripe_ms = clock_ms();
}

/* An error confirms as well: the server has read as far as the ping. */
static void on_pong(enum iq_answer answer, const struct stanza *reply,
		    void *arg)
{
	struct outbox *outbox = arg;
	uint64_t id = outbox->pinged_id;

	(void)reply;
	outbox->pinged_id = 0;
	if (answer == IQ_RESULT || answer == IQ_ERROR) {
		take(outbox, id);
		ripen(outbox, outbox->pinged_ms);
	}
	if (answer == IQ_NOT_SENT)
		pump_in(outbox, RETRY_MS);
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
	    !iq_send(outbox->gateway->iqs, iq, on_pong, outbox)) {
		outbox->pinged_id = id;
		outbox->pinged_ms = clock_ms();
	}
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

/* The server is asked what it has taken, or whether it still lives. */
static void ask(struct outbox *outbox)
{
	uint64_t due_ms = outbox->ripe_ms + settle_ms(outbox);
	uint64_t now_ms = clock_ms();

	if (outbox->pinged_id)
		return;
	if (outbox->sent_id > outbox->taken_id ||
	    (outbox->ripe_id && due_ms <= now_ms)) {
		ping(outbox, outbox->sent_id);
		if (!outbox->pinged_id)
			pump_in(outbox, RETRY_MS);
	} else if (outbox->ripe_id) {
		pump_in(outbox, due_ms - now_ms);
	}
}

static void pump(struct outbox *outbox)
{
	int r = 0;

	if (!xmpp_stream_is_up(outbox->gateway->stream))
		return;
	while (!r && outbox->next && outbox->next->on_disk &&
	       outbox->on_the_way < OUTBOX_WINDOW)
		r = send_next(outbox);
	ask(outbox);
	if (r && !outbox->pinged_id)
		pump_in(outbox, RETRY_MS);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

/* Of what an earlier run has left: the server had outlived it already. */
static void drop_outlived(struct outbox *outbox)
{
	int64_t before_ms = outbox->taken_ms - settle_ms(outbox);
	const struct outbox_stanza *first;

	while ((first = STAILQ_FIRST(&outbox->stanzas)) &&
	       first != outbox->open && first->taken_ms < before_ms)
		free_first(outbox);
}

void outbox_stream_up(struct gateway *gateway)
{
	struct outbox *outbox = gateway->outbox;

	drop_outlived(outbox);
	iq_cancel(gateway->iqs, outbox);
	outbox->pinged_id = 0;
	outbox->sent_id = outbox->taken_id;
	outbox->on_the_way = 0;
	outbox->next = outbox->open;
	outbox->ripe_id = outbox->ntaken ? outbox->taken_id : 0;
	outbox->ripe_ms = clock_ms();
	pump(outbox);
}

/* What it had taken last may be gone with it. */
void outbox_stream_down(struct gateway *gateway)
{
	struct outbox *outbox = gateway->outbox;
	const struct outbox_stanza *first = STAILQ_FIRST(&outbox->stanzas);

	if (!outbox->ntaken)
		return;
	log_info("outbox=given-again stanzas=%zu", outbox->ntaken);
	outbox_past_take_back(outbox->past, first->id);
	if (outbox_row_take_back(gateway->db, first->id))
		log_warn("outbox=not-marked: not sent again after a restart");
	outbox->taken_id = first->id - 1;
	outbox->open = STAILQ_FIRST(&outbox->stanzas);
	outbox->ntaken = 0;
}

/* ---- keeping ---- */

/* Not counted without memory for it. */
static void append(struct outbox *outbox, struct outbox_stanza *one)
{
	char account[JID_CAP];

	jid_account(account, stanza_attr(one->stanza, "to"));
	one->counted = chat_has_words(one->stanza) &&
		       !tally_add(outbox->accounts, account, one->octets);
	outbox->octets += one->octets;
	STAILQ_INSERT_TAIL(&outbox->stanzas, one, link);
	if (!outbox->next)
		outbox->next = one;
	if (!outbox->open)
		outbox->open = one;
	outbox->n++;
	outbox->last_id = one->id;
}

static void on_disk(int result, void *arg)
{
	struct outbox_stanza *one = arg;
	struct outbox *outbox = one->outbox;

	one->on_disk = true;
	xmpp_stream_release(outbox->gateway->stream, one->hold);
	if (result && one->done) {
		one->dropped = true;
		if (outbox_row_drop(outbox->gateway->db, one->id))
			log_warn("outbox=not-dropped id=%llu: it may still be "
				 "sent",
				 (unsigned long long)one->id);
	}
	if (one->done)
		one->done(result, one->arg);
	pump(outbox);
}

static bool has_room(const struct outbox *outbox, const struct stanza *stanza,
		     size_t octets)
{
	char account[JID_CAP];

	if (!chat_has_words(stanza))
		return outbox->n < OUTBOX_MAX &&
		       outbox->octets + octets <= OUTBOX_OCTETS_MAX;
	jid_account(account, stanza_attr(stanza, "to"));
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

/* What was sent is the server's: it leaves the disk in its turn. */
void outbox_forget_account(struct gateway *gateway, const char *account)
{
	struct outbox *outbox = gateway->outbox;
	struct outbox_stanza *one = outbox->next;
	char to[JID_CAP];

	for (; one; one = STAILQ_NEXT(one, link)) {
		jid_account(to, stanza_attr(one->stanza, "to"));
		if (strcmp(to, account) != 0)
			continue;
		one->dropped = true;
		if (outbox_row_drop(gateway->db, one->id))
			log_warn("outbox=not-dropped id=%llu: it may still be "
				 "sent",
				 (unsigned long long)one->id);
	}
}

size_t outbox_waiting(const struct gateway *gateway)
{
	return gateway->outbox->n - gateway->outbox->ntaken;
}

void outbox_each(const struct gateway *gateway, outbox_fn fn, void *arg)
{
	const struct outbox_stanza *one;

	STAILQ_FOREACH(one, &gateway->outbox->stanzas, link)
		fn(one->stanza, one->kept_ms, arg);
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
	if (row->taken_ms && outbox->open == one)
		take_first_open(outbox, row->taken_ms);
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
	int r = outbox_past_new(&outbox->past, gateway->db, gateway->base);
	if (!r)
		r = outbox_row_load_all(gateway->db, on_row, outbox);
	if (!r && outbox->n)
		log_info("outbox=read stanzas=%zu taken=%zu", outbox->n,
			 outbox->ntaken);
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
	outbox_past_free(outbox->past);
	free(outbox);
	gateway->outbox = NULL;
}
