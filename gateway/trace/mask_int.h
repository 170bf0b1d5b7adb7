/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Private to mask_sip.c and mask_xml.c. */
#pragma once

#include "gateway/base/slice.h"

/* Line ends stay, where a value is folded or a body has lines. @what is in
 * @message, of which @base is what its slices were cut from. */
static inline void mask_cover(char *message, const char *base,
			      struct slice what)
{
	char *p = message + (what.p - base);

	for (size_t i = 0; i < what.n; i++) {
		if (p[i] != '\r' && p[i] != '\n')
			p[i] = 'x';
	}
}
