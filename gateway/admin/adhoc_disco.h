/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which commands there are, as XEP-0050, 2 has them found: those that the asker
 * may, and none else.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct actor;
struct stanza;

enum adhoc_disco_outcome {
	ADHOC_DISCO_E_OTHER = 1, /* another node, or one that is not for @actor
				  */
};

/* Whether @iq asks with XEP-0030. */
bool adhoc_disco_is(const struct stanza *iq);
/* What @iq, which asks so, is answered. *@reply is owned by the caller. 0,
 * ADHOC_DISCO_E_OTHER, -ENOMEM. */
CHECKED int adhoc_disco(struct stanza **reply, const struct stanza *iq,
			const struct actor *actor);
