/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every key of tandem.conf(5): where it stands, its type, its default and what
 * it may be.
 */
#include "gateway/config_table.h"

#include <assert.h>
#include <stdlib.h>

#define LIST(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define AT(field)        offsetof(struct config, field)
#define TRUNK_AT(field)  offsetof(struct config_trunk, field)
#define NUMBER_AT(field) offsetof(struct config_number, field)

const char *const config_section_names[CONFIG_NSECTIONS] = {
	[CONFIG_TOP] = "",          [CONFIG_XMPP] = "xmpp",
	[CONFIG_SIP] = "sip",       [CONFIG_MEDIA] = "media",
	[CONFIG_DB] = "db",         [CONFIG_LIMITS] = "limits",
	[CONFIG_LOG] = "log",       [CONFIG_TRUNK] = "trunk",
	[CONFIG_NUMBER] = "number",
};

/* clang-format off */
const struct config_key config_keys[CONFIG_NKEYS] = {
	[CONFIG_KEY_ADMINS] = {
		CONFIG_TOP, "admins", &config_kind_jids, AT(admins),
		.initial = LIST(NULL) },
	[CONFIG_KEY_XMPP_HOST] = {
		CONFIG_XMPP, "host", &config_kind_host, AT(xmpp.host),
		LIST("127.0.0.1") },
	[CONFIG_KEY_XMPP_PORT] = {
		CONFIG_XMPP, "port", &config_kind_port, AT(xmpp.port),
		LIST("5347"), 1, UINT16_MAX },
	[CONFIG_KEY_XMPP_DOMAIN] = {
		CONFIG_XMPP, "domain", &config_kind_domain, AT(xmpp.domain),
		LIST("") },
	[CONFIG_KEY_XMPP_SECRET] = {
		CONFIG_XMPP, "secret", &config_kind_secret, AT(xmpp.secret),
		LIST("") },
	[CONFIG_KEY_XMPP_SECRET_FILE] = {
		CONFIG_XMPP, "secret_file", &config_kind_path,
		AT(xmpp.secret_file), LIST("") },
	[CONFIG_KEY_SIP_LISTEN] = {
		CONFIG_SIP, "listen", &config_kind_listens, AT(sip.listen),
		LIST("udp:0.0.0.0:5060", "tcp:0.0.0.0:5060") },
	[CONFIG_KEY_SIP_PUBLIC] = {
		CONFIG_SIP, "public_address", &config_kind_public,
		AT(sip.public_address), LIST("") },
	[CONFIG_KEY_MEDIA_ADDRESS] = {
		CONFIG_MEDIA, "address", &config_kind_addr, AT(media.address),
		LIST("0.0.0.0") },
	[CONFIG_KEY_MEDIA_PUBLIC] = {
		CONFIG_MEDIA, "public_address", &config_kind_public,
		AT(media.public_address), LIST("") },
	[CONFIG_KEY_MEDIA_STUN] = {
		CONFIG_MEDIA, "stun", &config_kind_endpoint, AT(media.stun),
		LIST("") },
	[CONFIG_KEY_MEDIA_ICE_PORT] = {
		CONFIG_MEDIA, "ice_port", &config_kind_port, AT(media.ice_port),
		LIST("10000"), 1, UINT16_MAX },
	[CONFIG_KEY_MEDIA_PORT_MIN] = {
		CONFIG_MEDIA, "port_min", &config_kind_port, AT(media.port_min),
		LIST("20000"), 1, UINT16_MAX },
	[CONFIG_KEY_MEDIA_PORT_MAX] = {
		CONFIG_MEDIA, "port_max", &config_kind_port, AT(media.port_max),
		LIST("29999"), 1, UINT16_MAX },
	[CONFIG_KEY_MEDIA_WORKERS] = {
		CONFIG_MEDIA, "workers", &config_kind_count, AT(media.workers),
		LIST("0"), 0, 256 },
	[CONFIG_KEY_MEDIA_LOOPBACK] = {
		CONFIG_MEDIA, "allow_loopback", &config_kind_flag,
		AT(media.allow_loopback), LIST("false") },
	[CONFIG_KEY_MEDIA_CERTIFICATE] = {
		CONFIG_MEDIA, "certificate", &config_kind_path,
		AT(media.certificate), LIST("/var/lib/tandem/tandem.pem") },
	[CONFIG_KEY_DB_PATH] = {
		CONFIG_DB, "path", &config_kind_path, AT(db.path),
		LIST("/var/lib/tandem/tandem.db") },
	[CONFIG_KEY_LIMITS_CALLS] = {
		CONFIG_LIMITS, "calls", &config_kind_count, AT(limits.calls),
		LIST("1000"), 1, 100000 },
	[CONFIG_KEY_LIMITS_PER_ACCOUNT] = {
		CONFIG_LIMITS, "calls_per_account", &config_kind_count,
		AT(limits.calls_per_account), LIST("4"), 1, 100000 },
	[CONFIG_KEY_LIMITS_RING] = {
		CONFIG_LIMITS, "ring_timeout_s", &config_kind_count,
		AT(limits.ring_timeout_s), LIST("60"), 1, 180 },
	[CONFIG_KEY_LIMITS_DURATION] = {
		CONFIG_LIMITS, "call_duration_s", &config_kind_count,
		AT(limits.call_duration_s), LIST("43200"), 1, 604800 },
	[CONFIG_KEY_LOG_FILE] = {
		CONFIG_LOG, "file", &config_kind_path, AT(log.file),
		LIST("") },
	[CONFIG_KEY_LOG_LEVEL] = {
		CONFIG_LOG, "level", &config_kind_level, AT(log.level),
		LIST("info") },
	[CONFIG_KEY_TRUNK_PROXY] = {
		CONFIG_TRUNK, "proxy", &config_kind_uri, TRUNK_AT(proxy),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_USERNAME] = {
		CONFIG_TRUNK, "username", &config_kind_text,
		TRUNK_AT(username), LIST("") },
	[CONFIG_KEY_TRUNK_PASSWORD] = {
		CONFIG_TRUNK, "password", &config_kind_secret,
		TRUNK_AT(password), LIST("") },
	[CONFIG_KEY_TRUNK_PASSWORD_FILE] = {
		CONFIG_TRUNK, "password_file", &config_kind_path,
		TRUNK_AT(password_file), LIST("") },
	[CONFIG_KEY_TRUNK_REALM] = {
		CONFIG_TRUNK, "realm", &config_kind_text, TRUNK_AT(realm),
		LIST("") },
	[CONFIG_KEY_TRUNK_REGISTER] = {
		CONFIG_TRUNK, "register", &config_kind_flag,
		TRUNK_AT(registers), LIST("false") },
	[CONFIG_KEY_TRUNK_EXPIRES] = {
		CONFIG_TRUNK, "expires_s", &config_kind_count,
		TRUNK_AT(expires_s), LIST("600"), 30, 86400 },
	[CONFIG_KEY_TRUNK_FROM_DOMAIN] = {
		CONFIG_TRUNK, "from_domain", &config_kind_domain,
		TRUNK_AT(from_domain), LIST("") },
	[CONFIG_KEY_TRUNK_ALLOW] = {
		CONFIG_TRUNK, "allow", &config_kind_nets, TRUNK_AT(allow),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_EARLY_MEDIA] = {
		CONFIG_TRUNK, "early_media", &config_kind_early,
		TRUNK_AT(early_media), LIST("ringing") },
	[CONFIG_KEY_NUMBER_OWNER] = {
		CONFIG_NUMBER, "owner", &config_kind_jid, NUMBER_AT(owner),
		LIST("") },
	[CONFIG_KEY_NUMBER_TRUNK] = {
		CONFIG_NUMBER, "trunk", &config_kind_name, NUMBER_AT(trunk),
		LIST("") },
};
/* clang-format on */

int config_set_defaults(void *object, enum config_section section)
{
	for (size_t i = 0; i < CONFIG_NKEYS; i++) {
		const struct config_key *key = &config_keys[i];
		void *field = (char *)object + key->offset;

		if (key->section != section)
			continue;
		for (const char *const *t = key->initial; *t; t++) {
			int r = key->kind->read(field, key, *t);

			assert(r != CONFIG_E_INVALID); /* our own table */
			if (r)
				return r;
		}
	}
	return 0;
}

int config_grow(void *arrayp, size_t *n, size_t size)
{
	char **array = arrayp;
	char *grown = reallocarray(*array, *n + 1, size);

	if (!grown)
		return -ENOMEM;
	memset(grown + *n * size, 0, size);
	*array = grown;
	(*n)++;
	return 0;
}
