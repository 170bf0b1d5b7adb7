/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values: from text, back to text, and freed. Each refuses what
 * cannot be right, so that nothing behind the configuration has to ask again.
 */
#include "gateway/config/config_table.h"

#include <ctype.h>
#include <stdlib.h>

#include "gateway/base/text.h"
#include "gateway/route/phone.h"

void config_put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\' || *p == '$')
			fputc('\\', to);
		fputc(*p, to);
	}
	fputc('"', to);
}

void config_put_key(FILE *to, const char *indent, const char *name,
		    const char *text)
{
	fprintf(to, "%s%s = ", indent, name);
	config_put_quoted(to, text);
	fputc('\n', to);
}

int config_set_string(char **field, struct slice text)
{
	char *copy = text_dup(text);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static bool has_control(const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return true;
	}
	return false;
}

static int read_text(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	if (has_control(text))
		return CONFIG_E_INVALID;
	return config_set_string(field, slice_of(text));
}

static int read_secret(void *field, const struct config_key *key,
		       const char *text)
{
	if (strlen(text) > CONFIG_SECRET_MAX)
		return CONFIG_E_INVALID;
	return read_text(field, key, text);
}

void config_fini_text(void *field)
{
	char **text = field;

	free(*text);
	*text = NULL;
}

void config_fini_secret(void *field)
{
	char **text = field;

	*text = text_wipe(*text);
}

void config_print_text(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name, *(char *const *)field);
}

