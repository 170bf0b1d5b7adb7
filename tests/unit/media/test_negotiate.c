/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/negotiate.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/text.h"
#include "tests/fail_alloc.h"
#include "tests/test.h"

static const struct media_codec
	opus = { 111, 2, 48000, "opus", "minptime=10;useinbandfec=1" },
	red = { 63, 2, 48000, "red", "111/111" },
	g722 = { 9, 1, 8000, "G722", "" }, pcmu = { 0, 1, 8000, "PCMU", "" },
	pcma = { 8, 1, 8000, "PCMA", "" }, cn = { 13, 1, 8000, "CN", "" },
	g729 = { 18, 1, 8000, "G729", "annexb=no" },
	event_48 = { 110, 1, 48000, "telephone-event", "" },
	event_8 = { 126, 1, 8000, "telephone-event", "" },
	event_101 = { 101, 1, 8000, "telephone-event", "0-16" };

static struct media_content *add(struct media_desc *desc, const char *mid,
				 const struct media_codec *const *codecs)
{
	struct media_content *content = NULL;

	assert_int_equal(media_desc_add(desc, &content), 0);
	assert_int_equal(text_set(content->mid, sizeof(content->mid), mid), 0);
	for (; *codecs; codecs++)
		assert_int_equal(media_content_add_codec(content, *codecs), 0);
	return content;
}

static struct media_desc *describe(const struct media_codec *const *codecs)
{
	struct media_desc *desc = NULL;

	assert_int_equal(media_desc_new(&desc), 0);
	add(desc, "audio", codecs);
	return desc;
}

#define DESC(...) \
	describe((const struct media_codec *const[]){ __VA_ARGS__, 0 })

/* "111 9 0" */
static void assert_pts(const struct media_content *content, const char *pts)
{
	char text[256] = "", *at = text;

	for (size_t i = 0; i < content->ncodecs; i++)
		at += snprintf(at, (size_t)(text + sizeof(text) - at), "%s%u",
			       i ? " " : "", content->codecs[i].pt);
	assert_string_equal(text, pts);
}

static void caps_are_what_every_party_speaks(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *caps = NULL;

	assert_int_equal(negotiate_caps(&caps), 0);
	assert_int_equal(caps->ncontents, 1);
	assert_string_equal(caps->contents[0]->mid, "0");
	assert_pts(caps->contents[0], "0 8 9 111 101");
}

static void an_offer_keeps_what_can_be_relayed_events_last(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *offer =
		DESC(&event_101, &cn, &g722, &red, &opus, &g729, &pcmu);
	AUTO(media_desc_freep) struct media_desc *out = NULL;

	offer->contents[0]->ptime_ms = 30;
	offer->contents[0]->maxptime_ms = 60;
	offer->contents[0]->dir = MEDIA_SENDONLY;
	add(offer, "video", (const struct media_codec *const[]){ NULL })->kind =
		MEDIA_VIDEO;
	assert_int_equal(negotiate_offer(&out, offer), 0);
	assert_int_equal(out->ncontents, 1);
	const struct media_content *content = out->contents[0];
	assert_pts(content, "9 111 0 101 110");
	assert_string_equal(content->codecs[1].fmtp, opus.fmtp);
	assert_string_equal(content->codecs[3].fmtp, "");
	assert_int_equal(content->ptime_ms, 30);
	assert_int_equal(content->maxptime_ms, 60);
	assert_int_equal(content->dir, MEDIA_SENDONLY);
}

static void an_offer_without_a_codec_for_us_is_refused(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *offer = DESC(&g729, &event_101);
	struct media_desc *out = NULL;

	assert_int_equal(negotiate_offer(&out, offer), NEGOTIATE_E_CODEC);
	offer->contents[0]->kind = MEDIA_VIDEO;
	assert_int_equal(negotiate_offer(&out, offer), NEGOTIATE_E_MEDIA);
	offer->contents[0]->kind = MEDIA_AUDIO;
	offer->contents[0]->rejected = true;
	assert_int_equal(negotiate_offer(&out, offer), NEGOTIATE_E_MEDIA);
	assert_null(out);
}

