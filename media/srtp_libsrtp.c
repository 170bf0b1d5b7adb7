/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SRTP and SRTCP on libsrtp2: the other engine, and the referee of srtp_evp.c.
 *
 * libsrtp2 (2.5.0) has no setter for the SRTCP index and no getter for the
 * sequence number, so restore is not supported: calls do not survive a restart
 * of the process with this engine. Two checks are added where it is more
 * lenient than we are: the number of SSRCs, and unencrypted SRTCP under
 * AES-GCM, which it would take.
 */
#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp.h"
#include "media/srtp.h"

enum {
	KEY_MAX = 44,
	SRTCP_HDR_LEN = 8,
	SRTCP_INDEX_LEN = 4,
	SRTCP_E_OCTET = 0x80,
};

struct profile {
	srtp_profile_t id;
	uint8_t key_len; /* master key and salt */
	uint8_t rtp_tag_len, rtcp_tag_len;
	/* Octets of the tag that stand behind the SRTCP index. */
	uint8_t behind_index;
};

static const struct profile profiles[SRTP_NPROFILES] = {
	[SRTP_AES128_CM_SHA1_80] = { srtp_profile_aes128_cm_sha1_80, 30, 10, 10,
				     10 },
	[SRTP_AES128_CM_SHA1_32] = { srtp_profile_aes128_cm_sha1_32, 30, 4, 10,
				     10 },
	[SRTP_AEAD_AES_128_GCM] = { srtp_profile_aead_aes_128_gcm, 28, 16, 16,
				    0 },
	[SRTP_AEAD_AES_256_GCM] = { srtp_profile_aead_aes_256_gcm, 44, 16, 16,
				    0 },
};

struct srtp {
	enum srtp_use use;
	const struct profile *profile;
	srtp_t session;
	uint32_t ssrcs[SRTP_MAX_SSRCS];
	size_t nssrcs;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static srtp_err_status_t init_status;

static void init(void)
{
	init_status = srtp_init();
}

static int outcome_of(const struct srtp *srtp, srtp_err_status_t status)
{
	switch (status) {
	case srtp_err_status_ok:
		return 0;
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return srtp->use == SRTP_PROTECT ? SRTP_E_REUSE : SRTP_E_REPLAY;
	case srtp_err_status_bad_param:
	case srtp_err_status_parse_err:
		return SRTP_E_SYNTAX;
	case srtp_err_status_key_expired:
		return SRTP_E_LIMIT;
	case srtp_err_status_auth_fail:
	case srtp_err_status_cant_check:
		return SRTP_E_AUTH;
	default:
		return -EIO;
	}
}

static struct srtp *libsrtp_free(struct srtp *srtp)
{
	if (srtp && srtp->session)
		srtp_dealloc(srtp->session);
	free(srtp);
	return NULL;
}

static int open_session(struct srtp *srtp, const uint8_t *key, size_t key_len)
{
	uint8_t copy[KEY_MAX];
	srtp_policy_t policy = {
		.ssrc.type = srtp->use == SRTP_PROTECT ? ssrc_any_outbound
						       : ssrc_any_inbound,
		.key = copy,
		.window_size = SRTP_REPLAY_WINDOW,
	};

	if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp,
							srtp->profile->id) ||
	    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp,
							 srtp->profile->id))
		return -EINVAL;
	memcpy(copy, key, key_len);
	srtp_err_status_t status = srtp_create(&srtp->session, &policy);
	explicit_bzero(copy, sizeof(copy));
	return status ? -ENOMEM : 0;
}

static int libsrtp_new(struct srtp **out, enum srtp_use use,
		       enum srtp_profile profile, const uint8_t *key,
		       size_t key_len)
{
	if ((unsigned)profile >= SRTP_NPROFILES || !profiles[profile].key_len ||
	    key_len != profiles[profile].key_len)
		return -EINVAL;
	if (pthread_once(&once, init) || init_status)
		return -ENOMEM;
	struct srtp *srtp = calloc(1, sizeof(*srtp));
	if (!srtp)
		return -ENOMEM;
	srtp->use = use;
	srtp->profile = &profiles[profile];
	int r = open_session(srtp, key, key_len);
	if (r) {
		libsrtp_free(srtp);
		return r;
	}
	*out = srtp;
	return 0;
}

