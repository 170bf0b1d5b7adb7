/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of a leg over a SIP dialog, shared by
 *
 *     leg_sip.c           what the call wants
 *     leg_sip_dialog.c    what the dialog tells
 *     leg_sip_retry.c     a caller that cancels and calls again
 *     leg_sip_transfer.c  a peer that puts another in its place
 *     leg_sip_save.c      another process takes it up
 *     leg_sip_refer.c     our user, who hands the call over
 *
 * Nobody else includes it.
 */
#pragma once

#include <bsd/sys/queue.h>

#include "gateway/leg/leg_sip.h"

struct event;
struct transfer;

struct leg_sip {
	struct leg leg;
	struct gateway *gateway;
	struct sip_trunk *trunk;
	const struct config_trunk *config; /* the trunk's */
	struct sip_parties *parties;       /* of a callee; owned, NULL */
	bool hidden; /* it does not see our number (RFC 3323) */
	struct sip_policy policy;
	struct sip_dialog *dialog; /* NULL: its caller may call again */
	bool confirmed;            /* 2xx was sent or received */
	bool offer_open;           /* the peer's re-INVITE waits for us */
	bool rings;                /* the caller was told */
	bool hold;
	struct event *again; /* an offer that met another waits */

	/* leg_sip_retry.c */
	LIST_ENTRY(leg_sip) entry;
	bool waits;
	char *key; /* of a caller: who calls whom by which trunk */
	struct event *retry;

	/* leg_sip_refer.c */
	char *handed_to; /* the number that the telephone is to call; NULL */

	/* leg_sip_transfer.c */
	struct transfer *transfer; /* that is under way; NULL: none */
	struct sip_dialog *next;   /* called to take the dialog's place */
	struct media_desc *next_local;
	char *self; /* our number, as the trunk writes it */
	unsigned transfers;
};

static inline struct leg_sip *sip_of(struct leg *leg)
{
	return (struct leg_sip *)leg;
}

/* ---- leg_sip.c ---- */

extern const struct leg_ops leg_sip_ops;
/* Without a dialog, and not of a call; NULL: no memory. */
struct leg_sip *leg_sip_alloc(struct gateway *gateway);

/* Our side of the bridge in every content that is not refused. 0, -errno. */
CHECKED int leg_sip_describe(struct leg *leg, struct media_desc *desc);
/* Offer what is in leg.local once there is no other offer. */
void leg_sip_offer_later(struct leg_sip *sip);

/* ---- leg_sip_security.c ---- */

/* How our offer's media goes, what it asks for, and whether
 * the trunk may describe its media so; if it may but for its keys, they are
 * passed over. */
enum media_transport leg_sip_transport(const struct leg_sip *sip);
void leg_sip_wish(const struct leg_sip *sip, struct media_desc *offer);
bool leg_sip_takes(const struct leg_sip *sip,
		   const struct media_content *remote);
bool leg_sip_passes_keys(const struct leg_sip *sip,
			 const struct media_content *remote);
/* Of several audio streams, as who would encrypt but need not offers them (the
 * same one by RTP/SAVP and by RTP/AVP), the first that the trunk may describe
 * is the call's: in *@out, which is the caller's, those before it are refused.
 * 0 or -ENOMEM. */
CHECKED int leg_sip_choose(struct media_desc **out, const struct leg_sip *sip,
			   const struct media_desc *offer);

/* ---- leg_sip_dialog.c ---- */

extern const struct sip_dialog_handlers leg_sip_handlers;
/* What @from said. Kept when it can be used, or else what was before stands. 0,
 * NEGOTIATE_E_*, -errno. */
CHECKED int leg_sip_take_remote(struct leg *leg, const struct sip_dialog *from,
				const struct media_desc *desc);
enum cause leg_sip_cause(const struct leg *leg, const struct sip_end *end);

/* ---- leg_sip_retry.c ---- */

void leg_sip_retry_begin(struct leg *leg, const struct sip_invite *invite);
/* Whether a call that ended so is kept ringing for a while. The dialog is
 * given up then. */
bool leg_sip_retry_wait(struct leg_sip *sip, enum cause cause);
void leg_sip_retry_fini(struct leg_sip *sip);

/* ---- leg_sip_refer.c ---- */

/* leg_ops.transfer, and sip_dialog_handlers.referred. */
CHECKED int leg_sip_refer(struct leg *leg, const char *number);
void leg_sip_on_referred(unsigned status, bool over, void *arg);

/* ---- leg_sip_transfer.c ---- */

/* The peer's REFER: sip_dialog_handlers.refer. */
void leg_sip_on_refer(const struct sip_refer *refer, void *arg);
void leg_sip_transfer_stop(struct leg_sip *sip);
/* Whether the call goes on without the dialog, which has ended. */
bool leg_sip_transfer_goes_on(struct leg_sip *sip);
void leg_sip_transfer_fini(struct leg_sip *sip);

/* ---- leg_sip_save.c ---- */

/* leg_ops.store, leg_ops.resumed */
CHECKED int leg_sip_resumed(struct leg *leg);
CHECKED int leg_sip_store(struct leg *leg, struct session_row *row);
