/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * DTMF in INFO, as it was before RFC 6086: application/dtmf-relay ("Signal=5",
 * "Duration=160") and application/dtmf ("5").
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

#define SIP_INFO_TYPE   "application/dtmf-relay"
#define SIP_INFO_ACCEPT "application/dtmf-relay, application/dtmf"

enum {
	SIP_INFO_CAP = 64,
	SIP_INFO_DEFAULT_MS = 160,
	SIP_INFO_MIN_MS = 40,
	SIP_INFO_MAX_MS = 5000,
};

enum sip_info_outcome { SIP_E_INFO_TYPE = 1 };

/* @digit is one of "0123456789*#ABCD"; @duration_ms within the limits above.
 * 0, SIP_E_INFO_TYPE (another type), -EINVAL. */
CHECKED int sip_info_parse(const char *type, struct slice body, char *digit,
			   unsigned *duration_ms);
/* The body for SIP_INFO_TYPE. 0 or -EINVAL (no DTMF digit). */
CHECKED int sip_info_format(char out[static SIP_INFO_CAP], char digit,
			    unsigned duration_ms);
