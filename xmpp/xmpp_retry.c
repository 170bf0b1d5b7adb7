/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_retry.h"

#include <limits.h>

#include "gateway/base/rand.h"

unsigned xmpp_retry_next(struct xmpp_retry *retry)
{
	unsigned delay = 2 * retry->min_ms;

	for (unsigned i = 0; i < retry->attempts && delay < retry->max_ms; i++)
		delay += delay / 8;
	retry->attempts++;
	if (delay > retry->max_ms)
		delay = retry->max_ms;
	return delay / 2 + rand_u32() % (delay / 2 + 1);
}

unsigned xmpp_retry_refused(const struct xmpp_retry *retry)
{
	return retry->refused_ms + rand_u32() % retry->refused_ms;
}

void xmpp_retry_conflict(struct xmpp_retry *retry)
{
	enum { EIGHTHS = 12 }; /* four times as long */

	if (retry->attempts < UINT_MAX - EIGHTHS)
		retry->attempts += EIGHTHS;
}

void xmpp_retry_reset(struct xmpp_retry *retry)
{
	retry->attempts = 0;
}
