/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SRTP and SRTCP on OpenSSL's EVP (RFC 3711, RFC 7714): packets, SSRCs and
 * indices. Keys and algorithms are in srtp_cipher.c, indices in srtp_window.c.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/cache.h"
#include "gateway/base/cursor.h"
#include "media/rtp.h"
#include "media/srtp.h"
#include "media/srtp_cipher.h"
#include "media/srtp_window.h"

enum {
	SRTCP_HDR_LEN = 8,   /* what stays in the clear: RFC 3711, 3.4 */
	SRTCP_INDEX_LEN = 4, /* E bit and index */
	NEAR_STREAMS = 2,    /* most calls have one */
};
static const uint32_t SRTCP_E_BIT = UINT32_C(1) << 31;
static const uint32_t SRTCP_INDEX_MAX = INT32_MAX;
static const uint64_t SRTP_INDEX_MAX = (UINT64_C(1) << 48) - 1;

struct stream {
	uint32_t ssrc;
	bool kept; /* a packet of it was authentic */
	struct srtp_window rtp, rtcp;
	struct srtp_mark *mark; /* NULL: nobody keeps it */
};

struct srtp {
	enum srtp_use use;
	const struct srtp_suite *suite;
	size_t nstreams;
	struct srtp_cipher rtp;
	struct stream streams[NEAR_STREAMS];
	struct srtp_cipher rtcp;
	struct srtp_marks *marks; /* or NULL */
	struct stream *more;      /* the rest; NULL until there is a third */
};

/* One packet on its way. */
struct packet {
	uint8_t *p;
	size_t n;       /* octets, without tag and SRTCP index */
	size_t hdr_len; /* octets in the clear */
	uint32_t ssrc;
	uint64_t index;
};

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get_u32(const uint8_t *p)
{
	struct cursor c = cursor_reading(p, 4);

	return cursor_u32(&c);
}

static struct srtp *evp_free(struct srtp *srtp)
{
	if (!srtp)
		return NULL;
	free(srtp->more);
	explicit_bzero(srtp, sizeof(*srtp));
	free(srtp);
	srtp_cipher_forget();
	return NULL;
}

static int open_cipher(struct srtp_cipher *out, const struct srtp_suite *suite,
		       const struct srtp_master *master,
		       enum srtp_label key_label, enum srtp_use use)
{
	struct srtp_keys keys;

	int r = srtp_keys_derive(&keys, master, key_label);
	if (!r)
		r = srtp_cipher_set_keys(out, suite, &keys, use);
	explicit_bzero(&keys, sizeof(keys));
	return r;
}

static int evp_new(struct srtp **out, enum srtp_use use,
		   enum srtp_profile profile, const uint8_t *key,
		   size_t key_len)
{
	const struct srtp_suite *suite = srtp_suite_find(profile);

	if (!suite || key_len != (size_t)suite->key_len + suite->salt_len)
		return -EINVAL;
	const struct srtp_master master = { key, suite->key_len,
					    key + suite->key_len,
					    suite->salt_len };
	struct srtp *srtp = calloc(1, sizeof(*srtp));
	if (!srtp)
		return -ENOMEM;
	srtp->use = use;
	srtp->suite = suite;
	int r = open_cipher(&srtp->rtp, suite, &master, SRTP_LABEL_RTP_KEY,
			    use);
	if (!r)
		r = open_cipher(&srtp->rtcp, suite, &master,
				SRTP_LABEL_RTCP_KEY, use);
	if (r) {
		evp_free(srtp);
		return r;
	}
	*out = srtp;
	return 0;
}

static struct stream *stream_at(struct srtp *srtp, size_t i)
{
	return i < NEAR_STREAMS ? &srtp->streams[i]
				: &srtp->more[i - NEAR_STREAMS];
}

/* Room for one more. What is not authentic may make it, once. */
static bool has_room(struct srtp *srtp)
{
	if (srtp->nstreams == NEAR_STREAMS && !srtp->more)
		srtp->more = calloc(SRTP_MAX_SSRCS - NEAR_STREAMS,
				    sizeof(*srtp->more));
	return srtp->nstreams < NEAR_STREAMS ||
	       (srtp->more && srtp->nstreams < srtp_max_ssrcs(srtp->use));
}

