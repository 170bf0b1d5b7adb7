/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The side of a WebRTC client: ICE finds the path, DTLS (RFC 5763, 5764) proves
 * who is there and makes the keys, then SRTP flows. Before the proof nothing
 * passes in either direction.
 *
 * DTLS starts when ICE has selected a pair: a ClientHello sent earlier is lost
 * and costs a second. One that the peer sends earlier is kept until then.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/base/log.h"
#include "media/flow.h"
#include "media/rtp.h"
#include "media/worker.h"

static struct worker *worker_of(const struct flow *flow)
{
	return flow->circuit->worker;
}

/* Packets out */

static bool is_own(const struct flow *flow, const struct addr *local)
{
	return flow->ice.own.fd >= 0 && addr_equal(&flow->ice.own.local, local);
}

static bool send_own(const struct flow *flow, const struct addr *remote,
		     const uint8_t *p, size_t n)
{
	return sendto(flow->ice.own.fd, p, n, MSG_DONTWAIT, &remote->sa,
		      addr_len(remote)) >= 0;
}

static void on_send(const struct addr *local, const struct addr *remote,
		    const uint8_t *p, size_t n, void *arg)
{
	struct flow *flow = arg;

	if (is_own(flow, local))
		send_own(flow, remote, p, n);
	else
		batch_send(worker_of(flow)->batch, local, remote, p, n);
}

bool flow_ice_output(struct flow *flow, struct packet *packet, bool own)
{
	struct batch *batch = worker_of(flow)->batch;

	if (own && flow->fd >= 0)
		return send_own(flow, &flow->remote, packet->p, packet->n);
	if (own)
		return batch_send(batch, &flow->local, &flow->remote, packet->p,
				  packet->n);
	packet->local = flow->local;
	packet->remote = flow->remote;
	batch_queue(batch, flow->fd, packet);
	return true;
}

/* DTLS */

static void on_dtls_send(const uint8_t *p, size_t n, void *arg)
{
	struct flow *flow = arg;

	on_send(&flow->local, &flow->remote, p, n, flow);
}

static void on_connected(const struct dtls_keys *keys, void *arg)
{
	struct flow *flow = arg;

	if (flow_set_keys(flow, keys)) {
		flow_fail(flow, MEDIA_FAIL_WORKER);
		return;
	}
	if (!flow->ice.dtls_took_ms)
		flow->ice.dtls_took_ms =
			worker_of(flow)->now_ms - flow->ice.dtls_since_ms + 1;
	flow_changed(flow);
	flow_ready(flow);
}

static const enum media_failure failures[] = {
	[DTLS_FAILED] = MEDIA_FAIL_DTLS,
	[DTLS_TIMEOUT] = MEDIA_FAIL_DTLS,
	[DTLS_FINGERPRINT] = MEDIA_FAIL_FINGERPRINT,
};

static void on_dtls_failed(enum dtls_failure why, void *arg)
{
	struct flow *flow = arg;

	log_info("call=%s event=dtls side=%c result=failed reason=%s",
		 flow->circuit->name, 'A' + (int)flow->side,
		 log_text(slice_of(dtls_reason(flow->ice.dtls))).s);
	flow_fail(flow, failures[why]);
}

static const struct dtls_handlers dtls_handlers = {
	.send = on_dtls_send,
	.connected = on_connected,
	.failed = on_dtls_failed,
};

static int make_dtls(struct flow *flow)
{
	struct flow_ice *ice = &flow->ice;
	int r = dtls_new(&ice->dtls, worker_of(flow)->config.cert, ice->active,
			 &dtls_handlers, flow);

	if (!r)
		r = dtls_set_fingerprints(ice->dtls, ice->fingerprints,
					  ice->nfingerprints);
	return r;
}

/* The last one counts; without memory the peer sends it again. */
static void keep_hello(struct flow_ice *ice, const struct packet *packet)
{
	if (packet->n > FLOW_HELLO_MAX)
		return;
	uint8_t *hello = realloc(ice->hello, packet->n);
	if (!hello)
		return;
	memcpy(hello, packet->p, packet->n);
	ice->hello = hello;
	ice->hello_n = packet->n;
}

