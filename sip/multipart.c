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

/* Its type and that one's parameters; then *@part is what stands behind its
 * header. False: that has no end. */
static bool take_header(struct slice *part, struct slice *type,
			struct slice *params)
{
	*type = *params = SLICE_NONE;
	while (part->n) {
		struct slice value = take_line(part);
		struct slice name;

		if (!value.n)
			return true;
		name = slice_trim(slice_cut(&value, ':'));
		if (slice_is_nocase(name, "Content-Type") ||
		    slice_is_nocase(name, "c")) {
			*type = slice_trim(slice_cut(&value, ';'));
			*params = value;
		}
	}
	return false;
}

static bool is_multipart(struct slice type)
{
	static const char prefix[] = "multipart/";
	size_t n = sizeof(prefix) - 1;

	return type.n > n && !strncasecmp(type.p, prefix, n);
}

static struct slice find_boundary(struct slice params)
{
	while (params.n) {
		struct slice value = slice_cut(&params, ';');
		struct slice name = slice_trim(slice_cut(&value, '='));

		if (!slice_is_nocase(name, "boundary"))
			continue;
		value = slice_trim(value);
		if (value.n < 2 || *value.p != '"')
			return value;
		return (struct slice){ value.p + 1, value.n - 2 };
	}
	return SLICE_NONE;
}

static struct slice find(struct slice body, struct slice boundary,
			 const char *type, unsigned depth)
{
	bool last;

	if (!boundary.n || boundary.n > SIP_BOUNDARY_MAX || !depth)
		return SLICE_NONE;
	take_part(&body, boundary, &last); /* what stands before the first */
	while (!last) {
		struct slice part = take_part(&body, boundary, &last);
		struct slice is, params;

		if (!take_header(&part, &is, &params))
			continue;
		if (slice_is_nocase(is, type))
			return part;
		if (is_multipart(is))
			part = find(part, find_boundary(params), type,
				    depth - 1);
		if (is_multipart(is) && part.n)
			return part;
	}
	return SLICE_NONE;
}

struct slice sip_multipart_find(struct slice body, struct slice boundary,
				const char *type)
{
	return find(body, boundary, type, SIP_MULTIPART_DEPTH);
}
