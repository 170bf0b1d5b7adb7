/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A call under any sequence of what its legs, its bridge, the disk, the billing
 * system, its transfers and time may do, while what legs are asked for works or
 * fails: each leg is told once that it is over, one record is written and one
 * of each transfer, and what it counted for is given back. An octet is a step,
 * the next one says more of it. The first chooses what call it is.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "gateway/call/missed.h"
#include "tests/fuzz/same_random.h"
#include "tests/unit/gateway/call_rig.h"

enum { STEPS_MAX = 100, LEGS_MAX = 8, TARGETS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What each leg that was made has been through. */
static struct {
	const struct leg *leg;
	unsigned ended, told, freed;
} legs[LEGS_MAX];
static unsigned nlegs, records;
static unsigned transfers; /* each has a record of its own */
static bool broken;        /* whatever legs are asked for */

static unsigned number_of(const struct leg *leg)
{
	for (unsigned i = nlegs; i-- > 0;)
		if (legs[i].leg == leg && !legs[i].freed)
			return i;
	assert(!"a leg of nobody's");
	return 0;
}

static void hangup(struct leg *leg, enum cause cause, const char *text)
{
	unsigned i = number_of(leg);

	(void)cause;
	(void)text;
	assert(!legs[i].told && !legs[i].ended);
	legs[i].told++;
}

static struct leg *free_leg(struct leg *leg)
{
	legs[number_of(leg)].freed++;
	return fake_free(leg);
}

static int candidate(struct leg *leg, const struct media_cand *cand)
{
	(void)leg;
	assert(cand->component == 1);
	return 0;
}

static int transfer(struct leg *leg, const char *to)
{
	assert(*to);
	return leg->side == MEDIA_SIDE_A ? LEG_E_TRANSFER : 0;
}

static int recall(struct leg *leg)
{
	assert(!legs[number_of(leg)].told);
	return 0;
}

static int works(int r)
{
	return broken ? -EIO : r;
}

static int offer(struct leg *leg, const struct media_desc *desc)
{
	return works(fake_offer(leg, desc));
}

static int ring(struct leg *leg)
{
	return works(fake_ring(leg));
}

static int proceed(struct leg *leg)
{
	return works(fake_proceed(leg));
}

static int answer(struct leg *leg, const struct media_desc *desc)
{
	return works(fake_answer(leg, desc));
}

static int reoffer(struct leg *leg)
{
	return works(fake_reoffer(leg));
}

static int hold(struct leg *leg, bool on)
{
	return works(fake_hold(leg, on));
}

static int restart(struct leg *leg)
{
	return works(fake_restart(leg));
}

static struct leg *make(void)
{
	static struct leg_ops ops;
	struct leg *leg = new_leg();

	ops = fake_ops;
	ops.offer = offer;
	ops.ring = ring;
	ops.proceed = proceed;
	ops.answer = answer;
	ops.reoffer = reoffer;
	ops.hold = hold;
	ops.restart = restart;
	ops.hangup = hangup;
	ops.free = free_leg;
	ops.candidate = candidate;
	ops.transfer = transfer;
	ops.recall = recall;
	leg->ops = &ops;
	assert(nlegs < LEGS_MAX);
	legs[nlegs].leg = leg;
	legs[nlegs].ended = legs[nlegs].told = legs[nlegs].freed = 0;
	nlegs++;
	return leg;
}

static int make_next(struct leg **out, struct gateway *of, void *arg)
{
	(void)of;
	(void)arg;
	*out = b = make();
	return 0;
}

static struct leg *hunted(struct call_parties *of)
{
	struct leg *first;

