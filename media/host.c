/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/host.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/base/log.h"

enum { DISCARD_PORT = 9 };

static bool usable(const struct ifaddrs *i, struct addr *out, bool loopback)
{
	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
	    addr_from(out, i->ifa_addr))
		return false;
	addr_set_port(out, 0);
	switch (addr_classify(out)) {
	case ADDR_PUBLIC:
	case ADDR_PRIVATE:
		return true;
	case ADDR_LOOPBACK:
		return loopback;
	default:
		return false;
	}
}

bool host_list_has(const struct host_list *list, const struct addr *ip)
{
	for (size_t i = 0; i < list->n; i++) {
		if (addr_same_ip(&list->addrs[i], ip))
			return true;
	}
	return false;
}

/* A stable order: public, private, loopback, and within as the kernel says. */
static void insert(struct host_list *list, const struct addr *a)
{
	size_t at = list->n;

	if (list->n == HOST_MAX) {
		log_warn("event=host-address address=%s result=left-out "
			 "limit=%d",
			 addr_ip_text(a).s, HOST_MAX);
		return;
	}
	while (at > 0 &&
	       addr_classify(&list->addrs[at - 1]) < addr_classify(a)) {
		list->addrs[at] = list->addrs[at - 1];
		at--;
	}
	list->addrs[at] = *a;
	list->n++;
}

int host_list_read(struct host_list *out, bool loopback)
{
	struct ifaddrs *all;

	out->n = 0;
	if (getifaddrs(&all))
		return -errno;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct addr a;

		if (usable(i, &a, loopback) && !host_list_has(out, &a))
			insert(out, &a);
	}
	freeifaddrs(all);
	return 0;
}

static int route_of(int fd, struct addr *out, const struct addr *peer)
{
	struct sockaddr_storage local;
	socklen_t n = sizeof(local);

	/* Nothing is sent: connect() of UDP only looks up the route. */
	if (connect(fd, &peer->sa, addr_len(peer)) ||
	    getsockname(fd, (struct sockaddr *)&local, &n))
		return -errno;
	return addr_from(out, (struct sockaddr *)&local);
}

int host_route(struct addr *out, const struct addr *peer)
{
	struct addr to = *peer;
	int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!addr_port(&to))
		addr_set_port(&to, DISCARD_PORT);
	int r = route_of(fd, out, &to);
	close(fd);
	if (!r)
		addr_set_port(out, 0);
	return r;
}

int host_watch_open(int *out)
{
	struct sockaddr_nl local = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&local, sizeof(local))) {
		int r = -errno;
		close(fd);
		return r;
	}
	*out = fd;
	return 0;
}

void host_watch_drain(int fd)
{
	uint8_t junk[4096];

	ssize_t n;

	/* What changed is read from the list; an overrun says the same. */
	do {
		n = recv(fd, junk, sizeof(junk), 0);
	} while (n > 0 || (n < 0 && errno == ENOBUFS));
}
