/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whom a text is from or for, as a localpart of ours in the forms that users
 * of Cheogram know:
 *
 *     "+15551234567"   a number
 *     "12345;phone-context=ca-us.phone-context.soprani.ca"
 *                      a short code (RFC 3966, 5.1.5)
 *     "36354845;phone-context=alphanumeric.phone-context.soprani.ca"
 *                      a sender that is a name ("BANK"): of each character the
 *                      octet less 30, in decimal. Nobody can answer it.
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"

enum {
	TEXT_CODE_DIGITS = 6, /* of a short code, at most */
	TEXT_NAME_MAX = 20,   /* octets; networks have 11 */
	TEXT_SENDER_CAP = 128,
};

enum text_sender {
	TEXT_SENDER_NONE, /* no such localpart */
	TEXT_SENDER_NUMBER,
	TEXT_SENDER_CODE,
	TEXT_SENDER_NAME,
};

enum text_sender text_sender_of(const char *local);

/* The localpart of a short code or a name; -EINVAL: @user, as a network has
 * it, is neither. */
CHECKED int text_sender_format(char out[static TEXT_SENDER_CAP],
			       const char *user);

/* What a network calls the number or short code @local. 0, -EINVAL,
 * -EMSGSIZE. */
CHECKED int text_sender_user(char *out, size_t cap, const char *local);
