/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The configuration, tandem.conf(5): read whole into a new struct config,
 * checked whole, and only then used. A bad file changes nothing.
 *
 * Every mistake is reported, one line each and in the order of the file:
 *     FILE:LINE: what was found: expected what
 *
 * All strings are owned by the struct and never NULL unless said so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "db/account.h"
#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"

enum {
	CONFIG_FILE_MAX = 1 << 20,    /* octets of tandem.conf */
	CONFIG_SECRET_MAX = 1024,     /* octets of a secret, also in a file */
	CONFIG_TRUNK_NAME_MAX = 32,   /* characters */
	CONFIG_NUMBER_DIGITS = 15,    /* E.164, without the plus */
	CONFIG_STUN_PORT = 3478,      /* RFC 8489, 18.6 */
	CONFIG_JID_PART_MAX = 1023,   /* octets; RFC 7622, 3.2 and 3.3 */
	CONFIG_DOMAIN_LABEL_MAX = 63, /* RFC 1035, 2.3.4 */
	CONFIG_REWRITE_MAX = 32,      /* characters of either side of a rule */
	CONFIG_HEADER_MAX = 512,      /* octets of a header line */
};

enum config_outcome {
	CONFIG_E_INVALID = 1, /* mistakes were reported */
	CONFIG_E_UNKNOWN,     /* no such key */
};

/* In `refuse`: who does not show a number. */
#define CONFIG_REFUSE_ANONYMOUS "anonymous"

enum config_transport { CONFIG_UDP, CONFIG_TCP, CONFIG_TLS };

/* "udp:0.0.0.0:5060", "tcp:[::]:5060", "tls:0.0.0.0:5061" */
struct config_listen {
	enum config_transport transport;
	struct addr addr;
};

/* "": none; "auto": to be found out; or an IP address. */
struct config_public {
	bool automatic;
	struct addr addr; /* unset, or the IP with port 0 */
};

/* "host:port", "host", "[2001:db8::1]:port"; host "" when not given. */
struct config_endpoint {
	char *host; /* a name or an IP literal without brackets */
	uint16_t port;
};

/* "sip:host[:port][;transport=udp|tcp|tls]", "sips:host[:port]" */
struct config_uri {
	char *host;            /* a name or an IP literal without brackets */
	uint16_t port;         /* 0: not given, ask the DNS (RFC 3263) */
	bool transport_is_set; /* else ask the DNS */
	enum config_transport transport;
};

struct config_xmpp {
	char *host;
	uint16_t port;
	char *domain; /* in lower case */
	char *secret;
	char *secret_file; /* "": secret was given itself */
};

struct config_sip {
	struct config_listen *listen;
	size_t nlisten;
	struct config_public public_address;
	char *nameservers; /* "192.0.2.53, …"; "": those of the system */
	/* PEM files; "": none, in the certificate's, the system's store */
	char *certificate, *private_key, *trusted;
	bool ask_clients; /* for a certificate, too */
};

struct config_media {
	struct addr address; /* port 0 */
	struct config_public public_address;
	struct config_endpoint stun; /* host "": ask by XEP-0215 */
	uint16_t ice_port;           /* of worker 0; worker n: ice_port + n */
	uint16_t port_min, port_max;
	unsigned workers;  /* 0: one per processor */
	unsigned priority; /* of workers, SCHED_RR; 0: as all else */
	unsigned dscp;     /* of media packets */
	bool allow_loopback;
	char *certificate; /* PEM; made when it is not there */
	char *keep;        /* what calls live on from; "": nothing */
};

/* A number begins with @prefix, or with @whole is it: @by takes its place. */
struct config_rewrite {
	char *prefix, *by;
	bool whole;
};
/* In order; the first that fits is the one. */
struct config_rewrites {
	struct config_rewrite *v;
	size_t n;
};

struct config_texts {
	char **v;
	size_t n;
};

/* Which numbers may be called: the longest prefix that fits decides. */
struct config_destinations {
	struct config_texts allow; /* not empty: nothing else */
	struct config_texts deny;
};

