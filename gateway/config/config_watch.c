/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values that watching a gateway and billing need.
 */
#include "gateway/bill/wire.h"
#include "gateway/config/config_table.h"

static int read_bound(void *field, const struct config_key *key,
		      const char *text)
{
	struct addr *addr = field;

	(void)key;
	*addr = (struct addr){ .sa.sa_family = ADDR_NONE };
	if (!*text)
		return 0;
	if (addr_parse_port(addr, slice_of(text)) || !addr_port(addr)) {
		addr->sa.sa_family = ADDR_NONE;
		return CONFIG_E_INVALID;
	}
	return 0;
}

static void print_bound(const void *field, const struct config_key *key,
			const char *indent, FILE *to)
{
	const struct addr *addr = field;

	config_put_key(to, indent, key->name,
		       addr_is_set(addr) ? addr_text(addr).s : "");
}

static int read_url(void *field, const struct config_key *key, const char *text)
{
	(void)key;
	if (*text && !wire_is_url(text))
		return CONFIG_E_INVALID;
	return config_set_string(field, slice_of(text));
}

CONFIG_KIND(url, "http://host/path, https://host/path or unix:/path",
	    .read = read_url, .fini = config_fini_text,
	    .print = config_print_text);

CONFIG_KIND(bound, "an IP address and a port, such as 127.0.0.1:9464",
	    .read = read_bound, .fini = config_fini_nothing,
	    .print = print_bound);
