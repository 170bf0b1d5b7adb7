/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Registration and health of a trunk against a peer's own words. */
#include "tests/unit/sip/fixture.h"

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

static int start_trunk(struct fixture *f, const char *proxy, bool reg,
		       const struct addr_net *allow)
{
	struct sip_trunk_config config = {
		.name = "carrier",
		.proxy = proxy,
		.username = "alice",
		.password = "secret",
		.realm = "",
		.from_domain = "",
		.do_register = reg,
		.expires_s = 120,
		.allow = allow,
		.nallow = allow ? 1 : 0,
	};

	return sip_trunk_new(&f->trunk, f->agent, &config, &trunk_handlers,
			     NULL);
}

static void start_at_peer(struct fixture *f, bool reg)
{
	char proxy[128];

	snprintf(proxy, sizeof(proxy), "sip:%s", addr_text(&f->peer.at).s);
	assert_int_equal(start_trunk(f, proxy, reg, NULL), 0);
}

static int set_up_public(void **state)
{
	assert_int_equal(
		addr_parse(&fixture_public, slice_of("198.51.100.7"), 0), 0);
	return set_up(state);
}

/* It would not reach us at the address that the internet sees. */
static void a_peer_nearby_is_told_the_address_nearby(void **state)
{
	struct fixture *f = *state;

	fixture_public = (struct addr){ .sa.sa_family = ADDR_NONE };
	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Via", "UDP 127.0.0.1:"));
	assert_true(sip_peer_header_has(&f->peer, "Contact", "@127.0.0.1:"));
}

static void any_answer_to_options_makes_it_up(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, false);
	assert_int_equal(sip_trunk_state(f->trunk), SIP_TRUNK_UNKNOWN);
	sip_peer_expect(&f->peer, "OPTIONS ");
	sip_peer_respond(&f->peer, "404 Not Found", "", NULL);
	expect_log(f, "up:404 ");
	assert_int_equal(sip_trunk_state(f->trunk), SIP_TRUNK_UP);
}

/* Some have an allow list that is not of the proxy they are asked at. */
static void who_was_asked_is_heard_though_it_may_ask_nothing(void **state)
{
	struct fixture *f = *state;

	f->trust = SIP_STRANGER;
	start_at_peer(f, false);
	sip_peer_expect(&f->peer, "OPTIONS ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "up:200 ");
}

static void two_failures_make_it_down(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, false);
	sip_peer_expect(&f->peer, "OPTIONS ");
	sip_peer_respond(&f->peer, "503 Service Unavailable", "", NULL);
	run_ms(f, 100);
	assert_string_equal(f->log, "");
	/* Asked again soon, as it is not decided. */
	assert_true(sip_peer_wait(&f->peer, "OPTIONS ", 7000));
	sip_peer_respond(&f->peer, "503 Service Unavailable", "", NULL);
	expect_log(f, "down:503 ");
}

static void it_registers_with_credentials_and_one_contact(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Contact", "<sip:alice@"));
	assert_int_equal(sip_peer_header(&f->peer, "Contact", 1).n, 0);
	assert_true(sip_peer_header_has(&f->peer, "Expires", "120"));
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Basic realm=\"x\"\r\n"
			 "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", "
			 "algorithm=SHA-256, qop=\"auth\"\r\n"
			 "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", "
			 "algorithm=MD5\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Authorization",
					"algorithm=SHA-256"));
	assert_null(strstr(f->peer.last, "Basic"));
	sip_peer_respond(&f->peer, "200 OK", "Expires: 120\r\n", NULL);
	run_ms(f, 50);
	/* Up needs an answer to OPTIONS, too. */
	assert_string_equal(f->log, "");
	assert_true(sip_peer_wait(&f->peer, "OPTIONS ", 7000));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	expect_log(f, "up:200 ");
	f->trunk = sip_trunk_free(f->trunk);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Expires", "0"));
}

static void a_brief_registration_is_lengthened(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "423 Interval Too Brief",
			 "Min-Expires: 1800\r\n", NULL);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Expires", "1800"));
}

static void a_refused_registration_is_down_and_tried_again(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "403 Forbidden", "", NULL);
	expect_log(f, "down:403 ");
	assert_true(sip_peer_wait(&f->peer, "REGISTER ", 4000));
}

/* Ours is the second, and lasts a minute: refreshed after half of it. */
static void the_time_of_our_own_contact_counts(void **state)
{
	struct fixture *f = *state;
	char contacts[512];
	struct slice ours;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	ours = sip_peer_header(&f->peer, "Contact", 0);
	snprintf(contacts, sizeof(contacts),
		 "Contact: <sip:alice@192.0.2.77:5060>;expires=3600, "
		 "%.*s;q=0.5;expires=10\r\nExpires: 7200\r\n",
		 SLICE_ARG(ours));
	sip_peer_respond(&f->peer, "200 OK", contacts, NULL);
	assert_true(sip_peer_wait(&f->peer, "REGISTER ", 7000));
}

