/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values that say who may call what, and by which trunk: prefixes,
 * rewrite rules, words.
 */
#include "gateway/config/config_table.h"

#include <ctype.h>
#include <stdlib.h>

#include "gateway/base/text.h"

#define DIGITS "0123456789"

/* ---- lists of text ---- */

int config_add_text(void *field, const char *text)
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
		text_wipe(texts->v[i]); /* headers may be secrets */
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
			r = is_well(copy) ? config_add_text(out, copy)
					  : -EINVAL;
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

int config_prefix_fit(const char *prefix, const char *number)
{
	const char *digits = prefix + (*prefix == '+');
	size_t n = strlen(digits);

	return strncmp(number + (*number == '+'), digits, n) != 0 ? -1
								  : (int)n + 1;
}

static int read_prefixes(void *field, const struct config_key *key,
			 const char *text)
{
	(void)key;
	return config_is_prefix(text) ? config_add_text(field, text)
				      : CONFIG_E_INVALID;
}

/* What is dialled without a country code. */
static int read_codes(void *field, const struct config_key *key,
		      const char *text)
{
	size_t n = strspn(text, DIGITS "*#");

	(void)key;
	return n && !text[n] && n <= CONFIG_NUMBER_DIGITS
		       ? config_add_text(field, text)
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
	return config_is_trunk_name(text) ? config_add_text(field, text)
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
	return *text ? config_add_text(field, text) : CONFIG_E_INVALID;
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

CONFIG_TEXTS_KIND(prefixes, "how a number begins, such as +44", read_prefixes);
CONFIG_TEXTS_KIND(codes, "digits, * and #, such as 911", read_codes);
CONFIG_TEXTS_KIND(trunk_names, "the name of a trunk", read_trunk_names);
CONFIG_TEXTS_KIND(refusals,
		  "anonymous or a value of verstat, such as "
		  "TN-Validation-Failed",
		  read_refusals);
CONFIG_KIND(prefix, "at most 15 of +, *, # and digits", .read = read_prefix,
	    .fini = config_fini_text, .print = config_print_text);
CONFIG_KIND(rewrites, "\"PREFIX=>INSTEAD\" or \"NUMBER$=>INSTEAD\"",
	    .list = true, .read = read_rewrites, .fini = fini_rewrites,
	    .print = print_rewrites);
CONFIG_KIND(identity, "\"pai\", \"rpid\" or \"from\"", .read = read_identity,
	    .fini = config_fini_nothing, .print = print_identity);
CONFIG_KIND(srtp, "\"no\", \"offer\", \"require\" or \"dtls\"",
	    .read = read_srtp, .fini = config_fini_nothing,
	    .print = print_srtp);
