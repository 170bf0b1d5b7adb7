/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Another program in the place of this one; see the header. */
#include "gateway/upgrade.h"

#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "media/bridge.h"

enum { WAIT_MS = 10000 };

void upgrade_begin(struct gateway *gateway)
{
	if (gateway->upgrade_ms)
		return;
	log_info("event=upgrade calls=%u", gateway->ncalls);
	gateway->upgrade_ms = clock_ms();
	gateway->draining = true;
}

bool upgrade_is_due(const struct gateway *gateway)
{
	return gateway->upgrade_ms &&
	       (!call_count_in_setup(gateway) ||
		clock_ms() - gateway->upgrade_ms >= WAIT_MS);
}

_Noreturn void upgrade_run(struct gateway *gateway)
{
	size_t sockets = media_hand_over(gateway->media);

	log_info("event=upgrade result=begun calls=%u sockets=%zu",
		 gateway->ncalls, sockets);
	/* Each row is on its way to the disk: this waits for them. */
	gateway->db = db_close(gateway->db);
	_exit(EXIT_SUCCESS);
}
