/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values that name places in a network: addresses, end points,
 * URIs, and lists of them.
 */
#include "gateway/config/config_table.h"

#include <stdlib.h>

#include "gateway/base/text.h"

static int read_addr(void *field, const struct config_key *key,
		     const char *text)
{
	(void)key;
	return addr_parse(field, slice_of(text), 0) ? CONFIG_E_INVALID : 0;
}

static void print_addr(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name, addr_ip_text(field).s);
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

	config_put_key(to, indent, key->name,
		       value->automatic ? "auto"
					: addr_ip_text(&value->addr).s);
}

/*
 * Cut "host", "host:port" or "[ipv6]:port"; @port stays without one. A bare
 * IPv6 address is taken whole.
 */
static bool cut_host(struct slice text, struct slice *host, uint16_t *port)
{
	struct slice rest = text;
	struct addr ip;
	uint64_t value;

	if (!addr_parse(&ip, text, 0)) {
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
	if (!config_is_host(*host))
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

	int r = config_set_string(&out->host, host);
	if (!r)
		out->port = port;
	return r;
}

static void fini_endpoint(void *field)
{
	struct config_endpoint *value = field;

	config_fini_text(&value->host);
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
	[CONFIG_UDP] = "udp", [CONFIG_TCP] = "tcp", [CONFIG_TLS] = "tls"
};

static bool parse_transport(struct slice text, enum config_transport *out)
{
	for (unsigned i = CONFIG_UDP; i <= CONFIG_TLS; i++) {
		*out = (enum config_transport)i;
		if (slice_is_nocase(text, transport_names[i]))
			return true;
	}
	return false;
}

/* What follows the host: nothing, or one transport. "sips:" is TLS. */
static bool read_uri_transport(struct slice rest, struct config_uri *out)
{
	static const char param[] = "transport=";
	bool secure = out->transport == CONFIG_TLS;

	out->transport_is_set = rest.n || secure;
	if (!rest.n)
		return true;
	if (strncasecmp(rest.p, param, strlen(param)) != 0)
		return false;
	rest.p += strlen(param);
	rest.n -= strlen(param);
	return parse_transport(rest, &out->transport) &&
	       (!secure || out->transport == CONFIG_TLS);
}

static int read_uri(void *field, const struct config_key *key, const char *text)
{
	struct slice rest = slice_of(text), host;
	struct slice scheme = slice_cut(&rest, ':');
	struct config_uri *out = field, value = { 0 };

	(void)key;
	if (slice_is_nocase(scheme, "sips"))
		value.transport = CONFIG_TLS;
	else if (!slice_is_nocase(scheme, "sip"))
		return CONFIG_E_INVALID;
	struct slice place = slice_cut(&rest, ';');
	if (!cut_host(place, &host, &value.port) ||
	    !read_uri_transport(rest, &value))
		return CONFIG_E_INVALID;
	value.host = out->host;
	int r = config_set_string(&value.host, host);
	if (!r)
		*out = value;
	return r;
}

static void fini_uri(void *field)
{
	struct config_uri *value = field;

	config_fini_text(&value->host);
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

struct listens {
	struct config_listen *v;
	size_t n;
};
struct nets {
	struct addr_net *v;
	size_t n;
};
CONFIG_COUNT_BEHIND(config_sip, listen, nlisten);
CONFIG_COUNT_BEHIND(config_trunk, allow, nallow);

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

/* One or more, as the DNS library takes them. */
static int read_servers(void *field, const struct config_key *key,
			const char *text)
{
	struct slice rest = slice_of(text);
	struct addr addr;

	(void)key;
	while (rest.n) {
		struct slice one = slice_trim(slice_cut(&rest, ','));

		if (addr_parse(&addr, one, 0) && addr_parse_port(&addr, one))
			return CONFIG_E_INVALID;
	}
	return config_set_string(field, slice_of(text));
}

CONFIG_KIND(servers, "IP addresses with commas between, or \"\"",
	    .read = read_servers, .fini = config_fini_text,
	    .print = config_print_text);
CONFIG_KIND(addr, "an IP address", .read = read_addr,
	    .fini = config_fini_nothing, .print = print_addr);
CONFIG_KIND(public, "an IP address that others reach, \"auto\" or \"\"",
	    .read = read_public, .fini = config_fini_nothing,
	    .print = print_public);
CONFIG_KIND(endpoint, "\"host:port\" or \"\"", .read = read_endpoint,
	    .fini = fini_endpoint, .print = print_endpoint);
CONFIG_KIND(uri,
	    "\"sip:host\", \"sip:host:port\", or either with "
	    "\";transport=udp\", \";transport=tcp\" or \";transport=tls\"",
	    .read = read_uri, .fini = fini_uri, .print = print_uri);
CONFIG_KIND(listens,
	    "\"udp:IP:port\", \"tcp:IP:port\" or \"tls:IP:port\", IPv6 in "
	    "brackets",
	    .list = true, .read = read_listens, .fini = fini_listens,
	    .print = print_listens);
CONFIG_KIND(nets, "a network such as 192.0.2.0/24 or 2001:db8::/32",
	    .list = true, .read = read_nets, .fini = fini_nets,
	    .print = print_nets);
