/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The attributes of RFC 3264, 3605, 4145, 5761, 8122, 8839, 8866 and 9143. One
 * that is malformed is passed over like one that is unknown: what it would have
 * said is then missing, and that is judged by who needs it.
 */
#include <string.h>

#include "gateway/base/text.h"
#include "sip/sdp_names.h"
#include "sip/sdp_parse.h"

/* What does not fit into a table is left out, as sdp.h says. */
static int unless_full(int r)
{
	return r == -E2BIG ? 0 : r;
}

/* The payload type at the head of @value and its codec here, or NULL. */
static struct media_codec *cut_codec(struct sdp_parser *parser,
				     struct slice *value)
{
	struct media_content *content = parser->level->content;
	uint64_t pt;

	if (text_number(sdp_field(value), 127, &pt))
		return NULL;
	for (size_t i = 0; i < content->ncodecs; i++)
		if (content->codecs[i].pt == pt)
			return &content->codecs[i];
	return NULL;
}

/* RFC 8866, 6.6: <pt> <name>/<clock>[/<channels>] */
static int on_rtpmap(struct sdp_parser *parser, struct slice value)
{
	struct media_codec *codec = cut_codec(parser, &value);
	struct slice encoding = slice_trim(value);
	struct slice name = slice_cut(&encoding, '/');
	struct slice clock = slice_cut(&encoding, '/');
	uint64_t clockrate, channels = 1;

	if (!codec)
		return 0;
	codec->name[0] = '\0';
	if (text_number(clock, UINT32_MAX, &clockrate) || !clockrate ||
	    (encoding.n && text_number(encoding, UINT8_MAX, &channels)) ||
	    !channels || !sdp_is_token(name) ||
	    text_copy(codec->name, sizeof(codec->name), name))
		return 0;
	codec->clockrate = (uint32_t)clockrate;
	codec->channels = (uint8_t)channels;
	return 0;
}

/* RFC 8866, 6.15. Parameters that we cannot keep make the codec unusable. */
static int on_fmtp(struct sdp_parser *parser, struct slice value)
{
	struct media_codec *codec = cut_codec(parser, &value);
	struct slice fmtp = slice_trim(value);

	if (!codec)
		return 0;
	if (!sdp_is_printable(fmtp) ||
	    text_copy(codec->fmtp, sizeof(codec->fmtp), fmtp))
		codec->name[0] = '\0';
	return 0;
}

static void set_milliseconds(uint16_t *out, struct slice value)
{
	uint64_t ms;

	if (!text_number(slice_trim(value), UINT16_MAX, &ms))
		*out = (uint16_t)ms;
}

static int on_ptime(struct sdp_parser *parser, struct slice value)
{
	set_milliseconds(&parser->level->content->ptime_ms, value);
	return 0;
}

static int on_maxptime(struct sdp_parser *parser, struct slice value)
{
	set_milliseconds(&parser->level->content->maxptime_ms, value);
	return 0;
}

static int on_mid(struct sdp_parser *parser, struct slice value)
{
	struct media_content *content = parser->level->content;

	if (!sdp_is_token(value) || content->mid[0])
		return 0;
	if (text_copy(content->mid, sizeof(content->mid), value))
		return SDP_E_CONTENT;
	return 0;
}

/* RFC 5888: <semantics> <mid> … */
static int on_group(struct sdp_parser *parser, struct slice value)
{
	struct slice semantics = sdp_field(&value);

	if (!slice_is(semantics, "BUNDLE") || parser->has_bundle)
		return 0;
	parser->has_bundle = true;
	parser->bundle = value;
	return 0;
}

static int on_rtcp(struct sdp_parser *parser, struct slice value)
{
	parser->level->rtcp = value;
	return 0;
}

static int on_rtcp_mux(struct sdp_parser *parser, struct slice value)
{
	(void)value;
	parser->level->content->rtcp_mux = true;
	return 0;
}

/* RFC 8839, 5.4: @min to 256 characters. */
static int set_credential(char *out, size_t cap, size_t min, struct slice value)
{
	if (value.n < min || !sdp_is_word(value) || text_copy(out, cap, value))
		return SDP_E_CONTENT;
	return 0;
}

