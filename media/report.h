/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RTCP of our own (RFC 3550, 6.4), for the times when the source behind a
 * direction sends none: peers take its lack for the lack of us.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "media/relay.h"

/* Embedded in a flow: what was reported between it and its peer. */
struct report {
	/* the peer's last sender report: middle of its NTP time, arrival */
	uint32_t peer_ntp;
	uint64_t peer_us;
	/* at our last report about it: RFC 3550, A.3 */
	uint64_t received, lost;
};

struct report_counts {
	uint64_t packets, octets; /* of payload, sent to the peer */
};

/* A compound packet came from the peer, in plain. */
void report_on_received(struct report *report, const uint8_t *p, size_t n,
			uint64_t now_us);

/*
 * Write a compound packet for the peer into @p: a sender report when @tx, the
 * relay whose packets go there, has sent; about what came from the peer by @rx;
 * and CNAME. Its length is in @n. 0 or -EMSGSIZE.
 */
CHECKED int report_write(struct report *report, struct relay *tx,
			 const struct relay *rx,
			 const struct report_counts *counts, uint64_t now_us,
			 uint8_t *p, size_t cap, size_t *n);
