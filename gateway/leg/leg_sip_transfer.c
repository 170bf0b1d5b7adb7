/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A peer that puts another in its place, while the XMPP user stays in the call:
 * REFER (RFC 3515), with Replaces (RFC 3891) or without, and an INVITE with
 * Replaces. The new dialog speaks from the same port of the bridge; until it is
 * answered the old one's media goes on.
 *
 *     transferor          this leg               target, at the same trunk
 *        REFER ------------->
 *        <---- 202, NOTIFY 100
 *                           INVITE -------------------->
 *        <---- NOTIFY 18x   <----------------------- 18x
 *        <---- NOTIFY 200   <----------------------- 200    audio moves over
 *        <---------- BYE    ACK ----------------------->
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/fare.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip_state.h"
#include "gateway/route/route.h"
#include "gateway/route/toll.h"
#include "media/negotiate.h"
#include "sip/trunk.h"
#include "sip/uri.h"
#include "xmpp/jid.h"

enum { TRANSFERS_MAX = 5 }; /* of one call: it could go round for ever */

/* What a REFER asks for, from when it is taken. */
struct transfer {
	char *user, *uri, *replaces;
	struct fare *fare;
	struct question *question; /* to the billing system; NULL: none */
	uint32_t seconds;          /* that it gave; 0: no limit */
};

static struct transfer *transfer_free(struct transfer *t)
{
	if (!t)
		return NULL;
	question_free(t->question);
	fare_free(t->fare);
	free(t->user);
	free(t->uri);
	free(t->replaces);
	free(t);
	return NULL;
}

DEFINE_AUTO(struct transfer *, transfer_free)

static int transfer_new(struct transfer **out, const struct sip_refer *refer)
{
	AUTO(transfer_freep) struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->user = text_dup(slice_of(refer->user));
	t->uri = text_dup(slice_of(refer->uri));
	t->replaces = text_dup(slice_of(refer->replaces));
	if (!t->user || !t->uri || !t->replaces)
		return -ENOMEM;
	*out = t;
	t = NULL;
	return 0;
}

void leg_sip_transfer_stop(struct leg_sip *sip)
{
	sip->transfer = transfer_free(sip->transfer);
	sip->next = sip_dialog_free(sip->next);
	sip->next_local = media_desc_free(sip->next_local);
}

void leg_sip_transfer_fini(struct leg_sip *sip)
{
	leg_sip_transfer_stop(sip);
	free(sip->self);
	sip->self = NULL;
}

bool leg_sip_transfer_goes_on(struct leg_sip *sip)
{
	/* Many hang up as soon as their REFER is taken. */
	if (!sip->transfer)
		return false;
	sip->dialog = sip_dialog_free(sip->dialog);
	return true;
}

/* @dialog is the leg's from now on; its media is known. */
static void move_over(struct leg_sip *sip, struct sip_dialog *dialog)
{
	struct leg *leg = &sip->leg;

	if (sip->dialog)
		sip_dialog_hangup(sip->dialog,
				  &(struct sip_hangup){ .q850 = 16 });
	sip_dialog_free(sip->dialog);
	sip->dialog = dialog;
	sip_dialog_accept(dialog, &leg_sip_handlers, leg);
	sip->confirmed = true;
	sip->offer_open = false;
	sip->hold = false;
	sip->transfers++;
	log_info("call=%s leg=sip event=transferred", call_name(leg->call));
	/* A transferor that held the call took its hold with it. */
	leg_holds(leg, false);
	leg_agrees(leg);
	call_record_refresh(leg->call);
}

/* ---- the one that is called ---- */

static void notify(struct leg_sip *sip, unsigned status, bool over)
{
	if (sip->dialog)
		sip_dialog_refer_notify(sip->dialog, status, over);
}

/* The call goes on as it was, if the transferor is still there. */
static void fail_transfer(struct leg_sip *sip, unsigned status,
			  enum cause cause)
{
	notify(sip, status, true);
	leg_sip_transfer_stop(sip);
	if (!sip->dialog)
		leg_ends(&sip->leg, cause, NULL);
}

static void on_next_ring(unsigned status, const struct media_desc *early,
			 void *arg)
{
	(void)early;
	notify(sip_of(arg), status, false);
}