/* Who took several may send any of them. */
static void an_answer_has_what_both_have_and_its_events(void **state)
{
	(void)state;
	static const struct media_codec other_opus = { 96, 2, 48000, "opus",
						       "stereo=0" };
	AUTO(media_desc_freep)
	struct media_desc *offer =
		DESC(&event_48, &pcma, &opus, &event_8, &pcmu);
	AUTO(media_desc_freep)
	struct media_desc *telephone = DESC(&g729, &pcmu, &pcma, &event_101);
	AUTO(media_desc_freep)
	struct media_desc *softphone = DESC(&event_101, &other_opus, &pcmu);
	AUTO(media_desc_freep) struct media_desc *a = NULL;
	AUTO(media_desc_freep) struct media_desc *b = NULL;

	offer->bundle = true;
	telephone->contents[0]->ptime_ms = 20;
	assert_int_equal(negotiate_answer(&a, offer, telephone), 0);
	assert_pts(a->contents[0], "0 8 126");
	assert_string_equal(a->contents[0]->mid, "audio");
	assert_int_equal(a->contents[0]->ptime_ms, 20);
	assert_true(a->bundle);
	assert_int_equal(negotiate_answer(&b, offer, softphone), 0);
	assert_pts(b->contents[0], "111 0 110 126");
	assert_string_equal(b->contents[0]->codecs[0].fmtp, "stereo=0");
}

static void an_answer_has_no_codec_twice(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *offer =
		DESC(&event_48, &pcma, &opus, &event_8, &pcmu);
	AUTO(media_desc_freep)
	struct media_desc *client =
		DESC(&event_101, &pcmu, &g729, &opus, &pcmu);
	AUTO(media_desc_freep) struct media_desc *out = NULL;

	assert_int_equal(negotiate_answer(&out, offer, client), 0);
	assert_pts(out->contents[0], "0 111 126 110");
}

static void an_answer_is_sorted_as_its_offer(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *offer = DESC(&pcmu, &opus, &pcma, &event_8);
	AUTO(media_desc_freep)
	struct media_desc *answer = DESC(&event_8, &g729, &pcma, &pcmu);

	negotiate_sort(answer->contents[0], offer->contents[0]);
	assert_pts(answer->contents[0], "0 8 126 18");
	negotiate_sort(answer->contents[0], offer->contents[0]);
	assert_pts(answer->contents[0], "0 8 126 18");
}

static void an_event_of_another_clock_is_for_opus_alone(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *with_opus = DESC(&opus, &event_101);
	AUTO(media_desc_freep)
	struct media_desc *with_pcmu = DESC(&pcmu, &event_48);
	AUTO(media_desc_freep) struct media_desc *agreed = DESC(&opus, &pcmu);
	AUTO(media_desc_freep) struct media_desc *a = NULL;
	AUTO(media_desc_freep) struct media_desc *b = NULL;

	assert_int_equal(negotiate_answer(&a, with_opus, agreed), 0);
	assert_pts(a->contents[0], "111 101");
	assert_string_equal(a->contents[0]->codecs[1].fmtp, "");
	assert_int_equal(negotiate_answer(&b, with_pcmu, agreed), 0);
	assert_pts(b->contents[0], "0");
}

static void every_content_is_answered_in_its_place(void **state)
{
	(void)state;
	static const struct media_codec vp8 = { 96, 1, 90000, "VP8", "" };
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	AUTO(media_desc_freep) struct media_desc *agreed = DESC(&pcmu);
	AUTO(media_desc_freep) struct media_desc *out = NULL;

	assert_int_equal(media_desc_new(&offer), 0);
	add(offer, "v", (const struct media_codec *const[]){ &vp8, NULL })
		->kind = MEDIA_VIDEO;
	add(offer, "a", (const struct media_codec *const[]){ &pcmu, NULL });
	add(offer, "b", (const struct media_codec *const[]){ &pcmu, NULL });
	struct media_content *image =
		add(offer, "i", (const struct media_codec *const[]){ NULL });
	image->kind = MEDIA_OTHER;
	image->profile = MEDIA_PROFILE_OTHER;
	strncpy(image->other_media, "image", MEDIA_WORD_CAP - 1);

	assert_int_equal(negotiate_answer(&out, offer, agreed), 0);
	assert_int_equal(out->ncontents, 4);
	static const bool rejected[] = { true, false, true, true };
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(out->contents[i]->mid,
				    offer->contents[i]->mid);
		assert_int_equal(out->contents[i]->kind,
				 offer->contents[i]->kind);
		assert_int_equal(out->contents[i]->rejected, rejected[i]);
	}
	assert_pts(out->contents[0], "96");
	assert_string_equal(out->contents[3]->other_media, "image");
}

static void nothing_in_common_is_said(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *a = DESC(&pcmu, &event_8);
	AUTO(media_desc_freep) struct media_desc *b = DESC(&pcma, &event_8);
	struct media_desc *out = NULL;
	struct media_map map;

	assert_int_equal(negotiate_answer(&out, a, b), NEGOTIATE_E_CODEC);
	assert_int_equal(negotiate_map(&map, a->contents[0], b->contents[0]),
			 NEGOTIATE_E_CODEC);
	assert_int_equal(map.rx[0].pt, MEDIA_MAP_NONE);
	b->contents[0]->rejected = true;
	assert_int_equal(negotiate_answer(&out, a, b), NEGOTIATE_E_MEDIA);
	assert_null(out);
}

