/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/place.h"

#include <assert.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/leg_echo.h"
#include "gateway/leg_sip.h"
#include "gateway/leg_xmpp.h"
#include "gateway/moved.h"
#include "gateway/refused.h"
#include "gateway/route.h"
#include "sip/identity.h"
#include "sip/trunk.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* Why a call is not placed, in each language. */
static const struct refusal {
	enum cause cause;
	const char *condition; /* RFC 6120, 8.3.3 */
	const char *text;
} refusals[] = {
	[ROUTE_E_FORBIDDEN] = { CAUSE_FORBIDDEN, "forbidden",
				"This account has no number here." },
	[ROUTE_E_NUMBER] = { CAUSE_UNKNOWN_NUMBER, "item-not-found",
			     "This is not a telephone number." },
	[ROUTE_E_COUNTRY] = { CAUSE_UNKNOWN_NUMBER, "item-not-found",
			      "Numbers begin with + and the country code." },
	[ROUTE_E_UNKNOWN] = { CAUSE_UNKNOWN_NUMBER, "item-not-found",
			      "This number is not in service." },
	[ROUTE_E_BUSY] = { CAUSE_CONGESTION, "resource-constraint",
			   "Too many calls at once." },
};

static const struct refusal no_calls = { CAUSE_CONGESTION,
					 "resource-constraint",
					 "All lines are in use." };
static const struct refusal broken = { CAUSE_FAILED, "internal-server-error",
				       NULL };

/* The full JID that stands for @local in everything we send. */
static int full_jid(char out[static JID_CAP], const struct gateway *gateway,
		    const char *local)
{
	const char *domain = gateway->config->xmpp.domain;

	if (!*local)
		return text_format(out, JID_CAP, "%s/gateway", domain);
	return text_format(out, JID_CAP, "%s@%s/sip", local, domain);
}

static int new_callee(struct leg **out, struct gateway *gateway,
		      const struct route *route)
{
	char local[JID_CAP];
	int r;

	switch (route->kind) {
	case ROUTE_TRUNK:
		return leg_sip_new_callee(
			out, gateway,
			&(struct leg_sip_target){ .trunk = route->trunk,
						  .to = route->to,
						  .from = route->from });
	case ROUTE_ACCOUNT:
		r = full_jid(local, gateway, route->from);
		return r ? r
			 : leg_xmpp_new_callee(out, gateway,
					       &(struct leg_xmpp_peer){
						       .local = local,
						       .peer = route->owner });
	case ROUTE_ECHO:
		return leg_echo_new(out);
	}
	return -EINVAL;
}

static void fill_parties(struct call_parties *out,
			 const struct gateway *gateway,
			 const struct route *route)
{
	enum { MS_PER_S = 1000 };
	const struct config_trunk *trunk = route->trunk_config;

	out->to = route->to;
	out->trunk = trunk ? trunk->name : "";
	out->ring_timeout_ms =
		gateway->config->limits.ring_timeout_s * MS_PER_S;
	out->early_answer = trunk && trunk->early_media == CONFIG_EARLY_ANSWER;
}

/* ---- from an account ---- */

/*
 * Who calls what, and by which session. On success *@legp is the caller's leg
 * in its call, to be begun.
 */
struct request {
	const char *from, *to, *sid;
};

static const struct refusal *place_account(struct gateway *gateway,
					   const struct request *request,
					   struct leg **legp)
{
	char account[JID_CAP], us[JID_CAP], local[JID_PART_MAX + 1];
	struct call_parties parties = { .account = account, .from = account };
	struct leg *caller, *callee;
	struct route route;
	struct call *call;
	struct jid to;

	if (jid_bare(account, sizeof(account), request->from) ||
	    jid_parse(&to, request->to) ||
	    text_copy(local, sizeof(local), to.local) ||
	    full_jid(us, gateway, local))
		return &refusals[ROUTE_E_NUMBER];
	if (gateway->draining)
		return &no_calls;
	int r = route_from_account(&route, gateway, account, local);
	if (r)
		return r > 0 ? &refusals[r] : &broken;
	r = new_callee(&callee, gateway, &route);
	if (r)
		return &broken;
	r = leg_xmpp_new_caller(&caller, gateway,
				&(struct leg_xmpp_peer){ .local = us,
							 .peer = request->from,
							 .sid = request->sid });
	if (r) {
		callee->ops->free(callee);
		return &broken;
	}
	fill_parties(&parties, gateway, &route);
	r = call_new(&call, gateway, &parties, caller, callee);
	if (r)
		return r == -EAGAIN ? &no_calls : &broken;
	*legp = caller;
	return NULL;
}