/* What an account, or a trunk, may do; 0: as much as it likes. */
struct config_quota {
	unsigned calls; /* at a time, both ways */
	unsigned calls_per_minute;
	unsigned minutes_per_day; /* of calls to trunks; days of our zone */
	struct config_destinations destinations;
};

struct config_limits {
	unsigned calls;
	struct config_quota account; /* where an account has none of its own */
	unsigned ring_timeout_s;
	unsigned call_duration_s;
	unsigned echo_calls; /* of those who own no number, all together */
	unsigned texts_per_minute;    /* of an account */
	unsigned texts_in_per_minute; /* from one telephone to one number */
	unsigned text_expires_s;      /* not delivered until then */
	unsigned text_settle_ms;      /* outbox.h */
};

/* Numbers that are never left to chance. */
struct config_emergency {
	struct config_texts numbers;
	char *trunk; /* its name; "": refused */
	char *text;  /* what who calls them is told when they are refused */
};

/* Who may take a number himself: gateway/admin/registration.h. */
struct config_registration {
	char *domain;                /* whose accounts; in lower case */
	struct config_texts numbers; /* none: nobody */
	char *trunk;                 /* that they come by */
};

/* How a trunk is told whose call it is: sip/identity.h. */
enum config_identity {
	CONFIG_IDENTITY_PAI,
	CONFIG_IDENTITY_RPID,
	CONFIG_IDENTITY_FROM
};

enum config_srtp {
	CONFIG_SRTP_NO,      /* SDES is neither offered nor taken */
	CONFIG_SRTP_OFFER,   /* offered, and done without (RFC 8643) */
	CONFIG_SRTP_REQUIRE, /* SDES (RFC 4568) or DTLS, or no call */
	CONFIG_SRTP_DTLS,    /* ICE and DTLS-SRTP, as browsers speak */
};

enum config_early_media {
	CONFIG_EARLY_RINGING, /* JMI ringing; no media before the answer */
	CONFIG_EARLY_ANSWER,  /* accept at 180 or 183: announcements heard */
};

struct config_trunk {
	char *name;
	struct config_uri proxy;
	char *username, *password, *password_file, *realm, *from_domain;
	char *contact_user; /* of requests; "": username, else who calls */
	bool registers;
	unsigned expires_s; /* of a registration */
	unsigned qualify_s; /* between two OPTIONS */
	struct addr_net *allow;
	size_t nallow;
	bool prack, refer, redirect; /* RFC 3262; 3515 and 3891; 3xx */
	bool media_anywhere;         /* behind other NATs: media/latch.h */
	bool unsolicited_notify;     /* is taken; else 481 */
	unsigned session_expires_s;  /* of our calls; 0: none is asked for */
	unsigned retry_s;            /* gateway/leg/leg_sip_retry.c; 0: never */
	enum config_early_media early_media;
	enum config_srtp srtp;

	enum config_identity identity;
	bool trust_identity; /* what it asserts of callers is believed */
	struct config_texts headers; /* of our INVITEs: "X-Token: abc" */
	struct config_texts
		refuse;      /* CONFIG_REFUSE_ANONYMOUS, or a verstat value */
	char *called_prefix; /* which calls at its addresses are its */
	char *token;         /* the same: "X-Token: abc" */
	struct config_rewrites rewrite_out, rewrite_out_caller;
	struct config_rewrites rewrite_in, rewrite_in_caller;
	struct config_texts short_codes;
	unsigned text_octets; /* of a text that it takes in one MESSAGE */
	bool split_texts;     /* longer ones go in parts; else refused */
	bool imdn;            /* it reports what becomes of texts (RFC 5438) */
	struct config_quota quota;
	unsigned line; /* in the file */
};

/* Metrics and the status page: gateway/watch/http.h. */
struct config_watch {
	struct addr listen; /* unset: nowhere */
	char *token;        /* "": none is needed */
	char *token_file;   /* "": token was given itself, if at all */
};

/* Who says whether a call may be, and gets its record: gateway/bill/bill.h. */
struct config_billing {
	char *url;        /* "": nobody */
	char *token;      /* "": none is shown */
	char *token_file; /* "": token was given itself, if at all */
	unsigned timeout_ms;
	bool on_failure; /* calls and texts may be when nobody says so */
	bool authorise;  /* calls and texts are asked about */
	bool records;    /* of calls are pushed */
};