static void forget_hello(struct flow_ice *ice)
{
	free(ice->hello);
	ice->hello = NULL;
}

static void start_dtls(struct flow *flow)
{
	struct flow_ice *ice = &flow->ice;
	uint64_t now_ms = worker_of(flow)->now_ms;

	if (ice->dtls || ice->resumed || !ice->selected || !ice->peer_known)
		return;
	ice->dtls_since_ms = now_ms;
	if (make_dtls(flow)) {
		flow_fail(flow, MEDIA_FAIL_WORKER);
		return;
	}
	dtls_start(ice->dtls, now_ms);
	if (ice->hello && !ice->active)
		dtls_recv(ice->dtls, ice->hello, ice->hello_n, now_ms);
	forget_hello(ice);
	circuit_touch(flow->circuit);
}

/* Only validated tuples lead here. */
void flow_ice_dtls(struct flow *flow, const struct packet *packet)
{
	struct flow_ice *ice = &flow->ice;

	/* The peer repeats something of an association that is over. */
	if (ice->resumed)
		return;
	if (ice->dtls) {
		dtls_recv(ice->dtls, packet->p, packet->n,
			  worker_of(flow)->now_ms);
		circuit_touch(flow->circuit);
	} else {
		keep_hello(ice, packet);
	}
}

/* ICE */

static struct tuple *free_tuple(struct flow *flow)
{
	struct tuple *oldest = NULL;

	for (int i = 0; i < TUPLES_PER_FLOW; i++) {
		struct tuple *t = &flow->ice.tuples[i];
		if (!t->flow)
			return t;
		bool used = addr_equal(&t->remote, &flow->remote) &&
			    addr_equal(&t->local, &flow->local);
		if (!used && (!oldest || t->checked_ms < oldest->checked_ms))
			oldest = t;
	}
	return oldest;
}

/* The demultiplexer gives no check that came over another live flow's tuple. */
static void on_valid(const struct addr *local, const struct addr *remote,
		     void *arg)
{
	struct flow *flow = arg;
	struct worker *worker = worker_of(flow);
	struct tuple *t = tuple_find(&worker->tuples, local, remote);

	if (t && t->flow == flow) {
		t->checked_ms = worker->now_ms;
		return;
	}
	if (t)
		tuple_remove(&worker->tuples, t);
	t = free_tuple(flow);
	tuple_remove(&worker->tuples, t);
	tuple_insert(&worker->tuples, t, flow, local, remote, worker->now_ms);
}

/* The path is back, or sought anew; what DTLS refused stays refused. */
static void forgive(struct flow *flow)
{
	if (flow->why == MEDIA_FAIL_CONSENT || flow->why == MEDIA_FAIL_ICE)
		flow->failed = false;
	circuit_gate(flow->circuit);
}

static void on_selected(const struct addr *local, const struct addr *remote,
			void *arg)
{
	struct flow *flow = arg;
	struct flow_ice *ice = &flow->ice;

	on_valid(local, remote, flow);
	flow->local = *local;
	flow->remote = *remote;
	flow->fd = is_own(flow, local) ? ice->own.fd : -1;
	ice->selected = true;
	forgive(flow);
	if (!ice->took_ms)
		ice->took_ms = worker_of(flow)->now_ms - ice->since_ms + 1;
	flow_changed(flow);
	if (ice->resumed)
		flow_ready(flow);
	start_dtls(flow);
}

/* It is said when it is lost for good, and once. */
static void rest(struct flow *flow)
{
	if (flow->failed)
		return;
	log_info("call=%s event=consent side=%c result=rests: nothing is sent "
		 "until a check is answered",
		 flow->circuit->name, 'A' + (int)flow->side);
	flow->failed = true;
	flow->why = MEDIA_FAIL_CONSENT;
	circuit_gate(flow->circuit);
}

static void on_ice_failed(enum ice_failure why, void *arg)
{
	struct flow *flow = arg;

	switch (why) {
	case ICE_FAILED:
		flow_fail(flow, MEDIA_FAIL_ICE);
		break;
	case ICE_CONSENT_RESTS:
		rest(flow);
		break;
	case ICE_CONSENT_LOST:
		if (flow->why == MEDIA_FAIL_CONSENT)
			flow->failed = false;
		flow_fail(flow, MEDIA_FAIL_CONSENT);
		break;
	}
}

