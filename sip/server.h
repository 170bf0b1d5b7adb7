/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Requests outside dialogs: who may speak at all, and the one answer that each
 * gets (RFC 3261, 8.2; RFC 6665).
 *
 *     server.c         the door, and which method goes where
 *     server_check.c   what holds for every request; 405, 501, OPTIONS
 *     server_invite.c  INVITE, with Replaces too (RFC 3891)
 *     server_message.c MESSAGE (RFC 3428)
 *     server_notify.c  NOTIFY that nobody asked for
 */
#pragma once

#include <stdbool.h>

#include "sip/agent.h"
#include "sip/policy.h"

struct msg_s;
struct nta_agent_s;
struct nta_incoming_s;
struct sip_s;

/* A request with its transaction, which whoever answers it ends. */
struct sip_incoming {
	struct sip_agent *agent;
	struct nta_incoming_s *irq;
	const struct sip_s *sip;
	struct sip_source source;
	struct sip_policy policy; /* of the peer */
};

/* nta's callback for what belongs to no dialog and no transaction. */
int sip_server_recv(struct sip_agent *agent, struct nta_agent_s *nta,
		    struct msg_s *msg, struct sip_s *sip);

/*
 * What holds for a request inside a dialog too: scheme, Max-Forwards, Require.
 * True when it was refused, and is over.
 */
bool sip_server_check(const struct sip_incoming *in);
/* The answer to OPTIONS (RFC 3261, 11.2). */
void sip_server_options(const struct sip_incoming *in, unsigned status);
/* 405 or 501 with Allow, and a line in the log, once. */
void sip_server_refuse_method(const struct sip_incoming *in);
/* 489 with Allow-Events (RFC 6665, 4.1.3 and 8.3.2). */
void sip_server_refuse_event(const struct sip_incoming *in);
/* Whether the header @name is malformed, or there once more than it may be:
 * sofia keeps the first and goes on. */
bool sip_server_has_bad(const struct sip_s *sip, const char *name);
/* The value of Warning that goes with a refusal of media (RFC 3261, 20.43 and
 * 21.4.26), or NULL. Static text. */
const char *sip_server_warning(unsigned status);
/* Seconds for Retry-After: random, so that they do not come together. */
enum {
	SIP_RETRY_AFTER_CAP = 12,
	SIP_OVERLOAD_MIN_S = 1,
	SIP_OVERLOAD_MAX_S = 32
};
void sip_server_retry_after(char out[static SIP_RETRY_AFTER_CAP],
			    unsigned least_s, unsigned most_s);
/* A bare response. */
void sip_server_end(const struct sip_incoming *in, unsigned status);
/* One with Retry-After, and the end of the transaction. */
void sip_server_end_for_now(struct nta_incoming_s *irq, unsigned status,
			    unsigned least_s, unsigned most_s);

void sip_server_invite(const struct sip_incoming *in);
void sip_server_notify(const struct sip_incoming *in);
