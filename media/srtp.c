/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The engine that was chosen at build time; see the header. */
#include "media/srtp.h"

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

int srtp_save(const struct srtp *srtp, uint32_t ssrc, uint64_t *index,
	      uint32_t *rtcp_index)
{
	return SRTP_ENGINE.save(srtp, ssrc, index, rtcp_index);
}

int srtp_restore(struct srtp *srtp, uint32_t ssrc, uint64_t index,
		 uint32_t rtcp_index)
{
	return SRTP_ENGINE.restore(srtp, ssrc, index, rtcp_index);
}
