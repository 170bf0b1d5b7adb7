/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Calls through a whole gateway on loopback, once for each allocation of ours
 * that a call needs: that one fails. The call may fail with it; the process
 * stays, everything is given back, and the next call works. (What is refused
 * while calls are taken up: tests/faults/memory.py.)
 */
#include <sys/wait.h>

#include "gateway/base/recent.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/outbox_past.h"
#include "gateway/outbox_state.h"
#include "gateway/text/text_again.h"
#include "gateway/text/text_int.h"
#include "gateway/watch/watch.h"
#include "sip/agent.h"
#include "tests/unit/gateway/parties.h"
#include "xmpp/iq.h"

enum {
	/* Then the test ends the call from its side. */
	PATIENCE_MS = 20,
	END_MS = 8000,
	NUDGE_MS = 30,
	RUNS_MAX = 5000,
	LATE_MS = 3600 * 1000,
};

/* Nobody answers here, and what has ended is known for a while: as if all that
 * time were over. */
static void forget(void)
{
	uint64_t later = clock_ms() + LATE_MS;

	iq_expire(st.gateway->iqs, later);
	recent_expire(st.gateway->refused, later);
	recent_expire(st.gateway->missed, later);
	leg_xmpp_index_expire(st.gateway, later);
	text_again_due(st.gateway->texts->again, clock_wall_ms() + LATE_MS);
	outbox_past_expire(st.gateway->outbox->past, clock_wall_ms() + LATE_MS);
	/* What is counted, and the last failures, stay; here they begin anew.
	 */
	watch_free(st.gateway);
	assert_int_equal(watch_new(st.gateway), 0);
}

/* Once after each begin, when @follow_on was heard, and then @then_on; then the
 * end. */
static const struct scenario {
	const char *name;
	void (*begin)(void);
	const char *follow_on;
	void (*follow)(void);
	const char *then_on;
	void (*then)(void);
	const char *end_on;
	void (*end)(void);
} scenarios[] = {
	{ "session", begin_session, NULL, NULL, NULL, NULL, "session-accept",
	  end_session },
	{ "proposal", begin_proposal, "<proceed", follow_proposal, NULL, NULL,
	  "session-accept", end_proposal },
	{ "invite", begin_invite, "<propose", follow_invite, "session-initiate",
	  accept_invite, "taken-", end_invite },
	{ "echo", begin_echo, NULL, NULL, NULL, NULL, "session-accept",
	  end_session },
};

/* ---- runs ---- */

static const struct scenario *scenario; /* this process's */

static bool is_over(void)
{
	return !st.gateway->ncalls && !sip_agent_is_busy(st.gateway->agent);
}

static struct fail_ours_mark mark;
static long live;

/* Fewer: something of before was still on its way when they were counted. */
static bool is_clean(void)
{
	long now = fail_ours_count();

	if (!is_over() || now > live)
		return false;
	live = now;
	return true;
}

/* One call in which allocation @run fails (-1: none), unless it does not need
 * so many. Whether it came as far as its good end. */
static bool play(long run)
{
	uint64_t until = clock_ms() + UP_MS;
	bool followed = !scenario->follow_on, then = !scenario->then_on;
	bool good = false, failed = run < 0;

	st.sid++;
	st.nxml = 0;
	st.xml[0] = '\0';
	fail_ours_arm(run);
	scenario->begin();
	while (!good && clock_ms() < until) {
		turn();
		if (!failed && fail_ours_has_failed()) {
			failed = true;
			until = clock_ms() + PATIENCE_MS;
		}
		if (!followed && heard(scenario->follow_on)) {
			followed = true;
			scenario->follow();
		}
		if (followed && !then && heard(scenario->then_on)) {
			then = true;
			scenario->then();
		}
		good = heard(scenario->end_on);
	}
	return good;
}

/* Everything of the call ends, and all of its memory comes back. */
static void finish(long run)
{
	uint64_t until = clock_ms() + END_MS;

	while (clock_ms() < until) {
		scenario->end();
		forget();
		if (run_until(is_clean, NUDGE_MS))
			return;
	}
	fail_ours_tell(&mark);
	fail_msg("%s, allocation %ld: %u calls, dialogs %d, %ld blocks left",
		 scenario->name, run, st.gateway->ncalls,
		 sip_agent_is_busy(st.gateway->agent),
		 fail_ours_count() - live);
}

/* What the writer had is freed. */
static bool is_written(void)
{
	return !db_stats(st.gateway->db).waiting;
}

static void any_allocation_of_a_call_may_fail(void **state)
{
	long run = 0;

	(void)state;
	live = fail_ours_count();
	assert_true(play(-1)); /* fills what is kept */
	scenario->end();
	assert_true(run_until(is_over, END_MS));
	forget();
	assert_true(run_until(is_written, END_MS));
	live = fail_ours_count();
	fail_ours_note(&mark);
	for (bool failed = true; failed; run++) {
		assert_true(run < RUNS_MAX);
		bool good = play(run);
		failed = fail_ours_has_failed();
		fail_ours_arm(-1);
		finish(run);
		assert_true(good || failed);
	}
	print_message("%s: %ld allocations\n", scenario->name, run - 1);
}

static int run_scenario(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			any_allocation_of_a_call_may_fail, open_stage,
			close_stage),
	};

	return cmocka_run_group_tests_name(scenario->name, tests, NULL, NULL);
}

/* Each in a process of its own, side by side: they wait more than they work. */
int main(void)
{
	enum { N = sizeof(scenarios) / sizeof(*scenarios) };
	bool failed = false;
	int status;

	for (size_t i = 0; i < N; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		scenario = &scenarios[i];
		if (!pid)
			exit(run_scenario());
	}
	for (size_t i = 0; i < N; i++)
		failed |= wait(&status) < 0 || status != 0;
	return failed;
}
