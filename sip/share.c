/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/share.h"

#include <stdlib.h>

#include "gateway/base/bucket.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "sip/addresses.h"

enum {
	US_PER_S = 1000000,
	LOG_US = SIP_SHARE_LOG_MS * US_PER_MS,
	LOG_ALL_US = SIP_SHARES_LOG_MS * US_PER_MS,
	ALL = 2, /* shares, whoever asks */
};

struct sip_share {
	struct sip_address address; /* held while calls of it ring */
	unsigned ringing;
	struct bucket served, refused, lines;
	unsigned untold;
};

struct sip_shares {
	struct sip_share_limits limits;
	unsigned ringing;
	struct bucket served, lines;
	struct sip_addresses *addresses;
};

int sip_shares_new(struct sip_shares **out,
		   const struct sip_share_limits *limits)
{
	struct sip_shares *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	int r = sip_addresses_new(&s->addresses, SIP_SHARES_MAX,
				  sizeof(struct sip_share));
	if (r) {
		free(s);
		return r;
	}
	s->limits = *limits;
	*out = s;
	return 0;
}

struct sip_shares *sip_shares_free(struct sip_shares *s)
{
	if (s)
		sip_addresses_free(s->addresses);
	free(s);
	return NULL;
}

/* ---- requests ---- */

static void tell(struct sip_shares *s, struct sip_share *share,
		 const struct addr *peer, uint64_t now_us)
{
	share->untold++;
	if (bucket_is_empty(&share->lines, now_us, LOG_US, 1) ||
	    !bucket_take(&s->lines, now_us, LOG_ALL_US, 1))
		return;
	(void)bucket_take(&share->lines, now_us, LOG_US, 1);
	log_warn("event=sip-flood src=%s count=%u: of a trunk, or forged",
		 addr_text(peer).s, share->untold);
	share->untold = 0;
}

/* Times so many as one address may have. */
static bool take(const struct sip_shares *s, struct bucket *bucket,
		 uint64_t now_us, unsigned times)
{
	unsigned rate = s->limits.requests_each * times;

	return bucket_take(bucket, now_us, US_PER_S / rate, 2 * rate);
}

static bool is_empty(const struct sip_shares *s, const struct bucket *bucket,
		     uint64_t now_us)
{
	unsigned rate = s->limits.requests_each;

	return bucket_is_empty(bucket, now_us, US_PER_S / rate, 2 * rate);
}

enum sip_share_verdict sip_share_ask(struct sip_shares *s,
				     const struct addr *peer, uint64_t now_us)
{
	struct sip_share *share = sip_addresses_hear(s->addresses, peer);

	if (!share)
		return SIP_SHARE_IGNORE;
	if (!is_empty(s, &share->served, now_us) &&
	    take(s, &s->served, now_us, ALL)) {
		(void)take(s, &share->served, now_us, 1);
		return SIP_SHARE_SERVE;
	}
	tell(s, share, peer, now_us);
	return take(s, &share->refused, now_us, 1) ? SIP_SHARE_REFUSE
						   : SIP_SHARE_IGNORE;
}

bool sip_share_is_spent(struct sip_shares *s, const struct addr *peer,
			uint64_t now_us)
{
	struct sip_share *share = sip_addresses_find(s->addresses, peer);

	if (!share || !is_empty(s, &share->served, now_us) ||
	    !is_empty(s, &share->refused, now_us))
		return false;
	tell(s, share, peer, now_us);
	return true;
}

/* ---- calls that ring ---- */

bool sip_share_may_ring(struct sip_shares *s, const struct addr *peer)
{
	const struct sip_share *share = sip_addresses_find(s->addresses, peer);

	return s->ringing < s->limits.ringing &&
	       (!share || share->ringing < s->limits.ringing_each);
}

struct sip_share *sip_share_ring(struct sip_shares *s, const struct addr *peer)
{
	struct sip_share *share = sip_addresses_hear(s->addresses, peer);

	if (!share)
		return NULL;
	if (!share->ringing++)
		sip_addresses_hold(s->addresses, &share->address);
	s->ringing++;
	return share;
}

void sip_share_ring_over(struct sip_shares *s, struct sip_share *share)
{
	if (!share)
		return;
	s->ringing--;
	if (!--share->ringing)
		sip_addresses_let_go(s->addresses, &share->address);
}
