/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/trunk_lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"

static const char cover[] = "(as it is)";

/* A line that says a header. */
struct header {
	struct slice key, name, value; /* without quotes */
};

static struct slice unquoted(struct slice text)
{
	if (text.n && text.p[0] == '"') {
		text.p++;
		text.n--;
	}
	if (text.n && text.p[text.n - 1] == '"')
		text.n--;
	return text;
}

static bool is_same(struct slice a, struct slice b)
{
	return a.n == b.n && !memcmp(a.p, b.p, a.n);
}

/* Cut from @line what it begins with: whether it is taken out (#). */
static struct slice cut_mark(struct slice *line)
{
	struct slice mark = { line->p, 0 };

	while (mark.n < line->n && strchr("# \t", line->p[mark.n]))
		mark.n++;
	line->p += mark.n;
	line->n -= mark.n;
	return mark;
}

/* False: @line says none. One that is taken out may be put back. */
static bool read_header(struct header *out, struct slice line)
{
	(void)cut_mark(&line);
	out->key = slice_trim(slice_cut(&line, '='));
	out->value = unquoted(slice_trim(line));
	out->name = slice_trim(slice_cut(&out->value, ':'));
	out->value = slice_trim(out->value);
	return out->value.n &&
	       (slice_is(out->key, "token") || slice_is(out->key, "headers"));
}

/* ---- covered ---- */

/* As long as can be: a cover is longer than the shortest value. */
static char *room_for(const char *text)
{
	size_t n = strlen(text), lines = 1;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	return malloc(n + lines * sizeof(cover) + 1);
}

static char *put(char *at, const char *p, size_t n)
{
	memcpy(at, p, n);
	return at + n;
}

/* @line, with what follows the value too. */
static char *put_covered(char *at, struct slice line,
			 const struct header *header)
{
	const char *end = header->value.p + header->value.n;

	at = put(at, line.p, (size_t)(header->value.p - line.p));
	at = put(at, cover, sizeof(cover) - 1);
	return put(at, end, (size_t)(line.p + line.n - end));
}

char *trunk_lines_cover(const char *more)
{
	struct slice rest = slice_of(more);
	char *text = room_for(more), *at = text;

	while (text && rest.n) {
		struct slice line = slice_cut(&rest, '\n');
		struct header header;

		if (at > text)
			*at++ = '\n';
		at = read_header(&header, line) ? put_covered(at, line, &header)
						: put(at, line.p, line.n);
	}
	if (text)
		*at = '\0';
	return text;
}

/* ---- and back ---- */

static bool is_as(const struct header *a, const struct header *b)
{
	return is_same(a->key, b->key) && is_same(a->name, b->name);
}

/* How many lines of @text before @end say the same header. */
static size_t count_before(const char *text, const char *end,
			   const struct header *like)
{
	struct slice rest = { text, (size_t)(end - text) };
	struct header header;
	size_t n = 0;

	while (rest.n)
		n += read_header(&header, slice_cut(&rest, '\n')) &&
		     is_as(&header, like);
	return n;
}

/* The @nth line of @old that says such a header; empty: there is none. */
static struct slice find_line(const char *old, const struct header *like,
			      size_t nth)
{
	struct slice rest = slice_of(old), line;
	struct header header;

	while (rest.n) {
		line = slice_cut(&rest, '\n');
		if (read_header(&header, line) && is_as(&header, like) &&
		    !nth--)
			return line;
	}
	return SLICE_NONE;
}

int trunk_lines_uncover(char **out, const char *said, const char *old)
{
	struct slice rest = slice_of(said);
	/* Each line of @old is found once. */
	char *text = malloc(strlen(said) + strlen(old) + 1), *at = text;

	while (text && rest.n) {
		struct slice line = slice_cut(&rest, '\n');
		struct slice mark = { line.p, 0 };
		struct header header;

		if (read_header(&header, line) &&
		    slice_is(header.value, cover)) {
			size_t nth = count_before(said, line.p, &header);

			mark = cut_mark(&line);
			line = find_line(old, &header, nth);
			if (!line.n) {
				*at = '\0';
				text_wipe(text);
				return -EINVAL;
			}
			(void)cut_mark(&line);
		}
		if (at > text)
			*at++ = '\n';
		at = put(at, mark.p, mark.n);
		at = put(at, line.p, line.n);
	}
	if (!text)
		return -ENOMEM;
	*at = '\0';
	*out = text;
	return 0;
}
