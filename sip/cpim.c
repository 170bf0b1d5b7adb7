/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/cpim.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/base/text_file.h"

/* The prefix that everybody gives RFC 5438's headers; few forget to declare it.
 */
#define IMDN "imdn"

static const struct {
	const char *name;
	enum sip_cpim_wants bit;
} dispositions[] = {
	{ "positive-delivery", SIP_CPIM_DELIVERED },
	{ "negative-delivery", SIP_CPIM_FAILED },
	{ "display", SIP_CPIM_DISPLAYED },
};
enum { NDISPOSITIONS = sizeof(dispositions) / sizeof(dispositions[0]) };

/* ---- reading ---- */

static struct slice cut_line(struct slice *text)
{
	struct slice line = slice_cut(text, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* "positive-delivery, display;x=y" */
static unsigned read_wants(struct slice value)
{
	unsigned wants = 0;

	while (value.n) {
		struct slice one = slice_cut(&value, ',');
		struct slice name = slice_trim(slice_cut(&one, ';'));

		for (size_t i = 0; i < NDISPOSITIONS; i++) {
			if (slice_is_nocase(name, dispositions[i].name))
				wants |= dispositions[i].bit;
		}
	}
	return wants;
}

/* "imdn <urn:ietf:params:imdn>": which prefix RFC 5438's headers have here
 * (RFC 3862, 3.4). Without one they have none. */
static void read_namespace(struct slice *prefix, struct slice value)
{
	struct slice before = slice_trim(slice_cut(&value, '<'));

	if (slice_is(slice_cut(&value, '>'), SIP_IMDN_NS))
		*prefix = before.n ? before : (struct slice){ "", 0 };
}

static bool cut_prefix(struct slice *name, struct slice prefix)
{
	if (!prefix.n)
		return true;
	if (name->n <= prefix.n || name->p[prefix.n] != '.' ||
	    strncasecmp(name->p, prefix.p, prefix.n))
		return false;
	name->p += prefix.n + 1;
	name->n -= prefix.n + 1;
	return true;
}

static void read_imdn(struct sip_cpim *out, struct slice name,
		      struct slice value)
{
	if (slice_is_nocase(name, "Message-ID"))
		out->message_id = value;
	else if (slice_is_nocase(name, "Disposition-Notification"))
		out->wants |= read_wants(value);
}

/* ";lang=fr Objet" (RFC 3862, 3.3.5) */
static struct slice without_parameters(struct slice value)
{
	if (value.n && *value.p == ';')
		slice_cut(&value, ' ');
	return slice_trim(value);
}

static void read_message_header(struct sip_cpim *out, struct slice *prefix,
				struct slice name, struct slice value)
{
	if (slice_is_nocase(name, "From"))
		out->from = value;
	else if (slice_is_nocase(name, "To"))
		out->to = value;
	else if (slice_is_nocase(name, "DateTime"))
		out->date = value;
	else if (slice_is_nocase(name, "Subject"))
		out->subject = without_parameters(value);
	else if (slice_is_nocase(name, "NS"))
		read_namespace(prefix, value);
	else if (cut_prefix(&name, *prefix))
		read_imdn(out, name, value);
}

static void read_content_header(struct sip_cpim *out, struct slice name,
				struct slice value)
{
	if (slice_is_nocase(name, "Content-Type"))
		out->type = value;
	else if (slice_is_nocase(name, "Content-Language"))
		out->language = value;
	else if (slice_is_nocase(name, "Content-Disposition"))
		out->disposition = value;
	else if (slice_is_nocase(name, "Content-Transfer-Encoding"))
		out->encoding = value;
}

/* The next header before an empty line, which is read as well. */
static bool next_header(struct slice *octets, struct slice *name,
			struct slice *value)
{
	while (octets->n) {
		*value = cut_line(octets);
		if (!value->n)
			return false;
		size_t n = value->n;
		*name = slice_cut(value, ':');
		if (name->n == n)
			continue; /* no colon */
		*name = slice_trim(*name);
		*value = slice_trim(*value);
		return true;
	}
	return false;
}

void sip_cpim_parse(struct sip_cpim *out, struct slice octets)
{
	struct slice name, value, prefix = slice_of(IMDN);

	*out = (struct sip_cpim){ 0 };
	while (next_header(&octets, &name, &value))
		read_message_header(out, &prefix, name, value);
	while (next_header(&octets, &name, &value))
		read_content_header(out, name, value);
	out->content = octets;
}

/* "Z", "+01:00": minutes east. */
static bool read_zone(int *out, const char *text)
{
	int hours, minutes;
	char sign, end;

	*out = 0;
	if (!strcasecmp(text, "Z"))
		return true;
	if (sscanf(text, "%c%2d:%2d%c", &sign, &hours, &minutes, &end) != 3 ||
	    !strchr("+-", sign) || hours < 0 || minutes < 0)
		return false;
	*out = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
	return true;
}

int64_t sip_cpim_time(const struct sip_cpim *cpim)
{
	enum { CAP = 64, S_PER_MIN = 60 };
	struct tm tm = { 0 };
	char text[CAP];
	int zone;

	if (text_copy(text, sizeof(text), cpim->date))
		return 0;
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || !read_zone(&zone, rest))
		return 0;
	return ((int64_t)timegm(&tm) - (int64_t)zone * S_PER_MIN) * MS_PER_S;
}

/* ---- escapes (RFC 3862, 3.2) ---- */

enum { REPLACEMENT = 0xfffd };

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The "\u00e9" at the head of @s: what it takes, or 0. */
static size_t read_unit(struct slice s, uint32_t *out)
{
	enum { DIGITS = 4, LEN = DIGITS + 2 };
	char digits[DIGITS + 1] = "";

	if (s.n < LEN || s.p[0] != '\\' || s.p[1] != 'u')
		return 0;
	memcpy(digits, s.p + 2, DIGITS);
	if (strspn(digits, "0123456789abcdefABCDEF") != DIGITS)
		return 0;
	*out = (uint32_t)strtoul(digits, NULL, 16);
	return LEN;
}

/* Those above 0xffff are two, of UTF-16. */
static size_t read_units(struct slice s, uint32_t *out)
{
	size_t n = read_unit(s, out), more = 0;
	uint32_t low = 0;

	if (n && is_high(*out))
		more = read_unit((struct slice){ s.p + n, s.n - n }, &low);
	if (more && is_low(low)) {
		*out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
		return n + more;
	}
	if (n && (is_high(*out) || is_low(*out)))
		*out = REPLACEMENT;
	return n;
}

static size_t read_plain(struct slice s, uint32_t *out)
{
	size_t n = text_utf8(s, out);

	if (!n)
		*out = REPLACEMENT;
	return n ? n : 1;
}

/* The character at the head of @s, which is not empty, and what it takes. */
static size_t read_character(struct slice s, uint32_t *out)
{
	size_t n = read_units(s, out);

	if (n)
		return n;
	if (s.p[0] != '\\' || s.n == 1)
		return read_plain(s, out);
	n = read_plain((struct slice){ s.p + 1, s.n - 1 }, out);
	if (*out == 'b' || *out == 't' || *out == 'n' || *out == 'r')
		*out = ' ';
	return 1 + n;
}

void sip_cpim_unescape(char *dst, size_t cap, struct slice value)
{
	size_t at = 0;

	while (value.n) {
		char octets[TEXT_UTF8_MAX];
		uint32_t c = 0;
		size_t used = read_character(value, &c);
		size_t n = text_utf8_put(octets, c ? c : REPLACEMENT);

		if (at + n >= cap)
			break;
		memcpy(dst + at, octets, n);
		at += n;
		value.p += used;
		value.n -= used;
	}
	dst[at] = '\0';
}

/* ---- writing ---- */

static bool fits_a_line(struct slice value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < ' ' || c == 0x7f)
			return false;
	}
	return true;
}

