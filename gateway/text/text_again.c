/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_again.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/rewriting.h"
#include "gateway/text/text_given.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

enum {
	KEY_CAP = 2 * JID_CAP,
	AT_ONCE = 64, /* in a turn of the loop; what is left has the next */
};

struct text_again {
	struct gateway *gateway;
	struct text_givens givens;
	struct event *timer;
	char put_key[KEY_CAP]; /* text_again_put_some(): the last */
};

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

/* ---- what is given ---- */

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

static struct text_given *give_as(struct text_again *again, const char *key,
				  const char *xml, int64_t kept_ms,
				  bool earlier)
{
	const struct text_written written = {
		.key = key, .xml = xml, .kept_ms = kept_ms, .earlier = earlier
	};
	struct text_given *given = text_given_find(&again->givens, key);

	/* whose id another has meanwhile is not known: the first has it */
	if (given)
		return strcmp(given->xml, xml) ? NULL : given;
	return text_given_add(&again->givens, &written, clock_wall_ms());
}

/* NULL: without memory, or a name, it is not known when it comes back. */
static struct text_given *give(struct text_again *again,
			       const struct outbox_kept *kept, bool earlier)
{
	const struct stanza *message = kept->stanza;
	char key[KEY_CAP], *xml = NULL;
	struct text_given *given;
	size_t n;

	if (!chat_has_words(message) ||
	    !name(key, stanza_attr(message, "to"), stanza_attr(message, "from"),
		  stanza_attr(message, "id")) ||
	    stanza_format(message, 0, &xml, &n))
		return NULL;
	given = give_as(again, key, xml, kept->kept_ms, earlier);
	free(xml);
	if (given)
		given->id = kept->id;
	return given;
}

/* ---- what waits ---- */

static void arm(const struct text_again *again)
{
	const struct text_held *first = TAILQ_FIRST(&again->givens.due);

	if (!first)
		return;
	int64_t ms = first->next_ms - clock_wall_ms();
	/* a clock that is set is seen after the longest wait: heed_clock() */
	ms = ms < 0 ? 0 : ms > TEXT_AGAIN_MAX_MS ? TEXT_AGAIN_MAX_MS : ms;
	const struct timeval wait = clock_timeval(ms);
	if (evtimer_add(again->timer, &wait))
		log_error("texts=again stuck: no memory for their timer");
}

static int put(const struct text_again *again, struct text_given *given)
{
	const struct again_row row = { .key = given->key,
				       .stanza = given->xml,
				       .kept_ms = given->kept_ms,
				       .next_ms = given->held->next_ms,
				       .tries = given->tries };

	int r = again_row_put(again->gateway->db, &row);
	given->on_disk = !r;
	return r;
}

/* It waits; on disk too. 0 or -errno: as before. */
static int hold(struct text_again *again, struct text_given *given,
		int64_t next_ms)
{
	int r = text_given_hold(&again->givens, given, next_ms);

	if (r)
		return r;
	r = put(again, given);
	arm(again);
	return r;
}

/* For some minutes more, as gateway/outbox_past.h has it. */
static int put_given(const struct text_again *again,
		     const struct text_given *given)
{
	return outbox_row_keep(
		again->gateway->db,
		&(struct outbox_row){ .id = given->id,
				      .stanza = given->xml,
				      .kept_ms = given->kept_ms,
				      .taken_ms = given->given_ms });
}

bool text_again_put_some(struct text_again *again, bool begin, int *r)
{
	struct text_given *given;

	if (begin) /* else only what is given next makes them expire */
		text_givens_expire(&again->givens, clock_wall_ms());
	given = text_given_next(&again->givens, begin ? "" : again->put_key);
	for (unsigned i = 0; given && i < REWRITING_EACH; i++) {
		int bad = given->held ? put(again, given)
			  : given->id ? put_given(again, given)
				      : 0;

		*r = bad ? bad : *r;
		(void)!text_set(again->put_key, sizeof(again->put_key),
				given->key);
		given = text_given_next(&again->givens, given->key);
	}
	return given != NULL;
}

/* The outbox drops it when it is on disk here. */
static bool keep_held(struct text_again *again, struct text_given *given)
{
	if (given->on_disk || !put(again, given))
		return true;
	text_given_give(&again->givens, given, clock_wall_ms());
	return false;
}

bool text_again_turn(struct text_again *again,
		     const struct outbox_kept *message)
{
	struct text_given *given = give(again, message, false);
	const struct text_held *held;

	if (!given)
		return false;
	if (given->held) /* that is back, and has its time */
		return keep_held(again, given);
	held = text_given_held_before(&again->givens, given);
	if (!held || !text_given_has_room(&again->givens, given))
		return false;
	if (!hold(again, given, held->next_ms)) {
		log_info("text=%s behind=%s", log_text(slice_of(given->key)).s,
			 log_text(slice_of(held->key)).s);
		return true;
	}
	if (given->held)
		text_given_give(&again->givens, given, clock_wall_ms());
	return false;
}

bool text_again_has(const struct text_again *again, const char *account,
		    const char *from, const char *id)
{
	char key[KEY_CAP];

	return name(key, account, from, id) &&
	       text_given_find(&again->givens, key);
}

/* ---- what comes back ---- */

