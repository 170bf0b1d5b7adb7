/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Requests along the hops of a trunk with two servers: "a" by priority before
 * "b". */
#include "tests/unit/sip/fixture.h"

static struct sip_peer a, b;
static struct name_record zone[] = {
	{ "_sip._udp.pool.test", NS_SRV, NULL, 10, 0, "a.test", 0 },
	{ "_sip._udp.pool.test", NS_SRV, NULL, 20, 0, "b.test", 0 },
	{ "a.test", NS_A, "127.0.0.1", 0, 0, NULL, 0 },
	{ "b.test", NS_A, "127.0.0.1", 0, 0, NULL, 0 },
};

static int set_up_pool(void **state)
{
	struct sip_peer *const peers[] = { &a, &b };
	struct fixture *f;

	for (size_t i = 0; i < 2; i++) {
		sip_peer_open(peers[i]);
		zone[i].port = addr_port(&peers[i]->at);
	}
	fixture_zone = zone;
	fixture_nzone = sizeof(zone) / sizeof(*zone);
	set_up(state);
	f = *state;
	for (size_t i = 0; i < 2; i++) {
		peers[i]->turn = turn;
		peers[i]->arg = f;
		peers[i]->target = f->peer.target;
	}
	return 0;
}

static int tear_down_pool(void **state)
{
	tear_down(state);
	sip_peer_close(&a);
	sip_peer_close(&b);
	return 0;
}

static void on_changed(struct sip_trunk *trunk, enum sip_trunk_state state,
		       const char *why, void *arg)
{
	(void)trunk;
	(void)arg;
	note("%s:%s ", sip_trunk_state_name(state), why);
}

static const struct sip_trunk_handlers trunk_handlers = {
	.changed = on_changed,
};

static void start_pool(struct fixture *f, bool reg)
{
	struct sip_trunk_config config = {
		.name = "pool",
		.proxy = "sip:pool.test;transport=udp",
		.username = "alice",
		.password = "secret",
		.realm = "",
		.from_domain = "",
		.do_register = reg,
		.expires_s = 120,
	};

	assert_int_equal(sip_trunk_new(&f->trunk, f->agent, &config,
				       &trunk_handlers, NULL),
			 0);
}

/* Its OPTIONS answered by "a", as it should be. */
static void start_pool_up(struct fixture *f)
{
	start_pool(f, false);
	sip_peer_expect(&a, "OPTIONS ");
	sip_peer_respond(&a, "200 OK", "", NULL);
	expect_log(f, "up:200 ");
	forget_log(f);
}

static void start_call(struct fixture *f)
{
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);
	struct sip_dialog_start start = {
		.trunk = f->trunk,
		.parties.to = "+15551234567",
		.parties.from = "+15557654321",
		.offer = offer,
	};

	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 0);
	media_desc_free(offer);
}

/* What a peer had, of a header that must be the same at the next. */
static void copy_header(char out[256], const struct sip_peer *peer,
			const char *name)
{
	struct slice value = sip_peer_header(peer, name, 0);

	assert_true(value.n && value.n < 256);
	memcpy(out, value.p, value.n);
	out[value.n] = '\0';
}

