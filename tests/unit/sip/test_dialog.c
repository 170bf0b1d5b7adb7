/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Dialogs in both roles against a peer's own words. */
#include "tests/unit/sip/fixture.h"

#include <unistd.h>

static void an_outbound_call_is_answered_and_hung_up(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	assert_true(sip_peer_header_has(&f->peer, "From",
					"\"Alice\" <sip:+15557654321@"));
	assert_true(sip_peer_header_has(&f->peer, "P-Asserted-Identity",
					"+15557654321"));
	assert_true(sip_peer_header_has(&f->peer, "Max-Forwards", "70"));
	assert_true(sip_peer_header_has(&f->peer, "Supported", "timer"));
	assert_int_equal(sip_peer_header(&f->peer, "Contact", 1).n, 0);
	sip_peer_respond(&f->peer, "100 Trying", "", NULL);
	sip_peer_respond(&f->peer, "183 Session Progress", "",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "ring:183+sdp ");
	sip_peer_respond(&f->peer, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	hang_up(f, 0, 16, "Normal \"clearing\"");
	sip_peer_expect(&f->peer, "BYE ");
	assert_true(sip_peer_header_has(
		&f->peer, "Reason", "Q.850;cause=16;text=\"Normal \\\"cle"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void a_busy_callee_ends_the_call(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	sip_peer_respond(&f->peer, "486 Busy Here",
			 "Reason: Q.850;cause=17;text=\"User busy\"\r\n", NULL);
	expect_log(f, "ended:486 ");
	sip_peer_expect(&f->peer, "ACK ");
	assert_int_equal(f->end.q850, 17);
	assert_string_equal(f->end_text, "User busy");
}

static void cancel_waits_for_a_provisional_response(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	hang_up(f, 487, 16, NULL);
	assert_false(sip_peer_wait(&f->peer, "CANCEL ", 200));
	sip_peer_wait(&f->peer, "INVITE ", 1000);
	sip_peer_respond(&f->peer, "180 Ringing", "", NULL);
	sip_peer_expect(&f->peer, "CANCEL ");
	assert_true(sip_peer_header_has(&f->peer, "Reason", "cause=16"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void a_200_that_crosses_cancel_is_acked_and_byed(void **state)
{
	struct fixture *f = *state;
	char invite[SIP_PEER_TEXT_CAP];

	add_trunk(f, "", "", "");
	call_out(f);
	memcpy(invite, f->peer.last, sizeof(invite));
	sip_peer_respond(&f->peer, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	hang_up(f, 487, 0, NULL);
	f->dialog = sip_dialog_free(f->dialog);
	sip_peer_expect(&f->peer, "CANCEL ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	memcpy(f->peer.last, invite, sizeof(invite));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void a_repeated_200_is_acked_again(void **state)
{
	struct fixture *f = *state;
	char invite[SIP_PEER_TEXT_CAP];

	add_trunk(f, "", "", "");
	call_out(f);
	memcpy(invite, f->peer.last, sizeof(invite));
	for (int i = 0; i < 3; i++) {
		memcpy(f->peer.last, invite, sizeof(invite));
		sip_peer_respond(&f->peer, "200 OK", "",
				 sip_peer_sdp(5000, "sendrecv"));
		sip_peer_expect(&f->peer, "ACK ");
	}
	assert_string_equal(f->log, "answer ");
}

static void another_fork_that_answers_is_acked_and_byed(void **state)
{
	struct fixture *f = *state;
	char invite[SIP_PEER_TEXT_CAP], first_tag[32];

	add_trunk(f, "", "", "");
	call_out(f);
	memcpy(invite, f->peer.last, sizeof(invite));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	memcpy(first_tag, f->peer.local_tag, sizeof(first_tag));
	memcpy(f->peer.local_tag, "other-fork", 11);
	memcpy(f->peer.last, invite, sizeof(invite));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5002, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=other-fork"));
	sip_peer_expect(&f->peer, "BYE ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=other-fork"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	run_ms(f, 30);
	assert_string_equal(f->log, "answer ");
}

static void a_200_without_sdp_takes_the_183s(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	sip_peer_respond(&f->peer, "183 Session Progress", "",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "ring:183+sdp ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "answer ");
}

static void an_answer_that_is_no_sdp_ends_the_call(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out(f);
	f->free_in_ended = true;
	sip_peer_respond(&f->peer, "200 OK", "", "v=0\r\nm=audio 9 UDP @\r\n");
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_expect(&f->peer, "BYE ");
	assert_null(f->dialog);
	assert_non_null(strstr(f->log, "ended:"));
}

static void an_anonymous_call_hides_the_number(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);
	struct sip_dialog_start start = {
		.parties.to = "+15551234567",
		.parties.from = "+15557654321",
		.parties.anonymous = true,
		.offer = offer,
	};

	add_trunk(f, "", "", "");
	start.trunk = f->trunk;
	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 0);
	media_desc_free(offer);
	sip_peer_expect(&f->peer, "INVITE ");
	assert_true(sip_peer_header_has(&f->peer, "From", "anonymous.invalid"));
	assert_false(sip_peer_header_has(&f->peer, "From", "5557654321"));
	assert_false(sip_peer_header_has(&f->peer, "Contact", "5557654321"));
	assert_true(sip_peer_header_has(&f->peer, "Privacy", "id"));
}

static void text_from_elsewhere_cannot_add_headers(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);
	struct sip_dialog_start start = {
		.parties.to = "+1555x@y\" <",
		.parties.from = "+15557654321",
		.parties.display = "a\"\r\nX-Evil: 1\r\n\\",
		.offer = offer,
	};

	add_trunk(f, "", "", "");
	start.trunk = f->trunk;
	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 0);
	sip_peer_expect(&f->peer, "INVITE sip:+1555x%40y%22%20%3C@");
	assert_int_equal(sip_peer_header(&f->peer, "X-Evil", 0).n, 0);
	f->dialog = sip_dialog_free(f->dialog);
	start.parties.to = "1\r\nX-Evil: 1";
	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 -EINVAL);
	start.parties.to = "1;user=other";
	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 -EINVAL);
	media_desc_free(offer);
}

/* ---- digest ---- */

static void challenged(struct fixture *f, const char *status,
		       const char *header)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "%s: Digest realm=\"carrier\", nonce=\"n%u\", "
		 "algorithm=MD5, qop=\"auth\"\r\n",
		 header, f->peer.cseq++);
	sip_peer_respond(&f->peer, status, line, NULL);
	sip_peer_expect(&f->peer, "ACK ");
}

static void a_challenge_is_answered(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "alice", "secret", "carrier");
	call_out(f);
	challenged(f, "407 Proxy Authentication Required",
		   "Proxy-Authenticate");
	sip_peer_expect(&f->peer, "INVITE ");
	assert_true(sip_peer_header_has(&f->peer, "Proxy-Authorization",
					"username=\"alice\""));
	assert_true(sip_peer_header_has(&f->peer, "CSeq", "INVITE"));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	/* RFC 3261, 13.2.2.4 */
	assert_true(sip_peer_header_has(&f->peer, "Proxy-Authorization",
					"username=\"alice\""));
	expect_log(f, "answer ");
}

static void a_wrong_password_is_tried_twice(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "alice", "wrong", "");
	call_out(f);
	for (int i = 0; i < 2; i++) {
		challenged(f, "401 Unauthorized", "WWW-Authenticate");
		sip_peer_expect(&f->peer, "INVITE ");
	}
	challenged(f, "401 Unauthorized", "WWW-Authenticate");
	expect_log(f, "ended:401 ");
	assert_false(sip_peer_wait(&f->peer, "INVITE ", 200));
}

/* Those of a call in, once it is known whose it is. */
static void a_challenge_inside_a_call_in_is_answered(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDONLY);

	add_trunk(f, "alice", "secret", "");
	call_in_up(f);
	assert_int_equal(sip_dialog_set_trunk(f->dialog, f->trunk), 0);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	media_desc_free(offer);
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "407 Proxy Authentication Required",
			 "Proxy-Authenticate: Digest realm=\"x\", "
			 "nonce=\"1\"\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_expect(&f->peer, "INVITE ");
	assert_true(sip_peer_header_has(&f->peer, "Proxy-Authorization",
					"username=\"alice\""));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
}

static void another_realm_gets_no_credentials(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "alice", "secret", "other");
	call_out(f);
	challenged(f, "401 Unauthorized", "WWW-Authenticate");
	expect_log(f, "ended:401 ");
}

