/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sockets from process to process; see the header. */
#include "media/handover.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define HANDOVER_NAME "media"

enum { SEND_MAX = 250 }; /* SCM_MAX_FD is 253 */

/* To be given, or given to us; those taken are -1. */
static struct {
	int *fds;
	size_t n, room;
	bool read;
} list;

static int add(int fd)
{
	if (list.n == list.room) {
		size_t room = list.room ? 2 * list.room : 64;
		int *longer = reallocarray(list.fds, room, sizeof(*longer));

		if (!longer)
			return -ENOMEM;
		list.fds = longer;
		list.room = room;
	}
	list.fds[list.n++] = fd;
	return 0;
}

int handover_give(int fd)
{
	return fd < 0 ? 0 : add(fd);
}

/* Not polled: an ICMP error would have the manager drop it. */
static bool send_some(const int *fds, size_t n)
{
	return sd_pid_notify_with_fds(
		       0, 0, "FDSTORE=1\nFDPOLL=0\nFDNAME=" HANDOVER_NAME, fds,
		       (unsigned)n) > 0;
}

size_t handover_send(void)
{
	size_t sent = 0;

	while (sent < list.n) {
		size_t n = list.n - sent;

		if (n > SEND_MAX)
			n = SEND_MAX;
		if (!send_some(list.fds + sent, n))
			break;
		sent += n;
	}
	return sent;
}

static bool is_datagram(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	       type == SOCK_DGRAM;
}

static void read_list(void)
{
	if (list.read)
		return;
	list.read = true;
	int n = sd_listen_fds(1);
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (!is_datagram(fd) || add(fd))
			close(fd);
	}
	if (n > 0)
		sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" HANDOVER_NAME);
}

static bool is_bound_to(int fd, const struct addr *local)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof(name);
	struct addr bound;

	return !getsockname(fd, (struct sockaddr *)&name, &n) &&
	       !addr_from(&bound, (struct sockaddr *)&name) &&
	       addr_equal(&bound, local);
}

int handover_take(const struct addr *local)
{
	read_list();
	for (size_t i = 0; i < list.n; i++) {
		int fd = list.fds[i];

		if (fd < 0 || !is_bound_to(fd, local))
			continue;
		list.fds[i] = -1;
		return fd;
	}
	return -1;
}

size_t handover_end(void)
{
	size_t n = 0;

	read_list();
	for (size_t i = 0; i < list.n; i++) {
		if (list.fds[i] < 0)
			continue;
		close(list.fds[i]);
		n++;
	}
	free(list.fds);
	list.fds = NULL;
	list.n = list.room = 0;
	return n;
}
