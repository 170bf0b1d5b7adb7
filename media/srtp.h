/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SRTP and SRTCP (RFC 3711, RFC 7714) of one direction under one master key.
 * Two engines stand behind it: OpenSSL's EVP (srtp_evp.c), whose cost does not
 * grow with the number of sessions, and libsrtp2 (srtp_libsrtp.c), its referee.
 *
 * One object is one direction: it either protects or unprotects. It belongs to
 * one thread and allocates nothing per packet.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/desc.h"

enum {
	SRTP_MAX_TRAILER = 32, /* room protect needs behind the packet */
	SRTP_REPLAY_WINDOW = 128,
	/* Of one peer; made only after authentication. Who is transferred or
	 * held may come with a new one each time. */
	SRTP_MAX_SSRCS = 64,
	SRTP_MAX_OWN_SSRCS = 8, /* of who protects */
	SRTP_MARKS = 8,
};
/* An index of ours that was not noted would be used again. */
static_assert(SRTP_MARKS >= SRTP_MAX_OWN_SSRCS, "each of our own has a mark");

enum srtp_outcome {
	SRTP_E_AUTH = 1,   /* tag wrong */
	SRTP_E_REPLAY = 2, /* index seen, or older than the window */
	SRTP_E_SYNTAX = 3, /* not a packet */
	SRTP_E_LIMIT = 4,  /* key lifetime or number of SSRCs used up */
	SRTP_E_REUSE = 5,  /* protect: this index was already used */
};

enum srtp_use { SRTP_PROTECT, SRTP_UNPROTECT };

static inline size_t srtp_max_ssrcs(enum srtp_use use)
{
	return use == SRTP_PROTECT ? SRTP_MAX_OWN_SSRCS : SRTP_MAX_SSRCS;
}

struct srtp;

/*
 * How far one direction is, in memory that outlives the process (media/keep.h):
 * each index is noted there, by a plain store, before its packet is sent, or
 * once it was taken.
 */
struct srtp_mark {
	uint32_t ssrc;
	_Atomic uint32_t rtcp; /* the highest index; 0: none */
	_Atomic uint64_t rtp;  /* the highest index + 1; 0: none */
};
struct srtp_marks {
	struct srtp_mark of[SRTP_MARKS];
};

struct srtp_engine {
	const char *name;
	int (*new)(struct srtp **out, enum srtp_use use,
		   enum srtp_profile profile, const uint8_t *key,
		   size_t key_len);
	struct srtp *(*free)(struct srtp *srtp);
	int (*rtp)(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap);
	int (*rtcp)(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap);
	int (*restore)(struct srtp *srtp, uint32_t ssrc, uint64_t index,
		       uint32_t rtcp_index);
	void (*near)(const struct srtp *srtp);
	void (*keep)(struct srtp *srtp, struct srtp_marks *marks);
};

extern const struct srtp_engine srtp_evp;
extern const struct srtp_engine srtp_libsrtp2;

/*
 * @key is master key then master salt. *@out is owned by the caller:
 * srtp_free(), which wipes the keys. 0, -EINVAL, -ENOMEM.
 */
CHECKED int srtp_new(struct srtp **out, enum srtp_use use,
		     enum srtp_profile profile, const uint8_t *key,
		     size_t key_len);
struct srtp *srtp_free(struct srtp *srtp);

/*
 * Protect or unprotect in place: @n is the length before and after, @cap the
 * room behind @p. 0 or SRTP_E_*, -EMSGSIZE (no room for the trailer), -EIO; on
 * anything but 0 the packet must not be used: it may be half decrypted.
 *
 * Protect takes packets out of order within the window, each index once.
 */
CHECKED int srtp_rtp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap);
CHECKED int srtp_rtcp(struct srtp *srtp, uint8_t *p, size_t *n, size_t cap);

/* Have what srtp_rtp() needs come into the cache. NULL is fine. */
void srtp_near(const struct srtp *srtp);

/* srtp_restore(): no RTP of this SSRC yet, only RTCP. */
#define SRTP_NO_INDEX UINT64_MAX

/*
 * Go on behind these indices: they and all before count as used, so that what
 * was lost with the window is refused rather than sent or taken twice.
 * 0; SRTP_E_REUSE: behind what this object has used already; SRTP_E_LIMIT;
 * -EINVAL; -ENOTSUP.
 */
CHECKED int srtp_restore(struct srtp *srtp, uint32_t ssrc, uint64_t index,
			 uint32_t rtcp_index);
/*
 * Note from now on in @marks how far it is; they are all zero, or those that
 * srtp_resume() went on from, and outlive @srtp. An engine that cannot restore
 * notes nothing.
 */
void srtp_keep(struct srtp *srtp, struct srtp_marks *marks);
/* srtp_restore() what @marks say of a process that died, and note there. */
CHECKED int srtp_resume(struct srtp *srtp, struct srtp_marks *marks);

/* What a key is known by without being told: never 0. */
uint64_t srtp_id(enum srtp_profile profile, const uint8_t *key, size_t n);
