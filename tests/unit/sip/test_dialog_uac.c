/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The INVITE we send (RFC 3261, 13.2), against a peer's own words. */
#include "tests/unit/sip/fixture.h"

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
	sip_peer_respond_to(&f->peer, invite, "200 OK", "",
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
		sip_peer_respond_to(&f->peer, invite, "200 OK", "",
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
	sip_peer_respond_to(&f->peer, invite, "200 OK", "",
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
		DIALOG_TEST(what_another_process_could_not_end_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
