/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The record of a test call over a trunk. It may cost what a call does, so it
 * is found among the calls that are over, and is pushed as they are; nobody is
 * asked before, and it is at no account's expense.
 */
#pragma once

#include <stdint.h>

struct gateway;
struct probe_call_result;

#define PROBE_RECORD_TEXT "test call"

struct probe_record { /* borrowed for the call alone */
	const char *trunk, *from, *to;
	int64_t started_ms; /* wall */
};

/* It ends now. What the database does not take is logged. */
void probe_record_put(struct gateway *gateway,
		      const struct probe_record *record,
		      const struct probe_call_result *result);
