/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0114, 3: how a component proves that it knows the secret.
 */
#pragma once

#include "gateway/base/err.h"

struct stanza;

/* <handshake/> for a stream whose header had @id; the caller's. 0, -ENOMEM. */
CHECKED int xmpp_handshake_new(struct stanza **out, const char *id,
			       const char *secret);
