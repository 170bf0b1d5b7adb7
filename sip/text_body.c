/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/text_body.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdlib.h>

#include <sofia-sip/sip_header.h>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "sip/body.h"

enum { CHARSET_CAP = 16, OCTETS_PER_CHARACTER = 4 };

#define NAME_CHARSET "charset"
#define BLANKS       " \t\r\n"

/* ---- charsets ---- */

/* What carriers send; iconv knows hundreds, some of which nobody audits. */
static bool is_known(const char *charset)
{
	static const char *const known[] = { "utf-8",        "us-ascii",
					     "iso-8859-1",   "iso-8859-15",
					     "windows-1252", "utf-16be",
					     "utf-16le",     "utf-16" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcasecmp(known[i], charset))
			return true;
	}
	return false;
}

static int copy_octets(char **out, size_t *n, struct slice text)
{
	*out = text_dup(text);
	*n = text.n;
	return *out ? 0 : -ENOMEM;
}

static int convert(char **out, size_t *n, const char *charset,
		   struct slice text)
{
	size_t cap = text.n * OCTETS_PER_CHARACTER + 1, left = text.n;
	char *to = malloc(cap), *in = (char *)(uintptr_t)text.p, *at = to;
	iconv_t converter = iconv_open("UTF-8", charset);
	size_t room = cap - 1;
	int r = 0;

	if (!to || converter == (iconv_t)-1)
		r = -ENOMEM;
	else if (iconv(converter, &in, &left, &at, &room) == (size_t)-1)
		r = 400;
	if (converter != (iconv_t)-1)
		iconv_close(converter);
	if (r) {
		free(to);
		return r;
	}
	*at = '\0';
	*out = to;
	*n = (size_t)(at - to);
	return 0;
}

static int decode(char **out, size_t *n, const char *charset, struct slice text)
{
	if (!*charset || !strcasecmp(charset, "utf-8") ||
	    !strcasecmp(charset, "us-ascii"))
		return copy_octets(out, n, text);
	return is_known(charset) ? convert(out, n, charset, text) : 415;
}

/* ---- types ---- */

static struct slice unquote(struct slice s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return (struct slice){ s.p + 1, s.n - 2 };
	return s;
}

/* "Text/Plain; charset="utf-8"" */
static void read_type(struct slice value, struct slice *type,
		      char charset[static CHARSET_CAP])
{
	charset[0] = '\0';
	*type = slice_trim(slice_cut(&value, ';'));
	while (value.n) {
		struct slice parameter = slice_cut(&value, ';');
		struct slice name = slice_trim(slice_cut(&parameter, '='));

		if (slice_is_nocase(name, NAME_CHARSET) &&
		    text_copy(charset, CHARSET_CAP,
			      unquote(slice_trim(parameter))))
			charset[0] = '?'; /* too long for any we know */
	}
}

static int parse_plain(char **out, size_t *n, struct slice value,
		       struct slice body)
{
	char charset[CHARSET_CAP];
	struct slice type;

	read_type(value, &type, charset);
	/* RFC 3261, 7.4.1 asks for a type; some leave it out. */
	if (type.n && !slice_is_nocase(type, "text/plain"))
		return 415;
	return decode(out, n, charset, body);
}

/* ---- what a body holds ---- */

static int parse_content(struct sip_text *out, struct slice type,
			 struct slice content)
{
	char charset[CHARSET_CAP];
	struct slice name;

	read_type(type, &name, charset);
	out->is_report = slice_is_nocase(name, SIP_IMDN_TYPE);
	return out->is_report ? copy_octets(&out->text, &out->n, content)
			      : parse_plain(&out->text, &out->n, type, content);
}

/* *@out is owned by the caller: free(). 0, 400, -ENOMEM. */
static int decode_base64(char **out, size_t *n, struct slice text)
{
	char *packed = malloc(text.n + 1);
	uint8_t *octets = malloc(text.n + 1);
	size_t length = 0;
	int r = packed && octets ? 0 : -ENOMEM;

	*n = text.n;
	for (size_t i = 0; !r && i < text.n; i++) {
		if (!strchr(BLANKS, text.p[i]) || !text.p[i])
			packed[length++] = text.p[i];
	}
	if (!r && base64_decode(octets, n, (struct slice){ packed, length }))
		r = 400;
	free(packed);
	if (r)
		free(octets);
	else
		*out = (char *)octets;
	return r;
}

/* RFC 2045, 6: of an envelope's content. */
static int parse_encoded(struct sip_text *out, const struct sip_cpim *cpim)
{
	static const char *const plain[] = { "7bit", "8bit", "binary" };
	char *octets = NULL;
	size_t n;
	bool is_plain = !cpim->encoding.n;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		is_plain =
			is_plain || slice_is_nocase(cpim->encoding, plain[i]);
	if (is_plain)
		return parse_content(out, cpim->type, cpim->content);
	if (!slice_is_nocase(cpim->encoding, "base64"))
		return 415;
	int r = decode_base64(&octets, &n, cpim->content);
	if (!r)
		r = parse_content(out, cpim->type, (struct slice){ octets, n });
	free(octets);
	return r;
}

int sip_text_parse(struct sip_text *out, struct slice type, struct slice body)
{
	char charset[CHARSET_CAP];
	struct slice name;

	*out = (struct sip_text){ 0 };
	read_type(type, &name, charset);
	out->enveloped = slice_is_nocase(name, SIP_CPIM_TYPE);
	if (!out->enveloped)
		return parse_content(out, type, body);
	sip_cpim_parse(&out->cpim, body);
	return parse_encoded(out, &out->cpim);
}

void sip_text_fini(struct sip_text *text)
{
	free(text->text);
	*text = (struct sip_text){ 0 };
}

int sip_text_read(struct sip_text *out, const struct sip_s *sip)
{
	const sip_content_type_t *c = sip->sip_content_type;
	const sip_payload_t *pl = sip->sip_payload;
	const char *charset =
		c ? msg_params_find(c->c_params, NAME_CHARSET "=") : NULL;
	struct slice body = pl && pl->pl_data
				    ? (struct slice){ pl->pl_data, pl->pl_len }
				    : SLICE_NONE;
	char type[128] = "";

	*out = (struct sip_text){ 0 };
	if (sip_body_is_encoded(sip))
		return 415;
	if (c && c->c_type &&
	    text_format(type, sizeof(type), "%s;" NAME_CHARSET "=%s", c->c_type,
			charset ? charset : ""))
		return 415;
	return sip_text_parse(out, slice_of(type), body);
}