static bool has_room(const struct srtp *srtp, uint32_t ssrc)
{
	for (size_t i = 0; i < srtp->nssrcs; i++)
		if (srtp->ssrcs[i] == ssrc)
			return true;
	return srtp->nssrcs < srtp_max_ssrcs(srtp->use);
}

static void remember(struct srtp *srtp, uint32_t ssrc)
{
	for (size_t i = 0; i < srtp->nssrcs; i++)
		if (srtp->ssrcs[i] == ssrc)
			return;
	srtp->ssrcs[srtp->nssrcs++] = ssrc;
}

static int libsrtp_rtp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap)
{
	bool protect = srtp->use == SRTP_PROTECT;
	size_t tag_len = srtp->profile->rtp_tag_len;
	struct rtp_hdr hdr;
	int len = (int)*n;

	if (*n > cap || (protect && cap - *n < tag_len))
		return -EMSGSIZE;
	if (rtp_hdr_decode(&hdr, p, *n) || (!protect && *n < hdr.len + tag_len))
		return SRTP_E_SYNTAX;
	if (!has_room(srtp, hdr.ssrc))
		return SRTP_E_LIMIT;
	int r = outcome_of(srtp,
			   protect ? srtp_protect(srtp->session, p, &len)
				   : srtp_unprotect(srtp->session, p, &len));
	if (r)
		return r;
	remember(srtp, hdr.ssrc);
	*n = (size_t)len;
	return 0;
}

static int check_rtcp(const struct srtp *srtp, const uint8_t *p, size_t n,
		      size_t cap)
{
	const struct profile *profile = srtp->profile;
	size_t trailer = SRTCP_INDEX_LEN + profile->rtcp_tag_len;
	bool protect = srtp->use == SRTP_PROTECT;

	if (n > cap || (protect && cap - n < trailer))
		return -EMSGSIZE;
	if (n < SRTCP_HDR_LEN + (protect ? 0 : trailer) ||
	    p[0] >> 6 != RTP_VERSION)
		return SRTP_E_SYNTAX;
	if (!protect &&
	    !(p[n - profile->behind_index - SRTCP_INDEX_LEN] & SRTCP_E_OCTET))
		return SRTP_E_AUTH;
	return 0;
}

static int libsrtp_rtcp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap)
{
	int len = (int)*n;

	int r = check_rtcp(srtp, p, *n, cap);
	if (r)
		return r;
	uint32_t ssrc = (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 |
			(uint32_t)p[6] << 8 | p[7];
	if (!has_room(srtp, ssrc))
		return SRTP_E_LIMIT;
	r = outcome_of(srtp,
		       srtp->use == SRTP_PROTECT
			       ? srtp_protect_rtcp(srtp->session, p, &len)
			       : srtp_unprotect_rtcp(srtp->session, p, &len));
	if (r)
		return r;
	remember(srtp, ssrc);
	*n = (size_t)len;
	return 0;
}

static int libsrtp_restore(struct srtp *srtp, uint32_t ssrc, uint64_t index,
			   uint32_t rtcp_index)
{
	(void)srtp;
	(void)ssrc;
	(void)index;
	(void)rtcp_index;
	return -ENOTSUP;
}

/* Its state is NSS's, and unknown. */
static void libsrtp_near(const struct srtp *srtp)
{
	(void)srtp;
}

/* What it could not restore need not be noted. */
static void libsrtp_keep(struct srtp *srtp, struct srtp_marks *marks)
{
	(void)srtp;
	(void)marks;
}

const struct srtp_engine srtp_libsrtp2 = {
	.name = "libsrtp2",
	.new = libsrtp_new,
	.free = libsrtp_free,
	.rtp = libsrtp_rtp,
	.rtcp = libsrtp_rtcp,
	.restore = libsrtp_restore,
	.near = libsrtp_near,
	.keep = libsrtp_keep,
};
