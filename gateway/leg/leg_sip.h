/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over a SIP dialog. Its media is RTP on a port of its own, or ICE with
 * DTLS-SRTP when the peer's description has both.
 */
#pragma once

#include "gateway/leg/leg.h"
#include "sip/dialog.h"
#include "sip/trunk.h"

struct config_trunk;
struct gateway;
struct sip_invite;
struct sip_trunk;

/* A callee to be called through @trunk. @parties is copied. */
struct leg_sip_target {
	struct sip_trunk *trunk;
	const struct config_trunk *config; /* must outlive the leg */
	const struct sip_parties *parties;
};
/* *@out is owned by the caller, until a call takes it. 0 or -ENOMEM. */
CHECKED int leg_sip_new_callee(struct leg **out, struct gateway *gateway,
			       const struct leg_sip_target *target);

/*
 * A caller whose INVITE came: takes @dialog, also when it fails.
 * leg_sip_begin() once the leg is in its call.
 */
CHECKED int leg_sip_new_caller(struct leg **out, struct gateway *gateway,
			       struct sip_dialog *dialog);
/*
 * @invite is a call of before that was cancelled and comes again. True: @dialog
 * is taken, and the running call has gone on with it.
 */
bool leg_sip_retry_take(struct gateway *gateway, struct sip_dialog *dialog,
			const struct sip_invite *invite);
/* @invite is to take the place of @leg's dialog (sip_invite.replaces). Takes
 * @dialog, also when that may not be and it is refused. */
void leg_sip_replace(struct leg *leg, struct sip_dialog *dialog,
		     const struct sip_invite *invite);
void leg_sip_begin(struct leg *leg, const struct sip_invite *invite);

/* What @row tells of a dialog, to be taken up or ended. The caller's:
 * sip_dialog_state_fini(). 0 or -ENOMEM. */
CHECKED int leg_sip_read_state(struct sip_dialog_state *out,
			       const struct session_row *row);
/*
 * The leg of a call that another process was in, as its @row tells. *@out is
 * owned by the caller, until a call takes it. 0, -ENOENT (its trunk is no
 * more), or -errno.
 */
CHECKED int leg_sip_resume(struct leg **out, struct gateway *gateway,
			   const struct session_row *row);
