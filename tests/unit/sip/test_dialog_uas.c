/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The INVITE we get (RFC 3261, 13.3), against a peer's own words. */
#include "tests/unit/sip/fixture.h"

static void an_inbound_call_rings_is_answered_and_byed(void **state)
{
	struct fixture *f = *state;

	call_in(f);
	assert_string_equal(f->request_user, "+15557654321");
	assert_string_equal(f->from_user, "+15550001111");
	assert_string_equal(f->display, "Peer");
	assert_true(f->had_offer);
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 180");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag="));
	answer_in(f);
	assert_true(sip_peer_header_has(&f->peer, "Contact", "<sip:"));
	assert_true(sip_peer_header_has(&f->peer, "Allow", "INVITE"));
	sip_peer_request(&f->peer, "ACK", "", NULL);
	sip_peer_request(&f->peer, "BYE",
			 "Reason: SIP;cause=200;text=\"bye\"\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "ended:0 ");
	assert_int_equal(f->end.reason_sip, 200);
	assert_false(f->end.by_cancel);
}

/* RFC 3261, 14.2. */
static void a_second_invite_before_the_answer_gets_500(void **state)
{
	struct fixture *f = *state;

	call_in(f);
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 180");
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendonly"));
	sip_peer_expect(&f->peer, "SIP/2.0 500");
	assert_true(sip_peer_header(&f->peer, "Retry-After", 0).n > 0);
	assert_string_equal(f->log, "invite ");
}

static void an_unacked_200_is_repeated(void **state)
{
	struct fixture *f = *state;

	call_in(f);
	answer_in(f);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_request(&f->peer, "ACK", "", NULL);
	run_ms(f, 50);
	assert_false(sip_peer_wait(&f->peer, "SIP/2.0 200", 2500));
}

static void a_cancelled_call_gets_487(void **state)
{
	struct fixture *f = *state;

	call_in(f);
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	sip_peer_request(&f->peer, "CANCEL", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_expect(&f->peer, "SIP/2.0 487");
	expect_log(f, "ended:0 ");
	assert_true(f->end.by_cancel);
}

static void an_invitation_that_expires_gets_487(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "Expires: 1\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	assert_true(sip_peer_wait(&f->peer, "SIP/2.0 487", 2000));
	sip_peer_request_ack(&f->peer);
	expect_log(f, "ended:487 ");
	/* An answer in time is for good. */
	f->dialog = sip_dialog_free(f->dialog);
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "Expires: 1\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	answer_in(f);
	sip_peer_request(&f->peer, "ACK", "", NULL);
	assert_false(sip_peer_wait(&f->peer, "SIP/2.0 487", 1200));
}

static void a_refused_call_gets_its_status(void **state)
{
	struct fixture *f = *state;
	struct sip_hangup why = { .status = 503,
				  .q850 = 42,
				  .retry_after_s = 7 };

	call_in(f);
	sip_dialog_hangup(f->dialog, &why);
	sip_peer_expect(&f->peer, "SIP/2.0 503");
	assert_true(sip_peer_header_has(&f->peer, "Retry-After", "7"));
	assert_true(sip_peer_header_has(&f->peer, "Reason", "cause=42"));
}

static void an_offerless_call_is_answered_in_the_ack(void **state)
{
	struct fixture *f = *state;
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	expect_log(f, "invite ");
	assert_false(f->had_offer);
	answer_in(f);
	assert_true(sip_peer_body(&f->peer).n > 0);
	sip_peer_request(&f->peer, "ACK", "", sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "late-answer ");
}

static void hanging_up_before_the_ack_waits_for_it(void **state)
{
	struct fixture *f = *state;

	call_in(f);
	answer_in(f);
	hang_up(f, 0, 16, NULL);
	assert_false(sip_peer_wait(&f->peer, "BYE ", 200));
	sip_peer_request(&f->peer, "ACK", "", NULL);
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void byes_that_cross_are_both_answered(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	hang_up(f, 0, 16, NULL);
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_request(&f->peer, "BYE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

/* ---- session timers (RFC 4028) ---- */

static void too_small_an_interval_gets_422(void **state)
{
	struct fixture *f = *state;
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE",
			 "Supported: timer\r\nSession-Expires: 30\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 422");
	assert_true(sip_peer_header_has(&f->peer, "Min-SE", "90"));
	assert_string_equal(f->log, "");
}

static void the_session_timer_is_agreed(void **state)
{
	struct fixture *f = *state;
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE",
			 "Supported: timer\r\n"
			 "Session-Expires: 1800;refresher=uas\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	answer_in(f);
	assert_true(sip_peer_header_has(&f->peer, "Session-Expires",
					"1800;refresher=uas"));
	assert_true(sip_peer_header_has(&f->peer, "Require", "timer"));
	sip_peer_request(&f->peer, "ACK", "", NULL);
	sip_peer_request(&f->peer, "UPDATE",
			 "Supported: timer\r\n"
			 "Session-Expires: 900;refresher=uac\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "Session-Expires",
					"900;refresher=uac"));
}

#define DIALOG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOG_TEST(an_inbound_call_rings_is_answered_and_byed),
		DIALOG_TEST(a_second_invite_before_the_answer_gets_500),
		DIALOG_TEST(an_unacked_200_is_repeated),
		DIALOG_TEST(a_cancelled_call_gets_487),
		DIALOG_TEST(an_invitation_that_expires_gets_487),
		DIALOG_TEST(a_refused_call_gets_its_status),
		DIALOG_TEST(an_offerless_call_is_answered_in_the_ack),
		DIALOG_TEST(hanging_up_before_the_ack_waits_for_it),
		DIALOG_TEST(byes_that_cross_are_both_answered),
		DIALOG_TEST(too_small_an_interval_gets_422),
		DIALOG_TEST(the_session_timer_is_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