static int on_ufrag(struct sdp_parser *parser, struct slice value)
{
	return set_credential(parser->level->content->ufrag, MEDIA_UFRAG_CAP, 4,
			      value);
}

static int on_pwd(struct sdp_parser *parser, struct slice value)
{
	return set_credential(parser->level->content->pwd, MEDIA_PWD_CAP, 22,
			      value);
}

static int on_ice_lite(struct sdp_parser *parser, struct slice value)
{
	(void)value;
	parser->defaults.ice_lite = true;
	return 0;
}

static int on_end_of_candidates(struct sdp_parser *parser, struct slice value)
{
	(void)value;
	parser->level->content->end_of_candidates = true;
	return 0;
}

static int on_candidate(struct sdp_parser *parser, struct slice value)
{
	struct media_cand cand;

	if (sdp_candidate(&cand, value))
		return 0;
	return unless_full(
		media_content_add_cand(parser->level->content, &cand));
}

static int on_setup(struct sdp_parser *parser, struct slice value)
{
	enum media_setup setup;

	if (!media_setup_parse(&setup, slice_trim(value)))
		parser->level->content->setup = setup;
	return 0;
}

static int on_fingerprint(struct sdp_parser *parser, struct slice value)
{
	struct media_fingerprint f;
	struct slice hash = sdp_field(&value);

	if (media_fingerprint_parse(&f, hash, slice_trim(value)))
		return 0;
	return unless_full(
		media_content_add_fingerprint(parser->level->content, &f));
}

static int on_crypto(struct sdp_parser *parser, struct slice value)
{
	struct media_crypto crypto;
	int r = 0;

	if (!sdp_crypto(&crypto, value))
		r = media_content_add_crypto(parser->level->content, &crypto);
	explicit_bzero(&crypto, sizeof(crypto));
	return unless_full(r);
}

static const struct attribute {
	const char *name;
	int (*on)(struct sdp_parser *parser, struct slice value);
	bool of_session, of_medium;
} attributes[] = {
	{ "rtpmap", on_rtpmap, false, true },
	{ "fmtp", on_fmtp, false, true },
	{ "ptime", on_ptime, false, true },
	{ "maxptime", on_maxptime, false, true },
	{ "mid", on_mid, false, true },
	{ "group", on_group, true, false },
	{ "rtcp", on_rtcp, false, true },
	{ "rtcp-mux", on_rtcp_mux, false, true },
	{ "ice-ufrag", on_ufrag, true, true },
	{ "ice-pwd", on_pwd, true, true },
	{ "ice-lite", on_ice_lite, true, false },
	{ "end-of-candidates", on_end_of_candidates, true, true },
	{ "candidate", on_candidate, false, true },
	{ "setup", on_setup, true, true },
	{ "fingerprint", on_fingerprint, true, true },
	{ "crypto", on_crypto, false, true },
};

static const struct attribute *find_attribute(struct slice name)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (slice_is(name, attributes[i].name))
			return &attributes[i];
	return NULL;
}

int sdp_attribute(struct sdp_parser *parser, struct slice line)
{
	struct sdp_level *level = parser->level;
	bool of_session = level == &parser->session;
	struct slice name = slice_cut(&line, ':');
	const struct attribute *attribute = find_attribute(name);

	if (level->passed_over && !(attribute && attribute->on == on_mid))
		return 0;
	if (!sdp_dir_find(&level->content->dir, name)) {
		level->has_dir = true;
		return 0;
	}
	if (!attribute ||
	    !(of_session ? attribute->of_session : attribute->of_medium))
		return 0;
	return attribute->on(parser, line);
}

void sdp_rtcp(struct addr *out, struct slice value, const struct addr *rtp)
{
	struct slice number = sdp_field(&value);
	uint64_t port;

	if (text_number(number, UINT16_MAX, &port) || !port)
		return;
	value = slice_trim(value);
	if (!value.n) {
		*out = *rtp;
	} else {
		sdp_field(&value); /* IN */
		sdp_field(&value); /* IP4 */
		if (addr_parse(out, sdp_field(&value), 0))
			return;
	}
	if (addr_is_set(out) && addr_classify(out) == ADDR_UNSPECIFIED)
		memset(out, 0, sizeof(*out));
	if (addr_is_set(out))
		addr_set_port(out, (uint16_t)port);
}
