/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts that a trunk brings, for the owners of a number. */
#include <stdlib.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/call/caller.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/blocks.h"
#include "gateway/route/number.h"
#include "gateway/route/refusal.h"
#include "gateway/route/route.h"
#include "gateway/text/text_again.h"
#include "gateway/text/text_from.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_report.h"
#include "gateway/text/text_reports.h"
#include "gateway/text/text_sender.h"
#include "gateway/text/texts.h"
#include "sip/cpim.h"
#include "sip/identity.h"
#include "sip/message.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

enum {
	NOTICE_CAP = 128,
	DATE_CAP = 64,
	/* Written so long before it came: shown as of then (XEP-0203). */
	LATE_MS = 60 * 1000,
	TOO_LATE_MS = 14 * 24 * 3600 * 1000,
};

/* A MESSAGE that waits until all that it becomes is on disk. */
struct arrival {
	LIST_ENTRY(arrival) link;
	struct gateway *gateway;
	struct sip_message *message;
	unsigned waiting; /* stanzas */
	int result;       /* of the first that failed */
	bool remembered;
	char *told; /* owned: the text of which it is a report; NULL */
	enum text_outcome outcome;
	char key[];
};

static void free_arrival(struct arrival *arrival)
{
	LIST_REMOVE(arrival, link);
	free(arrival->told);
	free(arrival);
}

static void on_disk(int result, void *arg)
{
	struct arrival *arrival = arg;

	if (result && !arrival->result)
		arrival->result = result;
	if (--arrival->waiting)
		return;
	if (arrival->result && arrival->remembered)
		texts_forget(arrival->gateway, arrival->key);
	if (!arrival->result && arrival->told)
		text_report_settle(arrival->gateway, arrival->told,
				   arrival->outcome);
	sip_message_answer(arrival->message, arrival->result ? 503 : 200);
	free_arrival(arrival);
}

/* A copy of a text that is not on disk yet: it may never be. */
static bool is_arriving(const struct gateway *gateway, const char *key)
{
	const struct arrival *arrival;

	LIST_FOREACH(arrival, &gateway->texts->arrivals, link) {
		if (!strcmp(arrival->key, key))
			return true;
	}
	return false;
}

/* The agent answers them 503; what is written all the same is delivered by the
 * next run, which knows the repetition. */
void text_arrivals_free(struct gateway *gateway)
{
	struct arrivals *arrivals = &gateway->texts->arrivals;

	while (!LIST_EMPTY(arrivals)) {
		struct arrival *first = LIST_FIRST(arrivals);
		outbox_forget(gateway, first);
		free_arrival(first);
	}
}

/* Where it goes, and as whose. */
struct addressing {
	struct number number;
	char from[JID_CAP], party[TEXT_SENDER_CAP]; /* its localpart */
	char name[SIP_DISPLAY_CAP];
	char *body;
	const struct sip_message_in *what;
	char id[RAND_UUID_CAP];  /* of the message to each owner */
	unsigned wants;          /* SIP_CPIM_*: reports of it */
	const char *trunk;       /* by name, borrowed */
	char key[TEXT_SEEN_CAP]; /* of this text, and of its repetitions */
};

static int hand_on(struct gateway *gateway, const struct stanza *stanza,
		   struct arrival *arrival)
{
	int r = outbox_send(gateway, stanza, on_disk, arrival);

	if (!r)
		arrival->waiting++;
	return r;
}

/* Before the first text to a number that answers did not come from so far. */
static int tell_number(struct gateway *gateway, const struct addressing *a,
		       const char *owner, struct arrival *arrival)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char body[NOTICE_CAP], id[RAND_UUID_CAP];
	int r = text_format(body, sizeof(body),
			    "This is to your number %s, and your answers come "
			    "from it.",
			    a->number.number);

	text_id(id, arrival->key, owner, body);
	if (!r)
		r = chat_format(&stanza, &(struct chat_text){ .from = a->from,
							      .to = owner,
							      .id = id,
							      .body = body });
	return r ? r : hand_on(gateway, stanza, arrival);
}

/* A clock that is that far off is none. */
static bool is_late(const struct addressing *a)
{
	int64_t age_ms = clock_wall_ms() - a->what->date_ms;

	return a->what->date_ms && age_ms >= LATE_MS && age_ms < TOO_LATE_MS;
}

static int tell(struct gateway *gateway, const struct addressing *a,
		const char *owner, const char *nick, struct arrival *arrival)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	const struct chat_text text = {
		.from = a->from,
		.to = owner,
		.id = a->id,
		.body = a->body,
		.subject = a->what->subject,
		.lang = a->what->lang,
		.nick = nick,
		.receipt = a->wants & SIP_CPIM_DELIVERED,
		.markable = a->wants & SIP_CPIM_DISPLAYED,
	};
	int r = chat_format(&stanza, &text);

	if (!r && is_late(a))
		chat_add_delay(stanza, gateway->config->xmpp.domain,
			       a->what->date_ms);
	return r ? r : hand_on(gateway, stanza, arrival);
}

static int deliver(struct gateway *gateway, const struct addressing *a,
		   const char *owner, struct arrival *arrival)
{
	char nick[CALLER_NICK_CAP], account[JID_CAP];
	int r = jid_bare(account, sizeof(account), owner);

	/* It comes again when there was no room for another owner. */
	if (r || text_again_has(gateway->texts->again, owner, a->from, a->id))
		return r;
	bool several = number_count(gateway, account) > 1;
	if (caller_nick(nick, a->name, a->from,
			several ? a->number.number : NULL))
		nick[0] = '\0';
	if (text_from_note(gateway, account, a->party, a->number.number))
		r = tell_number(gateway, a, owner, arrival);
	return r ? r : tell(gateway, a, owner, nick, arrival);
}

