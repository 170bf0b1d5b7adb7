/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/unsent.h"

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

struct unsent_stanza {
	STAILQ_ENTRY(unsent_stanza) link;
	struct stanza *stanza;
};

struct unsent {
	STAILQ_HEAD(, unsent_stanza) waiting;
	unsigned n;
	struct event *retry; /* while the stream is full */
};

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	unsent_stream_up(arg);
}

int unsent_new(struct gateway *gateway)
{
	struct unsent *unsent = calloc(1, sizeof(*unsent));

	gateway->unsent = unsent;
	if (!unsent)
		return -ENOMEM;
	STAILQ_INIT(&unsent->waiting);
	unsent->retry = evtimer_new(gateway->base, on_retry, gateway);
	return unsent->retry ? 0 : -ENOMEM;
}

static void drop_first(struct unsent *unsent)
{
	struct unsent_stanza *first = STAILQ_FIRST(&unsent->waiting);

	STAILQ_REMOVE_HEAD(&unsent->waiting, link);
	unsent->n--;
	stanza_free(first->stanza);
	free(first);
}

void unsent_free(struct gateway *gateway)
{
	if (!gateway->unsent)
		return;
	while (gateway->unsent->n)
		drop_first(gateway->unsent);
	if (gateway->unsent->retry)
		event_free(gateway->unsent->retry);
	free(gateway->unsent);
	gateway->unsent = NULL;
}

static int keep(struct unsent *unsent, const struct stanza *stanza)
{
	struct unsent_stanza *kept;

	if (unsent->n == UNSENT_MAX)
		return -ENOBUFS;
	kept = calloc(1, sizeof(*kept));
	if (!kept || stanza_copy(&kept->stanza, stanza)) {
		free(kept);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&unsent->waiting, kept, link);
	unsent->n++;
	return 0;
}

/* A try that is due stays so: others may come faster than that for ever. */
static void retry_soon(struct unsent *unsent)
{
	static const struct timeval soon = { 0, UNSENT_RETRY_MS * 1000 };

	if (!evtimer_pending(unsent->retry, NULL))
		evtimer_add(unsent->retry, &soon);
}

void unsent_send(struct gateway *gateway, const struct stanza *stanza)
{
	struct unsent *unsent = gateway->unsent;
	/* behind those that wait, if any do */
	int r = unsent->n ? XMPP_E_FULL
			  : xmpp_stream_send(gateway->stream, stanza);

	if (r == XMPP_E_FULL)
		retry_soon(unsent);
	if (r == XMPP_E_DOWN || r == XMPP_E_FULL)
		r = keep(unsent, stanza);
	if (r)
		log_warn("xmpp=not-sent to=%s r=%d: its client will notice by "
			 "the silence",
			 log_text(slice_of(stanza_attr(stanza, "to"))).s, r);
}

void unsent_stream_up(struct gateway *gateway)
{
	struct unsent *unsent = gateway->unsent;

	while (unsent->n) {
		const struct unsent_stanza *first =
			STAILQ_FIRST(&unsent->waiting);
		int r = xmpp_stream_send(gateway->stream, first->stanza);

		if (r == XMPP_E_FULL)
			retry_soon(unsent);
		if (r == XMPP_E_DOWN || r == XMPP_E_FULL)
			return;
		drop_first(unsent);
	}
}
