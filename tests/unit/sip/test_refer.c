/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* REFER (RFC 3515) and Replaces (RFC 3891), both ways. */
#include "tests/unit/sip/fixture.h"

#include "sip/dialog_int.h"

static int set_up_refer(void **state)
{
	int r = set_up(state);

	fx->policy.refer = true;
	return r;
}

static void refer_to(struct fixture *f, const char *to, const char *more)
{
	char headers[1024];

	snprintf(headers, sizeof(headers), "Refer-To: %s\r\n%s", to, more);
	sip_peer_request(&f->peer, "REFER", headers, NULL);
}

static void expect_notify(struct fixture *f, const char *status,
			  const char *state)
{
	sip_peer_expect(&f->peer, "NOTIFY ");
	assert_true(sip_peer_header_has(&f->peer, "Event", "refer"));
	assert_true(sip_peer_header_has(&f->peer, "Subscription-State", state));
	assert_true(sip_peer_header_has(&f->peer, "Content-Type",
					"message/sipfrag"));
	assert_non_null(strstr(f->peer.last, status));
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static void a_transfer_is_taken_and_its_course_told(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	refer_to(f, "<sip:+15551112222@pbx.example;user=phone>", "");
	expect_log(f, "refer ");
	assert_string_equal(f->refer,
			    "+15551112222 sip:+15551112222@pbx.example ");
	sip_dialog_refer_answer(f->dialog, 202);
	sip_peer_expect(&f->peer, "SIP/2.0 202");
	expect_notify(f, "SIP/2.0 100 Trying", "active");
	sip_dialog_refer_notify(f->dialog, 180, false);
	expect_notify(f, "SIP/2.0 180 Ringing", "active");
	sip_dialog_refer_notify(f->dialog, 200, true);
	expect_notify(f, "SIP/2.0 200 OK", "terminated;reason=noresource");
	sip_dialog_refer_notify(f->dialog, 200, true);
	assert_false(sip_peer_wait(&f->peer, "NOTIFY ", 150));
}

static void who_transfers_may_stop_listening(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	sip_peer_request(&f->peer, "SUBSCRIBE", "Event: refer\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 481");
	refer_to(f, "<sip:+15551112222@pbx.example>", "");
	expect_log(f, "refer ");
	sip_dialog_refer_answer(f->dialog, 202);
	sip_peer_expect(&f->peer, "SIP/2.0 202");
	expect_notify(f, "SIP/2.0 100 Trying", "active");
	sip_dialog_refer_notify(f->dialog, 180, false);
	expect_notify(f, "SIP/2.0 180 Ringing", "active");
	sip_peer_request(&f->peer, "SUBSCRIBE",
			 "Event: refer\r\nExpires: 60\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_notify(f, "SIP/2.0 180 Ringing", "active");
	sip_peer_request(&f->peer, "SUBSCRIBE",
			 "Event: refer\r\nExpires: 0\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_notify(f, "SIP/2.0 180 Ringing", "terminated");
	sip_dialog_refer_notify(f->dialog, 200, true);
	assert_false(sip_peer_wait(&f->peer, "NOTIFY ", 150));
}

static void replaces_is_read_from_the_uri(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	refer_to(f,
		 "<sip:bob@127.0.0.1:5070?Replaces=abc%40x%3Bto-tag%3D1"
		 "%3Bfrom-tag%3D2>",
		 "");
	expect_log(f, "refer ");
	assert_string_equal(f->refer, "bob sip:bob@127.0.0.1:5070 "
				      "abc@x;to-tag=1;from-tag=2");
	sip_dialog_refer_answer(f->dialog, 603);
	sip_peer_expect(&f->peer, "SIP/2.0 603");
	assert_false(sip_peer_wait(&f->peer, "NOTIFY ", 150));
}

static void bad_refers_are_refused(void **state)
{
	static const struct {
		const char *to, *answer;
	} rows[] = {
		{ "<mailto:a@b>", "SIP/2.0 416" },
		{ "<sip:a@b;method=BYE>", "SIP/2.0 403" },
		{ "<sip:host.only>", "SIP/2.0 400" },
		{ "<sip:a@b?Replaces=x%0d%0aEvil%3A1%3Bto-tag%3D1%3Bfrom-tag%"
		  "3D2>",
		  "SIP/2.0 400" },
		{ "<sip:a@b?Replaces=nothing>", "SIP/2.0 400" },
		{ "<sip:a@b>\r\nRefer-To: <sip:c@d>", "SIP/2.0 400" },
	};
	struct fixture *f = *state;

	call_in_up(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		refer_to(f, rows[i].to, "");
		sip_peer_expect(&f->peer, rows[i].answer);
	}
	sip_peer_request(&f->peer, "REFER", "", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 400");
	assert_string_equal(f->log, "");
}

static void one_transfer_at_a_time(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	refer_to(f, "<sip:a@b>", "");
	expect_log(f, "refer ");
	refer_to(f, "<sip:c@d>", "");
	sip_peer_expect(&f->peer, "SIP/2.0 491");
	sip_dialog_refer_answer(f->dialog, 202);
	sip_peer_expect(&f->peer, "SIP/2.0 202");
	expect_notify(f, "100", "active");
	sip_dialog_refer_notify(f->dialog, 486, true);
	expect_notify(f, "486", "terminated");
	/* The second one is told apart from the first. */
	refer_to(f, "<sip:c@d>", "");
	expect_log(f, "refer refer ");
	sip_dialog_refer_answer(f->dialog, 202);
	sip_peer_expect(&f->peer, "NOTIFY ");
	assert_true(sip_peer_header_has(&f->peer, "Event", "refer;id="));
}

static void who_wants_no_notify_gets_none(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	refer_to(f, "<sip:a@b>", "Refer-Sub: false\r\n");
	expect_log(f, "refer ");
	sip_dialog_refer_answer(f->dialog, 202);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_true(sip_peer_header_has(&f->peer, "Refer-Sub", "false"));
	sip_dialog_refer_notify(f->dialog, 200, true);
	assert_false(sip_peer_wait(&f->peer, "NOTIFY ", 150));
}

/* ---- ours ---- */

static void we_transfer_and_hear_how_it_goes(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_refer(f->dialog, "+15559998888", NULL), 0);
	assert_int_equal(sip_dialog_refer(f->dialog, "+1555", NULL),
			 SIP_E_STATE);
	sip_peer_expect(&f->peer, "REFER ");
	assert_true(sip_peer_header_has(&f->peer, "Refer-To",
					"<sip:+15559998888@"));
	assert_true(sip_peer_header(&f->peer, "Referred-By", 0).n > 0);
	sip_peer_respond(&f->peer, "202 Accepted", "", NULL);
	sip_peer_request(&f->peer, "NOTIFY",
			 "Event: refer\r\nSubscription-State: active\r\n"
			 "Content-Type: message/sipfrag;version=2.0\r\n",
			 "SIP/2.0 180 Ringing\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	sip_peer_request(&f->peer, "NOTIFY",
			 "Event: refer;id=3\r\n"
			 "Subscription-State: terminated;reason=noresource\r\n"
			 "Content-Type: message/sipfrag\r\n",
			 "SIP/2.0 200 OK\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	expect_log(f, "referred:180 referred:200! ");
	sip_peer_request(&f->peer, "NOTIFY", "Event: refer\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 481");
}

/* One that is taken and never told of does not stand in the way of the next. */
static void a_transfer_that_nothing_is_told_of_is_over_in_time(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_refer(f->dialog, "+15559998888", NULL), 0);
	sip_peer_expect(&f->peer, "REFER ");
	sip_peer_respond(&f->peer, "202 Accepted", "", NULL);
	sip_peer_request(&f->peer, "NOTIFY",
			 "Event: refer\r\n"
			 "Subscription-State: active;expires=1\r\n"
			 "Content-Type: message/sipfrag;version=2.0\r\n",
			 "SIP/2.0 100 Trying\r\n");
	sip_peer_expect(&f->peer, "SIP/2.0 200");
	assert_int_equal(sip_dialog_refer(f->dialog, "+1555", NULL),
			 SIP_E_STATE);
	expect_log(f, "referred:100 referred:408! ");
	assert_int_equal(sip_dialog_refer(f->dialog, "+15559998888", NULL), 0);
	sip_peer_expect(&f->peer, "REFER ");
}

static void a_refused_transfer_is_told(void **state)
{
	struct fixture *f = *state;

	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_refer(f->dialog, "+15559998888", NULL), 0);
	sip_peer_expect(&f->peer, "REFER ");
	sip_peer_respond(&f->peer, "405 Method Not Allowed", "", NULL);
	expect_log(f, "referred:405! ");
}

static void our_replaces_names_the_other_dialog(void **state)
{
	struct fixture *f = *state;
	struct sip_dialog *first;
	char tag[64];

	add_trunk(f, "", "", "");
	call_out_up(f);
	first = f->dialog;
	snprintf(tag, sizeof(tag), "to-tag%%3D%s", f->peer.local_tag);
	call_out_up(f);
	assert_int_equal(sip_dialog_refer(f->dialog, "+15559998888", first), 0);
	sip_peer_expect(&f->peer, "REFER ");
	assert_true(sip_peer_header_has(&f->peer, "Refer-To", "?Replaces="));
	assert_true(sip_peer_header_has(&f->peer, "Refer-To", tag));
	sip_dialog_free(first);
}

static void without_the_policy_there_is_no_transfer(void **state)
{
	struct fixture *f = *state;

	f->policy.refer = false;
	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_dialog_refer(f->dialog, "+1555", NULL),
			 SIP_E_STATE);
	sip_peer_request(&f->peer, "REFER", "Refer-To: <sip:a@b>\r\n", NULL);
	sip_peer_expect(&f->peer, "SIP/2.0 405");
	assert_true(sip_peer_header_has(&f->peer, "Allow", "INVITE"));
}

/* ---- INVITE with Replaces ---- */

static void invite_with(struct fixture *f, const char *headers)
{
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", headers,
			 sip_peer_sdp(5010, "sendrecv"));
}

