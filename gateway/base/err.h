/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The error convention and clean-up by scope, used in every folder.
 *
 * A fallible function returns 0, -errno (something is broken: hand it up), or
 * a positive outcome that its header lists (handle it here).
 */
#pragma once

#include <errno.h>

#define CHECKED      __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* AUTO(thing_freep) struct thing *t = NULL; frees t when it leaves scope. */
#define AUTO(fn) __attribute__((cleanup(fn)))

/* In the header of a type whose free function takes NULL. */
#define DEFINE_AUTO(type, fn)             \
	static inline void fn##p(type *p) \
	{                                 \
		if (*p)                   \
			fn(*p);           \
	}
