/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/trace/follow.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct telling {
	enum media_side side;
	follow_fn fn;
	void *arg;
};

PRINTF(2, 3)
static void tell(const struct telling *to, const char *fmt, ...)
{
	char text[FOLLOW_TEXT_CAP];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		to->fn(to->side, text, to->arg);
}

static void tell_loss(struct follow_side *side,
		      const struct media_side_stats *now, uint64_t now_ms,
		      const struct telling *to)
{
	bool soon = side->lost_told_ms &&
		    now_ms - side->lost_told_ms < FOLLOW_LOSS_MS;

	if (now->lost <= side->seen.lost || soon)
		return;
	tell(to, "%" PRIu64 " packets lost, of %" PRIu64,
	     now->lost - side->seen.lost, now->lost + now->rx_packets);
	side->seen.lost = now->lost;
	side->lost_told_ms = now_ms;
}

static void tell_way(const struct media_side_stats *was,
		     const struct media_side_stats *now,
		     const struct telling *to)
{
	if (now->ice_ms && !was->ice_ms)
		tell(to, "ICE has chosen %s after %" PRIu64 " ms",
		     addr_text(&now->remote).s, now->ice_ms);
	if (now->dtls_ms && !was->dtls_ms)
		tell(to, "DTLS is done after %" PRIu64 " ms", now->dtls_ms);
	if (addr_is_set(&now->remote) &&
	    !addr_equal(&now->remote, &was->remote)) {
		if (addr_is_set(&was->remote))
			tell(to, "packets go to %s now, no more to %s",
			     addr_text(&now->remote).s,
			     addr_text(&was->remote).s);
		else
			tell(to, "packets go to %s", addr_text(&now->remote).s);
	}
}

void follow_look(struct follow_media *media, enum media_side side,
		 const struct media_side_stats *now, uint64_t now_ms,
		 follow_fn fn, void *arg)
{
	struct follow_side *mine = &media->sides[side];
	const struct telling to = { side, fn, arg };
	const struct media_side_stats *was = &mine->seen;

	tell_way(was, now, &to);
	if (now->rx_packets && !was->rx_packets)
		tell(&to, "the first packet has come");
	if (now->tx_packets && !was->tx_packets)
		tell(&to, "the first packet has gone");
	if (now->unauthentic > was->unauthentic)
		tell(&to, "%" PRIu64 " packets were forged or came again",
		     now->unauthentic - was->unauthentic);
	tell_loss(mine, now, now_ms, &to);
	uint64_t lost = mine->seen.lost;
	mine->seen = *now;
	mine->seen.lost = lost;
}
