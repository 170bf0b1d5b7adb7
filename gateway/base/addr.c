/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "gateway/base/text.h"

/* One address has one spelling: ::ffff:192.0.2.1 is 192.0.2.1. */
static void unmap(struct addr *a)
{
	if (a->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return;

	struct sockaddr_in in4 = { .sin_family = AF_INET,
				   .sin_port = a->in6.sin6_port };
	memcpy(&in4.sin_addr, &a->in6.sin6_addr.s6_addr[12], 4);
	memset(a, 0, sizeof(*a));
	a->in4 = in4;
}

int addr_parse(struct addr *out, struct slice ip, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	if (ip.n >= 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']') {
		ip.p++;
		ip.n -= 2;
	}
	if (text_copy(text, sizeof(text), ip))
		return -EINVAL;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->in4.sin_addr) == 1) {
		out->in4.sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) == 1) {
		out->in6.sin6_family = AF_INET6;
	} else {
		memset(out, 0, sizeof(*out));
		return -EINVAL;
	}
	addr_set_port(out, port);
	unmap(out);
	return 0;
}

int addr_parse_port(struct addr *out, struct slice text)
{
	const char *colon = text.p ? memrchr(text.p, ':', text.n) : NULL;
	uint64_t port;

	if (!colon)
		return -EINVAL;
	struct slice ip = { text.p, (size_t)(colon - text.p) };
	struct slice digits = { colon + 1, text.n - ip.n - 1 };
	bool bare_v6 = ip.n && ip.p[0] != '[' && memchr(ip.p, ':', ip.n);
	if (bare_v6 || text_number(digits, UINT16_MAX, &port))
		return -EINVAL;
	return addr_parse(out, ip, (uint16_t)port);
}

int addr_from(struct addr *out, const struct sockaddr *sa)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET)
		memcpy(&out->in4, sa, sizeof(out->in4));
	else if (sa->sa_family == AF_INET6)
		memcpy(&out->in6, sa, sizeof(out->in6));
	else
		return -EAFNOSUPPORT;
	unmap(out);
	return 0;
}

socklen_t addr_len(const struct addr *a)
{
	return addr_is_v6(a) ? sizeof(a->in6) : sizeof(a->in4);
}

uint16_t addr_port(const struct addr *a)
{
	return ntohs(addr_is_v6(a) ? a->in6.sin6_port : a->in4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (addr_is_v6(a))
		a->in6.sin6_port = htons(port);
	else
		a->in4.sin_port = htons(port);
}

bool addr_is_set(const struct addr *a)
{
	return a->sa.sa_family != AF_UNSPEC;
}

bool addr_is_v6(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6;
}

static int compare_ip(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return a->sa.sa_family < b->sa.sa_family ? -1 : 1;
	if (addr_is_v6(a))
		return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16);
	return memcmp(&a->in4.sin_addr, &b->in4.sin_addr, 4);
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	int by_ip = compare_ip(a, b);

	return by_ip ? by_ip : (int)addr_port(a) - (int)addr_port(b);
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	return compare_ip(a, b) == 0;
}

static enum addr_class classify_v4(uint32_t ip)
{
	if (ip >> 24 == 0)
		return ADDR_UNSPECIFIED;
	if (ip >> 24 == 127)
		return ADDR_LOOPBACK;
	if (ip >> 28 >= 14) /* 224/4 and 240/4 with broadcast */
		return ADDR_MULTICAST;
	if (ip >> 16 == (169u << 8 | 254))
		return ADDR_LINK_LOCAL;
	if (ip >> 24 == 10 || ip >> 20 == (172u << 4 | 1) ||
	    ip >> 16 == (192u << 8 | 168) || ip >> 22 == (100u << 2 | 1))
		return ADDR_PRIVATE;
	return ADDR_PUBLIC;
}

static enum addr_class classify_v6(const struct in6_addr *ip)
{
	if (IN6_IS_ADDR_UNSPECIFIED(ip))
		return ADDR_UNSPECIFIED;
	if (IN6_IS_ADDR_LOOPBACK(ip))
		return ADDR_LOOPBACK;
	if (IN6_IS_ADDR_MULTICAST(ip))
		return ADDR_MULTICAST;
	if (IN6_IS_ADDR_LINKLOCAL(ip))
		return ADDR_LINK_LOCAL;
	if ((ip->s6_addr[0] & 0xfe) == 0xfc)
		return ADDR_PRIVATE;
	return ADDR_PUBLIC;
}

enum addr_class addr_classify(const struct addr *a)
{
	if (addr_is_v6(a))
		return classify_v6(&a->in6.sin6_addr);
	if (a->sa.sa_family == AF_INET)
		return classify_v4(ntohl(a->in4.sin_addr.s_addr));
	return ADDR_UNSPECIFIED;
}

struct addr_text addr_ip_text(const struct addr *a)
{
	struct addr_text out = { "" };

	if (addr_is_v6(a))
		inet_ntop(AF_INET6, &a->in6.sin6_addr, out.s, sizeof(out.s));
	else if (a->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->in4.sin_addr, out.s, sizeof(out.s));
	return out;
}

struct addr_text addr_text(const struct addr *a)
{
	struct addr_text ip = addr_ip_text(a);
	struct addr_text out = { "" };
	bool v6 = addr_is_v6(a);

	if (addr_is_set(a))
		snprintf(out.s, sizeof(out.s), "%s%.46s%s:%u", v6 ? "[" : "",
			 ip.s, v6 ? "]" : "", addr_port(a));
	return out;
}

int addr_net_parse(struct addr_net *out, struct slice text)
{
	struct slice ip = slice_cut(&text, '/');
	bool has_prefix = text.p && text.p > ip.p + ip.n;
	uint64_t prefix;

	if (addr_parse(&out->base, ip, 0))
		return -EINVAL;
	uint8_t max = addr_is_v6(&out->base) ? 128 : 32;
	prefix = max;
	if (has_prefix && text_number(text, max, &prefix))
		return -EINVAL;
	out->prefix = (uint8_t)prefix;
	return 0;
}

bool addr_net_has(const struct addr_net *net, const struct addr *a)
{
	if (net->base.sa.sa_family != a->sa.sa_family)
		return false;

	const uint8_t *x = addr_is_v6(a) ? a->in6.sin6_addr.s6_addr
					 : (const uint8_t *)&a->in4.sin_addr;
	const uint8_t *y = addr_is_v6(a)
				   ? net->base.in6.sin6_addr.s6_addr
				   : (const uint8_t *)&net->base.in4.sin_addr;
	unsigned whole = net->prefix / 8, bits = net->prefix % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - bits));

	if (memcmp(x, y, whole))
		return false;
	return !bits || (x[whole] & mask) == (y[whole] & mask);
}
