/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The text in the body of a MESSAGE: text/plain in one of the charsets that
 * carriers send, or a report (RFC 5438), by itself or in message/cpim
 * (RFC 3862).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "sip/cpim.h"

struct sip_s;

#define SIP_TEXT_ACCEPT "text/plain, message/cpim, message/imdn+xml"

struct sip_text {
	char *text; /* owned; what is said to be UTF-8, or a report's XML */
	size_t n;   /* octets of it */
	bool is_report;
	bool enveloped;       /* it was in message/cpim: */
	struct sip_cpim cpim; /* borrowed from the body */
};

/*
 * *@out is the caller's in any case: sip_text_fini(). 0, a status to refuse
 * with (400, 415), or -ENOMEM.
 */
CHECKED int sip_text_read(struct sip_text *out, const struct sip_s *sip);

/* The same of a body of @type ("text/plain;charset=utf-8"), for tests. */
CHECKED int sip_text_parse(struct sip_text *out, struct slice type,
			   struct slice body);
void sip_text_fini(struct sip_text *text);
