/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/jingle_desc.h"

#include "tests/desc.h"
#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define JINGLE(contents)       "<jingle xmlns='" JINGLE_NS "'>" contents "</jingle>"
#define CONTENT(attrs, inside) "<content " attrs ">" inside "</content>"
#define DESCRIPTION(inside)                                            \
	"<description xmlns='" JINGLE_NS_RTP "' media='audio'>" inside \
	"</description>"
#define TRANSPORT(attrs, inside)                                     \
	"<transport xmlns='" JINGLE_NS_ICE_UDP "' " attrs ">" inside \
	"</transport>"
#define PCMU   "<payload-type id='0'/>"
#define HEX_16 "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B"
#define FINGERPRINT(attrs)                                              \
	"<fingerprint xmlns='" JINGLE_NS_DTLS "' hash='sha-256' " attrs \
	">" HEX_16 ":" HEX_16 "</fingerprint>"

static int parse(struct media_desc **out, const char *xml, bool initiator)
{
	AUTO(stanza_freep) struct stanza *st = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(xml)), 0);
	return jingle_desc_parse(out, st, initiator);
}

static struct media_desc *parsed(const char *xml)
{
	struct media_desc *desc = NULL;

	assert_int_equal(parse(&desc, xml, true), 0);
	return desc;
}

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
		{ 111, 2, 48000, "opus", "minptime=10; useinbandfec=1" },
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

static void senders_are_roles_and_directions_the_writers(void **state)
{
	(void)state;
	static const struct {
		const char *senders;
		bool initiator;
		enum media_dir dir;
	} cases[] = {
		{ "senders='both'", true, MEDIA_SENDRECV },
		{ "senders='none'", true, MEDIA_INACTIVE },
		{ "senders='initiator'", true, MEDIA_SENDONLY },
		{ "senders='initiator'", false, MEDIA_RECVONLY },
		{ "senders='responder'", true, MEDIA_RECVONLY },
		{ "senders='responder'", false, MEDIA_SENDONLY },
		{ "", false, MEDIA_SENDRECV },
		{ "senders='x'", true, MEDIA_SENDRECV },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[256];
		snprintf(xml, sizeof(xml), JINGLE("<content name='a' %s/>"),
			 cases[i].senders);
		AUTO(media_desc_freep) struct media_desc *desc = NULL;
		assert_int_equal(parse(&desc, xml, cases[i].initiator), 0);
		assert_int_equal(desc->contents[0]->dir, cases[i].dir);
	}
}

static void payload_types_are_completed_or_left_out(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(JINGLE(CONTENT(
		"name='a'",
		DESCRIPTION(
			PCMU PCMU
			"<payload-type id='96' name='x'/>"
			"<payload-type id='97'/>"
			"<payload-type id='128' name='x' clockrate='8000'/>"
			"<payload-type name='x' clockrate='8000'/>"
			"<payload-type id='98' name='a b' clockrate='8000'/>"
			"<payload-type id='99' name='x' clockrate='-1'/>"
			"<payload-type id='100' name='x' clockrate='8000' "
			"channels='x'/>"
			"<payload-type id='101' name='opus' clockrate='48000' "
			"channels='2' ptime='20' maxptime='60'/>"))));
	const struct media_content *content = desc->contents[0];

	assert_int_equal(content->ncodecs, 2);
	assert_string_equal(content->codecs[0].name, "PCMU");
	assert_int_equal(content->codecs[0].clockrate, 8000);
	assert_string_equal(content->codecs[1].name, "opus");
	assert_int_equal(content->ptime_ms, 20);
	assert_int_equal(content->maxptime_ms, 60);
}

static void parameters_come_in_three_forms(void **state)
{
	(void)state;
	static const struct {
		const char *parameters, *fmtp;
	} cases[] = {
		{ "<parameter name='a' value='1'/><parameter name='b' "
		  "value='2'/>",
		  "a=1;b=2" },
		{ "<parameter value='0-16'/>", "0-16" },
		{ "<parameter name='' value='0-16'/>", "0-16" },
		{ "<parameter name='0-16' value=''/>", "0-16" }, /* Siskin */
		{ "<parameter value='0-15'/>", "" },
		{ "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' "
		  "type='nack'/>",
		  "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[1024];
		snprintf(xml, sizeof(xml),
			 JINGLE(CONTENT("name='a'",
					DESCRIPTION("<payload-type id='126' "
						    "name='telephone-event' "
						    "clockrate='8000'>%s"
						    "</payload-type>"))),
			 cases[i].parameters);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->contents[0]->ncodecs, 1);
		assert_string_equal(desc->contents[0]->codecs[0].fmtp,
				    cases[i].fmtp);
	}
}

static void parameters_that_could_end_a_line_cost_the_codec(void **state)
{
	(void)state;
	static const char *const bad[] = { "a&#13;&#10;m=", "\xc3\xa9",
					   "a;b=c" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char xml[1024];
		snprintf(xml, sizeof(xml),
			 JINGLE(CONTENT("name='a'",
					DESCRIPTION("<payload-type id='0'>"
						    "<parameter name='a' "
						    "value='%s'/>"
						    "</payload-type>"))),
			 bad[i]);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->contents[0]->ncodecs, 0);
	}
}

