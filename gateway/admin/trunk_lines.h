/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Further keys of a trunk (db/trunk_row.h), lines of "key = value", as an
 * administrator sees them. Headers may be what we prove ourselves by (token,
 * headers of tandem.conf(5)): of theirs the names alone are shown, and a value
 * that comes back as it was shown is the one of before: "(as it is)", and of
 * several headers of one name "(as it is, 2)" the second one's.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

enum trunk_lines_outcome {
	TRUNK_LINES_E_UNKNOWN =
		1, /* there is no such value, or it came before */
};

/* @more as it may be seen; owned by the caller, NULL without memory. */
CHECKED char *trunk_lines_cover(const char *more);

/* Whether @said has values as they were shown, in use or taken out (#). */
bool trunk_lines_keep(const char *said);

/*
 * @said with the values of @old, as they were before they were covered. *@out
 * is the caller's, and secret: text_wipe(). 0, TRUNK_LINES_E_UNKNOWN, -ENOMEM.
 */
CHECKED int trunk_lines_uncover(char **out, const char *said, const char *old);
