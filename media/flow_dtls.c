/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The DTLS association of a flow (RFC 5763, 5764): it proves who is there, and
 * makes the keys. It starts when ICE has selected a pair and consent does not
 * rest: a ClientHello sent earlier is lost and costs a second. One that the
 * peer sends earlier is kept until then.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "media/flow.h"
#include "media/worker.h"

/* RFC 7675, 5.1: nothing but checks while consent rests. */
static void on_send(const uint8_t *p, size_t n, void *arg)
{
	struct flow *flow = arg;

	if (!flow->rests)
		flow_ice_send(flow, p, n);
}

static void on_connected(const struct dtls_keys *keys, void *arg)
{
	struct flow *flow = arg;
	struct flow_dtls *dtls = &flow->dtls;
	uint64_t now_ms = flow->circuit->worker->now_ms;

	if (flow_set_keys(flow, keys)) {
		flow_fail(flow, MEDIA_FAIL_WORKER);
		return;
	}
	flow->settled = false; /* what came so far came by other keys */
	if (!dtls->took_ms)
		dtls->took_ms = now_ms - dtls->since_ms + 1;
	flow_changed(flow);
	flow_ready(flow);
}

static const enum media_failure failures[] = {
	[DTLS_FAILED] = MEDIA_FAIL_DTLS,
	[DTLS_TIMEOUT] = MEDIA_FAIL_DTLS,
	[DTLS_FINGERPRINT] = MEDIA_FAIL_FINGERPRINT,
};

static void on_failed(enum dtls_failure why, void *arg)
{
	struct flow *flow = arg;
	const char *reason = dtls_reason(flow->dtls.association);

	log_info("call=%s event=dtls side=%c result=failed reason=%s",
		 flow->circuit->name, 'A' + (int)flow->side,
		 log_text(slice_of(reason)).s);
	flow_fail(flow, failures[why]);
}

static const struct dtls_handlers handlers = {
	.send = on_send,
	.connected = on_connected,
	.failed = on_failed,
};

static int make_association(struct flow *flow)
{
	struct flow_dtls *dtls = &flow->dtls;
	int r = dtls_new(&dtls->association, flow->circuit->worker->config.cert,
			 dtls->active, &handlers, flow);

	if (!r)
		r = dtls_set_fingerprints(dtls->association, dtls->fingerprints,
					  dtls->nfingerprints);
	return r;
}

/* The last one counts; without memory the peer sends it again. */
static void keep_hello(struct flow_dtls *dtls, const struct packet *packet)
{
	if (packet->n > FLOW_HELLO_MAX)
		return;
	uint8_t *hello = realloc(dtls->hello, packet->n);
	if (!hello)
		return;
	memcpy(hello, packet->p, packet->n);
	dtls->hello = hello;
	dtls->hello_n = packet->n;
}

static void forget_hello(struct flow_dtls *dtls)
{
	free(dtls->hello);
	dtls->hello = NULL;
}

void flow_dtls_start(struct flow *flow)
{
	struct flow_dtls *dtls = &flow->dtls;
	uint64_t now_ms = flow->circuit->worker->now_ms;

	if (dtls->association || dtls->resumed || !flow->ice.selected ||
	    flow->rests || !dtls->peer_known)
		return;
	dtls->since_ms = now_ms;
	if (make_association(flow)) {
		flow_fail(flow, MEDIA_FAIL_WORKER);
		return;
	}
	dtls_start(dtls->association, now_ms);
	if (dtls->hello && !dtls->active)
		dtls_recv(dtls->association, dtls->hello, dtls->hello_n,
			  now_ms);
	forget_hello(dtls);
	circuit_touch(flow->circuit);
}

/*
 * Fingerprints that the association at hand has not are those of another
 * (RFC 8842, 4): the old keys serve until that one has its own.
 */
int flow_dtls_peer(struct flow *flow, const struct command_ice_peer *peer)
{
	struct flow_dtls *dtls = &flow->dtls;
	bool same =
		dtls->nfingerprints == peer->nfingerprints &&
		!memcmp(dtls->fingerprints, peer->fingerprints,
			peer->nfingerprints * sizeof(peer->fingerprints[0]));
	int r = 0;

	if (!same)
		dtls->resumed = false;
	memcpy(dtls->fingerprints, peer->fingerprints,
	       sizeof(dtls->fingerprints));
	dtls->nfingerprints = peer->nfingerprints;
	dtls->peer_known = true;
	if (dtls->association)
		r = dtls_set_fingerprints(dtls->association, dtls->fingerprints,
					  dtls->nfingerprints);
	if (r == DTLS_E_NEW) {
		dtls->association = dtls_free(dtls->association);
		forget_hello(dtls);
		r = 0;
	}
	if (!dtls->association)
		dtls->active = peer->active;
	flow_dtls_start(flow);
	return r;
}

void flow_dtls_recv(struct flow *flow, const struct packet *packet)
{
	struct flow_dtls *dtls = &flow->dtls;

	/* The peer repeats something of an association that is over. */
	if (dtls->resumed)
		return;
	if (dtls->association) {
		dtls_recv(dtls->association, packet->p, packet->n,
			  flow->circuit->worker->now_ms);
		circuit_touch(flow->circuit);
	} else {
		keep_hello(dtls, packet);
	}
}

void flow_dtls_settle(struct flow *flow)
{
	flow->settled = true;
	if (flow->dtls.association)
		dtls_settle(flow->dtls.association);
}

uint64_t flow_dtls_tick(struct flow *flow, uint64_t now_ms)
{
	struct dtls *association = flow->dtls.association;

	return association ? dtls_tick(association, now_ms) : UINT64_MAX;
}

void flow_dtls_close(struct flow *flow)
{
	forget_hello(&flow->dtls);
	flow->dtls.association = dtls_free(flow->dtls.association);
}
