/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/port.h"

#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "media/handover.h"

struct port_pool {
	uint16_t first; /* even */
	size_t n, used;
	unsigned dscp;
	struct port_slot {
		bool open;
		uint64_t free_at_ms;
	} slots[];
};

int port_pool_new(struct port_pool **out, uint16_t min, uint16_t max)
{
	unsigned first = (min + 1u) & ~1u;

	if (!min || first + 1 > max)
		return -EINVAL;

	size_t n = (max - first + 1) / 2;
	struct port_pool *pool =
		calloc(1, sizeof(*pool) + n * sizeof(pool->slots[0]));
	if (!pool)
		return -ENOMEM;
	pool->first = (uint16_t)first;
	pool->n = n;
	pool->dscp = PORT_DSCP_EF;
	*out = pool;
	return 0;
}

struct port_pool *port_pool_free(struct port_pool *pool)
{
	free(pool);
	return NULL;
}

void port_pool_mark(struct port_pool *pool, unsigned dscp)
{
	pool->dscp = dscp;
}

size_t port_pool_used(const struct port_pool *pool)
{
	return pool->used;
}

/* Marks and buffers are wishes: media flows without them. */
static void wish(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		log_debug("event=socket-option level=%d name=%d errno=%d",
			  level, name, errno);
}

/*
 * A packet that is never fragmented needs no identification (RFC 6864), which
 * the kernel takes 0.15 us to make; and what is as short as audio needs no
 * fragments.
 */
static void mark(int fd, const struct addr *local, unsigned dscp)
{
	if (addr_is_v6(local)) {
		wish(fd, IPPROTO_IPV6, IPV6_TCLASS, (int)dscp << 2);
	} else {
		wish(fd, IPPROTO_IP, IP_TOS, (int)dscp << 2);
		wish(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	}
}

static int bind_socket(int fd, const struct addr *local)
{
	int on = 1;

	if (addr_is_v6(local) &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	return bind(fd, &local->sa, addr_len(local)) ? -errno : 0;
}

int port_hear_one(int fd, const struct addr *remote)
{
	return connect(fd, &remote->sa, addr_len(remote)) ? -errno : 0;
}

void port_hear_all(int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	if (connect(fd, &nobody, sizeof(nobody)))
		log_error("event=media-port result=deaf errno=%d", errno);
}

int port_socket(int *out, const struct addr *local, unsigned dscp)
{
	int fd = handover_take(local);

	if (fd >= 0) { /* bound, and does not block; the mark may be new */
		mark(fd, local, dscp);
		port_hear_all(fd);
		*out = fd;
		return 0;
	}
	fd = socket(local->sa.sa_family,
		    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	mark(fd, local, dscp);
	int r = bind_socket(fd, local);
	if (r) {
		close(fd);
		return r;
	}
	*out = fd;
	return 0;
}

static int buffer_got(int fd, int name)
{
	int value = 0;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &n) ? -1 : value;
}

/* The kernel caps the wish at net.core.[rw]mem_max; only root gets past. */
static void enlarge(int fd, const struct addr *local)
{
	wish(fd, SOL_SOCKET, SO_RCVBUF, PORT_BUFFER);
	wish(fd, SOL_SOCKET, SO_SNDBUF, PORT_BUFFER);
	if (buffer_got(fd, SO_RCVBUF) < PORT_BUFFER)
		wish(fd, SOL_SOCKET, SO_RCVBUFFORCE, PORT_BUFFER);
	if (buffer_got(fd, SO_SNDBUF) < PORT_BUFFER)
		wish(fd, SOL_SOCKET, SO_SNDBUFFORCE, PORT_BUFFER);
	log_info("event=media-port address=%s rcvbuf=%d sndbuf=%d",
		 addr_text(local).s, buffer_got(fd, SO_RCVBUF),
		 buffer_got(fd, SO_SNDBUF));
}

int port_share(int fd, const struct addr *local)
{
	bool v6 = addr_is_v6(local);
	bool any = addr_classify(local) == ADDR_UNSPECIFIED;
	int on = 1;

	if (any &&
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)))
		return -errno;
	enlarge(fd, local);
	return 0;
}

static int open_sockets(struct port_pair *pair, const struct port_pool *pool,
			const struct addr *ip, size_t at, bool rtcp)
{
	uint16_t port = (uint16_t)(pool->first + 2 * at);
	struct addr next = *ip;

	pair->rtp = pair->rtcp = -1;
	pair->local = *ip;
	addr_set_port(&pair->local, port);
	addr_set_port(&next, (uint16_t)(port + 1));

	int r = port_socket(&pair->rtp, &pair->local, pool->dscp);
	if (!r && rtcp)
		r = port_socket(&pair->rtcp, &next, pool->dscp);
	if (r && pair->rtp >= 0) {
		close(pair->rtp);
		pair->rtp = -1;
	}
	return r;
}

int port_open(struct port_pool *pool, const struct addr *ip, bool rtcp,
	      uint64_t now_ms, struct port_pair *out)
{
	size_t start = rand_u32() % pool->n;

	for (size_t i = 0; i < pool->n; i++) {
		size_t at = (start + i) % pool->n;
		struct port_slot *slot = &pool->slots[at];

		if (slot->open || slot->free_at_ms > now_ms)
			continue;
		int r = open_sockets(out, pool, ip, at, rtcp);
		if (r == -EADDRINUSE) /* another program's */
			continue;
		if (!r) {
			slot->open = true;
			pool->used++;
		}
		return r;
	}
	return -EADDRINUSE;
}

int port_reopen(struct port_pool *pool, const struct addr *local, bool rtcp,
		struct port_pair *out)
{
	uint16_t port = addr_port(local);
	size_t at = ((size_t)port - pool->first) / 2;

	if (port < pool->first || at >= pool->n || (port - pool->first) % 2)
		return -EINVAL;
	if (pool->slots[at].open)
		return -EADDRINUSE;
	int r = open_sockets(out, pool, local, at, rtcp);
	if (!r) {
		pool->slots[at].open = true;
		pool->used++;
	}
	return r;
}

void port_leave(struct port_pool *pool, struct port_pair *pair, uint64_t now_ms)
{
	struct port_slot *slot =
		&pool->slots[(addr_port(&pair->local) - pool->first) / 2];

	slot->open = false;
	slot->free_at_ms = now_ms + PORT_REST_MS;
	pool->used--;
	pair->rtp = pair->rtcp = -1;
}

void port_close(struct port_pool *pool, struct port_pair *pair, uint64_t now_ms)
{
	int rtp = pair->rtp, rtcp = pair->rtcp;

	if (rtp < 0)
		return;
	port_leave(pool, pair, now_ms);
	close(rtp);
	if (rtcp >= 0)
		close(rtcp);
}

bool port_is_open(const struct port_pool *pool, uint16_t port)
{
	size_t at = ((size_t)port - pool->first) / 2;

	return port >= pool->first && at < pool->n && pool->slots[at].open;
}
