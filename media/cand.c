/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/cand.h"

#include <ifaddrs.h>
#include <net/if.h>

#include "gateway/base/text.h"

enum {
	MAX_ADDRS = 64, /* of all interfaces */
	TOP_PREFERENCE = 65535,
	PREFERENCE_STEP = 256, /* so that it shows in the priority's octets */
};

uint32_t cand_priority(enum media_cand_type type, uint16_t local_preference,
		       uint8_t component)
{
	/* RFC 8445, 5.1.2.2 */
	static const uint8_t preferences[] = {
		[MEDIA_CAND_HOST] = 126,
		[MEDIA_CAND_PRFLX] = 110,
		[MEDIA_CAND_SRFLX] = 100,
		[MEDIA_CAND_RELAY] = 0,
	};

	return (uint32_t)preferences[type] << 24 |
	       (uint32_t)local_preference << 8 | (256u - component);
}

/* ::192.0.2.1 (RFC 4291, 2.5.5.1, deprecated) hides an IPv4 address. */
static bool is_v4_compatible(const struct addr *a)
{
	return addr_is_v6(a) && IN6_IS_ADDR_V4COMPAT(&a->in6.sin6_addr);
}

bool cand_addr_is_usable(const struct addr *addr, bool allow_loopback)
{
	if (!addr_port(addr) || is_v4_compatible(addr))
		return false;
	switch (addr_classify(addr)) {
	case ADDR_PRIVATE:
	case ADDR_PUBLIC:
		return true;
	case ADDR_LOOPBACK:
		return allow_loopback;
	case ADDR_UNSPECIFIED:
	case ADDR_MULTICAST:
	case ADDR_LINK_LOCAL:
		break;
	}
	return false;
}

bool cand_is_usable(const struct media_cand *cand, bool allow_loopback)
{
	return cand->component == 1 &&
	       cand_addr_is_usable(&cand->addr, allow_loopback);
}

static bool is_all(const struct addr *a)
{
	return !addr_is_set(a) || addr_classify(a) == ADDR_UNSPECIFIED;
}

static bool is_ours(const struct cand_config *config, struct addr a,
		    uint16_t port)
{
	if (!(addr_is_v6(&a) ? config->ipv6 : config->ipv4))
		return false;
	if (!is_all(&config->address) && !addr_same_ip(&config->address, &a))
		return false;
	addr_set_port(&a, port);
	return cand_addr_is_usable(&a, config->allow_loopback);
}

/* The addresses of one family that are ours, the best first. */
struct family {
	const struct addr *addrs[MAX_ADDRS];
	size_t n, used;
};

static bool is_known(const struct family *f, const struct addr *a)
{
	for (size_t i = 0; i < f->n; i++)
		if (addr_same_ip(f->addrs[i], a))
			return true;
	return false;
}

/* The classes are in order of preference; equal ones stay in the kernel's. */
static void insert(struct family *f, const struct addr *a)
{
	size_t at = f->n;

	if (f->n == MAX_ADDRS || is_known(f, a))
		return;
	while (at && addr_classify(f->addrs[at - 1]) < addr_classify(a)) {
		f->addrs[at] = f->addrs[at - 1];
		at--;
	}
	f->addrs[at] = a;
	f->n++;
}

struct gathering {
	struct cand_local *out;
	size_t n;
	uint16_t port;
};

static void offer(struct gathering *g, const struct addr *addr,
		  const struct addr *base)
{
	if (g->n == CAND_MAX_LOCAL)
		return;

	struct cand_local *local = &g->out[g->n];
	uint16_t preference =
		(uint16_t)(TOP_PREFERENCE - g->n * PREFERENCE_STEP);
	*local = (struct cand_local){
		.cand = { .type = MEDIA_CAND_HOST,
			  .component = 1,
			  .priority =
				  cand_priority(MEDIA_CAND_HOST, preference, 1),
			  .addr = *addr },
		.base = *base,
	};
	addr_set_port(&local->cand.addr, g->port);
	addr_set_port(&local->base, g->port);
	g->n++;
	/* Its own for each: no two share type and base address. */
	int r = text_format(local->cand.foundation,
			    sizeof(local->cand.foundation), "%zu", g->n);
	(void)r; /* two digits fit */
}

static void offer_next(struct gathering *g, struct family *f,
		       const struct addr *except)
{
	while (f->used < f->n) {
		const struct addr *a = f->addrs[f->used++];

		if (addr_is_set(except) && addr_same_ip(a, except))
			continue;
		offer(g, a, a);
		return;
	}
}

/* The public address first, over the base that stands for it. */
static void offer_public(struct gathering *g, const struct addr *public_address,
			 const struct family *f)
{
	struct addr a = *public_address;

	if (!addr_is_set(&a) || !f->n)
		return;
	addr_set_port(&a, g->port);
	if (cand_addr_is_usable(&a, true))
		offer(g, &a, is_known(f, &a) ? &a : f->addrs[0]);
}

size_t cand_from(struct cand_local out[static CAND_MAX_LOCAL],
		 const struct cand_config *config, const struct addr *addrs,
		 size_t naddrs, uint16_t port)
{
	struct gathering g = { out, 0, port };
	const struct addr *public_address = &config->public_address;
	struct family v4 = { .n = 0 }, v6 = { .n = 0 };

	for (size_t i = 0; i < naddrs; i++)
		if (is_ours(config, addrs[i], port))
			insert(addr_is_v6(&addrs[i]) ? &v6 : &v4, &addrs[i]);

	offer_public(&g, public_address,
		     addr_is_v6(public_address) ? &v6 : &v4);
	while (g.n < CAND_MAX_LOCAL && (v4.used < v4.n || v6.used < v6.n)) {
		offer_next(&g, &v6, public_address);
		offer_next(&g, &v4, public_address);
	}
	return g.n;
}

/* Interfaces that are up; others give nothing that works. */
static bool is_up(const struct ifaddrs *i)
{
	const unsigned wanted = IFF_UP | IFF_RUNNING;

	return i->ifa_addr && (i->ifa_flags & wanted) == wanted;
}

int cand_gather(struct cand_local out[static CAND_MAX_LOCAL], size_t *n,
		const struct cand_config *config, uint16_t port)
{
	struct addr addrs[MAX_ADDRS];
	struct ifaddrs *list;
	size_t naddrs = 0;

	*n = 0;
	if (getifaddrs(&list))
		return -errno;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (naddrs < MAX_ADDRS && is_up(i) &&
		    !addr_from(&addrs[naddrs], i->ifa_addr))
			naddrs++;
	freeifaddrs(list);
	*n = cand_from(out, config, addrs, naddrs, port);
	return 0;
}