	assert(!hunt_new(&of->hunt, &gateway));
	for (unsigned i = 0; i < TARGETS; i++)
		assert(!hunt_add(of->hunt, &(struct hunt_target){
						   .name = "a callee",
						   .trunk = "pbx",
						   .ring_ms = 1000,
						   .next_on = HUNT_ON_NOT_TAKEN,
						   .new_leg = make_next }));
	assert(!hunt_next(of->hunt, &first));
	return first;
}

static void turn(void)
{
	event_base_loop(gateway.base, EVLOOP_NONBLOCK);
}

/* What it has said since the last look. */
static void listen_to_it(void)
{
	for (const char *p = said; (p = strstr(p, "record")); p++)
		records++;
	said[0] = '\0';
}

/* It may have gone by itself in a turn. */
static bool is_over(void)
{
	return LIST_EMPTY(&gateway.calls) || call->state == CALL_CLOSED;
}

static void ends(struct leg *leg, enum cause cause, uint8_t more)
{
	unsigned i = number_of(leg);

	/* A leg ends once, and not when it was told that it is over. */
	if (legs[i].ended || legs[i].told)
		return;
	legs[i].ended++;
	leg_ends(leg, cause, more & 128 ? "no\r\nmore" : NULL);
}

static void bill(uint8_t more)
{
	if (question_open)
		let_begin(more & 1, more & 2 ? 60 : 0, more & 4 ? "no" : "");
}

static void disk(uint8_t more)
{
	db_done_fn done = stored;

	stored = NULL;
	if (done)
		done(more & 1 ? -EIO : 0, stored_arg);
}

/* Of some direction, and perhaps of its first codec, or its second one, alone.
 */
static void describe_as(struct leg *leg, uint8_t how)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *audio;

	assert(!negotiate_caps(&desc));
	audio = media_desc_first(desc, MEDIA_AUDIO);
	audio->dir = (enum media_dir)(how >> 1 & 3);
	if (how & 16)
		audio->codecs[0] = audio->codecs[1];
	if (how & 24)
		audio->ncodecs = 1;
	audio->osrtp = how & 32;
	if (how & 64)
		desc->contents[0]->kind = MEDIA_OTHER;
	assert(!leg_set_remote(leg, desc));
}

/* A time limit of the state, as though it had passed. */
static void time_passes(void)
{
	const struct timeval now = { 0, 0 };

	evtimer_add(call->timer, &now);
	turn();
}

static int find_timer(const struct event_base *base, const struct event *event,
		      void *arg)
{
	const struct event **found = arg;

	(void)base;
	if (event != call->timer && evtimer_initialized(event))
		*found = event;
	return 0;
}

/* The one timer of a call besides that of its state. */
static void tones_end(void)
{
	struct event *timer = NULL;

	event_base_foreach_event(gateway.base, find_timer, &timer);
	if (timer)
		event_active(timer, EV_TIMEOUT, 0);
	turn();
}

/* The telephone has had itself transferred (RFC 3515), or it came to nothing;
 * and what others do to all calls. */
static void others(uint8_t more)
{
	enum media_side side = more & 16 ? MEDIA_SIDE_A : MEDIA_SIDE_B;
	struct fare *fare = NULL;

	switch (more >> 5) {
	case 0:
		assert(call_transfer(call, "+15550001111") >= 0);
		break;
	case 1:
		broken = !broken;
		break;
	case 2:
		bridge_takes_digits = !bridge_takes_digits;
		break;
	case 3:
		if (!call_talks(call))
			break;
		assert(!fare_copy(&fare, &own_fare));
		assert(!call_transferred(call, side, fare, more & 16));
		transfers++;
		break;
	case 4:
		call_transfer_failed(call, "+15550001111", CAUSE_BUSY);
		break;
	case 5:
		(void)call_record_some(&gateway, true, &(int){ 0 });
		break;
	case 6:
		call_missed(call, "bob@example.org", "+1@tel.example.org",
			    CAUSE_NO_ANSWER);
		break;
	default:
		tones_end();
	}
}

static void media(uint8_t more)
{
	enum media_side side = more & 1 ? MEDIA_SIDE_A : MEDIA_SIDE_B;

	const struct media_cand cand = { .component = 1 };

	switch (more >> 1 & 7) {
	default:
		ready(side);
		break;
	case 2:
		bridge_events->digit(side, '5', 100, bridge_arg);
		break;
	case 3:
		bridge_events->moved(side, bridge_arg);
		break;
	case 4:
		bridge_events->candidate(side, &cand, bridge_arg);
		break;
	case 5:
		bridge_events->changed(side, bridge_arg);
		break;
	case 6:
		others(more);
	}
}

