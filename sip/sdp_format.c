/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The neutral description as SDP, in the order of RFC 8866, 5.
 */
#include "sip/sdp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/base64.h"
#include "gateway/base/text_file.h"
#include "sip/sdp_names.h"

enum { DISCARD_PORT = 9 };

/* "IN IP4 192.0.2.1"; 0.0.0.0 when there is none. */
static void put_address(FILE *f, const struct addr *a)
{
	if (addr_is_set(a))
		fprintf(f, "IN %s %s", addr_is_v6(a) ? "IP6" : "IP4",
			addr_ip_text(a).s);
	else
		fputs("IN IP4 0.0.0.0", f);
}

static void put_medium(FILE *f, const struct media_content *content)
{
	static const char *const kinds[] = { "audio", "video", "" };
	bool other = content->kind == MEDIA_OTHER;
	const char *profile = sdp_profile_name(content->profile);
	unsigned port = addr_is_set(&content->rtp) ? addr_port(&content->rtp)
						   : DISCARD_PORT;

	fprintf(f, "m=%s %u %s",
		other ? content->other_media : kinds[content->kind],
		content->rejected ? 0 : port,
		profile ? profile : content->other_profile);
	for (size_t i = 0; i < content->ncodecs; i++)
		fprintf(f, " %u", content->codecs[i].pt);
	/* RFC 3264, 6: a refused medium has a format too */
	if (!content->ncodecs)
		fprintf(f, " %s",
			content->other_format[0] ? content->other_format : "0");
	fputs("\r\n", f);
}

static void put_codec(FILE *f, const struct media_codec *codec)
{
	const char *fmtp = codec->fmtp;

	fprintf(f, "a=rtpmap:%u %s/%" PRIu32, codec->pt, codec->name,
		codec->clockrate);
	if (codec->channels > 1)
		fprintf(f, "/%u", codec->channels);
	fputs("\r\n", f);
	if (!fmtp[0] && media_codec_is_event(codec))
		fmtp = "0-15";
	if (fmtp[0])
		fprintf(f, "a=fmtp:%u %s\r\n", codec->pt, fmtp);
}

static void put_rtcp(FILE *f, const struct media_content *content)
{
	if (addr_is_set(&content->rtcp)) {
		fprintf(f, "a=rtcp:%u", addr_port(&content->rtcp));
		if (!addr_same_ip(&content->rtcp, &content->rtp)) {
			fputc(' ', f);
			put_address(f, &content->rtcp);
		}
		fputs("\r\n", f);
	}
	if (content->rtcp_mux)
		fputs("a=rtcp-mux\r\n", f);
}

/* RFC 8839, 5.1: raddr and rport are there unless the type is host. */
static void put_related(FILE *f, const struct media_cand *cand)
{
	bool known = addr_is_set(&cand->related);
	const char *none = addr_is_v6(&cand->addr) ? "::" : "0.0.0.0";

	if (!known && cand->type == MEDIA_CAND_HOST)
		return;
	fprintf(f, " raddr %s rport %u",
		known ? addr_ip_text(&cand->related).s : none,
		known ? addr_port(&cand->related) : DISCARD_PORT);
}

static void put_cand(FILE *f, const struct media_cand *cand)
{
	fprintf(f, "a=candidate:%s %u udp %" PRIu32 " %s %u typ %s",
		cand->foundation, cand->component, cand->priority,
		addr_ip_text(&cand->addr).s, addr_port(&cand->addr),
		media_cand_type_name(cand->type));
	put_related(f, cand);
	if (cand->generation)
		fprintf(f, " generation %u", cand->generation);
	fputs("\r\n", f);
}

static void put_ice(FILE *f, const struct media_content *content)
{
	if (content->ufrag[0])
		fprintf(f, "a=ice-ufrag:%s\r\n", content->ufrag);
	if (content->pwd[0])
		fprintf(f, "a=ice-pwd:%s\r\n", content->pwd);
	for (size_t i = 0; i < content->ncands; i++)
		put_cand(f, &content->cands[i]);
	if (content->end_of_candidates)
		fputs("a=end-of-candidates\r\n", f);
}

static void put_dtls(FILE *f, const struct media_content *content)
{
	if (content->setup != MEDIA_SETUP_NONE)
		fprintf(f, "a=setup:%s\r\n", media_setup_name(content->setup));
	for (size_t i = 0; i < content->nfingerprints; i++) {
		const struct media_fingerprint *fp = &content->fingerprints[i];
		fprintf(f, "a=fingerprint:%s %s\r\n", fp->hash,
			media_fingerprint_text(fp).s);
	}
}

static void put_cryptos(FILE *f, const struct media_content *content)
{
	for (size_t i = 0; i < content->ncryptos; i++) {
		const struct media_crypto *crypto = &content->cryptos[i];
		char key[BASE64_CAP(MEDIA_CRYPTO_KEY_MAX)];
		base64_encode(key, crypto->key, crypto->key_len);
		fprintf(f, "a=crypto:%" PRIu32 " %s inline:%s\r\n", crypto->tag,
			srtp_profile_name(crypto->profile), key);
		explicit_bzero(key, sizeof(key));
	}
}