static void replace(struct fixture *f, const char *call_id, const char *to_tag,
		    const char *from_tag, const char *more)
{
	char headers[512];

	snprintf(headers, sizeof(headers),
		 "Replaces: %s;to-tag=%s;from-tag=%s%s\r\n", call_id, to_tag,
		 from_tag, more);
	invite_with(f, headers);
}

static void an_invite_with_replaces_finds_its_dialog(void **state)
{
	struct fixture *f = *state;
	struct sip_dialog *first;
	struct sip_peer was;

	call_in_up(f);
	first = f->dialog;
	was = f->peer;
	replace(f, was.call_id, "nobody", was.local_tag, "");
	sip_peer_expect(&f->peer, "SIP/2.0 481");
	sip_peer_request_ack(&f->peer);
	replace(f, was.call_id, was.remote_tag, was.local_tag, ";early-only");
	sip_peer_expect(&f->peer, "SIP/2.0 486");
	sip_peer_request_ack(&f->peer);
	assert_int_equal(f->invites, 1);
	replace(f, was.call_id, was.remote_tag, was.local_tag, "");
	expect_log(f, "invite ");
	assert_true(f->replaces);
	assert_ptr_not_equal(f->dialog, first);
	sip_dialog_free(first);
}

/* RFC 3891, 3: one that is ours and rings elsewhere may be picked up, one that
 * rings here is nobody's to take. */
