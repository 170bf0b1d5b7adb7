/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/listen.h"

#include <event2/event.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/fence.h"
#include "sip/tls.h"

enum {
	BIND_URL_CAP = 128,
	TCP_IDLE_MS = 900 * 1000,
	TCP_MESSAGE_MS = 10 * 1000, /* between two pieces of a message */
	STUN_FIRST_OCTETS = 4,      /* RFC 7983: 0..3 */
	/* A burst of calls fits; the kernel counts twice a packet's size. */
	RECEIVE_BUFFER = 4 * 1024 * 1024,
	NEW_ADDRESSES_S = 5, /* how often they are looked for */
};

/* ---- a socket ---- */

/*
 * sofia answers STUN on the SIP port with an old parser, even when told not to:
 * the kernel drops what is no SIP.
 */
static int drop_stun(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 8, 0, 2),
		/* The UDP header comes first. */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, STUN_FIRST_OCTETS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, SIP_MESSAGE_MAX * 2),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		return -errno;
	return 0;
}

/* As much as we may have. */
static void widen(int fd)
{
	int size = RECEIVE_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		log_warn("event=sip_listen what=\"small receive buffer\"");
}

static bool is_bound_to(int fd, int type, struct addr *out)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int is = 0;
	socklen_t is_len = sizeof(is);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &is, &is_len) || is != type)
		return false;
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return false;
	return !addr_from(out, (struct sockaddr *)&ss) && addr_port(out);
}

/* One of @b's transport and address; *@out is with its port. */
static bool is_socket_of(int fd, const struct sip_bound *b, struct addr *out)
{
	int type = b->transport == SIP_UDP ? SOCK_DGRAM : SOCK_STREAM;

	return is_bound_to(fd, type, out) && addr_same_ip(out, &b->addr);
}

/* Which of those that it has bound add_tport() listens at. */
static int take_socket(const struct sip_fence_binds *binds, struct sip_bound *b)
{
	for (size_t i = 0; i < binds->n; i++) {
		struct addr at;

		if (!is_socket_of(binds->fds[i], b, &at))
			continue;
		b->addr = at;
		if (b->transport != SIP_UDP)
			return 0;
		widen(binds->fds[i]);
		return drop_stun(binds->fds[i]);
	}
	return -EBADF;
}

static int format_url(char out[static BIND_URL_CAP], const struct sip_bound *b)
{
	bool v6 = addr_is_v6(&b->addr);
	char port[8] = "*";
	int r = 0;

	if (addr_port(&b->addr))
		r = text_format(port, sizeof(port), "%u", addr_port(&b->addr));
	return r ? r
		 : text_format(out, BIND_URL_CAP, "sip:%s%s%s:%s;transport=%s",
			       v6 ? "[" : "", addr_ip_text(&b->addr).s,
			       v6 ? "]" : "", port,
			       sip_transport_name(b->transport));
}

int sip_listen_bind(struct sip_agent *agent, struct sip_bound *b)
{
	struct sip_fence_binds binds = { .n = 0 };
	char url[BIND_URL_CAP];
	int r = format_url(url, b);

	if (r)
		return r;
	errno = 0;
	sip_fence_note_binds(&binds);
	if (nta_agent_add_tport(agent->nta, URL_STRING_MAKE(url),
				TPTAG_IDENT(b->ident), TPTAG_STUN_SERVER(0),
				TPTAG_REUSE(1), TPTAG_IDLE(TCP_IDLE_MS),
				TPTAG_TIMEOUT(TCP_MESSAGE_MS),
				TPTAG_PONG2PING(1), TAG_END()))
		r = errno ? -errno : -EADDRINUSE;
	sip_fence_note_binds(NULL);
	return r ? r : take_socket(&binds, b);
}

/* UDP and TCP of one address have one name for sofia: what is too long for a
 * datagram goes by TCP. */
static int add_bound(struct sip_agent *agent, size_t listen,
		     const struct addr *addr)
{
	struct sip_bound *b = &agent->bounds[agent->nbounds];
	int r;

	if (agent->nbounds == SIP_BOUNDS_MAX)
		return -E2BIG;
	*b = (struct sip_bound){ .transport = agent->listens[listen].transport,
				 .addr = *addr,
				 .listen = listen };
	r = text_set(b->ident, sizeof(b->ident), addr_ip_text(addr).s);
	if (!r)
		r = b->transport == SIP_TLS ? sip_tls_listen(agent, &b->addr)
					    : sip_listen_bind(agent, b);
	if (r)
		return r;
	agent->nbounds++;
	log_info("event=sip_listen at=%s transport=%s", addr_text(&b->addr).s,
		 sip_transport_name(b->transport));
	return 0;
}

/* ---- on all addresses ---- */

static bool is_wildcard(const struct sip_listen *listen)
{
	return addr_classify(&listen->addr) == ADDR_UNSPECIFIED;
}

static bool is_bound(const struct sip_agent *agent, size_t listen,
		     const struct addr *addr)
{
	for (size_t i = 0; i < agent->nbounds; i++)
		if (agent->bounds[i].transport ==
			    agent->listens[listen].transport &&
		    addr_same_ip(&agent->bounds[i].addr, addr) &&
		    addr_port(&agent->bounds[i].addr) == addr_port(addr))
			return true;
	return false;
}

/* Nobody can be told an address of one link; and a new IPv6 address cannot be
 * bound while the machine makes sure that it is alone: later. */
static int add_address(struct sip_agent *agent, size_t listen,
		       const struct ifaddrs *i)
{
	const struct sip_listen *l = &agent->listens[listen];
	struct addr addr;
	int r;

	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
	    i->ifa_addr->sa_family != l->addr.sa.sa_family ||
	    addr_from(&addr, i->ifa_addr))
		return 0;
	addr_set_port(&addr, addr_port(&l->addr));
	if (addr_classify(&addr) == ADDR_LINK_LOCAL ||
	    is_bound(agent, listen, &addr))
		return 0;
	r = add_bound(agent, listen, &addr);
	return r == -EADDRNOTAVAIL ? 0 : r;
}

