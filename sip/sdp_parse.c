/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 8866, 5: lines, and those of them that are not attributes. Hostile input
 * is common here: the size is checked first, nothing is copied before it is
 * bounded, and no line is looked at twice.
 */
#include "sip/sdp_parse.h"

#include <string.h>

#include "gateway/base/text.h"
#include "sip/sdp_names.h"

/* RFC 8866, 5.2: <username> <id> <version> <nettype> <addrtype> <address> */
static int on_origin(struct sdp_parser *parser, struct slice value)
{
	struct slice fields[6];

	if (parser->has_origin || parser->level != &parser->session)
		return SDP_E_SYNTAX;
	for (size_t i = 0; i < 6; i++) {
		fields[i] = sdp_field(&value);
		if (!fields[i].n)
			return SDP_E_SYNTAX;
	}
	parser->has_origin = true;
	if (text_number(fields[1], UINT64_MAX, &parser->origin.id))
		parser->origin.id = 0;
	if (text_number(fields[2], UINT64_MAX, &parser->origin.version))
		parser->origin.version = 0;
	return 0;
}

static int on_version(struct sdp_parser *parser, struct slice value)
{
	if (parser->has_version || !slice_is(value, "0"))
		return SDP_E_SYNTAX;
	parser->has_version = true;
	return 0;
}

/* RFC 8866, 5.7: <nettype> <addrtype> <address>[/ttl[/number]] */
static int on_connection(struct sdp_parser *parser, struct slice value)
{
	struct sdp_level *level = parser->level;
	struct slice nettype = sdp_field(&value), addrtype = sdp_field(&value);
	struct slice rest = sdp_field(&value);
	struct slice text = slice_cut(&rest, '/');

	if (!nettype.n || !addrtype.n || !text.n)
		return SDP_E_SYNTAX;
	level->has_address = true;
	/* a name, or a network that is not ours: no address */
	if (addr_parse(&level->address, text, 0))
		return 0;
	level->on_hold = addr_classify(&level->address) == ADDR_UNSPECIFIED;
	return 0;
}

static int add_format(struct media_content *content, struct slice format)
{
	struct media_codec codec = { .channels = 1 };
	uint64_t pt;

	if (text_number(format, 127, &pt))
		return SDP_E_SYNTAX;
	/* beyond the table: left out, as sdp.h says */
	if (media_content_codec(content, (uint8_t)pt) ||
	    content->ncodecs == MEDIA_MAX_CODECS)
		return 0;
	if (media_codec_static(&codec, (uint8_t)pt))
		codec.pt = (uint8_t)pt; /* the name comes with a=rtpmap */
	return media_content_add_codec(content, &codec);
}

static int add_formats(struct media_content *content, struct slice formats)
{
	int r = 0;

	for (struct slice f = sdp_field(&formats); f.n && !r;
	     f = sdp_field(&formats))
		r = add_format(content, f);
	return r;
}

/* A medium that is kept only so that it can be refused. */
static int pass_over(struct sdp_parser *parser, struct slice media,
		     struct slice profile, struct slice format)
{
	struct media_content *content = parser->medium.content;

	if (!sdp_is_token(media) || !sdp_is_word(profile) ||
	    !sdp_is_word(format))
		return SDP_E_SYNTAX;
	parser->medium.passed_over = true;
	content->kind = MEDIA_OTHER;
	content->profile = MEDIA_PROFILE_OTHER;
	if (text_copy(content->other_media, MEDIA_WORD_CAP, media) ||
	    text_copy(content->other_profile, MEDIA_WORD_CAP, profile) ||
	    text_copy(content->other_format, MEDIA_WORD_CAP, format))
		return SDP_E_CONTENT;
	return 0;
}

static int parse_port(uint16_t *out, struct slice text)
{
	struct slice number = slice_cut(&text, '/');
	uint64_t port;

	if (text_number(number, UINT16_MAX, &port))
		return SDP_E_SYNTAX;
	*out = (uint16_t)port;
	return 0;
}

