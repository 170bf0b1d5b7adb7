/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whether a message is under way in a stream that somebody else reads, and
 * since when: by its pieces as they pass, of which nothing is kept but the line
 * that may say its length.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIP_PROGRESS_LINE_CAP = 32 };

struct sip_progress {
	bool begun;
	uint64_t since_ms; /* of the message that has begun */
	uint64_t length;   /* as its header says */
	uint64_t body;     /* octets that are still to come */
	size_t n;          /* of the line; its cap: too long to matter */
	char line[SIP_PROGRESS_LINE_CAP];
};

/* @n octets have come. */
void sip_progress_add(struct sip_progress *progress, const char *p, size_t n,
		      uint64_t now_ms);
