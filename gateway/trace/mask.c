/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/mask.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "sip/field.h"

static const char MASK = 'x';

/* Line ends stay, where a value is folded or a body has lines. */
static void cover(char *message, const char *base, struct slice what)
{
	char *p = message + (what.p - base);

	for (size_t i = 0; i < what.n; i++) {
		if (p[i] != '\r' && p[i] != '\n')
			p[i] = MASK;
	}
}

/* ---- SIP ---- */

static bool is_secret_field(struct slice name)
{
	return sip_field_is(name, "Authorization", 0) ||
	       sip_field_is(name, "Proxy-Authorization", 0) ||
	       sip_field_is(name, "Authentication-Info", 0) ||
	       sip_field_is(name, "Proxy-Authentication-Info", 0);
}

static bool begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && !strncasecmp(s.p, with, n);
}

/* All keys of a line: behind each "inline:". */
static void mask_crypto(char *message, struct slice line)
{
	static const char before[] = "inline:";
	const char *at;

	while ((at = memmem(line.p, line.n, before, sizeof(before) - 1))) {
		struct slice rest = { at + sizeof(before) - 1, 0 };

		rest.n = (size_t)(line.p + line.n - rest.p);
		size_t n = 0;
		while (n < rest.n && !strchr(" ;", rest.p[n]))
			n++;
		cover(message, message, (struct slice){ rest.p, n });
		line = (struct slice){ rest.p + n, rest.n - n };
	}
}

static void mask_sdp_line(char *message, struct slice line)
{
	static const char *const values[] = { "a=ice-pwd:", "a=key-mgmt:",
					      "k=" };

	if (begins(line, "a=crypto:"))
		mask_crypto(message, line);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t n = strlen(values[i]);

		if (begins(line, values[i]))
			cover(message, message,
			      (struct slice){ line.p + n, line.n - n });
	}
}

/* "INFO sip:…", or "CSeq: 1 INFO" of an answer. */
static bool is_private(struct slice first, struct slice cseq)
{
	slice_cut(&cseq, ' ');
	cseq = slice_trim(cseq);
	return begins(first, "MESSAGE ") || begins(first, "INFO ") ||
	       slice_is_nocase(cseq, "MESSAGE") ||
	       slice_is_nocase(cseq, "INFO");
}

void mask_sip(char *p, size_t n)
{
	struct slice rest = { p, n }, name, value, cseq = SLICE_NONE;
	struct slice first = sip_first_line(&rest);

	while (sip_next_field(&rest, &name, &value)) {
		if (is_secret_field(name)) {
			slice_cut(&value, ' '); /* the scheme says something */
			cover(p, p, value);
		} else if (sip_field_is(name, "CSeq", 0)) {
			cseq = value;
		}
	}
	if (is_private(first, cseq)) {
		cover(p, p, rest);
		return;
	}
	while (rest.n)
		mask_sdp_line(p, sip_first_line(&rest));
}

void mask_sip_header(char *p, size_t n, const char *header)
{
	struct slice rest = { p, n }, name, value, is = slice_of(header);
	struct slice secret = slice_trim(slice_cut(&is, ':'));

	sip_first_line(&rest);
	while (secret.n && sip_next_field(&rest, &name, &value)) {
		if (name.n == secret.n &&
		    !strncasecmp(name.p, secret.p, name.n))
			cover(p, p, value);
	}
}

/* ---- XMPP ---- */

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

/* Attributes behind the element's name; @all: links, and what pictures are
 * called, in what people write. */
static void mask_attrs(char *message, struct slice element, struct slice tag,
		       bool all)
{
	static const char *const secrets[] = { "key-params", "pwd", "password",
					       NULL };
	bool digits = slice_is(element, "dtmf");

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
		if (is_one_of(name, secrets) ||
		    (digits && slice_is(name, "code")) ||
		    (all && !slice_is(name, "xmlns")))
			cover(message, message, value);
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

void mask_xml(char *p, size_t n)
{
	static const char *const private[] = { "body",     "html",  "value",
					       "password", "url",   "secret",
					       "key",      "token", NULL };
	struct slice rest = { p, n };
	unsigned depth = 0, hidden = 0; /* the depth of the hidden one */

	while (rest.n) {
		struct slice text = slice_cut(&rest, '<');
		struct slice tag = take_tag(&rest), left = tag;

		if (hidden)
			cover(p, p, text);
		if (!tag.n)
			continue;
		if (*tag.p == '/') {
			hidden = hidden == depth ? 0 : hidden;
			depth -= depth > 0;
			continue;
		}
		struct slice element = take_name(&left);

		mask_attrs(p, element, left, hidden);
		if (tag.p[tag.n - 1] == '/')
			continue;
		depth++;
		if (!hidden && is_one_of(element, private))
			hidden = depth;
	}
}
