/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Carriers that cancel an unanswered call and send it again (Bandwidth does so
 * every 10 s) ring once: a caller's leg whose INVITE was cancelled is kept for
 * a moment, and the same call takes its place in what is still ringing.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/called.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip_state.h"
#include "gateway/route/route.h"
#include "sip/identity.h"

enum { KEY_CAP = 3 * SIP_USER_CAP + CONFIG_TRUNK_NAME_MAX };

/* Trunk, caller and called, as they are written; "" : it cannot come again. */
static void format_key(char out[static KEY_CAP], const struct gateway *gateway,
		       const struct sip_trunk *trunk,
		       const struct sip_invite *invite)
{
	const struct config_trunk *config =
		trunk ? config_find_trunk(gateway->config,
					  sip_trunk_name(trunk))
		      : NULL;

	out[0] = '\0';
	if (!config || !config->retry_s)
		return;
	if (text_format(out, KEY_CAP, "%s %s %s", config->name,
			invite->identity->from.user,
			called_user(config, invite)))
		out[0] = '\0';
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct leg_sip *sip = arg;

	(void)fd;
	(void)what;
	leg_sip_retry_fini(sip);
	leg_ends(&sip->leg, CAUSE_CANCEL, NULL);
}

void leg_sip_retry_begin(struct leg *leg, const struct sip_invite *invite)
{
	struct leg_sip *sip = sip_of(leg);
	char key[KEY_CAP];

	format_key(key, sip->gateway, sip->trunk, invite);
	/* Without memory it is a call like any other. */
	if (*key)
		sip->key = text_dup(slice_of(key));
}

bool leg_sip_retry_wait(struct leg_sip *sip, enum cause cause)
{
	struct timeval wait = { sip->config ? sip->config->retry_s : 0, 0 };

	if (cause != CAUSE_CANCEL || !sip->key || sip->confirmed ||
	    sip->gateway->draining || call_is_asked_about(sip->leg.call))
		return false;
	if (!sip->retry)
		sip->retry = evtimer_new(sip->gateway->base, on_retry, sip);
	if (!sip->retry || evtimer_add(sip->retry, &wait))
		return false;
	sip->dialog = sip_dialog_free(sip->dialog);
	sip->waits = true;
	LIST_INSERT_HEAD(&sip->gateway->cancelled, sip, entry);
	return true;
}

void leg_sip_retry_fini(struct leg_sip *sip)
{
	if (sip->waits)
		LIST_REMOVE(sip, entry);
	sip->waits = false;
	if (sip->retry)
		event_free(sip->retry);
	sip->retry = NULL;
}

/* An INVITE that is described in another way is another call. */
static struct leg_sip *find(struct gateway *gateway, const char *key,
			    bool has_offer)
{
	struct leg_sip *sip;

	LIST_FOREACH(sip, &gateway->cancelled, entry)
		if (!strcmp(sip->key, key) &&
		    has_offer == (sip->leg.remote != NULL))
			return sip;
	return NULL;
}

bool leg_sip_retry_take(struct gateway *gateway, struct sip_dialog *dialog,
			const struct sip_invite *invite)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	char key[KEY_CAP];
	struct leg_sip *sip;

	if (LIST_EMPTY(&gateway->cancelled))
		return false;
	format_key(key, gateway, route_trunk_for(gateway, invite), invite);
	sip = *key ? find(gateway, key, invite->offer != NULL) : NULL;
	if (!sip)
		return false;
	if (invite->offer && (leg_sip_choose(&offer, sip, invite->offer) ||
			      leg_sip_take_remote(&sip->leg, dialog, offer)))
		return false;
	log_info("call=%s event=again: a cancelled call came back",
		 call_name(sip->leg.call));
	leg_sip_retry_fini(sip);
	sip->dialog = dialog;
	sip_dialog_accept(dialog, &leg_sip_handlers, &sip->leg);
	if (sip->rings && sip_dialog_ring(dialog, 180, NULL))
		log_warn("call=%s leg=sip ringing=not-sent",
			 call_name(sip->leg.call));
	return true;
}
