/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every key of tandem.conf(5): where it stands, its type, its default and what
 * it may be.
 */
#include "gateway/config/config_table.h"

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
#define ROUTE_AT(field)  offsetof(struct config_route, field)

const char *const config_section_names[CONFIG_NSECTIONS] = {
	[CONFIG_TOP] = "",
	[CONFIG_XMPP] = "xmpp",
	[CONFIG_SIP] = "sip",
	[CONFIG_MEDIA] = "media",
	[CONFIG_DB] = "db",
	[CONFIG_LIMITS] = "limits",
	[CONFIG_LOG] = "log",
	[CONFIG_TRUNK] = "trunk",
	[CONFIG_NUMBER] = "number",
	[CONFIG_EMERGENCY] = "emergency",
	[CONFIG_ROUTE] = "route",
	[CONFIG_WATCH] = "watch",
	[CONFIG_BILLING] = "billing",
	[CONFIG_HEP] = "hep",
	[CONFIG_REGISTRATION] = "registration",
	[CONFIG_CONTROL] = "control",
};

/* clang-format off */
const struct config_key config_keys[CONFIG_NKEYS] = {
	[CONFIG_KEY_ADMINS] = {
		CONFIG_TOP, "admins", &config_kind_jids, AT(admins),
		.initial = LIST(NULL) },
	[CONFIG_KEY_OPERATORS] = {
		CONFIG_TOP, "operators", &config_kind_jids, AT(operators),
		.initial = LIST(NULL) },
	[CONFIG_KEY_READERS] = {
		CONFIG_TOP, "readers", &config_kind_jids, AT(readers),
		.initial = LIST(NULL) },
	[CONFIG_KEY_REGION] = {
		CONFIG_TOP, "region", &config_kind_region, AT(region),
		.initial = LIST("") },
	[CONFIG_KEY_SANDBOX] = {
		CONFIG_TOP, "sandbox", &config_kind_flag, AT(sandbox),
		.initial = LIST("true") },
	[CONFIG_KEY_XMPP_HOST] = {
		CONFIG_XMPP, "host", &config_kind_host, AT(xmpp.host),
		.initial = LIST("127.0.0.1") },
	[CONFIG_KEY_XMPP_PORT] = {
		CONFIG_XMPP, "port", &config_kind_port, AT(xmpp.port),
		.initial = LIST("5347"),
		.min = 1, .max = UINT16_MAX },
	[CONFIG_KEY_XMPP_DOMAIN] = {
		CONFIG_XMPP, "domain", &config_kind_domain, AT(xmpp.domain),
		.initial = LIST("") },
	[CONFIG_KEY_XMPP_SECRET] = {
		CONFIG_XMPP, "secret", &config_kind_secret, AT(xmpp.secret),
		.initial = LIST("") },
	[CONFIG_KEY_XMPP_SECRET_FILE] = {
		CONFIG_XMPP, "secret_file", &config_kind_path,
		AT(xmpp.secret_file), .initial = LIST("") },
	[CONFIG_KEY_SIP_LISTEN] = {
		CONFIG_SIP, "listen", &config_kind_listens, AT(sip.listen),
		.initial = LIST("udp:0.0.0.0:5060", "tcp:0.0.0.0:5060") },
	[CONFIG_KEY_SIP_PUBLIC] = {
		CONFIG_SIP, "public_address", &config_kind_public,
		AT(sip.public_address), .initial = LIST("") },
	[CONFIG_KEY_SIP_NAMESERVERS] = {
		CONFIG_SIP, "nameservers", &config_kind_servers,
		AT(sip.nameservers), .initial = LIST("") },
	[CONFIG_KEY_SIP_CERTIFICATE] = {
		CONFIG_SIP, "certificate", &config_kind_path,
		AT(sip.certificate), .initial = LIST("") },
	[CONFIG_KEY_SIP_PRIVATE_KEY] = {
		CONFIG_SIP, "private_key", &config_kind_path,
		AT(sip.private_key), .initial = LIST("") },
	[CONFIG_KEY_SIP_TRUSTED] = {
		CONFIG_SIP, "trusted_certificates", &config_kind_path,
		AT(sip.trusted), .initial = LIST("") },
	[CONFIG_KEY_SIP_CLIENTS] = {
		CONFIG_SIP, "client_certificates", &config_kind_flag,
		AT(sip.ask_clients), .initial = LIST("false") },
	[CONFIG_KEY_MEDIA_ADDRESS] = {
		CONFIG_MEDIA, "address", &config_kind_addr, AT(media.address),
		.initial = LIST("0.0.0.0") },
	[CONFIG_KEY_MEDIA_PUBLIC] = {
		CONFIG_MEDIA, "public_address", &config_kind_public,
		AT(media.public_address), .initial = LIST("") },
	[CONFIG_KEY_MEDIA_STUN] = {
		CONFIG_MEDIA, "stun", &config_kind_endpoint, AT(media.stun),
		.initial = LIST("") },
	[CONFIG_KEY_MEDIA_ICE_PORT] = {
		CONFIG_MEDIA, "ice_port", &config_kind_port, AT(media.ice_port),
		.initial = LIST("10000"),
		.min = 1, .max = UINT16_MAX },
	[CONFIG_KEY_MEDIA_PORT_MIN] = {
		CONFIG_MEDIA, "port_min", &config_kind_port, AT(media.port_min),
		.initial = LIST("20000"),
		.min = 1, .max = UINT16_MAX },
	[CONFIG_KEY_MEDIA_PORT_MAX] = {
		CONFIG_MEDIA, "port_max", &config_kind_port, AT(media.port_max),
		.initial = LIST("29999"),
		.min = 1, .max = UINT16_MAX },
	[CONFIG_KEY_MEDIA_WORKERS] = {
		CONFIG_MEDIA, "workers", &config_kind_count, AT(media.workers),
		.initial = LIST("0"),
		.min = 0, .max = 64 },
	[CONFIG_KEY_MEDIA_PRIORITY] = {
		CONFIG_MEDIA, "priority", &config_kind_count, AT(media.priority),
		.initial = LIST("10"),
		.min = 0, .max = 99 },
	[CONFIG_KEY_MEDIA_DSCP] = {
		CONFIG_MEDIA, "dscp", &config_kind_count, AT(media.dscp),
		.initial = LIST("46"),
		.min = 0, .max = 63 },
	[CONFIG_KEY_MEDIA_LOOPBACK] = {
		CONFIG_MEDIA, "allow_loopback", &config_kind_flag,
		AT(media.allow_loopback), .initial = LIST("false") },
	[CONFIG_KEY_MEDIA_CERTIFICATE] = {
		CONFIG_MEDIA, "certificate", &config_kind_path,
		AT(media.certificate), .initial = LIST("/var/lib/tandem/tandem.pem") },
	[CONFIG_KEY_MEDIA_KEEP] = {
		CONFIG_MEDIA, "keep", &config_kind_path, AT(media.keep),
		.initial = LIST("/run/tandem/calls") },
	[CONFIG_KEY_DB_PATH] = {
		CONFIG_DB, "path", &config_kind_path, AT(db.path),
		.initial = LIST("/var/lib/tandem/tandem.db") },
	[CONFIG_KEY_DB_AUDIT_DAYS] = {
		CONFIG_DB, "audit_days", &config_kind_count, AT(db.audit_days),
		.initial = LIST("365"),
		.min = 1, .max = 36500 },
	[CONFIG_KEY_LIMITS_CALLS] = {
		CONFIG_LIMITS, "calls", &config_kind_count, AT(limits.calls),
		.initial = LIST("1000"),
		.min = 1, .max = 100000 },
	[CONFIG_KEY_LIMITS_PER_ACCOUNT] = {
		CONFIG_LIMITS, "calls_per_account", &config_kind_count,
		AT(limits.account.calls), .initial = LIST("2"),
		.min = 1, .max = 100000 },
	[CONFIG_KEY_LIMITS_PER_MINUTE] = {
		CONFIG_LIMITS, "calls_per_minute", &config_kind_count,
		AT(limits.account.calls_per_minute), .initial = LIST("10"),
		.min = 0, .max = 100000 },
	[CONFIG_KEY_LIMITS_MINUTES] = {
		CONFIG_LIMITS, "minutes_per_day", &config_kind_count,
		AT(limits.account.minutes_per_day), .initial = LIST("0"),
		.min = 0, .max = 10000000 },
	[CONFIG_KEY_LIMITS_ALLOW] = {
		CONFIG_LIMITS, "allow_prefixes", &config_kind_prefixes,
		AT(limits.account.destinations.allow), .initial = LIST(NULL) },
	/* Satellites, networks without a country and premium rates: where
	 * stolen accounts call (ITU-T E.164, list of country codes). */
	[CONFIG_KEY_LIMITS_DENY] = {
		CONFIG_LIMITS, "deny_prefixes", &config_kind_prefixes,
		AT(limits.account.destinations.deny),
		.initial = LIST("+870", "+878", "+881", "+882", "+883", "+979",
				"+1900") },
	[CONFIG_KEY_LIMITS_ECHO] = {
		CONFIG_LIMITS, "echo_calls", &config_kind_count,
		AT(limits.echo_calls), .initial = LIST("8"),
		.min = 0, .max = 100000 },
	[CONFIG_KEY_LIMITS_TEXTS] = {
		CONFIG_LIMITS, "texts_per_minute", &config_kind_count,
		AT(limits.texts_per_minute), .initial = LIST("30"),
		.min = 0, .max = 100000 },
	[CONFIG_KEY_LIMITS_TEXTS_IN] = {
		CONFIG_LIMITS, "texts_in_per_minute", &config_kind_count,
		AT(limits.texts_in_per_minute), .initial = LIST("60"),
		.min = 0, .max = 100000 },
	[CONFIG_KEY_LIMITS_TEXT_EXPIRES] = {
		CONFIG_LIMITS, "text_expires_s", &config_kind_count,
		AT(limits.text_expires_s), .initial = LIST("172800"),
		.min = 60, .max = 2592000 },
	[CONFIG_KEY_LIMITS_TEXT_SETTLE] = {
		CONFIG_LIMITS, "text_settle_ms", &config_kind_count,
		AT(limits.text_settle_ms), .initial = LIST("1000"),
		.min = 0, .max = 60000 },
	[CONFIG_KEY_LIMITS_RING] = {
		CONFIG_LIMITS, "ring_timeout_s", &config_kind_count,
		AT(limits.ring_timeout_s), .initial = LIST("60"),
		.min = 1, .max = 180 },
	[CONFIG_KEY_LIMITS_DURATION] = {
		CONFIG_LIMITS, "call_duration_s", &config_kind_count,
		AT(limits.call_duration_s), .initial = LIST("43200"),
		.min = 1, .max = 604800 },
	[CONFIG_KEY_CONTROL_SOCKET] = {
		CONFIG_CONTROL, "socket", &config_kind_path, AT(control.socket),
		.initial = LIST("/run/tandem/control") },
	[CONFIG_KEY_LOG_FILE] = {
		CONFIG_LOG, "file", &config_kind_path, AT(log.file),
		.initial = LIST("") },
	[CONFIG_KEY_LOG_LEVEL] = {
		CONFIG_LOG, "level", &config_kind_level, AT(log.level),
		.initial = LIST("info") },
	[CONFIG_KEY_LOG_JSON] = {
		CONFIG_LOG, "json", &config_kind_flag, AT(log.json),
		.initial = LIST("false") },
	[CONFIG_KEY_TRUNK_PROXY] = {
		CONFIG_TRUNK, "proxy", &config_kind_uri, TRUNK_AT(proxy),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_USERNAME] = {
		CONFIG_TRUNK, "username", &config_kind_text,
		TRUNK_AT(username), .initial = LIST("") },
	[CONFIG_KEY_TRUNK_PASSWORD] = {
		CONFIG_TRUNK, "password", &config_kind_secret,
		TRUNK_AT(password), .initial = LIST("") },
	[CONFIG_KEY_TRUNK_PASSWORD_FILE] = {
		CONFIG_TRUNK, "password_file", &config_kind_path,
		TRUNK_AT(password_file), .initial = LIST("") },
	[CONFIG_KEY_TRUNK_REALM] = {
		CONFIG_TRUNK, "realm", &config_kind_text, TRUNK_AT(realm),
		.initial = LIST("") },
	[CONFIG_KEY_TRUNK_REGISTER] = {
		CONFIG_TRUNK, "register", &config_kind_flag,
		TRUNK_AT(registers), .initial = LIST("false") },
	[CONFIG_KEY_TRUNK_EXPIRES] = {
		CONFIG_TRUNK, "expires_s", &config_kind_count,
		TRUNK_AT(expires_s), .initial = LIST("600"),
		.min = 30, .max = 86400 },
	[CONFIG_KEY_TRUNK_QUALIFY] = {
		CONFIG_TRUNK, "qualify_s", &config_kind_count,
		TRUNK_AT(qualify_s), .initial = LIST("30"),
		.min = 5, .max = 3600 },
	[CONFIG_KEY_TRUNK_FROM_DOMAIN] = {
		CONFIG_TRUNK, "from_domain", &config_kind_domain,
		TRUNK_AT(from_domain), .initial = LIST("") },
	[CONFIG_KEY_TRUNK_CONTACT_USER] = {
		CONFIG_TRUNK, "contact_user", &config_kind_text,
		TRUNK_AT(contact_user), .initial = LIST("") },
	[CONFIG_KEY_TRUNK_ALLOW] = {
		CONFIG_TRUNK, "allow", &config_kind_nets, TRUNK_AT(allow),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_PRACK] = {
		CONFIG_TRUNK, "prack", &config_kind_flag, TRUNK_AT(prack),
		.initial = LIST("false") },
	[CONFIG_KEY_TRUNK_REFER] = {
		CONFIG_TRUNK, "refer", &config_kind_flag, TRUNK_AT(refer),
		.initial = LIST("false") },
	[CONFIG_KEY_TRUNK_REDIRECT] = {
		CONFIG_TRUNK, "redirect", &config_kind_flag, TRUNK_AT(redirect),
		.initial = LIST("false") },
	[CONFIG_KEY_TRUNK_MEDIA_ANYWHERE] = {
		CONFIG_TRUNK, "media_anywhere", &config_kind_flag,
		TRUNK_AT(media_anywhere), .initial = LIST("false") },
	[CONFIG_KEY_TRUNK_NOTIFY] = {
		CONFIG_TRUNK, "unsolicited_notify", &config_kind_flag,
		TRUNK_AT(unsolicited_notify), .initial = LIST("true") },
	[CONFIG_KEY_TRUNK_SESSION] = {
		CONFIG_TRUNK, "session_expires_s", &config_kind_count,
		TRUNK_AT(session_expires_s), .initial = LIST("1800"),
		.min = 0, .max = 86400 },
	[CONFIG_KEY_TRUNK_RETRY] = {
		CONFIG_TRUNK, "retry_s", &config_kind_count, TRUNK_AT(retry_s),
		.initial = LIST("2"),
		.min = 0, .max = 10 },
	[CONFIG_KEY_TRUNK_EARLY_MEDIA] = {
		CONFIG_TRUNK, "early_media", &config_kind_early,
		TRUNK_AT(early_media), .initial = LIST("ringing") },
	[CONFIG_KEY_TRUNK_SRTP] = {
		CONFIG_TRUNK, "srtp", &config_kind_srtp, TRUNK_AT(srtp),
		.initial = LIST("no") },
	[CONFIG_KEY_TRUNK_IDENTITY] = {
		CONFIG_TRUNK, "identity", &config_kind_identity, TRUNK_AT(identity),
		.initial = LIST("pai") },
	[CONFIG_KEY_TRUNK_TRUST_IDENTITY] = {
		CONFIG_TRUNK, "trust_identity", &config_kind_flag, TRUNK_AT(trust_identity),
		.initial = LIST("true") },
	[CONFIG_KEY_TRUNK_HEADERS] = {
		CONFIG_TRUNK, "headers", &config_kind_headers, TRUNK_AT(headers),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_REFUSE] = {
		CONFIG_TRUNK, "refuse", &config_kind_refusals, TRUNK_AT(refuse),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_CALLED_PREFIX] = {
		CONFIG_TRUNK, "called_prefix", &config_kind_prefix, TRUNK_AT(called_prefix),
		.initial = LIST("") },
	[CONFIG_KEY_TRUNK_TOKEN] = {
		CONFIG_TRUNK, "token", &config_kind_header, TRUNK_AT(token),
		.initial = LIST("") },
	[CONFIG_KEY_TRUNK_REWRITE_OUT] = {
		CONFIG_TRUNK, "rewrite_out", &config_kind_rewrites, TRUNK_AT(rewrite_out),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_REWRITE_OUT_CALLER] = {
		CONFIG_TRUNK, "rewrite_out_caller", &config_kind_rewrites, TRUNK_AT(rewrite_out_caller),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_REWRITE_IN] = {
		CONFIG_TRUNK, "rewrite_in", &config_kind_rewrites, TRUNK_AT(rewrite_in),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_REWRITE_IN_CALLER] = {
		CONFIG_TRUNK, "rewrite_in_caller", &config_kind_rewrites, TRUNK_AT(rewrite_in_caller),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_SHORT_CODES] = {
		CONFIG_TRUNK, "short_codes", &config_kind_codes, TRUNK_AT(short_codes),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_TEXT_OCTETS] = {
		CONFIG_TRUNK, "text_octets", &config_kind_count, TRUNK_AT(text_octets),
		.initial = LIST("1300"),
		.min = 70, .max = 65535 },
	[CONFIG_KEY_TRUNK_SPLIT_TEXTS] = {
		CONFIG_TRUNK, "split_texts", &config_kind_flag, TRUNK_AT(split_texts),
		.initial = LIST("false") },
	[CONFIG_KEY_TRUNK_IMDN] = {
		CONFIG_TRUNK, "imdn", &config_kind_flag, TRUNK_AT(imdn),
		.initial = LIST("false") },
	[CONFIG_KEY_TRUNK_CALLS] = {
		CONFIG_TRUNK, "calls", &config_kind_count, TRUNK_AT(quota.calls),
		.initial = LIST("0"),
		.min = 0, .max = 100000 },
	[CONFIG_KEY_TRUNK_CALLS_PER_MINUTE] = {
		CONFIG_TRUNK, "calls_per_minute", &config_kind_count, TRUNK_AT(quota.calls_per_minute),
		.initial = LIST("0"),
		.min = 0, .max = 100000 },
	[CONFIG_KEY_TRUNK_MINUTES_PER_DAY] = {
		CONFIG_TRUNK, "minutes_per_day", &config_kind_count, TRUNK_AT(quota.minutes_per_day),
		.initial = LIST("0"),
		.min = 0, .max = 10000000 },
	[CONFIG_KEY_TRUNK_ALLOW_PREFIXES] = {
		CONFIG_TRUNK, "allow_prefixes", &config_kind_prefixes, TRUNK_AT(quota.destinations.allow),
		.initial = LIST(NULL) },
	[CONFIG_KEY_TRUNK_DENY_PREFIXES] = {
		CONFIG_TRUNK, "deny_prefixes", &config_kind_prefixes, TRUNK_AT(quota.destinations.deny),
		.initial = LIST(NULL) },
	[CONFIG_KEY_NUMBER_OWNER] = {
		CONFIG_NUMBER, "owner", &config_kind_owners, NUMBER_AT(owners),
		.initial = LIST(NULL) },
	[CONFIG_KEY_NUMBER_TRUNK] = {
		CONFIG_NUMBER, "trunk", &config_kind_name, NUMBER_AT(trunk),
		.initial = LIST("") },
	[CONFIG_KEY_NUMBER_TEXTS] = {
		CONFIG_NUMBER, "texts", &config_kind_domain,
		NUMBER_AT(texts), .initial = LIST("") },
	[CONFIG_KEY_NUMBER_RING] = {
		CONFIG_NUMBER, "ring", &config_kind_ring, NUMBER_AT(ring),
		.initial = LIST("all") },
	[CONFIG_KEY_NUMBER_RING_S] = {
		CONFIG_NUMBER, "ring_s", &config_kind_count, NUMBER_AT(ring_s),
		.initial = LIST("20"),
		.min = 1, .max = 180 },
	[CONFIG_KEY_NUMBER_SECOND_CALL] = {
		CONFIG_NUMBER, "second_call", &config_kind_second,
		NUMBER_AT(second_call), .initial = LIST("ring") },
	[CONFIG_KEY_NUMBER_FORWARD] = {
		CONFIG_NUMBER, "forward", &config_kind_forward,
		NUMBER_AT(forward), .initial = LIST("") },
	[CONFIG_KEY_NUMBER_EARLY_MEDIA] = {
		CONFIG_NUMBER, "early_media", &config_kind_own_early,
		NUMBER_AT(early_media), .initial = LIST("") },
	[CONFIG_KEY_NUMBER_CHAT_DIGITS] = {
		CONFIG_NUMBER, "chat_digits", &config_kind_flag,
		NUMBER_AT(chat_digits), .initial = LIST("true") },
	[CONFIG_KEY_NUMBER_DISPLAY] = {
		CONFIG_NUMBER, "display", &config_kind_text,
		NUMBER_AT(display), .initial = LIST("") },
	[CONFIG_KEY_NUMBER_WITHHOLD] = {
		CONFIG_NUMBER, "withhold", &config_kind_flag,
		NUMBER_AT(withhold), .initial = LIST("false") },
	[CONFIG_KEY_EMERGENCY_NUMBERS] = {
		CONFIG_EMERGENCY, "numbers", &config_kind_codes,
		AT(emergency.numbers), .initial = LIST("112", "911") },
	[CONFIG_KEY_EMERGENCY_TRUNK] = {
		CONFIG_EMERGENCY, "trunk", &config_kind_name,
		AT(emergency.trunk), .initial = LIST("") },
	[CONFIG_KEY_EMERGENCY_TEXT] = {
		CONFIG_EMERGENCY, "text", &config_kind_text,
		AT(emergency.text),
		.initial = LIST("Emergency calls are not possible here: use "
				"another telephone.") },
	[CONFIG_KEY_ROUTE_PREFIXES] = {
		CONFIG_ROUTE, "prefixes", &config_kind_prefixes,
		ROUTE_AT(prefixes), .initial = LIST(NULL) },
	[CONFIG_KEY_ROUTE_TRUNKS] = {
		CONFIG_ROUTE, "trunks", &config_kind_trunk_names,
		ROUTE_AT(trunks), .initial = LIST(NULL) },
	[CONFIG_KEY_ROUTE_DAYS] = {
		CONFIG_ROUTE, "days", &config_kind_days, ROUTE_AT(days),
		.initial = LIST("mon-sun") },
	[CONFIG_KEY_ROUTE_HOURS] = {
		CONFIG_ROUTE, "hours", &config_kind_hours, ROUTE_AT(from_min),
		.initial = LIST("00:00-24:00") },
	[CONFIG_KEY_WATCH_LISTEN] = {
		CONFIG_WATCH, "listen", &config_kind_bound, AT(watch.listen),
		.initial = LIST("") },
	[CONFIG_KEY_WATCH_TOKEN] = {
		CONFIG_WATCH, "token", &config_kind_secret, AT(watch.token),
		.initial = LIST("") },
	[CONFIG_KEY_WATCH_TOKEN_FILE] = {
		CONFIG_WATCH, "token_file", &config_kind_path,
		AT(watch.token_file), .initial = LIST("") },
	[CONFIG_KEY_BILLING_URL] = {
		CONFIG_BILLING, "url", &config_kind_url, AT(billing.url),
		.initial = LIST("") },
	[CONFIG_KEY_BILLING_TOKEN] = {
		CONFIG_BILLING, "token", &config_kind_secret,
		AT(billing.token), .initial = LIST("") },
	[CONFIG_KEY_BILLING_TOKEN_FILE] = {
		CONFIG_BILLING, "token_file", &config_kind_path,
		AT(billing.token_file), .initial = LIST("") },
	[CONFIG_KEY_BILLING_TIMEOUT] = {
		CONFIG_BILLING, "timeout_ms", &config_kind_count,
		AT(billing.timeout_ms), .initial = LIST("1500"),
		.min = 100, .max = 10000 },
	[CONFIG_KEY_BILLING_ON_FAILURE] = {
		CONFIG_BILLING, "allow_on_failure", &config_kind_flag,
		AT(billing.on_failure), .initial = LIST("true") },
	[CONFIG_KEY_BILLING_AUTHORISE] = {
		CONFIG_BILLING, "authorise", &config_kind_flag,
		AT(billing.authorise), .initial = LIST("true") },
	[CONFIG_KEY_BILLING_RECORDS] = {
		CONFIG_BILLING, "records", &config_kind_flag,
		AT(billing.records), .initial = LIST("true") },
	[CONFIG_KEY_HEP_SERVER] = {
		CONFIG_HEP, "server", &config_kind_bound, AT(hep.server),
		.initial = LIST("") },
	[CONFIG_KEY_HEP_ID] = {
		CONFIG_HEP, "id", &config_kind_count, AT(hep.id),
		.initial = LIST("1"), .min = 0, .max = INT32_MAX },
	[CONFIG_KEY_HEP_PASSWORD] = {
		CONFIG_HEP, "password", &config_kind_secret, AT(hep.password),
		.initial = LIST("") },
	[CONFIG_KEY_HEP_PASSWORD_FILE] = {
		CONFIG_HEP, "password_file", &config_kind_path,
		AT(hep.password_file), .initial = LIST("") },
	[CONFIG_KEY_REGISTRATION_DOMAIN] = {
		CONFIG_REGISTRATION, "domain", &config_kind_domain,
		AT(registration.domain), .initial = LIST("") },
	[CONFIG_KEY_REGISTRATION_NUMBERS] = {
		CONFIG_REGISTRATION, "numbers", &config_kind_prefixes,
		AT(registration.numbers), .initial = LIST(NULL) },
	[CONFIG_KEY_REGISTRATION_TRUNK] = {
		CONFIG_REGISTRATION, "trunk", &config_kind_name,
		AT(registration.trunk), .initial = LIST("") },
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
