/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jingle_desc.h"

#include "tests/desc.h"
#include "tests/fail_alloc.h"
#include "tests/unit/xmpp/jingle_desc_rig.h"
#include "xmpp/stanza_text.h"

static struct stanza *formatted(const struct media_desc *desc,
				const struct jingle_desc_options *options)
{
	struct stanza *jingle = NULL;

	assert_int_equal(stanza_new(&jingle, "jingle", JINGLE_NS), 0);
	jingle_desc_format(jingle, desc, options);
	assert_true(stanza_ok(jingle));
	return jingle;
}

static void assert_xml(const struct stanza *st, const char *expected)
{
	char *text = NULL;
	size_t n;

	assert_int_equal(stanza_format(st, 0, &text, &n), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void what_is_written_reads_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		AUTO(media_desc_freep)
		struct media_desc *desc = random_desc(seed, DESC_AS_JINGLE);
		AUTO(media_desc_freep) struct media_desc *again = NULL;
		const struct jingle_desc_options options = {
			.writer_is_initiator = seed & 1
		};
		AUTO(stanza_freep)
		struct stanza *jingle = formatted(desc, &options);
		assert_int_equal(jingle_desc_parse(&again, jingle, seed & 1),
				 0);
		assert_same_desc(desc, again);
	}
}

/* Opus, PCMU and events, a candidate behind a NAT, DTLS. */
static struct media_desc *offer_of_ours(void)
{
	static const struct media_codec codecs[] = {
		{ 111, 2, 48000, "opus",
		  "minptime=10; alone; useinbandfec=1; empty=" },
		{ 0, 1, 8000, "PCMU", "" },
		{ 101, 1, 8000, "telephone-event", "0-16" },
	};
	const struct media_cand cand = { .type = MEDIA_CAND_SRFLX,
					 .component = 1,
					 .priority = 7,
					 .foundation = "3" };
	struct media_desc *desc = NULL;
	struct media_content *content;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &content), 0);
	strncpy(content->mid, "0", MEDIA_MID_CAP - 1);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(media_content_add_codec(content, &codecs[i]),
				 0);
	assert_int_equal(media_content_add_cand(content, &cand), 0);
	assert_int_equal(addr_parse(&content->cands[0].addr,
				    slice_of("2001:db8::1"), 5000),
			 0);
	assert_int_equal(addr_parse(&content->cands[0].related,
				    slice_of("10.0.0.1"), 6000),
			 0);
	content->rtcp_mux = true;
	content->ptime_ms = 20;
	content->setup = MEDIA_SETUP_ACTPASS;
	content->nfingerprints = 1;
	assert_int_equal(media_fingerprint_parse(&content->fingerprints[0],
						 slice_of("sha-256"),
						 slice_of(HEX_16 ":" HEX_16)),
			 0);
	strncpy(content->ufrag, "abcd", MEDIA_UFRAG_CAP - 1);
	strncpy(content->pwd, "efgh", MEDIA_PWD_CAP - 1);
	desc->bundle = true;
	return desc;
}

static void an_offer_of_ours_looks_like_this(void **state)
{
	(void)state;
	const struct jingle_desc_options options = { .writer_is_initiator =
							     true };
	AUTO(media_desc_freep) struct media_desc *desc = offer_of_ours();
	AUTO(stanza_freep) struct stanza *jingle = formatted(desc, &options);

	assert_xml(
		jingle,
		JINGLE("<content creator='initiator' name='0' "
		       "senders='both'>" DESCRIPTION(
			       "<payload-type id='111' name='opus' "
			       "clockrate='48000' channels='2' ptime='20'>"
			       "<parameter name='minptime' value='10'/>"
			       "<parameter name='useinbandfec' value='1'/>"
			       "</payload-type>"
			       "<payload-type id='0' name='PCMU' "
			       "clockrate='8000' ptime='20'/>"
			       "<payload-type id='101' name='telephone-event' "
			       "clockrate='8000'/>"
			       "<rtcp-mux/>") "<transport xmlns="
					      "'" JINGLE_NS_ICE_UDP
					      "' ufrag='abcd' pwd='efgh'>"
					      "<candidate component='1' "
					      "foundation='3' generation='0' "
					      "id='c3-1-7-0' ip='2001:db8::1' "
					      "network='0' port='5000' "
					      "priority='7' protocol='udp' "
					      "type='srflx' "
					      "rel-addr='10.0.0.1' "
					      "rel-port='6000'/>"
					      "<fingerprint "
					      "xmlns='" JINGLE_NS_DTLS
					      "' hash='sha-256' "
					      "setup='actpass'>" HEX_16
					      ":" HEX_16 "</fingerprint>"
					      "</transport></content>"
					      "<group "
					      "xmlns='" JINGLE_NS_GROUPING
					      "' semantics='BUNDLE'>"
					      "<content name='0'/></group>"));
}

