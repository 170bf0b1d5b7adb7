/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/load.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/accounts.h"
#include "tests/bench/load/die.h"

enum {
	NET = 64, /* the second octet of the clients' addresses */
	TICK_MS = 5,
	SETUP_LIMIT_MS = 15000,
	LATE_MAX_US = 100000, /* then slots are left out, and that is told */
};

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Calls */

static void speak(struct call *call, enum call_end end)
{
	uint8_t *p = wire_room(call->load->wires[end]);

	stream_write(&call->streams[end], p, wall_ns());
	endpoint_send(&call->ends[end], p, STREAM_PACKET_LEN);
}

static void flush(struct load *load)
{
	for (enum call_end end = 0; end < CALL_ENDS; end++)
		wire_flush(load->wires[end]);
}

/* Streams are spread evenly over the 20 ms, the two of a call apart. */
static unsigned slot_of(const struct call *call, enum call_end end)
{
	return (call->number * 77 + (unsigned)end * 31) % LOAD_SLOTS;
}

static void fall_silent(struct call *call)
{
	struct load *load = call->load;

	load->nup--;
	for (enum call_end end = 0; end < CALL_ENDS; end++)
		TAILQ_REMOVE(&load->slots[slot_of(call, end)][end], call,
			     slots[end]);
}

static void become_up(struct call *call)
{
	struct load *load = call->load;

	if (call->stage != CALL_SETTING_UP || !call->answered ||
	    !call->ends[CALL_A].ready || !call->ends[CALL_B].ready)
		return;
	call->stage = CALL_UP;
	call->up_us = clock_us();
	load->nsetting_up--;
	load->nup++;
	for (enum call_end end = 0; end < CALL_ENDS; end++) {
		TAILQ_INSERT_TAIL(&load->slots[slot_of(call, end)][end], call,
				  slots[end]);
		speak(call, end); /* at once: its way is measured */
	}
	flush(load);
}

void load_answered(struct call *call)
{
	call->answered = true;
	become_up(call);
}

void load_rings(struct call *call)
{
	if (call->stage != CALL_SETTING_UP)
		return;
	call->stage = CALL_RINGING;
	call->load->nsetting_up--;
	call->load->nringing++;
}

void load_failed(struct call *call, const char *why)
{
	struct load *load = call->load;

	if (call->stage == CALL_FAILED || call->stage == CALL_OVER)
		return;
	if (call->stage == CALL_SETTING_UP)
		load->nsetting_up--;
	if (call->stage == CALL_UP)
		fall_silent(call);
	load->nfailed++;
	call->stage = CALL_FAILED;
	call->why = why;
	if (!load->ending)
		fprintf(stderr, "load: call %u failed: %s\n", call->number,
			why);
}

static void on_ready(struct endpoint *endpoint)
{
	become_up(endpoint->arg);
}

static void on_failed(struct endpoint *endpoint, const char *why)
{
	load_failed(endpoint->arg, why);
}

static void on_packet(struct endpoint *endpoint, const uint8_t *p, size_t n,
		      uint64_t at_ns)
{
	struct call *call = endpoint->arg;
	enum call_end from = endpoint == &call->ends[CALL_A] ? CALL_B : CALL_A;

	stream_read(&call->streams[from], p, n, at_ns, &call->load->verdict);
	if (!call->heard_us && call->streams[CALL_A].heard &&
	    call->streams[CALL_B].heard)
		call->heard_us = clock_us();
}

static const struct endpoint_handlers endpoint_handlers = {
	.ready = on_ready,
	.failed = on_failed,
	.packet = on_packet,
};

struct call *load_call(struct load *load)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call || load->ncalls == LOAD_MAX_CALLS)
		DIE("load: too many calls");
	call->load = load;
	call->number = load->ncalls;
	load->calls[load->ncalls++] = call;
	accounts_choose(call, load->options.accounts);
	load->nsetting_up++;
	for (enum call_end end = 0; end < CALL_ENDS; end++) {
		stream_init(&call->streams[end],
			    call->number * CALL_ENDS + (uint32_t)end);
		/* not measured yet */
		call->streams[end].first = UINT32_MAX;
		endpoint_open(&call->ends[end], load->wires[end], call->number,
			      end == CALL_A && load->options.target->web,
			      &endpoint_handlers, call);
	}
	call->began_us = clock_us();
	load->options.target->call(call);
	return call;
}

void load_hang_up(struct call *call)
{
	struct load *load = call->load;

	if (call->stage == CALL_OVER)
		return;
	if (call->stage == CALL_UP)
		fall_silent(call);
	if (call->stage == CALL_SETTING_UP)
		load->nsetting_up--;
	load->options.target->hang_up(call);
	call->stage = CALL_OVER;
	endpoint_close(&call->ends[CALL_A]);
	endpoint_close(&call->ends[CALL_B]);
}

struct call *load_find(struct load *load, unsigned long number)
{
	return number < load->ncalls ? load->calls[number] : NULL;
}

