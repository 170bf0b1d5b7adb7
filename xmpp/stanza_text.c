/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XML 1.0, 2.2 (Char) and 2.4 (escapes); Namespaces in XML 1.0 by default
 * declarations alone, so that no prefix is ever undeclared.
 */
#include "xmpp/stanza_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/base/text_file.h"

struct writer {
	FILE *file;
	size_t n, max;
	const char *ns; /* the default namespace here */
	unsigned depth;
};

static int put(struct writer *w, struct slice s)
{
	if (s.n > w->max - w->n)
		return STANZA_TEXT_E_SIZE;
	w->n += s.n;
	return fwrite(s.p, 1, s.n, w->file) == s.n ? 0 : -ENOMEM;
}

static int put_string(struct writer *w, const char *s)
{
	return put(w, slice_of(s));
}

static bool is_char(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c != 0xfffe && c != 0xffff;
}

/* NULL: @c stands for itself. Line ends in attributes would become blanks. */
static const char *escape(uint32_t c, bool in_attr)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return in_attr ? "&apos;" : NULL;
	case '"':
		return in_attr ? "&quot;" : NULL;
	case '\t':
		return in_attr ? "&#9;" : NULL;
	case '\n':
		return in_attr ? "&#10;" : NULL;
	case '\r':
		return "&#13;";
	default:
		return NULL;
	}
}

static int put_escaped(struct writer *w, const char *text, bool in_attr)
{
	struct slice s = slice_of(text);

	while (s.n) {
		uint32_t c = 0;
		size_t n = text_utf8(s, &c);
		if (!n || !is_char(c))
			return STANZA_TEXT_E_CHARS;
		const char *as = escape(c, in_attr);
		int r = put(w, as ? slice_of(as) : (struct slice){ s.p, n });
		if (r)
			return r;
		s.p += n;
		s.n -= n;
	}
	return 0;
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/*
 * ASCII alone: no name in XMPP needs more, and XML's tables of name characters
 * differ between its editions and parsers.
 */
static bool is_name(const char *name)
{
	if (!is_name_start(name[0]) || strlen(name) > STANZA_NAME_MAX)
		return false;
	for (const char *p = name; *p; p++) {
		bool digit = *p >= '0' && *p <= '9';
		if (!is_name_start(*p) && !digit && *p != '-' && *p != '.')
			return false;
	}
	return true;
}

static int put_attr(const char *name, const char *value, void *arg)
{
	struct writer *w = arg;
	bool is_lang = !strcmp(name, "xml:lang");

	if (!is_lang && (!is_name(name) || !strcmp(name, "xmlns")))
		return STANZA_TEXT_E_NAME;
	int r = put_string(w, " ");
	if (!r)
		r = put_string(w, name);
	if (!r)
		r = put_string(w, "='");
	if (!r)
		r = put_escaped(w, value, true);
	return r ? r : put_string(w, "'");
}

static int put_text(const char *text, void *arg)
{
	return put_escaped(arg, text, false);
}

/* Namespaces in XML, 3: these two must not be declared as default. */
static bool is_reserved(const char *ns)
{
	return !strcmp(ns, "http://www.w3.org/XML/1998/namespace") ||
	       !strcmp(ns, "http://www.w3.org/2000/xmlns/");
}

static int put_ns(struct writer *w, const char *ns)
{
	if (!strcmp(ns, w->ns))
		return 0;
	if (is_reserved(ns))
		return STANZA_TEXT_E_NAME;
	int r = put_string(w, " xmlns='");
	if (!r)
		r = put_escaped(w, ns, true);
	return r ? r : put_string(w, "'");
}

static int put_element(const struct stanza *st, void *arg);

static const struct stanza_walk walk = { put_attr, put_text, put_element };

static int put_children(struct writer *w, const struct stanza *st)
{
	const char *outer = w->ns;

	if (stanza_is_empty(st))
		return put_string(w, "/>");
	w->ns = stanza_ns(st);
	int r = put_string(w, ">");
	if (!r)
		r = stanza_walk_children(st, &walk, w);
	w->ns = outer;
	if (!r)
		r = put_string(w, "</");
	if (!r)
		r = put_string(w, stanza_name(st));
	return r ? r : put_string(w, ">");
}

static int put_element(const struct stanza *st, void *arg)
{
	struct writer *w = arg;

	if (!is_name(stanza_name(st)))
		return STANZA_TEXT_E_NAME;
	if (w->depth == STANZA_DEPTH_MAX)
		return STANZA_TEXT_E_SIZE;
	w->depth++;
	int r = put_string(w, "<");
	if (!r)
		r = put_string(w, stanza_name(st));
	if (!r)
		r = put_ns(w, stanza_ns(st));
	if (!r)
		r = stanza_walk_attrs(st, &walk, w);
	if (!r)
		r = put_children(w, st);
	w->depth--;
	return r;
}

int stanza_format(const struct stanza *st, size_t max, char **out, size_t *n)
{
	struct text_file file;
	struct writer w = { .max = max ? max : STANZA_TEXT_MAX,
			    .ns = STANZA_NS };

	if (!stanza_ok(st))
		return -ENOMEM;
	int r = text_file_open(&file);
	if (r)
		return r;
	w.file = file.to;
	r = put_element(st, &w);
	if (!r)
		return text_file_close(&file, out, n);
	text_file_drop(&file);
	return r;
}
