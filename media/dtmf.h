/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * DTMF digits and the payload of telephone-event (RFC 4733, 2.3 and 3.2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

enum {
	DTMF_EVENT_LEN = 4,
	DTMF_VOLUME = 10, /* -dBm0, of what we send */
	DTMF_DURATION_MAX = 0xffff,
};

enum dtmf_outcome {
	DTMF_E_SYNTAX = 1, /* shorter than an event */
};

struct dtmf_event {
	uint8_t code; /* 0 to 15 are digits; others exist */
	bool end;
	uint8_t volume;    /* -dBm0, 0 to 63 */
	uint16_t duration; /* ticks of the payload type's clock */
};

/* 0 to 15 for [0-9*#A-Da-d], else -EINVAL. */
CHECKED int dtmf_code(char digit);
/* The digit, or NUL for events that are none. */
char dtmf_digit(uint8_t code);

/* The first event of the payload. 0 or DTMF_E_SYNTAX. */
CHECKED int dtmf_event_decode(struct dtmf_event *out, const uint8_t *p,
			      size_t n);
/* Write over DTMF_EVENT_LEN octets. */
void dtmf_event_encode(const struct dtmf_event *event,
		       uint8_t p[static DTMF_EVENT_LEN]);
