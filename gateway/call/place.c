/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/place.h"

#include <assert.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/callee.h"
#include "gateway/call/hunt.h"
#include "gateway/call/policy.h"
#include "gateway/call/trunk_hunt.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/limits.h"
#include "gateway/route/moved.h"
#include "gateway/route/number.h"
#include "gateway/route/refusal.h"
#include "gateway/route/refused.h"
#include "gateway/route/route.h"
#include "gateway/route/trunks.h"
#include "gateway/watch/watch.h"
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

/* ---- who is called ---- */

/* A call that is to be placed; all borrowed. */
struct placing {
	struct gateway *gateway;
	const struct route *route;
	const char *account;             /* whose call it is */
	const char *name;                /* of who calls; NULL none */
	const struct sip_onward *onward; /* what it came with; NULL */
};

static int add_owners(struct hunt *hunt, const struct placing *placing,
		      enum cause *why)
{
	const struct route *route = placing->route;
	struct number number;
	char jid[JID_CAP];
	/* As who hides the number from a trunk (route_caller_local()). */
	int r = full_jid(jid, placing->gateway,
			 route->withhold ? ROUTE_ANONYMOUS_LOCAL : route->from);

	if (r)
		return r;
	if (!number_find(&number, placing->gateway, route->to))
		return -ENOENT;
	return callee_add_number(
		hunt, placing->gateway, &number,
		&(struct callee_caller){ .jid = jid,
					 .name = placing->name,
					 .number = number.number,
					 .onward = placing->onward },
		why);
}

static int add_trunks(struct hunt *hunt, const struct placing *placing)
{
	struct policy policy;

	policy_of(&policy, placing->gateway, placing->account,
		  placing->route->from);
	return trunk_hunt_add(hunt, placing->route, policy.early_media);
}

static int add_callees(struct hunt *hunt, const struct placing *placing,
		       enum cause *why)
{
	switch (placing->route->kind) {
	case ROUTE_TRUNK:
		return add_trunks(hunt, placing);
	case ROUTE_ACCOUNT:
		return add_owners(hunt, placing, why);
	case ROUTE_ECHO:
		return callee_add_echo(hunt);
	}
	return -EINVAL;
}

/* The hunt and its first leg, both owned by the caller; false: @why there is
 * none. */
static bool find_callee(struct hunt **out, struct leg **legp,
			const struct placing *placing,
			const struct refusal **why)
{
	AUTO(hunt_freep) struct hunt *hunt = NULL;
	enum cause cause = CAUSE_UNREACHABLE;
	int r = hunt_new(&hunt, placing->gateway);

	if (!r)
		r = add_callees(hunt, placing, &cause);
	*why = r == CALLEE_E_NOBODY ? refusal_nobody(cause) : refusal_of(r);
	if (r || hunt_next(hunt, legp))
		return false;
	*out = hunt;
	hunt = NULL;
	return true;
}

static void fill_parties(struct call_parties *out,
			 const struct placing *placing, struct hunt *hunt)
{
	const struct config_trunk *trunk = placing->route->trunk_config;
	const struct gateway *gateway = placing->gateway;

	out->account = placing->account;
	out->to = placing->route->to;
	out->trunk = trunk ? trunk->name : "";
	out->ring_timeout_ms =
		gateway->config->limits.ring_timeout_s * MS_PER_S;
	out->early_answer = hunt_now(hunt)->early_answer;
	out->fare = hunt_now(hunt)->fare;
	out->hunt = hunt;
}

/* ---- from an account ---- */

/*
 * Who calls what, and by which session. On success *@legp is the caller's leg
 * in its call, to be begun.
 */
struct request {
	const char *from, *to, *sid;
	bool session; /* begun at once: with the device that is addressed */
};

/* Who has the call on our side, for its caller. */
static int our_jid(char out[static JID_CAP], const struct gateway *gateway,
		   const struct request *request, const char *local)
{
	return request->session && strchr(request->to, '/')
		       ? jid_full(out, JID_CAP, request->to)
		       : full_jid(out, gateway, local);
}

static const struct refusal *place_account(struct gateway *gateway,
					   const struct request *request,
					   struct leg **legp)
{
	char account[JID_CAP], us[JID_CAP], local[JID_PART_MAX + 1];
	struct route route;
	const struct placing placing = { gateway, &route, account, NULL, NULL };
	struct call_parties parties = { .from = account };
	const struct refusal *why;
	struct leg *caller, *callee = NULL;
	struct hunt *hunt = NULL;
	struct call *call;
	struct jid to;

