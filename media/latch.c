/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/latch.h"

#include <string.h>

void latch_set(struct latch *latch, const struct addr *signalled,
	       uint64_t now_ms)
{
	if (addr_is_set(&latch->signalled) &&
	    addr_equal(&latch->signalled, signalled))
		return;
	*latch = (struct latch){ .signalled = *signalled,
				 .remote = *signalled,
				 .last_ms = now_ms,
				 .signals_from = latch->signals_from,
				 .anywhere = latch->anywhere };
}

void latch_trust(struct latch *latch, const struct addr *signals_from,
		 bool anywhere)
{
	latch->signals_from = *signals_from;
	latch->anywhere = anywhere;
}

void latch_moved(struct latch *latch, uint64_t now_ms)
{
	latch->last_ms =
		now_ms > LATCH_SILENCE_MS ? now_ms - LATCH_SILENCE_MS : 0;
}

static enum latch_verdict lock(struct latch *latch, const struct addr *source,
			       uint64_t now_ms)
{
	bool moved = !addr_equal(&latch->remote, source);

	latch->remote = *source;
	latch->locked = true;
	latch->last_ms = now_ms;
	memset(latch->sources, 0, sizeof(latch->sources));
	return moved ? LATCH_MOVED : LATCH_TAKE;
}

static struct latch_source *source_of(struct latch *latch,
				      const struct addr *addr)
{
	for (unsigned i = 0; i < LATCH_SOURCES; i++) {
		if (addr_is_set(&latch->sources[i].addr) &&
		    addr_equal(&latch->sources[i].addr, addr))
			return &latch->sources[i];
	}

	struct latch_source *s = &latch->sources[latch->next];
	latch->next = (latch->next + 1) % LATCH_SOURCES;
	*s = (struct latch_source){ .addr = *addr };
	return s;
}

/* Whether @addr has now sent enough packets in time. */
static bool is_stable(struct latch *latch, const struct addr *addr,
		      uint64_t now_ms)
{
	struct latch_source *s = source_of(latch, addr);

	if (!s->packets || now_ms - s->since_ms > LATCH_MS) {
		s->packets = 0;
		s->since_ms = now_ms;
	}
	return ++s->packets >= LATCH_PACKETS;
}

bool latch_is_heard(const struct latch *latch, uint64_t now_ms)
{
	return latch->locked && now_ms - latch->last_ms < LATCH_SILENCE_MS;
}

static bool may_learn(const struct latch *latch, const struct addr *source,
		      uint64_t now_ms)
{
	if (latch->locked)
		return addr_same_ip(source, &latch->remote) &&
		       !latch_is_heard(latch, now_ms);
	if (addr_same_ip(source, &latch->signalled))
		return true;
	return addr_classify(&latch->signalled) == ADDR_PRIVATE &&
	       (latch->anywhere || addr_same_ip(source, &latch->signals_from));
}

enum latch_verdict latch_packet(struct latch *latch, const struct addr *source,
				uint64_t now_ms)
{
	if (latch->locked && addr_equal(source, &latch->remote)) {
		latch->last_ms = now_ms;
		return LATCH_TAKE;
	}
	if (!addr_is_set(&latch->signalled))
		return LATCH_DROP;
	if (!latch->locked && addr_equal(source, &latch->signalled))
		return lock(latch, source, now_ms);
	if (!may_learn(latch, source, now_ms) ||
	    !is_stable(latch, source, now_ms))
		return LATCH_DROP;
	return lock(latch, source, now_ms);
}