static void on_doubt(void *arg)
{
	flow_doubt(arg);
}

static const struct ice_handlers ice_handlers = {
	.send = on_send,
	.valid = on_valid,
	.selected = on_selected,
	.failed = on_ice_failed,
	.doubt = on_doubt,
};

static int set_local(struct flow *flow, const struct command_local *local)
{
	struct flow_ice *ice = &flow->ice;
	struct worker *worker = worker_of(flow);

	int r = ice_set_local(ice->ice, local->ufrag, local->pwd);
	for (size_t i = 0; !r && i < local->ncands; i++)
		r = ice_add_local(ice->ice, &local->cands[i].cand,
				  &local->cands[i].base);
	if (!r)
		worker_name(worker, &ice->names[FLOW_NAME_NOW], flow,
			    local->ufrag);
	circuit_touch(flow->circuit);
	return r;
}

int flow_ice_open(struct flow *flow, const struct command_local *local)
{
	struct worker *worker = worker_of(flow);
	struct ice_config config = {
		.controlling = local->controlling,
		.allow_loopback = worker->config.allow_loopback,
		.tag = worker_new_tag(worker),
		.now_ms = worker->now_ms,
	};

	int r = ice_new(&flow->ice.ice, &config, &ice_handlers, flow);
	if (r)
		return r;
	flow->kind = FLOW_ICE;
	worker_tag(worker, flow);
	return set_local(flow, local);
}

int flow_ice_restart(struct flow *flow, const struct command_local *local)
{
	struct flow_ice *ice = &flow->ice;
	struct worker *worker = worker_of(flow);
	struct flow_name before = ice->names[FLOW_NAME_NOW];

	int r = ice_restart(ice->ice, worker->now_ms);
	if (r)
		return r;
	worker_unname(worker, &ice->names[FLOW_NAME_NOW]);
	worker_unname(worker, &ice->names[FLOW_NAME_BEFORE]);
	worker_name(worker, &ice->names[FLOW_NAME_BEFORE], flow, before.ufrag);
	forgive(flow);
	ice->crowded = false;
	return set_local(flow, local);
}

/*
 * Fingerprints that the association at hand has not are those of another
 * (RFC 8842, 4): the old keys serve until that one has its own.
 */
static int set_fingerprints(struct flow *flow,
			    const struct command_ice_peer *peer)
{
	struct flow_ice *ice = &flow->ice;
	bool same =
		ice->nfingerprints == peer->nfingerprints &&
		!memcmp(ice->fingerprints, peer->fingerprints,
			peer->nfingerprints * sizeof(peer->fingerprints[0]));
	int r = 0;

	if (!same)
		ice->resumed = false;
	memcpy(ice->fingerprints, peer->fingerprints,
	       sizeof(ice->fingerprints));
	ice->nfingerprints = peer->nfingerprints;
	ice->peer_known = true;
	if (ice->dtls)
		r = dtls_set_fingerprints(ice->dtls, ice->fingerprints,
					  ice->nfingerprints);
	if (r == DTLS_E_NEW) {
		ice->dtls = dtls_free(ice->dtls);
		forget_hello(ice);
		r = 0;
	}
	if (!ice->dtls)
		ice->active = peer->active;
	start_dtls(flow);
	return r;
}

int flow_ice_peer(struct flow *flow, const struct command_ice_peer *peer)
{
	struct flow_ice *ice = &flow->ice;

	if (!ice->since_ms)
		ice->since_ms = worker_of(flow)->now_ms;
	if (peer->ufrag[0]) {
		int r = ice_set_remote(ice->ice, peer->ufrag, peer->pwd,
				       peer->lite);
		if (r)
			return r;
	}
	for (size_t i = 0; i < peer->ncands; i++) {
		int r = ice_add_remote(ice->ice, &peer->cands[i]);
		if (r && r != -E2BIG) /* what is over the limit is left out */
			return r;
	}
	circuit_touch(flow->circuit);
	return set_fingerprints(flow, peer);
}