	if (jid_bare(account, sizeof(account), request->from) ||
	    jid_parse(&to, request->to) ||
	    text_copy(local, sizeof(local), to.local) ||
	    our_jid(us, gateway, request, local))
		return refusal_of(ROUTE_E_NUMBER);
	if (gateway->draining)
		return refusal_no_line();
	int r = route_from_account(&route, gateway, account, local);
	if (r)
		return refusal_of(r);
	if (!find_callee(&hunt, &callee, &placing, &why))
		return why;
	r = leg_xmpp_new_caller(
		&caller, gateway,
		&(struct leg_xmpp_caller){ .local = us,
					   .peer = request->from,
					   .sid = request->sid });
	if (r) {
		callee->ops->free(callee);
		hunt_free(hunt);
		return refusal_of(r);
	}
	fill_parties(&parties, &placing, hunt);
	r = call_new(&call, gateway, &parties, caller, callee);
	if (r)
		return r == -EAGAIN ? refusal_no_line() : refusal_of(r);
	*legp = caller;
	return NULL;
}

/* By account and number, as those of calls that began. */
static void note_refused(struct gateway *gateway, const struct refusal *why,
			 const char *text, const struct request *request)
{
	char account[JID_CAP], local[JID_PART_MAX + 1];
	struct jid to;

	if (jid_bare(account, sizeof(account), request->from) ||
	    jid_parse(&to, request->to) ||
	    text_copy(local, sizeof(local), to.local))
		return;
	watch_refused(gateway, &(struct watch_refusal){ .from = account,
							.to = local,
							.what = why->what,
							.text = text });
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
	note_refused(
		gateway, why, text,
		&(struct request){ .from = propose->from, .to = propose->to });
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
				    &(struct request){ .from = propose->from,
						       .to = propose->to,
						       .sid = propose->sid },
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
	const struct request request = { .from = stanza_attr(iq, "from"),
					 .to = stanza_attr(iq, "to"),
					 .sid = sid,
					 .session = true };
	const struct refusal *why = place_account(gateway, &request, &leg);

	if (why) {
		refused_log(gateway, why->what, request.from, request.to);
		note_refused(gateway, why, refusal_text(why, gateway->config),
			     &request);
		return why->condition;
	}
	leg_xmpp_begin_session(leg, iq);
	return NULL;
}

/* ---- from a trunk ---- */

static void refuse_invite(struct gateway *gateway, struct sip_dialog *dialog,
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
	watch_refused(gateway,
		      &(struct watch_refusal){
			      .inbound = true,
			      .from = invite->identity->from.user,
			      .to = invite->request_user,
			      .what = why->what,
			      .text = refusal_text(why, gateway->config) });
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
	       !xmpp_stream_is_clogged(gateway->stream) &&
	       gateway->ncalls < gateway->config->limits.calls;
}

/* All who own the number that is asked for have as many calls as they may. */
static bool is_busy(struct gateway *gateway, const struct sip_invite *request)
{
	struct number number;
	size_t n = 0;

	if (route_number(&number, gateway, request))
		return false;
	while (n < number.nowners &&
	       limits_at_once(gateway, QUOTA_ACCOUNT, number.owners[n]))
		n++;
	return number.nowners && n == number.nowners;
}

unsigned place_options(struct gateway *gateway,
		       const struct sip_invite *request)
{
	const struct sip_trunk *trunk = route_trunk_for(gateway, request);

	if (!has_line(gateway) ||
	    (trunk && trunks_is_drained(gateway, sip_trunk_name(trunk))))
		return 503;
	return is_busy(gateway, request) ? 486 : 200;
}

static const struct refusal *place_trunk(struct gateway *gateway,
					 struct sip_dialog **dialog,
					 const struct sip_invite *invite,
					 struct origin *origin)
{
	AUTO(sip_onward_freep) struct sip_onward *onward = NULL;
	struct call_parties parties = { .inbound = true, .origin = origin };
	struct route route;
	struct placing placing = { gateway, &route, NULL, NULL, NULL };
	const struct refusal *why;
	struct leg *caller, *callee = NULL;
	struct hunt *hunt = NULL;
	struct call *call;
	int r = route_from_trunk(&route, origin, gateway, invite);

	if (r)
		return refusal_of(r);
	placing.account = route.owner;
	placing.name = invite->identity->withheld ? NULL : origin->display;
	if (sip_onward_new(&onward, invite))
		return refusal_of(-ENOMEM);
	placing.onward = onward;
	if (!find_callee(&hunt, &callee, &placing, &why))
		return why;
	r = leg_sip_new_caller(&caller, gateway, *dialog);
	*dialog = NULL;
	if (r) {
		callee->ops->free(callee);
		hunt_free(hunt);
		return refusal_of(r);
	}
	fill_parties(&parties, &placing, hunt);
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
	struct origin origin;

	if (invite->replaces) {
		leg_sip_replace(invite->replaces, dialog, invite);
		return;
	}
	if (leg_sip_retry_take(gateway, dialog, invite))
		return;
	if (has_line(gateway))
		why = place_trunk(gateway, &dialog, invite, &origin);
	if (why && dialog)
		refuse_invite(gateway, dialog, invite, why);
}
