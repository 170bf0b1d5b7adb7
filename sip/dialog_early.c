/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Reliable provisional responses to our INVITE (RFC 3262, 4): each fork that
 * sends one is an early dialog with a leg and a CSeq of its own, in which the
 * PRACK goes.
 */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_AGENT_MAGIC_T    struct sip_agent
#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"

enum { RACK_CAP = 40 };

struct dialog_early *dialog_early_find(struct sip_dialog *d, const char *tag)
{
	struct dialog_early *early;

	TAILQ_FOREACH(early, &d->earlies, entry)
		if (!strcasecmp(early->tag, tag))
			return early;
	return NULL;
}

static void early_free(struct sip_dialog *d, struct dialog_early *early)
{
	TAILQ_REMOVE(&d->earlies, early, entry);
	if (early->leg) {
		sip_clients_orphan(d->agent, early->leg);
		nta_leg_destroy(early->leg);
	}
	free(early->tag);
	free(early);
}

void dialog_early_free(struct sip_dialog *d)
{
	struct dialog_early *early;

	while ((early = TAILQ_FIRST(&d->earlies)))
		early_free(d, early);
}

static unsigned count(const struct sip_dialog *d)
{
	const struct dialog_early *early;
	unsigned n = 0;

	TAILQ_FOREACH(early, &d->earlies, entry)
		n++;
	return n;
}

static struct dialog_early *early_new(struct sip_dialog *d,
				      const struct sip_s *sip)
{
	struct dialog_early *early = NULL;

	if (count(d) < DIALOG_EARLY_MAX)
		early = calloc(1, sizeof(*early));
	if (!early)
		return NULL;
	TAILQ_INSERT_TAIL(&d->earlies, early, entry);
	early->tag = text_dup(slice_of(sip->sip_to->a_tag));
	if (early->tag)
		early->leg = nta_leg_tcreate(
			d->agent->nta, dialog_recv, d,
			SIPTAG_CALL_ID(sip->sip_call_id),
			SIPTAG_FROM(sip->sip_from), SIPTAG_TO(sip->sip_to),
			SIPTAG_CSEQ(sip->sip_cseq), TAG_END());
	if (early->leg)
		return early;
	early_free(d, early);
	return NULL;
}

static void on_prack_response(struct sip_client *client, unsigned status,
			      const struct sip_s *response, bool local,
			      void *arg)
{
	(void)response;
	(void)local;
	(void)arg;
	if (status < 200)
		return;
	if (status >= 300)
		log_info("event=sip_prack what=refused status=%u", status);
	sip_client_free(client);
}

static void send_prack(struct sip_dialog *d, const struct dialog_early *early,
		       const struct sip_s *sip)
{
	char rack[RACK_CAP];
	struct sip_client_spec spec;
	struct sip_client *client;
	int r = dialog_request_spec(d, &spec, "PRACK", on_prack_response);

	if (!r)
		r = text_format(rack, sizeof(rack), "%u %u INVITE", early->rseq,
				sip->sip_cseq->cs_seq);
	if (!r && sip_add_tl(spec.message, sip_object(spec.message),
			     SIPTAG_RACK_STR(rack), TAG_END()) < 0)
		r = -ENOMEM;
	spec.leg = early->leg;
	spec.hop = early->hop;
	spec.account = dialog_account(d, &early->hop);
	if (!r)
		r = sip_client_start(&client, d->agent, &spec);
	else if (spec.message)
		msg_destroy(spec.message);
	if (r)
		log_warn("dialog=%s what=\"PRACK not sent\"", d->call_id);
}

bool dialog_early_take(struct sip_dialog *d, const struct sip_s *sip)
{
	const sip_rseq_t *rseq = sip->sip_rseq;
	const char *tag = sip->sip_to->a_tag;
	struct dialog_early *early;

	if (!rseq || !tag || !sip_has_feature(sip->sip_require, "100rel"))
		return true;
	early = dialog_early_find(d, tag);
	/* RFC 3262, 4: repeated, or before one that was lost. */
	if (early && rseq->rs_response != early->rseq + 1)
		return false;
	if (!early)
		early = early_new(d, sip);
	if (!early)
		return false;
	early->rseq = rseq->rs_response;
	nta_leg_client_reroute(early->leg, sip->sip_record_route,
			       sip->sip_contact, 1);
	early->hop = dialog_literal_hop(early->leg, &d->peer);
	send_prack(d, early, sip);
	return true;
}

struct nta_leg_s *dialog_early_detach(struct sip_dialog *d, const char *tag)
{
	struct dialog_early *early = dialog_early_find(d, tag);
	nta_leg_t *leg = early ? early->leg : NULL;

	if (early) {
		early->leg = NULL;
		early_free(d, early);
	}
	return leg;
}
