/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a trunk says of a call it brings, beside the number: kept with the call,
 * in its log line and its record, for rules and for whom it is shown to.
 */
#pragma once

#include "gateway/base/err.h"
#include "sip/identity.h"

struct sip_invite;

struct origin {
	char display[SIP_DISPLAY_CAP];     /* the caller's name, cleaned; "" */
	char verstat[SIP_VERSTAT_CAP];     /* "TN-Validation-Passed"; "" */
	char attestation[2];               /* "A", "B", "C"; "" */
	char first_called[SIP_USER_CAP];   /* before a diversion; "" */
	char diversion[SIP_DIVERSION_CAP]; /* why: "no-answer"; "" */
	bool is_signed;                    /* it had an Identity header */
};

/*
 * Of @invite, by a trunk that is believed or not: one that is not tells a
 * display name alone.
 *
 * The signatures themselves (RFC 8224) are kept by nobody; a call that goes on
 * to another trunk takes them along as they came (sip/onward.h).
 */
void origin_read(struct origin *out, const struct sip_invite *invite,
		 bool believe);
/* One line, when there is something beyond the number. */
void origin_log(const struct origin *origin, const char *call);

/* *@out is owned by the caller: origin_free(). 0 or -ENOMEM. */
CHECKED int origin_copy(struct origin **out, const struct origin *origin);
struct origin *origin_free(struct origin *origin);
