/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0166 and 0167 to the neutral description. Lenient: what a client leaves
 * out that we can do without is not asked for, as an error ends the call in
 * most clients.
 */
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jingle_ice.h"

static int append(char *out, size_t cap, const char *text)
{
	size_t n = strlen(out);

	return text_set(out + n, cap - n, text);
}

/*
 * "name=value" behind what @fmtp has. A parameter without a name is a value
 * alone, in Siskin a name alone (telephone-event's "0-16").
 */
static int add_parameter(char fmtp[static MEDIA_FMTP_CAP],
			 const struct stanza *parameter)
{
	const char *name = stanza_attr(parameter, "name");
	const char *value = stanza_attr(parameter, "value");
	bool both = name && *name && value && *value;

	name = name ? name : "";
	value = value ? value : "";
	if (!jingle_is_printable(name) || !jingle_is_printable(value) ||
	    strpbrk(name, ";=") || strchr(value, ';'))
		return -EINVAL;
	if (fmtp[0] && append(fmtp, MEDIA_FMTP_CAP, ";"))
		return -EMSGSIZE;
	if (append(fmtp, MEDIA_FMTP_CAP, name) ||
	    (both && append(fmtp, MEDIA_FMTP_CAP, "=")))
		return -EMSGSIZE;
	return append(fmtp, MEDIA_FMTP_CAP, value);
}

/* What our codecs have is what a peer would like: without it they work. */
static void parse_fmtp(struct media_codec *codec, const struct stanza *payload)
{
	const struct stanza *child;

	STANZA_FOREACH(child, payload) {
		size_t n = strlen(codec->fmtp);

		if (stanza_is(child, "parameter", JINGLE_NS_RTP) &&
		    add_parameter(codec->fmtp, child))
			codec->fmtp[n] = '\0';
	}
	if (media_codec_is_event(codec) && !strcmp(codec->fmtp, "0-15"))
		codec->fmtp[0] = '\0'; /* the default: RFC 4733, 2.4.1 */
}

/* @out stays as it is when the attribute is absent; 0 or -EINVAL. */
static int take_number(uint64_t *out, const struct stanza *st, const char *name,
		       uint64_t max)
{
	const char *value = stanza_attr(st, name);

	return value ? text_number(slice_of(value), max, out) : 0;
}

/* SDP's tokens, as the other spelling must be able to say it. */
static int set_name(struct media_codec *codec, const char *name)
{
	if (!*name || !jingle_is_printable(name) || strpbrk(name, " \"/:;,()"))
		return -EINVAL;
	return text_set(codec->name, sizeof(codec->name), name);
}

/* XEP-0167, 4.1: name and clock rate may be missing of static types. */
static int parse_payload(struct media_codec *out, const struct stanza *payload)
{
	const char *id = stanza_attr(payload, "id");
	const char *name = stanza_attr(payload, "name");
	uint64_t pt, clockrate, channels;

	memset(out, 0, sizeof(*out));
	if (text_number(slice_of(id), 127, &pt))
		return -EINVAL;
	if (media_codec_static(out, (uint8_t)pt)) {
		out->pt = (uint8_t)pt;
		out->channels = 1;
	}
	if (name && set_name(out, name))
		return -EINVAL;
	clockrate = out->clockrate;
	channels = out->channels;
	if (take_number(&clockrate, payload, "clockrate", UINT32_MAX) ||
	    take_number(&channels, payload, "channels", UINT8_MAX) ||
	    !out->name[0] || !clockrate)
		return -EINVAL;
	out->clockrate = (uint32_t)clockrate;
	out->channels = (uint8_t)(channels ? channels : 1);
	parse_fmtp(out, payload);
	return 0;
}

/* Attributes of payload types here, of the medium in SDP: the first says it. */
static void take_ptime(struct media_content *out, const struct stanza *payload)
{
	uint64_t ptime = out->ptime_ms, maxptime = out->maxptime_ms;

	if (!ptime && !take_number(&ptime, payload, "ptime", UINT16_MAX))
		out->ptime_ms = (uint16_t)ptime;
	if (!maxptime &&
	    !take_number(&maxptime, payload, "maxptime", UINT16_MAX))
		out->maxptime_ms = (uint16_t)maxptime;
}

static int add_payload(struct media_content *out, const struct stanza *payload)
{
	struct media_codec codec;

	if (parse_payload(&codec, payload) ||
	    media_content_codec(out, codec.pt))
		return 0; /* not for us, or said before */
	int r = media_content_add_codec(out, &codec);
	if (!r)
		take_ptime(out, payload);
	return r == -E2BIG ? 0 : r; /* the rest is left out */
}

static enum media_kind parse_kind(const struct stanza *description)
{
	struct slice media = slice_of(stanza_attr(description, "media"));

