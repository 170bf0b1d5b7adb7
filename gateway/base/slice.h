/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A view into somebody else's octets: it owns nothing and never outlives them.
 * Text in a slice has no terminating NUL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_NONE ((struct slice){ NULL, 0 })
/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).n, (s).p

/* @text may be NULL: the empty slice. */
static inline struct slice slice_of(const char *text)
{
	return (struct slice){ text, text ? strlen(text) : 0 };
}

static inline bool slice_is(struct slice s, const char *text)
{
	return s.n == strlen(text) && (!s.n || !memcmp(s.p, text, s.n));
}

static inline bool slice_is_nocase(struct slice s, const char *text)
{
	return s.n == strlen(text) && (!s.n || !strncasecmp(s.p, text, s.n));
}

/*
 * Cut @s at the first @sep: returns what stands before it and leaves in @s what
 * follows. Without @sep all of @s is returned and @s becomes empty.
 */
static inline struct slice slice_cut(struct slice *s, char sep)
{
	const char *at = s->n ? memchr(s->p, sep, s->n) : NULL;
	struct slice head = { s->p, at ? (size_t)(at - s->p) : s->n };
	size_t used = at ? head.n + 1 : head.n;

	s->p = s->p ? s->p + used : NULL;
	s->n -= used;
	return head;
}

static inline struct slice slice_trim(struct slice s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}
