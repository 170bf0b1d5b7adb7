/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who calls: P-Asserted-Identity, Remote-Party-ID, From, in this order
 * (RFC 3325; a trusted peer's alone get here), and whether it may be shown.
 */
#pragma once

#include <stdbool.h>

#include "sip/uri.h"

struct sip_s;

struct sip_identity {
	char user[SIP_USER_CAP];       /* unescaped; "" none */
	char display[SIP_DISPLAY_CAP]; /* cleaned; "" none */
	bool anonymous;
};

void sip_identity_read(struct sip_identity *out, const struct sip_s *sip);

/* The user of @url (sofia's url_t has no tag), unescaped; "" when there is none
 * or it is no good. */
void sip_url_user(char out[static SIP_USER_CAP], const void *url);
