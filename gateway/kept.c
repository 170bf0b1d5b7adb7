/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/kept.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

size_t kept_drop_others(const char *prefix, const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	size_t dropped = 0;

	for (int i = 0; i < n; i++) {
		if (!strncmp(names[i], prefix, strlen(prefix)) &&
		    strcmp(names[i], name) != 0) {
			kept_drop(names[i]);
			dropped++;
		}
		free(names[i]);
	}
	free(names);
	return dropped;
}

void *kept_page(const char *name)
{
	int fd = kept_take(name);
	bool found = fd > 0;

	if (!found)
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return NULL;
	/* one that is too short would be SIGBUS */
	void *page = ftruncate(fd, KEPT_PAGE_LEN)
			     ? MAP_FAILED
			     : mmap(NULL, KEPT_PAGE_LEN, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0);
	if (!found && page != MAP_FAILED)
		kept_put(name, fd);
	close(fd);
	return page == MAP_FAILED ? NULL : page;
}

void kept_page_free(void *page)
{
	if (page)
		munmap(page, KEPT_PAGE_LEN);
}
