/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The text in the body of a MESSAGE: text/plain in one of the charsets that
 * carriers send, by itself or in message/cpim (RFC 3862).
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

struct sip_s;

#define SIP_TEXT_ACCEPT "text/plain, message/cpim"

/*
 * *@out, of *@n octets of what is said to be UTF-8, is owned by the caller:
 * free(). 0, a status to refuse with (400, 415), or -ENOMEM.
 */
CHECKED int sip_text_read(char **out, size_t *n, const struct sip_s *sip);

/* The same of a body of @type ("text/plain;charset=utf-8"), for tests. */
CHECKED int sip_text_parse(char **out, size_t *n, struct slice type,
			   struct slice body);
