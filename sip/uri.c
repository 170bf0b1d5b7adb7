/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* RFC 3261, 19.1, 20.10 and 25.1; RFC 3966. */
#include "sip/uri.h"

#include <ctype.h>
#include <stdio.h>

#include "gateway/base/addr.h"
#include "gateway/base/text.h"

enum { PORT_MAX = 65535 };

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undo %xx once; no octet below a blank may come of it. */
static int unescape(char *dst, size_t cap, struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '%') {
			bool whole = i + 2 < s.n;
			int high = whole ? hex_value(s.p[i + 1]) : -1;
			int low = whole ? hex_value(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (unsigned char)(high << 4 | low);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return -EINVAL;
		if (n + 1 >= cap)
			return -EMSGSIZE;
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return 0;
}

static bool is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_' ||
	       c == ':';
}

static int parse_host(struct sip_uri *out, struct slice *s)
{
	struct slice host;

	if (s->n && *s->p == '[') {
		s->p++;
		s->n--;
		if (!memchr(s->p, ']', s->n))
			return -EINVAL;
		host = slice_cut(s, ']');
	} else {
		size_t n = 0;

		while (n < s->n && s->p[n] != ':')
			n++;
		host = (struct slice){ s->p, n };
		s->p += n;
		s->n -= n;
	}
	for (size_t i = 0; i < host.n; i++)
		if (!is_host_char(host.p[i]))
			return -EINVAL;
	if (!host.n)
		return -EINVAL;
	return text_copy(out->host, sizeof(out->host), host);
}

static int parse_hostport(struct sip_uri *out, struct slice s)
{
	uint64_t port;
	int r = parse_host(out, &s);

	if (r)
		return r;
	if (!s.n)
		return 0;
	if (*s.p != ':')
		return -EINVAL;
	s.p++;
	s.n--;
	if (text_number(s, PORT_MAX, &port) || !port)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

static const char *const transport_names[] = {
	[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"
};

const char *sip_transport_name(enum sip_transport transport)
{
	return transport_names[transport];
}

uint16_t sip_transport_port(enum sip_transport transport)
{
	return transport == SIP_TLS ? SIPS_PORT : SIP_PORT;
}

enum sip_transport sip_transport_find(struct slice name)
{
	unsigned i = 0;

	while (i < SIP_NTRANSPORTS &&
	       !slice_is_nocase(name, transport_names[i]))
		i++;
	return (enum sip_transport)i;
}

static int parse_transport(struct sip_uri *out, struct slice name)
{
	enum sip_transport found = sip_transport_find(name);

	out->has_transport = true;
	if (found == SIP_NTRANSPORTS || (out->sips && found == SIP_UDP))
		return -EPROTONOSUPPORT;
	/* "sips:…;transport=tcp" is TLS over TCP (RFC 3261, 26.2.2). */
	out->transport = out->sips ? SIP_TLS : found;
	return 0;
}

static int parse_params(struct sip_uri *out, struct slice params)
{
	out->transport = out->sips ? SIP_TLS : SIP_UDP;
	while (params.n) {
		struct slice value = slice_cut(&params, ';');
		struct slice name = slice_cut(&value, '=');

		if (slice_is_nocase(name, "transport") &&
		    parse_transport(out, value))
			return -EPROTONOSUPPORT;
	}
	return 0;
}

/*
 * "+1555;npdi;rn=…" is a number and what a carrier notes of it (RFC 3966, 3;
 * RFC 4694; verstat); in other users a `;` is a letter like any other.
 */
static struct slice cut_number(struct slice user)
{
	struct slice rest = user;
	struct slice number = slice_cut(&rest, ';');
	size_t i = number.n && *number.p == '+';

	while (i < number.n && strchr("0123456789-.()", number.p[i]))
		i++;
	return number.n && i == number.n ? number : user;
}

static int parse_sip(struct sip_uri *out, struct slice s)
{
	struct slice params = s;
	struct slice user = SLICE_NONE;
	struct slice before = slice_cut(&s, '?'); /* headers are dropped */
	const char *at;
	int r = 0;

	at = before.n ? memrchr(before.p, '@', before.n) : NULL;
	params = before;
	if (at) {
		user = (struct slice){ before.p, (size_t)(at - before.p) };
		params = (struct slice){ at + 1, before.n - user.n - 1 };
		user = slice_cut(&user, ':'); /* a password is dropped */
		r = unescape(out->user, sizeof(out->user), cut_number(user));
	}
	if (r)
		return r;
	struct slice hostport = slice_cut(&params, ';');

	r = parse_hostport(out, hostport);
	return r ? r : parse_params(out, params);
}

int sip_uri_parse(struct sip_uri *out, struct slice text)
{
	struct slice rest = slice_trim(text);
	struct slice scheme;

	*out = (struct sip_uri){ .transport = SIP_UDP };
	if (!rest.n || !memchr(rest.p, ':', rest.n))
		return -EINVAL;
	scheme = slice_cut(&rest, ':');
	if (slice_is_nocase(scheme, "tel")) {
		out->tel = true;
		return unescape(out->user, sizeof(out->user),
				slice_cut(&rest, ';'));
	}
	out->sips = slice_is_nocase(scheme, "sips");
	if (!out->sips && !slice_is_nocase(scheme, "sip"))
		return -EPROTONOSUPPORT;
	return parse_sip(out, rest);
}

/* The quoted string at the start of *@s, which is left behind it. */
static int take_quoted(char *dst, size_t cap, struct slice *s)
{
	size_t n = 0;
	size_t i = 1;

	for (; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && i + 1 < s->n)
			i++;
		if (n + 1 < cap)
			dst[n++] = s->p[i];
	}
	dst[n] = '\0';
	if (i >= s->n)
		return -EINVAL;
	s->p += i + 1;
	s->n -= i + 1;
	return 0;
}

int sip_name_addr_parse(struct sip_uri *out,
			char display[static SIP_DISPLAY_CAP],
			struct slice value)
{
	char raw[SIP_DISPLAY_CAP * 2] = "";
	struct slice s = slice_trim(value);
	struct slice uri = s;
	int r = 0;

	display[0] = '\0';
	if (s.n && *s.p == '"') {
		r = take_quoted(raw, sizeof(raw), &s);
		uri = s;
	}
	if (r)
		return r;
	if (s.n && memchr(s.p, '<', s.n)) {
		struct slice name = slice_trim(slice_cut(&s, '<'));

		if (!raw[0] && name.n)
			r = text_copy(raw, sizeof(raw), name);
		if (r || !memchr(s.p, '>', s.n))
			return -EINVAL;
		uri = slice_cut(&s, '>');
	} else {
		/* Without brackets what follows `;` is the header's. */
		uri = slice_cut(&s, ';');
	}
	text_clean(display, SIP_DISPLAY_CAP, slice_of(raw));
	return sip_uri_parse(out, uri);
}

/* RFC 3261, 25.1: unreserved, and user-unreserved but for `;` and `?`, which
 * too many peers take for the end. */
static bool is_user_char(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || strchr("-_.!~*'()&=+$,/", c));
}

