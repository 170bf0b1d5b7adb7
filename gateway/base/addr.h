/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A transport address: IPv4 or IPv6 and a port, as a plain value. IPv4-mapped
 * IPv6 addresses are always turned into IPv4, so that two spellings of one
 * address compare equal.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	};
};

enum {
	ADDR_TEXT_CAP = 64, /* "[ipv6%scope]:port" and NUL */
	ADDR_NONE = AF_UNSPEC,
};

/* What kind of place an address is; the first that fits. */
enum addr_class {
	ADDR_UNSPECIFIED, /* 0.0.0.0, :: */
	ADDR_LOOPBACK,
	ADDR_MULTICAST, /* and broadcast */
	ADDR_LINK_LOCAL,
	ADDR_PRIVATE, /* RFC 1918, 6598, 4193 */
	ADDR_PUBLIC,
};

/* An IP literal without a port ("192.0.2.1", "2001:db8::1", "[2001:db8::1]").
 */
CHECKED int addr_parse(struct addr *out, struct slice ip, uint16_t port);

/* "192.0.2.1:5060", "[2001:db8::1]:5060". 0 or -EINVAL. */
CHECKED int addr_parse_port(struct addr *out, struct slice text);

/* From the kernel. 0 or -EAFNOSUPPORT. */
CHECKED int addr_from(struct addr *out, const struct sockaddr *sa);

socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_is_set(const struct addr *a);
bool addr_is_v6(const struct addr *a);
bool addr_same_ip(const struct addr *a, const struct addr *b);
/* Order for trees; 0 when equal. */
int addr_compare(const struct addr *a, const struct addr *b);
static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != AF_INET || b->sa.sa_family != AF_INET)
		return addr_compare(a, b) == 0;
	/* For each packet, several times. */
	return a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr &&
	       a->in4.sin_port == b->in4.sin_port;
}
enum addr_class addr_classify(const struct addr *a);

struct addr_text {
	char s[ADDR_TEXT_CAP];
};
/* The IP alone, without brackets; and with its port, IPv6 in brackets. */
struct addr_text addr_ip_text(const struct addr *a);
struct addr_text addr_text(const struct addr *a);

/* A network, "192.0.2.0/24" or "2001:db8::/32" or a single address. */
struct addr_net {
	struct addr base;
	uint8_t prefix;
};
CHECKED int addr_net_parse(struct addr_net *out, struct slice text);
bool addr_net_has(const struct addr_net *net, const struct addr *a);