/* The stream of @ssrc, else an empty one; NULL: unknown and no room. */
static struct stream *stream_of(struct srtp *srtp, uint32_t ssrc)
{
	for (size_t i = 0; i < srtp->nstreams; i++)
		if (stream_at(srtp, i)->ssrc == ssrc)
			return stream_at(srtp, i);
	if (!has_room(srtp))
		return NULL;
	struct stream *stream = stream_at(srtp, srtp->nstreams);
	*stream = (struct stream){ .ssrc = ssrc };
	return stream;
}

static void clear_mark(struct srtp_mark *mark)
{
	atomic_store(&mark->rtp, 0);
	atomic_store(&mark->rtcp, 0);
}

/*
 * The newest are noted: who has changed its SSRC so often does not go back to
 * an old one. Of our own all are.
 */
static void stream_note(struct srtp *srtp, size_t i)
{
	struct srtp_mark *mark = &srtp->marks->of[i % SRTP_MARKS];
	struct stream *stream = stream_at(srtp, i);

	if (i >= SRTP_MARKS)
		stream_at(srtp, i - SRTP_MARKS)->mark = NULL;
	if (mark->ssrc != stream->ssrc)
		clear_mark(mark);
	mark->ssrc = stream->ssrc;
	stream->mark = mark;
}

/* Keep what stream_of() lent: its first packet is authentic. */
static void stream_keep(struct srtp *srtp, struct stream *stream)
{
	if (stream->kept)
		return;
	stream->kept = true;
	srtp->nstreams++;
	if (srtp->marks)
		stream_note(srtp, srtp->nstreams - 1);
}

static void rtp_used(struct stream *stream, uint64_t index)
{
	srtp_window_add(&stream->rtp, index);
	if (stream->mark)
		atomic_store_explicit(&stream->mark->rtp,
				      stream->rtp.highest + 1,
				      memory_order_relaxed);
}

static void rtcp_used(struct stream *stream, uint64_t index)
{
	srtp_window_add(&stream->rtcp, index);
	if (stream->mark)
		atomic_store_explicit(&stream->mark->rtcp,
				      (uint32_t)stream->rtcp.highest,
				      memory_order_relaxed);
}

static struct srtp_aead aead_of(const struct packet *pkt)
{
	return (struct srtp_aead){
		.ssrc = pkt->ssrc,
		.index = pkt->index,
		.aad = pkt->p,
		.aad_len = pkt->hdr_len,
		.data = pkt->p + pkt->hdr_len,
		.len = pkt->n - pkt->hdr_len,
		.tag = pkt->p + pkt->n,
	};
}

/* The rollover counter is authenticated behind the packet: RFC 3711, 4.2. */
static void rtp_tag(const struct srtp *srtp, const struct packet *pkt,
		    uint8_t *tag)
{
	uint8_t roc[4];

	put_u32(roc, (uint32_t)(pkt->index >> 16));
	srtp_cipher_tag(&srtp->rtp, pkt->p, pkt->n, roc, sizeof(roc), tag,
			srtp->suite->rtp_tag_len);
}

static int rtp_seal(struct srtp *srtp, const struct packet *pkt)
{
	if (srtp->suite->aead) {
		struct srtp_aead op = aead_of(pkt);
		return srtp_cipher_seal(&srtp->rtp, &op);
	}
	int r = srtp_cipher_ctr(&srtp->rtp, pkt->ssrc, pkt->index,
				pkt->p + pkt->hdr_len, pkt->n - pkt->hdr_len);
	if (!r)
		rtp_tag(srtp, pkt, pkt->p + pkt->n);
	return r;
}

static int rtp_open(struct srtp *srtp, const struct packet *pkt)
{
	uint8_t tag[SRTP_AEAD_TAG_LEN];

	if (srtp->suite->aead) {
		struct srtp_aead op = aead_of(pkt);
		return srtp_cipher_open(&srtp->rtp, &op);
	}
	rtp_tag(srtp, pkt, tag);
	if (CRYPTO_memcmp(tag, pkt->p + pkt->n, srtp->suite->rtp_tag_len))
		return SRTP_E_AUTH;
	return srtp_cipher_ctr(&srtp->rtp, pkt->ssrc, pkt->index,
			       pkt->p + pkt->hdr_len, pkt->n - pkt->hdr_len);
}

