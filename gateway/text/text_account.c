/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts of accounts: checked, and queued for the number's trunk or delivered
 * to another account. */
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/outbox.h"
#include "gateway/base/recent.h"
#include "gateway/route/refused.h"
#include "gateway/text/text_from.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_queue.h"
#include "gateway/text/texts.h"
#include "sip/message.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* Why a text is not taken, in each language. */
struct text_refusal {
	const char *condition; /* RFC 6120, 8.3.3 */
	const char *words;
};

static const struct text_refusal kinds[] = {
	[CHAT_ENCRYPTED] = { "not-acceptable",
			     "The telephone network cannot read encrypted "
			     "messages; switch encryption off for this "
			     "contact." },
	[CHAT_EDIT] = { "feature-not-implemented",
			"A text that was sent cannot be changed; write "
			"another." },
	[CHAT_RETRACTION] = { "feature-not-implemented",
			      "A text that was sent cannot be taken back." },
	[CHAT_REACTION] = { "feature-not-implemented",
			    "Telephones show no reactions; write a text." },
	[CHAT_GROUP] = { "feature-not-implemented",
			 "There are no rooms here." },
};
static const struct text_refusal no_number = {
	"forbidden", "This account has no number here."
};
static const struct text_refusal not_a_number = {
	"item-not-found", "This is not a telephone number."
};
static const struct text_refusal denied = {
	"policy-violation", "Texts to this number are not allowed."
};
static const struct text_refusal too_long = {
	"policy-violation", "The text is too long: at most " TEXT_MAX_WORDS
			    " octets can be sent at once."
};
static const struct text_refusal too_many = {
	"policy-violation", "Too many texts in a minute; try again later."
};
static const struct text_refusal full = {
	"resource-constraint", "Too many texts wait; try again later."
};

/* What an account wrote, once it is clear who to whom. */
struct writing {
	const struct chat *chat;
	char account[JID_CAP];
	char party[JID_PART_MAX + 1];
	struct number number; /* the account's */
	char key[2 * JID_CAP];
};

/* Who writes to whom. False: nobody, or to nobody that could be. */
static bool read_writing(struct writing *w, const struct chat *chat)
{
	struct jid to;

	w->chat = chat;
	if (jid_bare(w->account, sizeof(w->account), chat->from) ||
	    jid_parse(&to, chat->to) ||
	    text_copy(w->party, sizeof(w->party), to.local))
		return false;
	/* Without one nothing tells a repetition. */
	if (!*chat->origin_id ||
	    text_format(w->key, sizeof(w->key), "%s %s %s", w->account,
			w->party, chat->origin_id))
		w->key[0] = '\0';
	return true;
}

/* A stream that is resumed (XEP-0198) delivers again what it delivered. */
static bool is_repeated(const struct gateway *gateway, const struct writing *w)
{
	return *w->key && recent_has(gateway->texts->seen, w->key, clock_ms());
}

/* As for calls: what costs nothing is never denied. */
static bool is_denied(struct gateway *gateway, const struct writing *w)
{
	const char *trunk = w->number.trunk;
	struct number theirs;

	if (number_find(&theirs, gateway, w->party))
		return false;
	return limits_check(gateway, QUOTA_ACCOUNT, w->account, w->party) ==
		       LIMIT_DESTINATION ||
	       (*trunk && limits_check(gateway, QUOTA_TRUNK, trunk, w->party) ==
				  LIMIT_DESTINATION);
}

/* By an administrator. */
static bool is_closed(const struct gateway *gateway, const char *account)
{
	const struct account *found = account_find(gateway->accounts, account);

	return found && !found->enabled;
}

static const struct text_refusal *check(struct gateway *gateway,
					struct writing *w)
{
	const struct chat *chat = w->chat;

	if (chat->kind != CHAT_TEXT)
		return &kinds[chat->kind];
	if (!config_is_number(w->party))
		return &not_a_number;
	if (is_closed(gateway, w->account) ||
	    !text_from(&w->number, gateway, w->account, w->party))
		return &no_number;
	if (is_denied(gateway, w))
		return &denied;
	if (strlen(chat->body) > SIP_MESSAGE_TEXT_MAX)
		return &too_long;
	if (recent_count(gateway->texts->rates, w->account, clock_ms()) >
	    gateway->config->limits.texts_per_minute)
		return &too_many;
	return NULL;
}

/* ---- to a telephone ---- */

static int queue(struct gateway *gateway, const struct writing *w)
{
	char *body = text_body(slice_of(w->chat->body));
	const struct text_row row = {
		.sender = w->chat->from,
		.stanza_id = w->chat->id,
		.number = w->number.number,
		.party = w->party,
		.trunk = w->number.trunk,
		.lang = w->chat->lang,
		.body = body,
		.receipt = w->chat->receipt_requested,
		.received_ms = clock_wall_ms(),
	};
	int r = body ? text_queue_add(gateway->texts->queue, &row) : -ENOMEM;

	free(body);
	return r;
}

/* ---- to another account: no way through a carrier ---- */

static int deliver(struct gateway *gateway, const struct writing *w,
		   const char *owner)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char from[JID_CAP], id[RAND_UUID_CAP];
	const struct chat_text text = { .from = from,
					.to = owner,
					.id = id,
					.body = w->chat->body,
					.lang = w->chat->lang };
	int r = text_format(from, sizeof(from), "%s@%s", w->number.number,
			    gateway->config->xmpp.domain);

	rand_uuid(id);
	if (!r)
		r = chat_format(&stanza, &text);
	return r ? r : outbox_send(gateway, stanza, NULL, NULL);
}

/* The server of the other account has it as soon as the outbox has. */
static int deliver_all(struct gateway *gateway, const struct writing *w,
		       const struct number *theirs)
{
	AUTO(stanza_freep) struct stanza *receipt = NULL;
	int r = 0;

	for (size_t i = 0; !r && i < theirs->nowners; i++)
		r = deliver(gateway, w, theirs->owners[i]);
	if (r || !w->chat->receipt_requested || !*w->chat->id)
		return r;
	if (!chat_format_receipt(&receipt, w->chat->to, w->chat->from,
				 w->chat->id) &&
	    outbox_send(gateway, receipt, NULL, NULL))
		log_warn("text=receipt not-sent");
	return 0;
}

static void refuse(struct gateway *gateway, const struct chat *chat,
		   const struct text_refusal *why)
{
	AUTO(stanza_freep) struct stanza *error = NULL;

	refused_log(gateway, why->condition, chat->from, chat->to);
	if (chat_format_error(&error, chat->to, chat->from, chat->id,
			      why->condition, why->words) ||
	    xmpp_stream_send(gateway->stream, error))
		log_warn("text=refusal not-sent");
}

void texts_from_account(struct gateway *gateway, const struct chat *chat)
{
	const struct text_refusal *why = &not_a_number;
	struct number theirs;
	struct writing w;

	if (chat->kind == CHAT_NOTHING)
		return;
	if (read_writing(&w, chat)) {
		/* before it counts for anything */
		if (is_repeated(gateway, &w))
			return;
		why = check(gateway, &w);
	}
	if (!why) {
		int r = number_find(&theirs, gateway, w.party)
				? deliver_all(gateway, &w, &theirs)
				: queue(gateway, &w);
		why = r ? &full : NULL;
	}
	/* not before: what was refused may be tried again */
	if (!why && *w.key)
		texts_remember(gateway, w.key);
	if (why)
		refuse(gateway, chat, why);
}
