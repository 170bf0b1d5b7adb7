/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/probe_call.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/admin/admin.h"
#include "gateway/admin/tone.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/toll.h"
#include "gateway/route/trunks.h"
#include "media/bridge.h"
#include "media/desc.h"
#include "media/host.h"
#include "media/port.h"
#include "media/rtp.h"
#include "sip/dialog.h"
#include "sip/policy.h"
#include "sip/trunk.h"

enum {
	BLOCK_MS = 20,
	PORT_TRIES = 64,
	PACKET_MAX = 1500,
	STEADY_PERCENT = 80, /* of a block is one tone */
};

struct probe_call {
	LIST_ENTRY(probe_call) link;
	struct gateway *gateway;
	struct sip_dialog *dialog;
	int fd; /* -1: none */
	struct event *readable, *tick, *end;
	char trunk[CONFIG_TRUNK_NAME_MAX + 1];
	struct toll_line line;   /* it takes one of the trunk's … */
	struct toll_meter meter; /* … and its minutes */
	struct addr peer;
	enum tone_law law;
	struct rtp_hdr tx;
	double phase;
	uint64_t began_ms, answered_ms, tone_ms;
	uint16_t first_seq, last_seq;
	double level_sum;
	bool given_up;
	struct probe_call_result result;
	probe_call_fn fn;
	void *arg;
};

/* ---- what is heard ---- */

static void note_block(struct probe_call *probe, const uint8_t *payload)
{
	struct probe_call_result *result = &probe->result;
	struct tone_block block;

	tone_hear(probe->law, payload, &block);
	if (block.level_dbm0 <= TONE_SILENCE_DBM0) {
		result->silence++;
		return;
	}
	probe->level_sum += block.level_dbm0;
	if (tone_share(&block, PROBE_CALL_HZ) * 100 >= STEADY_PERCENT) {
		if (!result->ours++ && probe->tone_ms)
			result->delay_ms =
				(unsigned)(clock_ms() - probe->tone_ms);
	} else if (tone_share(&block, PROBE_CALL_MILLIWATT_HZ) * 100 >=
		   STEADY_PERCENT) {
		result->milliwatt++;
	} else {
		result->sound++;
	}
}

static void take_packet(struct probe_call *probe, const uint8_t *p, size_t n)
{
	struct rtp_hdr hdr;
	size_t payload;

	if (rtp_hdr_decode(&hdr, p, n) ||
	    rtp_payload_len(&payload, &hdr, p, n) ||
	    hdr.pt != (uint8_t)probe->law)
		return;
	if (!probe->result.received++)
		probe->first_seq = hdr.seq;
	probe->last_seq = hdr.seq;
	for (size_t at = 0; at + TONE_BLOCK <= payload; at += TONE_BLOCK)
		note_block(probe, p + hdr.len + at);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct probe_call *probe = arg;
	uint8_t packet[PACKET_MAX];
	ssize_t n = recv(fd, packet, sizeof(packet), 0);

	(void)what;
	if (n > 0 && probe->answered_ms)
		take_packet(probe, packet, (size_t)n);
}

/* ---- what is sent ---- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct probe_call *probe = arg;
	uint64_t now = clock_ms();
	bool quiet = now - probe->answered_ms < PROBE_CALL_QUIET_MS;
	uint8_t packet[RTP_HDR_LEN + TONE_BLOCK];

	(void)fd;
	(void)what;
	if (!quiet && !probe->tone_ms)
		probe->tone_ms = now;
	if (rtp_hdr_encode(&probe->tx, packet, sizeof(packet)))
		return;
	tone_make(probe->law, quiet ? 0 : PROBE_CALL_HZ, &probe->phase,
		  packet + RTP_HDR_LEN);
	probe->tx.seq++;
	probe->tx.ts += TONE_BLOCK;
	if (sendto(probe->fd, packet, sizeof(packet), MSG_DONTWAIT,
		   &probe->peer.sa,
		   addr_len(&probe->peer)) == (ssize_t)sizeof(packet))
		probe->result.sent++;
}

/* ---- its end ---- */

