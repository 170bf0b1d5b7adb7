/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Jabber identifiers: the parts and characters of RFC 7622, 3, and XEP-0106.
 */
#include "xmpp/jid.h"

#include "gateway/base/text.h"

/* RFC 7622, 3.3.1; XEP-0106, 4.2 escapes just these and the space. */
static const char local_forbidden[] = "\"&'/:<>@ ";
/* What neither a host name, an IP literal nor a U-label has. */
static const char domain_forbidden[] = "\"&'/<>@ \\";

static const struct {
	char plain;
	char hex[3];
} escapes[] = {
	{ ' ', "20" }, { '"', "22" },  { '&', "26" }, { '\'', "27" },
	{ '/', "2f" }, { ':', "3a" },  { '<', "3c" }, { '>', "3e" },
	{ '@', "40" }, { '\\', "5c" },
};

enum { NESCAPES = sizeof(escapes) / sizeof(*escapes) };

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffe ||
	       c == 0xffff;
}

/* UTF-8 without control characters and without those in @forbidden. */
static bool is_clean(struct slice s, const char *forbidden)
{
	while (s.n) {
		uint32_t c = 0;
		size_t n = text_utf8(s, &c);
		if (!n || is_control(c))
			return false;
		if (c < 0x80 && strchr(forbidden, (int)c))
			return false;
		s.p += n;
		s.n -= n;
	}
	return true;
}

static bool is_part(struct slice s, const char *forbidden)
{
	return s.n && s.n <= JID_PART_MAX && is_clean(s, forbidden);
}

/* ".", "a..b": one dot at the end has been cut off. */
static bool has_empty_label(struct slice domain)
{
	while (domain.n && domain.p[domain.n - 1] != '.') {
		if (!slice_cut(&domain, '.').n)
			return true;
	}
	return domain.n;
}

int jid_parse(struct jid *out, const char *text)
{
	struct slice rest = slice_of(text);
	bool has_resource = rest.n && memchr(rest.p, '/', rest.n);
	struct slice bare = slice_cut(&rest, '/');
	bool has_local = bare.n && memchr(bare.p, '@', bare.n);
	struct jid jid = { .resource = rest };

	if (has_local)
		jid.local = slice_cut(&bare, '@');
	jid.domain = bare;
	/* RFC 7622, 3.2: a final dot is no part of the domain. */
	if (jid.domain.n && jid.domain.p[jid.domain.n - 1] == '.')
		jid.domain.n--;
	if (has_local && !is_part(jid.local, local_forbidden))
		return -EINVAL;
	if (!is_part(jid.domain, domain_forbidden) ||
	    has_empty_label(jid.domain))
		return -EINVAL;
	if (has_resource && !is_part(jid.resource, ""))
		return -EINVAL;
	*out = jid;
	return 0;
}

/* Text of a JID as it grows. */
struct writer {
	char *out;
	size_t cap, n;
	bool full;
};

static void put(struct writer *w, char c)
{
	if (w->n + 1 >= w->cap)
		w->full = true;
	else
		w->out[w->n++] = c;
}

static void put_slice(struct writer *w, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		put(w, s.p[i]);
}

static void put_lower(struct writer *w, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		put(w, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20)
						      : s.p[i]);
}

static int put_end(struct writer *w)
{
	if (w->full)
		w->n = 0;
	if (w->cap)
		w->out[w->n] = '\0';
	return w->full || !w->cap ? -EMSGSIZE : 0;
}

static int format(char *out, size_t cap, const char *text, bool full)
{
	struct writer w = { .out = out, .cap = cap };
	struct jid jid;

	if (cap)
		out[0] = '\0';
	int r = jid_parse(&jid, text);
	if (r)
		return r;
	put_lower(&w, jid.local);
	if (jid.local.n)
		put(&w, '@');
	put_lower(&w, jid.domain);
	if (full && jid.resource.n) {
		put(&w, '/');
		put_slice(&w, jid.resource);
	}
	return put_end(&w);
}

int jid_bare(char *out, size_t cap, const char *text)
{
	return format(out, cap, text, false);
}

int jid_full(char *out, size_t cap, const char *text)
{
	return format(out, cap, text, true);
}

void jid_account(char out[static JID_CAP], const char *text)
{
	if (jid_bare(out, JID_CAP, text))
		out[0] = '\0';
}

static bool same(const char *a, const char *b, bool full)
{
	char norm_a[JID_CAP], norm_b[JID_CAP];

	return !format(norm_a, sizeof(norm_a), a, full) &&
	       !format(norm_b, sizeof(norm_b), b, full) &&
	       !strcmp(norm_a, norm_b);
}

bool jid_same_bare(const char *a, const char *b)
{
	return same(a, b, false);
}

bool jid_same(const char *a, const char *b)
{
	return same(a, b, true);
}

static const char *hex_of(char plain)
{
	for (size_t i = 0; i < NESCAPES; i++)
		if (escapes[i].plain == plain)
			return escapes[i].hex;
	return NULL;
}

/*
 * The character that the two hexadecimal digits at the head of @s stand for;
 * NUL: none that is ever escaped.
 */
static char plain_of(struct slice s, bool any_case)
{
	if (s.n < 2)
		return '\0';
	struct slice hex = { s.p, 2 };
	for (size_t i = 0; i < NESCAPES; i++)
		if (any_case ? slice_is_nocase(hex, escapes[i].hex)
			     : slice_is(hex, escapes[i].hex))
			return escapes[i].plain;
	return '\0';
}

/*
 * XEP-0106, 4.2: a backslash is escaped only where it would otherwise begin an
 * escape. In any case of its digits, as servers fold localparts to lower case.
 */
static bool is_escaped(struct slice at)
{
	if (at.p[0] != '\\')
		return hex_of(at.p[0]) != NULL;
	return plain_of((struct slice){ at.p + 1, at.n - 1 }, true);
}

static bool has_outer_space(struct slice s)
{
	return s.n && (s.p[0] == ' ' || s.p[s.n - 1] == ' ');
}

/* Of localparts alone: both results are parts of a JID or stand for one. */
static int put_part_end(struct writer *w)
{
	if (w->n > JID_PART_MAX)
		w->full = true;
	return put_end(w);
}

int jid_escape(char *out, size_t cap, struct slice text)
{
	struct writer w = { .out = out, .cap = cap };

	if (cap)
		out[0] = '\0';
	if (has_outer_space(text) || !is_clean(text, ""))
		return -EINVAL;
	for (; text.n; text.p++, text.n--) {
		if (!is_escaped(text)) {
			put(&w, text.p[0]);
			continue;
		}
		put(&w, '\\');
		put_slice(&w, slice_of(hex_of(text.p[0])));
	}
	return put_part_end(&w);
}

int jid_unescape(char *out, size_t cap, struct slice local)
{
	struct writer w = { .out = out, .cap = cap };

	if (cap)
		out[0] = '\0';
	if (!is_clean(local, local_forbidden))
		return -EINVAL;
	while (local.n) {
		struct slice after = { local.p + 1, local.n - 1 };
		char c = local.p[0] == '\\' ? plain_of(after, false) : '\0';
		put(&w, c ? c : local.p[0]);
		local.p += c ? 3 : 1;
		local.n -= c ? 3 : 1;
	}
	int r = put_part_end(&w);
	if (!r && has_outer_space((struct slice){ out, w.n })) {
		out[0] = '\0';
		return -EINVAL;
	}
	return r;
}