static struct media_desc *audio_and_refused_video(void)
{
	struct media_desc *desc = parsed(JINGLE(
		CONTENT("name='a'",
			DESCRIPTION(PCMU "<rtcp-mux/>") TRANSPORT(
				"ufrag='abcd' pwd='secret'",
				CAND(GOOD) FINGERPRINT("setup='active'")))
			CONTENT("name='v'",
				"<description "
				"xmlns='" JINGLE_NS_RTP
				"' media='video'><payload-type "
				"id='96' "
				"name='VP8' "
				"clockrate='90000'/></"
				"description>") "<group "
						"xmlns="
						"'" JINGLE_NS_GROUPING "' "
						"semantics='"
						"BUNDLE'>"
						"<content "
						"name='a'/"
						"><content "
						"name='v'/></"
						"group>"));

	desc->contents[1]->rejected = true;
	return desc;
}

static void a_rejected_content_is_left_out_or_silent(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = audio_and_refused_video();
	struct jingle_desc_options options = { false, JINGLE_REJECTED_OMIT };
	AUTO(stanza_freep) struct stanza *omit = formatted(desc, &options);
	options.rejected = JINGLE_REJECTED_NONE;
	AUTO(stanza_freep) struct stanza *none = formatted(desc, &options);
	AUTO(media_desc_freep) struct media_desc *a = NULL;
	AUTO(media_desc_freep) struct media_desc *b = NULL;

	assert_int_equal(jingle_desc_parse(&a, omit, false), 0);
	assert_int_equal(a->ncontents, 1);
	assert_true(a->bundle);
	assert_int_equal(jingle_desc_parse(&b, none, false), 0);
	assert_int_equal(b->ncontents, 2);
	assert_true(b->bundle);
	const struct media_content *video = b->contents[1];
	assert_int_equal(video->kind, MEDIA_VIDEO);
	assert_int_equal(video->dir, MEDIA_INACTIVE);
	assert_int_equal(video->ncodecs, 1);
	assert_string_equal(video->ufrag, "abcd");
	assert_int_equal(video->nfingerprints, 1);
	assert_int_equal(video->ncands, 0);
	assert_true(video->rtcp_mux);
	desc->contents[1]->kind = MEDIA_OTHER;
	AUTO(stanza_freep) struct stanza *other = formatted(desc, &options);
	AUTO(media_desc_freep) struct media_desc *c = NULL;
	assert_int_equal(jingle_desc_parse(&c, other, false), 0);
	assert_int_equal(c->ncontents, 1);
	assert_true(c->bundle);
}

static void a_transport_info_has_one_candidate_or_all(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = audio_and_refused_video();
	struct media_content *content = desc->contents[0];
	AUTO(stanza_freep) struct stanza *one = NULL;
	AUTO(stanza_freep) struct stanza *all = NULL;
	AUTO(media_content_fini) struct media_content read = { 0 };

	assert_int_equal(media_content_add_cand(content, &content->cands[0]),
			 0);
	assert_int_equal(stanza_new(&one, "jingle", JINGLE_NS), 0);
	assert_int_equal(stanza_new(&all, "jingle", JINGLE_NS), 0);
	jingle_transport_format(one, content, &content->cands[0]);
	jingle_transport_format(all, content, NULL);
	assert_xml(one,
		   JINGLE(CONTENT("creator='initiator' name='a'",
				  TRANSPORT("ufrag='abcd' pwd='secret'",
					    "<candidate component='1' "
					    "foundation='1' generation='0' "
					    "id='c1-1-1-0' ip='192.0.2.1' "
					    "network='0' port='5000' "
					    "priority='1' protocol='udp' "
					    "type='host'/>"))));
	assert_int_equal(jingle_content_parse(&read, stanza_first(all), true),
			 0);
	assert_int_equal(read.ncands, 2);
	assert_int_equal(read.nfingerprints, 0);
	assert_string_equal(read.mid, "a");
	assert_string_equal(read.pwd, "secret");
}

static int build(struct stanza **out)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	AUTO(stanza_freep) struct stanza *st = NULL;
	const struct jingle_desc_options options = { true,
						     JINGLE_REJECTED_OMIT };
	int r = stanza_parse(
		&st,
		slice_of(JINGLE(CONTENT(
			"name='a'", DESCRIPTION(PCMU) TRANSPORT("ufrag='abcd'",
								CAND(GOOD))))));

	if (!r)
		r = jingle_desc_parse(&desc, st, true);
	if (!r)
		r = stanza_new(out, "jingle", JINGLE_NS);
	if (r)
		return r;
	jingle_desc_format(*out, desc, &options);
	if (stanza_ok(*out))
		return 0;
	*out = stanza_free(*out);
	return -ENOMEM;
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct stanza *st = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, build(&st))
	st = stanza_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(an_offer_of_ours_looks_like_this),
		cmocka_unit_test(a_rejected_content_is_left_out_or_silent),
		cmocka_unit_test(a_transport_info_has_one_candidate_or_all),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
