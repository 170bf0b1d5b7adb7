/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Nobody has a call. */
#pragma once

#include "gateway/leg/leg_xmpp.h"

unsigned leg_xmpp_calls_of(const struct gateway *of, const char *account)
{
	(void)of;
	(void)account;
	return 0;
}
