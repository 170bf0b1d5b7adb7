/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Each request outside a dialog gets its one right answer, or silence. */
#include "tests/unit/sip/fixture.h"

#include "sip/agent_int.h"
#include "sip/odd.h"

static void aim(struct fixture *f, const char *scheme)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "%s:+15557654321@%s", scheme,
		 addr_text(&f->peer.target).s);
	sip_peer_dialog(&f->peer, uri);
}

static void options_says_what_an_invite_would_get(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "Allow", "INVITE"));
	assert_true(sip_peer_header_has(&f->peer, "Accept", "sdp"));
	assert_true(sip_peer_header(&f->peer, "Accept-Encoding", 0).n > 0);
	assert_true(sip_peer_header(&f->peer, "Accept-Language", 0).n > 0);
	assert_true(sip_peer_header_has(&f->peer, "Supported", "timer"));
	f->options_status = 503;
	aim(f, "sip");
	sip_peer_request(&f->peer, "OPTIONS", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 503");
}

struct exchange {
	const char *method, *headers, *body, *answer, *header, *has;
};

static void try_each(struct fixture *f, const struct exchange *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		aim(f, "sip");
		sip_peer_request(&f->peer, x[i].method, x[i].headers,
				 x[i].body);
		sip_peer_expect(&f->peer, x[i].answer);
		if (!strcmp(x[i].method, "INVITE"))
			sip_peer_request_ack(&f->peer);
		if (x[i].header &&
		    !sip_peer_header_has(&f->peer, x[i].header, x[i].has))
			fail_msg("%s: no %s with %s", x[i].method, x[i].header,
				 x[i].has);
	}
}

static void every_method_is_answered(void **state)
{
	static const struct exchange x[] = {
		{ "BYE", "", NULL, "SIP/2.0 481", NULL, NULL },
		{ "CANCEL", "", NULL, "SIP/2.0 481", NULL, NULL },
		{ "PRACK", "", NULL, "SIP/2.0 481", NULL, NULL },
		{ "UPDATE", "", NULL, "SIP/2.0 481", NULL, NULL },
		{ "INFO", "", NULL, "SIP/2.0 481", NULL, NULL },
		{ "MESSAGE", "", NULL, "SIP/2.0 405", "Allow", "INVITE" },
		{ "REFER", "Refer-To: <sip:a@b>\r\n", NULL, "SIP/2.0 405",
		  "Allow", "INVITE" },
		{ "REGISTER", "", NULL, "SIP/2.0 405", "Allow", "INVITE" },
		{ "PUBLISH", "Event: presence\r\n", NULL, "SIP/2.0 405",
		  "Allow", "INVITE" },
		{ "SUBSCRIBE", "Event: presence\r\n", NULL, "SIP/2.0 489", NULL,
		  NULL },
		{ "NOTIFY", "Event: message-summary\r\n", NULL, "SIP/2.0 200",
		  NULL, NULL },
		{ "NOTIFY", "Event: keep-alive\r\n", NULL, "SIP/2.0 200", NULL,
		  NULL },
		{ "NOTIFY", "Event: presence\r\n", NULL, "SIP/2.0 489", NULL,
		  NULL },
		{ "FROBNICATE", "", NULL, "SIP/2.0 501", "Allow", "INVITE" },
	};

	try_each(*state, x, sizeof(x) / sizeof(*x));
}

