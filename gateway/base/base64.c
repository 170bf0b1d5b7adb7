/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16;
		if (i + 1 < n)
			bits |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			bits |= p[i + 2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = i + 1 < n ? alphabet[bits >> 6 & 63] : '=';
		*out++ = i + 2 < n ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
}

/* -1: not in the alphabet. */
static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

int base64_decode(uint8_t *out, size_t *n, struct slice text)
{
	size_t cap = *n, at = 0;
	uint32_t bits = 0;
	unsigned nbits = 0;

	for (int pad = 0; pad < 2 && text.n; pad++) {
		if (text.p[text.n - 1] != '=')
			break;
		text.n--;
	}
	if (text.n % 4 == 1)
		return -EINVAL;
	for (size_t i = 0; i < text.n; i++) {
		int value = value_of(text.p[i]);
		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		nbits += 6;
		if (nbits < 8)
			continue;
		if (at == cap)
			return -EMSGSIZE;
		nbits -= 8;
		out[at++] = (uint8_t)(bits >> nbits);
	}
	*n = at;
	return 0;
}
