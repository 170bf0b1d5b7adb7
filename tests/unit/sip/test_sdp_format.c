/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/sip/sdp_text.h"

static void what_is_written_reads_the_same(void **state)
{
	(void)state;
	const struct sdp_origin origin = { 1, UINT64_MAX };

	for (uint64_t seed = 0; seed < 3000; seed++) {
		AUTO(media_desc_freep)
		struct media_desc *desc = random_desc(seed, DESC_AS_SDP);
		AUTO(media_desc_freep) struct media_desc *again = NULL;
		struct sdp_origin read;
		char *text = NULL;
		size_t n = 0;
		assert_int_equal(sdp_format(&text, &n, desc, &origin), 0);
		assert_int_equal(n, strlen(text));
		if (n > SDP_MAX) { /* four contents with all candidates */
			free(text);
			continue;
		}
		assert_int_equal(
			sdp_parse(&again, &read, (struct slice){ text, n }), 0);
		free(text);
		assert_same_desc(desc, again);
		assert_int_equal(read.id, 1);
		assert_int_equal(read.version, UINT64_MAX);
	}
}

static void an_offer_of_ours_looks_like_this(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *content;
	const struct media_codec event = { 101, 1, 8000, "telephone-event",
					   "" };
	struct media_codec pcmu;
	char *text = NULL;
	size_t n;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &content), 0);
	assert_int_equal(media_codec_static(&pcmu, 0), 0);
	assert_int_equal(media_content_add_codec(content, &pcmu), 0);
	assert_int_equal(media_content_add_codec(content, &event), 0);
	assert_int_equal(
		addr_parse(&content->rtp, slice_of("2001:db8::1"), 4000), 0);
	assert_int_equal(
		sdp_format(&text, &n, desc, &(struct sdp_origin){ 5, 6 }), 0);
	assert_string_equal(text, "v=0\r\n"
				  "o=- 5 6 IN IP6 2001:db8::1\r\n"
				  "s=-\r\n"
				  "c=IN IP6 2001:db8::1\r\n"
				  "t=0 0\r\n"
				  "m=audio 4000 RTP/AVP 0 101\r\n"
				  "a=rtpmap:0 PCMU/8000\r\n"
				  "a=rtpmap:101 telephone-event/8000\r\n"
				  "a=fmtp:101 0-15\r\n"
				  "a=sendrecv\r\n");
	free(text);
}

static void text_that_ends_a_line_is_not_written(void **state)
{
	(void)state;
	const struct sdp_origin origin = { 1, 1 };

	for (int i = 0; i < 5; i++) {
		AUTO(media_desc_freep)
		struct media_desc *desc = parsed(HEAD AUDIO);
		struct media_content *content = desc->contents[0];
		const struct media_cand cand = { .foundation = "a b" };
		char *text = NULL;
		size_t n;
		char *const where[] = { content->mid, content->ufrag,
					content->codecs[0].fmtp,
					content->codecs[0].name };
		if (i < 4)
			memcpy(where[i], "a\r\nm=", 6);
		else
			assert_int_equal(media_content_add_cand(content, &cand),
					 0);
		assert_int_equal(sdp_format(&text, &n, desc, &origin),
				 SDP_E_CONTENT);
		assert_null(text);
	}
}

static void a_content_without_a_codec_is_not_written(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *desc = parsed(HEAD AUDIO);
	const struct sdp_origin origin = { 1, 1 };
	char *text = NULL;
	size_t n;

	desc->contents[0]->ncodecs = 0;
	assert_int_equal(sdp_format(&text, &n, desc, &origin), SDP_E_CONTENT);
	desc->contents[0]->rejected = true;
	assert_int_equal(sdp_format(&text, &n, desc, &origin), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(an_offer_of_ours_looks_like_this),
		cmocka_unit_test(text_that_ends_a_line_is_not_written),
		cmocka_unit_test(a_content_without_a_codec_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