static void a_stale_nonce_is_answered_with_the_new_one(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Digest realm=\"x\", "
			 "nonce=\"old\", qop=\"auth\"\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Authorization", "\"old\""));
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Digest realm=\"x\", "
			 "nonce=\"new\", stale=TRUE, qop=\"auth\"\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Authorization", "\"new\""));
	assert_int_equal(sip_peer_header(&f->peer, "Authorization", 1).n, 0);
	/* And that is enough, whatever it says. */
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Digest realm=\"x\", "
			 "nonce=\"newer\", stale=true, qop=\"auth\"\r\n",
			 NULL);
	expect_log(f, "down:401 ");
	assert_false(sip_peer_wait(&f->peer, "REGISTER ", 500));
}

static void the_farewell_is_authenticated(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "200 OK", "Expires: 120\r\n", NULL);
	run_ms(f, 50);
	f->trunk = sip_trunk_free(f->trunk);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "401 Unauthorized",
			 "WWW-Authenticate: Digest realm=\"x\", "
			 "nonce=\"n\", qop=\"auth\"\r\n",
			 NULL);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Expires", "0"));
	assert_true(sip_peer_header_has(&f->peer, "Authorization",
					"username=\"alice\""));
	assert_true(sip_agent_is_busy(f->agent));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	run_ms(f, 50);
	assert_false(sip_agent_is_busy(f->agent));
}

static void who_has_left_does_not_come_back(void **state)
{
	struct fixture *f = *state;

	start_at_peer(f, true);
	sip_peer_expect(&f->peer, "REGISTER ");
	sip_peer_respond(&f->peer, "200 OK", "Expires: 120\r\n", NULL);
	run_ms(f, 50);
	sip_trunk_leave(f->trunk);
	sip_peer_expect(&f->peer, "REGISTER ");
	assert_true(sip_peer_header_has(&f->peer, "Expires", "0"));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
	sip_trunk_moved(f->trunk);
	assert_false(sip_peer_wait(&f->peer, "REGISTER ", 150));
}

static void the_allow_list_decides_who_speaks_for_it(void **state)
{
	struct fixture *f = *state;
	struct addr_net net;
	struct addr inside, outside;

	assert_int_equal(addr_net_parse(&net, slice_of("192.0.2.0/24")), 0);
	assert_int_equal(addr_parse(&inside, slice_of("192.0.2.9"), 1), 0);
	assert_int_equal(addr_parse(&outside, slice_of("198.51.100.1"), 1), 0);
	assert_int_equal(start_trunk(f, "sip:198.51.100.1", false, &net), 0);
	assert_true(sip_trunk_allows(f->trunk, &inside));
	assert_false(sip_trunk_allows(f->trunk, &outside));
	f->trunk = sip_trunk_free(f->trunk);
	assert_int_equal(start_trunk(f, "sip:198.51.100.1", false, NULL), 0);
	assert_false(sip_trunk_allows(f->trunk, &inside));
	assert_true(sip_trunk_allows(f->trunk, &outside));
}

static void a_bad_proxy_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(start_trunk(f, "carrier.example", false, NULL),
			 -EINVAL);
	assert_int_equal(start_trunk(f, "sips:carrier.example", false, NULL),
			 -EPROTONOSUPPORT);
}

static void a_name_without_an_address_is_down(void **state)
{
	struct fixture *f = *state;
	struct sip_dialog_start start = { .parties.to = "+1",
					  .parties.from = "+2" };

	assert_int_equal(
		start_trunk(f, "sip:nowhere.invalid:5060", false, NULL), 0);
	start.trunk = f->trunk;
	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, NULL),
			 SIP_E_UNREACHABLE);
}

#define TRUNK_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_peer_nearby_is_told_the_address_nearby, set_up_public,
			tear_down),
		TRUNK_TEST(any_answer_to_options_makes_it_up),
		TRUNK_TEST(who_was_asked_is_heard_though_it_may_ask_nothing),
		TRUNK_TEST(two_failures_make_it_down),
		TRUNK_TEST(it_registers_with_credentials_and_one_contact),
		TRUNK_TEST(a_brief_registration_is_lengthened),
		TRUNK_TEST(a_refused_registration_is_down_and_tried_again),
		TRUNK_TEST(the_time_of_our_own_contact_counts),
		TRUNK_TEST(a_stale_nonce_is_answered_with_the_new_one),
		TRUNK_TEST(the_farewell_is_authenticated),
		TRUNK_TEST(who_has_left_does_not_come_back),
		TRUNK_TEST(the_allow_list_decides_who_speaks_for_it),
		TRUNK_TEST(a_bad_proxy_is_refused),
		TRUNK_TEST(a_name_without_an_address_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
