/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/field.h"

static struct slice next_line(struct slice *text)
{
	struct slice line = slice_cut(text, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

struct slice sip_first_line(struct slice *text)
{
	return next_line(text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice s)
{
	while (s.n && is_blank(*s.p)) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool sip_next_field(struct slice *text, struct slice *name, struct slice *value)
{
	struct slice field = next_line(text);

	if (!field.n)
		return false;
	while (text->n && (*text->p == ' ' || *text->p == '\t')) {
		struct slice more = next_line(text);

		field.n = (size_t)(more.p + more.n - field.p);
	}
	*name = trim(slice_cut(&field, ':'));
	*value = trim(field);
	return true;
}

bool sip_field_is(struct slice name, const char *full, char compact)
{
	return slice_is_nocase(name, full) ||
	       (compact && name.n == 1 && (*name.p | 0x20) == compact);
}

struct slice sip_find_field(struct slice text, const char *full, char compact)
{
	struct slice name, value;

	sip_first_line(&text);
	while (sip_next_field(&text, &name, &value)) {
		if (sip_field_is(name, full, compact))
			return value;
	}
	return SLICE_NONE;
}
