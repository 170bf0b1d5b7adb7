/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Inside a dialog: hold, offers that cross, digits, requests. */
#include "tests/unit/sip/fixture.h"

/* ---- offers inside ---- */

static void the_peer_holds_and_resumes(void **state)
{
	struct fixture *f = *state;
	struct media_desc *answer = make_desc(4000, MEDIA_RECVONLY);

	call_in_up(f);
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendonly"));
	expect_log(f, "offer ");
	assert_int_equal(f->dir, MEDIA_SENDONLY);
	assert_int_equal(sip_dialog_answer(f->dialog, answer), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_non_null(strstr(f->peer.last, "a=recvonly"));
	sip_peer_request(&f->peer, "ACK", "", NULL);
	sip_peer_request(&f->peer, "UPDATE", "",
			 sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "offer offer ");
	answer_in(f);
	media_desc_free(answer);
}

static void a_repeated_offer_is_answered_without_asking(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_non_null(strstr(f->peer.last, "m=audio 4000"));
	sip_peer_request(&f->peer, "ACK", "", NULL);
	run_ms(f, 30);
	assert_string_equal(f->log, "");
}

static void we_hold_and_the_peer_answers(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDONLY);

	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), SIP_E_STATE);
	sip_peer_expect(&f->peer, "INVITE ");
	assert_non_null(strstr(f->peer.last, "a=sendonly"));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	assert_int_equal(f->dir, MEDIA_RECVONLY);
	media_desc_free(offer);
}

static void our_offer_can_be_refused(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4002, MEDIA_SENDRECV);

	call_in_up(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "488 Not Acceptable Here", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "refused:488 ");
	media_desc_free(offer);
}

static void offers_that_cross_get_491_and_ours_is_repeated(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDONLY);
	char ours[SIP_PEER_TEXT_CAP];

	call_in_up(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	memcpy(ours, f->peer.last, sizeof(ours));
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendonly"));
	sip_peer_expect(&f->peer, "SIP/2.0 491");
	sip_peer_request(&f->peer, "ACK", "", NULL);
	sip_peer_respond_to(&f->peer, ours, "491 Request Pending", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	expect_log(f, "answer ");
	media_desc_free(offer);
}

static void their_offer_overtakes_ours_and_that_is_told(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDONLY);

	/* Ours waits two seconds and more: the call is ours (14.1). */
	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "491 Request Pending", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendonly"));
	expect_log(f, "offer refused:0 ");
	sip_dialog_refuse(f->dialog, 488);
	sip_peer_expect(&f->peer, "SIP/2.0 488");
	sip_peer_request_ack(&f->peer);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	media_desc_free(offer);
}

static void a_second_offer_while_one_is_open_gets_500(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendonly"));
	expect_log(f, "offer ");
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "inactive"));
	sip_peer_expect(&f->peer, "SIP/2.0 500");
	assert_true(sip_peer_header(&f->peer, "Retry-After", 0).n > 0);
	sip_dialog_refuse(f->dialog, 488);
	sip_peer_expect(&f->peer, "SIP/2.0 488");
}

static void an_offerless_reinvite_asks_for_our_offer(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	expect_log(f, "offer:none ");
	answer_in(f);
	sip_peer_request(&f->peer, "ACK", "", sip_peer_sdp(5004, "sendrecv"));
	expect_log(f, "late-answer ");
}

/* It was to be in the ACK: the call goes on as it was. */
static void an_ack_without_the_answer_changes_nothing(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	expect_log(f, "offer:none ");
	forget_log(f);
	answer_in(f);
	sip_peer_request(&f->peer, "ACK", "", NULL);
	run_ms(f, 30);
	assert_string_equal(f->log, "");
	hang_up(f, 0, 16, NULL);
}

static void a_200_without_an_answer_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4002, MEDIA_SENDONLY);

	call_in_up(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "refused:488 ");
	media_desc_free(offer);
	hang_up(f, 0, 16, NULL);
}