/* RFC 8866, 5.14: <media> <port>[/<number>] <proto> <fmt> … */
static int describe_medium(struct sdp_parser *parser, struct slice value)
{
	struct media_content *content = parser->medium.content;
	struct slice media = sdp_field(&value), port = sdp_field(&value);
	struct slice profile = sdp_field(&value), formats = slice_trim(value);
	struct slice rest = formats, format = sdp_field(&rest);
	enum media_profile known = sdp_profile_find(profile);
	bool audio = slice_is(media, "audio"), video = slice_is(media, "video");
	bool used = parser->desc->ncontents <= MEDIA_USED_CONTENTS;

	if (!formats.n || parse_port(&parser->medium.port, port))
		return SDP_E_SYNTAX;
	parser->medium.has_port = true;
	content->rejected = !parser->medium.port;
	if (!used || !(audio || video) || known == MEDIA_PROFILE_OTHER)
		return pass_over(parser, media, profile, format);
	content->kind = audio ? MEDIA_AUDIO : MEDIA_VIDEO;
	content->profile = known;
	parser->medium.format = format;
	return add_formats(content, formats);
}

/* RFC 3264, 8.4, and RFC 8840, 4.1.1: port 9 awaits candidates. */
enum { DISCARD_PORT = 9 };

static void settle_address(struct sdp_parser *parser)
{
	struct sdp_level *medium = &parser->medium;
	const struct sdp_level *conn =
		medium->has_address ? medium : &parser->session;
	struct media_content *content = medium->content;
	bool awaits = conn->on_hold && medium->port == DISCARD_PORT;

	/* The address stays unspecified, which media takes for hold too. */
	if (conn->on_hold && !awaits)
		content->dir = (enum media_dir)(content->dir & MEDIA_SENDONLY);
	if (addr_is_set(&conn->address) && !awaits) {
		content->rtp = conn->address;
		addr_set_port(&content->rtp, medium->port);
	}
	if (medium->rtcp.n)
		sdp_rtcp(&content->rtcp, medium->rtcp, &content->rtp);
}

/* What the medium does not say, the session may have said for all. */
static void settle_defaults(struct sdp_parser *parser)
{
	const struct media_content *defaults = &parser->defaults;
	struct media_content *content = parser->medium.content;

	if (!parser->medium.has_dir)
		content->dir = defaults->dir;
	if (!content->ufrag[0])
		memcpy(content->ufrag, defaults->ufrag, sizeof(content->ufrag));
	if (!content->pwd[0])
		memcpy(content->pwd, defaults->pwd, sizeof(content->pwd));
	if (content->setup == MEDIA_SETUP_NONE)
		content->setup = defaults->setup;
	if (!content->nfingerprints) {
		memcpy(content->fingerprints, defaults->fingerprints,
		       sizeof(content->fingerprints));
		content->nfingerprints = defaults->nfingerprints;
	}
	content->ice_lite = defaults->ice_lite;
	content->end_of_candidates |= defaults->end_of_candidates;
}

/* A dynamic payload type without a usable a=rtpmap is no codec. */
static void settle_codecs(struct media_content *content)
{
	size_t kept = 0;

	for (size_t i = 0; i < content->ncodecs; i++) {
		struct media_codec *codec = &content->codecs[i];
		if (media_codec_is_event(codec) && !strcmp(codec->fmtp, "0-15"))
			memset(codec->fmtp, 0, sizeof(codec->fmtp));
		if (codec->name[0])
			content->codecs[kept++] = *codec;
	}
	content->ncodecs = kept;
}

static int end_medium(struct sdp_parser *parser)
{
	struct sdp_level *medium = &parser->medium;
	struct media_content *content = medium->content;

	if (!content)
		return 0;
	bool has_address = medium->has_address || parser->session.has_address;
	if (!has_address && !content->rejected)
		return SDP_E_SYNTAX; /* RFC 8866, 5.7 */
	if (medium->passed_over)
		return 0;
	settle_defaults(parser);
	if (!content->rejected)
		settle_address(parser);
	settle_codecs(content);
	if (!content->ncodecs) /* what a refusal repeats */
		return text_copy(content->other_format, MEDIA_WORD_CAP,
				 medium->format)
			       ? SDP_E_SYNTAX
			       : 0;
	return 0;
}

