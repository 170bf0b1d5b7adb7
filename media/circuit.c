/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/circuit.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/worker.h"

static void use_slot(struct circuit *c, struct keep_slot *slot)
{
	c->kept = slot;
	c->relays = slot->relays;
	for (int side = 0; side < 2; side++)
		flow_init(&c->flows[side], c, (enum media_side)side);
}

int circuit_new(struct circuit **out, struct worker *worker,
		struct bridge *bridge, struct keep *keep, const char *name)
{
	struct circuit *c = calloc(1, sizeof(*c));
	struct keep_slot *slot;

	if (!c)
		return -ENOMEM;
	int r = text_set(c->name, sizeof(c->name), name);
	if (!r)
		r = keep_take(keep, &slot, name);
	if (r) {
		free(c);
		return r;
	}
	c->worker = worker;
	c->bridge = bridge;
	c->keep = keep;
	c->notice.circuit = c;
	use_slot(c, slot);
	for (int side = 0; side < 2; side++) {
		c->ports[side].rtp = c->ports[side].rtcp = -1;
		relay_init(&c->relays[side], rand_u32());
		c->digits_us[side] = UINT64_MAX;
	}
	*out = c;
	return 0;
}

int circuit_take_up(struct circuit *circuit)
{
	struct keep_slot *slot =
		circuit->keep ? keep_find(circuit->keep, circuit->name) : NULL;

	if (!slot)
		return -ENOENT;
	keep_give(circuit->keep, circuit->kept);
	use_slot(circuit, slot);
	circuit->left_ms = slot->beat_ms;
	for (int side = 0; side < 2; side++) {
		relay_resume(&circuit->relays[side]);
		/* Digits that were being played. */
		circuit->digits_us[side] = 0;
		flow_recount(&circuit->flows[side], &slot->counts[side]);
	}
	return 0;
}

struct circuit *circuit_free(struct circuit *circuit)
{
	if (!circuit)
		return NULL;
	keep_give(circuit->keep, circuit->kept);
	explicit_bzero(circuit, sizeof(*circuit));
	free(circuit);
	return NULL;
}

void circuit_quit(struct circuit *circuit)
{
	circuit->flows[MEDIA_SIDE_A].failed = true;
	circuit->flows[MEDIA_SIDE_B].failed = true;
}

void circuit_close(struct circuit *circuit)
{
	struct worker *worker = circuit->worker;

	flow_fini(&circuit->flows[MEDIA_SIDE_A]);
	flow_fini(&circuit->flows[MEDIA_SIDE_B]);
	worker_disarm(worker, circuit);
	if (circuit->is_touched)
		STAILQ_REMOVE(&worker->touched, circuit, circuit, touched);
	circuit->is_touched = false;

	notice_begin(worker->config.notices);
	circuit->notice.gone = true;
	notice_end(worker->config.notices, &circuit->notice);
}

void circuit_reset(struct circuit *circuit, enum media_side side,
		   uint32_t epoch)
{
	struct notices *notices = circuit->worker->config.notices;

	flow_reset(&circuit->flows[side]);
	notice_begin(notices);
	memset(&circuit->notice.sides[side], 0,
	       sizeof(circuit->notice.sides[side]));
	circuit->notice.epochs[side] = epoch;
	notice_end(notices, &circuit->notice);
	circuit_gate(circuit);
	circuit_touch(circuit);
}

struct flow *circuit_target(struct circuit *circuit, const struct flow *from)
{
	return &circuit->flows[circuit->echo ? from->side : !from->side];
}

void circuit_near(struct circuit *circuit, const struct flow *from, uint8_t pt)
{
	relay_near(&from->kept->relays[from->side], pt);
	flow_near(circuit_target(circuit, from));
}

static void say_digit(struct circuit *circuit, enum media_side side, char digit,
		      unsigned duration_ms)
{
	struct notices *notices = circuit->worker->config.notices;
	struct notice_side *to = &circuit->notice.sides[side];

	notice_begin(notices);
	if (to->ndigits < NOTICE_DIGITS)
		to->digits[to->ndigits++] =
			(struct notice_digit){ digit, duration_ms };
	notice_end(notices, &circuit->notice);
}

