/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/raw.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "sip/field.h"

enum { TAG_LEN = 16 };

static bool begins(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && !memcmp(s.p, text, n);
}

static int take_field(struct sip_raw *raw, struct slice name,
		      struct slice value)
{
	const struct slice field = { name.p,
				     (size_t)(value.p + value.n - name.p) };

	if (sip_field_is(name, "Via", 'v')) {
		if (raw->nvias == sizeof(raw->vias) / sizeof(raw->vias[0]))
			return -E2BIG;
		raw->vias[raw->nvias++] = field;
	} else if (sip_field_is(name, "From", 'f')) {
		raw->from = field;
	} else if (sip_field_is(name, "To", 't')) {
		raw->to = field;
	} else if (sip_field_is(name, "Call-ID", 'i')) {
		raw->call_id = field;
	} else if (sip_field_is(name, "CSeq", 0)) {
		raw->cseq = field;
	}
	return 0;
}

static int take_start(struct sip_raw *raw, struct slice line)
{
	if (begins(line, "SIP/2.0 ")) {
		raw->response = true;
		return 0;
	}
	raw->method = slice_cut(&line, ' ');
	return raw->method.n && raw->method.n <= SIP_RAW_METHOD_MAX &&
			       line.n >= 8 &&
			       begins((struct slice){ line.p + line.n - 8, 8 },
				      " SIP/2.0")
		       ? 0
		       : -EINVAL;
}

int sip_raw_parse(struct sip_raw *out, struct slice message)
{
	*out = (struct sip_raw){ .nvias = 0 };
	struct slice name, value;
	int r = take_start(out, sip_first_line(&message));

	while (!r && sip_next_field(&message, &name, &value))
		r = take_field(out, name, value);
	if (r)
		return r;
	return out->nvias && out->from.n && out->to.n && out->call_id.n &&
			       out->cseq.n
		       ? 0
		       : -EINVAL;
}

struct slice sip_raw_value(struct slice field)
{
	struct slice name, value = SLICE_NONE;

	return sip_next_field(&field, &name, &value) ? value : SLICE_NONE;
}

/* A parameter of the header, not of the URI nor in the name before it. */
struct slice sip_raw_tag(struct slice field)
{
	struct slice rest = sip_raw_value(field);
	const char *end = memrchr(rest.p, '>', rest.n);

	if (end)
		rest = (struct slice){ end, rest.n - (size_t)(end - rest.p) };
	slice_cut(&rest, ';');
	while (rest.n) {
		struct slice value = slice_cut(&rest, ';');
		struct slice name = slice_trim(slice_cut(&value, '='));

		if (slice_is_nocase(name, "tag"))
			return slice_trim(value);
	}
	return SLICE_NONE;
}

static bool has_param(struct slice field, const char *param)
{
	return memmem(field.p, field.n, param, strlen(param)) != NULL;
}

/* RFC 3581, 4: `rport` gets its value, and `received` goes with it. */
static void put_top_via(FILE *f, struct slice via, const struct addr *source)
{
	struct slice rest = via, top = slice_cut(&rest, ',');
	static const char name[] = ";rport";
	const char *at = memmem(top.p, top.n, name, strlen(name));
	size_t n = at ? (size_t)(at - top.p) + strlen(name) : top.n;
	bool empty = at && (n == top.n || top.p[n] != '=');

	fprintf(f, "%.*s", (int)n, top.p);
	if (empty)
		fprintf(f, "=%u", addr_port(source));
	fprintf(f, "%.*s;received=%s", (int)(top.n - n), top.p + n,
		addr_ip_text(source).s);
	if (rest.n)
		fprintf(f, ",%.*s", SLICE_ARG(rest));
	fputs("\r\n", f);
}

int sip_raw_refuse(char *out, size_t cap, const struct sip_raw *raw,
		   const struct addr *source)
{
	char tag[TAG_LEN + 1];
	FILE *f = fmemopen(out, cap, "w");

	if (!f)
		return -ENOMEM;
	setbuf(f, NULL); /* so that what does not fit is known at once */
	rand_token(tag, TAG_LEN);
	fputs("SIP/2.0 403 Forbidden\r\n", f);
	put_top_via(f, raw->vias[0], source);
	for (size_t i = 1; i < raw->nvias; i++)
		fprintf(f, "%.*s\r\n", SLICE_ARG(raw->vias[i]));
	fprintf(f, "%.*s\r\n%.*s", SLICE_ARG(raw->from), SLICE_ARG(raw->to));
	if (!has_param(raw->to, ";tag="))
		fprintf(f, ";tag=%s", tag);
	fprintf(f, "\r\n%.*s\r\n%.*s\r\nl: 0\r\n\r\n", SLICE_ARG(raw->call_id),
		SLICE_ARG(raw->cseq));
	long n = ftell(f);
	bool failed = ferror(f) || n < 0 || (size_t)n >= cap;
	fclose(f);
	return failed ? -EMSGSIZE : 0;
}