static void on_next_answer(const struct media_desc *answer, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);
	struct sip_dialog *next = sip->next;
	int r = leg_sip_take_remote(leg, next, answer);

	if (!r)
		r = leg_set_local(leg, sip->next_local);
	if (r) {
		fail_transfer(sip, 488, CAUSE_INCOMPATIBLE);
		return;
	}
	notify(sip, 200, true);
	r = call_transferred(leg->call, leg->side, sip->transfer->fare,
			     sip->transfer->seconds);
	sip->transfer->fare = NULL;
	sip->transfer = transfer_free(sip->transfer);
	leg->offerer = true;
	sip->next = NULL;
	sip->next_local = media_desc_free(sip->next_local);
	move_over(sip, next);
	/* which ends the dialog that is the leg's by now */
	if (r)
		call_hangup(leg->call, CAUSE_FAILED);
}

static void on_next_offer(const struct media_desc *offer, void *arg)
{
	(void)offer;
	sip_dialog_refuse(sip_of(arg)->next, 488);
}

static void on_next_ended(const struct sip_end *end, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);
	enum cause cause = leg_sip_cause(leg, end);

	log_info("call=%s leg=sip event=transfer-failed status=%u",
		 call_name(leg->call), end->status);
	fail_transfer(sip, end->status ? end->status : 487, cause);
}

static const struct sip_dialog_handlers next_handlers = {
	.ring = on_next_ring,
	.answer = on_next_answer,
	.offer = on_next_offer,
	.ended = on_next_ended,
};

/* ---- REFER ---- */

/* What the other party of the call speaks, at our side of the bridge. */
static int offer_of(struct media_desc **out, struct leg *leg)
{
	const struct media_desc *agreed = leg_agreed(leg);
	struct media_content *audio;
	int r = agreed ? negotiate_offer(out, agreed) : NEGOTIATE_E_MEDIA;

	if (r)
		return r;
	audio = media_desc_first(*out, MEDIA_AUDIO);
	audio->dir = MEDIA_SENDRECV;
	return bridge_local(call_bridge(leg->call), leg->side, audio);
}

static int call_next(struct leg_sip *sip)
{
	const struct transfer *t = sip->transfer;
	const struct sip_parties *first = sip->parties;
	bool replaces = *t->replaces;
	int r = offer_of(&sip->next_local, &sip->leg);

	if (r)
		return r;
	const struct sip_dialog_start start = {
		.trunk = sip->trunk,
		.parties = { .to = t->user,
			     .from = sip->self,
			     .display = first ? first->display : NULL,
			     .anonymous = sip->hidden },
		.offer = sip->next_local,
		.policy = sip->policy,
		.uri = replaces ? t->uri : NULL,
		.replaces = replaces ? t->replaces : NULL,
	};
	toll_try(sip->gateway, TOLL_TRUNK, sip_trunk_name(sip->trunk));
	return sip_dialog_start(&sip->next, sip->gateway->agent, &start,
				&next_handlers, &sip->leg);
}

/* The localpart by which the account itself would call @user of the trunk. */
static int local_of(char *out, size_t cap, const struct leg_sip *sip,
		    const char *user)
{
	char address[SIP_USER_CAP + CONFIG_TRUNK_NAME_MAX + 2];

	if (config_is_number(user))
		return text_set(out, cap, user);
	int r = text_format(address, sizeof(address), "%s@%s", user,
			    sip_trunk_name(sip->trunk));
	return r ? r : jid_escape(out, cap, slice_of(address));
}

/*
 * It is called at the account's expense: by the account's rules, as a number in
 * disguise and a code with a star are refused it. What is called is @user as it
 * stands, so no code may have been cut off before it was judged (*67). 0,
 * LEG_E_TRANSFER, -ENOMEM.
 */
static int find_fare(struct fare **out, const struct leg_sip *sip,
		     const char *user)
{
	char local[JID_PART_MAX + 1];
	struct route route;

	if (local_of(local, sizeof(local), sip, user) ||
	    route_transfer(&route, sip->gateway, call_account(sip->leg.call),
			   local) ||
	    route.kind != ROUTE_TRUNK || route.trunk != sip->trunk ||
	    route.emergency || strcmp(route.to, user) != 0)
		return LEG_E_TRANSFER;
	return fare_new(out, &route, 0);
}

static void on_fare_answer(const struct bill_answer *answer, void *arg)
{
	struct leg_sip *sip = arg;
	struct transfer *t = sip->transfer;

	t->question = question_free(t->question);
	t->seconds = answer->seconds;
	if (!answer->allowed)
		fail_transfer(sip, 603, CAUSE_CREDIT);
	else if (call_next(sip))
		fail_transfer(sip, 503, CAUSE_FAILED);
}

