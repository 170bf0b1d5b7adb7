/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is kept of an INVITE that waits for its final response, and what ends it
 * with nothing but that. tests/integration/test_restart.py has the two
 * processes. */
#include "sip/unanswered.h"

#include "tests/unit/sip/fixture.h"

static const struct sip_hangup lost = { .status = 500,
					.q850 = 41,
					.text = "Lost" };

static void save(struct fixture *f, struct sip_unanswered *out)
{
	assert_int_equal(sip_unanswered_save(f->dialog, out), 0);
}

/* A header's line of the message that the peer got last, in @kept as well. */
static void repeats(struct fixture *f, const char *name,
		    const struct sip_unanswered *kept)
{
	struct slice value = sip_peer_header(&f->peer, name, 0);

	assert_true(value.n > 0);
	assert_non_null(
		memmem(kept->invite, strlen(kept->invite), value.p, value.n));
}

static void ours_is_cancelled_by_its_branch_and_number(void **state)
{
	static const char *const same[] = { "Via", "From", "To", "Call-ID" };
	struct fixture *f = *state;
	struct sip_unanswered kept;

	add_trunk(f, "", "", "");
	call_out(f);
	assert_int_equal(sip_unanswered_save(f->dialog, &kept), SIP_E_STATE);
	sip_peer_respond(&f->peer, "100 Trying", "", NULL);
	run_ms(f, 30);
	save(f, &kept);
	assert_true(kept.ours);
	assert_true(addr_equal(&kept.hop.addr, &f->peer.at));
	assert_int_equal(sip_unanswered_end(f->agent, &kept, f->trunk, &lost),
			 0);
	sip_peer_expect(&f->peer, "CANCEL sip:+15551234567@");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		repeats(f, same[i], &kept);
	assert_true(sip_peer_header_has(&f->peer, "CSeq", " CANCEL"));
	assert_true(sip_peer_header_has(&f->peer, "Reason",
					"Q.850;cause=41;text=\"Lost\""));
	sip_unanswered_fini(&kept);
}

static void a_peers_gets_the_response_that_it_waits_for(void **state)
{
	static const char *const same[] = { "From", "To", "Call-ID", "CSeq" };
	struct fixture *f = *state;
	struct sip_unanswered kept;

	call_in(f);
	save(f, &kept);
	assert_false(kept.ours);
	assert_int_equal(sip_unanswered_end(f->agent, &kept, NULL, &lost), 0);
	sip_peer_expect(&f->peer, "SIP/2.0 500 ");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		repeats(f, same[i], &kept);
	assert_true(sip_peer_header_has(&f->peer, "To", ";tag="));
	assert_true(sip_peer_header_has(&f->peer, "Reason", "cause=41"));
	sip_unanswered_fini(&kept);
}

static void what_is_answered_is_none(void **state)
{
	struct fixture *f = *state;
	struct sip_unanswered kept;

	add_trunk(f, "", "", "");
	call_out_up(f);
	assert_int_equal(sip_unanswered_save(f->dialog, &kept), SIP_E_STATE);
	f->dialog = sip_dialog_free(f->dialog);
	call_in_up(f);
	assert_int_equal(sip_unanswered_save(f->dialog, &kept), SIP_E_STATE);
}

/* A row that somebody has written into, or of a memory that was short. */
static void what_is_no_invite_ends_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"\r\n\r\n",
		"INVITE sip:a@127.0.0.1 SIP/2.0\r\n\r\n",
		"INVITE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		"127.0.0.1\r\n"
		"From: <sip:b@c>\r\nTo: <sip:a@c>\r\nCSeq: 1 INVITE\r\n\r\n",
		"BYE sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
		"From: <sip:b@c>\r\nTo: <sip:a@c>\r\nCall-ID: d\r\n"
		"CSeq: 1 BYE\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1\r\n"
		"From: <sip:b@c>\r\nTo: <sip:a@c>\r\nCall-ID: d\r\n"
		"CSeq: 1 INVITE\r\n\r\n",
	};
	struct fixture *f = *state;
	struct sip_unanswered kept = { .hop = { .addr = f->peer.at } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int ours = 0; ours < 2; ours++) {
			kept.ours = ours;
			kept.invite = strdup(texts[i]);
			assert_int_equal(sip_unanswered_end(f->agent, &kept,
							    NULL, &lost),
					 -EINVAL);
			free(kept.invite);
		}
	}
}

#define DIALOG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOG_TEST(ours_is_cancelled_by_its_branch_and_number),
		DIALOG_TEST(a_peers_gets_the_response_that_it_waits_for),
		DIALOG_TEST(what_is_answered_is_none),
		DIALOG_TEST(what_is_no_invite_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