/* ---- inbound ---- */

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

	aim_in(f);
	sip_peer_request(&f->peer, "INVITE", "Expires: 1\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	assert_true(sip_peer_wait(&f->peer, "SIP/2.0 487", 2000));
	sip_peer_request_ack(&f->peer);
	expect_log(f, "ended:487 ");
	/* An answer in time is for good. */
	f->dialog = sip_dialog_free(f->dialog);
	aim_in(f);
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
	char uri[128];

	snprintf(uri, sizeof(uri), "sip:+15557654321@%s",
		 addr_text(&f->peer.target).s);
	sip_peer_dialog(&f->peer, uri);
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

static void what_another_process_could_not_end_is_told(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "alice", "secret", "");
	call_out(f);
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	assert_false(sip_agent_is_asking(f->agent));
	hang_up(f, 0, 16, NULL);
	f->dialog = sip_dialog_free(f->dialog);
	assert_true(sip_agent_is_asking(f->agent));
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Digest realm=\"x\", "
			 "nonce=\"n\", qop=\"auth\"\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "BYE ");
	assert_true(sip_agent_is_asking(f->agent));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	run_ms(f, 50);
	assert_false(sip_agent_is_asking(f->agent));
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

/* ---- session timers ---- */

static void too_small_an_interval_gets_422(void **state)
{
	struct fixture *f = *state;
	char uri[128];

	snprintf(uri, sizeof(uri), "sip:+15557654321@%s",
		 addr_text(&f->peer.target).s);
	sip_peer_dialog(&f->peer, uri);
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
	char uri[128];

	snprintf(uri, sizeof(uri), "sip:+15557654321@%s",
		 addr_text(&f->peer.target).s);
	sip_peer_dialog(&f->peer, uri);
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
		DIALOG_TEST(an_outbound_call_is_answered_and_hung_up),
		DIALOG_TEST(a_busy_callee_ends_the_call),
		DIALOG_TEST(cancel_waits_for_a_provisional_response),
		DIALOG_TEST(a_200_that_crosses_cancel_is_acked_and_byed),
		DIALOG_TEST(a_repeated_200_is_acked_again),
		DIALOG_TEST(another_fork_that_answers_is_acked_and_byed),
		DIALOG_TEST(a_200_without_sdp_takes_the_183s),
		DIALOG_TEST(an_answer_that_is_no_sdp_ends_the_call),
		DIALOG_TEST(an_anonymous_call_hides_the_number),
		DIALOG_TEST(text_from_elsewhere_cannot_add_headers),
		DIALOG_TEST(a_challenge_is_answered),
		DIALOG_TEST(a_wrong_password_is_tried_twice),
		DIALOG_TEST(a_challenge_inside_a_call_in_is_answered),
		DIALOG_TEST(another_realm_gets_no_credentials),
		DIALOG_TEST(an_inbound_call_rings_is_answered_and_byed),
		DIALOG_TEST(an_unacked_200_is_repeated),
		DIALOG_TEST(a_cancelled_call_gets_487),
		DIALOG_TEST(an_invitation_that_expires_gets_487),
		DIALOG_TEST(a_refused_call_gets_its_status),
		DIALOG_TEST(an_offerless_call_is_answered_in_the_ack),
		DIALOG_TEST(hanging_up_before_the_ack_waits_for_it),
		DIALOG_TEST(what_another_process_could_not_end_is_told),
		DIALOG_TEST(byes_that_cross_are_both_answered),
		DIALOG_TEST(too_small_an_interval_gets_422),
		DIALOG_TEST(the_session_timer_is_agreed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
