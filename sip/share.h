/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What one address of a trunk's may have of us: calls that ring, and requests
 * outside dialogs, each of which sofia remembers for half a minute. So a trunk
 * that has gone mad, or somebody who writes its address on his datagrams, costs
 * a bounded amount of memory, and leaves room for others. Who is over it gets
 * 503 without a transaction, and who goes on silence; what belongs to calls
 * that there are does not count. Who is nobody's trunk: sip/stranger.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

enum {
	SIP_SHARES_MAX = 4096, /* the longest silent is forgotten first */
	/* A line in the log about one of them, and about all. */
	SIP_SHARE_LOG_MS = 60000,
	SIP_SHARES_LOG_MS = 1000,
};

enum sip_share_verdict {
	SIP_SHARE_SERVE,
	SIP_SHARE_REFUSE, /* statelessly */
	SIP_SHARE_IGNORE,
};

struct sip_share;
struct sip_shares;

struct sip_share_limits {
	unsigned ringing, ringing_each; /* calls; and of one address */
	/* A second, of one address; twice as many at once, and of all together
	 * twice as many of both. */
	unsigned requests_each;
};

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int sip_shares_new(struct sip_shares **out,
			   const struct sip_share_limits *limits);
/* NULL is fine; returns NULL. */
struct sip_shares *sip_shares_free(struct sip_shares *shares);

/* What becomes of a request outside dialogs. */
enum sip_share_verdict sip_share_ask(struct sip_shares *shares,
				     const struct addr *peer, uint64_t now_us);
/* Whether the next one would be ignored: then it need not be read. */
bool sip_share_is_spent(struct sip_shares *shares, const struct addr *peer,
			uint64_t now_us);

/* Whether one more call of @peer's may ring. */
bool sip_share_may_ring(struct sip_shares *shares, const struct addr *peer);
/* One does, until sip_share_ring_over(), which is fine with NULL. NULL: calls
 * of as many addresses as are known ring, and this one is not counted. */
struct sip_share *sip_share_ring(struct sip_shares *shares,
				 const struct addr *peer);
void sip_share_ring_over(struct sip_shares *shares, struct sip_share *share);
