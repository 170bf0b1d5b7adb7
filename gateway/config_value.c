/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values: from text, back to text, and freed. Each refuses what
 * cannot be right, so that nothing behind the configuration has to ask again.
 */
#include "gateway/config_table.h"

#include <ctype.h>
#include <stdlib.h>

#include "gateway/base/text.h"

/* A string as libconfuse reads it back: it expands ${NAME} in quotes. */
static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\' || *p == '$')
			fputc('\\', to);
		fputc(*p, to);
	}
	fputc('"', to);
}

static void put_key(FILE *to, const char *indent, const char *name,
		    const char *text)
{
	fprintf(to, "%s%s = ", indent, name);
	put_quoted(to, text);
	fputc('\n', to);
}

static int set_string(char **field, struct slice text)
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
	return set_string(field, slice_of(text));
}

static int read_secret(void *field, const struct config_key *key,
		       const char *text)
{
	if (strlen(text) > CONFIG_SECRET_MAX)
		return CONFIG_E_INVALID;
	return read_text(field, key, text);
}

static void fini_text(void *field)
{
	char **text = field;

	free(*text);
	*text = NULL;
}

static void fini_secret(void *field)
{
	char **text = field;

	if (*text)
		explicit_bzero(*text, strlen(*text));
	fini_text(field);
}

static void print_text(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	put_key(to, indent, key->name, *(char *const *)field);
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
static bool is_host(struct slice text)
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
	if (!is_host(host))
		return CONFIG_E_INVALID;
	if (host.p[0] == '[') {
		host.p++;
		host.n -= 2;
	}
	return set_string(field, host);
}