static void answer_at_b(struct fixture *f)
{
	sip_peer_respond(&b, "200 OK", "Allow: INVITE, ACK, BYE\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&b, "ACK ");
	expect_log(f, "answer ");
}

static void silence_is_left_after_three_seconds(void **state)
{
	static const char *const same[] = { "Call-ID", "CSeq", "From", "To" };
	struct fixture *f = *state;
	char at_a[4][256], at_b[256];
	uint64_t began;

	start_pool_up(f);
	start_call(f);
	began = clock_ms();
	sip_peer_expect(&a, "INVITE ");
	for (size_t i = 0; i < 4; i++)
		copy_header(at_a[i], &a, same[i]);
	assert_true(sip_peer_wait(&b, "INVITE ", 5000));
	assert_in_range(clock_ms() - began, 2500, 4000);
	/* RFC 3263, 4.3: the same but for the branch. */
	for (size_t i = 0; i < 4; i++) {
		copy_header(at_b, &b, same[i]);
		assert_string_equal(at_b, at_a[i]);
	}
	copy_header(at_a[0], &a, "Via");
	copy_header(at_b, &b, "Via");
	assert_string_not_equal(at_b, at_a[0]);
	assert_int_equal(sip_peer_header(&b, "Via", 1).n, 0);
	assert_int_equal(sip_peer_header(&b, "Contact", 1).n, 0);
	answer_at_b(f);
	assert_int_equal(sip_trunk_stats(f->trunk)->calls, 1);
	assert_int_equal(sip_trunk_stats(f->trunk)->answered, 1);
	assert_in_range(sip_trunk_stats(f->trunk)->pdd_max_ms, 2500, 4500);
}

static void the_next_call_does_not_ask_the_dead_one(void **state)
{
	struct fixture *f = *state;

	start_pool(f, false);
	/* "a" is silent from the start. */
	assert_true(sip_peer_wait(&b, "OPTIONS ", 5000));
	sip_peer_respond(&b, "200 OK", "", NULL);
	expect_log(f, "degraded:1 of 2 servers failed ");
	forget_log(f);
	start_call(f);
	assert_true(sip_peer_wait(&b, "INVITE ", 500));
	answer_at_b(f);
}

static void a_late_ringing_there_is_cancelled(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	assert_true(sip_peer_wait(&b, "INVITE ", 5000));
	sip_peer_respond(&a, "180 Ringing", "", NULL);
	sip_peer_expect(&a, "CANCEL ");
	sip_peer_respond(&a, "200 OK", "", NULL);
	answer_at_b(f);
	assert_string_equal(f->log, "answer ");
}

static void a_late_answer_there_is_ended(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	assert_true(sip_peer_wait(&b, "INVITE ", 5000));
	sip_peer_respond(&a, "200 OK", "", sip_peer_sdp(5002, "sendrecv"));
	sip_peer_expect(&a, "ACK ");
	sip_peer_expect(&a, "BYE ");
	sip_peer_respond(&a, "200 OK", "", NULL);
	answer_at_b(f);
	assert_string_equal(f->log, "answer ");
}

static void a_late_answer_outlives_the_call(void **state)
{
	struct fixture *f = *state;
	struct sip_hangup why = { .status = 487 };
	char invite[SIP_PEER_TEXT_CAP];

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	assert_true(sip_peer_wait(&b, "INVITE ", 5000));
	memcpy(invite, b.last, sizeof(invite));
	sip_peer_respond(&b, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	sip_dialog_hangup(f->dialog, &why);
	sip_peer_expect(&b, "CANCEL ");
	sip_peer_respond(&b, "200 OK", "", NULL);
	memcpy(b.last, invite, sizeof(invite));
	sip_peer_respond(&b, "487 Request Terminated", "", NULL);
	sip_peer_expect(&b, "ACK ");
	f->dialog = sip_dialog_free(f->dialog);
	run_ms(f, 30);
	sip_peer_respond(&a, "200 OK", "", sip_peer_sdp(5002, "sendrecv"));
	sip_peer_expect(&a, "ACK ");
	sip_peer_expect(&a, "BYE ");
	sip_peer_respond(&a, "200 OK", "", NULL);
}

static void a_server_that_is_overloaded_is_passed_by(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	sip_peer_respond(&a, "100 Trying", "", NULL);
	sip_peer_respond(&a, "503 Service Unavailable", "Retry-After: 60\r\n",
			 NULL);
	sip_peer_expect(&a, "ACK ");
	assert_true(sip_peer_wait(&b, "INVITE ", 500));
	answer_at_b(f);
	assert_int_equal(sip_trunk_stats(f->trunk)
				 ->failures[503 - SIP_TRUNK_STATUS_FIRST],
			 0);
}

static void once_it_rings_there_is_no_other(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	sip_peer_respond(&a, "180 Ringing", "", NULL);
	sip_peer_respond(&a, "503 Service Unavailable", "", NULL);
	expect_log(f, "ring:180 ended:503 ");
	assert_false(sip_peer_wait(&b, "INVITE ", 300));
	assert_int_equal(sip_trunk_stats(f->trunk)
				 ->failures[503 - SIP_TRUNK_STATUS_FIRST],
			 1);
}

static void a_refusal_is_final(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	sip_peer_respond(&a, "486 Busy Here", "", NULL);
	expect_log(f, "ended:486 ");
	assert_false(sip_peer_wait(&b, "INVITE ", 300));
}

static void a_port_that_is_closed_is_passed_by_at_once(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	sip_peer_close(&a);
	start_call(f);
	assert_true(sip_peer_wait(&b, "INVITE ", 1500));
	answer_at_b(f);
	sip_peer_open(&a);
}

static void all_dead_is_reported_once(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	sip_peer_close(&a);
	sip_peer_close(&b);
	start_call(f);
	expect_log(f, "ended:503 ");
	assert_string_equal(f->log, "ended:503 ");
	sip_peer_open(&a);
	sip_peer_open(&b);
}

static void credentials_of_one_server_do_not_go_to_the_next(void **state)
{
	struct fixture *f = *state;

	start_pool_up(f);
	start_call(f);
	sip_peer_expect(&a, "INVITE ");
	sip_peer_respond(&a, "407 Proxy Authentication Required",
			 "Proxy-Authenticate: Digest realm=\"x\", "
			 "nonce=\"of-a\", qop=\"auth\"\r\n",
			 NULL);
	sip_peer_expect(&a, "INVITE ");
	assert_true(sip_peer_header_has(&a, "Proxy-Authorization", "of-a"));
	sip_peer_respond(&a, "503 Service Unavailable", "", NULL);
	sip_peer_expect(&b, "INVITE ");
	assert_int_equal(sip_peer_header(&b, "Proxy-Authorization", 0).n, 0);
	sip_peer_respond(&b, "407 Proxy Authentication Required",
			 "Proxy-Authenticate: Digest realm=\"x\", "
			 "nonce=\"of-b\", qop=\"auth\"\r\n",
			 NULL);
	sip_peer_expect(&b, "INVITE ");
	assert_true(sip_peer_header_has(&b, "Proxy-Authorization", "of-b"));
	answer_at_b(f);
}

static void a_registration_moves_on_as_well(void **state)
{
	struct fixture *f = *state;

	start_pool(f, true);
	sip_peer_expect(&a, "REGISTER ");
	sip_peer_respond(&a, "503 Service Unavailable", "", NULL);
	sip_peer_expect(&b, "REGISTER ");
	sip_peer_respond(&b, "200 OK", "Expires: 120\r\n", NULL);
	sip_peer_expect(&b, "OPTIONS ");
	sip_peer_respond(&b, "200 OK", "", NULL);
	expect_log(f, "degraded:1 of 2 servers failed ");
	/* Calls go to the registrar, and so does the farewell. */
	start_call(f);
	sip_peer_expect(&b, "INVITE ");
	sip_peer_respond(&b, "486 Busy Here", "", NULL);
	expect_log(f, "ended:486 ");
	sip_trunk_leave(f->trunk);
	sip_peer_expect(&b, "REGISTER ");
	assert_true(sip_peer_header_has(&b, "Expires", "0"));
	assert_true(sip_agent_is_busy(f->agent));
	sip_peer_respond(&b, "200 OK", "", NULL);
	f->dialog = sip_dialog_free(f->dialog);
	run_ms(f, 50);
	assert_false(sip_agent_is_busy(f->agent));
}

#define POOL_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_pool, tear_down_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POOL_TEST(silence_is_left_after_three_seconds),
		POOL_TEST(the_next_call_does_not_ask_the_dead_one),
		POOL_TEST(a_late_ringing_there_is_cancelled),
		POOL_TEST(a_late_answer_there_is_ended),
		POOL_TEST(a_late_answer_outlives_the_call),
		POOL_TEST(a_server_that_is_overloaded_is_passed_by),
		POOL_TEST(once_it_rings_there_is_no_other),
		POOL_TEST(a_refusal_is_final),
		POOL_TEST(a_port_that_is_closed_is_passed_by_at_once),
		POOL_TEST(all_dead_is_reported_once),
		POOL_TEST(credentials_of_one_server_do_not_go_to_the_next),
		POOL_TEST(a_registration_moves_on_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