int sip_user_format(char out[static SIP_USER_TEXT_CAP], const char *user)
{
	size_t n = 0;

	for (const unsigned char *p = (const unsigned char *)user; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return -EINVAL;
		if (n + 4 > SIP_USER_TEXT_CAP)
			return -EMSGSIZE;
		if (is_user_char(*p)) {
			out[n++] = (char)*p;
		} else {
			snprintf(out + n, 4, "%%%02X", *p);
			n += 3;
		}
	}
	out[n] = '\0';
	return 0;
}

int sip_hostport_format(char out[static SIP_HOST_CAP + 16], const char *host,
			uint16_t port)
{
	bool v6 = strchr(host, ':') != NULL;
	char tail[8] = "";

	if (port && text_format(tail, sizeof(tail), ":%u", port))
		return -EMSGSIZE;
	return text_format(out, SIP_HOST_CAP + 16, "%s%s%s%s", v6 ? "[" : "",
			   host, v6 ? "]" : "", tail);
}

void sip_quoted_format(char *out, size_t cap, const char *text)
{
	char clean[SIP_DISPLAY_CAP];
	size_t n = 0;

	text_clean(clean, sizeof(clean), slice_of(text));
	for (const char *p = clean; *p && n + 3 < cap; p++) {
		unsigned char c = (unsigned char)*p;

		/* TAB, LF and CR are fit for bodies only. */
		if (c < 0x20) {
			out[n++] = ' ';
			continue;
		}
		if (c == '"' || c == '\\')
			out[n++] = '\\';
		out[n++] = (char)c;
	}
	out[n] = '\0';
}

int sip_name_addr_format(char out[static SIP_NAME_ADDR_CAP],
			 const char *display, const char *user,
			 const char *hostport)
{
	char quoted[2 * SIP_DISPLAY_CAP] = "";
	char escaped[SIP_USER_TEXT_CAP] = "";
	bool has_user = user && *user;
	bool named = display && *display;
	int r = has_user ? sip_user_format(escaped, user) : 0;

	if (r)
		return r;
	if (named)
		sip_quoted_format(quoted, sizeof(quoted), display);
	return text_format(out, SIP_NAME_ADDR_CAP, "%s%s%s<sip:%s%s%s>",
			   named ? "\"" : "", quoted, named ? "\" " : "",
			   escaped, has_user ? "@" : "", hostport);
}
