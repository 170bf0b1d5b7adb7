/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Text of bounded length in arrays, and numbers read from text. Nothing is
 * truncated silently: too long is -EMSGSIZE and leaves an empty string.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

/* Copy @s into @dst of @cap octets, NUL-terminated. 0 or -EMSGSIZE. */
CHECKED int text_copy(char *dst, size_t cap, struct slice s);

/* As text_copy(), from a string; NULL is the empty string. */
CHECKED int text_set(char *dst, size_t cap, const char *s);

/* printf into @dst. 0 or -EMSGSIZE. */
CHECKED int text_format(char *dst, size_t cap, const char *fmt, ...)
	PRINTF(3, 4);

enum { TEXT_STAMP_CAP = sizeof("-2147483648-01-01T00:00:00Z") };
/* Wall time as RFC 3339 and XEP-0082 write it, in UTC; "" for what is none. */
void text_stamp(char out[static TEXT_STAMP_CAP], int64_t wall_ms);

/*
 * A decimal number that fills the whole of @s: no sign, no blank, at most
 * @max. 0 or -EINVAL.
 */
CHECKED int text_number(struct slice s, uint64_t max, uint64_t *out);

/* An owned copy of @s, NULL when memory is out. */
CHECKED char *text_dup(struct slice s);

/* Free @text, a secret, with nothing of it left behind. NULL is fine; returns
 * NULL. */
char *text_wipe(char *text);

/*
 * Make text that a peer sent fit for people, logs and XML: invalid UTF-8,
 * control characters, U+FFFE/U+FFFF and bidirectional overrides become U+FFFD,
 * what is over @cap is cut at a character. Always terminates @dst.
 * (facts: a C0 octet in a display name closes the whole component stream.)
 */
void text_clean(char *dst, size_t cap, struct slice s);

/* Neither a control character (of lines either), U+FFFE, U+FFFF, nor a
 * bidirectional override. */
bool text_is_fit(uint32_t c);

/*
 * The code point at the head of @s (RFC 3629: shortest form, no surrogates)
 * and how many octets it takes; 0 when @s does not begin with one.
 */
size_t text_utf8(struct slice s, uint32_t *out);

enum { TEXT_UTF8_MAX = 4 };
/* Write the code point @c, which is no surrogate: how many octets it takes. */
size_t text_utf8_put(char out[static TEXT_UTF8_MAX], uint32_t c);

/* FNV-1a, to tell texts apart that nobody has made alike: who makes two of one
 * digest deceives himself alone. */
uint64_t text_digest(struct slice s);