static int rtp_protect(struct srtp *srtp, struct packet *pkt,
		       struct stream *stream)
{
	if (!srtp_window_is_new(&stream->rtp, pkt->index))
		return SRTP_E_REUSE;
	/* A keystream that was begun is used up, whatever comes of it. */
	stream_keep(srtp, stream);
	rtp_used(stream, pkt->index);
	return rtp_seal(srtp, pkt);
}

static int rtp_unprotect(struct srtp *srtp, struct packet *pkt,
			 struct stream *stream)
{
	if (!srtp_window_is_new(&stream->rtp, pkt->index))
		return SRTP_E_REPLAY;
	int r = rtp_open(srtp, pkt);
	if (r)
		return r;
	stream_keep(srtp, stream);
	rtp_used(stream, pkt->index);
	return 0;
}

static int evp_rtp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap)
{
	bool protect = srtp->use == SRTP_PROTECT;
	size_t tag_len = srtp->suite->rtp_tag_len;
	struct rtp_hdr hdr;

	if (*n > cap || (protect && cap - *n < tag_len))
		return -EMSGSIZE;
	if (rtp_hdr_decode(&hdr, p, *n) || (!protect && *n < hdr.len + tag_len))
		return SRTP_E_SYNTAX;
	struct stream *stream = stream_of(srtp, hdr.ssrc);
	if (!stream)
		return SRTP_E_LIMIT;
	struct packet pkt = {
		.p = p,
		.n = protect ? *n : *n - tag_len,
		.hdr_len = hdr.len,
		.ssrc = hdr.ssrc,
		.index = srtp_window_estimate(&stream->rtp, hdr.seq),
	};
	if (pkt.index > SRTP_INDEX_MAX)
		return SRTP_E_LIMIT;
	int r = protect ? rtp_protect(srtp, &pkt, stream)
			: rtp_unprotect(srtp, &pkt, stream);
	if (!r)
		*n = protect ? pkt.n + tag_len : pkt.n;
	return r;
}

/*
 * Behind an SRTCP packet stand the index with the E bit and the tag (RFC 3711,
 * 3.4), with AEAD the tag and then the index (RFC 7714, 9.2).
 */
static int rtcp_seal(struct srtp *srtp, const struct packet *pkt)
{
	uint8_t *end = pkt->p + pkt->n;
	uint32_t word = SRTCP_E_BIT | (uint32_t)pkt->index;

	if (srtp->suite->aead) {
		struct srtp_aead op = aead_of(pkt);
		put_u32(end + SRTP_AEAD_TAG_LEN, word);
		op.more = end + SRTP_AEAD_TAG_LEN;
		op.more_len = SRTCP_INDEX_LEN;
		return srtp_cipher_seal(&srtp->rtcp, &op);
	}
	int r = srtp_cipher_ctr(&srtp->rtcp, pkt->ssrc, pkt->index,
				pkt->p + pkt->hdr_len, pkt->n - pkt->hdr_len);
	put_u32(end, word);
	srtp_cipher_tag(&srtp->rtcp, pkt->p, pkt->n, end, SRTCP_INDEX_LEN,
			end + SRTCP_INDEX_LEN, srtp->suite->rtcp_tag_len);
	return r;
}

static int rtcp_open(struct srtp *srtp, const struct packet *pkt)
{
	uint8_t *end = pkt->p + pkt->n;
	uint8_t tag[SRTP_AEAD_TAG_LEN];

	if (srtp->suite->aead) {
		struct srtp_aead op = aead_of(pkt);
		op.more = end + SRTP_AEAD_TAG_LEN;
		op.more_len = SRTCP_INDEX_LEN;
		return srtp_cipher_open(&srtp->rtcp, &op);
	}
	srtp_cipher_tag(&srtp->rtcp, pkt->p, pkt->n, end, SRTCP_INDEX_LEN, tag,
			srtp->suite->rtcp_tag_len);
	if (CRYPTO_memcmp(tag, end + SRTCP_INDEX_LEN,
			  srtp->suite->rtcp_tag_len))
		return SRTP_E_AUTH;
	return srtp_cipher_ctr(&srtp->rtcp, pkt->ssrc, pkt->index,
			       pkt->p + pkt->hdr_len, pkt->n - pkt->hdr_len);
}

