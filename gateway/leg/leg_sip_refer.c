/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Our user hands the call over: the telephone is asked to call another number
 * of its trunk (RFC 3515), as the account itself might.
 *
 *     user, by a command     this leg               telephone
 *        call_transfer() ----> REFER ----------------->
 *                              <------- 202, NOTIFY 100  it calls the number
 *                              <------------ NOTIFY 200  it was answered
 *        <-- the call ends     BYE ------------------->
 */
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip_state.h"
#include "gateway/route/route.h"

/* The number as the leg's trunk writes it. 0, LEG_E_TRANSFER, -errno. */
static int write_number(struct sip_parties **out, const struct leg_sip *sip,
			const char *number)
{
	struct route route;
	size_t i = 0;

	if (route_transfer(&route, sip->gateway, call_account(sip->leg.call),
			   number) ||
	    route.kind != ROUTE_TRUNK || route.emergency)
		return LEG_E_TRANSFER;
	while (i < route.ntrunks && route.trunks[i].trunk != sip->trunk)
		i++;
	return i < route.ntrunks ? route_dial(out, &route, i) : LEG_E_TRANSFER;
}

int leg_sip_refer(struct leg *leg, const char *number)
{
	struct leg_sip *sip = sip_of(leg);
	AUTO(sip_parties_freep) struct sip_parties *dialled = NULL;
	int r;

	if (!sip->dialog || !sip->confirmed || !sip->trunk ||
	    !sip->policy.refer)
		return LEG_E_TRANSFER;
	r = write_number(&dialled, sip, number);
	if (!r)
		r = sip_dialog_refer(sip->dialog, dialled->to, NULL);
	if (r == SIP_E_STATE)
		r = LEG_E_TRANSFER;
	if (!r) {
		free(sip->handed_to);
		sip->handed_to = text_dup(slice_of(number));
	}
	log_info("call=%s leg=sip event=hand-over to=%s r=%d",
		 call_name(leg->call), log_text(slice_of(number)).s, r);
	return r;
}

void leg_sip_on_referred(unsigned status, bool over, void *arg)
{
	struct leg *leg = arg;
	struct leg_sip *sip = sip_of(leg);

	log_info("call=%s leg=sip event=hand-over status=%u over=%d",
		 call_name(leg->call), status, over);
	if (over && status >= 300) {
		if (!sip->handed_to)
			return;
		call_transfer_failed(leg->call, sip->handed_to,
				     cause_of_status(status));
		return;
	}
	if (!over || status < 200)
		return;
	/* Many telephones have hung up by then. */
	if (sip->dialog)
		sip_dialog_hangup(sip->dialog,
				  &(struct sip_hangup){ .q850 = 16 });
	leg_ends(leg, CAUSE_NORMAL, NULL);
}
