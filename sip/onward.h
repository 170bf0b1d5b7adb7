/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a call takes along that one of ours sends on to another trunk: how far
 * it may go (RFC 3261, 16.6), who sent it on before (RFC 5806, RFC 7044), and
 * its signatures (RFC 8224), untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"

struct sip_invite;

enum {
	SIP_ONWARD_MAX = 8192, /* octets of a header's values; more stay here */
};

struct sip_onward { /* owns its text */
	unsigned diversions;
	bool has_hops;
	unsigned hops;            /* Max-Forwards, as it came */
	char *identity, *history; /* all values, with commas; NULL none */
};

/* Of @invite: its signatures only when it shows who calls. *@out is owned by
 * the caller. 0 or -ENOMEM. */
CHECKED int sip_onward_new(struct sip_onward **out,
			   const struct sip_invite *invite);
CHECKED int sip_onward_copy(struct sip_onward **out,
			    const struct sip_onward *onward);
/* NULL is fine; returns NULL. */
struct sip_onward *sip_onward_free(struct sip_onward *onward);
DEFINE_AUTO(struct sip_onward *, sip_onward_free)

/* Why it is sent on: RFC 5806's reasons; causes of RFC 4458 by RFC 7544, 7.1.
 */
enum sip_diversion {
	SIP_DIVERSION_UNKNOWN,
	SIP_DIVERSION_UNCONDITIONAL,
	SIP_DIVERSION_USER_BUSY,
	SIP_DIVERSION_NO_ANSWER,
	SIP_DIVERSION_UNAVAILABLE,
	SIP_DIVERSION_DO_NOT_DISTURB,
	SIP_DIVERSION_TIME_OF_DAY,
	SIP_NDIVERSIONS,
};

/* Who sends it on, and where to; all borrowed. */
struct sip_diverted {
	const char *by_uri, *to_uri; /* without angle brackets */
	enum sip_diversion why;
	bool hidden;                     /* nobody shall see it */
	const struct sip_onward *onward; /* NULL: it came from an account */
};

/* Whole header lines for the INVITE, one after the other with CRLF between;
 * *@out is owned by the caller: free(). 0, -ENOMEM. */
CHECKED int sip_onward_format(char **out, const struct sip_diverted *diverted);
/* Its Max-Forwards; -1: nothing is said, as of a call that begins. */
int sip_onward_hops(const struct sip_onward *onward);
