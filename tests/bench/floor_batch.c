/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The lowest floor: one socket for all ends of all calls, read by recvmmsg(),
 * written by one sendmmsg() a batch; a packet's source address tells where it
 * goes.
 */
#include "tests/bench/floor.h"

enum { BATCH = 64, RCVBUF = 8 * 1024 * 1024, PORTS = 65536 };

static struct sockaddr_in peers[PORTS]; /* by source port */
static uint8_t packets[BATCH][FLOOR_PACKET_MAX];
static struct sockaddr_in names[BATCH];
static struct iovec iovs[BATCH];
static struct mmsghdr msgs[BATCH];

static void add_call(unsigned port)
{
	unsigned a, b;

	floor_read(&a, &b);
	peers[a % PORTS] = floor_addr(b);
	peers[b % PORTS] = floor_addr(a);
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

static void forward_all(int fd)
{
	int n, sent = 0;

	prepare();
	n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		names[i] = peers[ntohs(names[i].sin_port)];
		iovs[i].iov_len = msgs[i].msg_len;
	}
	while (sent < n) {
		int r = sendmmsg(fd, msgs + sent, (unsigned)(n - sent), 0);
		sent += r > 0 ? r : 1;
	}
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
			if (events[i].data.ptr)
				forward_all(fd);
			else
				add_call(port);
		}
	}
}
