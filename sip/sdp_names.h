/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the SDP parser and the formatter share: names and grammars.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/slice.h"
#include "media/desc.h"

/* "RTP/AVP"; NULL for MEDIA_PROFILE_OTHER. */
const char *sdp_profile_name(enum media_profile profile);
enum media_profile sdp_profile_find(struct slice name);

const char *sdp_dir_name(enum media_dir dir);
/* 0 or -EINVAL. */
CHECKED int sdp_dir_find(enum media_dir *out, struct slice name);

/* RFC 8866, 9: token. Not empty. */
bool sdp_is_token(struct slice s);
/* Printable ASCII without blanks, not empty. */
bool sdp_is_word(struct slice s);
/* Printable ASCII and blanks. */
bool sdp_is_printable(struct slice s);

/* Cut the next field off @s, behind any blanks; empty at the end. */
struct slice sdp_field(struct slice *s);
