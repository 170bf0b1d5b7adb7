/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/place.h"

#include <assert.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/hunt.h"
#include "gateway/leg_echo.h"
#include "gateway/leg_sip.h"
#include "gateway/leg_xmpp.h"
#include "gateway/moved.h"
#include "gateway/refusal.h"
#include "gateway/refused.h"
#include "gateway/route.h"
#include "gateway/trunk_hunt.h"
#include "sip/identity.h"
#include "sip/trunk.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* The full JID that stands for @local in everything we send. */
static int full_jid(char out[static JID_CAP], const struct gateway *gateway,
		    const char *local)
{
	const char *domain = gateway->config->xmpp.domain;

	if (!*local)
		return text_format(out, JID_CAP, "%s/gateway", domain);
	return text_format(out, JID_CAP, "%s@%s/sip", local, domain);
}

/* The first of the route's trunks; the others are what *@huntp has left. */
static int new_trunk_callee(struct leg **out, struct hunt **huntp,
			    struct gateway *gateway, const struct route *route)
{
	AUTO(hunt_freep) struct hunt *hunt = NULL;
	int r = hunt_new(&hunt, gateway);

	if (!r)
		r = trunk_hunt_add(hunt, route);
	if (!r)
		r = hunt_next(hunt, out);
	if (r)
		return r < 0 ? r : -EHOSTUNREACH;
	*huntp = hunt;
	hunt = NULL;
	return 0;
}

/* *@huntp: who is next, or as it was. */
static int new_callee(struct leg **out, struct hunt **huntp,
		      struct gateway *gateway, const struct route *route)
{
	char local[JID_CAP];
	int r;

	switch (route->kind) {
	case ROUTE_TRUNK:
		return new_trunk_callee(out, huntp, gateway, route);
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
		return refusal_of(ROUTE_E_NUMBER);
	if (gateway->draining)
		return refusal_no_line();
	int r = route_from_account(&route, gateway, account, local);
	if (r)
		return refusal_of(r);
	r = new_callee(&callee, &parties.hunt, gateway, &route);
	if (r)
		return refusal_of(r);
	r = leg_xmpp_new_caller(&caller, gateway,
				&(struct leg_xmpp_peer){ .local = us,
							 .peer = request->from,
							 .sid = request->sid });
	if (r) {
		callee->ops->free(callee);
		hunt_free(parties.hunt);
		return refusal_of(r);
	}
	fill_parties(&parties, gateway, &route);
	r = call_new(&call, gateway, &parties, caller, callee);
	if (r)
		return r == -EAGAIN ? refusal_no_line() : refusal_of(r);
	*legp = caller;
	return NULL;
}

static void reject(struct gateway *gateway, const struct jmi *propose,
		   const struct refusal *why)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char us[JID_CAP], local[JID_PART_MAX + 1], moved[MOVED_TEXT_CAP];
	const char *text = refusal_text(why, gateway->config);
	struct jid to;

	refused_log(gateway, why->what, propose->from, propose->to);
	if (why == refusal_of(ROUTE_E_COUNTRY) &&
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
		"video",
		CAUSE_INCOMPATIBLE,
		"feature-not-implemented",
		"Telephones have no video; call with audio alone.",
		0,
		NULL
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
		refused_log(gateway, why->what, request.from, request.to);
		return why->condition;
	}
	leg_xmpp_begin_session(leg, iq);
	return NULL;
}

/* ---- from a trunk ---- */

static void refuse_invite(struct sip_dialog *dialog,
			  const struct sip_invite *invite,
			  const struct refusal *why)
{
	enum { RETRY_AFTER_S = 10 };
	unsigned status =
		why->status ? why->status : cause_sip_status(why->cause);

	log_info("refused=%s status=%u src=%s from=%s to=%s", why->what, status,
		 addr_text(&invite->source.addr).s,
		 log_text(slice_of(invite->identity->from.user)).s,
		 log_text(slice_of(invite->request_user)).s);
	sip_dialog_hangup(
		dialog,
		&(struct sip_hangup){
			.status = status,
			.q850 = cause_q850(why->cause),
			.text = why->phrase ? why->phrase
					    : cause_sip_phrase(why->cause),
			.retry_after_s = status == 503 ? RETRY_AFTER_S : 0 });
	sip_dialog_free(dialog);
}

/* Never ring into the void. */
static bool has_line(const struct gateway *gateway)
{
	return !gateway->draining && xmpp_stream_is_up(gateway->stream) &&
	       gateway->ncalls < gateway->config->limits.calls;
}

static const struct refusal *place_trunk(struct gateway *gateway,
					 struct sip_dialog **dialog,
					 const struct sip_invite *invite,
					 struct origin *origin)
{
	struct call_parties parties = { .inbound = true, .origin = origin };
	struct leg *caller, *callee;
	struct route route;
	struct call *call;
	int r = route_from_trunk(&route, origin, gateway, invite);

	if (!r)
		r = new_callee(&callee, &parties.hunt, gateway, &route);
	if (r)
		return refusal_of(r);
	r = leg_sip_new_caller(&caller, gateway, *dialog);
	*dialog = NULL;
	if (r) {
		callee->ops->free(callee);
		hunt_free(parties.hunt);
		return refusal_of(r);
	}
	fill_parties(&parties, gateway, &route);
	parties.account = route.owner;
	parties.from = route.from;
	if (call_new(&call, gateway, &parties, caller, callee))
		return NULL; /* the leg has refused it */
	origin_log(origin, call_name(call));
	leg_sip_begin(caller, invite);
	return NULL;
}

void place_invite(struct gateway *gateway, struct sip_dialog *dialog,
		  const struct sip_invite *invite)
{
	const struct refusal *why = refusal_no_line();
	struct origin origin = { .passports = NULL };

	if (has_line(gateway))
		why = place_trunk(gateway, &dialog, invite, &origin);
	if (why && dialog)
		refuse_invite(dialog, invite, why);
	origin_fini(&origin);
}
