/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_again.h"

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/tally.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define NS_DELAY "urn:xmpp:delay"

enum {
	KEY_CAP = 2 * JID_CAP,
	MS_PER_S = 1000,
	AT_ONCE = 64, /* in a turn of the loop; what is left has the next */
};

struct sent {
	RB_ENTRY(sent) link;
	TAILQ_ENTRY(sent) order; /* of the given or the waiting */
	char *key;               /* "account party id" */
	char *xml;
	int64_t kept_ms, given_ms;
	int64_t next_ms; /* 0: it is not back */
	uint32_t tries;
	size_t octets;
	bool counted; /* in the accounts */
};

RB_HEAD(sent_tree, sent);
TAILQ_HEAD(sent_list, sent);

struct text_again {
	struct gateway *gateway;
	struct sent_tree tree;
	struct sent_list given;   /* by given_ms */
	struct sent_list waiting; /* by next_ms */
	size_t ngiven, nwaiting;
	size_t given_octets, waiting_octets;
	struct tally *accounts; /* what waits for each */
	struct event *timer;
};

static int compare(const struct sent *a, const struct sent *b)
{
	return strcmp(a->key, b->key);
}

TREE_GENERATE(sent_tree, sent, link, compare)

/* ---- which errors pass (RFC 6120, 8.3.3) ---- */

static unsigned tries_of(const char *condition, const char *type)
{
	static const struct {
		const char *condition;
		unsigned tries;
	} table[] = {
		{ "remote-server-timeout", UINT32_MAX },
		{ "remote-server-not-found", UINT32_MAX },
		{ "resource-constraint", UINT32_MAX },
		{ "internal-server-error", TEXT_AGAIN_FEW },
		{ "recipient-unavailable", TEXT_AGAIN_FEW },
		{ "service-unavailable", TEXT_AGAIN_FEW },
	};

	if (!strcmp(type, "wait"))
		return UINT32_MAX;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(condition, table[i].condition))
			return table[i].tries;
	}
	return 0;
}

/* ---- what is known ---- */

static struct sent *find(const struct text_again *again, const char *key)
{
	struct sent wanted = { .key = (char *)key };
	struct sent_tree tree = again->tree;

	return RB_FIND(sent_tree, &tree, &wanted);
}

/* Whose it is, as they are counted: no JID has a space here. */
static void name_account(char out[static JID_CAP], const struct sent *sent)
{
	size_t n = strcspn(sent->key, " ");

	if (text_copy(out, JID_CAP, (struct slice){ sent->key, n }))
		out[0] = '\0';
}

static void take_out(struct text_again *again, struct sent *sent)
{
	bool waits = sent->next_ms;
	char account[JID_CAP];

	name_account(account, sent);
	if (sent->counted)
		tally_take(again->accounts, account, sent->octets);
	sent->counted = false;
	TAILQ_REMOVE(waits ? &again->waiting : &again->given, sent, order);
	*(waits ? &again->nwaiting : &again->ngiven) -= 1;
	*(waits ? &again->waiting_octets : &again->given_octets) -=
		sent->octets;
}

static void forget(struct text_again *again, struct sent *sent)
{
	take_out(again, sent);
	RB_REMOVE(sent_tree, &again->tree, sent);
	free(sent->key);
	free(sent->xml);
	free(sent);
}

static void put_given(struct text_again *again, struct sent *sent,
		      int64_t now_ms)
{
	struct sent *first;

	sent->next_ms = 0;
	sent->given_ms = now_ms;
	TAILQ_INSERT_TAIL(&again->given, sent, order);
	again->ngiven++;
	again->given_octets += sent->octets;
	while ((first = TAILQ_FIRST(&again->given)) &&
	       (again->ngiven > TEXT_GIVEN_MAX ||
		again->given_octets > TEXT_GIVEN_OCTETS_MAX ||
		first->given_ms < now_ms - TEXT_GIVEN_MS))
		forget(again, first);
}

static bool has_room(const struct text_again *again, const struct sent *sent)
{
	char account[JID_CAP];

	name_account(account, sent);
	return again->nwaiting < TEXT_AGAIN_MAX &&
	       tally_of(again->accounts, account) < TEXT_AGAIN_ACCOUNT_MAX &&
	       again->waiting_octets + sent->octets <= TEXT_AGAIN_OCTETS_MAX &&
	       tally_octets(again->accounts, account) + sent->octets <=
		       TEXT_AGAIN_ACCOUNT_OCTETS_MAX;
}

/* From its end: the longest waits are the last. Not counted without memory for
 * it. */