/* A capture server for traces that want one: gateway/trace/hep.h. */
struct config_hep {
	struct addr server; /* unset: none */
	unsigned id;        /* what it knows us by */
	char *password;     /* "": none is shown */
	char *password_file;
};

enum { CONFIG_DAY_MIN = 24 * 60 };

/* Which trunks take a call, in their order. */
struct config_route {
	char *name;
	struct config_texts prefixes; /* empty: every number */
	struct config_texts trunks;   /* their names */
	uint8_t days;                 /* bit 0: Monday … bit 6: Sunday */
	uint16_t from_min, until_min; /* of the local day; until <= from: the
				       * time runs past midnight */
	unsigned line;
};

struct config_number {
	char *number;  /* "+15557654321" */
	char **owners; /* bare JIDs; at least one, at most ACCOUNT_MAX_OWNERS */
	size_t nowners;
	char *trunk; /* the name of one of the trunks */
	char *texts; /* the component that carries them; "": the trunk does */
	enum account_ring ring;
	unsigned ring_s; /* each, one after the other */
	/* Of its owners, unless an administrator said otherwise meanwhile. */
	enum account_second second_call;
	char *forward;                  /* bare JID, number, or "" */
	enum account_early early_media; /* 0: the trunk's */
	bool chat_digits;
	char *display; /* a name to go with it in calls out; "" none */
	bool withhold; /* calls out do not show it (RFC 3323) */
	unsigned line, trunk_line;
};

struct config_trunks {
	struct config_trunk **v;
	size_t n;
};

/* What numbers are found by. */
enum config_by {
	CONFIG_BY_NUMBER,
	CONFIG_BY_OWNER, /* bare JIDs in lower case */
	CONFIG_BY_TEXTS, /* the component, where there is one */
	CONFIG_BY_TRUNK,
	CONFIG_NBY
};
struct config_keyed {
	const char *key;
	const struct config_number *number;
};
struct config_index {
	struct config_keyed *v; /* sorted */
	size_t n;
};

struct config {
	char *path; /* of the file; NULL: from text */
	struct config_xmpp xmpp;
	struct config_sip sip;
	struct config_media media;
	struct {
		char *path;
		unsigned audit_days; /* changes are listed for so long */
	} db;
	struct config_limits limits;
	struct {
		char *socket; /* of tandemctl; "": none */
	} control;
	struct {
		char *file; /* "": stderr */
		enum log_level level;
		bool json; /* gateway/base/log_json.h */
	} log;
	/* Bare JIDs: who may all; who may not change the gateway itself; who
	 * may only look. */
	char **admins;
	size_t nadmins;
	char **operators;
	size_t noperators;
	char **readers;
	size_t nreaders;
	char *region; /* gateway/route/phone.h; "": that of an account's number
		       */
	bool sandbox; /* gateway/sandbox.h */
	struct config_trunk *trunks;
	size_t ntrunks;
	/* Those of no file, that come and go: gateway/route/added.h has them.
	 * NULL: none. */
	const struct config_trunks *added;
	struct config_number *numbers;
	size_t nnumbers;
	struct config_index by[CONFIG_NBY]; /* config_number_by() */
	struct config_emergency emergency;
	struct config_route *routes;
	size_t nroutes;
	struct config_watch watch;
	struct config_billing billing;
	struct config_hep hep;
	struct config_registration registration;
};

/* One mistake, without a line end; @line is borrowed for the call. */
typedef void (*config_mistake_fn)(const char *line, void *arg);

/*
 * Read and check the file @path, and the secrets in the files it names.
 *
 * On success *@out is owned by the caller: config_free(). Otherwise every
 * mistake has been told to @mistake, an unreadable file as well.
 * Returns 0, CONFIG_E_INVALID, or -errno (memory).
 */
CHECKED int config_load(struct config **out, const char *path,
			config_mistake_fn mistake, void *arg);

/* The same from @text; @name stands for the file in mistakes. */
CHECKED int config_parse(struct config **out, const char *name,
			 struct slice text, config_mistake_fn mistake,
			 void *arg);

