/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * HTML that is written element by element: whatever stands in a text or an
 * attribute stays text. What is no character for people becomes U+FFFD.
 *
 *     html_open(h, "td");
 *     html_attr(h, "class", "number");
 *     html_textf(h, "%u", n);
 *     html_close(h);
 *
 * Errors stick: html_end() tells.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct evbuffer;

enum { HTML_DEPTH = 24 };

struct html {
	struct evbuffer *out;
	const char *open[HTML_DEPTH]; /* names, the outermost first */
	unsigned depth;
	bool in_tag; /* attributes may follow */
	int failed;
};

/* Writes the doctype to @out, which outlives @h. */
void html_begin(struct html *h, struct evbuffer *out);
/* All elements were closed. 0, -ENOMEM, or -EMSGSIZE (what one of the two with
 * a format made was longer than a KiB). */
CHECKED int html_end(struct html *h);

/* @name is a constant of ours. */
void html_open(struct html *h, const char *name);
/* At once after html_open() or html_void(). */
void html_attr(struct html *h, const char *name, const char *value);
void html_attrf(struct html *h, const char *name, const char *fmt, ...)
	PRINTF(3, 4);
/* NULL is nothing. */
void html_text(struct html *h, const char *text);
void html_textf(struct html *h, const char *fmt, ...) PRINTF(2, 3);
void html_close(struct html *h);
/* One that has no content: meta, link. */
void html_void(struct html *h, const char *name);
/* A whole element; @class NULL: none. */
void html_element(struct html *h, const char *name, const char *class_name,
		  const char *text);
