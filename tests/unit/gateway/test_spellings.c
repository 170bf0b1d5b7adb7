/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Offers of real peers (tests/data/README) in both spellings: they read the
 * same, and each can be written in the other.
 */
#include "media/negotiate.h"
#include "sip/sdp.h"
#include "tests/desc.h"
#include "tests/test.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/stanza_parse.h"

static struct media_desc *read_sdp(const char *peer)
{
	struct media_desc *desc = NULL;
	char name[64];

	snprintf(name, sizeof(name), "%s/offer.sdp", peer);
	char *text = read_data(name);
	assert_int_equal(sdp_parse(&desc, NULL, slice_of(text)), 0);
	free(text);
	return desc;
}

static struct media_desc *read_jingle(const char *peer)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct media_desc *desc = NULL;
	char name[64];

	snprintf(name, sizeof(name), "%s/offer.xml", peer);
	char *text = read_data(name);
	assert_int_equal(stanza_parse(&iq, slice_of(text)), 0);
	free(text);
	assert_int_equal(jingle_desc_parse(&desc,
					   stanza_find(iq, "jingle", JINGLE_NS),
					   true),
			 0);
	return desc;
}

static struct media_desc *through_sdp(const struct media_desc *desc)
{
	const struct sdp_origin origin = { 1, 1 };
	struct media_desc *again = NULL;
	char *text = NULL;
	size_t n;

	assert_int_equal(sdp_format(&text, &n, desc, &origin), 0);
	assert_int_equal(sdp_parse(&again, NULL, (struct slice){ text, n }), 0);
	free(text);
	return again;
}

static struct media_desc *through_jingle(const struct media_desc *desc)
{
	const struct jingle_desc_options options = { .writer_is_initiator =
							     true };
	AUTO(stanza_freep) struct stanza *jingle = NULL;
	struct media_desc *again = NULL;

	assert_int_equal(stanza_new(&jingle, "jingle", JINGLE_NS), 0);
	jingle_desc_format(jingle, desc, &options);
	assert_true(stanza_ok(jingle));
	assert_int_equal(jingle_desc_parse(&again, jingle, true), 0);
	return again;
}

/* Jingle is written without them. */
static void drop_event_parameters(struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++)
		for (size_t k = 0; k < desc->contents[i]->ncodecs; k++)
			if (media_codec_is_event(&desc->contents[i]->codecs[k]))
				desc->contents[i]->codecs[k].fmtp[0] = '\0';
}

static void a_clients_two_spellings_are_one_description(void **state)
{
	(void)state;
	static const char *const clients[] = { "conversations", "dino",
					       "movim",         "monal",
					       "snikket-ios",   "stanza" };
	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
		AUTO(media_desc_freep)
		struct media_desc *sdp = read_sdp(clients[i]);
		AUTO(media_desc_freep)
		struct media_desc *jingle = read_jingle(clients[i]);
		assert_same_desc(sdp, jingle);
		AUTO(media_desc_freep)
		struct media_desc *as_sdp = through_sdp(jingle);
		assert_same_desc(jingle, as_sdp);
		AUTO(media_desc_freep)
		struct media_desc *as_jingle = through_jingle(sdp);
		drop_event_parameters(sdp);
		assert_same_desc(sdp, as_jingle);
	}
}

/* "111/opus 0/PCMU" */
static void assert_codecs(const struct media_content *content,
			  const char *expected)
{
	char text[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < content->ncodecs; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u/%s",
				      i ? " " : "", content->codecs[i].pt,
				      content->codecs[i].name);
	assert_string_equal(text, expected);
}

