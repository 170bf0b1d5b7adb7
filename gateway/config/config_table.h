/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The one table of keys that reading, checking and printing share. Outside of
 * gateway/config only gateway/setup, which writes a file, includes it.
 */
#pragma once

#include "gateway/config/config.h"

enum config_section {
	CONFIG_TOP,
	CONFIG_XMPP,
	CONFIG_SIP,
	CONFIG_MEDIA,
	CONFIG_DB,
	CONFIG_LIMITS,
	CONFIG_LOG,
	CONFIG_CONTROL,
	CONFIG_TRUNK,
	CONFIG_NUMBER,
	CONFIG_EMERGENCY,
	CONFIG_ROUTE,
	CONFIG_WATCH,
	CONFIG_BILLING,
	CONFIG_HEP,
	CONFIG_REGISTRATION,
	CONFIG_NSECTIONS
};

enum config_key_id {
	CONFIG_KEY_ADMINS,
	CONFIG_KEY_OPERATORS,
	CONFIG_KEY_READERS,
	CONFIG_KEY_REGION,
	CONFIG_KEY_SANDBOX,
	CONFIG_KEY_XMPP_HOST,
	CONFIG_KEY_XMPP_PORT,
	CONFIG_KEY_XMPP_DOMAIN,
	CONFIG_KEY_XMPP_SECRET,
	CONFIG_KEY_XMPP_SECRET_FILE,
	CONFIG_KEY_SIP_LISTEN,
	CONFIG_KEY_SIP_PUBLIC,
	CONFIG_KEY_SIP_NAMESERVERS,
	CONFIG_KEY_SIP_CERTIFICATE,
	CONFIG_KEY_SIP_PRIVATE_KEY,
	CONFIG_KEY_SIP_TRUSTED,
	CONFIG_KEY_SIP_CLIENTS,
	CONFIG_KEY_MEDIA_ADDRESS,
	CONFIG_KEY_MEDIA_PUBLIC,
	CONFIG_KEY_MEDIA_STUN,
	CONFIG_KEY_MEDIA_ICE_PORT,
	CONFIG_KEY_MEDIA_PORT_MIN,
	CONFIG_KEY_MEDIA_PORT_MAX,
	CONFIG_KEY_MEDIA_WORKERS,
	CONFIG_KEY_MEDIA_PRIORITY,
	CONFIG_KEY_MEDIA_DSCP,
	CONFIG_KEY_MEDIA_LOOPBACK,
	CONFIG_KEY_MEDIA_CERTIFICATE,
	CONFIG_KEY_MEDIA_KEEP,
	CONFIG_KEY_DB_PATH,
	CONFIG_KEY_DB_AUDIT_DAYS,
	CONFIG_KEY_LIMITS_CALLS,
	CONFIG_KEY_LIMITS_PER_ACCOUNT,
	CONFIG_KEY_LIMITS_PER_MINUTE,
	CONFIG_KEY_LIMITS_MINUTES,
	CONFIG_KEY_LIMITS_ALLOW,
	CONFIG_KEY_LIMITS_DENY,
	CONFIG_KEY_LIMITS_ECHO,
	CONFIG_KEY_LIMITS_TEXTS,
	CONFIG_KEY_LIMITS_TEXTS_IN,
	CONFIG_KEY_LIMITS_TEXT_EXPIRES,
	CONFIG_KEY_LIMITS_TEXT_SETTLE,
	CONFIG_KEY_LIMITS_RING,
	CONFIG_KEY_LIMITS_DURATION,
	CONFIG_KEY_CONTROL_SOCKET,
	CONFIG_KEY_LOG_FILE,
	CONFIG_KEY_LOG_LEVEL,
	CONFIG_KEY_LOG_JSON,
	CONFIG_KEY_TRUNK_PROXY,
	CONFIG_KEY_TRUNK_USERNAME,
	CONFIG_KEY_TRUNK_PASSWORD,
	CONFIG_KEY_TRUNK_PASSWORD_FILE,
	CONFIG_KEY_TRUNK_REALM,
	CONFIG_KEY_TRUNK_REGISTER,
	CONFIG_KEY_TRUNK_EXPIRES,
	CONFIG_KEY_TRUNK_QUALIFY,
	CONFIG_KEY_TRUNK_FROM_DOMAIN,
	CONFIG_KEY_TRUNK_CONTACT_USER,
	CONFIG_KEY_TRUNK_ALLOW,
	CONFIG_KEY_TRUNK_PRACK,
	CONFIG_KEY_TRUNK_REFER,
	CONFIG_KEY_TRUNK_REDIRECT,
	CONFIG_KEY_TRUNK_MEDIA_ANYWHERE,
	CONFIG_KEY_TRUNK_NOTIFY,
	CONFIG_KEY_TRUNK_SESSION,
	CONFIG_KEY_TRUNK_RETRY,
	CONFIG_KEY_TRUNK_EARLY_MEDIA,
	CONFIG_KEY_TRUNK_SRTP,
	CONFIG_KEY_TRUNK_IDENTITY,
	CONFIG_KEY_TRUNK_TRUST_IDENTITY,
	CONFIG_KEY_TRUNK_HEADERS,
	CONFIG_KEY_TRUNK_REFUSE,
	CONFIG_KEY_TRUNK_CALLED_PREFIX,
	CONFIG_KEY_TRUNK_TOKEN,
	CONFIG_KEY_TRUNK_REWRITE_OUT,
	CONFIG_KEY_TRUNK_REWRITE_OUT_CALLER,
	CONFIG_KEY_TRUNK_REWRITE_IN,
	CONFIG_KEY_TRUNK_REWRITE_IN_CALLER,
	CONFIG_KEY_TRUNK_SHORT_CODES,
	CONFIG_KEY_TRUNK_TEXT_OCTETS,
	CONFIG_KEY_TRUNK_SPLIT_TEXTS,
	CONFIG_KEY_TRUNK_IMDN,
	CONFIG_KEY_TRUNK_CALLS,
	CONFIG_KEY_TRUNK_CALLS_PER_MINUTE,
	CONFIG_KEY_TRUNK_MINUTES_PER_DAY,
	CONFIG_KEY_TRUNK_ALLOW_PREFIXES,
	CONFIG_KEY_TRUNK_DENY_PREFIXES,
	CONFIG_KEY_NUMBER_OWNER,
	CONFIG_KEY_NUMBER_TRUNK,
	CONFIG_KEY_NUMBER_TEXTS,
	CONFIG_KEY_NUMBER_RING,
	CONFIG_KEY_NUMBER_RING_S,
	CONFIG_KEY_NUMBER_SECOND_CALL,
	CONFIG_KEY_NUMBER_FORWARD,
	CONFIG_KEY_NUMBER_EARLY_MEDIA,
	CONFIG_KEY_NUMBER_CHAT_DIGITS,
	CONFIG_KEY_NUMBER_DISPLAY,
	CONFIG_KEY_NUMBER_WITHHOLD,
	CONFIG_KEY_EMERGENCY_NUMBERS,
	CONFIG_KEY_EMERGENCY_TRUNK,
	CONFIG_KEY_EMERGENCY_TEXT,
	CONFIG_KEY_ROUTE_PREFIXES,
	CONFIG_KEY_ROUTE_TRUNKS,
	CONFIG_KEY_ROUTE_DAYS,
	CONFIG_KEY_ROUTE_HOURS,
	CONFIG_KEY_WATCH_LISTEN,
	CONFIG_KEY_WATCH_TOKEN,
	CONFIG_KEY_WATCH_TOKEN_FILE,
	CONFIG_KEY_BILLING_URL,
	CONFIG_KEY_BILLING_TOKEN,
	CONFIG_KEY_BILLING_TOKEN_FILE,
	CONFIG_KEY_BILLING_TIMEOUT,
	CONFIG_KEY_BILLING_ON_FAILURE,
	CONFIG_KEY_BILLING_AUTHORISE,
	CONFIG_KEY_BILLING_RECORDS,
	CONFIG_KEY_HEP_SERVER,
	CONFIG_KEY_HEP_ID,
	CONFIG_KEY_HEP_PASSWORD,
	CONFIG_KEY_HEP_PASSWORD_FILE,
	CONFIG_KEY_REGISTRATION_DOMAIN,
	CONFIG_KEY_REGISTRATION_NUMBERS,
	CONFIG_KEY_REGISTRATION_TRUNK,
	CONFIG_NKEYS
};

