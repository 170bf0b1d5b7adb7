/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The side of a trunk: a pair of ports, RTP (RFC 3550) or SDES-SRTP
 * (RFC 4568), symmetric (RFC 4961) under the rules of media/latch.h. RTCP has
 * the next port, or shares that of RTP (RFC 5761).
 */
#include <string.h>
#include <unistd.h>

#include "media/flow.h"
#include "media/port.h"
#include "media/rtp.h"
#include "media/worker.h"

static struct worker *worker_of(const struct flow *flow)
{
	return flow->circuit->worker;
}

static void set_source(struct flow *flow, struct source *source,
		       enum source_kind kind, int fd, const struct addr *local)
{
	*source = (struct source){
		.kind = kind,
		.fd = fd,
		.local = *local,
		.flow = flow,
	};
}

int flow_rtp_open(struct flow *flow, const struct command_rtp *rtp)
{
	struct addr next = rtp->local;

	addr_set_port(&next, (uint16_t)(addr_port(&next) + 1));
	flow->kind = FLOW_RTP;
	flow->local = rtp->local;
	flow->fd = rtp->rtp;
	/* Both are the flow's to close, watched or not. */
	flow->alone = false;
	set_source(flow, &flow->rtp.rtp, SOURCE_RTP, rtp->rtp, &rtp->local);
	set_source(flow, &flow->rtp.rtcp, SOURCE_RTCP, rtp->rtcp, &next);
	int r = worker_watch(worker_of(flow), &flow->rtp.rtp);
	return r ? r : worker_watch(worker_of(flow), &flow->rtp.rtcp);
}

int flow_rtp_move(struct flow *flow, const struct command_rtp *rtp)
{
	struct source *sources[] = { &flow->rtp.rtp, &flow->rtp.rtcp };

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		int fd = sources[i]->fd;

		worker_unwatch(worker_of(flow), sources[i]);
		if (fd >= 0)
			close(fd);
	}
	int r = flow_rtp_open(flow, rtp);
	flow_changed(flow);
	return r;
}

void flow_rtp_close(struct flow *flow)
{
	worker_unwatch(worker_of(flow), &flow->rtp.rtp);
	worker_unwatch(worker_of(flow), &flow->rtp.rtcp);
}

/* Whom else it takes packets from is the latch's to say again. */
static void hear_all(struct flow *flow)
{
	if (flow->alone)
		port_hear_all(flow->fd);
	flow->alone = false;
}

void flow_rtp_beat(struct flow *flow)
{
	const struct latch *latch = &flow->rtp.latch;

	if (flow->alone || !latch_is_heard(latch, worker_of(flow)->now_ms))
		return;
	flow->alone = !port_hear_one(flow->fd, &flow->remote);
}

uint64_t flow_rtp_tick(struct flow *flow, uint64_t now_ms)
{
	if (flow->alone && !latch_is_heard(&flow->rtp.latch, now_ms))
		hear_all(flow);
	return flow->alone ? flow->rtp.latch.last_ms + LATCH_SILENCE_MS
			   : UINT64_MAX;
}

/*
 * The same keys again must not begin anew: their indexes are used up
 * (RFC 3711, 9.1). Whatever fails, the old keys stay: without any, packets
 * would be taken and sent in the clear.
 */
static int set_keys(struct flow *flow, const struct dtls_keys *keys)
{
	const struct dtls_keys *now = &flow->keys;

	if (keys->profile == SRTP_NONE) {
		if (flow->tx)
			return -EINVAL;
		flow_set_plain(flow);
		return 0;
	}
	if (keys->profile != now->profile ||
	    memcmp(now->tx, keys->tx, keys->len) != 0)
		return flow_set_keys(flow, keys);
	return memcmp(now->rx, keys->rx, keys->len) != 0
		       ? flow_set_rx_key(flow, keys)
		       : 0;
}

int flow_rtp_peer(struct flow *flow, const struct command_rtp_peer *peer)
{
	struct flow_rtp *rtp = &flow->rtp;

	int r = set_keys(flow, &peer->keys);
	if (r)
		return r;
	hear_all(flow);
	rtp->mux = peer->mux;
	latch_trust(&rtp->latch, &peer->signals_from,
		    peer->anywhere || flow->rx);
	flow->held = addr_classify(&peer->rtp) == ADDR_UNSPECIFIED;
	if (!flow->held) {
		latch_set(&rtp->latch, &peer->rtp, worker_of(flow)->now_ms);
		if (peer->we_moved)
			latch_moved(&rtp->latch, worker_of(flow)->now_ms);
		flow->remote = rtp->latch.remote;
		rtp->rtcp_remote = peer->rtcp;
		rtp->rtcp_learned = false;
	}
	flow_changed(flow);
	flow_ready(flow);
	circuit_gate(flow->circuit);
	return 0;
}

