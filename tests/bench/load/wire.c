/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/wire.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/die.h"

enum {
	RECEIVES = 128, /* packets fetched together, */
	ROUNDS = 8,     /* so often before something is sent again */
	BUFFER = 64 * 1024 * 1024,
	RX_CONTROL_CAP = CMSG_SPACE(sizeof(struct in_pktinfo)) +
			 CMSG_SPACE(sizeof(struct timespec)),
	TX_CONTROL_CAP = CMSG_SPACE(sizeof(struct in_pktinfo)),
	LOOPBACK = 127,
};

struct letter {
	struct sockaddr_in name;
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[RX_CONTROL_CAP];
	uint8_t p[WIRE_PACKET_CAP];
};

struct wire {
	int fd;
	uint32_t net; /* of the addresses */
	uint16_t port;
	uint64_t poll_us, unsent;
	unsigned queued;
	struct mmsghdr tx_msgs[WIRE_SENDS], rx_msgs[RECEIVES];
	struct letter tx[WIRE_SENDS], rx[RECEIVES];
	struct wire_end *ends[WIRE_ENDS];
};

static void prepare(struct mmsghdr *msgs, struct letter *letters, int n)
{
	for (int i = 0; i < n; i++) {
		struct letter *l = &letters[i];

		l->iov = (struct iovec){ l->p, WIRE_PACKET_CAP };
		msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &l->name,
			.msg_namelen = sizeof(l->name),
			.msg_iov = &l->iov,
			.msg_iovlen = 1,
			.msg_control = l->control,
			.msg_controllen = sizeof(l->control),
		};
	}
}

/* The control message of a packet that leaves: from which address. */
static void put_source(struct msghdr *msg, const struct addr *local)
{
	struct in_pktinfo info = { .ipi_spec_dst = local->in4.sin_addr };
	struct cmsghdr *c;

	msg->msg_controllen = TX_CONTROL_CAP;
	c = CMSG_FIRSTHDR(msg);
	*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IP,
			       .cmsg_type = IP_PKTINFO,
			       .cmsg_len = CMSG_LEN(sizeof(info)) };
	memcpy(CMSG_DATA(c), &info, sizeof(info));
}

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		DIE("load: socket option %d", name);
}

/* Only root gets past net.core.[rw]mem_max; others get what they can. */
static void enlarge(int fd, int force, int name)
{
	int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)))
		set(fd, SOL_SOCKET, name, size);
}

struct wire *wire_new(unsigned net)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t n = sizeof(name);
	struct wire *wire = calloc(1, sizeof(*wire));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!wire || fd < 0 || bind(fd, (struct sockaddr *)&name, n) ||
	    getsockname(fd, (struct sockaddr *)&name, &n))
		DIE("load: no socket");
	set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set(fd, IPPROTO_IP, IP_MTU_DISCOVER,
	    IP_PMTUDISC_PROBE); /* is cheaper */
	enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	wire->fd = fd;
	wire->net = (uint32_t)LOOPBACK << 24 | net << 16;
	wire->port = ntohs(name.sin_port);
	prepare(wire->tx_msgs, wire->tx, WIRE_SENDS);
	prepare(wire->rx_msgs, wire->rx, RECEIVES);
	return wire;
}

struct wire *wire_free(struct wire *wire)
{
	close(wire->fd);
	free(wire);
	return NULL;
}

void wire_open(struct wire *wire, struct wire_end *end, unsigned number)
{
	if (number >= WIRE_ENDS || wire->ends[number])
		DIE("load: no address for %u", number);
	wire->ends[number] = end;
	end->wire = wire;
	end->local = (struct addr){ .in4 = {
					    .sin_family = AF_INET,
					    .sin_port = htons(wire->port),
					    .sin_addr.s_addr =
						    htonl(wire->net | number),
				    } };
}

static unsigned number_of(const struct in_addr *a)
{
	return ntohl(a->s_addr) % WIRE_ENDS;
}

void wire_close(struct wire_end *end)
{
	if (end->wire)
		end->wire->ends[number_of(&end->local.in4.sin_addr)] = NULL;
	end->wire = NULL;
}

/* Sending */

void wire_send(const struct wire_end *end, const struct addr *remote,
	       const uint8_t *p, size_t n)
{
	_Alignas(struct cmsghdr) uint8_t control[TX_CONTROL_CAP];
	struct sockaddr_in name = remote->in4;
	union {
		const void *in;
		void *out;
	} octets = { .in = p };
	struct iovec iov = { octets.out, n };
	struct msghdr msg = { .msg_name = &name,
			      .msg_namelen = sizeof(name),
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control };

	put_source(&msg, &end->local);
	if (sendmsg(end->wire->fd, &msg, MSG_DONTWAIT) < 0)
		end->wire->unsent++;
}

uint8_t *wire_room(struct wire *wire)
{
	if (wire->queued == WIRE_SENDS)
		wire_flush(wire);
	return wire->tx[wire->queued].p;
}

void wire_queue(const struct wire_end *end, const struct addr *remote, size_t n)
{
	struct wire *wire = end->wire;
	struct letter *l = &wire->tx[wire->queued];

	l->name = remote->in4;
	l->iov.iov_len = n;
	put_source(&wire->tx_msgs[wire->queued].msg_hdr, &end->local);
	wire->queued++;
}

void wire_flush(struct wire *wire)
{
	unsigned sent = 0;

	while (sent < wire->queued) {
		int n = sendmmsg(wire->fd, wire->tx_msgs + sent,
				 wire->queued - sent, MSG_DONTWAIT);
		if (n <= 0) {
			wire->unsent++;
			n = 1;
		}
		sent += (unsigned)n;
	}
	wire->queued = 0;
}

uint64_t wire_unsent(struct wire *wire)
{
	uint64_t n = wire->unsent;

	wire->unsent = 0;
	return n;
}

/* Receiving */

static void hand_out(struct wire *wire, struct mmsghdr *m, struct letter *l)
{
	struct timespec ts = { 0 };
	struct in_pktinfo info = { 0 };
	struct addr remote;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m->msg_hdr); c;
	     c = CMSG_NXTHDR(&m->msg_hdr, c)) {
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SO_TIMESTAMPNS)
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			memcpy(&info, CMSG_DATA(c), sizeof(info));
	}
	m->msg_hdr.msg_controllen = sizeof(l->control);
	struct wire_end *end = wire->ends[number_of(&info.ipi_addr)];
	if (!end || addr_from(&remote, (struct sockaddr *)&l->name))
		return; /* it came too late, or is nobody's */
	end->received(end->arg, &remote, l->p, m->msg_len,
		      (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

/* Whether that was all. */
static bool fetch(struct wire *wire)
{
	int n = recvmmsg(wire->fd, wire->rx_msgs, RECEIVES, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		hand_out(wire, &wire->rx_msgs[i], &wire->rx[i]);
	return n < RECEIVES;
}

uint64_t wire_poll(struct wire *wire, uint64_t now_us)
{
	bool all = false;

	if (now_us < wire->poll_us)
		return wire->poll_us;
	for (int round = 0; round < ROUNDS && !all; round++)
		all = fetch(wire);
	wire->poll_us = all ? now_us + WIRE_POLL_US : now_us;
	return wire->poll_us;
}
