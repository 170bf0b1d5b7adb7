/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Our addresses: those of the interfaces, watched, and the public one that a
 * STUN server tells (RFC 8489).
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "media/media.h"

size_t media_gather(const struct media *media,
		    const struct media_worker *worker, uint16_t port,
		    const struct addr *base, uint8_t generation,
		    struct command_cand *out, size_t cap)
{
	struct host_list hosts = media->hosts;
	struct gather gather = {
		.hosts = &hosts,
		.port = port,
		.public_address = media->config.public_address,
		.mapped_base = worker->mapped_base,
		.generation = generation,
	};

	if (base) {
		hosts.n = 1;
		hosts.addrs[0] = *base;
	} else {
		/* A mapping is that of the shared port alone. */
		gather.mapped = worker->mapped.address;
	}
	return gather_candidates(&gather, out, cap);
}

static bool is_any(const struct addr *a)
{
	return addr_classify(a) == ADDR_UNSPECIFIED;
}

/* Towards everybody: what a packet to the internet would leave from. */
static int default_address(const struct media *media, struct addr *out)
{
	static const char *const everybody[] = { "192.0.2.1", "2001:db8::1" };

	for (size_t i = 0; i < 2; i++) {
		struct addr to;

		if (!addr_parse(&to, slice_of(everybody[i]), 0) &&
		    !host_route(out, &to) && host_list_has(&media->hosts, out))
			return 0;
	}
	if (!media->hosts.n)
		return -EADDRNOTAVAIL;
	*out = media->hosts.addrs[0];
	return 0;
}

int media_local_address(const struct media *media, struct addr *out,
			const struct addr *peer)
{
	*out = media->config.address;
	if (!is_any(out))
		return 0;
	if (!peer || is_any(peer) ||
	    (addr_classify(peer) == ADDR_LOOPBACK &&
	     !media->config.allow_loopback))
		return default_address(media, out);
	return host_route(out, peer);
}

struct addr media_advertised(const struct media *media,
			     const struct addr *local, const struct addr *peer)
{
	struct addr public = media_public_address(media);
	bool outside = !peer || addr_classify(peer) == ADDR_PUBLIC;

	if (!outside || !addr_is_set(&public) ||
	    addr_classify(local) != ADDR_PRIVATE ||
	    public.sa.sa_family != local->sa.sa_family)
		return *local;
	addr_set_port(&public, addr_port(local));
	return public;
}

static bool is_service(const struct media *media, uint16_t port)
{
	size_t i = 0;

	while (i < media->config.nservices && media->config.services[i] != port)
		i++;
	return i < media->config.nservices;
}

bool media_is_own(const struct media *media, const struct addr *a)
{
	struct addr public = media_public_address(media);
	uint16_t port = addr_port(a);
	bool ours = host_list_has(&media->hosts, a) ||
		    (addr_is_set(&public) && addr_same_ip(&public, a));

	if (!ours)
		return false;
	return port_is_open(media->ports, port) || is_service(media, port) ||
	       (port >= media->config.ice_port &&
		port - media->config.ice_port < (int)media->nworkers);
}

struct addr media_public_address(const struct media *media)
{
	struct addr a = media->config.public_address;

	if (!addr_is_set(&a))
		a = media->workers[0].mapped.address;
	if (addr_is_set(&a))
		addr_set_port(&a, 0);
	return a;
}

/* A configured address is the only one; otherwise those of the interfaces. */
static int read_hosts(struct media *media)
{
	if (is_any(&media->config.address))
		return host_list_read(&media->hosts,
				      media->config.allow_loopback);
	media->hosts.n = 1;
	media->hosts.addrs[0] = media->config.address;
	return 0;
}

void media_on_addresses(struct media *media, media_addresses_fn fn, void *arg)
{
	media->on_addresses = fn;
	media->on_addresses_arg = arg;
}

/* Those above first: moved() makes them say their addresses. */
static void say_addresses(struct media *media)
{
	if (media->on_addresses)
		media->on_addresses(media->on_addresses_arg);
	bridge_on_addresses(media);
}

static bool same_hosts(const struct host_list *a, const struct host_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (!addr_equal(&a->addrs[i], &b->addrs[i]))
			return false;
	}
	return true;
}

static void ask_again(struct media *media);

/*
 * With another address of ours the public one is another as well, most of the
 * time: peers are told both at once, or ours alone when nobody answers.
 */
static void on_hosts_settled(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval wait = { MEDIA_HOSTS_ASK_MS / 1000,
				      MEDIA_HOSTS_ASK_MS % 1000 * 1000 };
	struct media *media = arg;
	struct host_list before = media->hosts;
	bool waited = media->hosts_asked;

	(void)fd;
	(void)what;
	if (read_hosts(media))
		media->hosts = before;
	bool changed = !same_hosts(&before, &media->hosts);
	if (changed)
		log_info("event=addresses count=%zu", media->hosts.n);
	media->hosts_asked = changed && addr_is_set(&media->stun);
	if (media->hosts_asked) {
		ask_again(media);
		event_add(media->host_timer, &wait);
	} else if (changed || waited) {
		say_addresses(media);
	}
}