static void bad_invites_are_refused_and_ring_nobody(void **state)
{
	static const struct exchange x[] = {
		{ "INVITE", "", "m=audio 9 UDP @\r\n", "SIP/2.0 400", NULL,
		  NULL },
		{ "INVITE", "",
		  "v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\n"
		  "c=IN IP4 1.1.1.1\r\nt=0 0\r\nm=audio 9 UDP @\r\n",
		  "SIP/2.0 488", NULL, NULL },
		{ "INVITE", "Content-Type: multipart/mixed;boundary=x\r\n",
		  "--x\r\nContent-Type: text/plain\r\n\r\nv=0\r\n--x--",
		  "SIP/2.0 415", "Accept", "application/sdp" },
		{ "INVITE", "Content-Type: text/plain\r\n", "hello",
		  "SIP/2.0 415", "Accept", "application/sdp" },
		{ "INVITE",
		  "Content-Type: application/sdp\r\n"
		  "Content-Encoding: gzip\r\n",
		  "v=0\r\n", "SIP/2.0 415", "Accept-Encoding", "identity" },
		{ "INVITE", "Require: 100rel, frob\r\n", NULL, "SIP/2.0 420",
		  "Unsupported", "frob" },
		{ "INVITE", "Contact: <sip:second@127.0.0.1>\r\n", NULL,
		  "SIP/2.0 400", NULL, NULL },
	};
	struct fixture *f = *state;
	uint64_t start = clock_ms();

	try_each(f, x, sizeof(x) / sizeof(*x));
	assert_in_range(clock_ms() - start, 0, 1000);
	assert_int_equal(f->invites, 0);
}

/* ---- policies ---- */

static void what_is_allowed_follows_the_peers_policy(void **state)
{
	static const struct exchange x[] = {
		{ "OPTIONS", "", NULL, "SIP/2.0 200", "Allow", "PRACK" },
		{ "OPTIONS", "", NULL, "SIP/2.0 200", "Allow", "REFER" },
		{ "OPTIONS", "", NULL, "SIP/2.0 200", "Supported", "100rel" },
		{ "OPTIONS", "", NULL, "SIP/2.0 200", "Supported", "replaces" },
		/* A call between two telephones is nobody's of ours. */
		{ "REFER", "Refer-To: <sip:a@b>\r\n", NULL, "SIP/2.0 603", NULL,
		  NULL },
		{ "INVITE", "Require: 100rel, frob\r\n", NULL, "SIP/2.0 420",
		  "Unsupported", "frob" },
		{ "NOTIFY", "Event: message-summary\r\n", NULL, "SIP/2.0 481",
		  NULL, NULL },
		{ "NOTIFY", "Event: keep-alive\r\n", NULL, "SIP/2.0 489",
		  "Allow-Events", "refer" },
		{ "SUBSCRIBE", "Event: dialog\r\n", NULL, "SIP/2.0 489", NULL,
		  NULL },
	};
	struct fixture *f = *state;

	f->policy = (struct sip_policy){ .prack = true,
					 .refer = true,
					 .refuse_notify = true };
	try_each(f, x, sizeof(x) / sizeof(*x));
}

