/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_report.h"

#include <stdlib.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/text/text_int.h"
#include "gateway/text/text_queue.h"
#include "gateway/text/text_reports.h"
#include "sip/cpim.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define NS_IMDN "urn:ietf:params:xml:ns:imdn" /* RFC 5438, 7.1.1 */
#define WORDS_FAILED \
	"The text was taken by the carrier, but could not be delivered."

/* Of each outcome, how RFC 5438 writes it and who is told that wants to be. */
static const struct {
	const char *notification, *status;
	unsigned wants;
} outcomes[TEXT_NOUTCOMES] = {
	[TEXT_OTHER] = { "processing-notification", "processed", 0 },
	[TEXT_DELIVERED] = { "delivery-notification", "delivered",
			     SIP_CPIM_DELIVERED },
	[TEXT_DISPLAYED] = { "display-notification", "displayed",
			     SIP_CPIM_DISPLAYED },
	[TEXT_FAILED] = { "delivery-notification", "failed", SIP_CPIM_FAILED },
};

/* ---- XML ---- */

/* Who forbids reports of display, or cannot make one, has not said that the
 * text is lost (RFC 5438, 7.2.1.3). */
static enum text_outcome read_status(const struct stanza *notification)
{
	const struct stanza *status =
		stanza_first(stanza_find(notification, "status", NULL));

	if (!status)
		return TEXT_OTHER;
	for (size_t i = TEXT_DELIVERED; i < TEXT_NOUTCOMES; i++) {
		if (!strcmp(stanza_name(notification),
			    outcomes[i].notification) &&
		    !strcmp(stanza_name(status), outcomes[i].status))
			return (enum text_outcome)i;
	}
	return TEXT_OTHER;
}

int text_report_parse(enum text_outcome *out, char **idp, struct slice xml)
{
	AUTO(stanza_freep) struct stanza *imdn = NULL;
	const struct stanza *child;
	int r = stanza_parse(&imdn, xml);

	if (r)
		return r == -ENOMEM ? r : -EINVAL;
	const char *id = stanza_find_text(imdn, "message-id", NULL);
	if (!stanza_is(imdn, "imdn", NS_IMDN) || !id || !*id)
		return -EINVAL;
	*out = TEXT_OTHER;
	STANZA_FOREACH(child, imdn) {
		if (stanza_find(child, "status", NULL))
			*out = read_status(child);
	}
	*idp = text_dup(slice_of(id));
	return *idp ? 0 : -ENOMEM;
}

int text_report_format(char **out, enum text_outcome outcome, const char *id,
		       const char *date)
{
	AUTO(stanza_freep) struct stanza *imdn = NULL;
	size_t n;
	int r = stanza_new(&imdn, "imdn", NS_IMDN);

	if (r)
		return r;
	stanza_child_text(imdn, "message-id", NULL, id);
	stanza_child_text(imdn, "datetime", NULL, date);
	struct stanza *notification =
		stanza_child(imdn, outcomes[outcome].notification, NULL);
	stanza_child(stanza_child(notification, "status", NULL),
		     outcomes[outcome].status, NULL);
	r = stanza_format(imdn, 0, out, &n);
	return r > 0 ? -EINVAL : r;
}

/* ---- of telephones, to an account ---- */

void text_report_settle(struct gateway *gateway, const char *key,
			enum text_outcome outcome)
{
	const struct report_row *row =
		text_reports_find(gateway->texts->reports, key);
	struct report_row next;

	if (!row)
		return;
	next = *row; /* what is still awaited */
	next.wants &= ~outcomes[outcome].wants;
	if (outcome == TEXT_DISPLAYED) /* so it has come as well */
		next.wants &= ~(uint32_t)SIP_CPIM_DELIVERED;
	if (outcome != TEXT_FAILED)
		next.wants &= ~(uint32_t)SIP_CPIM_FAILED;
	if (outcome == TEXT_FAILED || !next.wants)
		text_reports_drop(gateway->texts->reports, row->key);
	else
		text_reports_put(gateway->texts->reports, &next);
}

static int format_outcome(struct stanza **out, const struct report_row *row,
			  const char *from, enum text_outcome outcome)
{
	if (outcome == TEXT_FAILED)
		return chat_format_error(out, from, row->jid, row->id,
					 "recipient-unavailable", WORDS_FAILED);
	return outcome == TEXT_DISPLAYED
		       ? chat_format_displayed(out, from, row->jid, row->id)
		       : chat_format_receipt(out, from, row->jid, row->id);
}