int flow_ice_candidate(struct flow *flow, const struct media_cand *cand)
{
	int r = ice_add_remote(flow->ice.ice, cand);

	circuit_touch(flow->circuit);
	return r == -E2BIG ? 0 : r;
}

int flow_ice_own_port(struct flow *flow, const struct command_own *own)
{
	struct source *source = &flow->ice.own;

	*source = (struct source){
		.kind = SOURCE_OWN,
		.fd = own->fd,
		.local = own->base,
		.flow = flow,
	};
	int r = worker_watch(worker_of(flow), source);
	for (size_t i = 0; !r && i < own->ncands; i++)
		r = ice_add_local(flow->ice.ice, &own->cands[i].cand,
				  &own->cands[i].base);
	circuit_touch(flow->circuit);
	return r;
}

/*
 * Consent (RFC 7675) lasts for half a minute, through the death of a process as
 * well: media goes on at once, and the pair is checked beside it. After longer
 * the check comes first.
 */
int flow_ice_resume(struct flow *flow, const struct command_resume *resume)
{
	struct flow_ice *ice = &flow->ice;
	struct worker *worker = worker_of(flow);
	uint64_t gone_ms = worker->now_ms - flow->circuit->left_ms;

	int r = flow_resume_keys(flow, &resume->keys);
	if (!r)
		r = ice_resume(ice->ice, &resume->local, &resume->remote);
	if (r)
		return r;
	ice->resumed = true;
	ice->took_ms = resume->ice_ms;
	ice->dtls_took_ms = resume->dtls_ms;
	flow->local = resume->local;
	flow->remote = resume->remote;
	flow->fd = is_own(flow, &flow->local) ? ice->own.fd : -1;
	on_valid(&resume->local, &resume->remote, flow);
	flow_changed(flow);
	if (gone_ms < ICE_CONSENT_LOST_MS)
		flow_ready(flow);
	circuit_touch(flow->circuit);
	return 0;
}

void flow_ice_close(struct flow *flow)
{
	struct flow_ice *ice = &flow->ice;
	struct worker *worker = worker_of(flow);

	for (int i = 0; i < TUPLES_PER_FLOW; i++)
		tuple_remove(&worker->tuples, &ice->tuples[i]);
	for (int i = 0; i < FLOW_NNAMES; i++)
		worker_unname(worker, &ice->names[i]);
	worker_untag(worker, flow);
	worker_unwatch(worker, &ice->own);
	forget_hello(ice);
	ice->dtls = dtls_free(ice->dtls);
	ice->ice = ice_free(ice->ice);
}

void flow_ice_stun(struct flow *flow, struct packet *packet)
{
	struct worker *worker = worker_of(flow);
	struct tuple *t =
		tuple_find(&worker->tuples, &packet->local, &packet->remote);

	if (t && t->flow == flow)
		t->checked_ms = worker->now_ms;
	ice_recv(flow->ice.ice, &packet->local, &packet->remote, packet->p,
		 packet->n, worker->now_ms);
	circuit_touch(flow->circuit);
}

bool flow_ice_media(struct flow *flow, struct packet *packet)
{
	bool rtcp = rtp_is_rtcp(packet->p, packet->n);

	/* Without keys the peer is not proved yet. */
	if (!flow->rx || !flow->ready || !flow_unprotect(flow, packet, rtcp)) {
		flow_drop(flow);
		return false;
	}
	if (!flow->settled && flow->ice.dtls) {
		flow->settled = true;
		dtls_settle(flow->ice.dtls);
	}
	flow_deliver(flow, packet, rtcp);
	return true;
}

uint64_t flow_ice_tick(struct flow *flow, uint64_t now_ms)
{
	struct flow_ice *ice = &flow->ice;

	ice_heard(ice->ice, flow->last_rx_ms);
	uint64_t next_ms = ice_tick(ice->ice, now_ms);

	if (!ice->dtls)
		return next_ms;

	uint64_t dtls_ms = dtls_tick(ice->dtls, now_ms);
	return dtls_ms < next_ms ? dtls_ms : next_ms;
}
