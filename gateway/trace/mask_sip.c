/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/mask.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/trace/mask_int.h"
#include "sip/field.h"

static bool begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && !strncasecmp(s.p, with, n);
}

/* ---- fields ---- */

/* Answers to challenges: the scheme says something, a word alone is none. */
static bool is_proof(struct slice name)
{
	return sip_field_is(name, "Authorization", 0) ||
	       sip_field_is(name, "Proxy-Authorization", 0);
}

/* The other side's proof, which has no scheme (RFC 7615), a signature (RFC
 * 8224), what people write, and what applications tell each other (RFC 7433).
 */
static bool is_secret(struct slice name)
{
	return sip_field_is(name, "Authentication-Info", 0) ||
	       sip_field_is(name, "Proxy-Authentication-Info", 0) ||
	       sip_field_is(name, "Identity", 'y') ||
	       sip_field_is(name, "Subject", 's') ||
	       sip_field_is(name, "User-to-User", 0);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice behind_word(struct slice value)
{
	size_t n = 0;

	while (n < value.n && !is_blank(value.p[n]))
		n++;
	while (n < value.n && is_blank(value.p[n]))
		n++;
	return n < value.n ? (struct slice){ value.p + n, value.n - n } : value;
}

/* "sip:user:password@host" (RFC 3261, 19.1.1): from the user on. */
static void mask_userinfo(char *message, struct slice rest)
{
	size_t n = 0, colon = 0;

	while (n < rest.n && !strchr("@ \t\r\n<>\"", rest.p[n])) {
		if (rest.p[n] == ':' && !colon)
			colon = n + 1;
		n++;
	}
	if (colon && n < rest.n && rest.p[n] == '@')
		mask_cover(message, message,
			   (struct slice){ rest.p + colon, n - colon });
}

static void mask_uris(char *message, struct slice text)
{
	const char *end = text.p + text.n, *at;

	while ((at = text.n ? memchr(text.p, ':', text.n) : NULL)) {
		struct slice rest = { at + 1, (size_t)(end - at - 1) };
		size_t before = (size_t)(at - text.p);

		if ((before >= 3 && !strncasecmp(at - 3, "sip", 3)) ||
		    (before >= 4 && !strncasecmp(at - 4, "sips", 4)))
			mask_userinfo(message, rest);
		text = rest;
	}
}

/* ---- bodies ---- */

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
		mask_cover(message, message, (struct slice){ rest.p, n });
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
			mask_cover(message, message,
				   (struct slice){ line.p + n, line.n - n });
	}
}

/* What is not covered whole: SDP, and what tells of calls and mailboxes. Who
 * does not say what it is sends SDP. */
static bool is_open_type(struct slice type)
{
	static const char *const types[] = {
		"", "application/sdp", "message/sipfrag",
		"application/simple-message-summary"
	};
	struct slice bare = slice_trim(slice_cut(&type, ';'));

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (slice_is_nocase(bare, types[i]))
			return true;
	}
	return false;
}

static void mask_body(char *message, struct slice body, struct slice type)
{
	if (!is_open_type(type))
		mask_cover(message, message, body);
	while (body.n)
		mask_sdp_line(message, sip_first_line(&body));
}

/* Up to the next line that begins with @boundary, which leaves @rest behind it.
 */
static struct slice cut_part(struct slice *rest, struct slice boundary)
{
	struct slice part = { rest->p, 0 };

	while (rest->n) {
		struct slice line = sip_first_line(rest);

		if (line.n >= boundary.n &&
		    !memcmp(line.p, boundary.p, boundary.n))
			break;
		part.n = (size_t)(rest->p - part.p);
	}
	return part;
}

/* RFC 2046, 5.1.1: the first line that begins with two hyphens says what all
 * between the parts begin with; what people write has such lines, too. */
static void mask_parts(char *message, struct slice rest)
{
	struct slice boundary = SLICE_NONE;

	while (rest.n && !begins(boundary, "--"))
		boundary = slice_trim(sip_first_line(&rest));
	while (rest.n) {
		struct slice part = cut_part(&rest, boundary), name, value;
		struct slice type = slice_of("text/plain"); /* 5.1 */

		while (sip_next_field(&part, &name, &value)) {
			if (sip_field_is(name, "Content-Type", 'c'))
				type = value;
		}
		mask_body(message, part, type);
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

/* ---- messages ---- */

void mask_sip(char *p, size_t n)
{
	struct slice rest = { p, n }, name, value;
	struct slice cseq = SLICE_NONE, type = SLICE_NONE;
	struct slice first = sip_first_line(&rest);

	while (sip_next_field(&rest, &name, &value)) {
		if (is_proof(name))
			mask_cover(p, p, behind_word(value));
		else if (is_secret(name))
			mask_cover(p, p, value);
		else if (sip_field_is(name, "CSeq", 0))
			cseq = value;
		else if (sip_field_is(name, "Content-Type", 'c'))
			type = value;
	}
	mask_uris(p, (struct slice){ p, n - rest.n });
	if (is_private(first, cseq))
		mask_cover(p, p, rest);
	else if (begins(type, "multipart/"))
		mask_parts(p, rest);
	else
		mask_body(p, rest, type);
}

void mask_sip_header(char *p, size_t n, const char *header)
{
	struct slice rest = { p, n }, name, value, is = slice_of(header);
	struct slice secret = slice_trim(slice_cut(&is, ':'));

	sip_first_line(&rest);
	while (secret.n && sip_next_field(&rest, &name, &value)) {
		if (name.n == secret.n &&
		    !strncasecmp(name.p, secret.p, name.n))
			mask_cover(p, p, value);
	}
}
