/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * SDP text (RFC 8866) and the neutral description: a bounded parser of our own,
 * since a peer's SDP must never reach sofia-sip's, and a formatter.
 *
 * Understood: RFC 3264 offers and answers, RFC 3551 static payload types,
 * RFC 3605 a=rtcp, RFC 4145 and 8842 a=setup, RFC 4568 and 7714 a=crypto,
 * RFC 5761 a=rtcp-mux, RFC 8122 a=fingerprint, RFC 8839 and 8840 ICE, RFC 9143
 * BUNDLE. What is not understood is passed over.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "media/desc.h"

enum {
	SDP_MAX = 16 * 1024, /* octets */
	SDP_MAX_LINES = 500,
	SDP_MAX_LINE = 2 * 1024, /* octets; WebRTC's a=identity passes 1 KiB */
};

enum sdp_outcome {
	SDP_E_SYNTAX = 1,  /* not SDP: SIP 400 */
	SDP_E_CONTENT = 2, /* SDP, but not for us; a limit above: SIP 488 */
};

/*
 * Of the o= line. Who writes keeps the id and raises the version by one with
 * every description that differs from the last (RFC 3264, 8).
 */
struct sdp_origin {
	uint64_t id, version;
};

/*
 * Read @text. *@out is owned by the caller. @origin may be NULL; a number in it
 * that is none, or has more than 64 bits, is 0.
 *
 * Contents: the first MEDIA_USED_CONTENTS are read, the others, and those with
 * a profile that is not RTP's, become MEDIA_OTHER, to be refused. Of the tables
 * of a content (codecs, candidates, …) what is beyond their size is left out,
 * and so is each codec, candidate, key and fingerprint that we could not use.
 *
 * Direction: the address 0.0.0.0 with a port (RFC 3264, 8.4: hold) takes
 * MEDIA_RECVONLY away. telephone-event's "0-15" is no parameter (RFC 4733,
 * 2.4.1: the default).
 *
 * 0, SDP_E_*, or -ENOMEM.
 */
CHECKED int sdp_parse(struct media_desc **out, struct sdp_origin *origin,
		      struct slice text);

/*
 * Write @desc. A content without an address has port 9 at 0.0.0.0 (RFC 8840,
 * 4.1.1), one that is rejected port 0. telephone-event without parameters gets
 * "0-15", which older telephones insist on. *@out is NUL-terminated and owned
 * by the caller: free(). *@n is its length. 0, -ENOMEM, or SDP_E_CONTENT: a
 * content that is not rejected has no codec, or there is text that SDP cannot
 * hold.
 */
CHECKED int sdp_format(char **out, size_t *n, const struct media_desc *desc,
		       const struct sdp_origin *origin);
