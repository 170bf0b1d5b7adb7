/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/stranger.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/tree.h"

struct stranger {
	RB_ENTRY(stranger) node;
	TAILQ_ENTRY(stranger) age;
	struct addr ip;
	uint64_t answered_ms, logged_ms;
	bool answered, logged;
	unsigned unlogged;
};

RB_HEAD(by_ip, stranger);
TAILQ_HEAD(by_age, stranger);

struct sip_strangers {
	uint64_t second; /* that is counted */
	unsigned answers, lines, untold;
	struct by_ip by_ip;
	struct by_age by_age; /* the longest silent first */
	size_t n;
	struct stranger *pool;
};

static int compare(const struct stranger *a, const struct stranger *b)
{
	return addr_compare(&a->ip, &b->ip);
}

TREE_GENERATE(by_ip, stranger, node, compare)

int sip_strangers_new(struct sip_strangers **out)
{
	struct sip_strangers *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pool = calloc(SIP_STRANGERS_MAX, sizeof(*s->pool));
	if (!s->pool) {
		free(s);
		return -ENOMEM;
	}
	RB_INIT(&s->by_ip);
	TAILQ_INIT(&s->by_age);
	*out = s;
	return 0;
}

struct sip_strangers *sip_strangers_free(struct sip_strangers *s)
{
	if (s)
		free(s->pool);
	free(s);
	return NULL;
}

/* A fresh slot, or the longest silent one. */
static struct stranger *take_slot(struct sip_strangers *s)
{
	struct stranger *slot;

	if (s->n < SIP_STRANGERS_MAX)
		return &s->pool[s->n++];
	slot = TAILQ_FIRST(&s->by_age);
	TAILQ_REMOVE(&s->by_age, slot, age);
	RB_REMOVE(by_ip, &s->by_ip, slot);
	return slot;
}

static struct stranger *find_or_add(struct sip_strangers *s,
				    const struct addr *addr)
{
	struct stranger key = { .ip = *addr };
	struct stranger *found;

	addr_set_port(&key.ip, 0);
	found = RB_FIND(by_ip, &s->by_ip, &key);
	if (found) {
		TAILQ_REMOVE(&s->by_age, found, age);
	} else {
		found = take_slot(s);
		*found = (struct stranger){ .ip = key.ip };
		RB_INSERT(by_ip, &s->by_ip, found);
	}
	TAILQ_INSERT_TAIL(&s->by_age, found, age);
	return found;
}

/* A new second begins: what was not told in the last one is counted. */
static void begin_second(struct sip_strangers *s, uint64_t now_ms)
{
	enum { MS_PER_S = 1000 };

	if (s->second == now_ms / MS_PER_S)
		return;
	if (s->untold)
		log_warn("event=strangers untold=%u: addresses may be forged",
			 s->untold);
	s->second = now_ms / MS_PER_S;
	s->answers = s->lines = s->untold = 0;
}

static void tell(struct sip_strangers *strangers, struct stranger *s,
		 const struct sip_source *source, const char *method,
		 uint64_t now_ms)
{
	s->unlogged++;
	if (s->logged && now_ms - s->logged_ms < SIP_STRANGER_LOG_MS)
		return;
	if (strangers->lines >= SIP_STRANGERS_LINES) {
		strangers->untold++;
		return;
	}
	strangers->lines++;
	log_warn("event=stranger src=%s method=%s count=%u",
		 addr_text(&source->addr).s, log_text(slice_of(method)).s,
		 s->unlogged);
	s->logged = true;
	s->logged_ms = now_ms;
	s->unlogged = 0;
}

bool sip_stranger_seen(struct sip_strangers *strangers,
		       const struct sip_source *source, const char *method,
		       uint64_t now_ms)
{
	struct stranger *s = find_or_add(strangers, &source->addr);

	begin_second(strangers, now_ms);
	tell(strangers, s, source, method, now_ms);
	if (s->answered && now_ms - s->answered_ms < SIP_STRANGER_ANSWER_MS)
		return false;
	if (strangers->answers >= SIP_STRANGERS_ANSWERS)
		return false;
	strangers->answers++;
	s->answered = true;
	s->answered_ms = now_ms;
	return true;
}
