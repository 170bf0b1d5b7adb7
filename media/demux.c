/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whose a packet is (RFC 7983): a connectivity check by our ufrag in its
 * USERNAME, its answer by the transaction's tag, all else by the two addresses
 * that such a check has proved.
 *
 * Two peers that share one port each (two gateways of our kind, or an SFU) have
 * the same two addresses for every call between them, and media says nothing
 * more. So the first call owns that tuple, checks of later ones over it are not
 * answered, and such a call gets a port of its own instead: media/bridge.h.
 */
#include "media/rtp.h"
#include "media/stun.h"
#include "media/worker.h"

enum {
	BLOCK = 16,
	SAMPLE = 8, /* of media that is let go, one in so many is looked at */
};

/* Whether another flow holds the way @packet came; an idle one gives it up. */
static bool is_crowded(struct worker *worker, const struct flow *flow,
		       const struct packet *packet)
{
	const struct tuple *t =
		tuple_find(&worker->tuples, &packet->local, &packet->remote);

	return t && t->flow != flow && !t->flow->failed &&
	       worker->now_ms - t->checked_ms < TUPLE_IDLE_MS;
}

static void say_crowded(struct worker *worker, struct flow *flow,
			const struct packet *packet)
{
	struct notice *notice = &flow->circuit->notice;

	if (flow->ice.crowded)
		return;
	flow->ice.crowded = true;
	notice_begin(worker->config.notices);
	notice->sides[flow->side].crowded = true;
	notice->sides[flow->side].crowded_local = packet->local;
	notice_end(worker->config.notices, notice);
}

static struct flow *owner_of(struct worker *worker,
			     const struct stun_head *head)
{
	struct slice username = head->username;

	if (head->kind == STUN_REQUEST)
		return worker_find_name(worker, slice_cut(&username, ':'));
	if (head->kind == STUN_INDICATION)
		return NULL;
	return worker_find_tag(worker, stun_tag(head->tid));
}

static void for_main(struct worker *worker, const struct packet *packet)
{
	struct notice_stun stun = { .worker = worker->config.index,
				    .remote = packet->remote,
				    .n = packet->n };

	if (!addr_is_set(&worker->stun) || packet->n > sizeof(stun.p) ||
	    !addr_equal(&worker->stun, &packet->remote))
		return;
	memcpy(stun.p, packet->p, packet->n);
	notice_stun(worker->config.notices, &stun);
}

static void on_stun(struct worker *worker, struct packet *packet)
{
	struct stun_head head;

	if (stun_head(&head, packet->p, packet->n))
		return;

	struct flow *flow = owner_of(worker, &head);
	if (!flow) {
		if (head.kind == STUN_SUCCESS)
			for_main(worker, packet);
		return;
	}
	packet->flow = flow;
	if (is_crowded(worker, flow, packet))
		say_crowded(worker, flow, packet);
	else
		flow_ice_stun(flow, packet);
}

static bool is_paired(const struct packet *packet)
{
	return packet->source->kind == SOURCE_RTP ||
	       packet->source->kind == SOURCE_RTCP;
}

static void begin(const struct worker *worker, struct packet *packet)
{
	packet->flow = is_paired(packet) ? packet->source->flow : NULL;
	if (packet->flow)
		flow_near(packet->flow);
	else
		packet->list = tuple_list(&worker->tuples, &packet->local,
					  &packet->remote);
}

static void find(const struct worker *worker, struct packet *packet)
{
	const struct tuple *t = tuple_list_find(
		&worker->tuples, packet->list, &packet->local, &packet->remote);

	packet->flow = t ? t->flow : NULL;
	if (packet->flow)
		flow_near(packet->flow);
}

/*
 * An address that was nobody's may be known now, by a check just before. What
 * a flow refuses is of none.
 */
static void take(struct worker *worker, struct packet *packet)
{
	enum rtp_demux kind = rtp_demux(packet->p, packet->n);

	if (is_paired(packet)) {
		if (!flow_rtp_packet(packet->flow, packet,
				     packet->source->kind == SOURCE_RTCP))
			packet->flow = NULL;
		return;
	}
	if (kind == RTP_DEMUX_STUN) {
		on_stun(worker, packet);
		return;
	}
	if (!packet->flow)
		find(worker, packet);
	if (!packet->flow)
		return;
	if (kind == RTP_DEMUX_RTP && !flow_ice_media(packet->flow, packet))
		packet->flow = NULL;
	else if (kind == RTP_DEMUX_DTLS)
		flow_dtls_recv(packet->flow, packet);
}

/*
 * When a call's packet comes, all of the call has gone cold: some thirty cache
 * lines, one after the other, would be most of the packet's cost. So a block
 * of packets takes each step together, and every step asks for what the next
 * one needs.
 */
static void take_block(struct worker *worker, struct packet *packets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		begin(worker, &packets[i]);
	for (size_t i = 0; i < n; i++)
		if (!packets[i].flow)
			tuple_list_near(&worker->tuples, packets[i].list);
	for (size_t i = 0; i < n; i++)
		if (!packets[i].flow)
			find(worker, &packets[i]);
	for (size_t i = 0; i < n; i++)
		if (packets[i].flow)
			flow_near_path(packets[i].flow, &packets[i]);
	for (size_t i = 0; i < n; i++)
		if (packets[i].flow)
			flow_near_keys(packets[i].flow);
	for (size_t i = 0; i < n; i++)
		take(worker, &packets[i]);
}

/* What is of no call stands for @weight such packets. */
static size_t count_foreign(struct worker *worker, const struct packet *packet,
			    size_t weight)
{
	if (packet->flow)
		return 0;
	if (packet->source->kind == SOURCE_SHARED)
		worker->strangers += weight;
	return weight;
}

/*
 * Too much has waited too long: media is let go unseen, which takes a tenth of
 * moving it. Checks and handshakes are few, and calls end without them. Whose
 * the media was is looked up for some of it: most may be a flood's.
 */
static size_t take_late(struct worker *worker, struct packet *packets, size_t n)
{
	uint64_t late = worker_late(worker);
	size_t foreign = 0;

	for (size_t i = 0; i < n; i++) {
		struct packet *packet = &packets[i];
		bool media = rtp_demux(packet->p, packet->n) == RTP_DEMUX_RTP;

		if (media && late++ % SAMPLE)
			continue;
		begin(worker, packet);
		if (!media)
			take(worker, packet);
		else if (!packet->flow)
			find(worker, packet);
		foreign += count_foreign(worker, packet, media ? SAMPLE : 1);
	}
	atomic_store_explicit(&worker->late_packets, late,
			      memory_order_relaxed);
	return foreign;
}

size_t demux_packets(struct worker *worker, struct packet *packets, size_t n)
{
	size_t foreign = 0;

	if (worker->late)
		return take_late(worker, packets, n);
	for (size_t i = 0; i < n; i += BLOCK)
		take_block(worker, packets + i, n - i < BLOCK ? n - i : BLOCK);
	for (size_t i = 0; i < n; i++)
		foreign += count_foreign(worker, &packets[i], 1);
	return foreign;
}
