/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Texts of accounts: checked, and queued for the number's trunk or delivered
 * to another account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/base/text_file.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/refused.h"
#include "gateway/route/route.h"
#include "gateway/text/text_again.h"
#include "gateway/text/text_component.h"
#include "gateway/text/text_from.h"
#include "gateway/text/text_group.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_part.h"
#include "gateway/text/text_queue.h"
#include "gateway/text/text_refuse.h"
#include "gateway/text/text_report.h"
#include "gateway/text/text_sender.h"
#include "gateway/text/texts.h"
#include "sip/message.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static const struct text_refusal no_number = {
	"forbidden", "This account has no number here."
};
static const struct text_refusal not_a_number = {
	"item-not-found", "This is not a telephone number."
};
static const struct text_refusal no_answers = {
	"feature-not-implemented",
	"This sender is a name, not a number: it takes no answers."
};
static const struct text_refusal no_groups = {
	"feature-not-implemented",
	"The carrier takes no texts to groups; write to each number."
};
static const struct text_refusal emergency = {
	"policy-violation", "Emergency services get no texts from here: call "
			    "them, from a telephone."
};
static const struct text_refusal denied = {
	"policy-violation", "Texts to this number are not allowed."
};
static const struct text_refusal not_heard = {
	"forbidden", "This number takes no texts from yours."
};
static const struct text_refusal too_many = {
	"policy-violation", "Too many texts in a minute; try again later."
};
static const struct text_refusal full = {
	"resource-constraint", "Too many texts wait; try again later."
};

enum { TOO_LONG_CAP = 128, EMERGENCY_CAP = 16 };

/* What an account wrote, once it is clear who to whom. */
struct writing {
	const struct chat *chat;
	char account[JID_CAP];
	char party[JID_PART_MAX + 1];
	struct number number; /* the account's */
	struct number theirs; /* of another account of ours */
	bool is_near;         /* there is one */
	char *words;          /* owned: as a telephone shows them */
	char key[TEXT_SEEN_CAP];
	struct text_refusal too_long;
	char limit[TOO_LONG_CAP]; /* its words */
};

/* Telephones show no Subject (RFC 7572, 4): it is the first line; and what is
 * to be looked at stands below, unless it is in the text. NULL without memory.
 */
static char *words_of(const struct chat *chat)
{
	struct text_file file;
	char *all, *words;

	if (text_file_open(&file))
		return NULL;
	fprintf(file.to, "%s%s%s", chat->subject, *chat->subject ? "\n" : "",
		chat->body);
	for (size_t i = 0; i < chat->nlinks; i++) {
		if (!strstr(chat->body, chat->links[i]))
			fprintf(file.to, "\n%s", chat->links[i]);
	}
	if (text_file_close(&file, &all, NULL))
		return NULL;
	words = text_body(slice_of(all));
	free(all);
	return words;
}

/* Who writes to whom. False: nobody, or to nobody that could be. */
static bool read_writing(struct writing *w, const struct chat *chat)
{
	struct jid to;

	*w = (struct writing){ .chat = chat, .words = words_of(chat) };
	if (jid_bare(w->account, sizeof(w->account), chat->from) ||
	    jid_parse(&to, chat->to) ||
	    text_copy(w->party, sizeof(w->party), to.local))
		return false;
	if (w->words)
		text_key(w->key, w->account, w->party, chat->origin_id,
			 w->words);
	return true;
}

/* A stream that is resumed (XEP-0198) delivers again what it delivered. */
static bool is_repeated(const struct gateway *gateway, const struct writing *w)
{
	return *w->key && recent_has(gateway->texts->seen, w->key, clock_ms());
}

static bool denies(struct gateway *gateway, const struct writing *w,
		   const char *to)
{
	const char *trunk = w->number.trunk;

	return limits_check(gateway, QUOTA_ACCOUNT, w->account, to, 0) ==
		       LIMIT_DESTINATION ||
	       (*trunk && limits_check(gateway, QUOTA_TRUNK, trunk, to, 0) ==
				  LIMIT_DESTINATION);
}

/* As for calls: what costs nothing is never denied. Of a group each number has
 * to be allowed: prefixes fit the first alone. */
static bool is_denied(struct gateway *gateway, const struct writing *w)
{
	char user[ROUTE_USER_CAP];
	struct text_group group;

	if (w->is_near)
		return false;
	if (!text_sender_user(user, sizeof(user), w->party))
		return denies(gateway, w, user);
	if (text_group_parse(&group, w->party))
		return true;
	for (size_t i = 0; i < group.n; i++) {
		if (denies(gateway, w, group.numbers[i]))
			return true;
	}
	return false;
}

/* Also of a group one of which is. */
static bool is_emergency(const struct gateway *gateway, const struct writing *w)
{
	char region[PHONE_REGION_CAP], number[EMERGENCY_CAP];
	const char *rest = w->party;

	if (!number_region(region, gateway, w->account))
		region[0] = '\0';
	for (;;) {
		size_t n = strcspn(rest, ",;");

		if (!text_copy(number, sizeof(number),
			       (struct slice){ rest, n }) &&
		    route_is_emergency(gateway, number, region))
			return true;
		rest += n + strcspn(rest + n, ",");
		if (!*rest)
			return false;
		rest++;
	}
}

/* NULL: the trunk takes so much, at once or in parts. */
static const struct text_refusal *check_length(const struct gateway *gateway,
					       struct writing *w)
{
	const struct config_trunk *trunk =
		config_find_trunk(gateway->config, w->number.trunk);
	size_t max = trunk ? trunk->text_octets : 0;

