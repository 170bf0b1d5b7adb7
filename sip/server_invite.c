/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/server.h"

#include <stdlib.h>
#include <strings.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>

#include "media/desc.h"
#include "sip/agent_int.h"
#include "sip/body.h"
#include "sip/dialog_int.h"
#include "sip/identity.h"
#include "sip/share.h"

/* RFC 3261, 8.1.1.8: exactly one, or in-dialog requests would go astray. */
static bool has_contact(const sip_t *sip)
{
	const sip_contact_t *m = sip->sip_contact;

	return m && !m->m_next &&
	       (m->m_url->url_type == url_sip ||
		m->m_url->url_type == url_sips);
}

/* A tag without a value, as in "id;to-tag;from-tag", is any to sofia. */
static bool names(const sip_replaces_t *rp, const struct sip_dialog *d)
{
	return rp->rp_to_tag && rp->rp_from_tag && *rp->rp_from_tag &&
	       !strcasecmp(rp->rp_to_tag, dialog_tag(d));
}

static bool rings_there(const struct sip_dialog *d)
{
	return d->uac && d->state == DIALOG_RINGING;
}

/* RFC 3891, 3: the dialog that the INVITE replaces; or a status to refuse with.
 */
static unsigned find_replaced(const struct sip_incoming *in,
			      struct sip_dialog **out)
{
	const sip_replaces_t *rp = in->sip->sip_replaces;
	nta_leg_t *leg;

	*out = NULL;
	if (!in->policy.refer)
		return 0;
	if (sip_server_has_bad(in->sip, "Replaces"))
		return 400;
	if (!rp)
		return 0;
	leg = nta_leg_by_replaces(in->agent->nta, rp);
	*out = leg ? nta_leg_magic(leg, dialog_recv) : NULL;
	if (!*out || !names(rp, *out) || !(*out)->policy.refer)
		return 481;
	if ((*out)->hung_up || (*out)->state > DIALOG_UP)
		return 603;
	/* One that rings here is nobody's to take. */
	if ((*out)->state != DIALOG_UP && !rings_there(*out))
		return 481;
	/* It was wanted only while it rings. */
	return rp->rp_early_only && (*out)->state == DIALOG_UP ? 486 : 0;
}

static void offer_invite(const struct sip_incoming *in, struct sip_dialog *d,
			 const struct media_desc *offer,
			 struct sip_dialog *replaced)
{
	char request_user[SIP_USER_CAP], called_user[SIP_USER_CAP];
	char to_user[SIP_USER_CAP];
	struct sip_identity identity;
	const struct sip_invite invite = {
		.source = in->source,
		.request_user = request_user,
		.called_user = called_user,
		.to_user = to_user,
		.identity = &identity,
		.offer = offer,
		.message = in->sip,
		.replaces = replaced ? replaced->arg : NULL,
		.picks_up = replaced && rings_there(replaced),
	};

	sip_url_user(request_user, in->sip->sip_request->rq_url);
	sip_called_user(called_user, in->sip);
	sip_url_user(to_user, in->sip->sip_to->a_url);
	sip_identity_read(&identity, in->sip);
	in->agent->handlers->invite(d, &invite, in->agent->arg);
}

/* 0, a status to refuse the description with, or -ENOMEM. */
static int read_offer(const struct sip_incoming *in, struct media_desc **offer,
		      char **text)
{
	int r = sip_body_read(offer, text, in->sip);

	/* Nothing in it that could become a call. */
	if (!r && *offer && !media_desc_first(*offer, MEDIA_AUDIO)) {
		free(*text);
		return 488;
	}
	return r;
}

static void refuse_contact(const struct sip_incoming *in)
{
	nta_incoming_treply(in->irq, 400, "Missing Contact Header", TAG_END());
	nta_incoming_destroy(in->irq);
}

void sip_server_invite(const struct sip_incoming *in)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct sip_dialog *d, *replaced;
	unsigned status = find_replaced(in, &replaced);
	char *text;
	int r;

	if (!sip_share_may_ring(in->agent->shares, &in->source.addr)) {
		sip_server_end_for_now(in->irq, 503, SIP_OVERLOAD_MIN_S,
				       SIP_OVERLOAD_MAX_S);
		return;
	}
	if (!has_contact(in->sip)) {
		refuse_contact(in);
		return;
	}
	if (status) {
		sip_server_end(in, status);
		return;
	}
	r = read_offer(in, &offer, &text);
	if (r) {
		sip_body_refuse(in, r > 0 ? (unsigned)r : 500);
		return;
	}
	r = dialog_invited(&d, in, text);
	if (r == SIP_E_INTERVAL)
		dialog_refuse_interval(in->irq);
	else if (r)
		sip_server_end(in, 500);
	else
		offer_invite(in, d, offer, replaced);
}
