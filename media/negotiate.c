/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 3264 without transcoding: the codecs here are those that the relay
 * passes through, and telephone-event (RFC 4733), whose clock it converts.
 */
#include "media/negotiate.h"

#include <assert.h>
#include <string.h>

#include "gateway/base/text.h"

enum { OPUS_CLOCK = 48000, TELEPHONE_CLOCK = 8000 };
static_assert(OPUS_CLOCK <= UINT16_MAX, "clocks of a map's entries");

static const struct media_codec relayed[] = {
	{ 0, 1, TELEPHONE_CLOCK, "PCMU", "" },
	{ 8, 1, TELEPHONE_CLOCK, "PCMA", "" },
	{ 9, 1, TELEPHONE_CLOCK, "G722", "" },
	{ 111, 2, OPUS_CLOCK, "opus", "" },
	{ 101, 1, TELEPHONE_CLOCK, "telephone-event", "" },
	{ 110, 1, OPUS_CLOCK, "telephone-event", "" },
};
enum { NRELAYED = sizeof(relayed) / sizeof(*relayed) };
enum { EVENT = 4, EVENT_OPUS = 5 }; /* rows of it */

static bool is_relayed(const struct media_codec *codec)
{
	for (size_t i = 0; i < NRELAYED; i++)
		if (media_codec_same(codec, &relayed[i]))
			return true;
	return false;
}

static const struct media_codec *find_event(const struct media_content *content,
					    uint32_t clock)
{
	for (size_t i = 0; i < content->ncodecs; i++)
		if (media_codec_is_event(&content->codecs[i]) &&
		    content->codecs[i].clockrate == clock)
			return &content->codecs[i];
	return NULL;
}

/*
 * The telephone-event that goes with @codec: of the same clock (RFC 4733, 2.1),
 * or for Opus the telephone's, which is all that many SIP peers have.
 */
static const struct media_codec *event_for(const struct media_content *content,
					   const struct media_codec *codec)
{
	const struct media_codec *event = find_event(content, codec->clockrate);

	return event ? event : find_event(content, TELEPHONE_CLOCK);
}

int negotiate_caps(struct media_desc **out)
{
	static const size_t caps[] = { 0, 1, 2, 3, EVENT };
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *content;
	int r = media_desc_new(&desc);

	if (!r)
		r = media_desc_add(desc, &content);
	if (!r)
		r = text_set(content->mid, sizeof(content->mid), "0");
	for (size_t i = 0; !r && i < sizeof(caps) / sizeof(*caps); i++)
		r = media_content_add_codec(content, &relayed[caps[i]]);
	if (r)
		return r;
	*out = desc;
	desc = NULL;
	return 0;
}

/*
 * Dino takes the first payload type of a description for the agreed one, and
 * Monal writes them in random order: codecs first, then telephone-event, whose
 * parameters Monal cannot read (a list of events has no name).
 */
static int copy_codecs(struct media_content *to,
		       const struct media_content *from, bool events)
{
	for (size_t i = 0; i < from->ncodecs; i++) {
		struct media_codec codec = from->codecs[i];
		if (!is_relayed(&codec) ||
		    media_codec_is_event(&codec) != events)
			continue;
		if (events)
			codec.fmtp[0] = '\0';
		int r = media_content_add_codec(to, &codec);
		if (r)
			return r;
	}
	return 0;
}

/* A payload type of the dynamic range that @content does not use yet. */
static uint8_t free_pt(const struct media_content *content, uint8_t wanted)
{
	enum { DYNAMIC_MIN = 96 };
	uint8_t pt = wanted;

	while (media_content_codec(content, pt))
		pt = pt == MEDIA_MAP_NPTS - 1 ? DYNAMIC_MIN : pt + 1;
	return pt;
}

/*
 * A codec's events have its clock (RFC 4733, 2.1): clients know that of 48 kHz
 * alone beside Opus, telephones that of 8 kHz. Both are offered, and converted.
 */
