/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Between whom an INVITE is, as its trunk writes them, and by whom it came. */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "sip/onward.h"

/* All borrowed. */
struct sip_parties {
	const char *to;       /* a user: "+15551234567" */
	const char *from;     /* the account's number */
	const char *display;  /* a name to go with it; NULL: none */
	bool anonymous;       /* the called party does not see it (RFC 3323) */
	const char *diverted; /* our number that sends it on; NULL: none */
	enum sip_diversion why_diverted;
	const struct sip_onward *onward; /* what it came with; NULL: it began
					    here */
};

/* A copy of all of it. *@out is owned by the caller: sip_parties_free(), which
 * takes copies alone. 0 or -ENOMEM. */
CHECKED int sip_parties_copy(struct sip_parties **out,
			     const struct sip_parties *parties);
/* NULL is fine; returns NULL. */
struct sip_parties *sip_parties_free(struct sip_parties *parties);
DEFINE_AUTO(struct sip_parties *, sip_parties_free)
