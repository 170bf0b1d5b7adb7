/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SIP messages in a stream (RFC 3261, 18.3; keepalives RFC 5626, 4.4.1), by
 * their octets alone: where one ends, and the transport of its topmost Via.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum sip_frame_kind {
	SIP_FRAME_MORE,    /* nothing whole yet */
	SIP_FRAME_BLANK,   /* line ends and blanks between messages */
	SIP_FRAME_MESSAGE, /* one whole message */
	SIP_FRAME_BAD,     /* too long, or its length cannot be told */
};

/* What is known of the message that is coming; zeroed before each. */
struct sip_frame {
	size_t scanned; /* octets with no end of the header in them */
	size_t total;   /* its length, once the header is there */
};

/* What the @n octets at @p begin with; *@len octets of that. */
enum sip_frame_kind sip_frame_next(struct sip_frame *frame, const char *p,
				   size_t n, size_t *len);

/* Whether a run of blanks asks for an answer: a double line end. */
bool sip_frame_is_ping(const char *p, size_t n);

/*
 * Write "TCP" or "TLS" over the one of the two that the topmost Via has.
 * Another transport, or none, is left alone.
 */
void sip_frame_set_transport(char *p, size_t n, const char transport[static 3]);
