/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * message/cpim (RFC 3862): a text in an envelope, with what asks for reports of
 * its delivery and its display (RFC 5438). Reading and writing alone.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

#define SIP_CPIM_TYPE "message/cpim"
#define SIP_IMDN_TYPE "message/imdn+xml"
#define SIP_IMDN_NS   "urn:ietf:params:imdn" /* of headers */

enum {
	/* Octets of an imdn.Message-ID that is reported to: Tokens of 32 and
	 * more bits (RFC 5438, 6.3), most are UUIDs. */
	SIP_CPIM_ID_MAX = 255,
};

/* What the sender wants to know: imdn.Disposition-Notification, as bits. */
enum sip_cpim_wants {
	SIP_CPIM_DELIVERED = 1 << 0, /* positive-delivery */
	SIP_CPIM_FAILED = 1 << 1,    /* negative-delivery */
	SIP_CPIM_DISPLAYED = 1 << 2, /* display */
};

/*
 * Borrowed from what was read, or for what is written. Empty: not there; a
 * value is as it stands, without blanks around it.
 */
struct sip_cpim {
	struct slice from, to;   /* "<sip:+15551234567@example.org>" */
	struct slice date;       /* DateTime, RFC 3339 */
	struct slice subject;    /* the last, of whatever language */
	struct slice message_id; /* imdn.Message-ID */
	unsigned wants;          /* SIP_CPIM_* */
	/* Of the content. */
	struct slice type, language, disposition;
	struct slice encoding; /* Content-Transfer-Encoding (RFC 2045, 6) */
	struct slice content;
};

/*
 * Lines may end in LF alone, headers come in any case and in any number; what
 * is no header is read over. A message that ends within its headers has no
 * content.
 */
void sip_cpim_parse(struct sip_cpim *out, struct slice octets);

/* A header's @value as it was written, without the escapes that keep it in its
 * line (RFC 3862, 3.2); what ends lines, and tabs, are blanks. What is over
 * @cap is cut at a character. Always terminates @dst. */
void sip_cpim_unescape(char *dst, size_t cap, struct slice value);

/* When it was written, by its date: wall time in ms; 0: it does not say. */
int64_t sip_cpim_time(const struct sip_cpim *cpim);

/*
 * *@out is owned by the caller: free(). 0, -ENOMEM, or -EINVAL: a value has a
 * control character, which would end its line.
 */
CHECKED int sip_cpim_format(char **out, const struct sip_cpim *cpim);