static void reject(struct gateway *gateway, const struct jmi *propose,
		   const struct refusal *why)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char us[JID_CAP], local[JID_PART_MAX + 1], moved[MOVED_TEXT_CAP];
	const char *text = why->text;
	struct jid to;

	refused_log(gateway, cause_name(why->cause), propose->from,
		    propose->to);
	if (why == &refusals[ROUTE_E_COUNTRY] &&
	    !moved_text(moved, gateway, propose->from, propose->to))
		text = moved;
	if (jid_parse(&to, propose->to) ||
	    text_copy(local, sizeof(local), to.local) ||
	    full_jid(us, gateway, local))
		return;
	const struct jmi_message message = { .action = JMI_REJECT,
					     .sid = propose->sid,
					     .from = us,
					     .to = propose->from,
					     .reason = cause_reason(why->cause),
					     .reason_text = text };
	if (!jmi_format(&stanza, &message) &&
	    xmpp_stream_send(gateway->stream, stanza))
		log_debug("xmpp=reject not-sent");
}

void place_proposal(struct gateway *gateway, const struct jmi *propose)
{
	/* Conversations takes no audio answer to an audio and video call. */
	static const struct refusal no_video = {
		CAUSE_INCOMPATIBLE, "feature-not-implemented",
		"Telephones have no video; call with audio alone."
	};
	const struct refusal *why = &no_video;
	struct leg *leg = NULL;

	if (propose->audio && !propose->video)
		why = place_account(gateway,
				    &(struct request){ propose->from,
						       propose->to,
						       propose->sid },
				    &leg);
	if (why)
		reject(gateway, propose, why);
	else
		leg_xmpp_begin(leg, propose);
}

const char *place_session(struct gateway *gateway, const struct stanza *iq,
			  const char *sid)
{
	struct leg *leg = NULL;
	const struct request request = { stanza_attr(iq, "from"),
					 stanza_attr(iq, "to"), sid };
	const struct refusal *why = place_account(gateway, &request, &leg);

	if (why) {
		refused_log(gateway, cause_name(why->cause), request.from,
			    request.to);
		return why->condition;
	}
	leg_xmpp_begin_session(leg, iq);
	return NULL;
}

/* ---- from a trunk ---- */

static void refuse_invite(struct sip_dialog *dialog,
			  const struct sip_invite *invite, enum cause cause)
{
	enum { RETRY_AFTER_S = 10 };
	unsigned status = cause_sip_status(cause);

	log_info("refused=%s status=%u src=%s from=%s to=%s", cause_name(cause),
		 status, addr_text(&invite->source.addr).s,
		 log_text(slice_of(invite->identity->from.user)).s,
		 log_text(slice_of(invite->request_user)).s);
	sip_dialog_hangup(
		dialog,
		&(struct sip_hangup){
			.status = status,
			.q850 = cause_q850(cause),
			.text = cause_sip_phrase(cause),
			.retry_after_s = status == 503 ? RETRY_AFTER_S : 0 });
	sip_dialog_free(dialog);
}

/* 0, or why the invitation finds nobody: never ring into the void. */
static int route_invite(struct route *route, struct gateway *gateway,
			const struct sip_invite *invite, enum cause *cause)
{
	struct sip_trunk *trunk = route_trunk_of(gateway, &invite->source.addr);
	struct sip_party caller;

	*cause = CAUSE_CONGESTION;
	if (gateway->draining || !xmpp_stream_is_up(gateway->stream))
		return -EAGAIN;
	*cause = CAUSE_FORBIDDEN;
	if (!trunk)
		return -EPERM;
	int r = route_from_trunk(route, gateway, invite->request_user,
				 invite->to_user);
	*cause = r == ROUTE_E_BUSY ? CAUSE_BUSY : CAUSE_UNKNOWN_NUMBER;
	if (r)
		return r;
	*cause = CAUSE_FAILED;
	route->trunk = trunk;
	route->trunk_config =
		config_find_trunk(gateway->config, sip_trunk_name(trunk));
	sip_identity_caller(&caller, invite->identity,
			    route->trunk_config->trust_identity);
	return route_caller_local(
		route->from, sizeof(route->from),
		invite->identity->withheld ? "" : caller.user,
		sip_trunk_name(trunk));
}

void place_invite(struct gateway *gateway, struct sip_dialog *dialog,
		  const struct sip_invite *invite)
{
	struct call_parties parties = { .inbound = true };
	struct leg *caller, *callee;
	enum cause cause;
	struct route route;
	struct call *call;

	if (route_invite(&route, gateway, invite, &cause)) {
		refuse_invite(dialog, invite, cause);
		return;
	}
	if (new_callee(&callee, gateway, &route)) {
		refuse_invite(dialog, invite, CAUSE_FAILED);
		return;
	}
	if (gateway->ncalls >= gateway->config->limits.calls) {
		callee->ops->free(callee);
		refuse_invite(dialog, invite, CAUSE_CONGESTION);
		return;
	}
	if (leg_sip_new_caller(&caller, gateway, dialog)) {
		callee->ops->free(callee);
		return;
	}
	fill_parties(&parties, gateway, &route);
	parties.account = route.owner;
	parties.from = route.from;
	if (!call_new(&call, gateway, &parties, caller, callee))
		leg_sip_begin(caller, invite);
}