/*
 * What does not leave is kept back by the relay, under a map that lets nothing
 * through: it still counts what comes, and what leaves later follows without a
 * gap (a jump of 2^15 would lose the receiver's rollover counter). Digits have
 * waited for it to open.
 */
void circuit_gate(struct circuit *circuit)
{
	for (int i = 0; i < 2; i++) {
		const struct flow *to =
			circuit_target(circuit, &circuit->flows[i]);
		struct media_map map = circuit->maps[i];
		bool open = flow_may_send(to);

		if (open == circuit->open[i])
			continue;
		circuit->open[i] = open;
		for (int pt = 0; !open && pt < MEDIA_MAP_NPTS; pt++)
			map.rx[pt].pt = MEDIA_MAP_NONE;
		relay_set_map(&circuit->relays[i], &map);
		if (!open)
			continue;
		circuit->digits_us[i] = 0;
		circuit_touch(circuit);
	}
}

void circuit_map(struct circuit *circuit, enum media_side from,
		 const struct media_map *map)
{
	circuit->maps[from] = *map;
	circuit->open[from] = !circuit->open[from]; /* set it in any case */
	circuit_gate(circuit);
}

static void measure(struct flow *from, const struct relay *relay)
{
	atomic_store_explicit(&from->counters.lost, relay_lost(relay),
			      memory_order_relaxed);
	atomic_store_explicit(&from->counters.jitter_us, relay_jitter_us(relay),
			      memory_order_relaxed);
}

void circuit_rtp(struct circuit *circuit, struct flow *from,
		 struct packet *packet)
{
	struct flow *to = circuit_target(circuit, from);
	struct relay *relay = &circuit->relays[from->side];
	struct relay_event event = { 0 };

	int r = relay_rtp(relay, packet->p, packet->n, circuit->worker->now_us,
			  &event);
	measure(from, relay);
	if (event.digit)
		say_digit(circuit, from->side, event.digit, event.duration_ms);
	if (r || !flow_may_send(to))
		flow_drop(from);
	else
		flow_send(to, packet, false, false);
}

void circuit_rtcp(struct circuit *circuit, struct flow *from,
		  struct packet *packet)
{
	struct flow *to = circuit_target(circuit, from);
	struct relay *relay = &circuit->relays[from->side];
	const struct relay *back = &circuit->relays[to->side];
	uint64_t now_us = circuit->worker->now_us;

	report_on_received(&from->report, packet->p, packet->n, now_us);
	int r = relay_rtcp(relay, back, packet->p, &packet->n, PACKET_MAX,
			   now_us);
	atomic_store_explicit(&from->counters.rtt_us, relay_rtt_us(relay),
			      memory_order_relaxed);
	if (!r && !circuit->echo && flow_may_report(to))
		flow_send(to, packet, true, false);
}

int circuit_digit(struct circuit *circuit, enum media_side towards, char digit,
		  unsigned duration_ms)
{
	int from = circuit->echo ? towards : !towards;

	circuit->digits_us[from] = 0;
	circuit_touch(circuit);
	return relay_digit(&circuit->relays[from], digit, duration_ms);
}

static uint64_t insert_digits(struct circuit *circuit, int from)
{
	struct flow *to = circuit_target(circuit, &circuit->flows[from]);
	uint64_t now_us = circuit->worker->now_us;
	uint64_t *next_us = &circuit->digits_us[from];

	if (*next_us == UINT64_MAX || !flow_may_send(to))
		return UINT64_MAX;
	while (*next_us <= now_us) {
		struct packet packet = { .n = 0 };

		*next_us = relay_insert(&circuit->relays[from], packet.p,
					PACKET_MAX, &packet.n, now_us);
		if (packet.n)
			flow_send(to, &packet, false, true);
		else if (*next_us <= now_us) /* it must not spin */
			*next_us = now_us + 1000;
	}
	return *next_us == UINT64_MAX ? UINT64_MAX : (*next_us + 999) / 1000;
}

