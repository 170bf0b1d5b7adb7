/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over a SIP dialog. Its media is RTP on a port of its own, or ICE with
 * DTLS-SRTP when the peer's description has both.
 */
#pragma once

#include "gateway/leg.h"
#include "sip/dialog.h"
#include "sip/trunk.h"

struct gateway;
struct sip_invite;
struct sip_trunk;

/* A callee to be called through @trunk, as @from. Text is copied. */
struct leg_sip_target {
	struct sip_trunk *trunk;
	const char *to;   /* number */
	const char *from; /* number */
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
void leg_sip_begin(struct leg *leg, const struct sip_invite *invite);
