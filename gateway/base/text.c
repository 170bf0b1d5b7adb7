/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/clock.h"

int text_copy(char *dst, size_t cap, struct slice s)
{
	if (s.n >= cap) {
		dst[0] = '\0';
		return -EMSGSIZE;
	}
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return 0;
}

int text_set(char *dst, size_t cap, const char *s)
{
	return text_copy(dst, cap, slice_of(s));
}

int text_format(char *dst, size_t cap, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(dst, cap, fmt, ap);
	va_end(ap);

	if (n < 0 || (size_t)n >= cap) {
		dst[0] = '\0';
		return -EMSGSIZE;
	}
	return 0;
}

int text_number(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!s.n)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';
		if (digit > 9 || value > (max - digit) / 10 || digit > max)
			return -EINVAL;
		value = value * 10 + digit;
	}
	*out = value;
	return 0;
}

char *text_dup(struct slice s)
{
	char *copy = malloc(s.n + 1);

	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

char *text_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return NULL;
}

/* Octets of the UTF-8 sequence that begins with @lead; 0: none does. */
static size_t utf8_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if ((lead & 0xf0) == 0xe0)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

size_t text_utf8(struct slice s, uint32_t *out)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = s.n ? utf8_len(p[0]) : 0;

	if (!n || n > s.n)
		return 0;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return n;
}

size_t text_utf8_put(char out[static TEXT_UTF8_MAX], uint32_t c)
{
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(leads[n] | c);
	return n;
}

bool text_is_fit(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 ||
		       c == 0x2029;
	bool bidi =
		(c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
	bool no_character = (c & 0xfffe) == 0xfffe;

	return !control && !bidi && !no_character;
}

void text_clean(char *dst, size_t cap, struct slice s)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t at = 0;

	while (s.n) {
		uint32_t c = 0;
		size_t n = text_utf8(s, &c);
		bool fit = n && text_is_fit(c);
		struct slice put =
			fit ? (struct slice){ s.p, n } : slice_of(replacement);
		if (at + put.n >= cap)
			break;
		memcpy(dst + at, put.p, put.n);
		at += put.n;
		s.p += n ? n : 1;
		s.n -= n ? n : 1;
	}
	dst[at] = '\0';
}

void text_stamp(char out[static TEXT_STAMP_CAP], int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / MS_PER_S);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(out, TEXT_STAMP_CAP, "%Y-%m-%dT%H:%M:%SZ", &tm))
		out[0] = '\0';
}

uint64_t text_digest(struct slice s)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		digest = (digest ^ (uint8_t)s.p[i]) * UINT64_C(0x100000001b3);
	return digest;
}
