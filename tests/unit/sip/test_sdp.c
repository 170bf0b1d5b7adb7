/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/fail_alloc.h"
#include "tests/unit/sip/sdp_text.h"

static void assert_outcome(const char *text, int outcome)
{
	struct media_desc *desc = NULL;

	assert_int_equal(parse(&desc, text), outcome);
	assert_null(desc);
}

static void static_types_need_no_rtpmap_and_dynamic_ones_do(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc =
		parsed(HEAD "m=audio 4000 RTP/AVP 8 96 97 98 8\n"
			    "a=rtpmap:97 opus/48000/2\n"
			    "a=rtpmap:98 x/0\n"
			    "a=rtpmap:99 y/8000\n"
			    "a=fmtp:97  useinbandfec=1 \n");
	const struct media_content *content = desc->contents[0];

	assert_int_equal(content->ncodecs, 2);
	assert_string_equal(content->codecs[0].name, "PCMA");
	assert_int_equal(content->codecs[1].pt, 97);
	assert_int_equal(content->codecs[1].channels, 2);
	assert_string_equal(content->codecs[1].fmtp, "useinbandfec=1");
	assert_int_equal(content->dir, MEDIA_SENDRECV);
	assert_string_equal(addr_text(&content->rtp).s, "192.0.2.1:4000");
}

static void parameters_that_could_end_a_line_cost_the_codec(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(HEAD "m=audio 4000 RTP/AVP 0 8\n"
					      "a=fmtp:0 a\x01"
					      "b\n");

	assert_int_equal(desc->contents[0]->ncodecs, 1);
	assert_int_equal(desc->contents[0]->codecs[0].pt, 8);
}

static void a_medium_overrides_the_session(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(
		HEAD "a=sendonly\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n"
		     "a=ice-pwd:0123456789012345678901\r\n" AUDIO AUDIO
		     "c=IN IP6 2001:db8::5\r\na=recvonly\r\n"
		     "a=setup:passive\r\na=ice-ufrag:efgh\r\n");
	const struct media_content *first = desc->contents[0],
				   *second = desc->contents[1];

	assert_int_equal(first->dir, MEDIA_SENDONLY);
	assert_int_equal(first->setup, MEDIA_SETUP_ACTPASS);
	assert_string_equal(first->ufrag, "abcd");
	assert_int_equal(second->dir, MEDIA_RECVONLY);
	assert_int_equal(second->setup, MEDIA_SETUP_PASSIVE);
	assert_string_equal(second->ufrag, "efgh");
	assert_string_equal(second->pwd, "0123456789012345678901");
	assert_string_equal(addr_text(&second->rtp).s, "[2001:db8::5]:4000");
}

