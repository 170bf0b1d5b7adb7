/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts go to their trunk, one of each conversation at a time, and their
 * writers are told what became of them. */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/number.h"
#include "gateway/route/rewrite.h"
#include "gateway/route/trunks.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_part.h"
#include "gateway/text/text_queue_state.h"
#include "gateway/text/text_reports.h"
#include "gateway/text/text_sender.h"
#include "gateway/text/text_status.h"
#include "gateway/text/texts.h"
#include "sip/cpim.h"
#include "sip/message.h"
#include "sip/trunk.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

/* ---- what its writer is told ---- */

static int party_jid(char out[static JID_CAP], const struct conversation *c)
{
	return text_format(out, JID_CAP, "%s@%s", c->party,
			   c->queue->gateway->config->xmpp.domain);
}

static void tell(const struct conversation *c, const struct text *text,
		 const char *condition, const char *words)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char from[JID_CAP];

	if (!*text->sender) /* a report: nobody waits for it */
		return;
	int r = party_jid(from, c);
	if (!r)
		r = condition ? chat_format_error(&stanza, from, text->sender,
						  text->stanza_id, condition,
						  words)
			      : chat_format_receipt(&stanza, from, text->sender,
						    text->stanza_id);
	if (!r)
		r = outbox_send(c->queue->gateway, stanza, NULL, NULL);
	if (r)
		log_warn("text=%s outcome=not-told to=%s r=%d", text->call_id,
			 log_text(slice_of(text->sender)).s, r);
}

void text_refuse_first(struct conversation *c, const char *condition,
		       const char *words)
{
	const struct text *first = TAILQ_FIRST(&c->texts);

	log_info("text=%s refused=%s from=%s to=%s", first->call_id, condition,
		 c->number, c->party);
	text_reports_drop(c->queue->gateway->texts->reports, first->call_id);
	tell(c, first, condition, words);
	text_finish_first(c);
}

void text_delivered(struct conversation *c)
{
	const struct text *first = TAILQ_FIRST(&c->texts);

	log_info("text=%s delivered from=%s to=%s trunk=%s", first->call_id,
		 c->number, c->party, c->lane->name);
	if (first->receipt && *first->stanza_id && !c->reported)
		tell(c, first, NULL, NULL);
	text_finish_first(c);
}

bool text_refuse_if_old(struct conversation *c)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	const struct gateway *gateway = c->queue->gateway;
	int64_t age_ms = clock_wall_ms() - first->received_ms;

	if (age_ms / MS_PER_S < gateway->config->limits.text_expires_s)
		return false;
	text_refuse_first(
		c, "remote-server-timeout",
		"The text could not be delivered in time; the carrier was "
		"not reached.");
	return true;
}

/* ---- sending ---- */

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct conversation *c = arg;

	(void)fd;
	(void)what;
	text_wake(c);
	text_pump(c->queue, c->lane);
}

static void try_later(struct conversation *c, const char *why)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	unsigned ms = TEXTS_RETRY_MIN_MS;

	for (unsigned i = 0; i < c->failures && ms < TEXTS_RETRY_MAX_MS; i++)
		ms *= 2;
	ms = ms < TEXTS_RETRY_MAX_MS ? ms : TEXTS_RETRY_MAX_MS;
	ms -= rand_u32() % (ms / 4);
	c->failures++;
	log_info("text=%s again-in=%u ms why=%s", first->call_id, ms, why);
	if (!c->retry)
		c->retry = evtimer_new(c->queue->gateway->base, on_retry, c);
	const struct timeval wait = { ms / MS_PER_S, ms % MS_PER_S * 1000 };
	if (!c->retry || evtimer_add(c->retry, &wait))
		log_error("text=%s stuck: no memory for its timer",
			  first->call_id);
}

static void on_answer(unsigned status, const char *phrase, bool local,
		      void *arg)
{
	enum { WHY_CAP = 8 };
	struct conversation *c = arg;
	struct text_queue *queue = c->queue;
	struct lane *lane = c->lane;
	char why[WHY_CAP];

	(void)phrase;
	c->request = NULL;
	lane->at_once--;
	if (status < 300) {
		text_part_taken(c);
	} else if (!text_status_may_pass(status, local)) {
		text_refuse_first(c, text_status_condition(status),
				  text_status_words(status));
	} else if (!text_refuse_if_old(c)) {
		if (text_format(why, sizeof(why), "%u", status))
			why[0] = '\0';
		try_later(c, why);
	}
	text_pump(queue, lane);
}

/* A MESSAGE with the next part of a text, as its trunk wants it. */
struct sending {
	char to[ROUTE_USER_CAP], from[ROUTE_USER_CAP];
	char call_id[RAND_UUID_CAP + sizeof(".18446744073709551615")];
	char date[TEXT_STAMP_CAP];
	char *body; /* owned */
	bool is_last;
	struct sip_envelope envelope;
};

/* Each part has an id of its own, the last that of the text; the same when it
 * is sent again. */
