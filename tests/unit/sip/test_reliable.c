/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Reliable provisional responses and PRACK (RFC 3262), UPDATE before the answer
 * (RFC 3311), and forks.
 */
#include "tests/unit/sip/fixture.h"

#include "sip/dialog_int.h"

#define RELIABLE(n) "Require: 100rel\r\nRSeq: " #n "\r\n"

static int set_up_reliable(void **state)
{
	int r = set_up(state);

	fx->policy.prack = true;
	return r;
}

static char invite[SIP_PEER_TEXT_CAP];

static void call_out_kept(struct fixture *f)
{
	add_trunk(f, "", "", "");
	call_out(f);
	memcpy(invite, f->peer.last, sizeof(invite));
}

/* ---- as client ---- */

static void without_the_policy_nothing_is_reliable(void **state)
{
	struct fixture *f = *state;

	f->policy.prack = false;
	call_out_kept(f);
	assert_false(sip_peer_header_has(&f->peer, "Supported", "100rel"));
	assert_false(sip_peer_header_has(&f->peer, "Allow", "PRACK"));
}

static void a_reliable_183_is_pracked_once(void **state)
{
	struct fixture *f = *state;

	call_out_kept(f);
	assert_true(sip_peer_header_has(&f->peer, "Supported", "100rel"));
	assert_true(sip_peer_header_has(&f->peer, "Allow", "PRACK"));
	for (int i = 0; i < 2; i++)
		sip_peer_respond_to(&f->peer, invite, "183 Session Progress",
				    RELIABLE(7),
				    sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "PRACK ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag="));
	assert_true(sip_peer_header_has(&f->peer, "RAck", "7 "));
	assert_true(sip_peer_header_has(&f->peer, "RAck", " INVITE"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	/* One that was skipped is not acknowledged, and does not ring. */
	sip_peer_respond_to(&f->peer, invite, "180 Ringing", RELIABLE(9), NULL);
	assert_false(sip_peer_wait(&f->peer, "PRACK ", 200));
	sip_peer_respond_to(&f->peer, invite, "180 Ringing", RELIABLE(8), NULL);
	sip_peer_expect(&f->peer, "PRACK ");
	assert_true(sip_peer_header_has(&f->peer, "RAck", "8 "));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "ring:183+sdp ring:180 ");
	/* The answer was there already: another one does not count. */
	sip_peer_respond_to(&f->peer, invite, "200 OK", "",
			    sip_peer_sdp(6000, "sendonly"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	assert_int_equal(f->dir, MEDIA_SENDRECV);
}

static unsigned cseq_of(const struct sip_peer *peer)
{
	return (unsigned)strtoul(sip_peer_header(peer, "CSeq", 0).p, NULL, 10);
}

static void requests_after_a_prack_have_a_higher_cseq(void **state)
{
	struct fixture *f = *state;
	struct sip_hangup why = { .q850 = 16 };
	unsigned prack;

	call_out_kept(f);
	sip_peer_respond_to(&f->peer, invite, "180 Ringing", RELIABLE(1), NULL);
	sip_peer_expect(&f->peer, "PRACK ");
	prack = cseq_of(&f->peer);
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	sip_peer_respond_to(&f->peer, invite, "200 OK", "",
			    sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	assert_int_equal(cseq_of(&f->peer), prack - 1);
	sip_dialog_hangup(f->dialog, &why);
	sip_peer_expect(&f->peer, "BYE ");
	assert_int_equal(cseq_of(&f->peer), prack + 1);
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void set_tag(struct fixture *f, const char *tag)
{
	snprintf(f->peer.local_tag, sizeof(f->peer.local_tag), "%s", tag);
}

static void each_fork_is_pracked_and_the_first_2xx_wins(void **state)
{
	struct fixture *f = *state;

	call_out_kept(f);
	set_tag(f, "one");
	sip_peer_respond_to(&f->peer, invite, "183 Session Progress",
			    RELIABLE(1), sip_peer_sdp(5000, "sendonly"));
	sip_peer_expect(&f->peer, "PRACK ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=one"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	set_tag(f, "two");
	sip_peer_respond_to(&f->peer, invite, "180 Ringing", RELIABLE(1), NULL);
	sip_peer_expect(&f->peer, "PRACK ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=two"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	sip_peer_respond_to(&f->peer, invite, "200 OK", "",
			    sip_peer_sdp(5002, "recvonly"));
	sip_peer_expect(&f->peer, "ACK ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=two"));
	expect_log(f, "answer ");
	assert_int_equal(f->dir, MEDIA_RECVONLY);
	/* The first one answers too: its BYE comes behind its PRACK. */
	set_tag(f, "one");
	sip_peer_respond_to(&f->peer, invite, "200 OK", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=one"));
	sip_peer_expect(&f->peer, "BYE ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag=one"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

/* ---- as server ---- */

static void call_in_with(struct fixture *f, const char *headers,
			 const char *body)
{
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", headers, body);
}

static void prack_of(struct fixture *f, unsigned cseq, const char *body)
{
	char rack[64];
	struct slice rseq = sip_peer_header(&f->peer, "RSeq", 0);

	assert_true(rseq.n > 0);
	snprintf(rack, sizeof(rack), "RAck: %.*s %u INVITE\r\n",
		 SLICE_ARG(rseq), cseq);
	sip_peer_request(&f->peer, "PRACK", rack, body);
}

static void prack(struct fixture *f, const char *body)
{
	prack_of(f, f->peer.cseq, body);
}

static void required_but_not_allowed_gets_420(void **state)
{
	struct fixture *f = *state;

	f->policy.prack = false;
	call_in_with(f, "Require: 100rel\r\n", sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 420");
	assert_true(sip_peer_header_has(&f->peer, "Unsupported", "100rel"));
	assert_int_equal(f->invites, 0);
}

static void ringing_is_repeated_until_its_prack(void **state)
{
	struct fixture *f = *state;
	char first[32];

	call_in_with(f, "Require: 100rel\r\n", sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 180");
	assert_true(sip_peer_header_has(&f->peer, "Require", "100rel"));
	snprintf(first, sizeof(first), "%.*s",
		 SLICE_ARG(sip_peer_header(&f->peer, "RSeq", 0)));
	/* Another one waits for the first. */
	assert_int_equal(sip_dialog_ring(f->dialog, 183, NULL), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 180");
	assert_true(sip_peer_header_has(&f->peer, "RSeq", first));
	prack(f, NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "CSeq", "PRACK"));
	sip_peer_expect(&f->peer, "SIP/2.0 183");
	assert_int_equal(
		strtoul(sip_peer_header(&f->peer, "RSeq", 0).p, NULL, 10),
		strtoul(first, NULL, 10) + 1);
	/* A PRACK of something else has no match. */
	sip_peer_request(&f->peer, "PRACK", "RAck: 999 1 INVITE\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 481");
}

static void a_repetition_says_what_was_said(void **state)
{
	struct fixture *f = *state;
	struct media_desc *one = make_desc(4000, MEDIA_SENDRECV);
	struct media_desc *two = make_desc(4002, MEDIA_SENDRECV);
	unsigned cseq;

	call_in_with(f, "Require: 100rel\r\n", sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	cseq = f->peer.cseq;
	assert_int_equal(sip_dialog_ring(f->dialog, 183, one), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 183");
	/* Meanwhile there is another description, which waits for its turn. */
	assert_int_equal(sip_dialog_ring(f->dialog, 183, two), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 183");
	assert_non_null(strstr(sip_peer_body(&f->peer).p, "m=audio 4000"));
	/* RFC 3262, 3: of another request it acknowledges nothing. */
	sip_peer_request(&f->peer, "PRACK", "RAck: 1 4711 INVITE\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 481");
	sip_peer_expect(&f->peer, "SIP/2.0 183");
	prack_of(f, cseq, NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_expect(&f->peer, "SIP/2.0 183");
	assert_non_null(strstr(sip_peer_body(&f->peer).p, "m=audio 4002"));
	media_desc_free(one);
	media_desc_free(two);
}

static void no_200_goes_before_the_prack_of_our_answer(void **state)
{
	struct fixture *f = *state;
	struct media_desc *answer = make_desc(4000, MEDIA_SENDRECV);
	char reply[SIP_PEER_TEXT_CAP];

	call_in_with(f, "Supported: 100rel\r\n",
		     sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	assert_int_equal(sip_dialog_ring(f->dialog, 183, answer), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 183");
	memcpy(reply, f->peer.last, sizeof(reply));
	assert_int_equal(sip_dialog_answer(f->dialog, answer), 0);
	assert_false(sip_peer_wait(&f->peer, "SIP/2.0 200", 200));
	memcpy(f->peer.last, reply, sizeof(reply));
	prack(f, NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "CSeq", "PRACK"));
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "CSeq", "INVITE"));
	media_desc_free(answer);
}

static void nobody_who_pracks_ends_the_call(void **state)
{
	struct fixture *f = *state;

	call_in_with(f, "Require: 100rel\r\n", sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	f->dialog->reliable.give_up_ms = clock_ms();
	sip_peer_expect(&f->peer, "SIP/2.0 504");
	expect_log(f, "ended:504 ");
}

static void offerless_and_required_rings_silently(void **state)
{
	struct fixture *f = *state;

	call_in_with(f, "Require: 100rel\r\n", NULL);
	expect_log(f, "invite ");
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	assert_false(sip_peer_wait(&f->peer, "SIP/2.0 180", 150));
	answer_in(f);
	assert_true(sip_peer_body(&f->peer).n > 0);
}

/* ---- offers before the answer ---- */

static void an_update_before_the_answer_is_answered(void **state)
{
	struct fixture *f = *state;
	struct media_desc *answer = make_desc(4000, MEDIA_RECVONLY);

	call_out_kept(f);
	sip_peer_respond_to(&f->peer, invite, "183 Session Progress",
			    RELIABLE(1), sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "PRACK ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "ring:183+sdp ");
	sip_peer_request(&f->peer, "UPDATE", "",
			 sip_peer_sdp(5008, "sendonly"));
	expect_log(f, "offer ");
	assert_int_equal(f->dir, MEDIA_SENDONLY);
	assert_int_equal(sip_dialog_answer(f->dialog, answer), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_non_null(strstr(f->peer.last, "a=recvonly"));
	sip_peer_respond_to(&f->peer, invite, "200 OK", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	assert_int_equal(f->dir, MEDIA_SENDONLY);
	media_desc_free(answer);
}

static void we_update_before_the_answer(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4010, MEDIA_SENDONLY);

	call_out_kept(f);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), SIP_E_STATE);
	sip_peer_respond_to(&f->peer, invite, "183 Session Progress",
			    RELIABLE(1) "Allow: INVITE, ACK, PRACK, UPDATE\r\n",
			    sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "PRACK ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "UPDATE ");
	assert_true(sip_peer_header_has(&f->peer, "To", "tag="));
	assert_non_null(strstr(f->peer.last, "m=audio 4010"));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	expect_log(f, "answer ");
	sip_peer_respond_to(&f->peer, invite, "200 OK", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer answer ");
	assert_non_null(strstr(f->dialog->local_sdp, "m=audio 4010"));
	media_desc_free(offer);
}

static void an_update_that_met_491_comes_again(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4010, MEDIA_SENDONLY);

	call_out_kept(f);
	sip_peer_respond_to(&f->peer, invite, "183 Session Progress",
			    RELIABLE(1) "Allow: INVITE, ACK, PRACK, UPDATE\r\n",
			    sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "PRACK ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "UPDATE ");
	sip_peer_respond(&f->peer, "491 Request Pending", "", NULL);
	/* RFC 3261, 14.1: 2.1 to 4 s. */
	assert_true(sip_peer_wait(&f->peer, "UPDATE ", 4500));
	assert_non_null(strstr(f->peer.last, "m=audio 4010"));
	sip_peer_respond(&f->peer, "200 OK", "",
			 sip_peer_sdp(5000, "recvonly"));
	expect_log(f, "answer ");
	media_desc_free(offer);
}

/* What waits must not keep the answered call from offers of ours. */
static void an_update_that_cannot_come_again_is_given_back(void **state)
{
	struct fixture *f = *state;
	struct media_desc *offer = make_desc(4010, MEDIA_SENDONLY);

	call_out_kept(f);
	sip_peer_respond_to(&f->peer, invite, "183 Session Progress",
			    RELIABLE(1) "Allow: INVITE, ACK, PRACK, UPDATE\r\n",
			    sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "PRACK ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "UPDATE ");
	sip_peer_respond(&f->peer, "491 Request Pending", "", NULL);
	run_ms(f, 30);
	assert_int_equal(f->dialog->offer, OFFER_RETRY);
	sip_peer_respond_to(&f->peer, invite, "180 Ringing",
			    "Allow: INVITE, ACK\r\n", NULL);
	expect_log(f, "ring:183+sdp ring:180 ");
	dialog_reoffer_again(f->dialog);
	expect_log(f, "ring:183+sdp ring:180 refused:0 ");
	assert_int_equal(f->dialog->offer, OFFER_NONE);
	sip_peer_respond_to(&f->peer, invite, "200 OK", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	assert_int_equal(sip_dialog_offer(f->dialog, offer), 0);
	sip_peer_expect(&f->peer, "INVITE ");
	media_desc_free(offer);
}

static void an_update_meets_an_open_offer(void **state)
{
	struct fixture *f = *state;

	/* Ours is not answered. */
	call_out_kept(f);
	sip_peer_respond_to(&f->peer, invite, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	sip_peer_request(&f->peer, "UPDATE", "",
			 sip_peer_sdp(5008, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 491");
	f->dialog = sip_dialog_free(f->dialog);
	/* Theirs is not. */
	call_in_with(f, "", sip_peer_sdp(5000, "sendrecv"));
	expect_log(f, "invite ");
	sip_peer_expect(&f->peer, "SIP/2.0 100");
	assert_int_equal(sip_dialog_ring(f->dialog, 180, NULL), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 180");
	sip_peer_request(&f->peer, "UPDATE", "",
			 sip_peer_sdp(5008, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 500");
	assert_true(sip_peer_header(&f->peer, "Retry-After", 0).n > 0);
	sip_peer_request(&f->peer, "UPDATE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

#define RELIABLE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_reliable, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RELIABLE_TEST(without_the_policy_nothing_is_reliable),
		RELIABLE_TEST(a_reliable_183_is_pracked_once),
		RELIABLE_TEST(requests_after_a_prack_have_a_higher_cseq),
		RELIABLE_TEST(each_fork_is_pracked_and_the_first_2xx_wins),
		RELIABLE_TEST(required_but_not_allowed_gets_420),
		RELIABLE_TEST(ringing_is_repeated_until_its_prack),
		RELIABLE_TEST(a_repetition_says_what_was_said),
		RELIABLE_TEST(no_200_goes_before_the_prack_of_our_answer),
		RELIABLE_TEST(nobody_who_pracks_ends_the_call),
		RELIABLE_TEST(offerless_and_required_rings_silently),
		RELIABLE_TEST(an_update_before_the_answer_is_answered),
		RELIABLE_TEST(we_update_before_the_answer),
		RELIABLE_TEST(an_update_that_met_491_comes_again),
		RELIABLE_TEST(an_update_that_cannot_come_again_is_given_back),
		RELIABLE_TEST(an_update_meets_an_open_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
