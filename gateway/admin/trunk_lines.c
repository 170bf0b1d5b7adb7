/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/trunk_lines.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"

/* A line that says a header. */
struct header {
	struct slice key, name, value; /* without quotes */
};

#define KEPT "(as it is"

struct cover {
	char s[sizeof(KEPT ", 18446744073709551615)")];
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

static bool is_as(const struct header *a, const struct header *b)
{
	return is_same(a->key, b->key) && is_same(a->name, b->name);
}

/* Of the @nth header of its name, from 0. */
static struct cover cover_of(size_t nth)
{
	struct cover out;

	if (nth)
		snprintf(out.s, sizeof(out.s), KEPT ", %zu)", nth + 1);
	else
		snprintf(out.s, sizeof(out.s), KEPT ")");
	return out;
}

/* False: @value is a value. */
static bool read_cover(size_t *nth, struct slice value)
{
	static const char more[] = KEPT ", ";
	size_t n = sizeof(more) - 1;
	uint64_t number;

	*nth = 0;
	if (slice_is(value, KEPT ")"))
		return true;
	if (value.n <= n || memcmp(value.p, more, n) != 0 ||
	    value.p[value.n - 1] != ')' ||
	    text_number((struct slice){ value.p + n, value.n - n - 1 },
			SIZE_MAX, &number) ||
	    !number)
		return false;
	*nth = (size_t)number - 1;
	return true;
}

/* ---- covered ---- */

/* As long as can be: a cover is longer than the shortest value. */
static char *room_for(const char *text)
{
	size_t n = strlen(text), lines = 1;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	return malloc(n + lines * sizeof(struct cover) + 1);
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

static char *put(char *at, const char *p, size_t n)
{
	memcpy(at, p, n);
	return at + n;
}

/* @line, with what follows the value too. */
static char *put_covered(char *at, struct slice line,
			 const struct header *header, size_t nth)
{
	const char *end = header->value.p + header->value.n;
	struct cover cover = cover_of(nth);

	at = put(at, line.p, (size_t)(header->value.p - line.p));
	at = put(at, cover.s, strlen(cover.s));
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
		at = read_header(&header, line)
			     ? put_covered(at, line, &header,
					   count_before(more, line.p, &header))
			     : put(at, line.p, line.n);
	}
	if (text)
		*at = '\0';
	return text;
}

/* ---- and back ---- */

/* False: @line has no value that is kept. */
static bool read_kept(struct header *out, size_t *nth, struct slice line)
{
	return read_header(out, line) && read_cover(nth, out->value);
}

bool trunk_lines_keep(const char *said)
{
	struct slice rest = slice_of(said);
	struct header header;
	size_t nth;

	while (rest.n) {
		if (read_kept(&header, &nth, slice_cut(&rest, '\n')))
			return true;
	}
	return false;
}

/* Each line of what was is found once. */
static bool is_said_before(const char *text, const char *end,
			   const struct header *like, size_t nth)
{
	struct slice rest = { text, (size_t)(end - text) };
	struct header header;
	size_t other;

	while (rest.n) {
		if (read_kept(&header, &other, slice_cut(&rest, '\n')) &&
		    other == nth && is_as(&header, like))
			return true;
	}
	return false;
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

/* The line that @kept, a line of @said, stands for; empty: there is none. */
static struct slice uncovered(const char *said, struct slice kept,
			      const char *old)
{
	struct header header;
	size_t nth;

	if (!read_kept(&header, &nth, kept))
		return kept;
	return is_said_before(said, kept.p, &header, nth)
		       ? SLICE_NONE
		       : find_line(old, &header, nth);
}

int trunk_lines_uncover(char **out, const char *said, const char *old)
{
	struct slice rest = slice_of(said);
	/* Each line of @old is found once. */
	char *text = malloc(strlen(said) + strlen(old) + 1), *at = text;

	while (text && rest.n) {
		struct slice line = slice_cut(&rest, '\n');
		struct slice mark = { line.p, 0 };
		struct slice is = uncovered(said, line, old);

		if (line.n && !is.n) {
			*at = '\0';
			text_wipe(text);
			return TRUNK_LINES_E_UNKNOWN;
		}
		/* Whether it is taken out is said anew. */
		if (is.p != line.p) {
			mark = cut_mark(&line);
			(void)cut_mark(&is);
		}
		if (at > text)
			*at++ = '\n';
		at = put(at, mark.p, mark.n);
		at = put(at, is.p, is.n);
	}
	if (!text)
		return -ENOMEM;
	*at = '\0';
	*out = text;
	return 0;
}