static int fill_part(struct sending *s, struct conversation *c, size_t max)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	struct slice rest = slice_of(first->body + first->sent);

	c->part = first->kind == TEXT_REPORT ? rest.n : text_part(rest, max);
	s->is_last = c->part == rest.n;
	s->body = text_dup((struct slice){ rest.p, c->part });
	if (!s->body)
		return -ENOMEM;
	if (s->is_last)
		return text_set(s->call_id, sizeof(s->call_id), first->call_id);
	return text_format(s->call_id, sizeof(s->call_id), "%s.%zu",
			   first->call_id, first->sent);
}

static int fill(struct sending *s, struct conversation *c,
		const struct config_trunk *config)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	char user[ROUTE_USER_CAP];
	int r = text_sender_user(user, sizeof(user), c->party);

	if (!r)
		r = text_sender_of(c->party) == TEXT_SENDER_NUMBER
			    ? rewrite_apply(s->to, sizeof(s->to),
					    &config->rewrite_out, user)
			    : rewrite_code(s->to, sizeof(s->to),
					   &config->rewrite_out, user);
	if (!r)
		r = rewrite_apply(s->from, sizeof(s->from),
				  &config->rewrite_out_caller, c->number);
	if (!r)
		r = fill_part(s, c, config->text_octets);
	text_stamp(s->date, first->received_ms);
	s->envelope = (struct sip_envelope){
		.id = s->call_id,
		.date = s->date,
		.is_report = first->kind == TEXT_REPORT,
	};
	return r;
}

/* Reports of the last part are those of the text. */
static void ask(struct sending *s, const struct conversation *c)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	struct report_row row = { .key = s->call_id,
				  .jid = first->sender,
				  .id = first->stanza_id,
				  .number = c->number,
				  .party = c->party,
				  .trunk = c->lane->name,
				  .date = s->date };

	row.wants = SIP_CPIM_FAILED |
		    (first->receipt ? (unsigned)SIP_CPIM_DELIVERED : 0) |
		    (first->markable ? (unsigned)SIP_CPIM_DISPLAYED : 0);
	s->envelope.wants = row.wants;
	/* before it goes: the report may overtake the answer */
	if (!text_reports_find(c->queue->gateway->texts->reports, row.key))
		text_reports_put(c->queue->gateway->texts->reports, &row);
}

static int send_first(struct conversation *c, struct sip_trunk *trunk,
		      const struct config_trunk *config)
{
	const struct text *first = TAILQ_FIRST(&c->texts);
	struct sending s = { .body = NULL };
	int r = fill(&s, c, config);

	c->reported = config->imdn && s.is_last && first->kind == TEXT_PLAIN;
	if (!r && c->reported)
		ask(&s, c);
	const struct sip_message_out message = {
		.trunk = trunk,
		.to_user = s.to,
		.from_user = s.from,
		.call_id = s.call_id,
		.lang = first->lang,
		.text = s.body,
		.envelope = config->imdn || s.envelope.is_report ? &s.envelope
								 : NULL,
	};
	if (!r)
		r = sip_message_send(&c->request, c->queue->gateway->agent,
				     &message, on_answer, c);
	free(s.body);
	return r;
}

/* Its trunk is not configured any more; that of its number may be. */
static void move_first(struct conversation *c)
{
	const struct gateway *gateway = c->queue->gateway;
	struct number number;

	if (number_find(&number, gateway, c->number) &&
	    strcmp(number.trunk, c->lane->name) != 0 &&
	    trunks_find(gateway, number.trunk) && !text_move(c, number.trunk))
		text_pump(c->queue, c->lane);
	else
		text_refuse_first(c, "item-not-found",
				  "The number's carrier is not configured any "
				  "more.");
}

static void start_first(struct conversation *c)
{
	const struct gateway *gateway = c->queue->gateway;
	struct sip_trunk *trunk = trunks_find(gateway, c->lane->name);
	const struct config_trunk *config =
		config_find_trunk(gateway->config, c->lane->name);

	if (!trunk || !config) {
		move_first(c);
		return;
	}
	int r = text_bill(c);
	if (r == TEXT_BILL_E_ASKED)
		return;
	if (!r)
		r = send_first(c, trunk, config);
	if (!r)
		c->lane->at_once++;
	else if (r == -EINVAL || r == -EMSGSIZE)
		text_refuse_first(c, "item-not-found",
				  "The carrier cannot be given this number.");
	else
		try_later(c, r == -EHOSTUNREACH ? "no-address" : "no-memory");
}

void text_pump(struct text_queue *queue, struct lane *lane)
{
	const struct sip_trunk *trunk = trunks_find(queue->gateway, lane->name);
	struct conversation *c;

	if (trunk && sip_trunk_state(trunk) == SIP_TRUNK_DOWN)
		return; /* text_queue_trunk_up() */
	while (lane->at_once < TEXTS_AT_ONCE &&
	       (c = TAILQ_FIRST(&lane->ready))) {
		text_rest(c);
		start_first(c);
	}
}

void text_queue_trunk_up(struct text_queue *queue,
			 const struct sip_trunk *trunk)
{
	struct lane *lane;

	SLIST_FOREACH(lane, &queue->lanes, link)
	{
		if (!strcmp(lane->name, sip_trunk_name(trunk)))
			text_pump(queue, lane);
	}
}
