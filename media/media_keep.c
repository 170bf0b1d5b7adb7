/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What goes from process to process: the calls that are kept (media/keep.h),
 * whether this one lives well with them, and the sockets (media/handover.h).
 */
#include <errno.h>

#include <event2/event.h>

#include "gateway/base/log.h"
#include "media/circuit.h"
#include "media/handover.h"
#include "media/media.h"

/* Without the file calls go on as well, but not beyond this process. */
static int open_keep(struct media *media, const char *path)
{
	int r = keep_open(&media->keep, path);

	media->waits = !r && keep_has_before(media->keep);
	if (!path || !r || r == -ENOMEM)
		return r;
	log_warn("event=keep file=%s errno=%d: a crash would end all calls",
		 path, -r);
	return keep_open(&media->keep, NULL);
}

static void on_well(evutil_socket_t fd, short what, void *arg)
{
	struct media *media = arg;

	(void)fd;
	(void)what;
	keep_is_well(media->keep);
}

static int watch_health(struct media *media)
{
	const struct timeval soon = { MEDIA_WELL_S, 0 };

	if (!media->waits)
		return 0;
	media->well_timer = evtimer_new(media->base, on_well, media);
	return media->well_timer && !evtimer_add(media->well_timer, &soon)
		       ? 0
		       : -ENOMEM;
}

int media_keep_start(struct media *media, const char *path)
{
	int r = open_keep(media, path);

	return r ? r : watch_health(media);
}

void media_keep_stop(struct media *media)
{
	if (media->well_timer)
		event_free(media->well_timer);
	media->well_timer = NULL;
	media->keep = keep_close(media->keep);
}

void media_forget(struct media *media)
{
	size_t n = keep_forget(media->keep);
	size_t sockets = handover_end();

	if (n || sockets)
		log_info("event=keep forgotten=%zu sockets=%zu", n, sockets);
	for (unsigned i = 0; i < media->nworkers; i++)
		worker_release(media->workers[i].worker);
}

struct sockets {
	int *fds;
	size_t n, cap;
};

static void add_socket(struct sockets *sockets, int fd)
{
	if (fd >= 0 && sockets->n < sockets->cap)
		sockets->fds[sockets->n++] = fd;
}

size_t media_hand_over(struct media *media, int *fds, size_t cap)
{
	struct sockets sockets = { fds, 0, cap };
	const struct bridge *bridge;

	keep_is_well(media->keep); /* it ends because it was told to */
	for (unsigned i = 0; i < media->nworkers; i++)
		for (int which = 0; which < BATCH_NSOCKETS; which++)
			add_socket(&sockets,
				   media->workers[i].sockets[which].fd);
	TAILQ_FOREACH(bridge, &media->bridges, entry) {
		for (int side = 0; side < 2; side++) {
			add_socket(&sockets, bridge->circuit->ports[side].rtp);
			add_socket(&sockets, bridge->circuit->ports[side].rtcp);
		}
	}
	return sockets.n;
}