/* 0, LEG_E_TRANSFER, -errno. */
static int begin_transfer(struct leg_sip *sip, const struct sip_refer *refer)
{
	const struct fare_asker asker = { .id = call_name(sip->leg.call),
					  .transfers = true,
					  .fn = on_fare_answer,
					  .arg = sip };
	struct transfer *t;
	int r = transfer_new(&sip->transfer, refer);

	if (r)
		return r;
	t = sip->transfer;
	r = find_fare(&t->fare, sip, refer->user);
	if (r)
		return r;
	r = fare_ask(&t->question, sip->gateway, t->fare, &asker);
	if (r == FARE_E_FREE)
		return call_next(sip) ? -EHOSTUNREACH : 0;
	return r > 0 ? LEG_E_TRANSFER : r;
}

void leg_sip_on_refer(const struct sip_refer *refer, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);
	bool takes = !sip->transfer && sip->confirmed && sip->trunk &&
		     sip->self && sip->transfers < TRANSFERS_MAX;
	unsigned status = takes ? 202 : 603;
	int r = takes ? begin_transfer(sip, refer) : 0;

	if (r) {
		leg_sip_transfer_stop(sip);
		status = r == LEG_E_TRANSFER ? 603 : 503;
	}
	log_info("call=%s leg=sip event=refer to=%s replaces=%d status=%u",
		 call_name(leg->call), log_text(slice_of(refer->user)).s,
		 *refer->replaces != '\0', status);
	sip_dialog_refer_answer(sip->dialog, status);
}

/* ---- INVITE with Replaces ---- */

/* @ours: what we can, of which the answer is made. */
static int answer_replacing(struct leg *leg, struct sip_dialog *dialog,
			    const struct media_desc *offer,
			    const struct media_desc *ours)
{
	AUTO(media_desc_freep) struct media_desc *answer = NULL;
	AUTO(media_desc_freep) struct media_desc *chosen = NULL;
	int r = offer && ours ? leg_sip_choose(&chosen, sip_of(leg), offer)
			      : NEGOTIATE_E_MEDIA;

	if (!r)
		r = negotiate_answer(&answer, chosen, ours);
	if (!r)
		r = leg_sip_take_remote(leg, dialog, chosen);
	if (!r)
		r = leg_sip_describe(leg, answer);
	return r ? r : sip_dialog_answer(dialog, answer);
}

/* Somebody else at the trunk takes the call that rings there. */
static void pick_up(struct leg_sip *sip, struct sip_dialog *dialog)
{
	enum { Q850_ELSEWHERE = 26 };

	sip_dialog_hangup(sip->dialog,
			  &(struct sip_hangup){ .q850 = Q850_ELSEWHERE });
	sip_dialog_free(sip->dialog);
	sip->dialog = dialog;
	sip_dialog_accept(dialog, &leg_sip_handlers, &sip->leg);
	sip->confirmed = true;
	log_info("call=%s leg=sip event=picked-up", call_name(sip->leg.call));
	leg_answers(&sip->leg);
}

/* What rings without a sound has agreed on nothing yet. */
static const struct media_desc *ours_for(const struct leg *leg,
					 const struct sip_invite *invite)
{
	const struct media_desc *agreed = leg_agreed(leg);

	return agreed || !invite->picks_up ? agreed : leg->local;
}

/* 0, or the status to refuse @invite with. */
static unsigned take_replacing(struct leg *leg, struct sip_dialog *dialog,
			       const struct sip_invite *invite)
{
	struct leg_sip *sip = sip_of(leg);

	if (!sip->dialog || sip->transfers >= TRANSFERS_MAX ||
	    invite->picks_up == sip->confirmed ||
	    route_trunk_for(sip->gateway, invite) != sip->trunk)
		return 603;
	return answer_replacing(leg, dialog, invite->offer,
				ours_for(leg, invite))
		       ? 488
		       : 0;
}

void leg_sip_replace(struct leg *leg, struct sip_dialog *dialog,
		     const struct sip_invite *invite)
{
	struct leg_sip *sip = sip_of(leg);
	unsigned status = take_replacing(leg, dialog, invite);

	if (status) {
		sip_dialog_hangup(dialog,
				  &(struct sip_hangup){ .status = status });
		sip_dialog_free(dialog);
		return;
	}
	leg_sip_transfer_stop(sip);
	leg->offerer = false;
	/* As of a call that came by it: credentials, and whom a REFER is to. */
	if (sip_dialog_set_trunk(dialog, sip->trunk))
		log_warn("call=%s leg=sip trunk=not-noted",
			 call_name(leg->call));
	if (invite->picks_up)
		pick_up(sip, dialog);
	else
		move_over(sip, dialog);
}
