/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One part of several in a body (RFC 2046, 5.1; RFC 5621): the description that
 * trunks with ISUP, or with where a caller is, put beside other things.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum {
	SIP_BOUNDARY_MAX = 70,
	SIP_MULTIPART_DEPTH = 4, /* parts inside of parts, RFC 5621, 4 */
};

/*
 * The first part of @type ("application/sdp") of @body, whose parts are divided
 * by @boundary (without quotes); a view, SLICE_NONE: there is none.
 */
struct slice sip_multipart_find(struct slice body, struct slice boundary,
				const char *type);
