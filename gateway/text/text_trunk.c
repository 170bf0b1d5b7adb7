/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts that a trunk brings, for the owners of a number. */
#include <stdlib.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/outbox.h"
#include "gateway/base/recent.h"
#include "gateway/route/refusal.h"
#include "gateway/route/route.h"
#include "gateway/text/text_int.h"
#include "gateway/text/texts.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

/* So many texts later those that are no repetition any more leave the disk. */
enum { EXPIRE_EACH = 1000 };

/* A MESSAGE that waits until all that it becomes is on disk. */
struct arrival {
	LIST_ENTRY(arrival) link;
	struct gateway *gateway;
	struct sip_message *message;
	unsigned waiting; /* stanzas */
	int result;       /* of the first that failed */
	bool remembered;
	char key[];
};

/* Who sent it tries again, with the same key. */
static void forget(struct gateway *gateway, const char *key)
{
	recent_drop(gateway->texts->seen, key);
	if (seen_row_drop(gateway->db, key))
		log_warn("text=not-forgotten: a repetition after a restart "
			 "would be lost");
}

static void on_disk(int result, void *arg)
{
	struct arrival *arrival = arg;

	if (result && !arrival->result)
		arrival->result = result;
	if (--arrival->waiting)
		return;
	if (arrival->result && arrival->remembered)
		forget(arrival->gateway, arrival->key);
	sip_message_answer(arrival->message, arrival->result ? 503 : 200);
	LIST_REMOVE(arrival, link);
	free(arrival);
}

/* The agent answers them 503; what is written all the same is delivered by the
 * next run, which knows the repetition. */
void text_arrivals_free(struct gateway *gateway)
{
	struct arrivals *arrivals = &gateway->texts->arrivals;

	while (!LIST_EMPTY(arrivals)) {
		struct arrival *first = LIST_FIRST(arrivals);
		outbox_forget(gateway, first);
		LIST_REMOVE(first, link);
		free(first);
	}
}

/* Where it goes, and as whose. */
struct addressing {
	struct number number;
	char from[JID_CAP];
	char nick[SIP_DISPLAY_CAP];
	char *body;
	const char *lang;
};

static int deliver(struct gateway *gateway, const struct addressing *a,
		   const char *owner, struct arrival *arrival)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char id[RAND_UUID_CAP];
	int r;

	rand_uuid(id);
	r = chat_format(&stanza, &(struct chat_text){ .from = a->from,
						      .to = owner,
						      .id = id,
						      .body = a->body,
						      .lang = a->lang,
						      .nick = a->nick });
	if (!r)
		r = outbox_send(gateway, stanza, on_disk, arrival);
	if (!r)
		arrival->waiting++;
	return r;
}

static void remember(struct gateway *gateway, const char *key)
{
	const struct seen_row row = { .key = key, .seen_ms = clock_wall_ms() };

	recent_add(gateway->texts->seen, key, clock_ms());
	if (seen_row_put(gateway->db, &row))
		log_warn("text=not-remembered: a repetition after a restart "
			 "would be delivered");
	if (++gateway->texts->nseen % EXPIRE_EACH == 0 &&
	    seen_row_expire(gateway->db, row.seen_ms - TEXTS_SEEN_MS))
		log_warn("texts=seen not-expired");
}

/* All owners have it, or who sent it is told to try again. */
static void deliver_all(struct gateway *gateway, const struct addressing *a,
			struct sip_message *message, const char *key)
{
	size_t n = strlen(key) + 1;
	struct arrival *arrival = calloc(1, sizeof(*arrival) + n);
	int r = a->body ? 0 : -ENOMEM;

	if (!arrival) {
		sip_message_answer(message, 503);
		return;
	}
	arrival->gateway = gateway;
	arrival->message = message;
	arrival->waiting = 1; /* until all are on their way */
	memcpy(arrival->key, key, n);
	LIST_INSERT_HEAD(&gateway->texts->arrivals, arrival, link);
	for (size_t i = 0; !r && i < a->number.nowners; i++)
		r = deliver(gateway, a, a->number.owners[i], arrival);
	if (!r)
		remember(gateway, key);
	arrival->remembered = !r;
	on_disk(r, arrival);
}

/* 0, or the status that it is refused with. */
static unsigned address(struct addressing *a, struct gateway *gateway,
			const struct sip_message_in *what)
{
	const struct sip_invite as_a_call = { .source = what->source,
					      .request_user =
						      what->request_user,
					      .called_user = what->called_user,
					      .to_user = what->to_user,
					      .identity = what->identity,
					      .message = what->message };
	struct origin origin;
	struct route route;
	int r = route_text_from_trunk(&route, &origin, gateway, &as_a_call);

	if (!r && text_set(a->nick, sizeof(a->nick), origin.display))
		a->nick[0] = '\0';
	if (r > 0) {
		const struct refusal *refusal = refusal_of(r);
		return refusal->status ? refusal->status
				       : cause_sip_status(refusal->cause);
	}
	if (!r && !number_find(&a->number, gateway, route.to))
		r = -ENOENT;
	if (!r)
		r = text_format(a->from, sizeof(a->from), "%s@%s", route.from,
				gateway->config->xmpp.domain);
	a->lang = what->lang;
	return r ? 503 : 0;
}

void texts_from_trunk(struct gateway *gateway, struct sip_message *message,
		      const struct sip_message_in *what)
{
	struct addressing a = { 0 };
	unsigned status;

	if (recent_has(gateway->texts->seen, what->key, clock_ms())) {
		sip_message_answer(message, 200);
		return;
	}
	status = address(&a, gateway, what);
	if (status) {
		log_info("text=refused status=%u src=%s to=%s", status,
			 addr_text(&what->source.addr).s,
			 log_text(slice_of(what->request_user)).s);
		sip_message_answer(message, status);
		return;
	}
	if (!what->text.n) { /* nobody would see it */
		sip_message_answer(message, 200);
		return;
	}
	a.body = text_body(what->text);
	deliver_all(gateway, &a, message, what->key);
	free(a.body);
}