const struct probe_call_result *probe_call_result(struct probe_call *probe)
{
	struct probe_call_result *result = &probe->result;
	unsigned heard = result->ours + result->milliwatt + result->sound;
	uint16_t span = (uint16_t)(probe->last_seq - probe->first_seq);

	if (heard)
		result->level_dbm0 = probe->level_sum / heard;
	if (result->received && span + 1u > result->received)
		result->lost = span + 1u - result->received;
	return result;
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct probe_call *probe = arg;

	(void)fd;
	(void)what;
	event_del(probe->tick);
	probe->result.over = !probe->given_up;
	probe->fn(probe_call_result(probe), probe->arg);
}

static void end_in(struct probe_call *probe, unsigned ms)
{
	const struct timeval tv = clock_timeval(ms);

	evtimer_add(probe->end, &tv);
}

/* ---- the dialog ---- */

static void on_ring(unsigned status, const struct media_desc *early, void *arg)
{
	struct probe_call *probe = arg;

	(void)status;
	(void)early;
	if (!probe->result.ring_ms)
		probe->result.ring_ms =
			(unsigned)(clock_ms() - probe->began_ms);
}

static void refuse_answer(struct probe_call *probe)
{
	probe->result.status = 488;
	(void)!text_set(probe->result.text, sizeof(probe->result.text),
			"its answer has no G.711 audio");
	end_in(probe, 0);
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	const struct timeval period = clock_timeval(BLOCK_MS);
	struct probe_call *probe = arg;
	const struct media_content *audio =
		media_desc_first(answer, MEDIA_AUDIO);

	if (probe->answered_ms)
		return;
	if (!audio || !audio->ncodecs || !addr_is_set(&audio->rtp) ||
	    (audio->codecs[0].pt != TONE_PCMU &&
	     audio->codecs[0].pt != TONE_PCMA)) {
		refuse_answer(probe);
		return;
	}
	probe->law = (enum tone_law)audio->codecs[0].pt;
	probe->tx.pt = audio->codecs[0].pt;
	probe->peer = audio->rtp;
	probe->answered_ms = clock_ms();
	probe->result.status = 200;
	probe->result.codec = probe->law == TONE_PCMA ? "PCMA" : "PCMU";
	probe->result.answer_ms =
		(unsigned)(probe->answered_ms - probe->began_ms);
	if (limits_start(probe->gateway, &probe->meter, QUOTA_TRUNK,
			 probe->trunk, (int64_t)probe->answered_ms))
		log_warn("trunk=%s usage=not-counted", probe->trunk);
	event_add(probe->tick, &period);
	end_in(probe, PROBE_CALL_LISTEN_MS);
}

static void on_offer(const struct media_desc *offer, void *arg)
{
	struct probe_call *probe = arg;

	(void)offer;
	sip_dialog_refuse(probe->dialog, 488);
}

/* It may end before all was heard: what was heard is told. */
static void on_ended(const struct sip_end *end, void *arg)
{
	struct probe_call *probe = arg;

	if (!probe->answered_ms && !probe->result.status) {
		probe->result.status = end->status;
		probe->result.answer_ms =
			(unsigned)(clock_ms() - probe->began_ms);
		text_clean(probe->result.text, sizeof(probe->result.text),
			   slice_of(end->text));
	}
	end_in(probe, 0);
}

static const struct sip_dialog_handlers handlers = {
	.ring = on_ring,
	.answer = on_answer,
	.offer = on_offer,
	.ended = on_ended,
};

/* ---- start ---- */

/* In the range that firewalls let through; the calls' pairs pass over what is
 * taken. */
static int open_socket(struct probe_call *probe, const struct addr *peer)
{
	const struct config_media *media = &probe->gateway->config->media;
	unsigned range = media->port_max - media->port_min + 1u;
	struct addr local;
	int r = host_route(&local, peer);

	if (r)
		return r;
	r = -EADDRINUSE;
	for (int i = 0; r == -EADDRINUSE && i < PORT_TRIES; i++) {
		unsigned port = media->port_min + rand_u32() % range;

		addr_set_port(&local, (uint16_t)(port & ~1u));
		r = port_socket(&probe->fd, &local, media->dscp);
	}
	probe->result.local = local;
	return r;
}

/* What is reached from outside, where that is another address. */
static struct addr advertised(const struct probe_call *probe,
			      const struct addr *peer)
{
	struct addr public = media_public_address(probe->gateway->media);
	struct addr local = probe->result.local;

	if (addr_classify(peer) != ADDR_PUBLIC || !addr_is_set(&public) ||
	    addr_classify(&local) != ADDR_PRIVATE ||
	    addr_is_v6(&public) != addr_is_v6(&local))
		return local;
	addr_set_port(&public, addr_port(&local));
	return public;
}

