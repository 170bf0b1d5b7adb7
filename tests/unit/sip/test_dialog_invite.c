/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* INVITEs that are sent anew: 422 (RFC 4028, 6) and 3xx (RFC 3261, 8.1.3.4). */
#include "sip/dialog_int.h"
#include "tests/unit/sip/fixture.h"

static void call_out_anew(struct fixture *f)
{
	add_trunk(f, "", "", "");
	call_out(f);
}

/* The INVITE that is open gets @status, and then @user is called. */
static void is_sent_to(struct fixture *f, const char *status,
		       const char *headers, const char *user)
{
	char next[64];

	snprintf(next, sizeof(next), "INVITE sip:%s@", user);
	sip_peer_respond(&f->peer, status, headers, NULL);
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_expect(&f->peer, next);
}

static void too_small_an_interval_is_asked_for_anew(void **state)
{
	struct fixture *f = *state;

	f->policy.session_expires_s = 600;
	call_out_anew(f);
	assert_true(sip_peer_header_has(&f->peer, "Session-Expires", "600"));
	assert_int_equal(sip_peer_header(&f->peer, "Min-SE", 0).n, 0);
	sip_peer_respond(&f->peer, "422 Session Interval Too Small",
			 "Min-SE: 1200\r\n", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	sip_peer_expect(&f->peer, "INVITE ");
	assert_true(sip_peer_header_has(&f->peer, "Session-Expires", "1200"));
	assert_true(sip_peer_header_has(&f->peer, "Min-SE", "1200"));
	sip_peer_respond(&f->peer, "200 OK",
			 "Require: timer\r\n"
			 "Session-Expires: 1200;refresher=uac\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	assert_true(f->dialog->we_refresh);
	assert_int_equal(f->dialog->session_expires_s, 1200);
}

static void an_endless_422_ends_the_call(void **state)
{
	struct fixture *f = *state;

	f->policy.session_expires_s = 600;
	call_out_anew(f);
	sip_peer_respond(&f->peer, "422 Session Interval Too Small",
			 "Min-SE: 90\r\n", NULL);
	expect_log(f, "ended:422 ");
}

static void a_redirection_is_not_followed_unless_allowed(void **state)
{
	struct fixture *f = *state;

	call_out_anew(f);
	sip_peer_respond(&f->peer, "302 Moved Temporarily",
			 "Contact: <sip:+1555000@127.0.0.1>\r\n", NULL);
	expect_log(f, "ended:302 ");
}

static void a_redirection_stays_with_the_trunk(void **state)
{
	struct fixture *f = *state;
	char contacts[512];

	f->policy.follow = true;
	call_out_anew(f);
	snprintf(contacts, sizeof(contacts),
		 "Contact: <sip:evil@192.0.2.66>;q=1.0\r\n"
		 "Contact: <sip:low@%s>;q=0.1, <sip:voicemail@%s>;q=0.7\r\n",
		 addr_text(&f->peer.at).s, addr_text(&f->peer.at).s);
	is_sent_to(f, "302 Moved Temporarily", contacts, "voicemail");
	/* Nobody there who may be called: then the other of before. */
	is_sent_to(f, "302 Moved Temporarily",
		   "Contact: <sip:x@192.0.2.66>\r\n", "low");
	sip_peer_respond(&f->peer, "302 Moved Temporarily",
			 "Contact: <sip:x@192.0.2.66>\r\n", NULL);
	expect_log(f, "ended:302 ");
}

/* RFC 3261, 8.1.3.4: by q, one after the other. */
static void the_next_contact_is_called_when_one_fails(void **state)
{
	struct fixture *f = *state;
	char contacts[512];

	f->policy.follow = true;
	call_out_anew(f);
	snprintf(contacts, sizeof(contacts),
		 "Contact: <sip:c@%s>;q=0.1, <sip:a@%s>, <sip:b@%s>;q=0.5,\r\n"
		 " <sip:d@%s>;q=0.1\r\n",
		 addr_text(&f->peer.at).s, addr_text(&f->peer.at).s,
		 addr_text(&f->peer.at).s, addr_text(&f->peer.at).s);
	is_sent_to(f, "300 Multiple Choices", contacts, "a");
	is_sent_to(f, "486 Busy Here", "", "b");
	is_sent_to(f, "480 Temporarily Unavailable", "", "c");
	/* That is for all of them. */
	sip_peer_respond(&f->peer, "603 Decline", "", NULL);
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "ended:603 ");
}

/* The call goes on by a new INVITE; or it has ended. */
static bool goes_on(struct fixture *f)
{
	enum { LOOK_MS = 20, LOOKS = 10000 / LOOK_MS };

	for (int i = 0; i < LOOKS && !strstr(f->log, "ended:"); i++) {
		if (sip_peer_wait(&f->peer, "INVITE ", LOOK_MS))
			return true;
	}
	return false;
}

static void redirections_have_an_end(void **state)
{
	struct fixture *f = *state;
	char contact[128];

	f->policy.follow = true;
	call_out_anew(f);
	for (int i = 0; i < 20; i++) {
		snprintf(contact, sizeof(contact), "Contact: <sip:n%d@%s>\r\n",
			 i, addr_text(&f->peer.at).s);
		sip_peer_respond(&f->peer, "302 Moved Temporarily", contact,
				 NULL);
		sip_peer_expect(&f->peer, "ACK ");
		if (!goes_on(f)) {
			expect_log(f, "ended:302 ");
			return;
		}
	}
	fail_msg("no end of redirections");
}

#define INVITE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INVITE_TEST(too_small_an_interval_is_asked_for_anew),
		INVITE_TEST(an_endless_422_ends_the_call),
		INVITE_TEST(a_redirection_is_not_followed_unless_allowed),
		INVITE_TEST(a_redirection_stays_with_the_trunk),
		INVITE_TEST(the_next_contact_is_called_when_one_fails),
		INVITE_TEST(redirections_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
