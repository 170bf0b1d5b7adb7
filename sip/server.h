/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Requests outside dialogs: who may speak at all, and the one answer that each
 * gets (RFC 3261, 8.2; RFC 6665).
 */
#pragma once

#include <stdbool.h>

struct msg_s;
struct nta_agent_s;
struct nta_incoming_s;
struct sip_agent;
struct sip_s;

/* nta's callback for what belongs to no dialog and no transaction. */
int sip_server_recv(struct sip_agent *agent, struct nta_agent_s *nta,
		    struct msg_s *msg, struct sip_s *sip);

/*
 * What holds for a request inside a dialog too: scheme, Max-Forwards, Require.
 * True when it was refused, and is over.
 */
bool sip_server_check(struct nta_incoming_s *irq, const struct sip_s *sip);
/* The answer to OPTIONS (RFC 3261, 11.2); 405 or 501 with Allow. The
 * transaction is over. */
void sip_server_options(struct nta_incoming_s *irq, unsigned status);
void sip_server_refuse_method(struct nta_incoming_s *irq);