static bool is_too_old(const struct text_again *again,
		       const struct text_given *given, int64_t now_ms)
{
	return (now_ms - given->kept_ms) / MS_PER_S >=
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

bool text_again_bounced(struct text_again *again, const struct chat *chat)
{
	char key[KEY_CAP];
	int64_t now_ms = clock_wall_ms();
	struct text_given *given =
		name(key, chat->from, chat->to, chat->about)
			? text_given_find(&again->givens, key)
			: NULL;

	if (!given)
		return false;
	if (given->held) /* said twice */
		return true;
	if (given->tries >= tries_of(chat->condition, chat->error_type) ||
	    is_too_old(again, given, now_ms) ||
	    !text_given_has_room(&again->givens, given)) {
		text_given_forget(&again->givens, given);
		return false;
	}
	unsigned ms = wait_ms(++given->tries);
	if (hold(again, given, now_ms + ms))
		log_warn("text=%s not-on-disk: lost when we end",
			 log_text(slice_of(given->key)).s);
	if (!given->held) {
		text_given_forget(&again->givens, given);
		return false;
	}
	log_info("text=%s bounced=%s again-in=%lld ms",
		 log_text(slice_of(chat->about)).s,
		 log_text(slice_of(chat->condition)).s,
		 (long long)(given->held->next_ms - now_ms));
	return true;
}

/* ---- again ---- */

static int send_again(const struct text_again *again,
		      const struct text_given *given)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	int r = stanza_parse_kept(&message, given->xml);

	return r ? r
		 : outbox_send_again(again->gateway, message, given->kept_ms);
}

/* Nobody waits longer than the longest wait: the clock has been set back. */
static void heed_clock(struct text_again *again, int64_t now_ms)
{
	struct text_held *held, *next;

	TAILQ_FOREACH_SAFE(held, &again->givens.due, by_time, next) {
		if (held->next_ms - now_ms > TEXT_AGAIN_MAX_MS)
			text_held_set(&again->givens, held, now_ms);
	}
}

/* The first of @held, which may be freed. */
static void give_first(struct text_again *again, struct text_held *held,
		       int64_t now_ms)
{
	struct text_given *first = TAILQ_FIRST(&held->texts);
	int r = send_again(again, first);

	if (r == -ENOBUFS || r == -ENOMEM) {
		text_held_set(&again->givens, held, now_ms + TEXT_AGAIN_MIN_MS);
		return;
	}
	if (r)
		log_error("text=%s unreadable r=%d: it is dropped",
			  log_text(slice_of(first->key)).s, r);
	/* behind the outbox's own row: one of both is always there */
	if (again_row_drop(again->gateway->db, first->key))
		log_warn("text=%s not-dropped: given once more after a restart",
			 log_text(slice_of(first->key)).s);
	first->id = 0;
	text_given_give(&again->givens, first, now_ms);
}

/* All of a conversation, in its order, before the next. */
void text_again_due(struct text_again *again, int64_t now_ms)
{
	struct text_held *held;
	unsigned n = 0;

	heed_clock(again, now_ms);
	text_givens_expire(&again->givens, now_ms);
	while (n < AT_ONCE && (held = TAILQ_FIRST(&again->givens.due)) &&
	       held->next_ms <= now_ms) {
		give_first(again, held, now_ms);
		n++;
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
	struct text_given *given;

	while ((given = text_given_first_of(&again->givens, account))) {
		if (given->held &&
		    again_row_drop(again->gateway->db, given->key))
			log_warn("text=%s not-dropped",
				 log_text(slice_of(given->key)).s);
		text_given_forget(&again->givens, given);
	}
}

size_t text_again_waiting(const struct text_again *again)
{
	return again->givens.nwaiting;
}

/* ---- start ---- */

static void on_row(const void *data, void *arg)
{
	const struct again_row *row = data;
	struct text_again *again = arg;
	struct text_given *given =
		text_given_add(&again->givens,
			       &(struct text_written){ .key = row->key,
						       .xml = row->stanza,
						       .kept_ms = row->kept_ms,
						       .earlier = true },
			       clock_wall_ms());

	if (!given || text_given_hold(&again->givens, given, row->next_ms)) {
		log_error("text=%s not-read: no memory, it waits for the next "
			  "start",
			  log_text(slice_of(row->key)).s);
		return;
	}
	given->tries = row->tries;
	given->on_disk = true;
}

/* Of an earlier run's, which may still come back. */
static void on_kept(const struct outbox_kept *kept, void *arg)
{
	give(arg, kept, true);
}

static bool on_turn(const struct outbox_kept *kept, void *arg)
{
	return text_again_turn(arg, kept);
}

int text_again_new(struct text_again **out, struct gateway *gateway)
{
	struct text_again *again = calloc(1, sizeof(*again));

	if (!again)
		return -ENOMEM;
	again->gateway = gateway;
	*out = again;
	int r = text_givens_init(&again->givens);
	if (r)
		return r;
	again->timer = evtimer_new(gateway->base, on_timer, again);
	if (!again->timer)
		return -ENOMEM;
	r = again_row_load_all(gateway->db, on_row, again);
	if (r)
		return r;
	outbox_each(gateway, on_kept, again);
	outbox_set_turn(gateway, on_turn, again);
	if (again->givens.nwaiting)
		log_info("texts=read bounced=%zu", again->givens.nwaiting);
	arm(again);
	return 0;
}

struct text_again *text_again_free(struct text_again *again)
{
	if (!again)
		return NULL;
	outbox_set_turn(again->gateway, NULL, NULL);
	text_givens_fini(&again->givens);
	if (again->timer)
		event_free(again->timer);
	free(again);
	return NULL;
}
