/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/multipart.h"

#include <stdbool.h>
#include <string.h>

/* Without what ends it. */
static struct slice take_line(struct slice *text)
{
	struct slice line = slice_cut(text, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* "--boundary", and "--boundary--" behind the last part. */
static bool is_divider(struct slice line, struct slice boundary, bool *last)
{
	struct slice rest = { line.p + 2, line.n - 2 };

	if (line.n < boundary.n + 2 || memcmp(line.p, "--", 2) != 0 ||
	    memcmp(rest.p, boundary.p, boundary.n) != 0)
		return false;
	rest.p += boundary.n;
	rest.n -= boundary.n;
	*last = rest.n >= 2 && !memcmp(rest.p, "--", 2);
	return *last || !slice_trim(rest).n;
}

/* Up to the next divider, without the line end before it. @rest goes behind. */
static struct slice take_part(struct slice *rest, struct slice boundary,
			      bool *last)
{
	struct slice part = *rest;

	*last = true; /* what is cut off has no other */
	while (rest->n) {
		const char *end = rest->p;

		if (!is_divider(take_line(rest), boundary, last)) {
			*last = true;
			continue;
		}
		part.n = (size_t)(end - part.p);
		if (part.n && part.p[part.n - 1] == '\n')
			part.n--;
		if (part.n && part.p[part.n - 1] == '\r')
			part.n--;
		return part;
	}
	return part;
}

/* Whether its header says so; then *@part is what stands behind it. */
static bool is_of_type(struct slice *part, const char *type)
{
	bool found = false;

	while (part->n) {
		struct slice value = take_line(part);
		struct slice name;

		if (!value.n)
			return found;
		name = slice_trim(slice_cut(&value, ':'));
		if (slice_is_nocase(name, "Content-Type") ||
		    slice_is_nocase(name, "c"))
			found = slice_is_nocase(
				slice_trim(slice_cut(&value, ';')), type);
	}
	return false;
}

struct slice sip_multipart_find(struct slice body, struct slice boundary,
				const char *type)
{
	bool last;

	if (!boundary.n || boundary.n > SIP_BOUNDARY_MAX)
		return SLICE_NONE;
	take_part(&body, boundary, &last); /* what stands before the first */
	while (!last) {
		struct slice part = take_part(&body, boundary, &last);

		if (is_of_type(&part, type))
			return part;
	}
	return SLICE_NONE;
}
