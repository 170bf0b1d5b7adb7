/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>

#include "gateway/base/text.h"
#include "gateway/text/text_int.h"

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
enum { REPLACEMENT_LEN = sizeof(replacement) - 1 };

static size_t append(char *out, const char *p, size_t n)
{
	memcpy(out, p, n);
	return n;
}

/* The next character of @text, as it may be shown, into @out; @text moves on.
 * Returns how many octets that are: at most REPLACEMENT_LEN for each read. */
static size_t take(char *out, struct slice *text)
{
	struct slice rest = *text;
	uint32_t c = 0;
	size_t n = text_utf8(rest, &c), used = n ? n : 1;

	text->p += used;
	text->n -= used;
	if (c == '\r' && n) {
		/* "\r\n", or a line end of its own */
		if (text->n && *text->p == '\n')
			return 0;
		return append(out, "\n", 1);
	}
	if (n && (c == '\n' || c == '\t' || text_is_fit(c)))
		return append(out, rest.p, n);
	return append(out, replacement, REPLACEMENT_LEN);
}

char *text_body(struct slice text)
{
	char *out = malloc(text.n * REPLACEMENT_LEN + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	while (text.n)
		n += take(out + n, &text);
	out[n] = '\0';
	return out;
}
