/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One request of ours and its transactions: next hops, Via and Contact at each,
 * digest answers (at most two at a hop, and only where credentials may go),
 * CANCEL, ACK.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "sip/digest.h"
#include "sip/resolve.h"

struct msg_s;
struct nta_leg_s;
struct sip_agent;
struct sip_client;
struct sip_hops;
struct sip_s;
struct sip_trunk_stats;

enum {
	SIP_CLIENT_ANSWERS_MAX = 2, /* to challenges, of one hop */
	/* Nothing at all has come: on to the next hop, if there is one. Three
	 * times sent by then; two dead hops still leave a caller waiting. */
	SIP_HOP_WAIT_MS = 3000,
};

/*
 * A response; challenges that were answered do not get here. @local: made by
 * our own stack (408: timeout, 503: transport). After a final one the client
 * does nothing more and may be freed here.
 */
typedef void (*sip_client_fn)(struct sip_client *client, unsigned status,
			      const struct sip_s *response, bool local,
			      void *arg);

struct sip_client_spec {
	struct nta_leg_s *leg; /* From, To, Call-ID, CSeq, Route */
	const char *method;    /* a name that sofia knows */
	const char *uri;       /* NULL: the leg's target */
	/* Where it goes; with @hops instead the first of those that takes it.
	 * They and @stats are told how it went, until sip_clients_forget(). */
	struct sip_hop hop;
	struct sip_hops *hops;
	const struct sip_hop *first; /* of @hops, unless it failed; or NULL */
	bool probe;                  /* first try a hop that has failed */
	bool one_family;             /* IPv4 or IPv6, as the first hop */
	/* Without @hops: where it goes, without credentials, when @hop cannot
	 * be reached; or NULL. */
	const struct sip_hop *back;
	struct sip_trunk_stats *stats; /* NULL: it is no call */
	/* Contact's, with the address that each hop reaches us at; NULL: none,
	 * or in @message. */
	const char *contact_user;
	/* Who a TLS connection is opened to (RFC 5922, 7.3); NULL: only one
	 * that is there already will do. */
	const char *tls_name;
	const struct sip_digest_account *account; /* NULL: never answers */
	bool keeps_account; /* a copy: the account may go before the answer */
	/* Its 2xx is about the connection as well (RFC 5626): that is pinged
	 * when nothing else goes, so that no NAT forgets it. */
	bool keeps_flow;
	/* All other headers and the body: sip_client_message(). Taken over,
	 * also on failure. */
	struct msg_s *message;
	sip_client_fn fn; /* NULL: nobody waits; the client frees itself */
	void *arg;
};

/* An empty message to add headers to; NULL when memory is out. */
struct msg_s *sip_client_message(struct sip_agent *agent);

/* *@out is owned by the caller: sip_client_free(). 0 or -errno (-EHOSTUNREACH:
 * no hop). */
CHECKED int sip_client_start(struct sip_client **out, struct sip_agent *agent,
			     const struct sip_client_spec *spec);

/*
 * @fn is not called any more. A request that has no final response yet goes on
 * by itself, but an INVITE is forgotten. NULL is fine; returns NULL.
 */
struct sip_client *sip_client_free(struct sip_client *client);

/* @leg goes: what still waits for an answer to a request in it gets none, and
 * frees itself. */
void sip_clients_orphan(struct sip_agent *agent, struct nta_leg_s *leg);
/* @hops and @account go, and the trunk with them: no challenge is answered any
 * more, unless the account is the client's own copy. */
void sip_clients_forget(struct sip_agent *agent, const struct sip_hops *hops,
			const struct sip_digest_account *account);
/* For the agent: what is left. */
void sip_clients_free(struct sip_agent *agent);

/* Whether one that nobody waits for has no answer yet that matters. */
bool sip_clients_left(const struct sip_agent *agent);
/* Whether a request inside a dialog (RFC 3261, 12.2) has no final answer yet,
 * or has to be sent again with credentials. */
bool sip_clients_in_dialog(const struct sip_agent *agent);

/* The account goes: no challenge is answered any more. NULL is fine. */
void sip_client_forget_account(struct sip_client *client);

/* CANCEL an INVITE, as soon as there is a provisional response (RFC 3261, 9.1).
 * @reason is a Reason header's value or NULL. */
void sip_client_cancel(struct sip_client *client, const char *reason);

/* Where the request went last. */
const struct sip_hop *sip_client_hop(const struct sip_client *client);
/* It was not sent: it is more than a datagram holds, and there is no TCP. */
bool sip_client_is_too_long(const struct sip_client *client);
/* That is its spec's @back: nothing led to the hop. */
bool sip_client_went_back(const struct sip_client *client);
/* The CSeq that was sent last. */
uint32_t sip_client_cseq(const struct sip_client *client);

/* Whether one of @agent's goes on by that Call-ID and tag of ours. */
bool sip_client_is_live(const struct sip_agent *agent, const char *call_id,
			const char *tag);

/*
 * ACK a 2xx of this INVITE, in @leg (its tags and route), with the INVITE's
 * credentials (RFC 3261, 13.2.2.4). @message may carry a body; taken over.
 */
void sip_client_ack(const struct sip_client *invite, struct nta_leg_s *leg,
		    const struct sip_hop *hop, struct msg_s *message);
