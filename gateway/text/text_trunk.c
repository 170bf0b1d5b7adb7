/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts that a trunk brings, for the owners of a number. */
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/call/caller.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/outbox.h"
#include "gateway/base/recent.h"
#include "gateway/route/refusal.h"
#include "gateway/route/route.h"
#include "gateway/text/text_from.h"
#include "gateway/text/text_int.h"
#include "gateway/text/texts.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

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

static void on_disk(int result, void *arg)
{
	struct arrival *arrival = arg;

	if (result && !arrival->result)
		arrival->result = result;
	if (--arrival->waiting)
		return;
	if (arrival->result && arrival->remembered)
		texts_forget(arrival->gateway, arrival->key);
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
	char from[JID_CAP], party[ROUTE_USER_CAP]; /* its localpart */
	char name[SIP_DISPLAY_CAP];
	char *body;
	const char *lang;
};

/* One message to @owner. */
static int tell(struct gateway *gateway, const struct addressing *a,
		const char *owner, const struct chat_text *what,
		struct arrival *arrival)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	struct chat_text text = *what;
	char id[RAND_UUID_CAP];
	int r;

	rand_uuid(id);
	text.from = a->from;
	text.to = owner;
	text.id = id;
	r = chat_format(&stanza, &text);
	if (!r)
		r = outbox_send(gateway, stanza, on_disk, arrival);
	if (!r)
		arrival->waiting++;
	return r;
}

/* Before the first text to a number that answers did not come from so far. */
static int tell_number(struct gateway *gateway, const struct addressing *a,
		       const char *owner, struct arrival *arrival)
{
	enum { CAP = 128 };
	char body[CAP];
	int r = text_format(body, sizeof(body),
			    "This is to your number %s, and your answers come "
			    "from it.",
			    a->number.number);

	return r ? r
		 : tell(gateway, a, owner, &(struct chat_text){ .body = body },
			arrival);
}

static int deliver(struct gateway *gateway, const struct addressing *a,
		   const char *owner, struct arrival *arrival)
{
	char nick[CALLER_NICK_CAP], account[JID_CAP];
	int r = jid_bare(account, sizeof(account), owner);

	if (r)
		return r;
	bool several = number_count(gateway, account) > 1;
	if (caller_nick(nick, a->name, a->from,
			several ? a->number.number : NULL))
		nick[0] = '\0';
	if (text_from_note(gateway, account, a->party, a->number.number))
		r = tell_number(gateway, a, owner, arrival);
	return r ? r
		 : tell(gateway, a, owner,
			&(struct chat_text){ .body = a->body,
					     .lang = a->lang,
					     .nick = nick },
			arrival);
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
		texts_remember(gateway, key);
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

	if (!r && text_set(a->name, sizeof(a->name), origin.display))
		a->name[0] = '\0';
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
	if (!r)
		r = text_set(a->party, sizeof(a->party), route.from);
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
