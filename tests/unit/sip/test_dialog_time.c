/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What takes minutes by the standard's timers, with their ends moved near: the
 * ACK that never comes, session timers (RFC 4028), CANCEL without an end. And
 * many calls at once, and one after another.
 */
#include "tests/unit/sip/fixture.h"

#include "sip/dialog_int.h"
#include "sip/share.h"

static void a_200_without_ack_ends_in_bye(void **state)
{
	struct fixture *f = *state;

	call_in(f);
	answer_in(f);
	f->dialog->reply.give_up_ms = clock_ms();
	f->free_in_ended = true;
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	assert_non_null(strstr(f->log, "ended:0 "));
	assert_true(f->end.timeout);
}

static void the_end_of_a_cancel_is_not_waited_for_for_ever(void **state)
{
	struct fixture *f = *state;
	struct sip_hangup why = { .status = 487 };
	struct timeval now = { 0, 0 };

	add_trunk(f, "", "", "");
	call_out(f);
	sip_peer_respond(&f->peer, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	sip_dialog_hangup(f->dialog, &why);
	sip_peer_expect(&f->peer, "CANCEL ");
	evtimer_add(f->dialog->give_up, &now);
	run_ms(f, 30);
	assert_int_equal(f->dialog->state, DIALOG_OVER);
}

/* A session of a second, and its timer armed anew. */
static void shorten(struct fixture *f, unsigned expires_s, bool we_refresh)
{
	f->dialog->session_expires_s = expires_s;
	f->dialog->we_refresh = we_refresh;
	f->dialog->peer_has_timer = true;
	dialog_session_arm(f->dialog);
}

static void we_refresh_with_update_when_the_peer_has_it(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	f->dialog->peer_has_update = true;
	shorten(f, 2, true);
	sip_peer_expect(&f->peer, "UPDATE ");
	assert_true(sip_peer_header_has(&f->peer, "Session-Expires",
					"2;refresher=uac"));
	assert_int_equal(sip_peer_body(&f->peer).n, 0);
	sip_peer_respond(&f->peer, "200 OK",
			 "Require: timer\r\n"
			 "Session-Expires: 1800;refresher=uas\r\n",
			 NULL);
	run_ms(f, 50);
	assert_int_equal(f->dialog->session_expires_s, 1800);
	assert_false(f->dialog->we_refresh);
	assert_string_equal(f->log, "");
}

static void else_we_refresh_with_the_same_offer(void **state)
{
	struct fixture *f = *state;
	char sdp[1024];

	add_trunk(f, "", "", "");
	call_out(f);
	snprintf(sdp, sizeof(sdp), "%s", sip_peer_body(&f->peer).p);
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	forget_log(f);
	shorten(f, 2, true);
	sip_peer_expect(&f->peer, "INVITE ");
	assert_string_equal(sip_peer_body(&f->peer).p, sdp);
	sip_peer_respond(&f->peer, "200 OK",
			 "Session-Expires: 1800;refresher=uac\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	run_ms(f, 30);
	assert_string_equal(f->log, "");
	assert_int_equal(f->dialog->session_expires_s, 1800);
}

static void a_peer_that_does_not_refresh_is_byed(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	shorten(f, 2, false);
	sip_peer_expect(&f->peer, "BYE ");
	expect_log(f, "ended:0 ");
	assert_true(f->end.timeout);
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void a_refresh_that_meets_481_ends_the_call(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	f->dialog->peer_has_update = true;
	shorten(f, 2, true);
	sip_peer_expect(&f->peer, "UPDATE ");
	sip_peer_respond(&f->peer, "481 Gone", "", NULL);
	expect_log(f, "ended:481 ");
}

/* ---- many ---- */

enum { MANY = 200, SERIES = 1000 };

/* As a client does whose packet was lost. */
static void expect_answer(struct sip_peer *peer)
{
	for (int tries = 0; tries < 10; tries++) {
		if (sip_peer_wait(peer, "SIP/2.0 200", 500))
			return;
		peer->cseq--;
		peer->keep_branch = true;
		sip_peer_request(peer, "INVITE", "",
				 sip_peer_sdp(5000, "sendrecv"));
		peer->keep_branch = false;
	}
	fail_msg("no answer");
}

static void two_hundred_calls_come_at_once(void **state)
{
	struct fixture *f = *state;
	static struct sip_peer peers[MANY];
	struct sip_dialog *d, *next;
	char uri[128];
	uint64_t start = clock_ms();

	f->answer_at_once = true;
	snprintf(uri, sizeof(uri), "sip:+15557654321@%s",
		 addr_text(&f->peer.target).s);
	for (int i = 0; i < MANY; i++) {
		sip_peer_open(&peers[i]);
		peers[i].target = f->peer.target;
		peers[i].turn = turn;
		peers[i].arg = f;
		sip_peer_dialog(&peers[i], uri);
		sip_peer_request(&peers[i], "INVITE", "",
				 sip_peer_sdp(5000, "sendrecv"));
	}
	for (int i = 0; i < MANY; i++) {
		expect_answer(&peers[i]);
		sip_peer_request(&peers[i], "ACK", "", NULL);
	}
	assert_int_equal(f->invites, MANY);
	for (int i = 0; i < MANY; i++)
		sip_peer_request(&peers[i], "BYE", "", NULL);
	for (int i = 0; i < MANY; i++)
		sip_peer_expect(&peers[i], "SIP/2.0 200");
	assert_in_range(clock_ms() - start, 0, 15000);
	TAILQ_FOREACH_SAFE(d, &f->agent->dialogs, entry, next)
		sip_dialog_free(d);
	f->dialog = NULL;
	run_ms(f, 20);
	assert_true(TAILQ_EMPTY(&f->agent->dialogs));
	for (int i = 0; i < MANY; i++)
		sip_peer_close(&peers[i]);
}

/* For the leak checkers, with each role and end in turn. */
static void a_thousand_calls_leave_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct sip_hangup why = { .status = 480, .q850 = 16 };

	add_trunk(f, "", "", "");
	for (int i = 0; i < SERIES; i++) {
		forget_log(f);
		switch (i % 4) {
		case 0: /* in, the peer hangs up */
			call_in_up(f);
			sip_peer_request(&f->peer, "BYE", "", NULL);
			sip_peer_expect(&f->peer, "SIP/2.0 200");
			expect_log(f, "ended:0 ");
			break;
		case 1: /* out, we hang up */
			call_out_up(f);
			sip_dialog_hangup(f->dialog, &why);
			sip_peer_expect(&f->peer, "BYE ");
			sip_peer_respond(&f->peer, "200 OK", "", NULL);
			break;
		case 2: /* in, refused */
			call_in(f);
			sip_dialog_hangup(f->dialog, &why);
			sip_peer_expect(&f->peer, "SIP/2.0 480");
			sip_peer_request_ack(&f->peer);
			break;
		default: /* out, busy */
			call_out(f);
			sip_peer_respond(&f->peer, "486 Busy Here", "", NULL);
			expect_log(f, "ended:486 ");
			break;
		}
		f->dialog = sip_dialog_free(f->dialog);
	}
	run_ms(f, 50);
	assert_true(TAILQ_EMPTY(&f->agent->dialogs));
}

static int set_up_for_one_that_rings(void **state)
{
	int r;

	fixture_half_open_each = 1;
	r = set_up(state);
	fixture_half_open_each = 400;
	return r;
}

#define TIME_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TIME_TEST(a_200_without_ack_ends_in_bye),
		TIME_TEST(the_end_of_a_cancel_is_not_waited_for_for_ever),
		TIME_TEST(we_refresh_with_update_when_the_peer_has_it),
		TIME_TEST(else_we_refresh_with_the_same_offer),
		TIME_TEST(a_peer_that_does_not_refresh_is_byed),
		TIME_TEST(a_refresh_that_meets_481_ends_the_call),
		TIME_TEST(two_hundred_calls_come_at_once),
		cmocka_unit_test_setup_teardown(
			a_thousand_calls_leave_nothing_behind,
			set_up_for_one_that_rings, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
