/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Asking for memory before it is needed: the processor fetches it meanwhile.
 * Any address will do, NULL as well.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CACHE_LINE = 64 };

/* All lines of the @n octets at @p. */
static inline void cache_near(const void *p, size_t n)
{
	uintptr_t end = (uintptr_t)p + n;

	for (uintptr_t at = (uintptr_t)p & -(uintptr_t)CACHE_LINE; at < end;
	     at += CACHE_LINE)
		__builtin_prefetch((const void *)at);
}