enum { CONFIG_WHAT_CAP = 128 };
/* Whether a process that began with @old can go on with @new; else @what would
 * need a restart. */
bool config_can_become(const struct config *old, const struct config *new,
		       char what[static CONFIG_WHAT_CAP]);

/* Wipes the secrets. NULL is fine; returns NULL. */
struct config *config_free(struct config *config);
DEFINE_AUTO(struct config *, config_free)

/*
 * Write @config, defaults included, as a file that is read as the same again.
 * Secrets that came from files are left there; others are printed.
 */
void config_print(const struct config *config, FILE *to);

/*
 * A trunk that is in no file, all keys as by default; *@out is owned by the
 * caller: config_trunk_free(), which wipes the password. 0 or -ENOMEM.
 */
CHECKED int config_trunk_new(struct config_trunk **out, const char *name);
struct config_trunk *config_trunk_free(struct config_trunk *trunk);
DEFINE_AUTO(struct config_trunk *, config_trunk_free)
/*
 * Set one of its keys as the file would; to a list one more is added. 0,
 * CONFIG_E_UNKNOWN, CONFIG_E_INVALID with @expected (constant) in words,
 * -ENOMEM.
 */
CHECKED int config_trunk_set(struct config_trunk *trunk, const char *name,
			     const char *value, const char **expected);
/* The @i-th of what does not fit together in it, in words behind its name; NULL
 * behind the last. */
const char *config_trunk_mistake(const struct config_trunk *trunk, size_t i);

/* Borrowed, or NULL: those of the file, then those that were added. */
const struct config_trunk *config_trunk_at(const struct config *config,
					   size_t i);
const struct config_trunk *config_find_trunk(const struct config *config,
					     const char *name);
/*
 * Numbers of the file, which cost no more where they are many. The @i-th that
 * has @key, in the file's order; NULL behind the last. Borrowed.
 */
const struct config_number *config_number_by(const struct config *config,
					     enum config_by by, const char *key,
					     size_t i);
const struct config_number *config_find_number(const struct config *config,
					       const char *number);
/* The same by its owner; @account is a JID, bare or full. */
const struct config_number *config_number_of(const struct config *config,
					     const char *account, size_t i);
/* The owners of numbers one after the other, each once: the one behind @owner,
 * "" the first. NULL behind the last. */
const char *config_owner_after(const struct config *config, const char *owner);

/* Whether @text is a number as we write them: "+" and 2 to 15 digits. */
bool config_is_number(const char *text);
/* Whether @text is "+", or nothing, and digits: how numbers begin. */
bool config_is_prefix(const char *text);
/* How much of @number begins as @prefix, each with its plus or without; "+"
 * begins every number. -1: it does not. */
int config_prefix_fit(const char *prefix, const char *number);
/*
 * Add the words of @text, blanks between, that @is_well takes. 0, -EINVAL,
 * -ENOMEM; config_texts_fini() in any case.
 */
CHECKED int config_texts_parse(struct config_texts *out, const char *text,
			       bool (*is_well)(const char *word));
void config_texts_fini(struct config_texts *texts);
/* "mon-fri, sun" as bits, "08:00-18:00" as minutes of the day; false: none. */
bool config_parse_days(uint8_t *out, const char *text);
bool config_parse_hours(uint16_t *from_min, uint16_t *until_min,
			const char *text);
/* The same, written: "mon-fri,sun", "" none; "08:00". */
struct config_days_text {
	char s[sizeof("mon,tue,wed,thu,fri,sat,sun")];
};
struct config_time_text {
	char s[sizeof("1092:15")]; /* of any uint16_t */
};
struct config_days_text config_format_days(uint8_t days);
struct config_time_text config_format_time(uint16_t min);
/* Whether @text could be the domain of a component or a server. */
bool config_is_domain(const char *text);
/* Whether @text could be a bare JID (RFC 7622) with a localpart. */
bool config_is_bare_jid(const char *text);
/* Whether @text could be the name of a trunk: [A-Za-z0-9._-]{1,32}. */
bool config_is_trunk_name(const char *text);
