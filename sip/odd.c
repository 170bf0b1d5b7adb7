/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/odd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"

struct odd {
	struct addr peer; /* port 0 */
	uint64_t told_ms;
	char text[SIP_ODD_CAP];
};

struct sip_odds {
	struct odd ring[SIP_ODDS_MAX];
	size_t n, next;
	unsigned told;
};

int sip_odds_new(struct sip_odds **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct sip_odds *sip_odds_free(struct sip_odds *odds)
{
	free(odds);
	return NULL;
}

/* How many more lines it may have; 0: it was told before, or there were enough.
 * Rare and bounded, so a plain search. */
static unsigned lines_left(const struct sip_odds *odds, const struct odd *odd)
{
	unsigned left = SIP_ODDS_EACH;

	for (size_t i = 0; i < odds->n; i++) {
		const struct odd *told = &odds->ring[i];

		if (addr_compare(&told->peer, &odd->peer))
			continue;
		if (!strcmp(told->text, odd->text))
			return 0;
		if (odd->told_ms - told->told_ms < SIP_ODDS_MS && left)
			left--;
	}
	return left;
}

static void keep(struct sip_odds *odds, const struct odd *odd)
{
	odds->ring[odds->next] = *odd;
	odds->next = (odds->next + 1) % SIP_ODDS_MAX;
	if (odds->n < SIP_ODDS_MAX)
		odds->n++;
	odds->told++;
}

void sip_odd(struct sip_odds *odds, const struct addr *peer, const char *method,
	     const char *what, const char *value, uint64_t now_ms)
{
	struct odd odd = { .peer = *peer, .told_ms = now_ms };
	unsigned left;

	addr_set_port(&odd.peer, 0);
	/* What is longer is cut on purpose: nobody fills the ring by it. */
	snprintf(odd.text, sizeof(odd.text), "%s %s=%s", method, what, value);
	left = lines_left(odds, &odd);
	if (!left)
		return;
	keep(odds, &odd);
	if (left == 1) {
		log_info("event=sip-not-understood src=%s what=\"too much, "
			 "silent for an hour\"",
			 addr_text(peer).s);
		return;
	}
	log_info("event=sip-not-understood src=%s method=%s%s%s%s%s",
		 addr_text(peer).s, log_text(slice_of(method)).s,
		 *what ? " " : "", what, *what ? "=" : "",
		 *what ? log_text(slice_of(value)).s : "");
}

unsigned sip_odds_told(const struct sip_odds *odds)
{
	return odds->told;
}
