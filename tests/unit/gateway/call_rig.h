/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A call to drive, with two legs, a bridge, a database and a billing system
 * that only note what they are told. */
#pragma once

#include "gateway/call/call.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/call/call_state.h"
#include "gateway/call/fare.h"
#include "gateway/call/hunt.h"
#include "gateway/gateway.h"
#include "media/negotiate.h"
#include "tests/unit/gateway/call_rig_asked.h"
#include "tests/unit/gateway/call_rig_bridge.h"
#include "tests/unit/gateway/call_rig_db.h"
#include "tests/unit/gateway/call_rig_legs.h"
#include "tests/unit/gateway/noon.h"

static struct config config = { .limits = { .calls = 2,
					    .call_duration_s = 3600 } };
static struct gateway gateway;
static struct leg *a, *b;
static struct call *call;

static unsigned made; /* by hunts */

static inline int make_leg(struct leg **out, struct gateway *of, void *arg)
{
	(void)of;
	(void)arg;
	*out = b = new_leg();
	made++;
	return 0;
}

static inline int begin_with(const struct call_parties *parties)
{
	a = new_leg();
	b = new_leg();
	return call_new(&call, &gateway, parties, a, b);
}

static const struct fare own_fare = { .account = (char *)"alice@example.org",
				      .from = (char *)"+15557654321",
				      .to = (char *)"+15551234567",
				      .trunk = (char *)"carrier" };

static const struct call_parties parties = { .account = "alice@example.org",
					     .from = "alice@example.org",
					     .to = "+15551234567",
					     .trunk = "carrier",
					     .fare = &own_fare,
					     .ring_timeout_ms = 60000 };

static inline int begin(void **state)
{
	(void)state;
	noon();
	said[0] = '\0';
	bridge_takes_digits = true;
	reached = LIMIT_NONE;
	allowed_ms = INT64_MAX;
	used_by[0] = '\0';
	billed = false;
	gateway =
		(struct gateway){ .config = &config, .base = event_base_new() };
	LIST_INIT(&gateway.calls);
	assert_int_equal(toll_new(&gateway), 0);
	return begin_with(&parties);
}

/* What all calls count for, by walking. */
static inline unsigned walk_calls(enum toll_kind kind, const char *name)
{
	const struct call *of;
	unsigned n = 0;

	LIST_FOREACH(of, &gateway.calls, link) {
		if (of->state == CALL_CLOSED)
			continue;
		n += kind == TOLL_TRUNK && !strcmp(of->trunk, name);
		for (size_t i = 0; i < 2; i++) {
			const struct call_fare *paid = &of->fares[i];

			n += paid->fare && paid->fare->diverted &&
			     (paid->said == CALL_FARE_ALLOWED ||
			      (of->question &&
			       (of->was_asked || !of->inbound))) &&
			     !strcmp(kind == TOLL_TRUNK ? paid->fare->trunk
							: paid->fare->account,
				     name);
		}
	}
	return n;
}

/* The counters are what walking counts, whatever has happened. */
static inline void expect_counted(void)
{
	static const char *const trunks[] = { "carrier", "pbx" };
	static const char *const accounts[] = { "alice@example.org",
						"bob@example.org" };

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(toll_calls(&gateway, TOLL_TRUNK, trunks[i]),
				 walk_calls(TOLL_TRUNK, trunks[i]));
		assert_int_equal(
			toll_calls(&gateway, TOLL_ACCOUNT, accounts[i]),
			walk_calls(TOLL_ACCOUNT, accounts[i]));
	}
}

static inline int finish(void **state)
{
	(void)state;
	expect_counted();
	call_end_all(&gateway, CAUSE_SHUTDOWN);
	assert_int_equal(gateway.ncalls, 0);
	expect_counted();
	toll_free(&gateway);
	event_base_free(gateway.base);
	return 0;
}

static inline void describe(struct leg *leg)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;

	assert_int_equal(negotiate_caps(&desc), 0);
	assert_int_equal(leg_set_remote(leg, desc), 0);
}

static inline void ready(enum media_side side)
{
	bridge_events->ready(side, bridge_arg);
}

static inline void calls_blind(void)
{
	leg_calls(a);
	expect("b-offer");
}

static inline void answers(void)
{
	describe(b);
	leg_answers(b);
}

static inline void to_disk(void)
{
	stored(0, stored_arg);
}

/* All the way up, the caller's offer known at once. */
static inline void come_up(void)
{
	describe(a);
	leg_offers(a);
	answers();
	ready(MEDIA_SIDE_B);
	to_disk();
	ready(MEDIA_SIDE_A);
	assert_string_equal(call_state_name(call), "up");
	said[0] = '\0';
}

static inline void let_begin(bool allowed, uint32_t seconds, const char *reason)
{
	const struct bill_answer answer = { .allowed = allowed,
					    .seconds = seconds,
					    .reason = reason };

	bill_answers(&answer, bill_arg);
}

#define CALL_TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)