static void a_client_is_offered_to_a_trunk_and_answered(void **state)
{
	(void)state;
	static const struct {
		const char *client, *offer, *answer;
		bool bundle;
		size_t ncontents;
	} cases[] = {
		{ "conversations",
		  "111/opus 9/G722 0/PCMU 8/PCMA 110/telephone-event "
		  "126/telephone-event",
		  "0/PCMU 8/PCMA 126/telephone-event", true, 1 },
		{ "dino", "111/opus 9/G722 0/PCMU 8/PCMA", "0/PCMU 8/PCMA",
		  false, 1 },
		/* events of one clock: those of the other are ours */
		{ "movim",
		  "109/opus 9/G722 0/PCMU 8/PCMA 101/telephone-event "
		  "110/telephone-event",
		  "0/PCMU 8/PCMA 101/telephone-event", true, 1 },
		{ "monal",
		  "0/PCMU 8/PCMA 111/opus 9/G722 126/telephone-event "
		  "110/telephone-event",
		  "0/PCMU 8/PCMA 126/telephone-event", true, 2 },
		{ "snikket-ios",
		  "111/opus 9/G722 0/PCMU 8/PCMA 126/telephone-event "
		  "110/telephone-event",
		  "0/PCMU 8/PCMA 126/telephone-event", true, 1 },
		/* none of the client's goes with them */
		{ "stanza",
		  "111/opus 0/PCMU 8/PCMA 110/telephone-event "
		  "101/telephone-event",
		  "0/PCMU 8/PCMA", true, 1 },
	};
	AUTO(media_desc_freep) struct media_desc *trunk = read_sdp("asterisk");

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO(media_desc_freep)
		struct media_desc *client = read_jingle(cases[i].client);
		AUTO(media_desc_freep) struct media_desc *offer = NULL;
		AUTO(media_desc_freep) struct media_desc *answer = NULL;
		assert_int_equal(negotiate_offer(&offer, client), 0);
		assert_codecs(offer->contents[0], cases[i].offer);
		assert_int_equal(negotiate_answer(&answer, client, trunk), 0);
		assert_codecs(answer->contents[0], cases[i].answer);
		assert_int_equal(answer->bundle, cases[i].bundle);
		assert_int_equal(answer->ncontents, cases[i].ncontents);
		assert_int_equal(answer->contents[0]->ptime_ms, 20);
		if (cases[i].ncontents > 1)
			assert_true(answer->contents[1]->rejected);
	}
}

static void a_trunk_is_offered_to_a_client(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *asterisk = read_sdp("asterisk");
	AUTO(media_desc_freep)
	struct media_desc *freeswitch = read_sdp("freeswitch");
	AUTO(media_desc_freep) struct media_desc *a = NULL;
	AUTO(media_desc_freep) struct media_desc *b = NULL;

	assert_int_equal(negotiate_offer(&a, asterisk), 0);
	assert_codecs(a->contents[0], "0/PCMU 8/PCMA 101/telephone-event");
	assert_int_equal(a->contents[0]->maxptime_ms, 150);
	assert_int_equal(negotiate_offer(&b, freeswitch), 0);
	assert_codecs(b->contents[0],
		      "102/opus 9/G722 8/PCMA 0/PCMU 103/telephone-event "
		      "101/telephone-event");
}

static void a_trunks_keys_and_places_are_read(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *freeswitch = read_sdp("freeswitch");
	AUTO(media_desc_freep) struct media_desc *browser = read_sdp("sip.js");
	AUTO(media_desc_freep) struct media_desc *hold = read_sdp("hold");
	const struct media_content *content = freeswitch->contents[0];

	assert_int_equal(content->profile, MEDIA_RTP_SAVP);
	assert_int_equal(content->ncryptos, 4);
	assert_int_equal(content->cryptos[0].profile, SRTP_AEAD_AES_256_GCM);
	assert_int_equal(content->cryptos[3].tag, 6);
	assert_string_equal(addr_text(&content->rtcp).s, "198.51.100.20:21874");

	content = browser->contents[0];
	assert_int_equal(content->ncands, 4);
	assert_int_equal(content->setup, MEDIA_SETUP_ACTPASS);
	assert_string_equal(addr_text(&content->rtp).s, "203.0.113.9:52833");

	content = hold->contents[0];
	assert_int_equal(content->dir, MEDIA_SENDONLY);
	assert_codecs(content, "0/PCMU 18/G729");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clients_two_spellings_are_one_description),
		cmocka_unit_test(a_client_is_offered_to_a_trunk_and_answered),
		cmocka_unit_test(a_trunk_is_offered_to_a_client),
		cmocka_unit_test(a_trunks_keys_and_places_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