static void hold_has_many_spellings(void **state)
{
	(void)state;
	static const struct {
		const char *tail;
		enum media_dir dir;
		const char *host; /* NULL: none, candidates will tell */
	} cases[] = {
		{ AUDIO "a=sendonly\r\n", MEDIA_SENDONLY, "192.0.2.1" },
		{ AUDIO "a=inactive\r\n", MEDIA_INACTIVE, "192.0.2.1" },
		{ AUDIO "c=IN IP4 0.0.0.0\r\n", MEDIA_SENDONLY, "0.0.0.0" },
		{ AUDIO "c=IN IP6 ::\r\na=sendrecv\r\n", MEDIA_SENDONLY, "::" },
		{ AUDIO "c=IN IP4 0.0.0.0\r\na=recvonly\r\n", MEDIA_INACTIVE,
		  "0.0.0.0" },
		{ "m=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n", MEDIA_SENDRECV,
		  NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[512];
		snprintf(text, sizeof(text), HEAD "%s", cases[i].tail);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(text);
		assert_int_equal(desc->contents[0]->dir, cases[i].dir);
		const struct addr *rtp = &desc->contents[0]->rtp;
		if (!cases[i].host) {
			assert_false(addr_is_set(rtp));
			continue;
		}
		assert_string_equal(addr_ip_text(rtp).s, cases[i].host);
		assert_true(addr_port(rtp));
	}
}

static void rtcp_is_where_it_says(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(
		HEAD AUDIO "a=rtcp:53020\r\n" AUDIO
			   "a=rtcp:53020 IN IP6 2001:db8::1\r\n" AUDIO
			   "a=rtcp:9 IN IP4 0.0.0.0\r\na=rtcp-mux\r\n" AUDIO);

	assert_string_equal(addr_text(&desc->contents[0]->rtcp).s,
			    "192.0.2.1:53020");
	assert_string_equal(addr_text(&desc->contents[1]->rtcp).s,
			    "[2001:db8::1]:53020");
	assert_false(addr_is_set(&desc->contents[2]->rtcp));
	assert_true(desc->contents[2]->rtcp_mux);
	assert_false(desc->contents[3]->rtcp_mux);
}

static void what_is_not_ours_is_kept_to_be_refused(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc = parsed(
		HEAD "m=audio 9 UDP @\r\n"
		     "m=application 9 DTLS/SCTP <webrtc>\r\na=mid:data\r\n"
		     "a=ice-ufrag:x\r\n"
		     "m=image 4000 udptl t38\r\n" AUDIO AUDIO);

	assert_int_equal(desc->ncontents, 5);
	assert_int_equal(desc->contents[0]->kind, MEDIA_OTHER);
	assert_string_equal(desc->contents[0]->other_media, "audio");
	assert_string_equal(desc->contents[0]->other_profile, "UDP");
	assert_string_equal(desc->contents[1]->other_format, "<webrtc>");
	assert_string_equal(desc->contents[1]->mid, "data");
	assert_int_equal(desc->contents[3]->kind, MEDIA_AUDIO);
	/* beyond MEDIA_USED_CONTENTS */
	assert_int_equal(desc->contents[4]->kind, MEDIA_OTHER);

	desc->contents[2]->rejected = true;
	char *text = NULL;
	size_t n;
	assert_int_equal(
		sdp_format(&text, &n, desc, &(struct sdp_origin){ 1, 1 }), 0);
	assert_non_null(strstr(text, "\r\nm=image 0 udptl t38\r\n"));
	free(text);
}

static void a_group_counts_when_it_is_of_all(void **state)
{
	(void)state;
	static const struct {
		const char *group;
		bool bundle;
	} cases[] = {
		{ "BUNDLE a b", true },    { "BUNDLE b a", true },
		{ "BUNDLE a b c", true },  { "BUNDLE a", false },
		{ "BUNDLE", false },       { "LS a b", false },
		{ "BUNDLE a  bb", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024];
		snprintf(text, sizeof(text),
			 HEAD "a=group:%s\r\n" AUDIO "a=mid:a\r\n" AUDIO
			      "a=mid:b\r\nm=video 0 RTP/AVP 31\r\na=mid:v\r\n",
			 cases[i].group);
		AUTO(media_desc_freep) struct media_desc *desc = parsed(text);
		assert_int_equal(desc->bundle, cases[i].bundle);
		assert_true(desc->contents[2]->rejected);
	}
}

static void bad_text_is_a_bad_request(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"\r\n",
		"v=0",
		"hello",
		"o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n" AUDIO,
		"v=1\r\no=- 1 1 IN IP4 192.0.2.1\r\n" AUDIO,
		"v=0\r\nc=IN IP4 192.0.2.1\r\n" AUDIO,
		"v=0\r\no=- 1 1 IN IP4\r\nc=IN IP4 192.0.2.1\r\n" AUDIO,
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n" AUDIO, /* no c= */
		HEAD "v=0\r\n" AUDIO,
		HEAD AUDIO "o=- 7 8 IN IP4 192.0.2.1\r\n",
		HEAD "m=audio\r\n",
		HEAD "m=audio 4000\r\n",
		HEAD "m=audio 4000 RTP/AVP\r\n",
		HEAD "m=audio 65536 RTP/AVP 0\r\n",
		HEAD "m=audio -1 RTP/AVP 0\r\n",
		HEAD "m=audio x RTP/AVP 0\r\n",
		HEAD "m=audio 4000 RTP/AVP 128\r\n",
		HEAD "m=audio 4000 RTP/AVP 0 x\r\n",
		HEAD "m= \r\n",
		HEAD "c=IN\r\n" AUDIO,
		HEAD "c=IN IP4 \r\n" AUDIO,
		HEAD "a\r\n" AUDIO,
		HEAD "\r\n" AUDIO,
		HEAD "A=b\r\n" AUDIO,
		HEAD "a=b\rc\r\n" AUDIO,
		HEAD "m=a,b 9 UDP @\r\n",
		HEAD "m=audio 9 UDP \x80\r\n",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_outcome(bad[i], SDP_E_SYNTAX);

	static const char zero[] = HEAD AUDIO "a=b\0c\r\n";
	struct media_desc *desc = NULL;
	assert_int_equal(sdp_parse(&desc, NULL,
				   (struct slice){ zero, sizeof(zero) - 1 }),
			 SDP_E_SYNTAX);
}

static void line_ends_may_be_lf_and_many(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *desc =
		parsed("v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 h.example\n"
		       "m=audio 4000/2 RTP/AVP 0\r\n\r\n\n");

	assert_false(addr_is_set(&desc->contents[0]->rtp));
}

static void what_is_not_for_us_is_not_acceptable(void **state)
{
	(void)state;
	assert_outcome(HEAD, SDP_E_CONTENT);
	assert_outcome(HEAD AUDIO "a=ice-ufrag:abc\r\n", SDP_E_CONTENT);
	assert_outcome(HEAD AUDIO "a=ice-pwd:012345678901234567890\r\n",
		       SDP_E_CONTENT);
	assert_outcome(HEAD "m=application 9 UDP/DTLS/SCTP/and/much/more x\r\n",
		       SDP_E_CONTENT);
	assert_outcome(HEAD AUDIO "a=mid:"
				  "01234567890123456789012345678901234567890123"
				  "456789012345678901234\r\n",
		       SDP_E_CONTENT);
}

/* @head, @n times @body. */
static char *repeat(const char *head, const char *body, size_t n)
{
	size_t nhead = strlen(head), nbody = strlen(body);
	char *text = malloc(nhead + n * nbody + 1);

	assert_non_null(text);
	memcpy(text, head, nhead + 1);
	for (size_t i = 0; i < n; i++)
		memcpy(text + nhead + i * nbody, body, nbody + 1);
	return text;
}

static int outcome_of(char *text)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	int r = parse(&desc, text);

	free(text);
	return r;
}