#define CAND(attrs) "<candidate component='1' " attrs "/>"
#define GOOD                                                      \
	"foundation='1' ip='192.0.2.1' port='5000' priority='1' " \
	"protocol='udp' type='host'"

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

static void what_is_no_call_of_ours_shows(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(JINGLE(
		CONTENT("name='file'",
			"<description xmlns='urn:xmpp:jingle:apps:file-"
			"transfer:5'/>"
			"<transport xmlns='urn:xmpp:jingle:transports:ibb:1'/>")
			CONTENT("name='text'",
				"<description xmlns='" JINGLE_NS_RTP
				"' media='text'/>")));

	assert_int_equal(desc->contents[0]->kind, MEDIA_OTHER);
	assert_string_equal(desc->contents[0]->ufrag, "");
	assert_int_equal(desc->contents[1]->kind, MEDIA_OTHER);
	assert_null(media_desc_first(desc, MEDIA_AUDIO));
}

static void bad_contents_are_a_bad_request(void **state)
{
	(void)state;
	static const char *const bad[] = {
		JINGLE(""),
		JINGLE("<content/>"),
		JINGLE("<content name=''/>"),
		JINGLE("<content name='a'/><content name='a'/>"),
		JINGLE("<content name='012345678901234567890123456789012'/>"),
		JINGLE(CONTENT("name='a'", TRANSPORT("ufrag='a b'", ""))),
		JINGLE(CONTENT("name='a'", TRANSPORT("pwd='a&#10;'", ""))),
		JINGLE("<content xmlns='urn:x' name='a'/>"),
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct media_desc *desc = NULL;
		assert_int_equal(parse(&desc, bad[i], true),
				 JINGLE_DESC_E_SYNTAX);
		assert_null(desc);
	}
}

static struct stanza *many_contents(int n)
{
	struct stanza *jingle = NULL;

	assert_int_equal(stanza_new(&jingle, "jingle", JINGLE_NS), 0);
	for (int i = 0; i < n; i++) {
		struct stanza *content = stanza_child(jingle, "content", NULL);
		stanza_setf(content, "name", "%d", i);
		struct stanza *description =
			stanza_child(content, "description", JINGLE_NS_RTP);
		stanza_set(description, "media", "audio");
	}
	assert_true(stanza_ok(jingle));
	return jingle;
}

static void contents_have_limits(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *most = many_contents(MEDIA_MAX_CONTENTS);
	AUTO(stanza_freep)
	struct stanza *more = many_contents(MEDIA_MAX_CONTENTS + 1);
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_desc *none = NULL;

	assert_int_equal(jingle_desc_parse(&desc, most, true), 0);
	assert_int_equal(desc->contents[MEDIA_USED_CONTENTS - 1]->kind,
			 MEDIA_AUDIO);
	assert_int_equal(desc->contents[MEDIA_USED_CONTENTS]->kind,
			 MEDIA_OTHER);
	assert_int_equal(jingle_desc_parse(&none, more, true),
			 JINGLE_DESC_E_CONTENT);
}

static void a_group_counts_when_it_is_of_all(void **state)
{
	(void)state;
	static const struct {
		const char *group;
		bool bundle;
	} cases[] = {
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='BUNDLE'><content name='b'/><content "
		  "name='a'/></group>",
		  true },
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='BUNDLE'><content name='b'/></group>",
		  false },
		{ "<group xmlns='" JINGLE_NS_GROUPING
		  "' semantics='LS'><content name='b'/><content "
		  "name='a'/></group>",
		  false },
		{ "<group xmlns='" JINGLE_NS_GROUPING "'/>", false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char xml[512];
		snprintf(xml, sizeof(xml),
			 JINGLE("<content name='a'/><content name='b'/>%s"),
			 cases[i].group);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(xml);
		assert_int_equal(desc->bundle, cases[i].bundle);
	}
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
		cmocka_unit_test(senders_are_roles_and_directions_the_writers),
		cmocka_unit_test(payload_types_are_completed_or_left_out),
		cmocka_unit_test(parameters_come_in_three_forms),
		cmocka_unit_test(
			parameters_that_could_end_a_line_cost_the_codec),
		cmocka_unit_test(only_candidates_that_we_can_use_are_kept),
		cmocka_unit_test(related_addresses_have_two_spellings),
		cmocka_unit_test(a_transport_tells_of_ice_and_dtls),
		cmocka_unit_test(what_is_no_call_of_ours_shows),
		cmocka_unit_test(bad_contents_are_a_bad_request),
		cmocka_unit_test(contents_have_limits),
		cmocka_unit_test(a_group_counts_when_it_is_of_all),
		cmocka_unit_test(a_rejected_content_is_left_out_or_silent),
		cmocka_unit_test(a_transport_info_has_one_candidate_or_all),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
