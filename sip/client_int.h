/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A client transaction as its own files see it:
 *
 *     client.c       its life, its responses
 *     client_send.c  the request at each hop, CANCEL, ACK
 *     client_auth.c  answers to challenges
 *     client_hop.c   from one next hop to the next
 *     client_flow.c  keepalives of a connection (RFC 5626, 4.4.1)
 */
#pragma once

#include <bsd/sys/queue.h>

#include "sip/agent_int.h"
#include "sip/client.h"

struct event;
struct msg_auth_s;
struct nta_outgoing_s;

enum {
	CLIENT_AUTH_WWW = 0, /* Authorization */
	CLIENT_AUTH_PROXY = 1,
	CLIENT_NAUTHS = 2,
};

struct sip_client {
	TAILQ_ENTRY(sip_client) entry;
	struct sip_agent *agent;
	struct nta_leg_s *leg; /* NULL: it went */
	struct nta_outgoing_s *orq;
	struct msg_s *template;
	struct msg_s *sent; /* the request as it went out last */
	char *method, *uri, *contact_user, *tls_name;
	int code; /* of the method, for sofia */

	struct sip_hop hop;
	struct sip_walk *walk; /* NULL: there is no other hop but: */
	struct sip_hop back;
	bool has_back, went_back;
	struct sip_hops *hops; /* told how it goes; NULL: they went */
	struct event *hop_timer;
	struct sip_trunk_stats *stats;
	uint64_t start_ms;

	const struct sip_digest_account *account;
	struct client_account *own_account; /* a copy of it */
	bool keeps_account, keeps_flow;
	char *auth[CLIENT_NAUTHS];
	unsigned answers;

	uint32_t cseq;
	bool provisional; /* there was one, 100 included */
	bool heard;       /* it was above 100: there is no other hop now */
	bool final, cancel, cancelled;
	bool too_long; /* for the last hop, which takes datagrams alone */
	char *cancel_reason;
	sip_client_fn fn;
	void *arg;
};

/* ---- client.c ---- */

/* It is one of its agent's; those whose leg went come first. */
void client_list(struct sip_client *client);
/* nta's callback for the transaction under way. */
int client_on_response(struct sip_client *client, struct nta_outgoing_s *orq,
		       const struct sip_s *sip);

/* ---- client_send.c ---- */

/* One try: a copy of the request with Via, Contact and credentials. With
 * @again it is the same request to another hop (RFC 3263, 4.3). */
CHECKED int client_transmit(struct sip_client *client, bool again);
void client_send_cancel(struct sip_client *client);
/* That of @invite, perhaps of another process, that went to @hop. 0 or -errno.
 */
CHECKED int client_cancel_kept(struct sip_agent *agent,
			       const struct sip_s *invite,
			       const struct sip_hop *hop, const char *tls_name,
			       const char *reason);

/* ---- client_auth.c ---- */

CHECKED int client_keep_account(struct sip_client *client);
void client_auth_fini(struct sip_client *client);
void client_auth_forget(struct sip_client *client); /* another server's */
/* Send it again with credentials; false: it was not that, or may not be. */
bool client_answer(struct sip_client *client, unsigned status,
		   const struct sip_s *sip);

/* ---- client_flow.c ---- */

/* @sip is a 2xx that came by the connection of @orq. */
void client_keep_flow(struct nta_outgoing_s *orq, const struct sip_s *sip);

/* ---- client_hop.c ---- */

CHECKED int client_hop_start(struct sip_client *client,
			     const struct sip_client_spec *spec);
void client_hop_fini(struct sip_client *client);
/* It was sent: wait for a sign of life when there is another hop. */
void client_hop_sent(struct sip_client *client);
/* Note what @status says of the hop, and count; true when the request is on its
 * way to the next one. */
bool client_hop_response(struct sip_client *client, unsigned status,
			 const struct sip_s *sip, bool local);
/* The first try could not even be sent. 0 when a later hop took it. */
CHECKED int client_hop_unsent(struct sip_client *client, int error);
