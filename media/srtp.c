/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The engine that was chosen at build time; see the header. */
#include "media/srtp.h"

#include <openssl/evp.h>
#include <string.h>

#ifndef SRTP_ENGINE
#define SRTP_ENGINE srtp_evp
#endif

int srtp_new(struct srtp **out, enum srtp_use use, enum srtp_profile profile,
	     const uint8_t *key, size_t key_len)
{
	return SRTP_ENGINE.new(out, use, profile, key, key_len);
}

struct srtp *srtp_free(struct srtp *srtp)
{
	return SRTP_ENGINE.free(srtp);
}

int srtp_rtp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap)
{
	return SRTP_ENGINE.rtp(srtp, p, n, cap);
}

int srtp_rtcp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap)
{
	return SRTP_ENGINE.rtcp(srtp, p, n, cap);
}

void srtp_near(const struct srtp *srtp)
{
	SRTP_ENGINE.near(srtp);
}

int srtp_restore(struct srtp *srtp, uint32_t ssrc, uint64_t index,
		 uint32_t rtcp_index)
{
	return SRTP_ENGINE.restore(srtp, ssrc, index, rtcp_index);
}

void srtp_keep(struct srtp *srtp, struct srtp_marks *marks)
{
	SRTP_ENGINE.keep(srtp, marks);
}

int srtp_resume(struct srtp *srtp, struct srtp_marks *marks)
{
	for (size_t i = 0; i < SRTP_MARKS; i++) {
		const struct srtp_mark *mark = &marks->of[i];
		uint64_t rtp = atomic_load(&mark->rtp);
		uint32_t rtcp = atomic_load(&mark->rtcp);

		if (!rtp && !rtcp)
			continue;
		int r = srtp_restore(srtp, mark->ssrc,
				     rtp ? rtp - 1 : SRTP_NO_INDEX, rtcp);
		if (r)
			return r;
	}
	srtp_keep(srtp, marks);
	return 0;
}

/* A digest of what has 128 bits of entropy or more tells nothing of it. */
uint64_t srtp_id(enum srtp_profile profile, const uint8_t *key, size_t n)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint64_t id = 0;

	if (EVP_Digest(key, n, digest, NULL, EVP_sha256(), NULL) == 1)
		memcpy(&id, digest, sizeof(id));
	id ^= (uint64_t)profile;
	return id ? id : 1;
}
