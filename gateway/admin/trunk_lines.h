/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Further keys of a trunk (db/trunk_row.h), lines of "key = value", as an
 * administrator sees them. Headers may be what we prove ourselves by (token,
 * headers of tandem.conf(5)): of theirs the names alone are shown, and a value
 * that comes back as it was shown is the one of before.
 */
#pragma once

#include "gateway/base/err.h"

/* @more as it may be seen; owned by the caller, NULL without memory. */
CHECKED char *trunk_lines_cover(const char *more);

/*
 * @said with the values of @old, as they were before they were covered. *@out
 * is the caller's, and secret: text_wipe(). 0, -EINVAL (@old has no such
 * header), -ENOMEM.
 */
CHECKED int trunk_lines_uncover(char **out, const char *said, const char *old);
