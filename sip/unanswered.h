/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An INVITE without a final response, kept for another process. Its transaction
 * cannot go on there, but it can be ended: ours by CANCEL (RFC 3261, 9.1), the
 * peer's by the response that it waits for (13.3.1).
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "sip/agent.h"
#include "sip/resolve.h"

struct sip_dialog;
struct sip_hangup;
struct sip_trunk;

struct sip_unanswered {
	bool ours;
	/* Its first line, and the headers that a CANCEL or a response repeats;
	 * owned. */
	char *invite;
	struct sip_hop hop; /* where it went, or came from */
};

/* Of a dialog that waits for it; ours has had a provisional response, without
 * which there is nothing to cancel. 0, SIP_E_STATE, -ENOMEM. */
CHECKED int sip_unanswered_save(const struct sip_dialog *dialog,
				struct sip_unanswered *out);
void sip_unanswered_fini(struct sip_unanswered *kept);

/*
 * End it; what has to be said again until it is heard goes on by itself.
 * @trunk: whose it is, which a TLS connection may be opened to, or NULL. 0;
 * -EINVAL, it is none; -EPROTONOSUPPORT, nothing leads there (a peer's, that
 * came by TLS: its connection went with the process, which tells it as well);
 * -errno.
 */
CHECKED int sip_unanswered_end(struct sip_agent *agent,
			       const struct sip_unanswered *kept,
			       const struct sip_trunk *trunk,
			       const struct sip_hangup *why);