	if (!trunk || w->is_near || *w->number.texts)
		return NULL;
	if (trunk->split_texts)
		max *= TEXT_PARTS_MAX;
	if (strlen(w->words) <= max)
		return NULL;
	w->too_long = (struct text_refusal){ "policy-violation", w->limit };
	if (text_format(w->limit, sizeof(w->limit),
			"The text is too long: at most %zu octets (as many "
			"plain letters) can be sent at once.",
			max))
		w->limit[0] = '\0';
	return &w->too_long;
}

/* Each number of a group is a text. */
static bool is_too_fast(struct gateway *gateway, const struct writing *w)
{
	struct text_group group;

	return texts_are_too_fast(gateway, w->account,
				  text_group_parse(&group, w->party) ? 1
								     : group.n);
}

static const struct text_refusal *check(struct gateway *gateway,
					struct writing *w)
{
	const struct chat *chat = w->chat;

	if (text_refusal_of(chat->kind))
		return text_refusal_of(chat->kind);
	if (is_emergency(gateway, w))
		return &emergency;
	if (!text_component_is_party(w->party))
		return &not_a_number;
	if (texts_are_closed(gateway, w->account) ||
	    !text_from(&w->number, gateway, w->account, w->party))
		return &no_number;
	if (text_sender_of(w->party) == TEXT_SENDER_NAME)
		return &no_answers;
	if (!*w->number.texts && !text_sender_of(w->party))
		return &no_groups;
	w->is_near = number_find(&w->theirs, gateway, w->party);
	if (w->is_near)
		blocks_leave_out(gateway, &w->theirs, w->number.number);
	if (w->is_near && !w->theirs.nowners)
		return &not_heard;
	if (is_denied(gateway, w))
		return &denied;
	if (check_length(gateway, w))
		return &w->too_long;
	return is_too_fast(gateway, w) ? &too_many : NULL;
}

/* ---- to a telephone ---- */

static int queue(struct gateway *gateway, const struct writing *w)
{
	const struct text_row row = {
		.sender = w->chat->from,
		.stanza_id = w->chat->id,
		.number = w->number.number,
		.party = w->party,
		.trunk = w->number.trunk,
		.lang = w->chat->lang,
		.body = w->words,
		.receipt = w->chat->receipt_requested,
		.markable = w->chat->markable,
		.received_ms = clock_wall_ms(),
	};

	return text_queue_add(gateway->texts->queue, &row);
}

/* ---- to another account: no way through a carrier ---- */

static int deliver(struct gateway *gateway, const struct writing *w,
		   const char *owner)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char from[JID_CAP], id[RAND_UUID_CAP], account[JID_CAP];
	const struct chat_text text = { .from = from,
					.to = owner,
					.id = id,
					.body = w->chat->body,
					.subject = w->chat->subject,
					.lang = w->chat->lang,
					.links = w->chat->links,
					.nlinks = w->chat->nlinks };
	int r = text_format(from, sizeof(from), "%s@%s", w->number.number,
			    gateway->config->xmpp.domain);

	text_id(id, w->key, owner, w->chat->body);
	if (!r)
		r = chat_format(&stanza, &text);
	if (!r)
		r = outbox_send(gateway, stanza, NULL, NULL);
	if (!r && !jid_bare(account, sizeof(account), owner))
		(void)text_from_note(gateway, account, w->number.number,
				     w->theirs.number);
	return r;
}

/* The server of the other account has it as soon as the outbox has. */
static int deliver_all(struct gateway *gateway, const struct writing *w)
{
	AUTO(stanza_freep) struct stanza *receipt = NULL;
	int r = 0;

	for (size_t i = 0; !r && i < w->theirs.nowners; i++)
		r = deliver(gateway, w, w->theirs.owners[i]);
	if (r || !w->chat->receipt_requested || !*w->chat->id)
		return r;
	if (!chat_format_receipt(&receipt, w->chat->to, w->chat->from,
				 w->chat->id) &&
	    outbox_send(gateway, receipt, NULL, NULL))
		log_warn("text=receipt not-sent");
	return 0;
}

/* NULL: taken. */
static const struct text_refusal *take(struct gateway *gateway,
				       struct writing *w)
{
	const struct text_refusal *why = w->words ? check(gateway, w) : &full;

	/* behind what holds at any time, and says more */
	if (!why && !texts_have_room(gateway))
		why = &full;
	if (why)
		return why;
	int r = w->is_near ? deliver_all(gateway, w)
		: *w->number.texts
			? text_component_send(gateway, w->chat, &w->number,
					      w->account, w->party)
			: queue(gateway, w);
	if (r)
		return &full;
	/* not before: what was refused may be tried again */
	if (*w->key)
		texts_remember(gateway, w->key);
	return NULL;
}

static void on_written(struct gateway *gateway, const struct chat *chat)
{
	const struct text_refusal *why = &not_a_number;
	struct writing w;

	if (read_writing(&w, chat)) {
		/* before it counts for anything */
		why = is_repeated(gateway, &w) ? NULL : take(gateway, &w);
	}
	if (why == &emergency)
		text_refuse_aloud(gateway, chat, why);
	else if (why)
		text_refuse(gateway, chat, why);
	free(w.words);
}

void texts_from_account(struct gateway *gateway, const struct chat *chat)
{
	switch (chat->kind) {
	case CHAT_NOTHING:
		return;
	case CHAT_BOUNCED:
		log_info("text=bounced from=%s to=%s why=%s",
			 log_text(slice_of(chat->from)).s,
			 log_text(slice_of(chat->to)).s,
			 log_text(slice_of(chat->body)).s);
		if (!text_again_bounced(gateway->texts->again, chat))
			text_report_answer(gateway, chat);
		return;
	case CHAT_RECEIVED:
	case CHAT_DISPLAYED:
		if (!text_component_answer(gateway, chat))
			text_report_answer(gateway, chat);
		return;
	default:
		on_written(gateway, chat);
	}
}
