/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Inside the SDP parser: its state, and the attributes, which are a file of
 * their own.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/slice.h"
#include "media/desc.h"
#include "sip/sdp.h"

/*
 * What is said at one level, of the session or of a medium. The session's
 * @content is the default for what a medium does not say itself.
 */
struct sdp_level {
	struct media_content *content;
	uint16_t port;
	bool has_port, has_address, has_dir;
	struct addr address; /* of c=; unset: a name, or 0.0.0.0 */
	bool on_hold;        /* c= is 0.0.0.0 */
	struct slice rtcp;   /* the value of a=rtcp */
	struct slice format; /* the first one of m= */
	bool passed_over;    /* to be refused: only its mid matters */
};

struct sdp_parser {
	struct media_desc *desc;
	struct media_content defaults;
	struct sdp_level session, medium;
	struct sdp_level *level; /* the one that lines belong to now */
	struct sdp_origin origin;
	bool has_version, has_origin;
	struct slice bundle; /* the mids of a=group:BUNDLE */
	bool has_bundle;
};

/* An a= line: @line is what follows "a=". 0 or SDP_E_*. */
CHECKED int sdp_attribute(struct sdp_parser *parser, struct slice line);
/* The value of an a=rtcp line (RFC 3605); @rtp fills in the address. */
void sdp_rtcp(struct addr *out, struct slice value, const struct addr *rtp);
/* RFC 4568, 9.2: the value of an a=crypto line. 0, or -EINVAL: not for us. */
CHECKED int sdp_crypto(struct media_crypto *out, struct slice value);
/* RFC 8839, 5.1. 0, or -EINVAL: not for us. */
CHECKED int sdp_candidate(struct media_cand *out, struct slice value);
