/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Another program in the place of this one; see the header. */
#include "gateway/upgrade.h"

#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"
#include "gateway/admin/admin.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/kept.h"
#include "gateway/rewriting.h"
#include "media/bridge.h"
#include "media/handover.h"
#include "sip/agent.h"
#include "xmpp/xmpp_stream.h"

#define STORED_NAME "media"

enum {
	WAIT_MS = 10000,
	SHARED_MAX = 128,
	SOCKETS_A_CALL = 4,
};

void upgrade_begin(struct gateway *gateway)
{
	if (gateway->upgrade_ms)
		return;
	log_info("event=upgrade calls=%u", gateway->ncalls);
	gateway->upgrade_ms = clock_ms();
	gateway->draining = true;
	admin_leave(gateway);
}

bool upgrade_is_due(const struct gateway *gateway)
{
	return gateway->upgrade_ms &&
	       ((!call_count_in_setup(gateway) &&
		 !sip_agent_is_asking(gateway->agent) &&
		 admin_is_idle(gateway) &&
		 xmpp_stream_is_flushed(gateway->stream)) ||
		clock_ms() - gateway->upgrade_ms >= WAIT_MS);
}

void upgrade_take_sockets(void)
{
	size_t lost;
	size_t sockets = kept_take_last(STORED_NAME, handover_offer, &lost);

	if (sockets)
		log_info("event=upgrade sockets=%zu lost=%zu", sockets, lost);
}

_Noreturn void upgrade_run(struct gateway *gateway)
{
	size_t cap = SHARED_MAX + (size_t)gateway->ncalls * SOCKETS_A_CALL;
	int *fds = calloc(cap, sizeof(*fds));

	/* All of what is known, as the next process knows what is on disk. */
	rewriting_free(gateway);
	/* Without memory they are lost, and the calls go on all the same. */
	size_t n = fds ? media_hand_over(gateway->media, fds, cap) : 0;

	log_info("event=upgrade result=begun calls=%u sockets=%zu",
		 gateway->ncalls, kept_put_all(STORED_NAME, fds, n));
	/* Each row is on its way to the disk: this waits for them. */
	gateway->db = db_close(gateway->db);
	_exit(EXIT_SUCCESS);
}
