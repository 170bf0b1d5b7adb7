/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Base64 (RFC 4648, 4).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

/* Octets of text, NUL included, for @n octets. */
#define BASE64_CAP(n) (((n) + 2) / 3 * 4 + 1)

/* @out has BASE64_CAP(@n) octets and is NUL-terminated. */
void base64_encode(char *out, const uint8_t *p, size_t n);

/*
 * @text, with or without its padding, into @out; *@n is the room there before
 * and the octets written after. 0, -EINVAL, or -EMSGSIZE.
 */
CHECKED int base64_decode(uint8_t *out, size_t *n, struct slice text);
