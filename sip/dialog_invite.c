/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The INVITE we send (RFC 3261, 13.2.1): what is in it, and to whom. */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_AGENT_MAGIC_T    struct sip_agent
#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/trunk_int.h"

enum {
	ADDRESS_CAP = SIP_NAME_ADDR_CAP + SIP_TAG_LEN + 8,
};

struct invite_text {
	char from[ADDRESS_CAP];
	char to[SIP_NAME_ADDR_CAP];
	char uri[SIP_URI_TEXT_CAP];
	struct sip_calling_text calling;
};

static int write_addresses(struct invite_text *t,
			   const struct sip_dialog_start *start)
{
	const char *hostport = sip_trunk_hostport(start->trunk);
	const struct sip_calling calling = {
		.mode = sip_trunk_identity(start->trunk),
		.user = start->from_user,
		.display = start->from_display,
		.domain = sip_trunk_domain(start->trunk),
		.anonymous = start->anonymous,
	};
	char tag[SIP_TAG_LEN + 1], user[SIP_USER_TEXT_CAP];
	int r = sip_user_format(user, start->to_user);

	/* sofia unescapes them, and some peers read parameters there. */
	if (strpbrk(start->to_user, ";?"))
		return -EINVAL;
	rand_token(tag, SIP_TAG_LEN);
	if (!r)
		r = text_format(t->uri, sizeof(t->uri), "sip:%s@%s", user,
				hostport);
	if (!r)
		r = text_format(t->to, sizeof(t->to), "<%s>", t->uri);
	if (!r)
		r = sip_calling_format(&t->calling, &calling);
	return r ? r
		 : text_format(t->from, sizeof(t->from), "%s;tag=%s",
			       t->calling.from, tag);
}

static int create_leg(struct sip_dialog *d, const struct invite_text *t)
{
	char call_id[RAND_UUID_CAP];

	rand_uuid(call_id);
	d->leg = nta_leg_tcreate(
		d->agent->nta, dialog_recv, d, SIPTAG_CALL_ID_STR(call_id),
		SIPTAG_FROM_STR(t->from), SIPTAG_TO_STR(t->to), TAG_END());
	if (!d->leg)
		return -ENOMEM;
	return dialog_set_text(&d->call_id, call_id);
}

static int send_invite(struct sip_dialog *d, const struct invite_text *t,
		       const struct sip_dialog_start *start)
{
	const char *asserted = t->calling.asserted;
	const char *more = sip_trunk_headers(start->trunk);
	struct sip_client_spec spec;
	int r = dialog_request_spec(d, &spec, "INVITE", dialog_invite_response);

	if (r)
		return r;
	spec.uri = t->uri;
	if (sip_add_tl(
		    spec.message, sip_object(spec.message),
		    SIPTAG_CONTACT_STR(d->contact), SIPTAG_ALLOW_STR(SIP_ALLOW),
		    SIPTAG_SUPPORTED_STR(SIP_SUPPORTED),
		    TAG_IF(*asserted, SIPTAG_HEADER_STR(asserted)),
		    TAG_IF(*more, SIPTAG_HEADER_STR(more)),
		    TAG_IF(start->passports,
			   SIPTAG_HEADER_STR(start->passports)),
		    TAG_IF(start->anonymous, SIPTAG_PRIVACY_STR("id")),
		    TAG_IF(d->offered_sdp,
			   SIPTAG_CONTENT_TYPE_STR(SIP_SDP_TYPE)),
		    TAG_IF(d->offered_sdp, SIPTAG_PAYLOAD_STR(d->offered_sdp)),
		    TAG_END()) < 0) {
		msg_destroy(spec.message);
		return -ENOMEM;
	}
	return sip_client_start(&d->invite, d->agent, &spec);
}

static int start_dialog(struct sip_dialog *d,
			const struct sip_dialog_start *start)
{
	const char *trunk_user = sip_trunk_user(start->trunk);
	const char *user = *trunk_user        ? trunk_user
			   : start->anonymous ? ""
					      : start->from_user;
	struct invite_text t;
	int r = dialog_set_text(&d->trunk_name, sip_trunk_name(start->trunk));

	if (!r)
		r = dialog_set_contact(d, user);
	if (!r)
		r = write_addresses(&t, start);
	if (!r && start->offer)
		r = dialog_format(d, start->offer, &d->offered_sdp,
				  &d->offered_version);
	if (!r)
		r = create_leg(d, &t);
	return r ? r : send_invite(d, &t, start);
}

int sip_dialog_start(struct sip_dialog **out, struct sip_agent *agent,
		     const struct sip_dialog_start *start,
		     const struct sip_dialog_handlers *handlers, void *arg)
{
	struct sip_dialog *d = NULL;
	size_t n;
	const struct sip_hop *hops = sip_trunk_hops(start->trunk, &n);
	int r;

	if (!n)
		return SIP_E_UNREACHABLE;
	r = dialog_new(&d, agent, true);
	if (r)
		return r;
	d->trunk = start->trunk;
	d->peer = d->hop = hops[0];
	r = start_dialog(d, start);
	if (r) {
		sip_dialog_free(d);
		return r;
	}
	d->handlers = handlers;
	d->arg = arg;
	dialog_event(d, DIALOG_EV_INVITE);
	*out = d;
	return 0;
}