static int read_domain(void *field, const struct config_key *key,
		       const char *text)
{
	(void)key;
	if (*text && !is_host(slice_of(text)))
		return CONFIG_E_INVALID;

	int r = set_string(field, slice_of(text));
	if (r)
		return r;
	for (char *p = *(char **)field; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
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
	return set_string(field, slice_of(text));
}

static int read_number(const struct config_key *key, const char *text,
		       uint64_t *out)
{
	if (text_number(slice_of(text), key->max, out) || *out < key->min)
		return CONFIG_E_INVALID;
	return 0;
}

static int read_port(void *field, const struct config_key *key,
		     const char *text)
{
	uint64_t value;
	int r = read_number(key, text, &value);

	if (!r)
		*(uint16_t *)field = (uint16_t)value;
	return r;
}

static void print_port(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	fprintf(to, "%s%s = %u\n", indent, key->name, *(const uint16_t *)field);
}

static int read_count(void *field, const struct config_key *key,
		      const char *text)
{
	uint64_t value;
	int r = read_number(key, text, &value);

	if (!r)
		*(unsigned *)field = (unsigned)value;
	return r;
}

static void print_count(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	fprintf(to, "%s%s = %u\n", indent, key->name, *(const unsigned *)field);
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

static int read_addr(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	return addr_parse(field, slice_of(text), 0) ? CONFIG_E_INVALID : 0;
}

static void print_addr(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	put_key(to, indent, key->name, addr_ip_text(field).s);
}

static int read_public(void *field, const struct config_key *key,
		       const char *text)
{
	struct config_public value = { .automatic = !strcmp(text, "auto") };

	(void)key;
	if (*text && !value.automatic) {
		if (addr_parse(&value.addr, slice_of(text), 0) ||
		    addr_classify(&value.addr) == ADDR_UNSPECIFIED ||
		    addr_classify(&value.addr) == ADDR_MULTICAST)
			return CONFIG_E_INVALID;
	}
	*(struct config_public *)field = value;
	return 0;
}

static void print_public(const void *field, const struct config_key *key,
			 const char *indent, FILE *to)
{
	const struct config_public *value = field;

	put_key(to, indent, key->name,
		value->automatic ? "auto" : addr_ip_text(&value->addr).s);
}

/*
 * Cut "host", "host:port" or "[ipv6]:port"; @port stays without one. A bare
 * IPv6 address is taken whole.
 */
static bool cut_host(struct slice text, struct slice *host, uint16_t *port)
{
	struct slice rest = text;
	uint64_t value;

	if (is_ip(text)) {
		rest = SLICE_NONE;
		*host = text;
	} else if (text.n && text.p[0] == '[') {
		*host = slice_cut(&rest, ']');
		host->n++;
		if (!rest.n || *rest.p != ':')
			return false;
		rest.p++;
		rest.n--;
	} else {
		*host = slice_cut(&rest, ':');
		if (host->n == text.n)
			rest = SLICE_NONE;
	}
	if (rest.p) {
		if (text_number(rest, UINT16_MAX, &value) || !value)
			return false;
		*port = (uint16_t)value;
	}
	if (!is_host(*host))
		return false;
	if (host->p[0] == '[') {
		host->p++;
		host->n -= 2;
	}
	return true;
}

static void put_host(FILE *to, const char *host)
{
	fprintf(to, strchr(host, ':') ? "[%s]" : "%s", host);
}

static int read_endpoint(void *field, const struct config_key *key,
			 const char *text)
{
	struct config_endpoint *out = field;
	struct slice host = SLICE_NONE;
	uint16_t port = CONFIG_STUN_PORT;

	(void)key;
	if (*text && !cut_host(slice_of(text), &host, &port))
		return CONFIG_E_INVALID;

	int r = set_string(&out->host, host);
	if (!r)
		out->port = port;
	return r;
}

static void fini_endpoint(void *field)
{
	struct config_endpoint *value = field;

	fini_text(&value->host);
}

static void print_endpoint(const void *field, const struct config_key *key,
			   const char *indent, FILE *to)
{
	const struct config_endpoint *value = field;

	fprintf(to, "%s%s = \"", indent, key->name);
	if (*value->host) {
		put_host(to, value->host);
		fprintf(to, ":%u", value->port);
	}
	fputs("\"\n", to);
}

static const char *const transport_names[] = {
	[CONFIG_UDP] = "udp", [CONFIG_TCP] = "tcp"
};

static bool parse_transport(struct slice text, enum config_transport *out)
{
	bool tcp = slice_is_nocase(text, "tcp");

	*out = tcp ? CONFIG_TCP : CONFIG_UDP;
	return tcp || slice_is_nocase(text, "udp");
}

static int read_uri(void *field, const struct config_key *key, const char *text)
{
	static const char scheme[] = "sip:", param[] = "transport=";
	struct slice rest = slice_of(text), host;
	struct config_uri *out = field, value = { 0 };

	(void)key;
	if (strncasecmp(text, scheme, strlen(scheme)) != 0)
		return CONFIG_E_INVALID;
	rest.p += strlen(scheme);
	rest.n -= strlen(scheme);
	struct slice place = slice_cut(&rest, ';');
	if (!cut_host(place, &host, &value.port))
		return CONFIG_E_INVALID;
	if (rest.n) {
		if (strncasecmp(rest.p, param, strlen(param)) != 0)
			return CONFIG_E_INVALID;
		rest.p += strlen(param);
		rest.n -= strlen(param);
		if (!parse_transport(rest, &value.transport))
			return CONFIG_E_INVALID;
		value.transport_is_set = true;
	}
	value.host = out->host;
	int r = set_string(&value.host, host);
	if (!r)
		*out = value;
	return r;
}

static void fini_uri(void *field)
{
	struct config_uri *value = field;

	fini_text(&value->host);
}

static void print_uri(const void *field, const struct config_key *key,
		      const char *indent, FILE *to)
{
	const struct config_uri *value = field;

	fprintf(to, "%s%s = \"sip:", indent, key->name);
	put_host(to, value->host);
	if (value->port)
		fprintf(to, ":%u", value->port);
	if (value->transport_is_set)
		fprintf(to, ";transport=%s", transport_names[value->transport]);
	fputs("\"\n", to);
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
			put_key(to, indent, key->name, names[i]);
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
	put_key(to, indent, key->name,
		early_names[*(const enum config_early_media *)field]);
}

bool config_is_bare_jid(const char *text)
{
	struct slice domain = slice_of(text);
	struct slice local = slice_cut(&domain, '@');

	if (!local.n || local.n > CONFIG_JID_PART_MAX || !is_host(domain))
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

	int r = set_string(field, slice_of(text));
	if (r)
		return r;
	for (char *p = *(char **)field; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

/*
 * Lists. Their count stands behind their array in the struct; `list` below
 * holds both while one field pointer is all a type gets.
 */
struct jids {
	char **v;
	size_t n;
};
struct listens {
	struct config_listen *v;
	size_t n;
};
struct nets {
	struct addr_net *v;
	size_t n;
};
#define SAME_PLACE(type, field, count)                                        \
	_Static_assert(offsetof(struct type, count) ==                        \
			       offsetof(struct type, field) + sizeof(void *), \
		       #type " keeps count behind array")
SAME_PLACE(config, admins, nadmins);
SAME_PLACE(config_sip, listen, nlisten);
SAME_PLACE(config_trunk, allow, nallow);

static int read_jids(void *field, const struct config_key *key,
		     const char *text)
{
	struct jids *list = field;

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

static void fini_jids(void *field)
{
	struct jids *list = field;

	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct jids){ 0 };
}

static void print_jids(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	const struct jids *list = field;

	fprintf(to, "%s%s = {", indent, key->name);
	for (size_t i = 0; i < list->n; i++) {
		fputs(i ? ", " : " ", to);
		put_quoted(to, list->v[i]);
	}
	fputs(" }\n", to);
}

static int read_listens(void *field, const struct config_key *key,
			const char *text)
{
	struct listens *list = field;
	struct slice rest = slice_of(text);
	struct slice transport = slice_cut(&rest, ':');
	struct config_listen value;

	(void)key;
	if (!parse_transport(transport, &value.transport) ||
	    addr_parse_port(&value.addr, rest) || !addr_port(&value.addr))
		return CONFIG_E_INVALID;
	int r = config_grow(&list->v, &list->n, sizeof(*list->v));
	if (!r)
		list->v[list->n - 1] = value;
	return r;
}

static void fini_listens(void *field)
{
	struct listens *list = field;

	free(list->v);
	*list = (struct listens){ 0 };
}

static void print_listens(const void *field, const struct config_key *key,
			  const char *indent, FILE *to)
{
	const struct listens *list = field;

	fprintf(to, "%s%s = {", indent, key->name);
	for (size_t i = 0; i < list->n; i++)
		fprintf(to, "%s \"%s:%s\"", i ? "," : "",
			transport_names[list->v[i].transport],
			addr_text(&list->v[i].addr).s);
	fputs(" }\n", to);
}

static int read_nets(void *field, const struct config_key *key,
		     const char *text)
{
	struct nets *list = field;
	struct addr_net value;

	(void)key;
	if (addr_net_parse(&value, slice_of(text)))
		return CONFIG_E_INVALID;
	int r = config_grow(&list->v, &list->n, sizeof(*list->v));
	if (!r)
		list->v[list->n - 1] = value;
	return r;
}

static void fini_nets(void *field)
{
	struct nets *list = field;

	free(list->v);
	*list = (struct nets){ 0 };
}

static void print_nets(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	const struct nets *list = field;

	fprintf(to, "%s%s = {", indent, key->name);
	for (size_t i = 0; i < list->n; i++)
		fprintf(to, "%s \"%s/%u\"", i ? "," : "",
			addr_ip_text(&list->v[i].base).s, list->v[i].prefix);
	fputs(" }\n", to);
}

static void fini_nothing(void *field)
{
	(void)field;
}

#define KIND(name, expects, ...)                                               \
	const struct config_kind config_kind_##name = { .expected = (expects), \
							__VA_ARGS__ }
#define TEXT_KIND(name, expects, reads)                         \
	KIND(name, expects, .read = (reads), .fini = fini_text, \
	     .print = print_text)

TEXT_KIND(text, "text without control characters", read_text);
TEXT_KIND(path, "the path of a file", read_text);
TEXT_KIND(host, "a host name or an IP address", read_host);
TEXT_KIND(domain, "a domain name such as tel.example.org", read_domain);
TEXT_KIND(name, "the name of a trunk", read_name);
TEXT_KIND(jid, "a bare JID such as alice@example.org", read_jid);
KIND(secret, "at most 1024 characters, none of them control characters",
     .secret = true, .read = read_secret, .fini = fini_secret,
     .print = print_text);
KIND(port, "a port", .read = read_port, .fini = fini_nothing,
     .print = print_port);
KIND(count, "a number", .read = read_count, .fini = fini_nothing,
     .print = print_count);
KIND(flag, "true or false", .read = read_flag, .fini = fini_nothing,
     .print = print_flag);
KIND(addr, "an IP address", .read = read_addr, .fini = fini_nothing,
     .print = print_addr);
KIND(public, "an IP address that others reach, \"auto\" or \"\"",
     .read = read_public, .fini = fini_nothing, .print = print_public);
KIND(endpoint, "\"host:port\" or \"\"", .read = read_endpoint,
     .fini = fini_endpoint, .print = print_endpoint);
KIND(uri,
     "\"sip:host\", \"sip:host:port\", or either with "
     "\";transport=udp\" or \";transport=tcp\"",
     .read = read_uri, .fini = fini_uri, .print = print_uri);
KIND(level, "\"error\", \"warn\", \"info\" or \"debug\"", .read = read_level,
     .fini = fini_nothing, .print = print_level);
KIND(early, "\"ringing\" or \"answer\"", .read = read_early,
     .fini = fini_nothing, .print = print_early);
KIND(jids, "a bare JID such as admin@example.org", .list = true,
     .read = read_jids, .fini = fini_jids, .print = print_jids);
KIND(listens, "\"udp:IP:port\" or \"tcp:IP:port\", IPv6 in brackets",
     .list = true, .read = read_listens, .fini = fini_listens,
     .print = print_listens);
KIND(nets, "a network such as 192.0.2.0/24 or 2001:db8::/32", .list = true,
     .read = read_nets, .fini = fini_nets, .print = print_nets);