static int complete_events(struct media_content *content)
{
	size_t ncodecs = content->ncodecs;
	bool has_events = false;

	for (size_t i = 0; i < ncodecs; i++)
		has_events |= media_codec_is_event(&content->codecs[i]);
	for (size_t i = 0; has_events && i < ncodecs; i++) {
		uint32_t clock = content->codecs[i].clockrate;
		struct media_codec event =
			relayed[clock == OPUS_CLOCK ? EVENT_OPUS : EVENT];

		if (find_event(content, clock))
			continue;
		event.pt = free_pt(content, event.pt);
		int r = media_content_add_codec(content, &event);
		if (r)
			return r;
	}
	return 0;
}

static void copy_ptime(struct media_content *to,
		       const struct media_content *from)
{
	to->ptime_ms = from->ptime_ms;
	to->maxptime_ms = from->maxptime_ms;
}

int negotiate_offer(struct media_desc **out, const struct media_desc *offer)
{
	const struct media_content *from = media_desc_first(offer, MEDIA_AUDIO);
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *content;

	if (!from)
		return NEGOTIATE_E_MEDIA;
	int r = media_desc_new(&desc);
	if (!r)
		r = media_desc_add(desc, &content);
	if (!r)
		r = text_set(content->mid, sizeof(content->mid), "0");
	if (!r)
		r = copy_codecs(content, from, false);
	if (!r && !content->ncodecs)
		r = NEGOTIATE_E_CODEC;
	if (!r)
		r = copy_codecs(content, from, true);
	if (!r)
		r = complete_events(content);
	if (r)
		return r;
	content->dir = from->dir;
	copy_ptime(content, from);
	*out = desc;
	desc = NULL;
	return 0;
}

/* What identifies a content in an answer, and all that a refusal has. */
static void copy_name(struct media_content *to,
		      const struct media_content *from)
{
	memcpy(to->mid, from->mid, sizeof(to->mid));
	to->kind = from->kind;
	to->profile = from->profile;
	memcpy(to->other_media, from->other_media, sizeof(to->other_media));
	memcpy(to->other_profile, from->other_profile,
	       sizeof(to->other_profile));
	memcpy(to->other_format, from->other_format, sizeof(to->other_format));
}

/* RFC 3264, 6: a refused stream still has a payload type of the offer. */
static int refuse(struct media_content *content,
		  const struct media_content *offered)
{
	content->rejected = true;
	content->dir = MEDIA_INACTIVE;
	return offered->ncodecs
		       ? media_content_add_codec(content, &offered->codecs[0])
		       : 0;
}

/* The first codec of @agreed that @offered has; *@mine is @offered's. */
static const struct media_codec *agree(const struct media_content *offered,
				       const struct media_content *agreed,
				       const struct media_codec **mine)
{
	for (size_t i = 0; i < agreed->ncodecs; i++) {
		const struct media_codec *codec = &agreed->codecs[i];
		if (!is_relayed(codec) || media_codec_is_event(codec))
			continue;
		*mine = media_content_same(offered, codec);
		if (*mine)
			return codec;
	}
	return NULL;
}

static int add_event(struct media_content *content,
		     const struct media_content *offered,
		     const struct media_codec *codec)
{
	const struct media_codec *found = event_for(offered, codec);

	if (!found || media_content_codec(content, found->pt))
		return 0;
	struct media_codec event = *found;
	event.fmtp[0] = '\0';
	return media_content_add_codec(content, &event);
}

/* Payload types are the offer's, parameters those of who will listen. */
static int add_common(struct media_content *content,
		      const struct media_codec *mine,
		      const struct media_codec *theirs)
{
	struct media_codec codec = *mine;

	memcpy(codec.fmtp, theirs->fmtp, sizeof(codec.fmtp));
	return media_content_add_codec(content, &codec);
}

/* Those that both have, in the order of @agreed. */
static int add_codecs(struct media_content *content,
		      const struct media_content *offered,
		      const struct media_content *agreed)
{
	int r = 0;

	for (size_t i = 0; !r && i < agreed->ncodecs; i++) {
		const struct media_codec *theirs = &agreed->codecs[i];
		const struct media_codec *mine =
			media_content_same(offered, theirs);

		if (mine && is_relayed(theirs) &&
		    !media_codec_is_event(theirs) &&
		    !media_content_codec(content, mine->pt))
			r = add_common(content, mine, theirs);
	}
	return r ? r : content->ncodecs ? 0 : NEGOTIATE_E_CODEC;
}

