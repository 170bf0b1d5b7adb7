/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Numbers as trunks write them. Inside, a number is E.164 with its plus; each
 * trunk's rules say how it becomes that, and back (tandem.conf(5), rewrite_*).
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/config/config.h"

/* @number by the first of @rules that fits, or as it is. 0 or -EMSGSIZE. */
CHECKED int rewrite_apply(char *out, size_t cap,
			  const struct config_rewrites *rules,
			  const char *number);

/* The same of what is no number but a code or a user, which rules for a whole
 * number alone may change. */
CHECKED int rewrite_code(char *out, size_t cap,
			 const struct config_rewrites *rules, const char *code);

/*
 * The visual separators of RFC 3966 ("-", ".", "(", ")") are left out of what
 * else is a number; other text is copied. 0 or -EMSGSIZE.
 */
CHECKED int rewrite_plain(char *out, size_t cap, const char *number);

/*
 * Whether @number may be called: by the longest prefix that fits it in either
 * list; one in both is denied. When nothing fits, it may if nothing is allowed
 * by name.
 */
bool rewrite_allows(const struct config_destinations *destinations,
		    const char *number);