static void put_transport(FILE *f, const struct media_content *content)
{
	put_rtcp(f, content);
	put_ice(f, content);
	put_dtls(f, content);
	put_cryptos(f, content);
}

/* @session is the address of the session's c= line. */
static void put_content(FILE *f, const struct media_content *content,
			const struct addr *session)
{
	put_medium(f, content);
	if (!content->rejected && !addr_same_ip(&content->rtp, session)) {
		fputs("c=", f);
		put_address(f, &content->rtp);
		fputs("\r\n", f);
	}
	if (content->mid[0])
		fprintf(f, "a=mid:%s\r\n", content->mid);
	for (size_t i = 0; i < content->ncodecs; i++)
		put_codec(f, &content->codecs[i]);
	if (content->kind != MEDIA_OTHER)
		fprintf(f, "a=%s\r\n", sdp_dir_name(content->dir));
	if (content->ptime_ms)
		fprintf(f, "a=ptime:%u\r\n", content->ptime_ms);
	if (content->maxptime_ms)
		fprintf(f, "a=maxptime:%u\r\n", content->maxptime_ms);
	if (!content->rejected)
		put_transport(f, content);
}

/* RFC 9143, 7: all that is not refused. */
static void put_bundle(FILE *f, const struct media_desc *desc)
{
	fputs("a=group:BUNDLE", f);
	for (size_t i = 0; i < desc->ncontents; i++)
		if (!desc->contents[i]->rejected && desc->contents[i]->mid[0])
			fprintf(f, " %s", desc->contents[i]->mid);
	fputs("\r\n", f);
}

/* Many telephones read the session's c= line alone. */
static struct addr session_address(const struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++)
		if (addr_is_set(&desc->contents[i]->rtp) &&
		    !desc->contents[i]->rejected)
			return desc->contents[i]->rtp;
	return (struct addr){ 0 };
}

static bool is_lite(const struct media_desc *desc)
{
	for (size_t i = 0; i < desc->ncontents; i++)
		if (desc->contents[i]->ice_lite)
			return true;
	return false;
}

static void put_desc(FILE *f, const struct media_desc *desc,
		     const struct sdp_origin *origin)
{
	struct addr session = session_address(desc);

	fprintf(f, "v=0\r\no=- %" PRIu64 " %" PRIu64 " ", origin->id,
		origin->version);
	put_address(f, &session);
	fputs("\r\ns=-\r\nc=", f);
	put_address(f, &session);
	fputs("\r\nt=0 0\r\n", f);
	if (desc->bundle)
		put_bundle(f, desc);
	if (is_lite(desc))
		fputs("a=ice-lite\r\n", f);
	for (size_t i = 0; i < desc->ncontents; i++)
		put_content(f, desc->contents[i], &session);
}

static bool is_word_or_none(const char *s)
{
	return !s[0] || sdp_is_word(slice_of(s));
}

static bool are_codecs_writable(const struct media_content *content)
{
	for (size_t i = 0; i < content->ncodecs; i++) {
		const struct media_codec *codec = &content->codecs[i];
		if (!sdp_is_token(slice_of(codec->name)) ||
		    !sdp_is_printable(slice_of(codec->fmtp)))
			return false;
	}
	return content->ncodecs || content->rejected ||
	       content->kind == MEDIA_OTHER;
}

/* No text of another spelling may end a line here. */
static bool is_writable(const struct media_content *content)
{
	bool known = sdp_profile_name(content->profile) != NULL;

	for (size_t i = 0; i < content->ncands; i++)
		if (!sdp_is_word(slice_of(content->cands[i].foundation)))
			return false;
	for (size_t i = 0; i < content->nfingerprints; i++)
		if (!sdp_is_token(slice_of(content->fingerprints[i].hash)))
			return false;
	if (content->kind == MEDIA_OTHER &&
	    !sdp_is_token(slice_of(content->other_media)))
		return false;
	if (!known && !sdp_is_word(slice_of(content->other_profile)))
		return false;
	return (!content->mid[0] || sdp_is_token(slice_of(content->mid))) &&
	       is_word_or_none(content->ufrag) &&
	       is_word_or_none(content->pwd) &&
	       is_word_or_none(content->other_format) &&
	       are_codecs_writable(content);
}

int sdp_format(char **out, size_t *n, const struct media_desc *desc,
	       const struct sdp_origin *origin)
{
	struct text_file file;

	for (size_t i = 0; i < desc->ncontents; i++)
		if (!is_writable(desc->contents[i]))
			return SDP_E_CONTENT;
	int r = text_file_open(&file);
	if (r)
		return r;
	put_desc(file.to, desc, origin);
	return text_file_close(&file, out, n);
}