static int describe(struct media_desc **out, const struct probe_call *probe,
		    const struct addr *peer)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *audio;
	struct media_codec codec;
	int r = media_desc_new(&desc);

	if (!r)
		r = media_desc_add(desc, &audio);
	if (r)
		return r;
	audio->rtp = advertised(probe, peer);
	audio->ptime_ms = BLOCK_MS;
	for (int pt = TONE_PCMU; !r && pt <= TONE_PCMA;
	     pt += TONE_PCMA - TONE_PCMU) {
		r = media_codec_static(&codec, (uint8_t)pt);
		if (!r)
			r = media_content_add_codec(audio, &codec);
	}
	if (r)
		return r;
	*out = desc;
	desc = NULL;
	return 0;
}

static int invite(struct probe_call *probe,
		  const struct probe_call_target *target,
		  const struct addr *peer)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	struct sip_dialog_start start = { .trunk = target->trunk,
					  .parties = { .to = target->to,
						       .from = target->from } };
	int r = describe(&offer, probe, peer);

	if (r)
		return r;
	start.offer = offer;
	trunks_policy(&start.policy, target->config);
	start.policy.refer = false;
	r = sip_dialog_start(&probe->dialog, probe->gateway->agent, &start,
			     &handlers, probe);
	return r > 0 ? -EHOSTUNREACH : r;
}

static int make_events(struct probe_call *probe)
{
	struct event_base *base = probe->gateway->base;

	probe->readable = event_new(base, probe->fd, EV_READ | EV_PERSIST,
				    on_readable, probe);
	probe->tick = event_new(base, -1, EV_PERSIST, on_tick, probe);
	probe->end = evtimer_new(base, on_end, probe);
	if (!probe->readable || !probe->tick || !probe->end ||
	    event_add(probe->readable, NULL))
		return -ENOMEM;
	end_in(probe, PROBE_CALL_RING_MS);
	return 0;
}

int probe_call_new(struct probe_call **out, struct gateway *gateway,
		   const struct probe_call_target *target, probe_call_fn fn,
		   void *arg)
{
	struct addr peer = sip_trunk_address(target->trunk);
	struct probe_call *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return -ENOMEM;
	LIST_INSERT_HEAD(admin_probes(gateway->admin), probe, link);
	probe->gateway = gateway;
	probe->fd = -1;
	probe->fn = fn;
	probe->arg = arg;
	probe->began_ms = clock_ms();
	probe->tx = (struct rtp_hdr){ .ssrc = rand_u32(),
				      .seq = (uint16_t)rand_u32(),
				      .ts = rand_u32() };
	int r = text_set(probe->trunk, sizeof(probe->trunk),
			 target->config->name);
	if (!r)
		r = addr_is_set(&peer) ? open_socket(probe, &peer)
				       : -EHOSTUNREACH;
	if (!r)
		r = toll_take(gateway, &probe->line, TOLL_TRUNK,
			      target->config->name);
	if (!r)
		r = make_events(probe);
	if (!r)
		r = invite(probe, target, &peer);
	if (r) {
		probe_call_free(probe);
		return r;
	}
	*out = probe;
	return 0;
}

struct probe_call *probe_call_free(struct probe_call *probe)
{
	static const struct sip_hangup bye = { .status = 487, .q850 = 16 };

	if (!probe)
		return NULL;
	LIST_REMOVE(probe, link);
	toll_drop(&probe->line);
	toll_stop(&probe->meter);
	if (probe->dialog)
		sip_dialog_hangup(probe->dialog, &bye);
	sip_dialog_free(probe->dialog);
	if (probe->readable)
		event_free(probe->readable);
	if (probe->tick)
		event_free(probe->tick);
	if (probe->end)
		event_free(probe->end);
	if (probe->fd >= 0)
		close(probe->fd);
	free(probe);
	return NULL;
}

void probe_calls_give_up(struct gateway *gateway)
{
	struct probe_call *probe;

	LIST_FOREACH(probe, admin_probes(gateway->admin), link) {
		probe->given_up = true;
		end_in(probe, 0);
	}
}