static int on_medium(struct sdp_parser *parser, struct slice value)
{
	int r = end_medium(parser);

	if (r)
		return r;
	memset(&parser->medium, 0, sizeof(parser->medium));
	r = media_desc_add(parser->desc, &parser->medium.content);
	if (r)
		return r == -E2BIG ? SDP_E_CONTENT : r;
	parser->level = &parser->medium;
	return describe_medium(parser, value);
}

static int on_line(struct sdp_parser *parser, struct slice line)
{
	struct slice value = { line.p + 2, line.n - 2 };

	switch (line.p[0]) {
	case 'v':
		return on_version(parser, value);
	case 'o':
		return on_origin(parser, value);
	case 'c':
		return on_connection(parser, value);
	case 'm':
		return on_medium(parser, value);
	case 'a':
		return sdp_attribute(parser, value);
	default: /* s= t= b= i= … say nothing to us */
		return 0;
	}
}

/* RFC 9143: we speak of a group only when every content used is in it. */
static bool is_all_bundled(const struct sdp_parser *parser)
{
	const struct media_desc *desc = parser->desc;
	size_t found = 0, used = 0;

	for (size_t i = 0; i < desc->ncontents; i++) {
		const struct media_content *content = desc->contents[i];
		struct slice mids = parser->bundle;
		used += !content->rejected;
		while (mids.n && content->mid[0] && !content->rejected) {
			if (slice_is(sdp_field(&mids), content->mid)) {
				found++;
				break;
			}
		}
	}
	return used && found == used;
}

static int end(struct sdp_parser *parser)
{
	int r = end_medium(parser);

	if (r)
		return r;
	if (!parser->has_origin)
		return SDP_E_SYNTAX;
	if (!parser->desc->ncontents)
		return SDP_E_CONTENT;
	parser->desc->bundle = parser->has_bundle && is_all_bundled(parser);
	return 0;
}

/* The next line without its end: CRLF, or LF alone (RFC 8866, 5). */
static struct slice next_line(struct slice *text)
{
	struct slice line = slice_cut(text, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static int check_line(const struct sdp_parser *parser, struct slice line)
{
	if (line.n > SDP_MAX_LINE)
		return SDP_E_CONTENT;
	if (line.n < 2 || line.p[1] != '=' || line.p[0] < 'a' ||
	    line.p[0] > 'z' || memchr(line.p, '\r', line.n))
		return SDP_E_SYNTAX;
	if (!parser->has_version && line.p[0] != 'v')
		return SDP_E_SYNTAX;
	return 0;
}

static int parse_lines(struct sdp_parser *parser, struct slice text)
{
	size_t nlines = 0;

	while (text.n) {
		struct slice line = next_line(&text);
		int r = ++nlines > SDP_MAX_LINES ? SDP_E_CONTENT
						 : check_line(parser, line);
		if (!r)
			r = on_line(parser, line);
		if (r)
			return r;
	}
	return end(parser);
}

/* Some peers end the body with more than one line end. */
static struct slice trim_end(struct slice text)
{
	while (text.n &&
	       (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	return text;
}

int sdp_parse(struct media_desc **out, struct sdp_origin *origin,
	      struct slice text)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct sdp_parser parser = { .defaults = { .dir = MEDIA_SENDRECV } };

	if (text.n > SDP_MAX)
		return SDP_E_CONTENT;
	if (text.n && memchr(text.p, '\0', text.n))
		return SDP_E_SYNTAX;
	int r = media_desc_new(&desc);
	if (r)
		return r;
	parser.desc = desc;
	parser.session.content = &parser.defaults;
	parser.level = &parser.session;
	r = parse_lines(&parser, trim_end(text));
	if (!r && origin)
		*origin = parser.origin;
	media_content_fini(&parser.defaults);
	explicit_bzero(&parser, sizeof(parser));
	if (r)
		return r;
	*out = desc;
	desc = NULL;
	return 0;
}