static void put_waiting(struct text_again *again, struct sent *sent,
			int64_t next_ms)
{
	struct sent *before = TAILQ_LAST(&again->waiting, sent_list);
	char account[JID_CAP];

	name_account(account, sent);
	sent->counted = !tally_add(again->accounts, account, sent->octets);
	while (before && before->next_ms > next_ms)
		before = TAILQ_PREV(before, sent_list, order);
	sent->next_ms = next_ms;
	if (before)
		TAILQ_INSERT_AFTER(&again->waiting, before, sent, order);
	else
		TAILQ_INSERT_HEAD(&again->waiting, sent, order);
	again->nwaiting++;
	again->waiting_octets += sent->octets;
}

static void arm(const struct text_again *again)
{
	const struct sent *first = TAILQ_FIRST(&again->waiting);

	if (!first)
		return;
	int64_t ms = first->next_ms - clock_wall_ms();
	/* a clock that is set is seen after the longest wait: heed_clock() */
	ms = ms < 0 ? 0 : ms > TEXT_AGAIN_MAX_MS ? TEXT_AGAIN_MAX_MS : ms;
	const struct timeval wait = { ms / MS_PER_S, ms % MS_PER_S * 1000 };
	if (evtimer_add(again->timer, &wait))
		log_error("texts=again stuck: no memory for their timer");
}

/* NULL without memory. */
static struct sent *sent_new(struct text_again *again, const char *key,
			     const char *xml)
{
	struct sent *sent = calloc(1, sizeof(*sent));

	if (!sent)
		return NULL;
	sent->key = text_dup(slice_of(key));
	sent->xml = text_dup(slice_of(xml));
	sent->octets = strlen(xml);
	if (sent->key && sent->xml) {
		RB_INSERT(sent_tree, &again->tree, sent);
		return sent;
	}
	free(sent->key);
	free(sent->xml);
	free(sent);
	return NULL;
}

/* An id is unique to who made it alone, and components hand theirs on. False:
 * nothing can tell it. */
static bool name(char out[static KEY_CAP], const char *account,
		 const char *party, const char *id)
{
	char bare[JID_CAP], other[JID_CAP];

	return id && *id && account && party &&
	       !jid_bare(bare, sizeof(bare), account) &&
	       !jid_bare(other, sizeof(other), party) &&
	       !text_format(out, KEY_CAP, "%s %s %s", bare, other, id);
}

static void give(struct text_again *again, const struct stanza *message,
		 int64_t kept_ms)
{
	char key[KEY_CAP], *xml = NULL;
	size_t n;

	if (!name(key, stanza_attr(message, "to"), stanza_attr(message, "from"),
		  stanza_attr(message, "id")) ||
	    find(again, key) || stanza_format(message, 0, &xml, &n))
		return;
	struct sent *sent = sent_new(again, key, xml);
	free(xml);
	if (!sent)
		return;
	sent->kept_ms = kept_ms;
	put_given(again, sent, clock_wall_ms());
}

void text_again_give(struct text_again *again, const struct stanza *message)
{
	give(again, message, clock_wall_ms());
}

/* ---- what comes back ---- */

static bool is_too_old(const struct text_again *again, const struct sent *sent,
		       int64_t now_ms)
{
	return (now_ms - sent->kept_ms) / MS_PER_S >=
	       again->gateway->config->limits.text_expires_s;
}

/* Of the @tries-th time. */
static unsigned wait_ms(uint32_t tries)
{
	unsigned ms = TEXT_AGAIN_MIN_MS;

	for (uint32_t i = 1; i < tries && ms < TEXT_AGAIN_MAX_MS; i++)
		ms *= 2;
	ms = ms < TEXT_AGAIN_MAX_MS ? ms : TEXT_AGAIN_MAX_MS;
	return ms - rand_u32() % (ms / 4);
}

static void keep(const struct text_again *again, const struct sent *sent)
{
	const struct again_row row = { .key = sent->key,
				       .stanza = sent->xml,
				       .kept_ms = sent->kept_ms,
				       .next_ms = sent->next_ms,
				       .tries = sent->tries };

	if (again_row_put(again->gateway->db, &row))
		log_warn("text=%s not-on-disk: lost when we end",
			 log_text(slice_of(sent->key)).s);
}

bool text_again_bounced(struct text_again *again, const struct chat *chat)
{
	char key[KEY_CAP];
	int64_t now_ms = clock_wall_ms();
	struct sent *sent = name(key, chat->from, chat->to, chat->about)
				    ? find(again, key)
				    : NULL;

	if (!sent)
		return false;
	if (sent->next_ms) /* said twice */
		return true;
	if (sent->tries >= tries_of(chat->condition, chat->error_type) ||
	    is_too_old(again, sent, now_ms) || !has_room(again, sent)) {
		forget(again, sent);
		return false;
	}
	unsigned ms = wait_ms(++sent->tries);
	take_out(again, sent);
	put_waiting(again, sent, now_ms + ms);
	keep(again, sent);
	arm(again);
	log_info("text=%s bounced=%s again-in=%u ms",
		 log_text(slice_of(chat->about)).s,
		 log_text(slice_of(chat->condition)).s, ms);
	return true;
}

