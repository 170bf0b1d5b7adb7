/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values that say who may call what, and by which trunk: prefixes,
 * rewrite rules, headers, days and hours.
 */
#include "gateway/config/config_table.h"

#include <ctype.h>
#include <stdlib.h>

#include "gateway/base/text.h"

#define DIGITS "0123456789"

/* ---- lists of text ---- */

static int add_text(void *field, const char *text)
{
	struct config_texts *list = field;
	int r = config_grow(&list->v, &list->n, sizeof(*list->v));

	if (r)
		return r;
	r = config_set_string(&list->v[list->n - 1], slice_of(text));
	if (r)
		list->n--;
	return r;
}

void config_texts_fini(struct config_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->v[i]);
	free(texts->v);
	*texts = (struct config_texts){ 0 };
}

void config_fini_texts(void *field)
{
	config_texts_fini(field);
}

int config_texts_parse(struct config_texts *out, const char *text,
		       bool (*is_well)(const char *word))
{
	struct slice rest = slice_of(text);
	int r = 0;

	while (rest.n && !r) {
		struct slice word = slice_cut(&rest, ' ');
		char *copy = text_dup(word);

		if (!copy)
			return -ENOMEM;
		if (word.n)
			r = is_well(copy) ? add_text(out, copy) : -EINVAL;
		free(copy);
	}
	return r;
}

void config_print_texts(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	const struct config_texts *list = field;

	fprintf(to, "%s%s = {", indent, key->name);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : " ", to);
		config_put_quoted(to, list->v[i]);
	}
	fputs(" }\n", to);
}

/* ---- numbers and how they begin ---- */

bool config_is_prefix(const char *text)
{
	size_t n = strspn(text + (*text == '+'), DIGITS) + (*text == '+');

	return *text && !text[n] && n <= CONFIG_NUMBER_DIGITS + 1;
}

static int read_prefixes(void *field, const struct config_key *key,
			 const char *text)
{
	(void)key;
	return config_is_prefix(text) ? add_text(field, text)
				      : CONFIG_E_INVALID;
}

/* What is dialled without a country code. */
static int read_codes(void *field, const struct config_key *key,
		      const char *text)
{
	size_t n = strspn(text, DIGITS "*#");

	(void)key;
	return n && !text[n] && n <= CONFIG_NUMBER_DIGITS
		       ? add_text(field, text)
		       : CONFIG_E_INVALID;
}

static int read_prefix(void *field, const struct config_key *key,
		       const char *text)
{
	size_t n = strspn(text, "+*#" DIGITS);

	(void)key;
	return text[n] || n > CONFIG_NUMBER_DIGITS
		       ? CONFIG_E_INVALID
		       : config_set_string(field, slice_of(text));
}

static int read_trunk_names(void *field, const struct config_key *key,
			    const char *text)
{
	(void)key;
	return config_is_trunk_name(text) ? add_text(field, text)
					  : CONFIG_E_INVALID;
}

/* CONFIG_REFUSE_ANONYMOUS, or what `verstat` says of a caller: a token of RFC
 * 3261. */
static int read_refusals(void *field, const struct config_key *key,
			 const char *text)
{
	(void)key;
	for (const char *p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return CONFIG_E_INVALID;
	}
	return *text ? add_text(field, text) : CONFIG_E_INVALID;
}

/* ---- rewrite rules ---- */

static bool is_dialled(struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!strchr("+*#" DIGITS, text.p[i]) || !text.p[i])
			return false;
	}
	return true;
}

/* "PREFIX=>BY", "NUMBER$=>BY". */
static int read_rewrites(void *field, const struct config_key *key,
			 const char *text)
{
	struct config_rewrites *list = field;
	struct slice rest = slice_of(text);
	struct slice prefix = slice_cut(&rest, '=');
	bool whole = prefix.n && prefix.p[prefix.n - 1] == '$';
	struct config_rewrite rule = { .whole = whole };

	(void)key;
	prefix.n -= whole;
	if (!rest.n || *rest.p != '>')
		return CONFIG_E_INVALID;
	rest.p++;
	rest.n--;
	if (!is_dialled(prefix) || !is_dialled(rest) ||
	    prefix.n > CONFIG_REWRITE_MAX || rest.n > CONFIG_REWRITE_MAX)
		return CONFIG_E_INVALID;
	rule.prefix = text_dup(prefix);
	rule.by = text_dup(rest);
	int r = rule.prefix && rule.by
			? config_grow(&list->v, &list->n, sizeof(*list->v))
			: -ENOMEM;
	if (r) {
		free(rule.prefix);
		free(rule.by);
		return r;
	}
	list->v[list->n - 1] = rule;
	return 0;
}

