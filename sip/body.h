/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The body of a peer's message: what it says it is, and its octets. sofia's
 * parsers of SDP and of multipart never see them.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

#define SIP_BODY_ACCEPT "application/sdp, multipart/mixed"

struct media_desc;
struct sip_incoming;
struct sip_s;

/*
 * The session description, also as one part of several (RFC 5621), or *@out
 * NULL when there is no body, or one that may be passed over
 * (Content-Disposition: …;handling=optional). *@text, unless NULL, is its text:
 * free(). 0, a status to refuse with (400, 415, 488), or -ENOMEM.
 */
CHECKED int sip_body_read(struct media_desc **out, char **text,
			  const struct sip_s *sip);

/* The same of text that was kept. */
CHECKED int sip_body_parse(struct media_desc **out, const char *text);

/* Refuse: 415 with Accept and Accept-Encoding, 488 with Warning, others bare
 * (RFC 3261, 21.4.13 and 21.4.26). The transaction is over. */
void sip_body_refuse(const struct sip_incoming *in, unsigned status);

/* Whether the body is in a Content-Encoding; we undo none. */
bool sip_body_is_encoded(const struct sip_s *sip);

/* "application/dtmf-relay", in lower case; "" without a body. */
enum { SIP_TYPE_CAP = 64 };
void sip_body_type(char out[static SIP_TYPE_CAP], const struct sip_s *sip);