struct config_key;

/* What a type of value can do. */
struct config_kind {
	const char *const *words; /* of which one is chosen; NULL: none */
	unsigned nwords;
	bool list;
	bool secret; /* never shown in a mistake */
	const char *expected;
	/* Text into *@field. 0, CONFIG_E_INVALID, -ENOMEM. */
	int (*read)(void *field, const struct config_key *key,
		    const char *text);
	/* Empty or free *@field; fine on zeroed memory. */
	void (*fini)(void *field);
	/* "key = value" to @to, indented by @indent. */
	void (*print)(const void *field, const struct config_key *key,
		      const char *indent, FILE *to);
};

struct config_key {
	enum config_section section;
	const char *name;
	const struct config_kind *kind;
	size_t offset; /* in struct config, _trunk, _number or _route */
	const char *const
		*initial;  /* texts read as the default; ends in NULL */
	unsigned min, max; /* of numbers */
};

extern const struct config_key config_keys[CONFIG_NKEYS];
extern const char *const config_section_names[CONFIG_NSECTIONS];

extern const struct config_kind config_kind_text, config_kind_path,
	config_kind_secret, config_kind_host, config_kind_domain,
	config_kind_name, config_kind_port, config_kind_count, config_kind_flag,
	config_kind_addr, config_kind_public, config_kind_endpoint,
	config_kind_uri, config_kind_level, config_kind_early, config_kind_jid,
	config_kind_jids, config_kind_servers, config_kind_listens,
	config_kind_nets, config_kind_prefixes, config_kind_codes,
	config_kind_trunk_names, config_kind_refusals, config_kind_headers,
	config_kind_header, config_kind_prefix, config_kind_rewrites,
	config_kind_identity, config_kind_srtp, config_kind_days,
	config_kind_hours, config_kind_region;
