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

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"

enum {
	CONFIG_FILE_MAX = 1 << 20,   /* octets of tandem.conf */
	CONFIG_SECRET_MAX = 1024,    /* octets of a secret, also in a file */
	CONFIG_TRUNK_NAME_MAX = 32,  /* characters */
	CONFIG_NUMBER_DIGITS = 15,   /* E.164, without the plus */
	CONFIG_STUN_PORT = 3478,     /* RFC 8489, 18.6 */
	CONFIG_JID_PART_MAX = 1023,  /* octets; RFC 7622, 3.2 and 3.3 */
	CONFIG_DOMAIN_LABEL_MAX = 63 /* RFC 1035, 2.3.4 */
};

enum config_outcome {
	CONFIG_E_INVALID = 1, /* mistakes were reported */
};

enum config_transport { CONFIG_UDP, CONFIG_TCP };

/* "udp:0.0.0.0:5060", "tcp:[::]:5060" */
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

/* "sip:host[:port][;transport=udp|tcp]" */
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
};

struct config_media {
	struct addr address; /* port 0 */
	struct config_public public_address;
	struct config_endpoint stun; /* host "": ask by XEP-0215 */
	uint16_t ice_port;           /* of worker 0; worker n: ice_port + n */
	uint16_t port_min, port_max;
	unsigned workers; /* 0: one per processor */
	bool allow_loopback;
	char *certificate; /* PEM; made when it is not there */
};

struct config_limits {
	unsigned calls;
	unsigned calls_per_account;
	unsigned ring_timeout_s;
	unsigned call_duration_s;
};

enum config_early_media {
	CONFIG_EARLY_RINGING, /* JMI ringing; no media before the answer */
	CONFIG_EARLY_ANSWER,  /* accept at 180 or 183: announcements heard */
};

struct config_trunk {
	char *name;
	struct config_uri proxy;
	char *username, *password, *password_file, *realm, *from_domain;
	bool registers;
	unsigned expires_s; /* of a registration */
	struct addr_net *allow;
	size_t nallow;
	enum config_early_media early_media;
	unsigned line; /* in the file */
};

struct config_number {
	char *number; /* "+15557654321" */
	char *owner;  /* bare JID */
	char *trunk;  /* the name of one of the trunks */
	unsigned line, trunk_line;
};

struct config {
	struct config_xmpp xmpp;
	struct config_sip sip;
	struct config_media media;
	struct {
		char *path;
	} db;
	struct config_limits limits;
	struct {
		char *file; /* "": stderr */
		enum log_level level;
	} log;
	char **admins; /* bare JIDs */
	size_t nadmins;
	struct config_trunk *trunks;
	size_t ntrunks;
	struct config_number *numbers;
	size_t nnumbers;
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

/* Wipes the secrets. NULL is fine; returns NULL. */
struct config *config_free(struct config *config);
DEFINE_AUTO(struct config *, config_free)

/*
 * Write @config, defaults included, as a file that is read as the same again.
 * Secrets that came from files are left there; others are printed.
 */
void config_print(const struct config *config, FILE *to);

/* Borrowed, or NULL. */
const struct config_trunk *config_find_trunk(const struct config *config,
					     const char *name);
const struct config_number *config_find_number(const struct config *config,
					       const char *number);

/* Whether @text is a number as we write them: "+" and 2 to 15 digits. */
bool config_is_number(const char *text);
/* Whether @text could be a bare JID (RFC 7622) with a localpart. */
bool config_is_bare_jid(const char *text);
/* Whether @text could be the name of a trunk: [A-Za-z0-9._-]{1,32}. */
bool config_is_trunk_name(const char *text);