static void fini_rewrites(void *field)
{
	struct config_rewrites *list = field;

	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].prefix);
		free(list->v[i].by);
	}
	free(list->v);
	*list = (struct config_rewrites){ 0 };
}

static void print_rewrites(const void *field, const struct config_key *key,
			   const char *indent, FILE *to)
{
	const struct config_rewrites *list = field;

	fprintf(to, "%s%s = {", indent, key->name);
	for (size_t i = 0; i < list->n; i++)
		fprintf(to, "%s \"%s%s=>%s\"", i ? "," : "", list->v[i].prefix,
			list->v[i].whole ? "\\$" : "", list->v[i].by);
	fputs(" }\n", to);
}

/* ---- headers ---- */

/* Those that are the dialog's, and what a peer would take for them. */
static bool is_ours(struct slice name)
{
	static const char *const names[] = { "Via",
					     "v",
					     "From",
					     "f",
					     "To",
					     "t",
					     "Call-ID",
					     "i",
					     "CSeq",
					     "Contact",
					     "m",
					     "Max-Forwards",
					     "Route",
					     "Require",
					     "Record-Route",
					     "Content-Type",
					     "c",
					     "Content-Length",
					     "l",
					     "Privacy",
					     "P-Asserted-Identity",
					     "Supported",
					     "k",
					     "Remote-Party-ID",
					     "Allow",
					     "Authorization",
					     "Proxy-Authorization" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (slice_is_nocase(name, names[i]))
			return true;
	}
	return false;
}

/* RFC 3261, 25.1: token HCOLON header-value, on one line. */
static bool is_header(const char *text)
{
	struct slice value = slice_of(text);
	struct slice name = slice_cut(&value, ':');

	value = slice_trim(value);
	for (size_t i = 0; i < name.n; i++) {
		if (!isalnum((unsigned char)name.p[i]) &&
		    !strchr("-.!%*_+`'~", name.p[i]))
			return false;
	}
	for (size_t i = 0; i < value.n; i++) {
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return false;
	}
	return name.n && value.n && strlen(text) <= CONFIG_HEADER_MAX;
}

static int read_headers(void *field, const struct config_key *key,
			const char *text)
{
	struct slice rest = slice_of(text);

	(void)key;
	return is_header(text) && !is_ours(slice_cut(&rest, ':'))
		       ? add_text(field, text)
		       : CONFIG_E_INVALID;
}

static int read_header(void *field, const struct config_key *key,
		       const char *text)
{
	(void)key;
	return !*text || is_header(text)
		       ? config_set_string(field, slice_of(text))
		       : CONFIG_E_INVALID;
}

static void print_line(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name, *(char *const *)field);
}

/* ---- one of a few words ---- */

static int find_word(const char *const *words, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], text))
			return (int)i;
	}
	return -1;
}

static const char *const identities[] = { [CONFIG_IDENTITY_PAI] = "pai",
					  [CONFIG_IDENTITY_RPID] = "rpid",
					  [CONFIG_IDENTITY_FROM] = "from" };
static const char *const srtps[] = { [CONFIG_SRTP_NO] = "no",
				     [CONFIG_SRTP_OFFER] = "offer",
				     [CONFIG_SRTP_REQUIRE] = "require",
				     [CONFIG_SRTP_DTLS] = "dtls" };
enum {
	NIDENTITIES = sizeof(identities) / sizeof(*identities),
	NSRTPS = sizeof(srtps) / sizeof(*srtps),
};

static int read_identity(void *field, const struct config_key *key,
			 const char *text)
{
	int i = find_word(identities, NIDENTITIES, text);

	(void)key;
	if (i < 0)
		return CONFIG_E_INVALID;
	*(enum config_identity *)field = (enum config_identity)i;
	return 0;
}

static void print_identity(const void *field, const struct config_key *key,
			   const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name,
		       identities[*(const enum config_identity *)field]);
}

static int read_srtp(void *field, const struct config_key *key,
		     const char *text)
{
	int i = find_word(srtps, NSRTPS, text);

	(void)key;
	if (i < 0)
		return CONFIG_E_INVALID;
	*(enum config_srtp *)field = (enum config_srtp)i;
	return 0;
}

static void print_srtp(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name,
		       srtps[*(const enum config_srtp *)field]);
}

/* ---- days and hours ---- */

static const char *const day_names[] = { "mon", "tue", "wed", "thu",
					 "fri", "sat", "sun" };
enum { NDAYS = sizeof(day_names) / sizeof(*day_names) };

