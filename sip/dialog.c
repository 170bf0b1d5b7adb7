/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The dialog's life and its state table (RFC 3261, 12 to 15). The object lives
 * until its user has freed it and nothing is left to send or wait for.
 */
#include "sip/dialog_int.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/share.h"
#include "sip/trunk.h"

struct transition {
	void (*action)(struct sip_dialog *d);
	enum dialog_state next;
	bool known;
};

#define TO(action, next)           \
	{                          \
		action, next, true \
	}

static const struct transition transitions[DIALOG_NSTATES][DIALOG_NEVENTS] = {
	[DIALOG_NEW][DIALOG_EV_INVITE] = TO(NULL, DIALOG_CALLING),
	[DIALOG_NEW][DIALOG_EV_INVITED] = TO(NULL, DIALOG_INVITED),
	[DIALOG_NEW][DIALOG_EV_RESTORE] = TO(NULL, DIALOG_UP),
	[DIALOG_NEW][DIALOG_EV_HANGUP] = TO(NULL, DIALOG_OVER),

	[DIALOG_CALLING][DIALOG_EV_PROVISIONAL] =
		TO(dialog_act_provisional, DIALOG_RINGING),
	[DIALOG_CALLING][DIALOG_EV_ACCEPTED] =
		TO(dialog_act_accepted, DIALOG_UP),
	[DIALOG_CALLING][DIALOG_EV_REJECTED] =
		TO(dialog_act_rejected, DIALOG_OVER),
	[DIALOG_CALLING][DIALOG_EV_HANGUP] =
		TO(dialog_act_cancel, DIALOG_GIVING_UP),

	[DIALOG_RINGING][DIALOG_EV_PROVISIONAL] =
		TO(dialog_act_provisional, DIALOG_RINGING),
	[DIALOG_RINGING][DIALOG_EV_ACCEPTED] =
		TO(dialog_act_accepted, DIALOG_UP),
	[DIALOG_RINGING][DIALOG_EV_REJECTED] =
		TO(dialog_act_rejected, DIALOG_OVER),
	[DIALOG_RINGING][DIALOG_EV_HANGUP] =
		TO(dialog_act_cancel, DIALOG_CANCELLING),

	/* RFC 3261, 9.1: no CANCEL before a provisional response. */
	[DIALOG_GIVING_UP][DIALOG_EV_PROVISIONAL] =
		TO(dialog_act_cancel, DIALOG_CANCELLING),
	[DIALOG_GIVING_UP][DIALOG_EV_ACCEPTED] =
		TO(dialog_act_accepted_too_late, DIALOG_ENDING),
	[DIALOG_GIVING_UP][DIALOG_EV_REJECTED] = TO(NULL, DIALOG_OVER),
	[DIALOG_GIVING_UP][DIALOG_EV_DONE] =
		TO(dialog_act_cancel_done, DIALOG_OVER),

	[DIALOG_CANCELLING][DIALOG_EV_PROVISIONAL] =
		TO(NULL, DIALOG_CANCELLING),
	[DIALOG_CANCELLING][DIALOG_EV_ACCEPTED] =
		TO(dialog_act_accepted_too_late, DIALOG_ENDING),
	[DIALOG_CANCELLING][DIALOG_EV_REJECTED] = TO(NULL, DIALOG_OVER),
	[DIALOG_CANCELLING][DIALOG_EV_DONE] =
		TO(dialog_act_cancel_done, DIALOG_OVER),

	[DIALOG_INVITED][DIALOG_EV_ANSWER] = TO(NULL, DIALOG_ANSWERED),
	[DIALOG_INVITED][DIALOG_EV_HANGUP] = TO(dialog_act_refuse, DIALOG_OVER),
	[DIALOG_INVITED][DIALOG_EV_CANCEL] =
		TO(dialog_act_cancelled, DIALOG_OVER),
	[DIALOG_INVITED][DIALOG_EV_BYE] = TO(dialog_act_bye_early, DIALOG_OVER),
	[DIALOG_INVITED][DIALOG_EV_FAILED] =
		TO(dialog_act_given_up, DIALOG_OVER),

	[DIALOG_ANSWERED][DIALOG_EV_ACK] = TO(dialog_act_acked, DIALOG_UP),
	[DIALOG_ANSWERED][DIALOG_EV_NO_ACK] =
		TO(dialog_act_report_and_bye, DIALOG_ENDING),
	[DIALOG_ANSWERED][DIALOG_EV_BYE] = TO(dialog_act_report, DIALOG_OVER),
	/* RFC 3261, 15: no BYE before the ACK or its timeout. */
	[DIALOG_ANSWERED][DIALOG_EV_HANGUP] = TO(NULL, DIALOG_LEAVING),

	[DIALOG_LEAVING][DIALOG_EV_ACK] = TO(dialog_act_bye, DIALOG_ENDING),
	[DIALOG_LEAVING][DIALOG_EV_NO_ACK] = TO(dialog_act_bye, DIALOG_ENDING),
	[DIALOG_LEAVING][DIALOG_EV_BYE] = TO(NULL, DIALOG_OVER),

	[DIALOG_UP][DIALOG_EV_BYE] = TO(dialog_act_report, DIALOG_OVER),
	[DIALOG_UP][DIALOG_EV_HANGUP] = TO(dialog_act_bye, DIALOG_ENDING),
	[DIALOG_UP][DIALOG_EV_FAILED] =
		TO(dialog_act_report_and_bye, DIALOG_ENDING),
	/* The ACK of a re-INVITE's 200 never came. */
	[DIALOG_UP][DIALOG_EV_NO_ACK] =
		TO(dialog_act_report_and_bye, DIALOG_ENDING),

	/* BYEs that cross are both answered 200. */
	[DIALOG_ENDING][DIALOG_EV_BYE] = TO(NULL, DIALOG_ENDING),
	[DIALOG_ENDING][DIALOG_EV_ACK] = TO(NULL, DIALOG_ENDING),
	[DIALOG_ENDING][DIALOG_EV_NO_ACK] = TO(NULL, DIALOG_ENDING),
	[DIALOG_ENDING][DIALOG_EV_HANGUP] = TO(NULL, DIALOG_ENDING),
	[DIALOG_ENDING][DIALOG_EV_FAILED] = TO(NULL, DIALOG_ENDING),
	[DIALOG_ENDING][DIALOG_EV_DONE] = TO(dialog_act_bye_done, DIALOG_OVER),

	[DIALOG_OVER][DIALOG_EV_HANGUP] = TO(NULL, DIALOG_OVER),
};

