/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	CONTROL_CAP = CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

struct envelope {
	struct sockaddr_storage name;
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_CAP];
};

struct queue {
	struct batch_socket socket;
	size_t n;
	struct mmsghdr msgs[BATCH_SEND];
	struct envelope envelopes[BATCH_SEND];
};

struct batch {
	size_t used;
	uint64_t lost;
	struct packet packets[BATCH_PACKETS];
	struct mmsghdr rx[BATCH_PACKETS]; /* of packets[], always prepared */
	struct envelope rx_envelopes[BATCH_PACKETS];
	struct queue queues[BATCH_NSOCKETS];
};

/* For the kernel to fill in, anew after it has been: it changes the lengths. */
static void prepare_rx(struct batch *batch, size_t i)
{
	struct envelope *e = &batch->rx_envelopes[i];

	e->iov.iov_base = batch->packets[i].p;
	e->iov.iov_len = PACKET_MAX;
	batch->rx[i].msg_hdr = (struct msghdr){
		.msg_name = &e->name,
		.msg_namelen = sizeof(e->name),
		.msg_iov = &e->iov,
		.msg_iovlen = 1,
		.msg_control = e->control,
		.msg_controllen = sizeof(e->control),
	};
}

int batch_new(struct batch **out,
	      const struct batch_socket sockets[BATCH_NSOCKETS])
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	for (int i = 0; i < BATCH_NSOCKETS; i++)
		batch->queues[i].socket = sockets[i];
	for (size_t i = 0; i < BATCH_PACKETS; i++)
		prepare_rx(batch, i);
	*out = batch;
	return 0;
}

struct batch *batch_free(struct batch *batch)
{
	free(batch);
	return NULL;
}

static int which_of(const struct addr *a)
{
	return addr_is_v6(a) ? BATCH_V6 : BATCH_V4;
}

bool batch_has(const struct batch *batch, const struct addr *remote)
{
	return batch->queues[which_of(remote)].socket.fd >= 0;
}

/* Receiving */

static void local_of(struct addr *out, struct msghdr *msg, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			out->in4.sin_family = AF_INET;
			out->in4.sin_addr = info.ipi_addr;
		}
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			out->in6.sin6_family = AF_INET6;
			out->in6.sin6_addr = info.ipi6_addr;
		}
	}
	addr_set_port(out, port);
}

size_t batch_recv(struct batch *batch, int which, struct packet **out)
{
	const struct batch_socket *s = &batch->queues[which].socket;

	if (batch->used + BATCH_RECV > BATCH_PACKETS)
		batch_flush(batch);

	size_t first = batch->used;
	int n = recvmmsg(s->fd, &batch->rx[first], BATCH_RECV, MSG_DONTWAIT,
			 NULL);
	if (n <= 0)
		return 0;
	*out = &batch->packets[first];
	for (size_t i = first; i < first + (size_t)n; i++) {
		struct packet *p = &batch->packets[i];
		struct msghdr *msg = &batch->rx[i].msg_hdr;

		p->n = msg->msg_flags & MSG_TRUNC ? 0 : batch->rx[i].msg_len;
		local_of(&p->local, msg, s->port);
		if (addr_from(&p->remote, msg->msg_name))
			p->n = 0;
		prepare_rx(batch, i);
	}
	batch->used += (size_t)n;
	return (size_t)n;
}

struct packet *batch_recv_one(struct batch *batch, int fd,
			      const struct addr *local)
{
	struct sockaddr_storage name;
	socklen_t name_len = sizeof(name);

	if (batch->used == BATCH_PACKETS)
		batch_flush(batch);

	struct packet *p = &batch->packets[batch->used];
	ssize_t n = recvfrom(fd, p->p, PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC,
			     (struct sockaddr *)&name, &name_len);
	if (n < 0)
		return NULL;
	p->n = n > PACKET_MAX ? 0 : (size_t)n;
	p->local = *local;
	if (addr_from(&p->remote, (struct sockaddr *)&name))
		p->n = 0;
	batch->used++;
	return p;
}

/* Sending */

static void put_control(struct msghdr *msg, int level, int type,
			const void *info, size_t n)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), info, n);
	msg->msg_controllen = CMSG_SPACE(n);
}

static void set_source(struct msghdr *msg, const struct addr *local)
{
	if (addr_is_v6(local)) {
		struct in6_pktinfo info = { .ipi6_addr = local->in6.sin6_addr };
		put_control(msg, IPPROTO_IPV6, IPV6_PKTINFO, &info,
			    sizeof(info));
	} else {
		struct in_pktinfo info = { .ipi_spec_dst =
						   local->in4.sin_addr };
		put_control(msg, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	}
}

/* The kernel only reads what an envelope points to. */
static void address(struct msghdr *msg, struct envelope *e,
		    const struct addr *local, const struct addr *remote,
		    void *p, size_t n)
{
	memcpy(&e->name, &remote->sa, addr_len(remote));
	e->iov.iov_base = p;
	e->iov.iov_len = n;
	*msg = (struct msghdr){
		.msg_name = &e->name,
		.msg_namelen = addr_len(remote),
		.msg_iov = &e->iov,
		.msg_iovlen = 1,
		.msg_control = e->control,
		.msg_controllen = sizeof(e->control),
	};
	set_source(msg, local);
}

/* One packet that cannot leave (no route, full buffer) stops no other. */
static void flush_queue(struct batch *batch, struct queue *q)
{
	size_t sent = 0;

	while (sent < q->n) {
		int n = sendmmsg(q->socket.fd, q->msgs + sent,
				 (unsigned)(q->n - sent), MSG_DONTWAIT);
		if (n <= 0) {
			batch->lost++;
			n = 1;
		}
		sent += (size_t)n;
	}
	q->n = 0;
}

void batch_queue(struct batch *batch, struct packet *packet)
{
	struct queue *q = &batch->queues[which_of(&packet->remote)];

	if (q->socket.fd < 0) {
		batch->lost++;
		return;
	}
	address(&q->msgs[q->n].msg_hdr, &q->envelopes[q->n], &packet->local,
		&packet->remote, packet->p, packet->n);
	if (++q->n == BATCH_SEND)
		flush_queue(batch, q);
}

bool batch_send(struct batch *batch, const struct addr *local,
		const struct addr *remote, const uint8_t *p, size_t n)
{
	int fd = batch->queues[which_of(remote)].socket.fd;
	struct envelope e;
	struct msghdr msg;
	union {
		const uint8_t *in;
		void *out;
	} octets = { .in = p };

	if (fd < 0)
		return false;
	address(&msg, &e, local, remote, octets.out, n);
	if (sendmsg(fd, &msg, MSG_DONTWAIT) >= 0)
		return true;
	batch->lost++;
	return false;
}

void batch_flush(struct batch *batch)
{
	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		if (batch->queues[i].n)
			flush_queue(batch, &batch->queues[i]);
	}
	batch->used = 0;
}

uint64_t batch_lost(const struct batch *batch)
{
	return batch->lost;
}
