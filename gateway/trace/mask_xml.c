/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/mask.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/trace/mask_int.h"

static bool is_one_of(struct slice s, const char *const *list)
{
	while (*list && !slice_is(s, *list))
		list++;
	return *list;
}

/* The name of an element or attribute, without a prefix. */
static struct slice local_name(struct slice name)
{
	const char *colon = name.n ? memchr(name.p, ':', name.n) : NULL;
	size_t skip = colon ? (size_t)(colon - name.p) + 1 : 0;

	return (struct slice){ name.p + skip, name.n - skip };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice take_name(struct slice *tag)
{
	struct slice name = { tag->p, 0 };

	while (name.n < tag->n && !is_space(tag->p[name.n]) &&
	       !strchr("=/>", tag->p[name.n]))
		name.n++;
	tag->p += name.n;
	tag->n -= name.n;
	return local_name(name);
}

/* @all: links, and what pictures are called, in what people write. */
static bool is_secret(struct slice element, struct slice name, bool all)
{
	static const char *const secrets[] = {
		"key-params", "pwd",    "password", "url", "href",
		"src",        "target", "token",    NULL
	};

	return is_one_of(name, secrets) || (all && !slice_is(name, "xmlns")) ||
	       (slice_is(element, "dtmf") && slice_is(name, "code")) ||
	       (slice_is(element, "reference") && slice_is(name, "uri"));
}

/* Attributes behind the element's name. */
static void mask_attrs(char *message, struct slice element, struct slice tag,
		       bool all)
{
	while (tag.n) {
		if (is_space(*tag.p) || *tag.p == '/') {
			tag.p++;
			tag.n--;
			continue;
		}
		struct slice name = take_name(&tag), value;
		char quote = tag.n > 1 && *tag.p == '=' ? tag.p[1] : '\0';

		if (quote != '\'' && quote != '"')
			return; /* not of our serializer */
		tag.p += 2;
		tag.n -= 2;
		value = slice_cut(&tag, quote);
		if (is_secret(element, name, all))
			mask_cover(message, message, value);
	}
}

/* Where the tag that begins behind '<' ends: quotes may hide its '>'. */
static struct slice take_tag(struct slice *rest)
{
	struct slice tag = { rest->p, 0 };
	char quote = '\0';

	for (; tag.n < rest->n; tag.n++) {
		char c = rest->p[tag.n];

		if (quote ? c == quote : c == '\'' || c == '"')
			quote = quote ? '\0' : c;
		else if (!quote && c == '>')
			break;
	}
	size_t used = tag.n < rest->n ? tag.n + 1 : tag.n;
	rest->p += used;
	rest->n -= used;
	return tag;
}

/* Where a stanza is read: depths are of elements, 0 none. */
struct place {
	unsigned depth;
	unsigned hidden;     /* what people write: attributes too */
	unsigned registered; /* XEP-0077: any field may be a secret */
	bool is_told;        /* the text that follows is no secret */
};

/* Words of programs to people, and about themselves: all other text that is in
 * elements is covered. */
static bool is_harmless(struct slice element)
{
	static const char *const harmless[] = {
		"text",  "show",         "priority", "name", "version", "os",
		"title", "instructions", "utc",      "tzo",  NULL
	};

	return is_one_of(element, harmless);
}

static void enter(struct place *at, struct slice element, struct slice attrs)
{
	static const char registration[] = "jabber:iq:register";
	static const char *const private[] = {
		"body", "html",   "subject",   "value",   "password", "secret",
		"key",  "token",  "handshake", "url",     "desc",     "file",
		"data", "header", "payload",   "openpgp", "vcard",    NULL
	};

	at->depth++;
	if (!at->hidden && is_one_of(element, private))
		at->hidden = at->depth;
	if (!at->registered &&
	    memmem(attrs.p, attrs.n, registration, sizeof(registration) - 1))
		at->registered = at->depth;
	at->is_told = !at->hidden && !at->registered && is_harmless(element);
}

static void leave(struct place *at)
{
	at->hidden = at->hidden == at->depth ? 0 : at->hidden;
	at->registered = at->registered == at->depth ? 0 : at->registered;
	at->depth -= at->depth > 0;
}

void mask_xml(char *p, size_t n)
{
	struct slice rest = { p, n };
	struct place at = { .depth = 0 };

	while (rest.n) {
		struct slice text = slice_cut(&rest, '<');
		struct slice tag = take_tag(&rest), left = tag;

		if (at.depth && !at.is_told)
			mask_cover(p, p, text);
		at.is_told = false;
		if (!tag.n)
			continue;
		if (*tag.p == '/') {
			leave(&at);
			continue;
		}
		struct slice element = take_name(&left);

		mask_attrs(p, element, left, at.hidden);
		if (tag.p[tag.n - 1] != '/')
			enter(&at, element, left);
	}
}
