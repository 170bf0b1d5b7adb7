/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The lowest floor: one socket for all ends of all calls, read by recvmmsg(),
 * written by one sendmmsg() a batch, no more often than every millisecond; a
 * packet's source address tells where it goes.
 */
#include "tests/bench/floor.h"

#include <stdbool.h>
#include <time.h>

enum {
	BATCH = 256,
	RCVBUF = 8 * 1024 * 1024,
	TURN_NS = 1000000,
	/* Ends have addresses that differ in these bits. */
	PEERS = 1 << 17,
};

static struct sockaddr_in peers[PEERS]; /* by source address */
static uint8_t packets[BATCH][FLOOR_PACKET_MAX];
static struct sockaddr_in names[BATCH];
static struct iovec iovs[BATCH];
static struct mmsghdr msgs[BATCH];

static struct sockaddr_in *peer_of(const struct sockaddr_in *from)
{
	return &peers[ntohl(from->sin_addr.s_addr) % PEERS];
}

static void add_call(unsigned port)
{
	struct sockaddr_in ends[2];

	floor_read(ends);
	*peer_of(&ends[0]) = ends[1];
	*peer_of(&ends[1]) = ends[0];
	printf("%u %u\n", port, port);
	fflush(stdout);
}

static void prepare(void)
{
	for (int i = 0; i < BATCH; i++) {
		iovs[i] = (struct iovec){ packets[i], FLOOR_PACKET_MAX };
		msgs[i].msg_hdr =
			(struct msghdr){ .msg_name = &names[i],
					 .msg_namelen = sizeof(names[i]),
					 .msg_iov = &iovs[i],
					 .msg_iovlen = 1 };
	}
}

/* Whether there may be more. */
static bool forward_all(int fd)
{
	int n, sent = 0;

	prepare();
	n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		names[i] = *peer_of(&names[i]);
		iovs[i].iov_len = msgs[i].msg_len;
	}
	while (sent < n) {
		int r = sendmmsg(fd, msgs + sent, (unsigned)(n - sent), 0);
		sent += r > 0 ? r : 1;
	}
	return n == BATCH;
}

/* What comes meanwhile shares a wake-up. */
static void rest(void)
{
	const struct timespec turn = { .tv_nsec = TURN_NS };

	nanosleep(&turn, NULL);
}

int main(void)
{
	int epoll = floor_epoll();
	static int fd;
	unsigned port;

	fd = floor_socket(epoll, &fd, &port, RCVBUF);
	for (;;) {
		struct epoll_event events[2];
		int n = epoll_wait(epoll, events, 2, -1);

		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				add_call(port);
			else if (!forward_all(fd))
				rest();
		}
	}
}