static void waiting_messages_are_told(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "NOTIFY",
			 "Event: message-summary\r\n"
			 "Content-Type: application/simple-message-summary\r\n",
			 "Messages-Waiting: yes\r\n"
			 "Message-Account: sip:+15557654321@pbx.example\r\n"
			 "Voice-Message: 4/8 (1/2)\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_int_equal(f->waitings, 1);
	assert_true(f->waiting.waiting && f->waiting.has_voice);
	assert_string_equal(f->waiting.account, "+15557654321");
	assert_int_equal(f->waiting.voice_new, 4);
	assert_int_equal(f->waiting.voice_old, 8);
	aim(f, "sip");
	sip_peer_request(&f->peer, "NOTIFY",
			 "Event: message-summary\r\n"
			 "Content-Type: application/simple-message-summary\r\n",
			 "Voice-Message: -1/9999999999999999999999\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_int_equal(f->waitings, 1);
}

static void what_is_not_understood_is_logged_once(void **state)
{
	static const struct exchange x[] = {
		{ "FROB", "", NULL, "SIP/2.0 501", NULL, NULL },
		{ "PUBLISH", "Event: x\r\n", NULL, "SIP/2.0 405", NULL, NULL },
		{ "SUBSCRIBE", "Event: x\r\n", NULL, "SIP/2.0 489", NULL,
		  NULL },
		{ "INVITE", "Content-Type: text/plain\r\n", "x", "SIP/2.0 415",
		  NULL, NULL },
		{ "INVITE", "Require: frob\r\n", NULL, "SIP/2.0 420", NULL,
		  NULL },
	};
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		try_each(f, x, sizeof(x) / sizeof(*x));
	assert_int_equal(sip_odds_told(f->agent->odds), sizeof(x) / sizeof(*x));
}

static void p_called_party_id_is_read(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(
		&f->peer, "INVITE",
		"P-Called-Party-ID: \"x\" <sip:+15551@ims.example>\r\n", NULL);
	expect_log(f, "invite ");
	assert_string_equal(f->called_user, "+15551");
}

static void with_500_calls_up_all_is_answered_within_100_ms(void **state)
{
	static const char *const methods[] = { "OPTIONS", "NOTIFY", "SUBSCRIBE",
					       "MESSAGE", "REFER",  "PUBLISH",
					       "FROB",    "INFO",   "UPDATE",
					       "PRACK" };
	enum { CALLS = 500, LATE_MS = 100 };
	struct fixture *f = *state;
	static struct sip_dialog *dialogs[CALLS];

	f->answer_at_once = true;
	for (int i = 0; i < CALLS; i++) {
		aim(f, "sip");
		sip_peer_request(&f->peer, "INVITE", "",
				 sip_peer_sdp(5000, "sendrecv"));
		sip_peer_expect(&f->peer, "SIP/2.0 200");
		sip_peer_request(&f->peer, "ACK", "", NULL);
		dialogs[i] = f->dialog;
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		uint64_t start;

		aim(f, "sip");
		start = clock_ms();
		sip_peer_request(&f->peer, methods[i], "", NULL);
		sip_peer_expect(&f->peer, "SIP/2.0 ");
		assert_in_range(clock_ms() - start, 0, LATE_MS);
	}
	for (int i = 0; i < CALLS; i++)
		sip_dialog_free(dialogs[i]);
	f->dialog = NULL;
}

static void a_body_that_may_be_passed_over_is(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE",
			 "Content-Type: application/isup\r\n"
			 "Content-Disposition: signal;handling=optional\r\n",
			 "xx");
	expect_log(f, "invite ");
	assert_false(f->had_offer);
}

static void other_schemes_get_416(void **state)
{
	struct fixture *f = *state;

	aim(f, "http");
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 416");
}

/* Word for word, as the peer's own requests are all good. */
static void send_raw(struct fixture *f, const char *fmt)
{
	char text[2048];
	struct addr_text at = addr_text(&f->peer.at);
	int n = snprintf(text, sizeof(text), "%s", fmt);
	char *via = strstr(text, "@PEER@");

	assert_non_null(via);
	n = snprintf(text, sizeof(text), "%.*s%s%s",
		     (int)(strstr(fmt, "@PEER@") - fmt), fmt, at.s,
		     strstr(fmt, "@PEER@") + 6);
	sip_peer_send(&f->peer, text, (size_t)n);
}

static void no_hops_left_gets_483(void **state)
{
	struct fixture *f = *state;

	send_raw(f, "INVITE sip:1@127.0.0.1 SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP @PEER@;branch=z9hG4bKmf0;rport\r\n"
		    "Max-Forwards: 0\r\nFrom: <sip:a@b>;tag=1\r\n"
		    "To: <sip:1@127.0.0.1>\r\nCall-ID: mf0\r\n"
		    "CSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1>\r\n"
		    "Content-Length: 0\r\n\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 483");
}

