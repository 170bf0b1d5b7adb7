/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/flow.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/cache.h"
#include "gateway/base/log.h"
#include "media/rtp.h"
#include "media/worker.h"

void flow_init(struct flow *flow, struct circuit *circuit, enum media_side side)
{
	flow->circuit = circuit;
	flow->kept = circuit->kept;
	flow->side = side;
	flow->kind = FLOW_CLOSED;
	flow->dir = MEDIA_SENDRECV;
	flow->fd = -1;
	flow->ice.own.fd = flow->rtp.rtp.fd = flow->rtp.rtcp.fd = -1;
}

void flow_fini(struct flow *flow)
{
	switch (flow->kind) {
	case FLOW_ICE:
		flow_ice_close(flow);
		break;
	case FLOW_RTP:
		flow_rtp_close(flow);
		break;
	case FLOW_CLOSED:
		break;
	}
	flow->tx = srtp_free(flow->tx);
	flow->rx = srtp_free(flow->rx);
	explicit_bzero(&flow->keys, sizeof(flow->keys));
	flow->kind = FLOW_CLOSED;
}

void flow_reset(struct flow *flow)
{
	const int fds[] = { flow->ice.own.fd, flow->rtp.rtp.fd,
			    flow->rtp.rtcp.fd };
	struct circuit *circuit = flow->circuit;
	enum media_side side = flow->side;
	/* the counters, and what our reports say was sent: SSRCs stay */
	const size_t behind = offsetof(struct flow, rtp);

	flow_fini(flow);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	explicit_bzero(flow, offsetof(struct flow, counters));
	explicit_bzero((uint8_t *)flow + behind, sizeof(*flow) - behind);
	flow_init(flow, circuit, side);
}

/* From now on the indices of @srtp, whose key is known as @id, are noted. In
 * between nothing is said to be of any key. */
static void note_stream(struct srtp *srtp, struct keep_stream *kept,
			uint64_t id)
{
	atomic_store(&kept->id, 0);
	memset(&kept->marks, 0, sizeof(kept->marks));
	srtp_keep(srtp, &kept->marks);
	atomic_store(&kept->id, id);
}

static void take_keys(struct flow *flow, const struct dtls_keys *keys,
		      struct srtp *tx, struct srtp *rx)
{
	srtp_free(flow->tx);
	srtp_free(flow->rx);
	flow->tx = tx;
	flow->rx = rx;
	flow->keys = *keys;
	flow->secured = true;
}

static int make_keys(struct srtp **new_tx, struct srtp **new_rx,
		     const struct dtls_keys *keys)
{
	int r = srtp_new(new_tx, SRTP_PROTECT, keys->profile, keys->tx,
			 keys->len);
	if (r)
		return r;
	r = srtp_new(new_rx, SRTP_UNPROTECT, keys->profile, keys->rx,
		     keys->len);
	if (r)
		*new_tx = srtp_free(*new_tx);
	return r;
}

int flow_set_keys(struct flow *flow, const struct dtls_keys *keys)
{
	struct keep_slot *slot = flow->kept;
	struct srtp *tx, *rx;

	int r = make_keys(&tx, &rx, keys);
	if (r)
		return r;
	note_stream(tx, &slot->tx[flow->side],
		    srtp_id(keys->profile, keys->tx, keys->len));
	note_stream(rx, &slot->rx[flow->side],
		    srtp_id(keys->profile, keys->rx, keys->len));
	take_keys(flow, keys, tx, rx);
	return 0;
}

int flow_set_rx_key(struct flow *flow, const struct dtls_keys *keys)
{
	struct srtp *rx;

	int r = srtp_new(&rx, SRTP_UNPROTECT, keys->profile, keys->rx,
			 keys->len);
	if (r)
		return r;
	note_stream(rx, &flow->kept->rx[flow->side],
		    srtp_id(keys->profile, keys->rx, keys->len));
	srtp_free(flow->rx);
	flow->rx = rx;
	flow->keys = *keys;
	return 0;
}

void flow_set_plain(struct flow *flow)
{
	atomic_store(&flow->kept->tx[flow->side].id, 0);
	atomic_store(&flow->kept->rx[flow->side].id, 0);
}

static bool is_of(const struct keep_stream *kept, const struct dtls_keys *keys,
		  const uint8_t *key)
{
	return atomic_load(&kept->id) == srtp_id(keys->profile, key, keys->len);
}

int flow_resume_keys(struct flow *flow, const struct dtls_keys *keys)
{
	struct keep_stream *kept_tx = &flow->kept->tx[flow->side];
	struct keep_stream *kept_rx = &flow->kept->rx[flow->side];
	struct srtp *tx, *rx;

	if (keys->profile == SRTP_NONE)
		return atomic_load(&kept_tx->id) || atomic_load(&kept_rx->id)
			       ? -ESTALE
			       : 0;
	if (!is_of(kept_tx, keys, keys->tx) || !is_of(kept_rx, keys, keys->rx))
		return -ESTALE;
	int r = make_keys(&tx, &rx, keys);
	if (r)
		return r;
	r = srtp_resume(tx, &kept_tx->marks);
	if (!r)
		r = srtp_resume(rx, &kept_rx->marks);
	if (r) {
		srtp_free(tx);
		srtp_free(rx);
		return r < 0 ? r : -EINVAL;
	}
	take_keys(flow, keys, tx, rx);
	return 0;
}

