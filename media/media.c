/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/media.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "gateway/base/log.h"
#include "media/dtls.h"

static void on_notice(evutil_socket_t fd, short what, void *arg)
{
	struct media *media = arg;
	struct notice notice;
	struct notice_stun stun;

	(void)fd;
	(void)what;
	notices_clear(&media->notices);
	while (notices_take(&media->notices, &notice))
		bridge_on_notice(media, &notice);
	explicit_bzero(&notice, sizeof(notice)); /* keys */
	while (notices_take_stun(&media->notices, &stun))
		media_on_stun(media, &stun);
}

/* Starting */

unsigned media_worker_count(unsigned wanted)
{
	cpu_set_t set;

	if (!wanted)
		wanted = sched_getaffinity(0, sizeof(set), &set)
				 ? 1
				 : (unsigned)CPU_COUNT(&set);
	return wanted < MEDIA_MAX_WORKERS ? wanted : MEDIA_MAX_WORKERS;
}

static int open_shared(struct media *media, struct media_worker *worker,
		       int which, uint16_t port)
{
	static const char *const any[] = { "0.0.0.0", "::" };
	struct batch_socket *s = &worker->sockets[which];
	struct addr local = media->config.address;
	bool everywhere = addr_classify(&local) == ADDR_UNSPECIFIED;

	s->port = port;
	if (!everywhere)
		s->bound = local;
	if (everywhere) {
		if (addr_parse(&local, slice_of(any[which]), 0))
			return -EINVAL;
	} else if (addr_is_v6(&local) != (which == BATCH_V6)) {
		return 0;
	}
	addr_set_port(&local, port);
	int r = port_socket(&s->fd, &local, media->config.dscp);
	if (r == -EAFNOSUPPORT && which == BATCH_V6)
		return 0; /* a machine without IPv6 */
	if (r) {
		log_error("event=media-port address=%s errno=%d",
			  addr_text(&local).s, -r);
		return r;
	}
	return port_share(s->fd, &local);
}

static int start_worker(struct media *media, unsigned index)
{
	struct media_worker *worker = &media->workers[index];

	worker->media = media;
	uint16_t port = (uint16_t)(media->config.ice_port + index);
	struct worker_config config = {
		.index = index,
		.cert = media->cert,
		.notices = &media->notices,
		.allow_loopback = media->config.allow_loopback,
		.priority = media->config.priority,
		.held = media->waits,
	};

	worker->sockets[BATCH_V4].fd = worker->sockets[BATCH_V6].fd = -1;
	media->nworkers = index + 1;
	int r = open_shared(media, worker, BATCH_V4, port);
	if (!r)
		r = open_shared(media, worker, BATCH_V6, port);
	if (r)
		return r;
	memcpy(config.sockets, worker->sockets, sizeof(config.sockets));
	return worker_new(&worker->worker, &config);
}

static int start_workers(struct media *media)
{
	unsigned n = media_worker_count(media->config.workers);

	if (!media->config.ice_port ||
	    media->config.ice_port + n - 1 > UINT16_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		int r = start_worker(media, i);
		if (r)
			return r;
	}
	return 0;
}

static int start_events(struct media *media)
{
	int r = notices_init(&media->notices);
	if (r)
		return r;
	media->has_notices = true;
	media->notice_event = event_new(media->base, media->notices.fd,
					EV_READ | EV_PERSIST, on_notice, media);
	if (!media->notice_event)
		return -ENOMEM;
	return event_add(media->notice_event, NULL) ? -ENOMEM : 0;
}

static int start(struct media *media)
{
	const struct media_config *config = &media->config;

	int r = dtls_cert_open(&media->cert, config->certificate);
	if (!r)
		r = media_keep_start(media, config->keep);
	if (!r)
		r = port_pool_new(&media->ports, config->port_min,
				  config->port_max);
	if (!r)
		port_pool_mark(media->ports, config->dscp);
	if (!r)
		r = media_address_start(media);
	if (!r)
		r = start_events(media);
	if (!r)
		r = start_workers(media);
	return r;
}

int media_new(struct media **out, const struct media_config *config,
	      struct event_base *base)
{
	struct media *media = calloc(1, sizeof(*media));

	if (!media)
		return -ENOMEM;
	media->config = *config;
	media->base = base;
	media->host_fd = -1;
	TAILQ_INIT(&media->bridges);

	int r = start(media);
	/* borrowed for the start alone */
	media->config.certificate = media->config.keep = NULL;
	if (r) {
		media_free(media);
		return r;
	}
	*out = media;
	return 0;
}

/* Stopping: the workers have done every command, so that all circuits are gone.
 */

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

static void close_sockets(struct media_worker *worker)
{
	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		if (worker->sockets[i].fd >= 0)
			close(worker->sockets[i].fd);
	}
}

static void free_notices(struct media *media)
{
	struct notice notice;

	if (!media->has_notices)
		return;
	while (notices_take(&media->notices, &notice))
		bridge_on_notice(media, &notice);
	notices_fini(&media->notices);
}

struct media *media_free(struct media *media)
{
	if (!media)
		return NULL;
	for (unsigned i = 0; i < media->nworkers; i++)
		worker_free(media->workers[i].worker);
	free_event(&media->notice_event);
	free_notices(media); /* a doubt among them sets the timer of STUN */
	media_address_stop(media);
	free_event(&media->load_timer);
	for (unsigned i = 0; i < media->nworkers; i++)
		close_sockets(&media->workers[i]);
	media_keep_stop(media);
	port_pool_free(media->ports);
	dtls_cert_free(media->cert);
	free(media);
	return NULL;
}

unsigned media_workers(const struct media *media)
{
	return media->nworkers;
}

unsigned media_worker_load(const struct media *media, unsigned worker)
{
	return worker < media->nworkers ? media->workers[worker].load : 0;
}

void media_worker_stats(const struct media *media, unsigned worker,
			struct media_worker_stats *out)
{
	*out = (struct media_worker_stats){ 0 };
	if (worker >= media->nworkers)
		return;
	const struct media_worker *w = &media->workers[worker];
	out->calls = w->load;
	out->busy_permille = w->busy.busy_permille;
	out->packets_s = w->busy.packets_s;
	out->packets = worker_packets(w->worker);
	out->lost = worker_lost(w->worker);
	out->late = worker_late(w->worker);
}
