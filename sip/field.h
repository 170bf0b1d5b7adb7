/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The fields of a SIP message by its octets alone (RFC 3261, 7.3): for who only
 * looks, for what sofia may not see, and for streams. Whatever it is, nothing
 * but views into it comes out.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/slice.h"

/* The first line without its end, which is taken off @text. */
struct slice sip_first_line(struct slice *text);
/* The next field of the head, folded lines with it (7.3.1), taken off @text;
 * false: the head is over, and @text is the body. The value is without the
 * blanks, and folds, around it. */
bool sip_next_field(struct slice *text, struct slice *name,
		    struct slice *value);
/* Also by the compact form (7.3.3); @compact 0: there is none. */
bool sip_field_is(struct slice name, const char *full, char compact);
/* The value of the first field that is so called; empty: none. */
struct slice sip_find_field(struct slice text, const char *full, char compact);