static int take(struct media_content *content,
		const struct media_content *offered,
		const struct media_content *agreed)
{
	int r = add_codecs(content, offered, agreed);

	for (size_t i = 0, n = content->ncodecs; !r && i < n; i++)
		r = add_event(content, offered, &content->codecs[i]);
	if (r)
		return r;
	content->dir =
		(enum media_dir)(agreed->dir & media_dir_reverse(offered->dir));
	copy_ptime(content, agreed);
	return 0;
}

int negotiate_answer(struct media_desc **out, const struct media_desc *offer,
		     const struct media_desc *agreed)
{
	const struct media_content *audio =
		media_desc_first(offer, MEDIA_AUDIO);
	const struct media_content *other =
		media_desc_first(agreed, MEDIA_AUDIO);
	AUTO(media_desc_freep) struct media_desc *desc = NULL;

	if (!audio || !other)
		return NEGOTIATE_E_MEDIA;
	int r = media_desc_new(&desc);
	for (size_t i = 0; !r && i < offer->ncontents; i++) {
		const struct media_content *offered = offer->contents[i];
		struct media_content *content;
		r = media_desc_add(desc, &content);
		if (r)
			break;
		copy_name(content, offered);
		r = offered == audio ? take(content, offered, other)
				     : refuse(content, offered);
	}
	if (r)
		return r;
	desc->bundle = offer->bundle;
	*out = desc;
	desc = NULL;
	return 0;
}

void negotiate_sort(struct media_content *answered,
		    const struct media_content *offered)
{
	size_t sorted = 0;

	for (size_t i = 0; i < offered->ncodecs; i++)
		for (size_t j = sorted; j < answered->ncodecs; j++) {
			struct media_codec codec = answered->codecs[j];

			if (!media_codec_same(&codec, &offered->codecs[i]))
				continue;
			memmove(&answered->codecs[sorted + 1],
				&answered->codecs[sorted],
				(j - sorted) * sizeof(codec));
			answered->codecs[sorted++] = codec;
			break;
		}
}

/* Of what is_relayed(). */
static struct media_map_entry map_entry(uint8_t pt, bool event,
					uint32_t rx_clock, uint32_t tx_clock)
{
	return (struct media_map_entry){ .pt = pt,
					 .event = event,
					 .rx_clock = (uint16_t)rx_clock,
					 .tx_clock = (uint16_t)tx_clock };
}

static void map_codecs(struct media_map *out, const struct media_content *from,
		       const struct media_content *to)
{
	for (size_t i = 0; i < from->ncodecs; i++) {
		const struct media_codec *rx = &from->codecs[i];
		const struct media_codec *tx =
			rx->pt < MEDIA_MAP_NPTS && is_relayed(rx) &&
					!media_codec_is_event(rx)
				? media_content_same(to, rx)
				: NULL;
		if (tx)
			out->rx[rx->pt] = map_entry(
				tx->pt, false, rx->clockrate, tx->clockrate);
	}
}

static void map_events(struct media_map *out, const struct media_content *from)
{
	if (out->event_pt == MEDIA_MAP_NONE)
		return;
	for (size_t i = 0; i < from->ncodecs; i++) {
		const struct media_codec *rx = &from->codecs[i];
		if (rx->pt < MEDIA_MAP_NPTS && is_relayed(rx) &&
		    media_codec_is_event(rx))
			out->rx[rx->pt] =
				map_entry(out->event_pt, true, rx->clockrate,
					  out->event_clock);
	}
}

int negotiate_map(struct media_map *out, const struct media_content *from,
		  const struct media_content *to)
{
	const struct media_codec *heard = NULL;
	const struct media_codec *codec = agree(from, to, &heard);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < MEDIA_MAP_NPTS; i++)
		out->rx[i].pt = MEDIA_MAP_NONE;
	out->event_pt = MEDIA_MAP_NONE;
	if (!codec)
		return NEGOTIATE_E_CODEC;
	out->codec_pt = codec->pt;
	out->codec_clock = codec->clockrate;
	const struct media_codec *event = event_for(to, codec);
	if (event) {
		out->event_pt = event->pt;
		out->event_clock = event->clockrate;
	}
	map_codecs(out, from, to);
	map_events(out, from);
	return 0;
}