static int put(FILE *to, const char *name, struct slice value)
{
	if (!fits_a_line(value))
		return -EINVAL;
	if (value.n)
		fprintf(to, "%s: %.*s\r\n", name, SLICE_ARG(value));
	return 0;
}

static void put_wants(FILE *to, unsigned wants)
{
	const char *before = IMDN ".Disposition-Notification: ";

	for (size_t i = 0; i < NDISPOSITIONS; i++) {
		if (!(wants & (unsigned)dispositions[i].bit))
			continue;
		fprintf(to, "%s%s", before, dispositions[i].name);
		before = ", ";
	}
	if (wants)
		fputs("\r\n", to);
}

static int put_all(FILE *to, const struct sip_cpim *cpim)
{
	const struct {
		const char *name;
		struct slice value;
	} headers[] = {
		{ "From", cpim->from },
		{ "To", cpim->to },
		{ "DateTime", cpim->date },
		{ "Subject", cpim->subject },
		{ "NS", slice_of(cpim->message_id.n
					 ? IMDN " <" SIP_IMDN_NS ">"
					 : "") },
		{ IMDN ".Message-ID", cpim->message_id },
	}, contents[] = {
		{ "Content-Type", cpim->type },
		{ "Content-Language", cpim->language },
		{ "Content-Disposition", cpim->disposition },
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(headers) / sizeof(*headers); i++)
		r = put(to, headers[i].name, headers[i].value);
	put_wants(to, cpim->wants);
	fputs("\r\n", to);
	for (size_t i = 0; !r && i < sizeof(contents) / sizeof(*contents); i++)
		r = put(to, contents[i].name, contents[i].value);
	fputs("\r\n", to);
	if (cpim->content.n)
		fwrite(cpim->content.p, 1, cpim->content.n, to);
	return r;
}

int sip_cpim_format(char **out, const struct sip_cpim *cpim)
{
	struct text_file file;
	int r = text_file_open(&file);

	if (r)
		return r;
	r = put_all(file.to, cpim);
	if (!r)
		return text_file_close(&file, out, NULL);
	text_file_drop(&file);
	return r;
}
