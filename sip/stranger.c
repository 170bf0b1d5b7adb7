/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/stranger.h"

#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "sip/addresses.h"

struct stranger {
	struct sip_address address;
	uint64_t answered_ms, logged_ms;
	bool answered, logged;
	unsigned unlogged;
};

struct sip_strangers {
	uint64_t second; /* that is counted */
	unsigned answers, lines, untold;
	struct sip_addresses *addresses;
};

int sip_strangers_new(struct sip_strangers **out)
{
	struct sip_strangers *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	int r = sip_addresses_new(&s->addresses, SIP_STRANGERS_MAX,
				  sizeof(struct stranger));
	if (r) {
		free(s);
		return r;
	}
	*out = s;
	return 0;
}

struct sip_strangers *sip_strangers_free(struct sip_strangers *s)
{
	if (s)
		sip_addresses_free(s->addresses);
	free(s);
	return NULL;
}

/* A new second begins: what was not told in the last one is counted. */
static void begin_second(struct sip_strangers *s, uint64_t now_ms)
{
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
	struct stranger *s =
		sip_addresses_hear(strangers->addresses, &source->addr);

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
