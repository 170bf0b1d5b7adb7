/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A configuration written back as a file, by the same table that reads it.
 */
#include "gateway/config/config_table.h"

static bool is_left_in_file(const struct config_key *key, const void *object)
{
	size_t id = (size_t)(key - config_keys);
	const struct config *config = object;
	const struct config_trunk *trunk = object;

	if (id == CONFIG_KEY_XMPP_SECRET)
		return *config->xmpp.secret_file;
	if (id == CONFIG_KEY_BILLING_TOKEN)
		return *config->billing.token_file;
	if (id == CONFIG_KEY_WATCH_TOKEN)
		return *config->watch.token_file;
	if (id == CONFIG_KEY_HEP_PASSWORD)
		return *config->hep.password_file;
	if (id == CONFIG_KEY_TRUNK_PASSWORD)
		return *trunk->password_file;
	return false;
}

static void print_keys(const void *object, enum config_section section,
		       FILE *to)
{
	const char *indent = section == CONFIG_TOP ? "" : "\t";

	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->section == section && !is_left_in_file(key, object))
			key->kind->print((const char *)object + key->offset,
					 key, indent, to);
	}
}

static void print_titled(const char *title, const void *object,
			 enum config_section section, FILE *to)
{
	fprintf(to, "%s \"%s\" {\n", config_section_names[section], title);
	print_keys(object, section, to);
	fputs("}\n", to);
}

void config_print(const struct config *config, FILE *to)
{
	for (size_t i = CONFIG_TOP + 1; i < CONFIG_NSECTIONS; i++) {
		if (i == CONFIG_TRUNK || i == CONFIG_NUMBER ||
		    i == CONFIG_ROUTE)
			continue;
		fprintf(to, "%s {\n", config_section_names[i]);
		print_keys(config, (enum config_section)i, to);
		fputs("}\n", to);
	}
	print_keys(config, CONFIG_TOP, to);
	for (size_t i = 0; i < config->ntrunks; i++)
		print_titled(config->trunks[i].name, &config->trunks[i],
			     CONFIG_TRUNK, to);
	for (size_t i = 0; i < config->nnumbers; i++)
		print_titled(config->numbers[i].number, &config->numbers[i],
			     CONFIG_NUMBER, to);
	for (size_t i = 0; i < config->nroutes; i++)
		print_titled(config->routes[i].name, &config->routes[i],
			     CONFIG_ROUTE, to);
}