	if (slice_is(media, "audio"))
		return MEDIA_AUDIO;
	return slice_is(media, "video") ? MEDIA_VIDEO : MEDIA_OTHER;
}

static int parse_description(struct media_content *out,
			     const struct stanza *description)
{
	const struct stanza *child;
	int r = 0;

	out->kind = parse_kind(description);
	STANZA_FOREACH(child, description) {
		if (stanza_is(child, "payload-type", JINGLE_NS_RTP))
			r = add_payload(out, child);
		else if (stanza_is(child, "rtcp-mux", JINGLE_NS_RTP))
			out->rtcp_mux = true;
		else if (!strcmp(stanza_name(child), "ice-lite"))
			out->ice_lite = true; /* Borogove puts it here */
		if (r)
			return r;
	}
	return 0;
}

/* XEP-0166, 7.3: "both" unless it is said. */
static enum media_dir parse_senders(const struct stanza *content,
				    bool writer_is_initiator)
{
	struct slice senders = slice_of(stanza_attr(content, "senders"));
	bool initiator = slice_is(senders, "initiator");

	if (slice_is(senders, "none"))
		return MEDIA_INACTIVE;
	if (!initiator && !slice_is(senders, "responder"))
		return MEDIA_SENDRECV;
	return initiator == writer_is_initiator ? MEDIA_SENDONLY
						: MEDIA_RECVONLY;
}

static int parse_content(struct media_content *out,
			 const struct stanza *content, bool writer_is_initiator)
{
	const char *name = stanza_attr(content, "name");
	const struct stanza *description =
		stanza_find(content, "description", JINGLE_NS_RTP);
	const struct stanza *transport =
		stanza_find(content, "transport", JINGLE_NS_ICE_UDP);

	int r = 0;

	if (!name || !*name || text_set(out->mid, sizeof(out->mid), name))
		return JINGLE_DESC_E_SYNTAX;
	out->kind = MEDIA_OTHER;
	out->dir = parse_senders(content, writer_is_initiator);
	if (description)
		r = parse_description(out, description);
	if (!r && transport)
		r = jingle_ice_parse(out, transport);
	if (r)
		return r == -EINVAL ? JINGLE_DESC_E_SYNTAX : r;
	out->profile = out->nfingerprints ? MEDIA_DTLS_SAVPF : MEDIA_RTP_AVP;
	return 0;
}

int jingle_content_parse(struct media_content *out,
			 const struct stanza *content, bool writer_is_initiator)
{
	memset(out, 0, sizeof(*out));
	int r = parse_content(out, content, writer_is_initiator);
	if (r)
		media_content_fini(out);
	return r;
}

static int add_content(struct media_desc *desc, const struct stanza *st,
		       bool writer_is_initiator)
{
	struct media_content *content;
	const char *name = stanza_attr(st, "name");

	/* names are what everything else refers to */
	if (name && media_desc_find(desc, name))
		return JINGLE_DESC_E_SYNTAX;
	int r = media_desc_add(desc, &content);
	if (r)
		return r == -E2BIG ? JINGLE_DESC_E_CONTENT : r;
	r = jingle_content_parse(content, st, writer_is_initiator);
	if (desc->ncontents > MEDIA_USED_CONTENTS)
		content->kind = MEDIA_OTHER;
	return r;
}

static bool is_in_group(const struct stanza *group, const char *mid)
{
	const struct stanza *child;

	STANZA_FOREACH(child, group) {
		const char *name = stanza_attr(child, "name");
		if (stanza_is(child, "content", JINGLE_NS_GROUPING) && name &&
		    !strcmp(name, mid))
			return true;
	}
	return false;
}

/* XEP-0338; we speak of a group only when every content is in it. */
static bool is_all_bundled(const struct media_desc *desc,
			   const struct stanza *jingle)
{
	const struct stanza *child, *bundle = NULL;

	STANZA_FOREACH(child, jingle) {
		const char *semantics = stanza_attr(child, "semantics");
		if (stanza_is(child, "group", JINGLE_NS_GROUPING) &&
		    semantics && !strcmp(semantics, "BUNDLE"))
			bundle = child;
	}
	for (size_t i = 0; i < desc->ncontents; i++)
		if (!is_in_group(bundle, desc->contents[i]->mid))
			return false;
	return true;
}

int jingle_desc_parse(struct media_desc **out, const struct stanza *jingle,
		      bool writer_is_initiator)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	const struct stanza *child;
	int r = media_desc_new(&desc);

	if (r)
		return r;
	STANZA_FOREACH(child, jingle) {
		if (!stanza_is(child, "content", JINGLE_NS))
			continue;
		r = add_content(desc, child, writer_is_initiator);
		if (r)
			return r;
	}
	if (!desc->ncontents)
		return JINGLE_DESC_E_SYNTAX;
	desc->bundle = is_all_bundled(desc, jingle);
	*out = desc;
	desc = NULL;
	return 0;
}
