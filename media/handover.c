/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sockets from process to process; see the header. */
#include "media/handover.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_MIN = 64 };

struct stored {
	int fd; /* -1: taken */
	struct addr bound;
};

static struct {
	struct stored *of;
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
	struct stored *longer = reallocarray(list.of, room, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	list.of = longer;
	list.room = room;
	return 0;
}

static int bound_to(struct addr *out, int fd)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &n) ||
	    addr_from(out, (struct sockaddr *)&name))
		return -EINVAL;
	return 0;
}

/* Asked once: looked for is each of them by each of them. */
int handover_offer(int fd)
{
	struct stored offered = { .fd = fd };
	int r = is_datagram(fd) ? bound_to(&offered.bound, fd) : -EINVAL;

	if (!r)
		r = make_room();
	if (r)
		close(fd);
	else
		list.of[list.n++] = offered;
	return r;
}

int handover_take(const struct addr *local)
{
	for (size_t i = 0; i < list.n; i++) {
		struct stored *one = &list.of[i];
		int fd = one->fd;

		if (fd < 0 || !addr_equal(&one->bound, local))
			continue;
		one->fd = -1;
		return fd;
	}
	return -1;
}

size_t handover_end(void)
{
	size_t n = 0;

	for (size_t i = 0; i < list.n; i++) {
		if (list.of[i].fd < 0)
			continue;
		close(list.of[i].fd);
		n++;
	}
	free(list.of);
	list.of = NULL;
	list.n = list.room = 0;
	return n;
}
