/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The side of a WebRTC client: ICE finds the path, DTLS proves who is there and
 * makes the keys (media/flow_dtls.c), then SRTP flows. Before the proof nothing
 * passes in either direction; nor does anything leave while consent (RFC 7675)
 * rests, until a pair has been selected anew.
 */
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

void flow_ice_send(struct flow *flow, const uint8_t *p, size_t n)
{
	on_send(&flow->local, &flow->remote, p, n, flow);
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
	if (flow->fd >= 0)
		batch_queue_own(batch, flow->fd, false, packet);
	else
		batch_queue(batch, packet);
	return true;
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
	flow->rests = false;
	forgive(flow);
	circuit_gate(flow->circuit);
	if (!ice->took_ms)
		ice->took_ms = worker_of(flow)->now_ms - ice->since_ms + 1;
	flow_changed(flow);
	if (flow->dtls.resumed)
		flow_ready(flow);
	flow_dtls_start(flow);
}

static void rest(struct flow *flow)
{
	flow->rests = true;
	circuit_gate(flow->circuit);
}

static void on_ice_failed(enum ice_failure why, void *arg)
{
	struct flow *flow = arg;

	rest(flow);
	switch (why) {
	case ICE_FAILED:
		flow_fail(flow, MEDIA_FAIL_ICE);
		break;
	case ICE_CONSENT_RESTS:
		log_info("call=%s event=consent side=%c result=rests: nothing "
			 "is sent until a check is answered",
			 flow->circuit->name, 'A' + (int)flow->side);
		break;
	case ICE_CONSENT_LOST:
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
	return flow_dtls_peer(flow, peer);
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
	ice->took_ms = resume->ice_ms;
	flow->dtls.resumed = true;
	flow->dtls.took_ms = resume->dtls_ms;
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
	flow_dtls_close(flow);
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
	if (!flow->settled)
		flow_dtls_settle(flow);
	flow_deliver(flow, packet, rtcp);
	return true;
}

uint64_t flow_ice_tick(struct flow *flow, uint64_t now_ms)
{
	struct ice *ice = flow->ice.ice;

	ice_heard(ice, flow->last_rx_ms);
	uint64_t ice_ms = ice_tick(ice, now_ms);
	uint64_t dtls_ms = flow_dtls_tick(flow, now_ms);
	return dtls_ms < ice_ms ? dtls_ms : ice_ms;
}
