/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Telephones by the addresses that people write for them. */
#pragma once

#include <stdbool.h>

#include "xmpp/jid.h"

struct gateway;

/* Whether @jid is of our domain, where all are telephones. */
bool telephone_is_ours(const struct gateway *gateway, const char *jid);

/*
 * The localpart by which an account calls the telephone that @address is: a
 * number, "sip:user@host", or a JID of our domain. False: it is none, but
 * perhaps an account.
 */
bool telephone_local(char out[static JID_PART_MAX + 1],
		     const struct gateway *gateway, const char *address);
