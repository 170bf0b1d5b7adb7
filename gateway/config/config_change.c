/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a running process cannot take over from a new configuration: ports,
 * files, connections, and what SIP trunks have been made of. All else is looked
 * up when it is used.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "gateway/config/config_table.h"

/* Copied when the trunk was made (sip/trunk.h). */
static const enum config_key_id fixed_of_trunk[] = {
	CONFIG_KEY_TRUNK_PROXY,        CONFIG_KEY_TRUNK_USERNAME,
	CONFIG_KEY_TRUNK_PASSWORD,     CONFIG_KEY_TRUNK_REALM,
	CONFIG_KEY_TRUNK_REGISTER,     CONFIG_KEY_TRUNK_EXPIRES,
	CONFIG_KEY_TRUNK_QUALIFY,      CONFIG_KEY_TRUNK_FROM_DOMAIN,
	CONFIG_KEY_TRUNK_CONTACT_USER, CONFIG_KEY_TRUNK_IDENTITY,
	CONFIG_KEY_TRUNK_HEADERS,      CONFIG_KEY_TRUNK_ALLOW,
};

static const enum config_section fixed_sections[] = {
	CONFIG_XMPP, CONFIG_SIP,   CONFIG_MEDIA,
	CONFIG_DB,   CONFIG_WATCH, CONFIG_CONTROL,
};

/* Of the other sections what is read at the start alone. */
static const enum config_key_id fixed_keys[] = {
	CONFIG_KEY_SANDBOX,         CONFIG_KEY_LOG_FILE,
	CONFIG_KEY_BILLING_URL,     CONFIG_KEY_BILLING_TOKEN,
	CONFIG_KEY_BILLING_TIMEOUT, CONFIG_KEY_BILLING_RECORDS,
};

/* As the file would have it; NULL without memory. */
static char *value_of(const struct config_key *key, const void *object)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return NULL;
	key->kind->print((const char *)object + key->offset, key, "", to);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}

static bool is_same(const struct config_key *key, const void *a, const void *b)
{
	char *one = value_of(key, a), *other = value_of(key, b);
	bool same = one && other && !strcmp(one, other);

	text_wipe(one);
	text_wipe(other);
	return same;
}

static bool is_fixed(size_t id)
{
	for (size_t i = 0;
	     i < sizeof(fixed_sections) / sizeof(fixed_sections[0]); i++) {
		if (config_keys[id].section == fixed_sections[i])
			return true;
	}
	for (size_t i = 0; i < sizeof(fixed_keys) / sizeof(fixed_keys[0]);
	     i++) {
		if (id == fixed_keys[i])
			return true;
	}
	return false;
}

static bool same_keys(const struct config *a, const struct config *b,
		      char what[static CONFIG_WHAT_CAP])
{
	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		const struct config_key *key = &config_keys[i];
		const char *section = config_section_names[key->section];

		if (!is_fixed(i) || is_same(key, a, b))
			continue;
		if (text_format(what, CONFIG_WHAT_CAP, "%s%s%s", section,
				*section ? "." : "", key->name))
			what[0] = '\0';
		return false;
	}
	return true;
}

static bool same_trunk(const struct config_trunk *a,
		       const struct config_trunk *b,
		       char what[static CONFIG_WHAT_CAP])
{
	for (size_t i = 0;
	     i < sizeof(fixed_of_trunk) / sizeof(fixed_of_trunk[0]); i++) {
		const struct config_key *key = &config_keys[fixed_of_trunk[i]];

		if (is_same(key, a, b))
			continue;
		if (text_format(what, CONFIG_WHAT_CAP, "%s of trunk %s",
				key->name, a->name))
			what[0] = '\0';
		return false;
	}
	return true;
}

bool config_can_become(const struct config *old, const struct config *new,
		       char what[static CONFIG_WHAT_CAP])
{
	bool same = old->ntrunks == new->ntrunks;

	if (!same_keys(old, new, what))
		return false;
	for (size_t i = 0; same && i < old->ntrunks; i++)
		same = !strcmp(old->trunks[i].name, new->trunks[i].name);
	if (!same && text_set(what, CONFIG_WHAT_CAP, "which trunks there are"))
		what[0] = '\0';
	for (size_t i = 0; same && i < old->ntrunks; i++)
		same = same_trunk(&old->trunks[i], &new->trunks[i], what);
	return same;
}