static void what_rings_may_be_replaced_when_it_is_ours(void **state)
{
	struct fixture *f = *state;
	struct sip_dialog *first;
	struct sip_peer was;

	add_trunk(f, "", "", "");
	call_out(f);
	sip_peer_respond(&f->peer, "180 Ringing", "", NULL);
	expect_log(f, "ring:180 ");
	first = f->dialog;
	was = f->peer;
	replace(f, was.call_id, was.remote_tag, was.local_tag, ";early-only");
	expect_log(f, "invite ");
	assert_true(f->replaces);
	assert_true(f->picks_up);
	sip_dialog_free(first);
	was = f->peer;
	first = f->dialog;
	replace(f, was.call_id, "nobody", was.local_tag, "");
	sip_peer_expect(&f->peer, "SIP/2.0 481");
	sip_peer_request_ack(&f->peer);
	assert_ptr_equal(f->dialog, first);
}

/* Who knows the Call-ID alone: sofia takes such a tag for any. */
static void tags_without_a_value_replace_nothing(void **state)
{
	struct fixture *f = *state;

	call_in_up(f);
	const struct sip_peer was = f->peer;
	const char *const tags[][2] = { { ";to-tag;from-tag=", was.local_tag },
					{ ";from-tag;to-tag=", was.remote_tag },
					{ ";to-tag;from-tag", "" } };
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		char headers[512];

		snprintf(headers, sizeof(headers), "Replaces: %s%s%s\r\n",
			 was.call_id, tags[i][0], tags[i][1]);
		invite_with(f, headers);
		sip_peer_expect(&f->peer, "SIP/2.0 481");
		sip_peer_request_ack(&f->peer);
	}
	assert_int_equal(f->invites, 1);
}

/* As of a test call, whose user is no leg. */
static void a_dialog_without_the_policy_is_not_replaced(void **state)
{
	struct fixture *f = *state;
	struct sip_peer was;

	f->policy.refer = false;
	add_trunk(f, "", "", "");
	call_out_up(f);
	was = f->peer;
	f->policy.refer = true;
	replace(f, was.call_id, was.remote_tag, was.local_tag, "");
	sip_peer_expect(&f->peer, "SIP/2.0 481");
	sip_peer_request_ack(&f->peer);
}

static void without_the_policy_replaces_is_passed_over(void **state)
{
	struct fixture *f = *state;

	f->policy.refer = false;
	replace(f, "x", "y", "z", "");
	expect_log(f, "invite ");
	assert_false(f->replaces);
}

#define REFER_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_refer, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REFER_TEST(a_transfer_is_taken_and_its_course_told),
		REFER_TEST(who_transfers_may_stop_listening),
		REFER_TEST(replaces_is_read_from_the_uri),
		REFER_TEST(bad_refers_are_refused),
		REFER_TEST(one_transfer_at_a_time),
		REFER_TEST(who_wants_no_notify_gets_none),
		REFER_TEST(we_transfer_and_hear_how_it_goes),
		REFER_TEST(a_transfer_that_nothing_is_told_of_is_over_in_time),
		REFER_TEST(a_refused_transfer_is_told),
		REFER_TEST(our_replaces_names_the_other_dialog),
		REFER_TEST(without_the_policy_there_is_no_transfer),
		REFER_TEST(an_invite_with_replaces_finds_its_dialog),
		REFER_TEST(what_rings_may_be_replaced_when_it_is_ours),
		REFER_TEST(tags_without_a_value_replace_nothing),
		REFER_TEST(a_dialog_without_the_policy_is_not_replaced),
		REFER_TEST(without_the_policy_replaces_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