static const char *const state_names[DIALOG_NSTATES] = {
	[DIALOG_NEW] = "new",
	[DIALOG_CALLING] = "calling",
	[DIALOG_RINGING] = "ringing",
	[DIALOG_GIVING_UP] = "giving-up",
	[DIALOG_CANCELLING] = "cancelling",
	[DIALOG_INVITED] = "invited",
	[DIALOG_ANSWERED] = "answered",
	[DIALOG_LEAVING] = "leaving",
	[DIALOG_UP] = "up",
	[DIALOG_ENDING] = "ending",
	[DIALOG_OVER] = "over",
};

static const char *const event_names[DIALOG_NEVENTS] = {
	[DIALOG_EV_INVITE] = "invite",
	[DIALOG_EV_INVITED] = "invited",
	[DIALOG_EV_RESTORE] = "restore",
	[DIALOG_EV_PROVISIONAL] = "provisional",
	[DIALOG_EV_ACCEPTED] = "accepted",
	[DIALOG_EV_REJECTED] = "rejected",
	[DIALOG_EV_ANSWER] = "answer",
	[DIALOG_EV_ACK] = "ack",
	[DIALOG_EV_NO_ACK] = "no-ack",
	[DIALOG_EV_CANCEL] = "cancel",
	[DIALOG_EV_BYE] = "bye",
	[DIALOG_EV_HANGUP] = "hangup",
	[DIALOG_EV_FAILED] = "failed",
	[DIALOG_EV_DONE] = "done",
};

/* ---- helpers ---- */

const char *dialog_tag(const struct sip_dialog *d)
{
	const char *tag = d->leg ? nta_leg_get_tag(d->leg) : NULL;

	return tag ? tag : "";
}

/* What strangers send names none: nta's table knows that sooner than we. */
bool dialog_is_live(const struct sip_agent *agent, const char *call_id,
		    const char *tag)
{
	const struct sip_dialog *d;

	if (!nta_leg_by_call_id(agent->nta, call_id))
		return false;
	TAILQ_FOREACH(d, &agent->dialogs, entry) {
		if (d->call_id && !strcmp(d->call_id, call_id) &&
		    !strcmp(dialog_tag(d), tag))
			return true;
	}
	return false;
}

