/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Another program in the place of this one; see the header. */
#include "gateway/upgrade.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "db/db.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "media/bridge.h"
#include "media/handover.h"
#include "sip/agent.h"
#include "xmpp/xmpp_stream.h"

#define STORED_NAME "media"

enum {
	WAIT_MS = 10000,
	SEND_MAX = 250, /* SCM_MAX_FD is 253 */
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
}

bool upgrade_is_due(const struct gateway *gateway)
{
	return gateway->upgrade_ms &&
	       ((!call_count_in_setup(gateway) &&
		 !sip_agent_is_asking(gateway->agent) &&
		 xmpp_stream_is_flushed(gateway->stream)) ||
		clock_ms() - gateway->upgrade_ms >= WAIT_MS);
}

/* The service manager holds them (sd_pid_notify_with_fds(3)). It does not look
 * at them: an ICMP error would have it drop one. */
static size_t store(const int *fds, size_t n)
{
	size_t stored = 0;

	while (stored < n) {
		size_t some = n - stored < SEND_MAX ? n - stored : SEND_MAX;

		if (sd_pid_notify_with_fds(
			    0, 0, "FDSTORE=1\nFDPOLL=0\nFDNAME=" STORED_NAME,
			    fds + stored, (unsigned)some) <= 0)
			break;
		stored += some;
	}
	return stored;
}

void upgrade_take_sockets(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	int sockets = 0, lost = 0;

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (!strcmp(names[i], STORED_NAME)) {
			sockets++;
			lost += handover_offer(fd) != 0;
		} else {
			close(fd); /* who kept it has a copy: kept_take() */
		}
		free(names[i]);
	}
	free(names);
	if (!sockets)
		return;
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" STORED_NAME);
	log_info("event=upgrade sockets=%d lost=%d", sockets, lost);
}

_Noreturn void upgrade_run(struct gateway *gateway)
{
	size_t cap = SHARED_MAX + (size_t)gateway->ncalls * SOCKETS_A_CALL;
	int *fds = calloc(cap, sizeof(*fds));
	/* Without memory they are lost, and the calls go on all the same. */
	size_t n = fds ? media_hand_over(gateway->media, fds, cap) : 0;

	log_info("event=upgrade result=begun calls=%u sockets=%zu",
		 gateway->ncalls, store(fds, n));
	/* Each row is on its way to the disk: this waits for them. */
	gateway->db = db_close(gateway->db);
	_exit(EXIT_SUCCESS);
}
