/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/kept.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"

enum { STATE_CAP = 320 };

/* A copy: media/handover.h closes what it finds and has no use for. Of two with
 * one name the later is the one. */
int kept_take(const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	int found = -1;

	for (int i = 0; i < n; i++) {
		if (!strcmp(names[i], name))
			found = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	found = found < 0 ? found : fcntl(found, F_DUPFD_CLOEXEC, 0);
	return found < 0 ? 0 : found;
}

static void tell(const char *what, const char *name, const int *fds, unsigned n)
{
	char state[STATE_CAP];

	if (text_format(state, sizeof(state), "%s=1\nFDNAME=%s", what, name) ||
	    sd_pid_notify_with_fds(0, 0, state, fds, n) < 0)
		log_warn("kept=%s not-told=%s", name, what);
}

void kept_put(const char *name, int fd)
{
	tell("FDSTORE", name, &fd, 1);
}

void kept_drop(const char *name)
{
	tell("FDSTOREREMOVE", name, NULL, 0);
}