/* config_policy.c */
extern const struct config_kind config_kind_owners, config_kind_second,
	config_kind_ring, config_kind_own_early, config_kind_forward;

/* config_watch.c */
extern const struct config_kind config_kind_bound, config_kind_url;

#define CONFIG_KIND(name, expects, ...)                                        \
	const struct config_kind config_kind_##name = { .expected = (expects), \
							__VA_ARGS__ }

#define CONFIG_TEXTS_KIND(name, expects, reads)                   \
	CONFIG_KIND(name, expects, .list = true, .read = (reads), \
		    .fini = config_fini_texts, .print = config_print_texts)

/*
 * A type gets one pointer to its field, a list two fields: its count stands
 * behind its array.
 */
#define CONFIG_COUNT_BEHIND(type, array, count)                               \
	_Static_assert(offsetof(struct type, count) ==                        \
			       offsetof(struct type, array) + sizeof(void *), \
		       #count " stands behind " #array)

/* Shared by the types. */
bool config_is_host(struct slice text); /* a name or an IP literal */
CHECKED int config_set_string(char **field, struct slice text);
void config_fini_text(void *field);
void config_fini_secret(void *field);
void config_print_text(const void *field, const struct config_key *key,
		       const char *indent, FILE *to);
/* One more of a list of texts. 0, -ENOMEM. */
CHECKED int config_add_text(void *field, const char *text);
/* Of a struct config_texts, or of what is laid out as one. */
void config_fini_texts(void *field);
void config_print_texts(const void *field, const struct config_key *key,
			const char *indent, FILE *to);
void config_fini_nothing(void *field);
/* A string as libconfuse reads it back: it expands ${NAME} in quotes. */
void config_put_quoted(FILE *to, const char *text);
void config_put_key(FILE *to, const char *indent, const char *name,
		    const char *text);

/* Mistakes, kept until the whole file is read. */
struct config_mistake {
	unsigned line;
	char *text;
};
struct config_mistakes {
	struct config_mistake *rows;
	size_t n;
	int failed;  /* -ENOMEM */
	bool broken; /* the syntax: the rest of the file was not read */
};
void config_mistakes_add(struct config_mistakes *m, unsigned line,
			 const char *fmt, ...) PRINTF(3, 4);
void config_mistakes_fini(struct config_mistakes *m);

/* Where each key of the sections that come once stood; 0: not given. */
struct config_lines {
	unsigned key[CONFIG_NKEYS];
	unsigned end; /* of the file */
};

/*
 * The parts of reading a file: defaults and syntax (config_read.c), then the
 * secrets in files and what must fit together (config_check.c).
 */
void config_read(struct config *config, struct slice text,
		 struct config_lines *lines, struct config_mistakes *m);
void config_check(struct config *config, const struct config_lines *lines,
		  struct config_mistakes *m);

/* A section with a title, which begins at @line. */
struct config_object {
	enum config_section section; /* CONFIG_TRUNK, _NUMBER, _ROUTE */
	const char *title;
	unsigned line;
};
/* Another of its kind, with its defaults. *@out is @config's, and moves when
 * one more is added. 0 or -ENOMEM. */
CHECKED int config_object_add(void **out, const struct config_object *object,
			      struct config *config,
			      struct config_mistakes *mistakes);

/* Free all that @config owns and zero it. */
void config_clear(struct config *config);

/* Its numbers by that, once, when they are as they stay. 0, -ENOMEM. */
CHECKED int config_index(struct config *config, enum config_by by);
void config_index_clear(struct config *config);

/* Free all that @trunk owns and zero it. */
void config_clear_trunk(struct config_trunk *trunk);

/* The default of every key of @section into @object. 0 or -ENOMEM. */
CHECKED int config_set_defaults(void *object, enum config_section section);

/* 0 or -ENOMEM; the new element is zeroed. */
CHECKED int config_grow(void *arrayp, size_t *n, size_t size);
