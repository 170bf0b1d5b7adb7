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

/* Rare and bounded, so a plain search. */
static bool is_known(const struct sip_odds *odds, const struct odd *odd)
{
	for (size_t i = 0; i < odds->n; i++)
		if (!addr_compare(&odds->ring[i].peer, &odd->peer) &&
		    !strcmp(odds->ring[i].text, odd->text))
			return true;
	return false;
}

void sip_odd(struct sip_odds *odds, const struct addr *peer, const char *method,
	     const char *what, const char *value)
{
	struct odd odd = { .peer = *peer };

	addr_set_port(&odd.peer, 0);
	/* What is longer is cut on purpose: nobody fills the ring by it. */
	snprintf(odd.text, sizeof(odd.text), "%s %s=%s", method, what, value);
	if (is_known(odds, &odd))
		return;
	odds->ring[odds->next] = odd;
	odds->next = (odds->next + 1) % SIP_ODDS_MAX;
	if (odds->n < SIP_ODDS_MAX)
		odds->n++;
	odds->told++;
	log_info("event=sip-not-understood src=%s method=%s%s%s%s%s",
		 addr_text(peer).s, log_text(slice_of(method)).s,
		 *what ? " " : "", what, *what ? "=" : "",
		 *what ? log_text(slice_of(value)).s : "");
}

unsigned sip_odds_told(const struct sip_odds *odds)
{
	return odds->told;
}
