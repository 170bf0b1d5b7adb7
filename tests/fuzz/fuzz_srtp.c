/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Packets from the network into both SRTP engines: the same verdict; and what
 * one direction protects the other reads. Then ours alone goes on from indices
 * that an earlier process had reached, and sends what the input says.
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

enum { STEP_LEN = 8, STEPS_MAX = 100, PACKET_LEN = 60 };

/* RTP or RTCP of an SSRC, as eight octets of the input say. */
static size_t packet_of(uint8_t p[static CAP], const uint8_t *step, bool rtcp)
{
	memset(p, 0, PACKET_LEN);
	p[0] = 0x80;
	p[1] = rtcp ? 200 : 0;
	p[rtcp ? 3 : 2] = rtcp ? PACKET_LEN / 4 - 1 : step[1];
	if (!rtcp)
		p[3] = step[2];
	p[rtcp ? 7 : 11] = step[3];
	return PACKET_LEN;
}

/* The last index that left, of each SSRC: none may leave twice. */
static void send_step(struct srtp *tx, struct srtp *rx, const uint8_t *step)
{
	uint8_t p[CAP], before[CAP];
	bool rtcp = step[0] & 1;
	size_t n = packet_of(p, step, rtcp), len = n;

	memcpy(before, p, n);
	if (act(&srtp_evp, tx, rtcp, p, &n))
		return;
	uint8_t sent[CAP];
	size_t m = n;
	memcpy(sent, p, n);
	if (act(&srtp_evp, rx, rtcp, p, &n))
		return; /* too late for it */
	assert(n == len && !memcmp(p, before, n));
	n = m;
	assert(act(&srtp_evp, rx, rtcp, sent, &n) != 0); /* a replay */
}

static void go_on(const uint8_t *data, size_t size, size_t k)
{
	struct srtp_marks marks[2] = { 0 };
	struct srtp *tx, *rx;

	assert(!srtp_evp.new(&tx, SRTP_PROTECT, profiles[k].profile, key,
			     profiles[k].key_len));
	assert(!srtp_evp.new(&rx, SRTP_UNPROTECT, profiles[k].profile, key,
			     profiles[k].key_len));
	srtp_evp.keep(tx, &marks[0]);
	for (size_t i = 0; i < STEPS_MAX && size >= STEP_LEN; i++) {
		uint64_t index = (uint64_t)data[4] << 32 | data[5] << 16 |
				 (unsigned)data[6] << 8 | data[7];

		srtp_evp.near(tx);
		if (data[0] & 2)
			(void)!srtp_evp.restore(tx, data[3],
						data[0] & 4 ? SRTP_NO_INDEX
							    : index,
						(uint32_t)index);
		else
			send_step(tx, rx, data);
		if (data[0] & 8)
			srtp_evp.keep(rx, &marks[1]);
		data += STEP_LEN;
		size -= STEP_LEN;
	}
	srtp_evp.free(tx);
	srtp_evp.free(rx);
}

/* NSS, on which Debian's libsrtp2 is built, is loaded with the first session
 * and unloaded with the last: one stays. */
static void keep_nss(void)
{
	static struct srtp *stays;

	if (!stays)
		assert(!srtp_libsrtp2.new(&stays, SRTP_PROTECT,
					  profiles[0].profile, key,
					  profiles[0].key_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srtp *s[4] = { NULL };
	uint8_t p[CAP];

	if (size < 2 || size > 1500)
		return 0;
	keep_nss();
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
	if (data[0] & 8)
		go_on(data + 1, size - 1, k);
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
