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

/* The fields of a request that an answer repeats (RFC 3261, 8.2.6.2), and of a
 * response the same, each with what folds on to it; views. */
struct sip_raw {
	bool response;
	struct slice method, /* of a request */
		vias[8], from, to, call_id, cseq;
	size_t nvias;
};
/* 0, or -EINVAL: no message of SIP/2.0, or without one of them; -E2BIG: too
 * many Vias. */
CHECKED int sip_raw_parse(struct sip_raw *out, struct slice message);

/* What stands behind the colon of @field; of From or To, its tag, or nothing.
 */
struct slice sip_raw_value(struct slice field);
struct slice sip_raw_tag(struct slice field);

/*
 * A 403 for a request to @source. 0, or -EMSGSIZE: more than @cap, which is how
 * much was sent (a forged source must not get more from us than we got).
 */
CHECKED int sip_raw_refuse(char *out, size_t cap, const struct sip_raw *raw,
			   const struct addr *source);
