/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The floor of a relay as most are built: a socket for each end of each call,
 * epoll, recvfrom(), sendto().
 */
#include "tests/bench/floor.h"

struct end {
	int fd;
	struct end *other;
	struct sockaddr_in peer;
};

static void add_call(int epoll)
{
	struct end *ends = calloc(2, sizeof(*ends));
	struct sockaddr_in peers[2];
	unsigned ours[2];

	if (!ends)
		floor_die("calloc");
	floor_read(peers);
	for (int i = 0; i < 2; i++) {
		ends[i].fd = floor_socket(epoll, &ends[i], &ours[i], 0);
		ends[i].peer = peers[i];
		ends[i].other = &ends[!i];
	}
	printf("%u %u\n", ours[0], ours[1]);
	fflush(stdout);
}

static void forward(const struct end *end)
{
	uint8_t p[FLOOR_PACKET_MAX];
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	const struct end *to = end->other;

	ssize_t n = recvfrom(end->fd, p, sizeof(p), 0, (struct sockaddr *)&from,
			     &from_n);
	if (n > 0)
		(void)!sendto(to->fd, p, (size_t)n, 0,
			      (const struct sockaddr *)&to->peer,
			      sizeof(to->peer));
}

int main(void)
{
	int epoll = floor_epoll();

	for (;;) {
		struct epoll_event events[FLOOR_EVENTS];
		int n = epoll_wait(epoll, events, FLOOR_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				forward(events[i].data.ptr);
			else
				add_call(epoll);
		}
	}
}