/* ---- other requests inside ---- */

static void a_request_outlives_its_trunk_without_its_password(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "alice", "secret", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_digit(f->dialog, '5', 100), 0);
	sip_peer_expect(&f->peer, "INFO ");
	f->dialog = sip_dialog_free(f->dialog);
	f->trunk = sip_trunk_free(f->trunk);
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Digest realm=\"x\", "
			 "nonce=\"n\"\r\n",
			 NULL);
	assert_false(sip_peer_wait(&f->peer, "INFO ", 150));
}

static void digits_come_and_go_in_info(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	sip_peer_request(&f->peer, "INFO",
			 "Content-Type: application/dtmf-relay\r\n",
			 "Signal=5\r\nDuration=200\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "digit:5/200 ");
	sip_peer_request(&f->peer, "INFO", "Content-Type: application/dtmf\r\n",
			 "#");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "digit:#/160 ");
	sip_peer_request(&f->peer, "INFO",
			 "Content-Type: application/media_control+xml\r\n",
			 "<x/>");
	sip_peer_expect(&f->peer, "SIP/2.0 415");
	assert_int_equal(sip_dialog_digit(f->dialog, '9', 100), 0);
	sip_peer_expect(&f->peer, "INFO ");
	assert_non_null(strstr(f->peer.last, "Signal=9\r\nDuration=100"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	assert_int_equal(sip_dialog_digit(f->dialog, 'x', 100), -EINVAL);
}

static void a_digit_that_meets_481_ends_the_call(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	assert_int_equal(sip_dialog_digit(f->dialog, '9', 100), 0);
	sip_peer_expect(&f->peer, "INFO ");
	sip_peer_respond(&f->peer, "481 Call Does Not Exist", "", NULL);
	expect_log(f, "ended:481 ");
	sip_peer_expect(&f->peer, "BYE ");
}

static void requests_inside_get_one_right_answer(void **state)
{
	static const struct {
		const char *method, *headers, *body, *answer;
	} cases[] = {
		{ "OPTIONS", "", NULL, "SIP/2.0 200" },
		{ "PRACK", "RAck: 1 1 INVITE\r\n", NULL, "SIP/2.0 481" },
		{ "REFER", "Refer-To: <sip:x@y>\r\n", NULL, "SIP/2.0 405" },
		{ "MESSAGE", "Content-Type: text/plain\r\n", "hi",
		  "SIP/2.0 405" },
		{ "FROB", "", NULL, "SIP/2.0 501" },
		{ "INVITE", "Require: 100rel\r\n", NULL, "SIP/2.0 420" },
		{ "INVITE", "Content-Type: text/plain\r\n", "hi",
		  "SIP/2.0 415" },
		{ "INVITE", "", "m=audio 9 UDP @\r\n", "SIP/2.0 4" },
		{ "INFO", "", NULL, "SIP/2.0 200" },
		{ "INFO", "Info-Package: dance\r\n", NULL, "SIP/2.0 469" },
		{ "UPDATE", "", NULL, "SIP/2.0 200" },
	};
	struct fixture *f = *state;

	call_in_up(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		sip_peer_request(&f->peer, cases[i].method, cases[i].headers,
				 cases[i].body);
		sip_peer_expect(&f->peer, cases[i].answer);
		if (!strcmp(cases[i].method, "INVITE"))
			sip_peer_request(&f->peer, "ACK", "", NULL);
	}
	f->peer.cseq -= 5;
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 500");
}

/* RFC 3261, 12.2.2: who knows the Call-ID alone is not heard, though sofia
 * takes such a tag for any. */
static void a_tag_without_a_value_names_no_dialog(void **state)
{
	struct fixture *f = *state;
	char text[1024];

	call_in_up(f);
	for (int i = 0; i < 3; i++) {
		int n = snprintf(
			text, sizeof(text),
			"BYE sip:x@127.0.0.1 SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s;branch=z9hG4bKe%d;rport\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:a@b>;tag%s%s\r\n"
			"To: <sip:x@127.0.0.1>;tag%s%s\r\nCall-ID: %s\r\n"
			"CSeq: 9%d BYE\r\nContent-Length: 0\r\n\r\n",
			addr_text(&f->peer.at).s, i, i == 1 ? "=" : "",
			i == 1 ? f->peer.local_tag : "", i == 2 ? "=" : "",
			i == 2 ? f->peer.remote_tag : "", f->peer.call_id, i);

		assert_in_range(n, 1, sizeof(text) - 1);
		struct sip_peer was = f->peer;
		sip_peer_send(&f->peer, text, (size_t)n);
		sip_peer_expect(&f->peer, "SIP/2.0 481");
		f->peer = was;
	}
	assert_string_equal(f->log, "");
	hang_up(f, 0, 16, NULL);
}

/* It says that it is at a port where nobody is. */
static void who_is_not_where_it_says_is_called_back(void **state)
{
	struct fixture *f = *state;
	uint16_t port = addr_port(&f->peer.at);

	addr_set_port(&f->peer.at, 1);
	call_in_up(f);
	addr_set_port(&f->peer.at, port);
	hang_up(f, 0, 16, NULL);
	sip_peer_expect(&f->peer, "BYE ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

/* And what it answers there is acknowledged there. */
static void the_ack_goes_where_its_invite_went(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4000, MEDIA_SENDONLY);

	addr_set_port(&f->peer.at, 1);
	call_in_up(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	media_desc_free(offer);
}

/* Hops count on the way, and this is its end. */
static void a_bye_may_have_no_hops_left(void **state)
{
	struct fixture *f = *state;
	char text[1024];

	call_in_up(f);
	int n = snprintf(text, sizeof(text),
			 "BYE sip:x@127.0.0.1 SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP %s;branch=z9hG4bKmf0;rport\r\n"
			 "Max-Forwards: 0\r\nFrom: <sip:a@b>;tag=%s\r\n"
			 "To: <sip:x@127.0.0.1>;tag=%s\r\nCall-ID: %s\r\n"
			 "CSeq: %u BYE\r\nContent-Length: 0\r\n\r\n",
			 addr_text(&f->peer.at).s, f->peer.local_tag,
			 f->peer.remote_tag, f->peer.call_id, f->peer.cseq + 1);

	assert_in_range(n, 1, sizeof(text) - 1);
	sip_peer_send(&f->peer, text, (size_t)n);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "ended:0 ");
}

#define DIALOG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOG_TEST(the_peer_holds_and_resumes),
		DIALOG_TEST(a_repeated_offer_is_answered_without_asking),
		DIALOG_TEST(we_hold_and_the_peer_answers),
		DIALOG_TEST(our_offer_can_be_refused),
		DIALOG_TEST(offers_that_cross_get_491_and_ours_is_repeated),
		DIALOG_TEST(their_offer_overtakes_ours_and_that_is_told),
		DIALOG_TEST(a_second_offer_while_one_is_open_gets_500),
		DIALOG_TEST(an_offerless_reinvite_asks_for_our_offer),
		DIALOG_TEST(an_ack_without_the_answer_changes_nothing),
		DIALOG_TEST(a_200_without_an_answer_changes_nothing),
		DIALOG_TEST(a_request_outlives_its_trunk_without_its_password),
		DIALOG_TEST(a_digit_that_meets_481_ends_the_call),
		DIALOG_TEST(who_is_not_where_it_says_is_called_back),
		DIALOG_TEST(the_ack_goes_where_its_invite_went),
		DIALOG_TEST(a_bye_may_have_no_hops_left),
		DIALOG_TEST(digits_come_and_go_in_info),
		DIALOG_TEST(requests_inside_get_one_right_answer),
		DIALOG_TEST(a_tag_without_a_value_names_no_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