/* ---- again ---- */

static int give_again(const struct text_again *again, const struct sent *sent)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	const struct gateway *gateway = again->gateway;
	int r = stanza_parse_kept(&message, sent->xml);

	if (r)
		return r;
	if (!stanza_find(message, "delay", NS_DELAY))
		chat_add_delay(message, gateway->config->xmpp.domain,
			       sent->kept_ms);
	return stanza_ok(message)
		       ? outbox_send(again->gateway, message, NULL, NULL)
		       : -ENOMEM;
}

/* Nobody waits longer than the longest wait: the clock has been set back. */
static void heed_clock(struct text_again *again, int64_t now_ms)
{
	struct sent *sent, *next;

	TAILQ_FOREACH_SAFE(sent, &again->waiting, order, next) {
		if (sent->next_ms - now_ms <= TEXT_AGAIN_MAX_MS)
			continue;
		take_out(again, sent);
		put_waiting(again, sent, now_ms);
	}
}

void text_again_due(struct text_again *again, int64_t now_ms)
{
	struct sent *first;

	heed_clock(again, now_ms);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		first = TAILQ_FIRST(&again->waiting);
		if (!first || first->next_ms > now_ms)
			break;
		int r = give_again(again, first);

		take_out(again, first);
		if (r == -ENOBUFS || r == -ENOMEM) {
			put_waiting(again, first, now_ms + TEXT_AGAIN_MIN_MS);
			continue;
		}
		if (r)
			log_error("text=%s unreadable r=%d: it is dropped",
				  log_text(slice_of(first->key)).s, r);
		/* behind the outbox's own row: one of both is always there */
		if (again_row_drop(again->gateway->db, first->key))
			log_warn("text=%s not-dropped: given once more after a "
				 "restart",
				 log_text(slice_of(first->key)).s);
		put_given(again, first, now_ms);
	}
	arm(again);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	text_again_due(arg, clock_wall_ms());
}

void text_again_forget(struct text_again *again, const char *account)
{
	struct sent *sent, *next;
	char whose[JID_CAP];

	RB_FOREACH_SAFE(sent, sent_tree, &again->tree, next) {
		name_account(whose, sent);
		if (strcmp(whose, account) != 0)
			continue;
		if (sent->next_ms &&
		    again_row_drop(again->gateway->db, sent->key))
			log_warn("text=%s not-dropped",
				 log_text(slice_of(sent->key)).s);
		forget(again, sent);
	}
}

size_t text_again_waiting(const struct text_again *again)
{
	return again->nwaiting;
}

/* ---- start ---- */

static void on_row(const void *data, void *arg)
{
	const struct again_row *row = data;
	struct text_again *again = arg;
	struct sent *sent = sent_new(again, row->key, row->stanza);

	if (!sent) {
		log_error("text=%s not-read: no memory, it waits for the next "
			  "start",
			  log_text(slice_of(row->key)).s);
		return;
	}
	sent->kept_ms = row->kept_ms;
	sent->tries = row->tries;
	put_waiting(again, sent, row->next_ms ? row->next_ms : 1);
}

/* Of an earlier run's, which may still come back. */
static void on_kept(const struct stanza *stanza, int64_t kept_ms, void *arg)
{
	if (chat_has_words(stanza))
		give(arg, stanza, kept_ms);
}

int text_again_new(struct text_again **out, struct gateway *gateway)
{
	struct text_again *again = calloc(1, sizeof(*again));

	if (!again)
		return -ENOMEM;
	again->gateway = gateway;
	RB_INIT(&again->tree);
	TAILQ_INIT(&again->given);
	TAILQ_INIT(&again->waiting);
	*out = again;
	again->timer = evtimer_new(gateway->base, on_timer, again);
	if (!again->timer || tally_new(&again->accounts))
		return -ENOMEM;
	int r = again_row_load_all(gateway->db, on_row, again);
	if (r)
		return r;
	outbox_each(gateway, on_kept, again);
	if (again->nwaiting)
		log_info("texts=read bounced=%zu", again->nwaiting);
	arm(again);
	return 0;
}

struct text_again *text_again_free(struct text_again *again)
{
	struct sent *sent;

	if (!again)
		return NULL;
	while ((sent = RB_MIN(sent_tree, &again->tree)))
		forget(again, sent);
	if (again->timer)
		event_free(again->timer);
	tally_free(again->accounts);
	free(again);
	return NULL;
}