void dialog_due(struct sip_dialog *d)
{
	if (d->due)
		return;
	d->due = true;
	TAILQ_INSERT_TAIL(&d->agent->due, d, due_entry);
}

void dialog_changed(struct sip_dialog *d)
{
	d->changed = true;
	dialog_due(d);
}

void dialog_timer_set(struct sip_dialog *d, struct event **timer,
		      void (*fn)(int fd, short what, void *arg),
		      unsigned delay_ms)
{
	struct timeval tv = { delay_ms / 1000, delay_ms % 1000 * 1000 };

	if (!*timer)
		*timer = evtimer_new(d->agent->base, fn, d);
	if (!*timer || evtimer_add(*timer, &tv))
		log_error("event=sip_timer what=\"out of memory\"");
}

void dialog_timer_clear(struct event *timer)
{
	if (timer)
		evtimer_del(timer);
}

int dialog_set_text(char **slot, const char *text)
{
	char *copy = text ? text_dup(slice_of(text)) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}

/* ---- the machine ---- */

static void count_half_open(struct sip_dialog *d)
{
	struct sip_shares *shares = d->agent->shares;

	if (d->state == DIALOG_INVITED && !d->ringing)
		d->ringing = sip_share_ring(shares, &d->peer.addr);
	if (d->state == DIALOG_INVITED)
		return;
	sip_share_ring_over(shares, d->ringing);
	d->ringing = NULL;
}

/* Nothing runs in a state that is over. */
static void stop_all(struct sip_dialog *d)
{
	dialog_timer_clear(d->give_up);
	dialog_ring_stop(d);
	dialog_timer_clear(d->session_timer);
	dialog_offer_stop(d);
	dialog_refer_stop(d);
	dialog_reply_stop(d);
	if (d->state == DIALOG_OVER)
		dialog_due(d);
}

static void run_event(struct sip_dialog *d, enum dialog_event ev)
{
	const struct transition *t = &transitions[d->state][ev];
	enum dialog_state before = d->state;

	if (!t->known) {
		log_debug("dialog=%s %s + %s ignored", d->call_id,
			  state_names[d->state], event_names[ev]);
		return;
	}
	d->state = t->next;
	log_debug("dialog=%s %s + %s -> %s", d->call_id, state_names[before],
		  event_names[ev], state_names[d->state]);
	count_half_open(d);
	if (before != d->state)
		dialog_changed(d);
	if (t->action)
		t->action(d);
	if (before != d->state && d->state >= DIALOG_ENDING)
		stop_all(d);
}

void dialog_event(struct sip_dialog *d, enum dialog_event ev)
{
	if (d->running) {
		assert(d->npending < DIALOG_PENDING_MAX);
		d->pending[d->npending++] = ev;
		return;
	}
	d->running = true;
	run_event(d, ev);
	d->input = NULL;
	for (size_t i = 0; i < d->npending; i++)
		run_event(d, d->pending[i]);
	d->npending = 0;
	d->running = false;
}

/* ---- life ---- */

int dialog_new(struct sip_dialog **out, struct sip_agent *agent, bool uac)
{
	struct sip_dialog *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->agent = agent;
	d->uac = uac;
	d->owned = true;
	d->min_se_s = SIP_MIN_SE_S;
	/* RFC 8866, 5.2: fits 63 bits, for peers that read them signed. */
	d->sdp_id = rand_u64() >> 2;
	d->sdp_version = 0;
	TAILQ_INIT(&d->earlies);
	TAILQ_INSERT_TAIL(&agent->dialogs, d, entry);
	*out = d;
	return 0;
}

static void free_timer(struct event *timer)
{
	if (timer)
		event_free(timer);
}

