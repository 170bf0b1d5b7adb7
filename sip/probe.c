/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/probe.h"

#include <event2/event.h>
#include <stdlib.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>

#include "gateway/base/clock.h"
#include "sip/trunk_life.h"

struct sip_probe {
	struct sip_trunk *trunk;
	struct nta_leg_s *leg;
	struct sip_client *client;
	struct event *timer;
	uint64_t began_ms;
	sip_probe_fn fn; /* NULL: told */
	void *arg;
};

static void tell(struct sip_probe *probe, unsigned status)
{
	sip_probe_fn fn = probe->fn;

	probe->fn = NULL;
	if (fn)
		fn(status, (unsigned)(clock_ms() - probe->began_ms),
		   probe->arg);
}

/* What our own stack makes up of silence is no answer. */
static void on_response(struct sip_client *client, unsigned status,
			const struct sip_s *response, bool local, void *arg)
{
	struct sip_probe *probe = arg;

	(void)response;
	if (status < 200)
		return;
	probe->client = sip_client_free(client);
	tell(probe, local ? 0 : status);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell(arg, 0);
}

int sip_probe_new(struct sip_probe **out, struct sip_trunk *trunk,
		  sip_probe_fn fn, void *arg)
{
	const struct timeval most = { SIP_PROBE_WAIT_MS / 1000, 0 };
	struct sip_probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return -ENOMEM;
	probe->trunk = trunk;
	probe->began_ms = clock_ms();
	probe->fn = fn;
	probe->arg = arg;
	probe->timer = evtimer_new(trunk->agent->base, on_timer, probe);
	int r = probe->timer && !evtimer_add(probe->timer, &most) ? 0 : -ENOMEM;
	if (!r)
		r = trunk_send_options(trunk, &probe->leg, &probe->client,
				       on_response, probe);
	if (r) {
		sip_probe_free(probe);
		return r;
	}
	*out = probe;
	return 0;
}

struct sip_probe *sip_probe_free(struct sip_probe *probe)
{
	if (!probe)
		return NULL;
	sip_client_free(probe->client);
	if (probe->leg) {
		sip_clients_orphan(probe->trunk->agent, probe->leg);
		nta_leg_destroy(probe->leg);
	}
	if (probe->timer)
		event_free(probe->timer);
	free(probe);
	return NULL;
}