static void media_fails(uint8_t more)
{
	static const enum media_failure whys[] = { MEDIA_FAIL_ICE,
						   MEDIA_FAIL_DTLS,
						   MEDIA_FAIL_CONSENT,
						   MEDIA_FAIL_WORKER };

	bridge_events->failed(more & 1 ? MEDIA_SIDE_A : MEDIA_SIDE_B,
			      whys[more >> 1 & 3], bridge_arg);
}

static void step(uint8_t what, uint8_t more)
{
	struct leg *leg = more & 1 ? a : b;

	switch (what % 16) {
	case 0:
		leg_calls(a);
		break;
	case 1:
		describe_as(leg, more);
		leg_offers(leg);
		break;
	case 2:
		leg_rings(b);
		break;
	case 3:
		leg_proceeds(b);
		break;
	case 4:
		describe_as(b, more);
		leg_rings_early(b);
		break;
	case 5:
		describe_as(b, more);
		leg_answers(b);
		break;
	case 6:
		describe_as(leg, more);
		leg_agrees(leg);
		break;
	case 7:
		leg_holds(leg, more & 2);
		break;
	case 8:
		leg_digit(leg, "0123456789*#ABCD"[more >> 4], 100);
		break;
	case 9:
		ends(leg, (enum cause)(more / 2 % CAUSE_NVALUES), more);
		break;
	case 10:
		bill(more);
		break;
	case 11:
		disk(more);
		break;
	case 12:
		time_passes();
		break;
	case 13:
		media_fails(more);
		break;
	case 14:
		call_hangup(call, (enum cause)(more % CAUSE_NVALUES));
		break;
	default:
		media(more);
	}
}

static void look(void)
{
	assert(*call_name(call) && *call_state_name(call));
	assert(!strcmp(call_account(call), "alice@example.org"));
	assert(!call_talks(call) || call_takes_digits(call));
	assert(call_count_in_setup(&gateway) <= 1);
}

static bool begin_as(uint8_t kind)
{
	struct call_parties of = parties;
	struct leg *callee;

	nlegs = records = transfers = 0;
	broken = false;
	bridge_takes_digits = true;
	stored = NULL;
	question_open = false;
	billed = kind & 1;
	of.inbound = kind & 2;
	of.early_answer = kind & 4;
	caller_has_no_media = kind & 8;
	rows_stay = kind & 16;
	reached = kind & 32 ? LIMIT_MINUTES : LIMIT_NONE;
	a = make();
	callee = b = kind & 64 ? hunted(&of) : make();
	if (call_new(&call, &gateway, &of, a, callee))
		return false;
	/* as one that was up when another process died */
	call->resumed_ms = kind & 128 ? call_now_ms(call) : 0;
	return true;
}

static void check_end(void)
{
	assert(!gateway.ncalls && LIST_EMPTY(&gateway.calls));
	assert(records == 1 + transfers);
	for (unsigned i = 0; i < nlegs; i++)
		assert(legs[i].freed == 1);
	expect_counted();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char domain[] = "tel.example.org"; /* for all inputs */

	if (!gateway.base) {
		assert(!log_open("/dev/null", LOG_LEVEL_ERROR));
		noon();
		config.xmpp.domain = domain;
		gateway.config = &config;
		gateway.base = event_base_new();
		LIST_INIT(&gateway.calls);
		assert(gateway.base && !toll_new(&gateway) &&
		       !missed_new(&gateway));
	}
	same_random_begin();
	if (!size || !begin_as(data[0]))
		return 0;
	for (size_t i = 1; i + 1 < size && i < 2 * STEPS_MAX && !is_over();
	     i += 2) {
		look();
		step(data[i], data[i + 1]);
		expect_counted();
		listen_to_it();
	}
	if (!is_over() && data[size - 1] & 1)
		call_hangup(call, CAUSE_NORMAL);
	else if (!is_over())
		call_end_all(&gateway, CAUSE_SHUTDOWN);
	listen_to_it();
	turn();
	check_end();
	return 0;
}
