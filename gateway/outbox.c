/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/tally.h"
#include "gateway/gateway.h"
#include "gateway/outbox_past.h"
#include "gateway/outbox_state.h"
#include "gateway/rewriting.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"
#include "xmpp/xmpp_stream.h"

enum {
	/* octets of chat_add_delay(), and of what wraps a kept stanza */
	DELAY_MAX = 256 + JID_PART_MAX,
	/* One for each that may wait; more than that, and the clock has been
	 * set back. */
	AHEAD_MS = OUTBOX_MAX,
};
static_assert(OUTBOX_STANZA_MAX + DELAY_MAX <= STANZA_TEXT_MAX &&
		      OUTBOX_STANZA_MAX + DELAY_MAX <= STANZA_PARSE_MAX,
	      "what is kept is read, and sent");

void outbox_free_first(struct outbox *outbox)
{
	struct outbox_stanza *first = STAILQ_FIRST(&outbox->stanzas);
	char account[JID_CAP];

	jid_account(account, stanza_attr(first->stanza, "to"));
	if (first->counted)
		tally_take(outbox->accounts, account, first->octets);
	if (outbox->next == first)
		outbox->next = STAILQ_NEXT(first, link);
	if (outbox->unput == first)
		outbox->unput = STAILQ_NEXT(first, link);
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

void outbox_drop(struct outbox_stanza *one)
{
	one->dropped = true;
	if (outbox_row_drop(one->outbox->gateway->db, one->id))
		log_warn("outbox=not-dropped id=%llu: it may still be sent",
			 (unsigned long long)one->id);
}

static void on_disk(int result, void *arg)
{
	struct outbox_stanza *one = arg;
	struct outbox *outbox = one->outbox;

	one->on_disk = true;
	xmpp_stream_release(outbox->gateway->stream, one->hold);
	if (result && one->done)
		outbox_drop(one);
	if (one->done)
		one->done(result, one->arg);
	outbox_pump(outbox);
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

static int put_again(struct gateway *gateway, const struct outbox_stanza *one)
{
	struct outbox_row row = { .id = one->id,
				  .kept_ms = one->kept_ms,
				  .taken_ms = one->taken_ms };
	size_t n;
	char *xml;
	int r = stanza_format(one->stanza, octets_max(one->stanza), &xml, &n);

	if (r)
		return r;
	row.stanza = xml;
	r = outbox_row_put(gateway->db, &row, NULL, NULL);
	free(xml);
	return r;
}

bool outbox_put_some(struct gateway *gateway, bool begin, int *r)
{
	struct outbox *outbox = gateway->outbox;

	if (begin) {
		outbox->unput = STAILQ_FIRST(&outbox->stanzas);
		outbox->unput_id = outbox->last_id;
	}
	for (unsigned i = 0; i < REWRITING_EACH && outbox->unput &&
			     outbox->unput->id <= outbox->unput_id;
	     i++) {
		int bad = outbox->unput->dropped
				  ? 0
				  : put_again(gateway, outbox->unput);

		*r = bad ? bad : *r;
		outbox->unput = STAILQ_NEXT(outbox->unput, link);
	}
	return outbox->unput && outbox->unput->id <= outbox->unput_id;
}

/* Two that come in one millisecond are told apart by their order. */
static int64_t next_kept_ms(struct outbox *outbox)
{
	int64_t now_ms = clock_wall_ms();

	if (now_ms <= outbox->kept_ms && outbox->kept_ms - now_ms < AHEAD_MS)
		now_ms = outbox->kept_ms + 1;
	outbox->kept_ms = now_ms;
	return now_ms;
}

static int keep(struct outbox *outbox, const struct stanza *stanza,
		const struct outbox_stanza *how)
{
	struct outbox_stanza *one = calloc(1, sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = *how;
	one->outbox = outbox;
	one->id = outbox->last_id + 1;
	int r = stanza_copy(&one->stanza, stanza);
	if (!r)
		r = put(outbox, one);
	if (r) {
		stanza_free(one->stanza);
		free(one);
		return r;
	}
	append(outbox, one);
	one->hold = xmpp_stream_hold(outbox->gateway->stream);
	return 0;
}

int outbox_send(struct gateway *gateway, const struct stanza *stanza,
		db_done_fn done, void *arg)
{
	return keep(gateway->outbox, stanza,
		    &(struct outbox_stanza){
			    .kept_ms = next_kept_ms(gateway->outbox),
			    .done = done,
			    .arg = arg });
}

int outbox_send_again(struct gateway *gateway, const struct stanza *stanza,
		      int64_t kept_ms)
{
	return keep(gateway->outbox, stanza,
		    &(struct outbox_stanza){ .kept_ms = kept_ms });
}

void outbox_set_turn(struct gateway *gateway, outbox_turn_fn turn, void *arg)
{
	gateway->outbox->turn = turn;
	gateway->outbox->turn_arg = arg;
}

void outbox_forget(struct gateway *gateway, const void *arg)
{
	struct outbox_stanza *one;

	STAILQ_FOREACH(one, &gateway->outbox->stanzas, link) {
		if (one->arg == arg)
			one->done = NULL;
	}
}

/* Also what the server has: it is not given to it again. */
void outbox_forget_account(struct gateway *gateway, const char *account)
{
	struct outbox *outbox = gateway->outbox;
	struct outbox_stanza *one;
	char to[JID_CAP];

	STAILQ_FOREACH(one, &outbox->stanzas, link) {
		jid_account(to, stanza_attr(one->stanza, "to"));
		if (!one->dropped && !strcmp(to, account))
			outbox_drop(one);
	}
	outbox_past_forget(outbox->past, account);
}

size_t outbox_waiting(const struct gateway *gateway)
{
	return gateway->outbox->n - gateway->outbox->ntaken;
}

void outbox_each(const struct gateway *gateway, outbox_fn fn, void *arg)
{
	const struct outbox_stanza *one;

	STAILQ_FOREACH(one, &gateway->outbox->stanzas, link) {
		const struct outbox_kept kept = { one->stanza, one->id,
						  one->kept_ms };
		fn(&kept, arg);
	}
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
	if (outbox->kept_ms < row->kept_ms)
		outbox->kept_ms = row->kept_ms;
	one->octets = strlen(row->stanza);
	one->on_disk = true;
	append(outbox, one);
	if (row->taken_ms && outbox->open == one)
		outbox_take_first_open(outbox, row->taken_ms);
}

int outbox_new(struct gateway *gateway)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	gateway->outbox = outbox;
	if (!outbox)
		return -ENOMEM;
	outbox->gateway = gateway;
	STAILQ_INIT(&outbox->stanzas);
	int r = outbox_lane_init(outbox);
	if (!r)
		r = tally_new(&outbox->accounts);
	if (!r)
		r = outbox_past_new(&outbox->past, gateway->db, gateway->base);
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
	while (outbox->n)
		outbox_free_first(outbox);
	outbox_lane_fini(outbox);
	tally_free(outbox->accounts);
	outbox_past_free(outbox->past);
	free(outbox);
	gateway->outbox = NULL;
}
