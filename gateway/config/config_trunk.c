/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Trunks that no file has: key by key, as the file would. */
#include "gateway/config/config_table.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"

int config_trunk_new(struct config_trunk **out, const char *name)
{
	AUTO(config_trunk_freep)
	struct config_trunk *trunk = calloc(1, sizeof(*trunk));
	int r = trunk ? config_set_defaults(trunk, CONFIG_TRUNK) : -ENOMEM;

	if (!r)
		r = config_set_string(&trunk->name, slice_of(name));
	if (r)
		return r;
	*out = trunk;
	trunk = NULL;
	return 0;
}

struct config_trunk *config_trunk_free(struct config_trunk *trunk)
{
	if (!trunk)
		return NULL;
	config_clear_trunk(trunk);
	free(trunk);
	return NULL;
}

/* Files are the file's: a path would make us read what others cannot. */
static const struct config_key *find_key(const char *name)
{
	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		if (config_keys[i].section == CONFIG_TRUNK &&
		    config_keys[i].kind != &config_kind_path &&
		    !strcmp(config_keys[i].name, name))
			return &config_keys[i];
	}
	return NULL;
}

int config_trunk_set(struct config_trunk *trunk, const char *name,
		     const char *value, const char **expected)
{
	const struct config_key *key = find_key(name);

	if (!key)
		return CONFIG_E_UNKNOWN;
	*expected = key->kind->expected;
	return key->kind->read((char *)trunk + key->offset, key, value);
}

const char *config_trunk_mistake(const struct config_trunk *trunk, size_t i)
{
	const struct {
		bool is;
		const char *text;
	} rows[] = {
		{ !trunk->proxy.host,
		  "has no proxy: expected proxy = \"sip:host\"" },
		{ trunk->registers && !*trunk->username,
		  "registers without a username: expected username" },
		{ *trunk->password && !*trunk->username,
		  "has a password without a username: expected username" },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		if (rows[k].is && !i--)
			return rows[k].text;
	}
	return NULL;
}