static bool is_there(const struct ifaddrs *all, const struct addr *ip)
{
	struct addr addr;

	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && (i->ifa_flags & IFF_UP) &&
		    !addr_from(&addr, i->ifa_addr) && addr_same_ip(&addr, ip))
			return true;
	return false;
}

/* Of one that is named: interfaces do not list all of loopback's. */
static bool is_ours(const struct addr *ip)
{
	struct addr at = *ip;
	int fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true;
	addr_set_port(&at, 0);
	bool ours = !bind(fd, &at.sa, addr_len(&at)) || errno != EADDRNOTAVAIL;
	close(fd);
	return ours;
}

static void tell_gone(const struct sip_bound *b, bool named)
{
	const char *transport = sip_transport_name(b->transport);

	if (named && b->gone)
		log_warn(
			"event=sip_listen at=%s transport=%s what=\"gone: this "
			"machine has that address no more; name the new one "
			"in sip.listen and restart, or 0.0.0.0 or [::], which "
			"follow the machine\"",
			addr_text(&b->addr).s, transport);
	else
		log_info("event=sip_listen at=%s transport=%s what=%s",
			 addr_text(&b->addr).s, transport,
			 b->gone ? "gone" : "back");
}

/* The socket stays, as sofia gives none back, and is good again when its
 * address returns; but nothing is sent from it, and nobody told of it. */
static void note_gone(struct sip_agent *agent, const struct ifaddrs *all)
{
	for (size_t i = 0; i < agent->nbounds; i++) {
		struct sip_bound *b = &agent->bounds[i];
		bool named = !is_wildcard(&agent->listens[b->listen]);
		bool gone =
			named ? !is_ours(&b->addr) : !is_there(all, &b->addr);

		if (gone == b->gone)
			continue;
		b->gone = gone;
		tell_gone(b, named);
	}
}

static int add_addresses(struct sip_agent *agent)
{
	struct ifaddrs *all;
	int r = 0;

	if (getifaddrs(&all))
		return -errno;
	for (size_t k = 0; k < agent->nlistens; k++)
		for (const struct ifaddrs *i = all;
		     !r && is_wildcard(&agent->listens[k]) && i;
		     i = i->ifa_next)
			r = add_address(agent, k, i);
	note_gone(agent, all);
	freeifaddrs(all);
	return r;
}

void sip_agent_moved(struct sip_agent *agent)
{
	int r = add_addresses(agent);

	if (r)
		log_debug("event=sip_listen error=%d", -r);
}

static void on_listen_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sip_agent_moved(arg);
}

static int watch_addresses(struct sip_agent *agent)
{
	const struct timeval often = { NEW_ADDRESSES_S, 0 };

	agent->listen_timer =
		event_new(agent->base, -1, EV_PERSIST, on_listen_timer, agent);
	if (!agent->listen_timer || event_add(agent->listen_timer, &often))
		return -ENOMEM;
	return add_addresses(agent);
}

/* ---- all ---- */

int sip_listens_open(struct sip_agent *agent, const struct sip_listen *listens,
		     size_t n)
{
	bool wildcard = false;
	int r = 0;

	if (n > SIP_LISTENS_MAX)
		return -E2BIG;
	memcpy(agent->listens, listens, n * sizeof(*listens));
	agent->nlistens = n;
	for (size_t i = 0; !r && i < n; i++) {
		if (is_wildcard(&listens[i]))
			wildcard = true;
		else
			r = add_bound(agent, i, &listens[i].addr);
		if (r)
			log_error("event=sip_listen at=%s transport=%s "
				  "error=%d",
				  addr_text(&listens[i].addr).s,
				  sip_transport_name(listens[i].transport), -r);
	}
	if (!r && wildcard)
		r = watch_addresses(agent);
	return r;
}

void sip_listens_close(struct sip_agent *agent)
{
	if (agent->listen_timer)
		event_free(agent->listen_timer);
	agent->listen_timer = NULL;
}

bool sip_listens_on(const struct sip_agent *agent, enum sip_transport transport,
		    bool v6)
{
	for (size_t i = 0; i < agent->nlistens; i++)
		if (agent->listens[i].transport == transport &&
		    addr_is_v6(&agent->listens[i].addr) == v6)
			return true;
	return false;
}

/* ---- which one ---- */

struct addr sip_routed_source(const struct addr *peer)
{
	struct addr found = { .sa.sa_family = ADDR_NONE };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = socket(peer->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return found;
	if (!connect(fd, &peer->sa, addr_len(peer)) &&
	    !getsockname(fd, (struct sockaddr *)&ss, &len) &&
	    addr_from(&found, (struct sockaddr *)&ss))
		found.sa.sa_family = ADDR_NONE;
	close(fd);
	addr_set_port(&found, 0);
	return found;
}

const struct sip_bound *sip_listen_towards(const struct sip_agent *agent,
					   enum sip_transport transport,
					   const struct addr *peer)
{
	const struct sip_bound *first = NULL;
	struct addr source = { .sa.sa_family = ADDR_NONE };

	for (size_t i = 0; i < agent->nbounds; i++) {
		const struct sip_bound *b = &agent->bounds[i];

		if (b->transport != transport || b->gone ||
		    addr_is_v6(&b->addr) != addr_is_v6(peer))
			continue;
		if (!addr_is_set(&source))
			source = sip_routed_source(peer);
		if (addr_same_ip(&b->addr, &source))
			return b;
		if (!first)
			first = b;
	}
	return first;
}