void flow_note_counts(const struct flow *flow, struct keep_counts *out)
{
	const struct flow_counters *c = &flow->counters;

	out->rx_packets = atomic_load(&c->rx_packets);
	out->rx_octets = atomic_load(&c->rx_octets);
	out->tx_packets = atomic_load(&c->tx_packets);
	out->tx_octets = atomic_load(&c->tx_octets);
	out->lost = atomic_load(&c->lost);
	out->dropped = atomic_load(&c->dropped);
}

void flow_recount(struct flow *flow, const struct keep_counts *counts)
{
	struct flow_counters *c = &flow->counters;

	atomic_store(&c->rx_packets, counts->rx_packets);
	atomic_store(&c->rx_octets, counts->rx_octets);
	atomic_store(&c->tx_packets, counts->tx_packets);
	atomic_store(&c->tx_octets, counts->tx_octets);
	atomic_store(&c->lost, counts->lost);
	atomic_store(&c->dropped, counts->dropped);
}

static struct notice_side *begin(struct flow *flow)
{
	notice_begin(flow->circuit->worker->config.notices);
	return &flow->circuit->notice.sides[flow->side];
}

static void end(struct flow *flow)
{
	notice_end(flow->circuit->worker->config.notices,
		   &flow->circuit->notice);
}

void flow_ready(struct flow *flow)
{
	uint64_t now_ms = flow->circuit->worker->now_ms;

	if (flow->ready)
		return;
	flow->ready = true;
	flow->last_rtcp_ms = now_ms;
	begin(flow)->ready = true;
	end(flow);
	circuit_ready(flow->circuit);
}

void flow_fail(struct flow *flow, enum media_failure why)
{
	if (flow->failed)
		return;
	flow->failed = true;
	flow->why = why;
	circuit_gate(flow->circuit);

	struct notice_side *side = begin(flow);
	side->failed = true;
	side->why = why;
	end(flow);
}

void flow_doubt(struct flow *flow)
{
	begin(flow)->doubt = true;
	end(flow);
}

void flow_changed(struct flow *flow)
{
	struct notice_side *side = begin(flow);

	side->changed = true;
	side->local = flow->local;
	side->remote = flow->remote;
	side->keys = flow->keys;
	side->ice_ms = flow->ice.took_ms;
	side->dtls_ms = flow->dtls.took_ms;
	end(flow);
}

void flow_drop(struct flow *flow)
{
	flow_count(&flow->counters.dropped, 1);
}

bool flow_may_report(const struct flow *flow)
{
	return flow->ready && !flow->failed && !flow->rests;
}

bool flow_may_send(const struct flow *flow)
{
	return flow_may_report(flow) && !flow->held &&
	       (flow->dir & MEDIA_SENDONLY);
}

bool flow_may_receive(const struct flow *flow)
{
	return flow->ready && (flow->dir & MEDIA_RECVONLY);
}

/* Only a flow that was never to be secured goes without. */
static bool secure(const struct flow *flow, struct srtp *srtp,
		   struct packet *packet, bool rtcp)
{
	if (!srtp)
		return !flow->secured;
	return !(
		rtcp ? srtp_rtcp(srtp, packet->p, &packet->n, sizeof(packet->p))
		     : srtp_rtp(srtp, packet->p, &packet->n,
				sizeof(packet->p)));
}

bool flow_unprotect(struct flow *flow, struct packet *packet, bool rtcp)
{
	bool good = secure(flow, flow->rx, packet, rtcp);

	if (!good)
		flow_count(&flow->counters.unauthentic, 1);
	return good;
}

void flow_deliver(struct flow *flow, struct packet *packet, bool rtcp)
{
	const struct worker *worker = flow->circuit->worker;

	flow->last_rx_ms = worker->now_ms;
	if (rtcp) {
		circuit_rtcp(flow->circuit, flow, packet);
		return;
	}
	flow_count(&flow->counters.rx_packets, 1);
	flow_count(&flow->counters.rx_octets, packet->n);
	if (flow_may_receive(flow))
		circuit_rtp(flow->circuit, flow, packet);
	else
		flow_drop(flow);
}

void flow_send(struct flow *flow, struct packet *packet, bool rtcp, bool own)
{
	const struct worker *worker = flow->circuit->worker;
	size_t plain = packet->n;

	bool left = secure(flow, flow->tx, packet, rtcp) &&
		    (flow->kind == FLOW_ICE
			     ? flow_ice_output(flow, packet, own)
			     : flow_rtp_output(flow, packet, rtcp, own));

	if (!left) {
		flow_drop(flow);
		return;
	}
	if (rtcp) {
		flow->last_rtcp_ms = worker->now_ms;
		return;
	}
	flow_count(&flow->counters.tx_packets, 1);
	flow_count(&flow->counters.tx_octets, packet->n);
	flow->tx_payload += plain - RTP_HDR_LEN;
}

void flow_near(const struct flow *flow)
{
	cache_near(flow, offsetof(struct flow, rtp.rtp));
}

void flow_near_path(const struct flow *flow, const struct packet *packet)
{
	srtp_near(flow->rx);
	circuit_near(flow->circuit, flow, packet->p[1]);
}

void flow_near_keys(const struct flow *flow)
{
	srtp_near(circuit_target(flow->circuit, flow)->tx);
}

uint64_t flow_tick(struct flow *flow, uint64_t now_ms)
{
	switch (flow->kind) {
	case FLOW_ICE:
		return flow_ice_tick(flow, now_ms);
	case FLOW_RTP:
		return flow_rtp_tick(flow, now_ms);
	case FLOW_CLOSED:
		break;
	}
	return UINT64_MAX;
}