/* What is displayed has been delivered: some telephones say so only once. */
static int format_all(const struct gateway *gateway,
		      const struct report_row *row, struct text_told *out)
{
	enum text_outcome outcome = out->outcome;
	struct stanza **next = out->stanzas;
	char from[JID_CAP];
	int r = text_format(from, sizeof(from), "%s@%s", row->party,
			    gateway->config->xmpp.domain);

	if (!r && outcome == TEXT_DISPLAYED &&
	    (row->wants & SIP_CPIM_DELIVERED))
		r = format_outcome(next++, row, from, TEXT_DELIVERED);
	if (!r && (row->wants & outcomes[outcome].wants))
		r = format_outcome(next++, row, from, outcome);
	out->n = (size_t)(next - out->stanzas);
	return r;
}

void text_told_free(struct text_told *told)
{
	for (size_t i = 0; i < TEXT_REPORT_STANZAS; i++)
		told->stanzas[i] = stanza_free(told->stanzas[i]);
	told->n = 0;
}

int text_report_came(struct gateway *gateway, struct slice xml,
		     const char *party, const char *number,
		     struct text_told *out)
{
	const struct report_row *row = NULL;
	char *id = NULL;

	*out = (struct text_told){ .key = NULL };
	int r = text_report_parse(&out->outcome, &id, xml);
	if (!r)
		row = text_reports_find(gateway->texts->reports, id);
	free(id);
	/* Nobody can answer for another. */
	if (row && (row->inbound || strcmp(row->party, party) != 0 ||
		    strcmp(row->number, number) != 0))
		row = NULL;
	if (!row || out->outcome == TEXT_OTHER) {
		log_debug("text=report read-over from=%s",
			  log_text(slice_of(party)).s);
		return r == -ENOMEM ? r : 0;
	}
	log_info("text=%s report=%s", row->key, outcomes[out->outcome].status);
	r = *row->id ? format_all(gateway, row, out) : 0;
	if (r)
		text_told_free(out);
	else
		out->key = row->key;
	return r;
}

/* ---- of an account's devices, to a telephone ---- */

static int queue_report(struct gateway *gateway, const struct report_row *row,
			enum text_outcome outcome)
{
	char *xml = NULL;
	int r = text_report_format(&xml, outcome, row->id, row->date);

	if (!r)
		r = text_queue_add(
			gateway->texts->queue,
			&(struct text_row){ .sender = "",
					    .stanza_id = "",
					    .number = row->number,
					    .party = row->party,
					    .trunk = row->trunk,
					    .lang = "",
					    .body = xml,
					    .kind = TEXT_REPORT,
					    .received_ms = clock_wall_ms() });
	free(xml);
	return r;
}

/* Whether @chat comes from an owner of the number that @row went to, and is to
 * whom it came from. What one of several owners does not get, another does. */
static bool is_of(const struct gateway *gateway, const struct chat *chat,
		  const struct report_row *row)
{
	struct number number;
	struct jid to;

	return row->inbound && !jid_parse(&to, chat->to) &&
	       slice_is(to.local, row->party) &&
	       number_find(&number, gateway, row->number) &&
	       number_has_owner(&number, chat->from) &&
	       (chat->kind != CHAT_BOUNCED || number.nowners == 1);
}

void text_report_answer(struct gateway *gateway, const struct chat *chat)
{
	const struct report_row *row =
		text_reports_find(gateway->texts->reports, chat->about);
	enum text_outcome outcome =
		chat->kind == CHAT_BOUNCED
			? TEXT_FAILED
			: (chat->kind == CHAT_DISPLAYED ? TEXT_DISPLAYED
							: TEXT_DELIVERED);
	int r = 0;

	if (!row || !is_of(gateway, chat, row))
		return;
	if (outcome == TEXT_DISPLAYED && (row->wants & SIP_CPIM_DELIVERED))
		r = queue_report(gateway, row, TEXT_DELIVERED);
	if (!r && (row->wants & outcomes[outcome].wants))
		r = queue_report(gateway, row, outcome);
	if (r)
		log_warn("text=%s report=not-sent r=%d", row->key, r);
	else /* it is written to the disk behind the reports */
		text_report_settle(gateway, row->key, outcome);
}
