/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The machine's own addresses: the bases of host candidates (RFC 8445, 5.1.1.1)
 * and the one that routing chooses towards a peer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum { HOST_MAX = 12 };

struct host_list {
	struct addr addrs[HOST_MAX]; /* ports unset */
	size_t n;
};

/*
 * Addresses of interfaces that are up, without link-local ones, loopback only
 * if @loopback, those with a default use (public) first. 0 or -errno.
 */
CHECKED int host_list_read(struct host_list *out, bool loopback);
bool host_list_has(const struct host_list *list, const struct addr *ip);

/*
 * The local address from which packets to @peer leave, port unset. 0 or -errno
 * (-ENETUNREACH).
 */
CHECKED int host_route(struct addr *out, const struct addr *peer);

/*
 * A descriptor that becomes readable when an address came or went (rtnetlink).
 * The caller closes it. 0 or -errno.
 */
CHECKED int host_watch_open(int *out);
void host_watch_drain(int fd);
