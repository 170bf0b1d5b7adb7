/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The inside of a leg over a SIP dialog, shared by leg_sip.c (what the call
 * wants) and leg_sip_dialog.c (what the dialog tells). Nobody else includes it.
 */
#pragma once

#include "gateway/leg_sip.h"

struct event;

struct leg_sip {
	struct leg leg;
	struct gateway *gateway;
	struct sip_trunk *trunk;           /* NULL for a caller */
	const struct config_trunk *config; /* NULL for a caller */
	char *to, *from, *display;
	bool anonymous;
	struct sip_policy policy;
	struct sip_dialog *dialog;
	bool confirmed;  /* 2xx was sent or received */
	bool offer_open; /* the peer's re-INVITE waits for our answer */
	bool hold;
	struct event *again; /* an offer that met another waits */
};

static inline struct leg_sip *sip_of(struct leg *leg)
{
	return (struct leg_sip *)leg;
}

/* leg_sip_dialog.c */
extern const struct sip_dialog_handlers leg_sip_handlers;