static void limits_hold(void **state)
{
	(void)state;
	enum { HEAD_LINES = 5 };

	assert_int_equal(outcome_of(repeat(HEAD AUDIO, "a=x\r\n",
					   SDP_MAX_LINES - HEAD_LINES - 1)),
			 0);
	assert_int_equal(outcome_of(repeat(HEAD AUDIO, "a=x\r\n",
					   SDP_MAX_LINES - HEAD_LINES)),
			 SDP_E_CONTENT);
	assert_int_equal(
		outcome_of(repeat(HEAD AUDIO "a=", "x", SDP_MAX_LINE - 2)), 0);
	assert_int_equal(
		outcome_of(repeat(HEAD AUDIO "a=", "x", SDP_MAX_LINE - 1)),
		SDP_E_CONTENT);
	assert_int_equal(outcome_of(repeat(HEAD AUDIO,
					   "a=0123456789012345678"
					   "901234567890123456789"
					   "0\r\n",
					   SDP_MAX / 40)),
			 SDP_E_CONTENT);
	assert_int_equal(outcome_of(repeat(HEAD, AUDIO, MEDIA_MAX_CONTENTS)),
			 0);
	assert_int_equal(
		outcome_of(repeat(HEAD, AUDIO, MEDIA_MAX_CONTENTS + 1)),
		SDP_E_CONTENT);
}

static void tables_take_what_fits(void **state)
{
	(void)state;
	char *text = repeat(HEAD AUDIO,
			    "a=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\n",
			    MEDIA_MAX_CANDS + 10);
	AUTO(media_desc_freep) struct media_desc *desc = parsed(text);

	free(text);
	assert_int_equal(desc->contents[0]->ncands, MEDIA_MAX_CANDS);
	text = repeat(HEAD AUDIO,
		      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_30
		      "\r\n",
		      MEDIA_MAX_CRYPTOS + 1);
	desc = media_desc_free(desc);
	desc = parsed(text);
	free(text);
	assert_int_equal(desc->contents[0]->ncryptos, MEDIA_MAX_CRYPTOS);
	desc = media_desc_free(desc);
	text = repeat(HEAD "m=video 4000 RTP/AVP", "", 0);
	for (int i = 0; i < 128; i++) {
		char pt[8];
		snprintf(pt, sizeof(pt), " %d", i);
		char *longer = repeat(text, pt, 1);
		free(text);
		text = longer;
	}
	desc = parsed(text);
	free(text);
	assert_int_equal(desc->contents[0]->kind, MEDIA_VIDEO);
}

static int read_and_write(char **text)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	const struct sdp_origin origin = { 1, 1 };
	size_t n;
	int r = parse(&desc, HEAD AUDIO AUDIO "a=crypto:1 "
					      "AES_CM_128_HMAC_SHA1_80 "
					      "inline:" KEY_30 "\r\n");

	return r ? r : sdp_format(text, &n, desc, &origin);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	char *text = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, read_and_write(&text))
	{
		free(text);
		text = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			static_types_need_no_rtpmap_and_dynamic_ones_do),
		cmocka_unit_test(
			parameters_that_could_end_a_line_cost_the_codec),
		cmocka_unit_test(a_medium_overrides_the_session),
		cmocka_unit_test(hold_has_many_spellings),
		cmocka_unit_test(rtcp_is_where_it_says),
		cmocka_unit_test(what_is_not_ours_is_kept_to_be_refused),
		cmocka_unit_test(a_group_counts_when_it_is_of_all),
		cmocka_unit_test(bad_text_is_a_bad_request),
		cmocka_unit_test(line_ends_may_be_lf_and_many),
		cmocka_unit_test(what_is_not_for_us_is_not_acceptable),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(tables_take_what_fits),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