static bool find_day(struct slice text, unsigned *out)
{
	for (unsigned i = 0; i < NDAYS; i++) {
		if (slice_is_nocase(text, day_names[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* Past Sunday it goes on with Monday: "sat-mon". */
bool config_parse_days(uint8_t *out, const char *text)
{
	struct slice rest = slice_of(text);
	uint8_t days = 0;

	while (rest.n) {
		struct slice range = slice_trim(slice_cut(&rest, ','));
		struct slice head = slice_cut(&range, '-');
		unsigned first, last;

		if (!find_day(slice_trim(head), &first))
			return false;
		last = first;
		if (range.n && !find_day(slice_trim(range), &last))
			return false;
		for (unsigned day = first;; day = (day + 1) % NDAYS) {
			days |= (uint8_t)(1u << day);
			if (day == last)
				break;
		}
	}
	*out = days;
	return days != 0;
}

static int read_days(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	return config_parse_days(field, text) ? 0 : CONFIG_E_INVALID;
}

static void print_days(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	uint8_t days = *(const uint8_t *)field;
	const char *comma = "";

	fprintf(to, "%s%s = \"", indent, key->name);
	for (unsigned i = 0; i < NDAYS; i++) {
		if (!(days & 1u << i))
			continue;
		fprintf(to, "%s%s", comma, day_names[i]);
		comma = ",";
	}
	fputs("\"\n", to);
}

/* "08:30" or "24:00", which ends a day. */
static bool parse_time(struct slice text, uint16_t *out)
{
	enum { HOUR_MIN = 60, HOURS = 24 };
	struct slice hour = slice_cut(&text, ':');
	uint64_t h, m;

	if (text_number(hour, HOURS, &h) ||
	    text_number(text, HOUR_MIN - 1, &m) ||
	    h * HOUR_MIN + m > CONFIG_DAY_MIN)
		return false;
	*out = (uint16_t)(h * HOUR_MIN + m);
	return true;
}

bool config_parse_hours(uint16_t *from_min, uint16_t *until_min,
			const char *text)
{
	struct slice rest = slice_of(text);
	struct slice from = slice_trim(slice_cut(&rest, '-'));

	return parse_time(from, from_min) &&
	       parse_time(slice_trim(rest), until_min) &&
	       *from_min != *until_min;
}

struct hours {
	uint16_t from, until;
};
_Static_assert(offsetof(struct config_route, until_min) -
			       offsetof(struct config_route, from_min) ==
		       offsetof(struct hours, until),
	       "until_min stands behind from_min");

static int read_hours(void *field, const struct config_key *key,
		      const char *text)
{
	struct hours *hours = field;

	(void)key;
	return config_parse_hours(&hours->from, &hours->until, text)
		       ? 0
		       : CONFIG_E_INVALID;
}

static void print_hours(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	enum { HOUR_MIN = 60 };
	const struct hours *hours = field;

	fprintf(to, "%s%s = \"%02u:%02u-%02u:%02u\"\n", indent, key->name,
		hours->from / HOUR_MIN, hours->from % HOUR_MIN,
		hours->until / HOUR_MIN, hours->until % HOUR_MIN);
}

#define TEXTS_KIND(name, expects, reads)                          \
	CONFIG_KIND(name, expects, .list = true, .read = (reads), \
		    .fini = config_fini_texts, .print = config_print_texts)

TEXTS_KIND(prefixes, "how a number begins, such as +44", read_prefixes);
TEXTS_KIND(codes, "digits, * and #, such as 911", read_codes);
TEXTS_KIND(trunk_names, "the name of a trunk", read_trunk_names);
TEXTS_KIND(refusals,
	   "anonymous or a value of verstat, such as "
	   "TN-Validation-Failed",
	   read_refusals);
TEXTS_KIND(headers, "a header that is not SIP's own: \"X-Name: value\"",
	   read_headers);
CONFIG_KIND(header, "\"X-Name: value\" or \"\"", .read = read_header,
	    .fini = config_fini_text, .print = print_line);
CONFIG_KIND(prefix, "at most 15 of +, *, # and digits", .read = read_prefix,
	    .fini = config_fini_text, .print = print_line);
CONFIG_KIND(rewrites, "\"PREFIX=>INSTEAD\" or \"NUMBER$=>INSTEAD\"",
	    .list = true, .read = read_rewrites, .fini = fini_rewrites,
	    .print = print_rewrites);
CONFIG_KIND(identity, "\"pai\", \"rpid\" or \"from\"", .read = read_identity,
	    .fini = config_fini_nothing, .print = print_identity);
CONFIG_KIND(srtp, "\"no\", \"offer\", \"require\" or \"dtls\"",
	    .read = read_srtp, .fini = config_fini_nothing,
	    .print = print_srtp);
CONFIG_KIND(days, "days of the week, such as \"mon-fri, sun\"",
	    .read = read_days, .fini = config_fini_nothing,
	    .print = print_days);
CONFIG_KIND(hours, "times of the day, such as \"08:00-18:30\"",
	    .read = read_hours, .fini = config_fini_nothing,
	    .print = print_hours);