static int rtcp_protect(struct srtp *srtp, struct packet *pkt,
			struct stream *stream)
{
	/* The first index is 1, as libsrtp2 does it; RFC 3711 says 0, but a
	 * receiver cannot tell the difference. */
	pkt->index = stream->rtcp.highest + 1;
	if (pkt->index > SRTCP_INDEX_MAX)
		return SRTP_E_LIMIT;
	stream_keep(srtp, stream);
	rtcp_used(stream, pkt->index);
	return rtcp_seal(srtp, pkt);
}

static int rtcp_unprotect(struct srtp *srtp, struct packet *pkt,
			  struct stream *stream)
{
	size_t before = srtp->suite->aead ? SRTP_AEAD_TAG_LEN : 0;
	uint32_t word = get_u32(pkt->p + pkt->n + before);

	pkt->index = word & SRTCP_INDEX_MAX;
	/* Unencrypted SRTCP needs UNENCRYPTED_SRTCP (RFC 4568, 6.3.2), which
	 * is never agreed on. */
	if (!(word & SRTCP_E_BIT))
		return SRTP_E_AUTH;
	if (!srtp_window_is_new(&stream->rtcp, pkt->index))
		return SRTP_E_REPLAY;
	int r = rtcp_open(srtp, pkt);
	if (r)
		return r;
	stream_keep(srtp, stream);
	rtcp_used(stream, pkt->index);
	return 0;
}

static int evp_rtcp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap)
{
	bool protect = srtp->use == SRTP_PROTECT;
	size_t trailer = SRTCP_INDEX_LEN + srtp->suite->rtcp_tag_len;

	if (*n > cap || (protect && cap - *n < trailer))
		return -EMSGSIZE;
	if (*n < SRTCP_HDR_LEN + (protect ? 0 : trailer) ||
	    p[0] >> 6 != RTP_VERSION)
		return SRTP_E_SYNTAX;
	struct packet pkt = {
		.p = p,
		.n = protect ? *n : *n - trailer,
		.hdr_len = SRTCP_HDR_LEN,
		.ssrc = get_u32(p + 4),
	};
	struct stream *stream = stream_of(srtp, pkt.ssrc);
	if (!stream)
		return SRTP_E_LIMIT;
	int r = protect ? rtcp_protect(srtp, &pkt, stream)
			: rtcp_unprotect(srtp, &pkt, stream);
	if (!r)
		*n = protect ? pkt.n + trailer : pkt.n;
	return r;
}

static int evp_restore(struct srtp *srtp, uint32_t ssrc, uint64_t index,
		       uint32_t rtcp_index)
{
	struct stream *stream = stream_of(srtp, ssrc);

	if (!stream)
		return SRTP_E_LIMIT;
	if ((index != SRTP_NO_INDEX && index > SRTP_INDEX_MAX) ||
	    rtcp_index > SRTCP_INDEX_MAX)
		return -EINVAL;
	/* Never back: a keystream would be used twice. */
	if ((stream->rtp.seen && index < stream->rtp.highest) ||
	    rtcp_index < stream->rtcp.highest)
		return SRTP_E_REUSE;
	if (index != SRTP_NO_INDEX)
		srtp_window_fill(&stream->rtp, index);
	if (rtcp_index)
		srtp_window_fill(&stream->rtcp, rtcp_index);
	stream_keep(srtp, stream);
	return 0;
}

/* Most have one stream. */
static void evp_near(const struct srtp *srtp)
{
	cache_near(srtp, offsetof(struct srtp, streams[1]));
}

static void evp_keep(struct srtp *srtp, struct srtp_marks *marks)
{
	srtp->marks = marks;
	for (size_t i = 0; i < srtp->nstreams; i++) {
		const struct stream *stream = stream_at(srtp, i);

		stream_note(srtp, i);
		atomic_store(&stream->mark->rtp,
			     stream->rtp.seen ? stream->rtp.highest + 1 : 0);
		atomic_store(&stream->mark->rtcp,
			     (uint32_t)stream->rtcp.highest);
	}
	/* Of those that were restored none stands twice. */
	for (size_t i = srtp->nstreams; i < SRTP_MARKS; i++)
		clear_mark(&marks->of[i]);
}

const struct srtp_engine srtp_evp = {
	.name = "evp",
	.new = evp_new,
	.free = evp_free,
	.rtp = evp_rtp,
	.rtcp = evp_rtcp,
	.restore = evp_restore,
	.near = evp_near,
	.keep = evp_keep,
};