static void a_direction_is_answered_within_the_offer(void **state)
{
	(void)state;
	static const enum media_dir cases[][3] = {
		/* offered, the other party's, answered */
		{ MEDIA_SENDRECV, MEDIA_SENDRECV, MEDIA_SENDRECV },
		{ MEDIA_SENDONLY, MEDIA_SENDRECV, MEDIA_RECVONLY },
		{ MEDIA_SENDONLY, MEDIA_SENDONLY, MEDIA_INACTIVE },
		{ MEDIA_SENDRECV, MEDIA_SENDONLY, MEDIA_SENDONLY },
		{ MEDIA_INACTIVE, MEDIA_SENDRECV, MEDIA_INACTIVE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO(media_desc_freep) struct media_desc *offer = DESC(&pcmu);
		AUTO(media_desc_freep) struct media_desc *agreed = DESC(&pcmu);
		AUTO(media_desc_freep) struct media_desc *out = NULL;
		offer->contents[0]->dir = cases[i][0];
		agreed->contents[0]->dir = cases[i][1];
		assert_int_equal(negotiate_answer(&out, offer, agreed), 0);
		assert_int_equal(out->contents[0]->dir, cases[i][2]);
	}
}

static void payload_types_and_event_clocks_are_mapped(void **state)
{
	(void)state;
	AUTO(media_desc_freep)
	struct media_desc *client =
		DESC(&opus, &pcmu, &pcma, &event_48, &event_8, &cn);
	AUTO(media_desc_freep)
	struct media_desc *trunk = DESC(&pcma, &event_101);
	struct media_map map;

	assert_int_equal(
		negotiate_map(&map, client->contents[0], trunk->contents[0]),
		0);
	assert_int_equal(map.codec_pt, 8);
	assert_int_equal(map.codec_clock, 8000);
	assert_int_equal(map.event_pt, 101);
	assert_int_equal(map.rx[8].pt, 8);
	assert_false(map.rx[8].event);
	assert_int_equal(map.rx[110].pt, 101);
	assert_true(map.rx[110].event);
	assert_int_equal(map.rx[110].rx_clock, 48000);
	assert_int_equal(map.rx[110].tx_clock, 8000);
	assert_int_equal(map.rx[126].pt, 101);
	assert_int_equal(map.rx[0].pt, MEDIA_MAP_NONE);
	assert_int_equal(map.rx[111].pt, MEDIA_MAP_NONE);
	assert_int_equal(map.rx[13].pt, MEDIA_MAP_NONE);

	assert_int_equal(
		negotiate_map(&map, trunk->contents[0], client->contents[0]),
		0);
	assert_int_equal(map.rx[101].pt, 126);
	assert_int_equal(map.event_pt, 126);
}

static void without_events_none_are_sent(void **state)
{
	(void)state;
	AUTO(media_desc_freep) struct media_desc *dino = DESC(&pcmu);
	AUTO(media_desc_freep)
	struct media_desc *trunk = DESC(&pcmu, &event_101);
	struct media_map map;

	assert_int_equal(
		negotiate_map(&map, trunk->contents[0], dino->contents[0]), 0);
	assert_int_equal(map.event_pt, MEDIA_MAP_NONE);
	assert_int_equal(map.rx[101].pt, MEDIA_MAP_NONE);
}

static int offer_and_answer(struct media_desc **out)
{
	AUTO(media_desc_freep) struct media_desc *caps = NULL;
	AUTO(media_desc_freep) struct media_desc *offer = NULL;
	int r = negotiate_caps(&caps);

	if (!r)
		r = negotiate_offer(&offer, caps);
	return r ? r : negotiate_answer(out, offer, caps);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct media_desc *desc = NULL;
	int r;

	FAIL_EACH_ALLOCATION(r, offer_and_answer(&desc))
	desc = media_desc_free(desc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caps_are_what_every_party_speaks),
		cmocka_unit_test(
			an_offer_keeps_what_can_be_relayed_events_last),
		cmocka_unit_test(an_offer_without_a_codec_for_us_is_refused),
		cmocka_unit_test(an_answer_has_what_both_have_and_its_events),
		cmocka_unit_test(an_answer_has_no_codec_twice),
		cmocka_unit_test(an_answer_is_sorted_as_its_offer),
		cmocka_unit_test(an_event_of_another_clock_is_for_opus_alone),
		cmocka_unit_test(every_content_is_answered_in_its_place),
		cmocka_unit_test(nothing_in_common_is_said),
		cmocka_unit_test(a_direction_is_answered_within_the_offer),
		cmocka_unit_test(payload_types_and_event_clocks_are_mapped),
		cmocka_unit_test(without_events_none_are_sent),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
