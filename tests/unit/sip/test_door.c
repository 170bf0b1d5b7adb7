/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who is heard at all, and how much of each: strangers, floods, STUN. */
#include "tests/unit/sip/fixture.h"

static void half_open_calls_are_limited(void **state)
{
	struct fixture *f = *state;
	struct sip_dialog *dialogs[400];

	for (int i = 0; i < 400; i++) {
		aim(f, "sip");
		sip_peer_request(&f->peer, "INVITE", "", NULL);
		sip_peer_expect(&f->peer, "SIP/2.0 100");
		dialogs[i] = f->dialog;
	}
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 503");
	assert_true(sip_peer_header(&f->peer, "Retry-After", 0).n > 0);
	for (int i = 0; i < 400; i++)
		sip_dialog_free(dialogs[i]);
	f->dialog = NULL;
	run_ms(f, 20);
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	expect_log(f, "invite ");
}

enum { FEW_CALLS = 2, FEW_REQUESTS = 20 };

static int set_up_with_few_each(void **state)
{
	fixture_half_open_each = FEW_CALLS;
	fixture_requests_each = FEW_REQUESTS;
	return set_up(state);
}

static int tear_down_with_few_each(void **state)
{
	fixture_half_open_each = 400;
	fixture_requests_each = 500;
	return tear_down(state);
}

static void half_open_calls_of_one_address_are_limited(void **state)
{
	struct fixture *f = *state;
	struct sip_dialog *first;

	call_in(f);
	first = f->dialog;
	call_in(f);
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 503");
	assert_true(sip_peer_header(&f->peer, "Retry-After", 0).n > 0);
	sip_peer_request_ack(&f->peer);
	assert_int_equal(f->invites, 2);
	sip_dialog_free(first);
	sip_peer_expect(&f->peer, "SIP/2.0 480");
	call_in(f);
	answer_in(f); /* it does not ring any more */
	call_in(f);
}

static void count_answers(struct fixture *f, unsigned wait_ms, unsigned *served,
			  unsigned *refused)
{
	while (sip_peer_next(&f->peer, wait_ms)) {
		*served += !strncmp(f->peer.last, "SIP/2.0 200", 11);
		*refused += !strncmp(f->peer.last, "SIP/2.0 503", 11);
	}
}

/* A trunk gone mad, or its address forged: 503, then silence. */
static void a_flood_of_a_trunk_gets_503_and_its_calls_go_on(void **state)
{
	enum { SENT = 20 * FEW_REQUESTS };
	struct fixture *f = *state;
	unsigned served = 0, refused = 0;

	call_in_up(f);
	struct sip_peer in_call = f->peer;
	for (unsigned i = 0; i < SENT; i++) {
		aim(f, "sip");
		sip_peer_request(&f->peer, "OPTIONS", "", NULL);
		count_answers(f, 0, &served, &refused);
	}
	f->peer = in_call;
	sip_peer_request(&f->peer, "BYE", "", NULL);
	expect_log(f, "ended:0 ");
	count_answers(f, 100, &served, &refused);
	assert_in_range(served, FEW_REQUESTS, SENT / 2);
	assert_in_range(refused, FEW_REQUESTS, SENT / 2);
	assert_in_range(served + refused, 4 * FEW_REQUESTS, SENT - 1);
}

static void strangers_get_one_answer_and_then_silence(void **state)
{
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 403");
	for (int i = 0; i < 20; i++)
		sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	assert_false(sip_peer_next(&f->peer, 200));
	assert_int_equal(f->invites, 0);
}

/* @pad octets of a header that no answer repeats. */
static size_t ask_padded(struct fixture *f, int pad)
{
	char text[2048];

	snprintf(
		text, sizeof(text),
		"OPTIONS sip:1@x SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK%d"
		";rport\r\nf: <sip:a@b>;tag=1\r\nt: <sip:1@x>\r\n"
		"i: %d\r\nCSeq: 1 OPTIONS\r\nPad: %.*s\r\nl: 0\r\n\r\n",
		pad, pad, pad,
		"............................................................"
		"............................................................"
		"............................................................"
		"............................................................");
	sip_peer_send(&f->peer, text, strlen(text));
	return strlen(text);
}

static void a_forged_source_gets_no_more_than_was_sent(void **state)
{
	struct fixture *f = *state;
	bool answered = false;

	f->trust = SIP_STRANGER;
	for (int pad = 1; pad < 240 && !answered; pad += 40) {
		size_t sent = ask_padded(f, pad);

		answered = sip_peer_next(&f->peer, 200);
		if (answered)
			assert_in_range(strlen(f->peer.last), 1, sent);
		else
			run_ms(f, 1000); /* for the next answer */
	}
	assert_true(answered);
}

/* sofia would answer those by itself. */
static void a_strangers_malformed_requests_get_silence(void **state)
{
	static const char *const texts[] = {
		"OPTIONS sip:1@x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nx: y\r\n\r\n",
		"OPTIONS\r\n\r\n",
		"\r\n\r\n",
		"OPTIONS sip:1@x SIP/3.0\r\n\r\n",
		"OPTIONS sip:1@x SIP/2.0",
	};
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		sip_peer_send(&f->peer, texts[i], strlen(texts[i]));
		assert_false(sip_peer_next(&f->peer, 50));
	}
}

/* A carrier hangs up from where it likes. */
static void a_stranger_who_knows_the_call_is_heard(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	f->trust = SIP_STRANGER;
	sip_peer_request(&f->peer, "BYE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "ended:0 ");
}

static void stun_gets_silence(void **state)
{
	static const char binding[20] = { 0x00, 0x01, 0x00,       0x00,
					  0x21, 0x12, (char)0xa4, 0x42 };
	struct fixture *f = *state;

	sip_peer_send(&f->peer, binding, sizeof(binding));
	assert_false(sip_peer_next(&f->peer, 200));
	/* And SIP is still heard. */
	aim(f, "sip");
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

#define DOOR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define FEW_TEST(name)                                              \
	cmocka_unit_test_setup_teardown(name, set_up_with_few_each, \
					tear_down_with_few_each)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOOR_TEST(half_open_calls_are_limited),
		FEW_TEST(half_open_calls_of_one_address_are_limited),
		FEW_TEST(a_flood_of_a_trunk_gets_503_and_its_calls_go_on),
		DOOR_TEST(strangers_get_one_answer_and_then_silence),
		DOOR_TEST(a_forged_source_gets_no_more_than_was_sent),
		DOOR_TEST(a_strangers_malformed_requests_get_silence),
		DOOR_TEST(a_stranger_who_knows_the_call_is_heard),
		DOOR_TEST(stun_gets_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
