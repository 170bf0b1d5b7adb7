/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jingle_ice.h"

#include "tests/unit/xmpp/jingle_desc_rig.h"

static void only_candidates_that_we_can_use_are_kept(void **state)
{
	(void)state;
	static const struct {
		const char *cand;
		bool kept;
	} cases[] = {
		{ CAND(GOOD), true },
		{ CAND(GOOD " generation='2' id='x' network='1'"), true },
		{ CAND("foundation='1' ip='192.0.2.1' port='5000' "
		       "priority='1' protocol='UDP' type='host'"),
		  true },
		{ CAND("foundation='1' ip='192.0.2.1' port='9' priority='1' "
		       "protocol='tcp' type='host' tcptype='active'"),
		  false },
		{ CAND("foundation='1' ip='7a1c.local' port='5000' "
		       "priority='1' protocol='udp' type='host'"),
		  false },
		{ CAND("foundation='1' ip='192.0.2.1' port='70000' "
		       "priority='1' protocol='udp' type='host'"),
		  false },
		{ CAND("foundation='1' ip='192.0.2.1' port='1' "
		       "protocol='udp' type='host'"),
		  false },
		{ CAND("ip='192.0.2.1' port='1' priority='1' protocol='udp' "
		       "type='host'"),
		  false },
		{ CAND("foundation='1' ip='192.0.2.1' port='1' priority='1' "
		       "protocol='udp' type='x'"),
		  false },
		{ "<candidate component='3' " GOOD "/>", false },
		{ "<candidate " GOOD "/>", false },
		{ "<candidate xmlns='urn:x' component='1' " GOOD "/>", false },
		{ "<remote-candidate component='1' ip='192.0.2.1' port='1'/>",
		  false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[1024];
		snprintf(xml, sizeof(xml),
			 JINGLE(CONTENT("name='a'", TRANSPORT("", "%s"))),
			 cases[i].cand);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->contents[0]->ncands, cases[i].kept);
	}
}

static void related_addresses_have_two_spellings(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(JINGLE(CONTENT(
		"name='a'",
		TRANSPORT("",
			  CAND(GOOD " rel-addr='10.0.0.1' rel-port='1'")
				  CAND(GOOD " rel-addr='10.0.0.1' rel_port='2'")
					  CAND(GOOD " rel-addr='0.0.0.0' "
						    "rel-port='0'")))));
	const struct media_cand *cands = desc->contents[0]->cands;

	assert_int_equal(desc->contents[0]->ncands, 3);
	assert_string_equal(addr_text(&cands[0].related).s, "10.0.0.1:1");
	assert_string_equal(addr_text(&cands[1].related).s, "10.0.0.1:2");
	assert_false(addr_is_set(&cands[2].related));
}

static void a_transport_tells_of_ice_and_dtls(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(JINGLE(
		CONTENT("name='a'",
			DESCRIPTION(PCMU "<rtcp-mux/><encryption><crypto "
					 "crypto-suite='x'/></encryption>")
				TRANSPORT(
					"ufrag='abcd' pwd='secret'",
					FINGERPRINT("setup='actpass'")
						FINGERPRINT(
							"") "<gathering-"
							    "complete"
							    "/><ice-lite/>"
							    "<x "
							    "xmlns='urn:x'/>"))
			CONTENT("name='b'", DESCRIPTION(PCMU) TRANSPORT(
						    "ufrag='ab'", ""))));
	const struct media_content *a = desc->contents[0],
				   *b = desc->contents[1];

	assert_true(a->rtcp_mux);
	assert_string_equal(a->ufrag, "abcd");
	assert_string_equal(a->pwd, "secret");
	assert_int_equal(a->nfingerprints, 2);
	assert_int_equal(a->setup, MEDIA_SETUP_ACTPASS);
	assert_int_equal(a->profile, MEDIA_DTLS_SAVPF);
	assert_int_equal(a->ncryptos, 0);
	assert_true(a->end_of_candidates);
	assert_true(a->ice_lite);
	assert_string_equal(b->ufrag, "ab"); /* Stanza trickles without pwd */
	assert_string_equal(b->pwd, "");
	assert_int_equal(b->profile, MEDIA_RTP_AVP);
	assert_false(b->rtcp_mux);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_candidates_that_we_can_use_are_kept),
		cmocka_unit_test(related_addresses_have_two_spellings),
		cmocka_unit_test(a_transport_tells_of_ice_and_dtls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
