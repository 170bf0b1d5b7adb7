/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/past.h"

#include "db/session.h"
#include "gateway/base/text.h"
#include "sip/sdp.h"

void past_fini(struct past_side *past)
{
	past->local = media_desc_free(past->local);
	past->remote = media_desc_free(past->remote);
	explicit_bzero(&past->saved, sizeof(past->saved));
}

static int set_secret(char *to, size_t cap, const struct db_secret *secret)
{
	if (secret->n >= cap)
		return -EINVAL;
	memcpy(to, secret->octets, secret->n);
	to[secret->n] = '\0';
	return 0;
}

static int read_keys(struct dtls_keys *out, const struct session_media *media)
{
	size_t n = media->tx_key.n;

	if (!*media->srtp_profile)
		return 0;
	if (srtp_profile_parse(&out->profile, slice_of(media->srtp_profile)) ||
	    !n || n != media->rx_key.n || n > sizeof(out->tx))
		return -EINVAL;
	out->len = (uint8_t)n;
	memcpy(out->tx, media->tx_key.octets, n);
	memcpy(out->rx, media->rx_key.octets, n);
	return 0;
}

static int read_saved(struct bridge_saved *out, const struct session_media *m)
{
	*out = (struct bridge_saved){
		.transport = m->ice ? MEDIA_ICE : MEDIA_RTP,
		.offerer = m->controlling,
		.local = m->local,
		.remote = m->remote,
		.worker = m->worker,
		.own_port = m->own_port,
		.generation = m->generation,
		.ice_ms = m->ice_ms,
		.dtls_ms = m->dtls_ms,
		.crypto_tag = m->srtp_tag,
	};
	int r = read_keys(&out->keys, m);
	if (!r && *m->setup &&
	    media_setup_parse(&out->setup, slice_of(m->setup)))
		r = -EINVAL;
	if (!r)
		r = text_set(out->local_ufrag, sizeof(out->local_ufrag),
			     m->local_ufrag);
	if (!r)
		r = text_set(out->remote_ufrag, sizeof(out->remote_ufrag),
			     m->remote_ufrag);
	if (!r)
		r = set_secret(out->local_pwd, sizeof(out->local_pwd),
			       &m->local_pwd);
	return r ? r
		 : set_secret(out->remote_pwd, sizeof(out->remote_pwd),
			      &m->remote_pwd);
}

/* The passwords are not in the text, and neither are keys, nor that we offered
 * some under a plain profile (RFC 8643). */
static int read_desc(struct media_desc **out, const char *text, const char *pwd)
{
	int r = sdp_parse(out, NULL, slice_of(text));

	if (r)
		return r < 0 ? r : -EINVAL;
	struct media_content *audio = media_desc_first(*out, MEDIA_AUDIO);
	return audio ? text_set(audio->pwd, sizeof(audio->pwd), pwd) : -EINVAL;
}

static int read_descs(struct past_side *past)
{
	int r = read_desc(&past->local, past->row->local_sdp,
			  past->saved.local_pwd);

	if (r)
		return r;
	media_desc_first(past->local, MEDIA_AUDIO)->osrtp =
		past->saved.transport == MEDIA_RTP &&
		past->saved.keys.profile != SRTP_NONE;
	return read_desc(&past->remote, past->row->remote_sdp,
			 past->saved.remote_pwd);
}

static int read_media(struct past_side *past)
{
	const struct session_media *media = &past->row->media;
	int r = media->ready ? read_saved(&past->saved, media) : -ENOENT;

	return r ? r : read_descs(past);
}

bool past_may_lose(const struct past_side *past)
{
	return past->row->kind == SESSION_JINGLE;
}

bool past_may_move(const struct past_side *past)
{
	return past->row->kind == SESSION_SIP &&
	       past->saved.transport == MEDIA_RTP;
}

int past_read(struct past_side *out, const struct session_row *row)
{
	*out = (struct past_side){ .row = row };
	int r = row->kind == SESSION_ECHO ? read_descs(out) : read_media(out);
	if (r && r != -ENOMEM && past_may_lose(out)) {
		out->lost = r;
		r = 0;
	}
	return r;
}