/* Time */

static void tick_call(struct call *call, uint64_t now_ms)
{
	for (enum call_end end = 0; end < CALL_ENDS; end++)
		if (call->ends[end].due_ms <= now_ms)
			endpoint_tick(&call->ends[end], now_ms);
	if (call->stage == CALL_SETTING_UP &&
	    now_ms > call->began_us / 1000 + SETUP_LIMIT_MS)
		load_failed(call, "set-up takes too long");
}

static void tick_all(struct load *load)
{
	uint64_t now_ms = clock_ms();

	if (now_ms < load->tick_ms)
		return;
	load->tick_ms = now_ms + TICK_MS;
	for (unsigned i = 0; i < load->ncalls; i++)
		if (load->calls[i]->stage < CALL_FAILED)
			tick_call(load->calls[i], now_ms);
	if (load->options.target->tick)
		load->options.target->tick(load);
}

static void speak_slot(struct load *load)
{
	struct call *call;

	for (enum call_end end = 0; end < CALL_ENDS; end++)
		TAILQ_FOREACH(call, &load->slots[load->slot][end], slots[end])
			speak(call, end);
	flush(load);
}

static void speak_due(struct load *load)
{
	uint64_t now_us = clock_us();

	while (load->due_us <= now_us) {
		uint64_t late_us = now_us - load->due_us;

		delays_add(&load->late, late_us);
		if (late_us > LATE_MAX_US)
			load->due_us = now_us;
		speak_slot(load);
		load->slot = (load->slot + 1) % LOAD_SLOTS;
		load->due_us += LOAD_SLOT_US;
		now_us = clock_us();
		if (late_us > LOAD_SLOT_US)
			break; /* listen in between */
	}
}

/* Returns when it is time to do so again. */
static uint64_t listen_all(struct load *load)
{
	uint64_t now_us = clock_us();
	uint64_t a_us = wire_poll(load->wires[CALL_A], now_us);
	uint64_t b_us = wire_poll(load->wires[CALL_B], now_us);

	return a_us < b_us ? a_us : b_us;
}

void load_turn(struct load *load, uint64_t until_us)
{
	speak_due(load);
	uint64_t listen_us = listen_all(load);
	tick_all(load);
	if (load->due_us < until_us)
		until_us = load->due_us;
	loop_turn(&load->loop, listen_us < until_us ? listen_us : until_us);
}

void load_run(struct load *load, uint64_t until_us)
{
	while (clock_us() < until_us)
		load_turn(load, until_us);
}

/* Measuring */

static uint64_t unsent(struct load *load)
{
	return wire_unsent(load->wires[CALL_A]) +
	       wire_unsent(load->wires[CALL_B]);
}

void load_measure_begin(struct load *load)
{
	memset(&load->verdict, 0, sizeof(load->verdict));
	memset(&load->late, 0, sizeof(load->late));
	(void)unsent(load);
	for (unsigned i = 0; i < load->ncalls; i++) {
		for (enum call_end end = 0; end < CALL_ENDS; end++) {
			struct stream *s = &load->calls[i]->streams[end];
			s->first = s->next;
			s->last = UINT32_MAX;
			s->got = 0;
		}
	}
}

uint64_t load_measure_end(struct load *load)
{
	uint64_t sent = 0;

	load->verdict.unsent = unsent(load);
	for (unsigned i = 0; i < load->ncalls; i++) {
		for (enum call_end end = 0; end < CALL_ENDS; end++) {
			struct stream *s = &load->calls[i]->streams[end];
			s->last = s->next;
			sent += s->last - s->first;
		}
	}
	load->verdict.sent = sent;
	return sent;
}

/* All of it */

void load_open(struct load *load, const struct load_options *options)
{
	memset(load, 0, sizeof(*load));
	load->options = *options;
	load->calls = calloc(LOAD_MAX_CALLS, sizeof(struct call *));
	if (!load->calls)
		DIE("load: no memory");
	for (int i = 0; i < LOAD_SLOTS; i++)
		for (enum call_end end = 0; end < CALL_ENDS; end++)
			TAILQ_INIT(&load->slots[i][end]);
	loop_open(&load->loop);
	for (enum call_end end = 0; end < CALL_ENDS; end++)
		load->wires[end] = wire_new(NET + (unsigned)end);
	endpoint_set_up(options->suite);
	options->target->start(load);
	load->due_us = clock_us();
}

void load_close(struct load *load)
{
	for (unsigned i = 0; i < load->ncalls; i++)
		load_hang_up(load->calls[i]);
	load->options.target->stop(load);
	for (unsigned i = 0; i < load->ncalls; i++)
		free(load->calls[i]);
	free(load->calls);
	for (enum call_end end = 0; end < CALL_ENDS; end++)
		load->wires[end] = wire_free(load->wires[end]);
	endpoint_tear_down();
	loop_close(&load->loop);
}
