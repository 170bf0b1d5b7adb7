/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Packets from the network into both SRTP engines: the same verdict; and what
 * one direction protects the other reads.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "media/srtp.h"

enum { CAP = 1600 };

static const struct {
	enum srtp_profile profile;
	size_t key_len;
} profiles[] = {
	{ SRTP_AES128_CM_SHA1_80, 30 },
	{ SRTP_AES128_CM_SHA1_32, 30 },
	{ SRTP_AEAD_AES_128_GCM, 28 },
	{ SRTP_AEAD_AES_256_GCM, 44 },
};
static const uint8_t key[46] = "a key of no use to anybody";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int act(const struct srtp_engine *engine, struct srtp *srtp, bool rtcp,
	       uint8_t *p, size_t *n)
{
	return rtcp ? engine->rtcp(srtp, p, n, CAP)
		    : engine->rtp(srtp, p, n, CAP);
}

/* The same octets into both; the verdict. */
static int both(struct srtp *ours, struct srtp *theirs, bool rtcp, uint8_t *p,
		size_t *n)
{
	uint8_t q[CAP];
	size_t m = *n;

	memcpy(q, p, *n);
	int r = act(&srtp_evp, ours, rtcp, p, n);
	int s = act(&srtp_libsrtp2, theirs, rtcp, q, &m);
	assert(r == s);
	assert(r || (*n == m && !memcmp(p, q, m)));
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srtp *s[4] = { NULL };
	uint8_t p[CAP];

	if (size < 2 || size > 1500)
		return 0;
	bool rtcp = data[0] & 4;
	size_t k = data[0] & 3, n = size - 1, m = n;
	for (unsigned i = 0; i < 4; i++) {
		const struct srtp_engine *engine =
			i & 1 ? &srtp_libsrtp2 : &srtp_evp;
		int r = engine->new (
			&s[i], i & 2 ? SRTP_UNPROTECT : SRTP_PROTECT,
			profiles[k].profile, key, profiles[k].key_len);
		assert(!r);
	}
	memcpy(p, data + 1, n);
	both(s[2], s[3], rtcp, p, &n);
	memcpy(p, data + 1, m);
	n = m;
	if (!both(s[0], s[1], rtcp, p, &n)) {
		int r = both(s[2], s[3], rtcp, p, &n);
		assert(!r && n == m && !memcmp(p, data + 1, m));
	}
	for (unsigned i = 0; i < 4; i++)
		(i & 1 ? srtp_libsrtp2 : srtp_evp).free(s[i]);
	return 0;
}
