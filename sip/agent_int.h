/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The agent as the other files of this folder see it.
 */
#pragma once

#include <bsd/sys/queue.h>

#include "sip/agent.h"
#include "sip/policy.h"
#include "sip/resolve.h"

struct event;
struct nta_agent_s;
struct sip_connections;
struct sip_odds;
struct sip_root;
struct sip_s;
struct sip_shares;
struct sip_strangers;
struct sip_tls;
struct sip_via_s;
struct su_home_s;

#define SIP_PRODUCT  "Tandem"
#define SIP_SDP_TYPE "application/sdp"

enum {
	SIP_LISTENS_MAX = 8,
	SIP_BOUNDS_MAX = 64,
	SIP_TOKEN_LEN = 10,
	SIP_MESSAGE_MAX = 65536,
	SIP_MAX_FORWARDS = 70,
	SIP_T1_MS = 500, /* RFC 3261, 17.1.1.1 */
	SIP_T2_MS = 4000,
	SIP_T1X64_MS = 64 * SIP_T1_MS,
	SIP_CONTACT_CAP = SIP_URI_TEXT_CAP,
};

/* A socket that listens, and what sofia knows it by. */
struct sip_bound {
	enum sip_transport transport;
	struct addr addr;
	size_t listen; /* of the configuration's */
	bool gone;     /* the machine has the address no more */
	char ident[ADDR_TEXT_CAP];
};

TAILQ_HEAD(sip_dialogs, sip_dialog);
TAILQ_HEAD(sip_clients, sip_client);
TAILQ_HEAD(sip_messages, sip_message);

struct sip_agent {
	struct event_base *base;
	struct sip_root *root;
	struct nta_agent_s *nta;
	struct sip_resolver *resolver;
	struct sip_strangers *strangers;
	struct sip_connections *connections;
	struct sip_tls *tls; /* NULL: none is spoken */
	struct sip_odds *odds;
	const struct sip_agent_handlers *handlers;
	void *arg;
	struct addr public_ip;                      /* unset: none */
	struct sip_listen listens[SIP_LISTENS_MAX]; /* as configured */
	size_t nlistens;
	struct sip_bound bounds[SIP_BOUNDS_MAX]; /* a socket each */
	size_t nbounds;
	struct event *listen_timer; /* NULL: no listener on all addresses */
	struct sip_shares *shares;
	char token[SIP_TOKEN_LEN + 1]; /* Contact's user where there is none */
	struct sip_clients clients;
	struct sip_messages messages; /* not answered yet */
	struct sip_dialogs dialogs;
	struct sip_dialogs due; /* with something to do after sofia's turn */
};

/* "sip:user@host:port;transport=tcp" for Contact towards @hop. */
CHECKED int sip_agent_contact(const struct sip_agent *agent,
			      const struct sip_hop *hop, const char *user,
			      char out[static SIP_CONTACT_CAP]);

/* A Via header's value towards @hop, without a branch. 0 or -EMSGSIZE. */
CHECKED int sip_agent_via(const struct sip_agent *agent,
			  const struct sip_hop *hop, char *out, size_t cap);
