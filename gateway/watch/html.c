/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/html.h"

#include <assert.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"

enum { FORMATTED_CAP = 1024 };

static void put(struct html *h, const char *text, size_t n)
{
	if (evbuffer_add(h->out, text, n))
		h->failed = -ENOMEM;
}

static void put_text(struct html *h, const char *text)
{
	put(h, text, strlen(text));
}

static void put_escaped(struct html *h, const char *text)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{ '&', "&amp;" },  { '<', "&lt;" },   { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};
	struct slice s = slice_of(text);

	while (s.n) {
		const char *instead = NULL;
		uint32_t c = 0;
		size_t n = text_utf8(s, &c);

		if (!n || !text_is_fit(c))
			instead = "\xef\xbf\xbd";
		for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]);
		     i++) {
			if (n == 1 && *s.p == entities[i].c)
				instead = entities[i].entity;
		}
		n = n ? n : 1;
		if (instead)
			put_text(h, instead);
		else
			put(h, s.p, n);
		s.p += n;
		s.n -= n;
	}
}

static void end_tag(struct html *h)
{
	if (h->in_tag)
		put_text(h, ">");
	h->in_tag = false;
}

void html_begin(struct html *h, struct evbuffer *out)
{
	*h = (struct html){ .out = out };
	put_text(h, "<!DOCTYPE html>\n");
}

int html_end(struct html *h)
{
	assert(!h->depth);
	end_tag(h);
	put_text(h, "\n");
	return h->failed;
}

void html_void(struct html *h, const char *name)
{
	end_tag(h);
	put_text(h, "<");
	put_text(h, name);
	h->in_tag = true;
}

void html_open(struct html *h, const char *name)
{
	assert(h->depth < HTML_DEPTH);
	html_void(h, name);
	h->open[h->depth++] = name;
}

void html_attr(struct html *h, const char *name, const char *value)
{
	assert(h->in_tag);
	put_text(h, " ");
	put_text(h, name);
	put_text(h, "=\"");
	put_escaped(h, value);
	put_text(h, "\"");
}

PRINTF(3, 0)
static bool format(struct html *h, char out[static FORMATTED_CAP],
		   const char *fmt, va_list ap)
{
	int n = vsnprintf(out, FORMATTED_CAP, fmt, ap);

	if (n < 0 || n >= FORMATTED_CAP)
		h->failed = -EMSGSIZE;
	return !h->failed;
}

void html_attrf(struct html *h, const char *name, const char *fmt, ...)
{
	char text[FORMATTED_CAP];
	va_list ap;

	va_start(ap, fmt);
	if (format(h, text, fmt, ap))
		html_attr(h, name, text);
	va_end(ap);
}

void html_text(struct html *h, const char *text)
{
	end_tag(h);
	put_escaped(h, text);
}

void html_textf(struct html *h, const char *fmt, ...)
{
	char text[FORMATTED_CAP];
	va_list ap;

	va_start(ap, fmt);
	if (format(h, text, fmt, ap))
		html_text(h, text);
	va_end(ap);
}

void html_close(struct html *h)
{
	assert(h->depth);
	end_tag(h);
	put_text(h, "</");
	put_text(h, h->open[--h->depth]);
	put_text(h, ">");
}

void html_element(struct html *h, const char *name, const char *class_name,
		  const char *text)
{
	html_open(h, name);
	if (class_name)
		html_attr(h, "class", class_name);
	html_text(h, text);
	html_close(h);
}
