/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Each request outside a dialog gets its one right answer, or silence. */
#include "tests/unit/sip/fixture.h"

#include "sip/agent_int.h"
#include "sip/odd.h"

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
		SERVER_TEST(a_via_cannot_aim_us_at_others),
		SERVER_TEST(no_name_of_a_peer_is_resolved),
		SERVER_TEST(an_ack_of_nothing_gets_silence),
		SERVER_TEST(identity_prefers_what_was_asserted),
		SERVER_TEST(an_idle_agent_hardly_wakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