int flow_rtp_resume_peer(struct flow *flow, const struct command_resume *resume)
{
	struct flow_rtp *rtp = &flow->rtp;
	uint64_t now_ms = worker_of(flow)->now_ms;

	int r = flow_resume_keys(flow, &resume->keys);
	if (r)
		return r;
	rtp->mux = resume->mux;
	flow->held = addr_classify(&resume->signalled) == ADDR_UNSPECIFIED;
	if (!flow->held)
		latch_set(&rtp->latch, &resume->signalled, now_ms);
	rtp->latch.remote = flow->remote = resume->remote;
	rtp->latch.locked = true;
	rtp->rtcp_remote = resume->rtcp;
	flow_changed(flow);
	flow_ready(flow);
	circuit_gate(flow->circuit);
	return 0;
}

/* While the side does not receive (hold), no source is learned: what comes then
 * is not the peer's answer to us. */
static bool take_rtp(struct flow *flow, const struct packet *packet)
{
	if (!flow_may_receive(flow))
		return addr_same_ip(&packet->remote, &flow->remote);
	switch (latch_packet(&flow->rtp.latch, &packet->remote,
			     worker_of(flow)->now_ms)) {
	case LATCH_TAKE:
		return true;
	case LATCH_MOVED:
		hear_all(flow);
		flow->remote = flow->rtp.latch.remote;
		flow_changed(flow);
		return true;
	case LATCH_DROP:
		break;
	}
	return false;
}

/*
 * RTCP comes from the IP that RTP is sent to; behind a NAT its port is learned
 * once from the first packet.
 */
static bool take_rtcp(struct flow *flow, const struct packet *packet)
{
	struct flow_rtp *rtp = &flow->rtp;

	if (rtp->mux)
		return addr_equal(&packet->remote, &flow->remote);
	if (addr_equal(&packet->remote, &rtp->rtcp_remote)) {
		rtp->rtcp_learned = true;
		return true;
	}
	if (rtp->rtcp_learned || !addr_same_ip(&packet->remote, &flow->remote))
		return false;
	rtp->rtcp_remote = packet->remote;
	rtp->rtcp_learned = true;
	return true;
}

/* What it is, by its port or, when they share one, by its type. */
static bool sort(const struct flow *flow, const struct packet *packet,
		 bool *rtcp)
{
	bool is_rtcp = rtp_is_rtcp(packet->p, packet->n);
	struct rtp_hdr hdr;

	if (rtp_demux(packet->p, packet->n) != RTP_DEMUX_RTP)
		return false;
	if (flow->rtp.mux)
		*rtcp = is_rtcp;
	else if (*rtcp != is_rtcp)
		return false;
	return *rtcp || !rtp_hdr_decode(&hdr, packet->p, packet->n);
}

/* Authentic first: a stranger must not move anything. */
bool flow_rtp_packet(struct flow *flow, struct packet *packet, bool rtcp)
{
	if (!flow->ready || !sort(flow, packet, &rtcp) ||
	    !flow_unprotect(flow, packet, rtcp)) {
		flow_drop(flow);
		return false;
	}
	bool good = rtcp ? take_rtcp(flow, packet) : take_rtp(flow, packet);
	if (good)
		flow_deliver(flow, packet, rtcp);
	else
		flow_drop(flow);
	return good;
}

void flow_rtp_resume(struct flow *flow)
{
	flow->rtp.latch.last_ms = worker_of(flow)->now_ms;
}

bool flow_rtp_output(struct flow *flow, struct packet *packet, bool rtcp,
		     bool own)
{
	const struct flow_rtp *rtp = &flow->rtp;
	bool second = rtcp && !rtp->mux;
	const struct addr *to = second ? &rtp->rtcp_remote : &flow->remote;
	int fd = second ? rtp->rtcp.fd : flow->fd;
	bool connected = flow->alone && !second;

	if (!addr_is_set(to))
		return false;
	packet->remote = *to;
	if (own)
		return batch_send_own(fd, connected, packet);
	batch_queue_own(worker_of(flow)->batch, fd, connected, packet);
	return true;
}
