/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The neutral description to XEP-0166 and 0167.
 */
#include <inttypes.h>
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jingle_ice.h"

/* One of "a=1;b=2" as a <parameter/>. What has no name, or no value, Monal
 * cannot read, and none of our codecs needs. */
static void put_parameter(struct stanza *payload, struct slice text)
{
	char name[MEDIA_FMTP_CAP], value[MEDIA_FMTP_CAP];
	struct slice head = slice_trim(slice_cut(&text, '='));

	text = slice_trim(text);
	/* neither can be longer than the fmtp they are cut from */
	if (!head.n || !text.n || text_copy(name, sizeof(name), head) ||
	    text_copy(value, sizeof(value), text))
		return;
	struct stanza *parameter = stanza_child(payload, "parameter", NULL);
	stanza_set(parameter, "name", name);
	stanza_set(parameter, "value", value);
}

static void put_fmtp(struct stanza *payload, const struct media_codec *codec)
{
	struct slice fmtp = slice_of(codec->fmtp);

	if (media_codec_is_event(codec))
		return;
	while (fmtp.n)
		put_parameter(payload, slice_cut(&fmtp, ';'));
}

/* Siskin crashes without name and clock rate, static type or not. */
static void put_payload(struct stanza *description,
			const struct media_content *content,
			const struct media_codec *codec)
{
	struct stanza *payload =
		stanza_child(description, "payload-type", NULL);

	stanza_setf(payload, "id", "%u", codec->pt);
	stanza_set(payload, "name", codec->name);
	stanza_setf(payload, "clockrate", "%" PRIu32, codec->clockrate);
	if (codec->channels > 1)
		stanza_setf(payload, "channels", "%u", codec->channels);
	if (content->ptime_ms && !media_codec_is_event(codec))
		stanza_setf(payload, "ptime", "%u", content->ptime_ms);
	if (content->maxptime_ms && !media_codec_is_event(codec))
		stanza_setf(payload, "maxptime", "%u", content->maxptime_ms);
	put_fmtp(payload, codec);
}

static void put_description(struct stanza *st,
			    const struct media_content *content, bool rtcp_mux)
{
	struct stanza *description =
		stanza_child(st, "description", JINGLE_NS_RTP);

	stanza_set(description, "media",
		   content->kind == MEDIA_VIDEO ? "video" : "audio");
	for (size_t i = 0; i < content->ncodecs; i++)
		put_payload(description, content, &content->codecs[i]);
	if (rtcp_mux)
		stanza_child(description, "rtcp-mux", NULL);
}

static const char *senders_name(enum media_dir dir, bool writer_is_initiator)
{
	switch (dir) {
	case MEDIA_SENDONLY:
		return writer_is_initiator ? "initiator" : "responder";
	case MEDIA_RECVONLY:
		return writer_is_initiator ? "responder" : "initiator";
	case MEDIA_INACTIVE:
		return "none";
	case MEDIA_SENDRECV:
		break;
	}
	return "both";
}

/* Every content is the initiator's: we add none later. */
static struct stanza *put_content(struct stanza *jingle, const char *mid)
{
	struct stanza *st = stanza_child(jingle, "content", JINGLE_NS);

	stanza_set(st, "creator", "initiator");
	stanza_set(st, "name", mid);
	return st;
}

static void put_accepted(struct stanza *jingle,
			 const struct media_content *content,
			 bool writer_is_initiator)
{
	struct stanza *st = put_content(jingle, content->mid);

	stanza_set(st, "senders",
		   senders_name(content->dir, writer_is_initiator));
	put_description(st, content, content->rtcp_mux);
	struct stanza *transport = jingle_ice_format(st, content);
	jingle_ice_add_cands(transport, content);
	jingle_ice_add_fingerprints(transport, content);
}

/* @like is the content in whose transport this one would be bundled. */
static void put_rejected(struct stanza *jingle,
			 const struct media_content *content,
			 const struct media_content *like)
{
	struct stanza *st = put_content(jingle, content->mid);

	stanza_set(st, "senders", "none");
	put_description(st, content, like->rtcp_mux);
	jingle_ice_add_fingerprints(jingle_ice_format(st, like), like);
}

static const struct media_content *first_accepted(const struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++)
		if (!desc->contents[i]->rejected)
			return desc->contents[i];
	return NULL;
}

/* There is no word for a content that is no medium. */
static bool is_said(const struct media_content *content, bool rejected_too)
{
	return !content->rejected ||
	       (rejected_too && content->kind != MEDIA_OTHER);
}

static void put_group(struct stanza *jingle, const struct media_desc *desc,
		      bool rejected_too)
{
	struct stanza *group =
		stanza_child(jingle, "group", JINGLE_NS_GROUPING);

	stanza_set(group, "semantics", "BUNDLE");
	for (size_t i = 0; i < desc->ncontents; i++) {
		const struct media_content *content = desc->contents[i];
		if (is_said(content, rejected_too))
			stanza_set(stanza_child(group, "content", NULL), "name",
				   content->mid);
	}
}

void jingle_desc_format(struct stanza *jingle, const struct media_desc *desc,
			const struct jingle_desc_options *options)
{
	const struct media_content *like = first_accepted(desc);
	bool rejected_too = options->rejected == JINGLE_REJECTED_NONE && like;

	for (size_t i = 0; i < desc->ncontents; i++) {
		const struct media_content *content = desc->contents[i];
		if (!content->rejected)
			put_accepted(jingle, content,
				     options->writer_is_initiator);
		else if (is_said(content, rejected_too))
			put_rejected(jingle, content, like);
	}
	if (desc->bundle)
		put_group(jingle, desc, rejected_too);
}

void jingle_transport_format(struct stanza *jingle,
			     const struct media_content *content,
			     const struct media_cand *cand)
{
	struct stanza *st = put_content(jingle, content->mid);
	struct stanza *transport = jingle_ice_format(st, content);

	if (cand)
		jingle_ice_add_cand(transport, cand);
	else
		jingle_ice_add_cands(transport, content);
}
