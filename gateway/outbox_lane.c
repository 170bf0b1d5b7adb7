/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What goes from the outbox to the XMPP server, and what that has taken. */
#include <event2/event.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "gateway/outbox_past.h"
#include "gateway/outbox_state.h"
#include "xmpp/chat.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define NS_PING "urn:xmpp:ping"

enum { RETRY_MS = 200 };

static void pump_in(struct outbox *outbox, uint64_t ms)
{
	const struct timeval tv = clock_timeval((int64_t)ms);

	if (evtimer_add(outbox->retry, &tv))
		log_error("outbox=stuck: no memory for its timer");
}

/* ---- what the server has taken ---- */

void outbox_take_first_open(struct outbox *outbox, int64_t now_ms)
{
	struct outbox_stanza *one = outbox->open;

	if (!one->dropped)
		outbox_past_add(outbox->past, one, now_ms);
	one->taken_ms = outbox->taken_ms = now_ms;
	outbox->on_the_way -= one->on_the_way;
	one->on_the_way = false;
	outbox->ntaken++;
	outbox->open = STAILQ_NEXT(one, link);
	outbox->taken_id = one->id;
}

static void take(struct outbox *outbox, uint64_t id)
{
	uint64_t before = outbox->taken_id;
	int64_t now_ms = clock_wall_ms();

	while (outbox->open && outbox->open->id <= id)
		outbox_take_first_open(outbox, now_ms);
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
		outbox_free_first(outbox);
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
		outbox_pump(outbox);
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

/* Whether another keeps it, which asks for its turn again. */
static bool is_held(const struct outbox *outbox,
		    const struct outbox_stanza *one)
{
	const struct outbox_kept kept = { one->stanza, one->id, one->kept_ms };

	return outbox->turn && outbox->turn(&kept, outbox->turn_arg);
}

/* 0: that one has gone, or never will. */
static int send_next(struct outbox *outbox)
{
	struct outbox_stanza *one = outbox->next;

	if (!one->dropped && is_held(outbox, one))
		outbox_drop(one);
	int r = one->dropped ? 0 : send_one(outbox, one);
	if (r == XMPP_E_DOWN || r == XMPP_E_FULL || r < 0)
		return r;
	if (r) /* it was checked when it was kept */
		log_error("outbox=not-sent id=%llu: it is dropped",
			  (unsigned long long)one->id);
	one->on_the_way = !one->dropped;
	outbox->on_the_way += one->on_the_way;
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

static bool may_send(const struct outbox *outbox)
{
	return outbox->next && outbox->next->on_disk &&
	       outbox->on_the_way < OUTBOX_WINDOW;
}

/* Behind the answer to each ping come more, also where others keep all. */
void outbox_pump(struct outbox *outbox)
{
	int r = 0;

	if (!xmpp_stream_is_up(outbox->gateway->stream))
		return;
	for (unsigned i = 0; !r && i < OUTBOX_WINDOW && may_send(outbox); i++)
		r = send_next(outbox);
	ask(outbox);
	if (r && !outbox->pinged_id)
		pump_in(outbox, RETRY_MS);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	outbox_pump(arg);
}

/* Of what an earlier run has left: the server had outlived it already. */
static void drop_outlived(struct outbox *outbox)
{
	int64_t before_ms = outbox->taken_ms - settle_ms(outbox);
	const struct outbox_stanza *first;

	while ((first = STAILQ_FIRST(&outbox->stanzas)) &&
	       first != outbox->open && first->taken_ms < before_ms)
		outbox_free_first(outbox);
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
	outbox_pump(outbox);
}

/* What it had taken last may be gone with it. */
void outbox_stream_down(struct gateway *gateway)
{
	struct outbox *outbox = gateway->outbox;
	struct outbox_stanza *first = STAILQ_FIRST(&outbox->stanzas), *one;

	if (!outbox->ntaken)
		return;
	log_info("outbox=given-again stanzas=%zu", outbox->ntaken);
	outbox_past_take_back(outbox->past, first->id);
	if (outbox_row_take_back(gateway->db, first->id))
		log_warn("outbox=not-marked: not sent again after a restart");
	for (one = first; one != outbox->open; one = STAILQ_NEXT(one, link))
		one->taken_ms = 0;
	outbox->taken_id = first->id - 1;
	outbox->open = first;
	outbox->ntaken = 0;
}

int outbox_lane_init(struct outbox *outbox)
{
	outbox->retry = evtimer_new(outbox->gateway->base, on_retry, outbox);
	return outbox->retry ? 0 : -ENOMEM;
}

void outbox_lane_fini(struct outbox *outbox)
{
	if (outbox->gateway->iqs)
		iq_cancel(outbox->gateway->iqs, outbox);
	if (outbox->retry)
		event_free(outbox->retry);
}