/* One label of a name (RFC 1123, 2.1); non-ASCII as UTF-8 is XMPP's. */
static bool is_label(struct slice label)
{
	if (!label.n || label.n > CONFIG_DOMAIN_LABEL_MAX)
		return false;
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		unsigned char c = (unsigned char)label.p[i];

		if (c < 0x80 && !isalnum(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

static bool is_name(struct slice name)
{
	if (!name.n || name.n > 253 || name.p[name.n - 1] == '.')
		return false;
	while (name.n) {
		if (!is_label(slice_cut(&name, '.')))
			return false;
	}
	return true;
}

static bool is_ip(struct slice text)
{
	struct addr a;

	return addr_parse(&a, text, 0) == 0;
}

/* "999.1.1.1" is neither an address nor a name anybody has. */
bool config_is_host(struct slice text)
{
	bool digits = true;

	for (size_t i = 0; i < text.n; i++)
		digits = digits && (isdigit((unsigned char)text.p[i]) ||
				    text.p[i] == '.');
	return is_ip(text) || (!digits && is_name(text));
}

static int read_host(void *field, const struct config_key *key,
		     const char *text)
{
	struct slice host = slice_of(text);

	(void)key;
	if (!config_is_host(host))
		return CONFIG_E_INVALID;
	if (host.p[0] == '[') {
		host.p++;
		host.n -= 2;
	}
	return config_set_string(field, host);
}

/* As addresses are compared. */
static int set_lower(char **field, const char *text)
{
	int r = config_set_string(field, slice_of(text));

	for (char *p = *field; !r && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return r;
}

bool config_is_domain(const char *text)
{
	return config_is_host(slice_of(text));
}

static int read_domain(void *field, const struct config_key *key,
		       const char *text)
{
	(void)key;
	if (*text && !config_is_domain(text))
		return CONFIG_E_INVALID;
	return set_lower(field, text);
}

bool config_is_trunk_name(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n && !text[n] && n <= CONFIG_TRUNK_NAME_MAX;
}

static int read_name(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	if (*text && !config_is_trunk_name(text))
		return CONFIG_E_INVALID;
	return config_set_string(field, slice_of(text));
}

/* Ports are of 16 bits, as in addresses. */
static bool is_short(const struct config_key *key)
{
	return key->kind == &config_kind_port;
}

static int read_number(void *field, const struct config_key *key,
		       const char *text)
{
	uint64_t value;

	if (text_number(slice_of(text), key->max, &value) || value < key->min)
		return CONFIG_E_INVALID;
	if (is_short(key))
		*(uint16_t *)field = (uint16_t)value;
	else
		*(unsigned *)field = (unsigned)value;
	return 0;
}

static void print_number(const void *field, const struct config_key *key,
			 const char *indent, FILE *to)
{
	fprintf(to, "%s%s = %u\n", indent, key->name,
		is_short(key) ? *(const uint16_t *)field
			      : *(const unsigned *)field);
}

static int read_flag(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return CONFIG_E_INVALID;
	*(bool *)field = text[0] == 't';
	return 0;
}

static void print_flag(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	fprintf(to, "%s%s = %s\n", indent, key->name,
		*(const bool *)field ? "true" : "false");
}

static int read_level(void *field, const struct config_key *key,
		      const char *text)
{
	(void)key;
	return log_level_parse(text, field) ? CONFIG_E_INVALID : 0;
}

static void print_level(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	enum log_level level;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!log_level_parse(names[i], &level) &&
		    level == *(const enum log_level *)field)
			config_put_key(to, indent, key->name, names[i]);
	}
}

static const char *const early_names[] = {
	[CONFIG_EARLY_RINGING] = "ringing", [CONFIG_EARLY_ANSWER] = "answer"
};

static int read_early(void *field, const struct config_key *key,
		      const char *text)
{
	(void)key;
	for (size_t i = 0; i < sizeof(early_names) / sizeof(*early_names);
	     i++) {
		if (!strcmp(text, early_names[i])) {
			*(enum config_early_media *)field =
				(enum config_early_media)i;
			return 0;
		}
	}
	return CONFIG_E_INVALID;
}

static void print_early(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name,
		       early_names[*(const enum config_early_media *)field]);
}

bool config_is_bare_jid(const char *text)
{
	struct slice domain = slice_of(text);
	struct slice local = slice_cut(&domain, '@');

	if (!local.n || local.n > CONFIG_JID_PART_MAX ||
	    !config_is_host(domain))
		return false;
	for (size_t i = 0; i < local.n; i++) {
		unsigned char c = (unsigned char)local.p[i];

		if (c <= 0x20 || c == 0x7f || strchr("\"&'/:<>", c))
			return false;
	}
	return true;
}

bool config_is_number(const char *text)
{
	size_t n = text[0] == '+' ? strspn(text + 1, "0123456789") : 0;

	return n >= 2 && n <= CONFIG_NUMBER_DIGITS && !text[n + 1];
}

static int read_jid(void *field, const struct config_key *key, const char *text)
{
	(void)key;
	if (*text && !config_is_bare_jid(text))
		return CONFIG_E_INVALID;
	return set_lower(field, text);
}

static int read_region(void *field, const struct config_key *key,
		       const char *text)
{
	(void)key;
	if (*text && !phone_is_region(text))
		return CONFIG_E_INVALID;
	return config_set_string(field, slice_of(text));
}

CONFIG_COUNT_BEHIND(config, admins, nadmins);
CONFIG_COUNT_BEHIND(config, operators, noperators);
CONFIG_COUNT_BEHIND(config, readers, nreaders);

CONFIG_COUNT_BEHIND(config_number, owners, nowners);

static int read_jids(void *field, const struct config_key *key,
		     const char *text)
{
	struct config_texts *list = field;

	if (!config_is_bare_jid(text))
		return CONFIG_E_INVALID;
	int r = config_grow(&list->v, &list->n, sizeof(*list->v));
	if (r)
		return r;
	r = read_jid(&list->v[list->n - 1], key, text);
	if (r)
		list->n--;
	return r;
}

void config_fini_nothing(void *field)
{
	(void)field;
}

#define TEXT_KIND(name, expects, reads)                                       \
	CONFIG_KIND(name, expects, .read = (reads), .fini = config_fini_text, \
		    .print = config_print_text)

TEXT_KIND(text, "text without control characters", read_text);
TEXT_KIND(path, "the path of a file", read_text);
TEXT_KIND(host, "a host name or an IP address", read_host);
TEXT_KIND(domain, "a domain name such as tel.example.org", read_domain);
TEXT_KIND(name, "the name of a trunk", read_name);
TEXT_KIND(region, "a country that has telephones, such as US or GB",
	  read_region);
TEXT_KIND(jid, "a bare JID such as alice@example.org", read_jid);
CONFIG_KIND(secret, "at most 1024 characters, none of them control characters",
	    .secret = true, .read = read_secret, .fini = config_fini_secret,
	    .print = config_print_text);
#define NUMBER_KIND(name, expects)                      \
	CONFIG_KIND(name, expects, .read = read_number, \
		    .fini = config_fini_nothing, .print = print_number)

NUMBER_KIND(port, "a port");
NUMBER_KIND(count, "a number");
CONFIG_KIND(flag, "true or false", .read = read_flag,
	    .fini = config_fini_nothing, .print = print_flag);
CONFIG_KIND(level, "\"error\", \"warn\", \"info\" or \"debug\"",
	    .read = read_level, .fini = config_fini_nothing,
	    .print = print_level);
CONFIG_KIND(early, "\"ringing\" or \"answer\"", .read = read_early,
	    .fini = config_fini_nothing, .print = print_early);
#define JIDS_KIND(name, expects)                                    \
	CONFIG_KIND(name, expects, .list = true, .read = read_jids, \
		    .fini = config_fini_texts, .print = config_print_texts)

JIDS_KIND(owners, "a bare JID such as alice@example.org");
JIDS_KIND(jids, "a bare JID such as admin@example.org");
