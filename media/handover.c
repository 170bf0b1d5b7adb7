/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sockets from process to process; see the header. */
#include "media/handover.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_MIN = 64 };

/* Those taken are -1. */
static struct {
	int *fds;
	size_t n, room;
} list;

static bool is_datagram(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	       type == SOCK_DGRAM;
}

static int make_room(void)
{
	size_t room = list.room ? 2 * list.room : ROOM_MIN;

	if (list.n < list.room)
		return 0;
	int *longer = reallocarray(list.fds, room, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	list.fds = longer;
	list.room = room;
	return 0;
}

int handover_offer(int fd)
{
	int r = is_datagram(fd) ? make_room() : -EINVAL;

	if (r)
		close(fd);
	else
		list.fds[list.n++] = fd;
	return r;
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