/* Its sender waits for reports of it. */
static void await(struct gateway *gateway, const struct addressing *a)
{
	const struct sip_cpim *cpim = a->what->cpim;
	char id[SIP_CPIM_ID_MAX + 1], date[DATE_CAP];
	const struct report_row row = { .key = a->id,
					.inbound = true,
					.id = id,
					.number = a->number.number,
					.party = a->party,
					.trunk = a->trunk,
					.date = date,
					.wants = a->wants };

	if (a->wants && !text_copy(id, sizeof(id), cpim->message_id) &&
	    !text_copy(date, sizeof(date), cpim->date))
		text_reports_put(gateway->texts->reports, &row);
}

/* NULL: no memory, and it has been answered. */
static struct arrival *begin(struct gateway *gateway,
			     struct sip_message *message, const char *key)
{
	size_t n = strlen(key) + 1;
	struct arrival *arrival = calloc(1, sizeof(*arrival) + n);

	if (!arrival) {
		sip_message_answer(message, 503);
		return NULL;
	}
	arrival->gateway = gateway;
	arrival->message = message;
	arrival->waiting = 1; /* until all are on their way */
	memcpy(arrival->key, key, n);
	LIST_INSERT_HEAD(&gateway->texts->arrivals, arrival, link);
	return arrival;
}

static void end(struct arrival *arrival, int r)
{
	if (!r)
		texts_remember(arrival->gateway, arrival->key);
	arrival->remembered = !r;
	on_disk(r, arrival);
}

/* All owners have it, or who sent it is told to try again. */
static void deliver_all(struct gateway *gateway, struct addressing *a,
			struct arrival *arrival)
{
	int r = a->body && texts_have_room(gateway) ? 0 : -ENOBUFS;

	text_id(a->id, arrival->key, a->number.number, a->body ? a->body : "");
	for (size_t i = 0; !r && i < a->number.nowners; i++)
		r = deliver(gateway, a, a->number.owners[i], arrival);
	if (!r)
		await(gateway, a);
	end(arrival, r);
}

/* What became of a text of an account's. */
static void report(struct gateway *gateway, const struct addressing *a,
		   struct arrival *arrival)
{
	struct text_told told;
	int r = text_report_came(gateway, a->what->text, a->party,
				 a->number.number, &told);

	arrival->outcome = told.outcome;
	if (!r && told.key) {
		arrival->told = text_dup(slice_of(told.key));
		r = arrival->told ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !r && i < told.n; i++)
		r = hand_on(gateway, told.stanzas[i], arrival);
	text_told_free(&told);
	end(arrival, r);
}

/* Against one telephone that floods one number. */
static bool is_too_fast(const struct gateway *gateway,
			const struct addressing *a)
{
	char name[TEXT_SENDER_CAP + ROUTE_USER_CAP];

	return text_format(name, sizeof(name), "%s %s", a->party,
			   a->number.number) ||
	       recent_count(gateway->texts->sources, name, clock_ms()) >
		       gateway->config->limits.texts_in_per_minute;
}

/* 0, or the status that it is refused with. */
static unsigned check_sender(struct addressing *a,
			     const struct gateway *gateway)
{
	blocks_leave_out(gateway, &a->number, a->party);
	if (!a->number.nowners)
		return 403;
	return is_too_fast(gateway, a) ? 480 : 0;
}

/* Who has no number is known by the short code, or the name. */
static int name_sender(struct addressing *a, const struct gateway *gateway,
		       const struct route *route)
{
	int r = 0;

	if (text_sender_format(a->party, route->caller))
		r = text_set(a->party, sizeof(a->party), route->from);
	else if (!*a->name && text_sender_of(a->party) == TEXT_SENDER_NAME)
		r = text_set(a->name, sizeof(a->name), route->caller);
	return r ? r
		 : text_format(a->from, sizeof(a->from), "%s@%s", a->party,
			       gateway->config->xmpp.domain);
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
		r = name_sender(a, gateway, &route);
	if (r)
		return 503;
	a->trunk = route.trunk_config->name;
	/* Call-IDs are unique to who makes them alone; a carrier that got no
	 * answer by one trunk may try another. */
	if (text_format(a->key, sizeof(a->key), "%s %s %s", a->party,
			a->number.number, what->key))
		return 503;
	if (what->cpim && route.trunk_config->imdn &&
	    text_sender_of(a->party) == TEXT_SENDER_NUMBER &&
	    what->cpim->message_id.n)
		a->wants = what->cpim->wants;
	return 0;
}

void texts_from_trunk(struct gateway *gateway, struct sip_message *message,
		      const struct sip_message_in *what)
{
	struct addressing a = { .what = what };
	unsigned status;

	status = address(&a, gateway, what);
	if (!status && recent_has(gateway->texts->seen, a.key, clock_ms())) {
		sip_message_answer(message,
				   is_arriving(gateway, a.key) ? 503 : 200);
		return;
	}
	if (!status && !what->is_report)
		status = check_sender(&a, gateway);
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
	struct arrival *arrival = begin(gateway, message, a.key);
	if (!arrival)
		return;
	if (what->is_report) {
		report(gateway, &a, arrival);
		return;
	}
	a.body = text_body(what->text);
	deliver_all(gateway, &a, arrival);
	free(a.body);
}