static void a_merged_request_gets_482(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	expect_log(f, "invite ");
	f->peer.cseq--; /* by another way: the same CSeq, another branch */
	sip_peer_request(&f->peer, "INVITE", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 482");
	assert_int_equal(f->invites, 1);
}

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

static void a_via_cannot_aim_us_at_others(void **state)
{
	struct fixture *f = *state;

	send_raw(f, "OPTIONS sip:1@127.0.0.1 SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP @PEER@;branch=z9hG4bKm1;rport"
		    ";maddr=127.0.0.2\r\n"
		    "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"
		    "To: <sip:1@127.0.0.1>\r\nCall-ID: m1\r\n"
		    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	f->trust = SIP_STRANGER;
	send_raw(f, "OPTIONS sip:1@127.0.0.1 SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP @PEER@;branch=z9hG4bKm2;rport"
		    ";maddr=127.0.0.2\r\n"
		    "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"
		    "To: <sip:1@127.0.0.1>\r\nCall-ID: m2\r\n"
		    "CSeq: 1 OPTIONS\r\nContact: <sip:a@127.0.0.1>\r\n"
		    "User-Agent: a scanner with a name that is long enough "
		    "for an answer\r\nAccept: application/sdp\r\n"
		    "Content-Length: 0\r\n\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 403");
}

/* A loop that waits for somebody's name server serves nobody else. */
static void no_name_of_a_peer_is_resolved(void **state)
{
	struct fixture *f = *state;

	/* Without Call-ID: sofia itself answers 400, to `maddr`. */
	send_raw(f, "OPTIONS sip:1@127.0.0.1 SIP/2.0\r\n"
		    "Via: SIP/2.0/UDP @PEER@;branch=z9hG4bKm3;rport"
		    ";maddr=localhost\r\n"
		    "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\n"
		    "To: <sip:1@127.0.0.1>\r\n"
		    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	assert_false(sip_peer_next(&f->peer, 300));
}

static void an_ack_of_nothing_gets_silence(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "ACK", "", NULL);
	assert_false(sip_peer_next(&f->peer, 200));
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

static void identity_prefers_what_was_asserted(void **state)
{
	struct fixture *f = *state;

	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE",
			 "p-asserted-IDENTITY: \"Bob \\\"B\\\"\" "
			 "<sip:+15559998888@x>\r\nPrivacy: id\r\n",
			 NULL);
	expect_log(f, "invite ");
	assert_string_equal(f->from_user, "+15559998888");
	assert_string_equal(f->display, "Bob \"B\"");
	assert_true(f->anonymous);
}

/* The kernel wakes us; sofia's timers must not. */
static void an_idle_agent_hardly_wakes(void **state)
{
	struct fixture *f = *state;
	uint64_t end = clock_ms() + 2000;
	unsigned turns = 0;

	event_del(f->tick);
	struct timeval guard = { 3, 0 };
	event_add(f->tick, &guard);
	while (clock_ms() < end) {
		turn(f);
		turns++;
	}
	assert_in_range(turns, 0, 20);
}

#define SERVER_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(options_says_what_an_invite_would_get),
		SERVER_TEST(every_method_is_answered),
		SERVER_TEST(bad_invites_are_refused_and_ring_nobody),
		SERVER_TEST(what_is_allowed_follows_the_peers_policy),
		SERVER_TEST(waiting_messages_are_told),
		SERVER_TEST(what_is_not_understood_is_logged_once),
		SERVER_TEST(p_called_party_id_is_read),
		SERVER_TEST(with_500_calls_up_all_is_answered_within_100_ms),
		SERVER_TEST(a_body_that_may_be_passed_over_is),
		SERVER_TEST(other_schemes_get_416),
		SERVER_TEST(no_hops_left_gets_483),
		SERVER_TEST(a_merged_request_gets_482),
		SERVER_TEST(half_open_calls_are_limited),
		cmocka_unit_test_setup_teardown(
			half_open_calls_of_one_address_are_limited,
			set_up_with_few_each, tear_down_with_few_each),
		cmocka_unit_test_setup_teardown(
			a_flood_of_a_trunk_gets_503_and_its_calls_go_on,
			set_up_with_few_each, tear_down_with_few_each),
		SERVER_TEST(strangers_get_one_answer_and_then_silence),
		SERVER_TEST(a_forged_source_gets_no_more_than_was_sent),
		SERVER_TEST(a_strangers_malformed_requests_get_silence),
		SERVER_TEST(a_stranger_who_knows_the_call_is_heard),
		SERVER_TEST(a_via_cannot_aim_us_at_others),
		SERVER_TEST(no_name_of_a_peer_is_resolved),
		SERVER_TEST(an_ack_of_nothing_gets_silence),
		SERVER_TEST(stun_gets_silence),
		SERVER_TEST(identity_prefers_what_was_asserted),
		SERVER_TEST(an_idle_agent_hardly_wakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