static void on_hosts_changed(evutil_socket_t fd, short what, void *arg)
{
	struct media *media = arg;
	struct timeval soon = { 0, MEDIA_HOSTS_SETTLE_MS * 1000 };

	(void)what;
	host_watch_drain(fd);
	event_add(media->host_timer, &soon);
}

/* Without rtnetlink addresses stay as they were at the start. */
static int watch_hosts(struct media *media)
{
	if (!is_any(&media->config.address))
		return 0;
	int r = host_watch_open(&media->host_fd);
	if (r) {
		log_warn("event=address-watch result=off errno=%d", -r);
		return 0;
	}
	media->host_timer =
		event_new(media->base, -1, 0, on_hosts_settled, media);
	media->host_event =
		event_new(media->base, media->host_fd, EV_READ | EV_PERSIST,
			  on_hosts_changed, media);
	if (!media->host_timer || !media->host_event)
		return -ENOMEM;
	return event_add(media->host_event, NULL) ? -ENOMEM : 0;
}

/* The address behind a NAT */

static void arm_stun(struct media *media, uint64_t due_ms)
{
	uint64_t now_ms = clock_ms();
	uint64_t wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	struct timeval tv = { (time_t)(wait_ms / 1000),
			      (suseconds_t)(wait_ms % 1000 * 1000) };

	if (due_ms == UINT64_MAX)
		event_del(media->stun_timer);
	else
		event_add(media->stun_timer, &tv);
}

static void ask(struct media_worker *worker, const struct addr *server,
		const uint8_t *p, size_t n)
{
	int which = addr_is_v6(server) ? BATCH_V6 : BATCH_V4;

	if (host_route(&worker->mapped_base, server))
		return;
	if (sendto(worker->sockets[which].fd, p, n, MSG_DONTWAIT, &server->sa,
		   addr_len(server)) < 0)
		log_debug("event=stun server=%s errno=%d", addr_text(server).s,
			  errno);
}

static void on_stun_due(evutil_socket_t fd, short what, void *arg)
{
	struct media *media = arg;
	uint64_t now_ms = clock_ms(), next_ms = UINT64_MAX;

	(void)fd;
	(void)what;
	for (unsigned i = 0; i < media->nworkers; i++) {
		struct media_worker *worker = &media->workers[i];
		uint8_t p[STUN_PACKET_MAX];
		size_t n;
		uint64_t due_ms =
			mapped_tick(&worker->mapped, p, sizeof(p), &n, now_ms);

		if (n)
			ask(worker, &media->stun, p, n);
		if (due_ms < next_ms)
			next_ms = due_ms;
	}
	arm_stun(media, next_ms);
}

/* As if never asked: sockets whose address has gone wait for no answer. */
static void ask_again(struct media *media)
{
	for (unsigned i = 0; i < media->nworkers; i++)
		mapped_start(&media->workers[i].mapped, &media->stun,
			     clock_ms());
	arm_stun(media, clock_ms());
}

void media_doubt(struct media *media)
{
	if (!addr_is_set(&media->stun))
		return;
	for (unsigned i = 0; i < media->nworkers; i++)
		mapped_hurry(&media->workers[i].mapped, clock_ms());
	arm_stun(media, clock_ms());
}

void media_set_stun(struct media *media, const struct addr *server)
{
	int which = addr_is_v6(server) ? BATCH_V6 : BATCH_V4;

	if (!media->config.public_auto ||
	    media->workers[0].sockets[which].fd < 0 ||
	    (addr_is_set(&media->stun) && addr_equal(&media->stun, server)))
		return;
	media->stun = *server;
	for (unsigned i = 0; i < media->nworkers; i++) {
		struct command *command;

		mapped_start(&media->workers[i].mapped, server, clock_ms());
		if (command_new(&command, COMMAND_STUN, NULL, MEDIA_SIDE_A))
			continue;
		command->stun = *server;
		worker_send(media->workers[i].worker, command);
	}
	arm_stun(media, clock_ms());
}

static bool all_answered(const struct media *media)
{
	for (unsigned i = 0; i < media->nworkers; i++) {
		if (media->workers[i].mapped.sent)
			return false;
	}
	return true;
}

void media_on_stun(struct media *media, const struct notice_stun *stun)
{
	struct media_worker *worker = &media->workers[stun->worker];

	bool changed =
		mapped_recv(&worker->mapped, stun->p, stun->n, clock_ms());
	arm_stun(media, worker->mapped.due_ms);
	if (changed)
		log_info("event=public-address worker=%u address=%s",
			 stun->worker, addr_text(&worker->mapped.address).s);
	if (media->hosts_asked && all_answered(media)) {
		media->hosts_asked = false;
		event_del(media->host_timer);
		say_addresses(media);
	} else if (changed && !media->hosts_asked) {
		say_addresses(media);
	}
}

int media_address_start(struct media *media)
{
	int r = read_hosts(media);

	if (r)
		return r;
	media->stun_timer = event_new(media->base, -1, 0, on_stun_due, media);
	return media->stun_timer ? watch_hosts(media) : -ENOMEM;
}

void media_address_stop(struct media *media)
{
	struct event *const events[] = { media->stun_timer, media->host_event,
					 media->host_timer };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	media->stun_timer = media->host_event = media->host_timer = NULL;
	if (media->host_fd >= 0)
		close(media->host_fd);
	media->host_fd = -1;
}