static bool all_ready(const struct circuit *circuit)
{
	for (int i = 0; i < 2; i++) {
		if (circuit->flows[i].kind != FLOW_CLOSED &&
		    !circuit->flows[i].ready)
			return false;
	}
	return true;
}

void circuit_ready(struct circuit *circuit)
{
	uint64_t now_ms = circuit->worker->now_ms;

	circuit->flows[MEDIA_SIDE_A].last_rx_ms = now_ms;
	circuit->flows[MEDIA_SIDE_B].last_rx_ms = now_ms;
	circuit->kept->beat_ms = now_ms;
	if (!circuit->beat_ms)
		circuit->beat_ms = now_ms + CIRCUIT_BEAT_MS;
	circuit_gate(circuit);
	circuit_touch(circuit);
}

/* Peers take the lack of RTCP for the lack of us. */
static void report(struct circuit *circuit, struct flow *to)
{
	struct packet packet;
	int from = circuit->echo ? to->side : !to->side;
	struct report_counts counts = {
		.packets = atomic_load_explicit(&to->counters.tx_packets,
						memory_order_relaxed),
		.octets = to->tx_payload,
	};

	if (report_write(&to->report, &circuit->relays[from],
			 &circuit->relays[to->side], &counts,
			 circuit->worker->now_us, packet.p, PACKET_MAX,
			 &packet.n))
		return;
	flow_send(to, &packet, true, true);
}

static void beat(struct circuit *circuit, struct flow *flow, uint64_t now_ms)
{
	if (!flow->ready || flow->failed)
		return;
	if (flow_may_report(flow) &&
	    now_ms - flow->last_rtcp_ms >= CIRCUIT_BEAT_MS)
		report(circuit, flow);
	if (flow->kind == FLOW_RTP)
		flow_rtp_beat(flow);
	/* A party on hold, or one that holds without music, sends nothing. */
	if (all_ready(circuit) && flow->dir == MEDIA_SENDRECV &&
	    now_ms - flow->last_rx_ms >= FLOW_SILENCE_MS)
		flow_fail(flow, MEDIA_FAIL_SILENCE);
}

static void note_beat(struct circuit *circuit, uint64_t now_ms)
{
	struct keep_slot *slot = circuit->kept;

	for (int side = 0; side < 2; side++)
		flow_note_counts(&circuit->flows[side], &slot->counts[side]);
	slot->beat_ms = now_ms;
}

/* A beat that comes so late was kept from us (SIGSTOP, a machine without time),
 * and so was what the peers sent: their silence begins anew. */
static void excuse(struct circuit *circuit, uint64_t now_ms)
{
	if (now_ms < circuit->beat_ms + CIRCUIT_BEAT_MS)
		return;
	circuit->flows[MEDIA_SIDE_A].last_rx_ms = now_ms;
	circuit->flows[MEDIA_SIDE_B].last_rx_ms = now_ms;
}

static uint64_t beat_all(struct circuit *circuit, uint64_t now_ms)
{
	if (!circuit->beat_ms)
		return UINT64_MAX;
	if (now_ms >= circuit->beat_ms) {
		excuse(circuit, now_ms);
		circuit->beat_ms = now_ms + CIRCUIT_BEAT_MS;
		beat(circuit, &circuit->flows[MEDIA_SIDE_A], now_ms);
		beat(circuit, &circuit->flows[MEDIA_SIDE_B], now_ms);
		note_beat(circuit, now_ms);
	}
	return circuit->beat_ms;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void circuit_touch(struct circuit *circuit)
{
	if (circuit->is_touched)
		return;
	circuit->is_touched = true;
	STAILQ_INSERT_TAIL(&circuit->worker->touched, circuit, touched);
}

uint64_t circuit_tick(struct circuit *circuit)
{
	uint64_t now_ms = circuit->worker->now_ms;
	uint64_t next_ms = beat_all(circuit, now_ms);

	for (int i = 0; i < 2; i++) {
		next_ms =
			earlier(next_ms, flow_tick(&circuit->flows[i], now_ms));
		next_ms = earlier(next_ms, insert_digits(circuit, i));
	}
	return next_ms;
}
