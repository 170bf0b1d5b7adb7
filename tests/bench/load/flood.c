/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/flood.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "media/stun.h"
#include "tests/bench/load/die.h"

#define USERNAME "nobodys0:stranger"

enum {
	KINDS = 4,
	TOGETHER = 64,     /* packets of one system call */
	BEHIND_US = 20000, /* what is later than that is left out */
	REST_US = 500,
	FLOOD_NICE = -19,
	PACKET_LEN = 172, /* of RTP, and of what means nothing */
	HELLO_LEN = 160,
	NET = 127 << 24 | 66 << 16,
	CONTROL_CAP = CMSG_SPACE(sizeof(struct in_pktinfo)),
};

struct letter {
	struct iovec iov;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_CAP];
};

struct flood {
	pthread_t thread;
	atomic_bool stopping;
	int fd;
	unsigned rate;
	struct sockaddr_in to;
	uint64_t sent;
	uint32_t source; /* of the next packet */
	uint8_t packets[KINDS][STUN_PACKET_MAX];
	size_t lens[KINDS];
	struct mmsghdr msgs[TOGETHER];
	struct letter letters[TOGETHER];
};

/* What is sent */

static void write_packets(struct flood *flood)
{
	static const uint8_t hello[] = {
		22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, HELLO_LEN - 13, 1
	};
	const struct stun_packet check = {
		.kind = STUN_REQUEST,
		.username = { USERNAME, sizeof(USERNAME) - 1 },
		.has_priority = true,
		.priority = 1,
		.role = STUN_CONTROLLING,
	};

	for (int kind = 0; kind < KINDS; kind++) {
		rand_bytes(flood->packets[kind], PACKET_LEN);
		flood->lens[kind] = PACKET_LEN;
	}
	flood->packets[0][0] = 0x80;
	flood->packets[0][1] = 0;
	memcpy(flood->packets[1], hello, sizeof(hello));
	flood->lens[1] = HELLO_LEN;
	if (stun_encode(&check, slice_of("a stranger's password"),
			flood->packets[2], STUN_PACKET_MAX, &flood->lens[2]))
		DIE("load: no check");
	flood->packets[3][0] = 0xff;
}

static void put_source(struct msghdr *msg, uint32_t source)
{
	struct in_pktinfo info = {
		.ipi_spec_dst.s_addr = htonl(NET | source % 65536),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	*c = (struct cmsghdr){ .cmsg_level = IPPROTO_IP,
			       .cmsg_type = IP_PKTINFO,
			       .cmsg_len = CMSG_LEN(sizeof(info)) };
	memcpy(CMSG_DATA(c), &info, sizeof(info));
}

static void prepare(struct flood *flood)
{
	for (int i = 0; i < TOGETHER; i++) {
		struct letter *l = &flood->letters[i];

		l->iov = (struct iovec){ flood->packets[i % KINDS],
					 flood->lens[i % KINDS] };
		flood->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &flood->to,
			.msg_namelen = sizeof(flood->to),
			.msg_iov = &l->iov,
			.msg_iovlen = 1,
			.msg_control = l->control,
			.msg_controllen = sizeof(l->control),
		};
	}
}

/* Sending */

static void send_some(struct flood *flood, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put_source(&flood->msgs[i].msg_hdr, flood->source++ * 77);
	int sent = sendmmsg(flood->fd, flood->msgs, n, 0);
	if (sent > 0)
		flood->sent += (unsigned)sent;
}

static void *run(void *arg)
{
	const struct timespec rest = { 0, REST_US * 1000 };
	const struct sched_param normal = { 0 };
	struct flood *flood = arg;
	uint64_t due_us = clock_us();

	/* the kernel's own threads must not wait for a sender */
	(void)pthread_setschedparam(pthread_self(), SCHED_OTHER, &normal);
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), FLOOD_NICE);
	while (!atomic_load(&flood->stopping)) {
		uint64_t now_us = clock_us();

		if (now_us < due_us) {
			nanosleep(&rest, NULL);
			continue;
		}
		if (now_us - due_us > BEHIND_US)
			due_us = now_us - BEHIND_US;
		send_some(flood, TOGETHER);
		due_us += TOGETHER * UINT64_C(1000000) / flood->rate;
	}
	return NULL;
}

struct flood *flood_start(const struct addr *to, unsigned rate)
{
	struct flood *flood = calloc(1, sizeof(*flood));

	if (!flood)
		DIE("load: no memory");
	flood->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (flood->fd < 0)
		DIE("load: no socket");
	flood->to = to->in4;
	flood->rate = rate;
	write_packets(flood);
	prepare(flood);
	if (pthread_create(&flood->thread, NULL, run, flood))
		DIE("load: no thread");
	return flood;
}

uint64_t flood_stop(struct flood *flood)
{
	uint64_t sent;

	atomic_store(&flood->stopping, true);
	pthread_join(flood->thread, NULL);
	sent = flood->sent;
	close(flood->fd);
	free(flood);
	return sent;
}
