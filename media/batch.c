/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "media/flow.h"

enum {
	CONTROL_CAP = CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

struct envelope {
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_CAP];
};

/* For a shared socket. The messages are made once, what differs is put in. */
struct queue {
	struct batch_socket socket;
	size_t n;
	struct mmsghdr msgs[BATCH_PACKETS];
	struct envelope envelopes[BATCH_PACKETS];
};

/* For another socket. */
struct letter {
	int fd;
	bool connected;
	const struct packet *packet;
};

struct batch {
	size_t used, nletters;
	uint64_t lost;
	struct packet packets[BATCH_PACKETS];
	struct mmsghdr rx[BATCH_PACKETS]; /* of packets[], always prepared */
	struct envelope rx_envelopes[BATCH_PACKETS];
	struct queue queues[BATCH_NSOCKETS];
	struct letter letters[BATCH_PACKETS];
};

static void prepare_rx(struct batch *batch, size_t i)
{
	struct envelope *e = &batch->rx_envelopes[i];
	struct packet *p = &batch->packets[i];

	e->iov = (struct iovec){ p->p, PACKET_MAX };
	batch->rx[i].msg_hdr = (struct msghdr){
		.msg_name = &p->remote,
		.msg_namelen = sizeof(p->remote),
		.msg_iov = &e->iov,
		.msg_iovlen = 1,
		.msg_control = e->control,
		.msg_controllen = sizeof(e->control),
	};
}

/* The one control message: from which address of ours, if there is a choice. */
static void prepare_tx(struct msghdr *msg, struct envelope *e, int which,
		       const struct batch_socket *socket)
{
	bool v6 = which == BATCH_V6;
	size_t n = v6 ? sizeof(struct in6_pktinfo) : sizeof(struct in_pktinfo);

	*msg = (struct msghdr){
		.msg_namelen = v6 ? sizeof(struct sockaddr_in6)
				  : sizeof(struct sockaddr_in),
		.msg_iov = &e->iov,
		.msg_iovlen = 1,
	};
	if (addr_is_set(&socket->bound))
		return;
	msg->msg_control = e->control;
	msg->msg_controllen = CMSG_SPACE(n);
	memset(e->control, 0, sizeof(e->control));
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(n);
}

int batch_new(struct batch **out,
	      const struct batch_socket sockets[BATCH_NSOCKETS])
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	for (int which = 0; which < BATCH_NSOCKETS; which++) {
		struct queue *q = &batch->queues[which];

		q->socket = sockets[which];
		for (size_t i = 0; q->socket.fd >= 0 && i < BATCH_PACKETS; i++)
			prepare_tx(&q->msgs[i].msg_hdr, &q->envelopes[i], which,
				   &q->socket);
	}
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

/* Receiving */

/* No socket takes both IP versions, so each address has its one spelling. */
static void take_local(struct addr *out, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			out->in4.sin_addr = info.ipi_addr;
		}
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			out->in6.sin6_addr = info.ipi6_addr;
		}
	}
}

size_t batch_room(const struct batch *batch)
{
	return BATCH_PACKETS - batch->used;
}

size_t batch_received(struct batch *batch, struct packet **out)
{
	*out = batch->packets;
	return batch->used;
}

size_t batch_recv(struct batch *batch, const struct source *source, size_t max)
{
	size_t first = batch->used;
	int n = recvmmsg(source->fd, &batch->rx[first], (unsigned)max,
			 MSG_DONTWAIT, NULL);

	if (n <= 0)
		return 0;
	for (size_t i = first; i < first + (size_t)n; i++) {
		struct packet *p = &batch->packets[i];
		struct msghdr *msg = &batch->rx[i].msg_hdr;

		p->n = msg->msg_flags & MSG_TRUNC ? 0 : batch->rx[i].msg_len;
		p->source = source;
		p->local = source->local;
		take_local(&p->local, msg);
		/* The kernel changes the lengths. */
		msg->msg_namelen = sizeof(p->remote);
		msg->msg_controllen = sizeof(batch->rx_envelopes[i].control);
	}
	batch->used += (size_t)n;
	return (size_t)n;
}

bool batch_recv_one(struct batch *batch, const struct source *source)
{
	struct packet *p = &batch->packets[batch->used];
	socklen_t len = sizeof(p->remote);
	ssize_t n = recvfrom(source->fd, p->p, PACKET_MAX,
			     MSG_DONTWAIT | MSG_TRUNC, &p->remote.sa, &len);

	if (n < 0)
		return false;
	p->n = n > PACKET_MAX ? 0 : (size_t)n;
	p->source = source;
	p->local = source->local;
	batch->used++;
	return true;
}

/* Sending */

/* The kernel only reads what an envelope points to. */
static void fill_in(struct msghdr *msg, struct envelope *e,
		    const struct addr *local, const struct addr *remote,
		    const uint8_t *p, size_t n)
{
	union {
		const void *in;
		void *out;
	} name = { .in = &remote->sa }, octets = { .in = p };
	uint8_t *info;

	msg->msg_name = name.out;
	e->iov = (struct iovec){ octets.out, n };
	if (!msg->msg_control)
		return;
	info = CMSG_DATA(CMSG_FIRSTHDR(msg));
	if (addr_is_v6(local))
		memcpy(info + offsetof(struct in6_pktinfo, ipi6_addr),
		       &local->in6.sin6_addr, sizeof(local->in6.sin6_addr));
	else
		memcpy(info + offsetof(struct in_pktinfo, ipi_spec_dst),
		       &local->in4.sin_addr, sizeof(local->in4.sin_addr));
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

bool batch_send_own(int fd, bool connected, const struct packet *packet)
{
	const struct addr *to = &packet->remote;

	if (connected && send(fd, packet->p, packet->n, MSG_DONTWAIT) >= 0)
		return true;
	/* What ICMP said of a packet before is no failure of this one. */
	if (connected && errno == EAGAIN)
		return false;
	return sendto(fd, packet->p, packet->n, MSG_DONTWAIT, &to->sa,
		      addr_len(to)) >= 0;
}

static void flush_letters(struct batch *batch)
{
	for (size_t i = 0; i < batch->nletters; i++) {
		const struct letter *l = &batch->letters[i];

		if (!batch_send_own(l->fd, l->connected, l->packet))
			batch->lost++;
	}
	batch->nletters = 0;
}

void batch_queue_own(struct batch *batch, int fd, bool connected,
		     struct packet *packet)
{
	batch->letters[batch->nletters++] =
		(struct letter){ fd, connected, packet };
}

void batch_queue(struct batch *batch, struct packet *packet)
{
	struct queue *q = &batch->queues[which_of(&packet->remote)];

	if (q->socket.fd < 0) {
		batch->lost++;
		return;
	}
	fill_in(&q->msgs[q->n].msg_hdr, &q->envelopes[q->n], &packet->local,
		&packet->remote, packet->p, packet->n);
	q->n++;
}

bool batch_send(struct batch *batch, const struct addr *local,
		const struct addr *remote, const uint8_t *p, size_t n)
{
	int which = which_of(remote);
	const struct batch_socket *socket = &batch->queues[which].socket;
	struct envelope e;
	struct msghdr msg;

	if (socket->fd < 0)
		return false;
	prepare_tx(&msg, &e, which, socket);
	fill_in(&msg, &e, local, remote, p, n);
	if (sendmsg(socket->fd, &msg, MSG_DONTWAIT) >= 0)
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
	flush_letters(batch);
	batch->used = 0;
}

uint64_t batch_lost(const struct batch *batch)
{
	return batch->lost;
}
