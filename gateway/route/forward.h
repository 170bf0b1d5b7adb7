/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Where somebody wants calls to go on to, as people write it: what can be
 * called alone, in the form that is kept (policy.forward).
 */
#pragma once

#include "gateway/base/err.h"
#include "xmpp/jid.h"

struct gateway;

enum forward_outcome {
	FORWARD_E_INVALID = 1, /* it cannot be called; @why, in words */
};

/*
 * @text as @account (bare JID) writes it: a number in any form, also as tel:,
 * sip:user@host of a trunk, or the address of an account, also as xmpp:. What
 * limits allow is asked of the account; what is in use or used up is not. @why
 * is constant. 0, FORWARD_E_INVALID, -ENOMEM.
 */
CHECKED int forward_parse(char out[static JID_CAP], const char **why,
			  struct gateway *gateway, const char *account,
			  const char *text);
