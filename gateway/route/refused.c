/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/refused.h"

#include <stdbool.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/gateway.h"
#include "xmpp/jid.h"

int refused_new(struct gateway *gateway)
{
	return recent_new(&gateway->refused, REFUSED_MAX, REFUSED_MS);
}

void refused_free(struct gateway *gateway)
{
	gateway->refused = recent_free(gateway->refused);
}

static bool is_worth_a_line(unsigned n)
{
	enum { TEN = 10 };

	if (n <= REFUSED_LINES)
		return true;
	while (n % TEN == 0)
		n /= TEN;
	return n == 1;
}

void refused_log(struct gateway *gateway, const char *what, const char *from,
		 const char *to)
{
	char account[JID_CAP];

	if (jid_bare(account, sizeof(account), from))
		return;
	unsigned n = recent_count(gateway->refused, account, clock_ms());
	if (is_worth_a_line(n))
		log_info("refused=%s from=%s to=%s count=%u", what,
			 log_text(slice_of(from)).s, log_text(slice_of(to)).s,
			 n);
}