static void dialog_free(struct sip_dialog *d)
{
	sip_share_ring_over(d->agent->shares, d->ringing);
	if (d->due)
		TAILQ_REMOVE(&d->agent->due, d, due_entry);
	TAILQ_REMOVE(&d->agent->dialogs, d, entry);
	free_timer(d->give_up);
	free_timer(d->ring_timer);
	free_timer(d->expiry_timer);
	free_timer(d->reliable.timer);
	free_timer(d->reply.timer);
	free_timer(d->refer.timer);
	free_timer(d->offer_timer);
	free_timer(d->session_timer);
	if (d->server) {
		nta_incoming_bind(d->server, NULL, NULL);
		nta_incoming_destroy(d->server);
	}
	if (d->offer_irq) {
		nta_incoming_bind(d->offer_irq, NULL, NULL);
		nta_incoming_destroy(d->offer_irq);
	}
	if (d->reply.irq)
		nta_incoming_destroy(d->reply.irq);
	sip_client_free(d->invite);
	sip_client_free(d->request);
	sip_client_free(d->bye);
	sip_client_free(d->refer.client);
	sip_query_free(d->query);
	dialog_invite_forget(d);
	dialog_early_free(d);
	if (d->leg) {
		sip_clients_orphan(d->agent, d->leg);
		nta_leg_destroy(d->leg);
	}
	free(d->trunk_name);
	free(d->call_id);
	free(d->local_address);
	free(d->remote_address);
	free(d->contact);
	free(d->remote_tag);
	free(d->early_tag);
	free(d->early_sdp);
	free(d->reliable.sdp);
	free(d->local_sdp);
	free(d->remote_sdp);
	free(d->offered_sdp);
	free(d->remote_offer);
	free(d->ack_sdp);
	free(d);
}

static bool is_dead(const struct sip_dialog *d)
{
	return !d->owned && (d->state == DIALOG_OVER || d->state == DIALOG_NEW);
}

bool sip_dialogs_run(struct sip_agent *agent)
{
	struct sip_dialogs due = TAILQ_HEAD_INITIALIZER(due);
	struct sip_dialog *d;
	bool any = false;

	TAILQ_CONCAT(&due, &agent->due, due_entry);
	while ((d = TAILQ_FIRST(&due))) {
		any = true;
		TAILQ_REMOVE(&due, d, due_entry);
		d->due = false;
		if (d->changed && d->handlers && d->handlers->changed &&
		    (d->state == DIALOG_UP || d->state == DIALOG_RINGING))
			d->handlers->changed(d->arg);
		d->changed = false;
		/* Freed in its own handler: it came due again. */
		if (is_dead(d) && !d->due)
			dialog_free(d);
	}
	return any;
}

bool sip_dialogs_are_ending(const struct sip_agent *agent)
{
	const struct sip_dialog *d;

	TAILQ_FOREACH(d, &agent->dialogs, entry)
		if (!d->owned && !is_dead(d))
			return true;
	return false;
}

void sip_dialogs_free(struct sip_agent *agent)
{
	struct sip_dialog *d, *next;

	TAILQ_FOREACH_SAFE(d, &agent->dialogs, entry, next)
		dialog_free(d);
}

void sip_dialogs_forget(struct sip_agent *agent, struct sip_trunk *trunk)
{
	struct sip_dialog *d;

	TAILQ_FOREACH(d, &agent->dialogs, entry) {
		if (d->trunk != trunk)
			continue;
		d->trunk = NULL;
		sip_client_forget_account(d->invite);
		sip_client_forget_account(d->request);
		sip_client_forget_account(d->bye);
	}
}

/* ---- what the header offers ---- */

void sip_dialog_accept(struct sip_dialog *dialog,
		       const struct sip_dialog_handlers *handlers, void *arg)
{
	dialog->handlers = handlers;
	dialog->arg = arg;
}

int sip_dialog_set_trunk(struct sip_dialog *dialog, struct sip_trunk *trunk)
{
	dialog->trunk = trunk;
	return dialog_set_text(&dialog->trunk_name, sip_trunk_name(trunk));
}

void sip_dialog_hangup(struct sip_dialog *d, const struct sip_hangup *why)
{
	if (d->hung_up)
		return;
	d->hung_up = true;
	d->handlers = NULL;
	d->hangup = *why;
	d->hangup.text = NULL;
	if (why->text) {
		text_clean(d->hangup_text, sizeof(d->hangup_text),
			   slice_of(why->text));
		d->hangup.text = d->hangup_text;
	}
	dialog_event(d, DIALOG_EV_HANGUP);
}

struct sip_dialog *sip_dialog_free(struct sip_dialog *d)
{
	static const struct sip_hangup why = { .status = 480 };

	if (!d)
		return NULL;
	sip_dialog_hangup(d, &why);
	d->owned = false;
	dialog_due(d);
	return NULL;
}

const char *sip_dialog_call_id(const struct sip_dialog *dialog)
{
	return dialog->call_id;
}

struct addr sip_dialog_peer(const struct sip_dialog *dialog)
{
	return dialog->peer.addr;
}
