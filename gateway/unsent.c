/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/unsent.h"

#include <bsd/sys/queue.h>
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
};

int unsent_new(struct gateway *gateway)
{
	gateway->unsent = calloc(1, sizeof(*gateway->unsent));
	if (!gateway->unsent)
		return -ENOMEM;
	STAILQ_INIT(&gateway->unsent->waiting);
	return 0;
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

void unsent_send(struct gateway *gateway, const struct stanza *stanza)
{
	int r = xmpp_stream_send(gateway->stream, stanza);

	if (r == XMPP_E_DOWN)
		r = keep(gateway->unsent, stanza);
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
		if (xmpp_stream_send(gateway->stream, first->stanza) ==
		    XMPP_E_DOWN)
			return;
		drop_first(unsent);
	}
}
