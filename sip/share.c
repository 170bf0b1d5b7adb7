/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/share.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "gateway/base/bucket.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/tree.h"

enum {
	US_PER_S = 1000000,
	LOG_US = SIP_SHARE_LOG_MS * US_PER_MS,
	LOG_ALL_US = SIP_SHARES_LOG_MS * US_PER_MS,
	ALL = 2, /* shares, whoever asks */
};

struct sip_share {
	RB_ENTRY(sip_share) node;
	TAILQ_ENTRY(sip_share) age; /* while nothing of it rings */
	struct addr ip;
	unsigned ringing;
	struct bucket served, refused, lines;
	unsigned untold;
};

RB_HEAD(by_ip, sip_share);
TAILQ_HEAD(by_age, sip_share);

struct sip_shares {
	struct sip_share_limits limits;
	unsigned ringing;
	struct bucket served, lines;
	struct by_ip by_ip;
	struct by_age by_age; /* the longest silent first */
	size_t n;
	struct sip_share pool[SIP_SHARES_MAX];
};

static int compare(const struct sip_share *a, const struct sip_share *b)
{
	return addr_compare(&a->ip, &b->ip);
}

TREE_GENERATE(by_ip, sip_share, node, compare)

int sip_shares_new(struct sip_shares **out,
		   const struct sip_share_limits *limits)
{
	struct sip_shares *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->limits = *limits;
	RB_INIT(&s->by_ip);
	TAILQ_INIT(&s->by_age);
	*out = s;
	return 0;
}

struct sip_shares *sip_shares_free(struct sip_shares *s)
{
	free(s);
	return NULL;
}

static struct sip_share *find(struct sip_shares *s, const struct addr *peer)
{
	struct sip_share key = { .ip = *peer };

	addr_set_port(&key.ip, 0);
	return RB_FIND(by_ip, &s->by_ip, &key);
}

/* A fresh one, or that of the longest silent; NULL: calls of all of them ring.
 */
static struct sip_share *take_slot(struct sip_shares *s)
{
	struct sip_share *slot = TAILQ_FIRST(&s->by_age);

	if (s->n < SIP_SHARES_MAX)
		return &s->pool[s->n++];
	if (!slot)
		return NULL;
	TAILQ_REMOVE(&s->by_age, slot, age);
	RB_REMOVE(by_ip, &s->by_ip, slot);
	return slot;
}

static struct sip_share *find_or_add(struct sip_shares *s,
				     const struct addr *peer)
{
	struct sip_share *share = find(s, peer);

	if (share && !share->ringing) {
		TAILQ_REMOVE(&s->by_age, share, age);
		TAILQ_INSERT_TAIL(&s->by_age, share, age);
	}
	if (share)
		return share;
	share = take_slot(s);
	if (!share)
		return NULL;
	*share = (struct sip_share){ .ip = *peer };
	addr_set_port(&share->ip, 0);
	RB_INSERT(by_ip, &s->by_ip, share);
	TAILQ_INSERT_TAIL(&s->by_age, share, age);
	return share;
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
	struct sip_share *share = find_or_add(s, peer);

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
	struct sip_share *share = find(s, peer);

	if (!share || !is_empty(s, &share->served, now_us) ||
	    !is_empty(s, &share->refused, now_us))
		return false;
	tell(s, share, peer, now_us);
	return true;
}

/* ---- calls that ring ---- */

bool sip_share_may_ring(struct sip_shares *s, const struct addr *peer)
{
	const struct sip_share *share = find(s, peer);

	return s->ringing < s->limits.ringing &&
	       (!share || share->ringing < s->limits.ringing_each);
}

struct sip_share *sip_share_ring(struct sip_shares *s, const struct addr *peer)
{
	struct sip_share *share = find_or_add(s, peer);

	if (!share)
		return NULL;
	if (!share->ringing++)
		TAILQ_REMOVE(&s->by_age, share, age);
	s->ringing++;
	return share;
}

void sip_share_ring_over(struct sip_shares *s, struct sip_share *share)
{
	if (!share)
		return;
	s->ringing--;
	if (!--share->ringing)
		TAILQ_INSERT_TAIL(&s->by_age, share, age);
}

unsigned sip_shares_ringing(const struct sip_shares *s)
{
	return s->ringing;
}
