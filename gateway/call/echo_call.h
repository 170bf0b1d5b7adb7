/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A user's test call: echo@domain calls him, and he hears himself. No trunk is
 * used, and nothing is charged.
 */
#pragma once

#include "gateway/base/err.h"

struct gateway;
struct refusal;

/* Call all devices of @account, a bare JID that owns a number, for @ring_s at
 * most. Returns NULL, or why it cannot be: its own limits hold, and it has one
 * such call at a time. */
const struct refusal *echo_call_place(struct gateway *gateway,
				      const char *account, unsigned ring_s);
