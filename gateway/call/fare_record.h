/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The record of a leg to a trunk that the call's own does not tell of, as it is
 * somebody else's: forwarded or transferred. By the call's name with "-2",
 * "-3", …
 */
#pragma once

#include <stdint.h>

#include "gateway/call/cause.h"

struct fare;
struct gateway;

struct fare_record {      /* borrowed for the call alone */
	const char *call; /* its name */
	unsigned part;    /* how many were transferred before: from 0 */
	const struct fare *fare;
	int64_t started_ms, answered_ms, ended_ms; /* wall; 0: not */
	enum cause cause;
};

/* Queue it; logged when it is lost. */
void fare_record_put(struct gateway *gateway, const struct fare_record *record);
