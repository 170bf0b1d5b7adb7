/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A SIP message of a stranger as octets, without sofia's parser: what an answer
 * repeats of it, and the answer. No I/O (sip/door.h has it).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum { SIP_RAW_METHOD_MAX = 31 }; /* octets */

/* Whether it begins as a response does. */
bool sip_raw_is_response(struct slice octets);

/* The fields of a request that an answer repeats (RFC 3261, 8.2.6.2), each with
 * what folds on to it; views. */
struct sip_raw {
	struct slice method, vias[8], from, to, call_id, cseq;
	size_t nvias;
};
/* 0, or -EINVAL: no request, or without one of them; -E2BIG: too many Vias. */
CHECKED int sip_raw_parse(struct sip_raw *out, struct slice datagram);

/*
 * A 403 for it to @source. 0, or -EMSGSIZE: more than @cap, which is how much
 * was sent (a forged source must not get more from us than we got).
 */
CHECKED int sip_raw_refuse(char *out, size_t cap, const struct sip_raw *raw,
			   const struct addr *source);
