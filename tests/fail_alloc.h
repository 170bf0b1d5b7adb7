/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The n-th allocation fails: include it in one .c of a test program.
 *
 *     FAIL_EACH_ALLOCATION(r, build(&thing))
 *     	thing = thing_free(thing);
 *
 * runs the expression with the first, second, … allocation failing until one
 * run needs no more of them, and demands of all the others -ENOMEM and that
 * they leave nothing allocated; the statement behind it undoes the last, good
 * run. Under the sanitizers, which own malloc, only the good run is made.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

static long fail_alloc_left = -1; /* -1: never */
static long fail_alloc_live;      /* blocks allocated and not freed */
static long fail_alloc_before;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIL_ALLOC_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define FAIL_ALLOC_OFF 1
#endif
#endif

#ifndef FAIL_ALLOC_OFF
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static bool fail_alloc_now(void)
{
	if (fail_alloc_left < 0)
		return false;
	if (fail_alloc_left > 0) {
		fail_alloc_left--;
		return false;
	}
	errno = ENOMEM;
	return true;
}

/* Other threads allocate too, but do not fail in these tests. */
static void *fail_alloc_count(void *p)
{
	if (p)
		__atomic_add_fetch(&fail_alloc_live, 1, __ATOMIC_RELAXED);
	return p;
}

void *malloc(size_t n)
{
	return fail_alloc_now() ? NULL : fail_alloc_count(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return fail_alloc_now() ? NULL
				: fail_alloc_count(__libc_calloc(n, size));
}

void *realloc(void *p, size_t n)
{
	if (fail_alloc_now())
		return NULL;
	return p ? __libc_realloc(p, n) : fail_alloc_count(__libc_malloc(n));
}

void free(void *p)
{
	if (p)
		__atomic_sub_fetch(&fail_alloc_live, 1, __ATOMIC_RELAXED);
	__libc_free(p);
}
#endif

/* The allocation to fail in run @run; -1 when none may. */
static inline void fail_alloc_arm(long run)
{
#ifndef FAIL_ALLOC_OFF
	fail_alloc_before = fail_alloc_live;
	fail_alloc_left = run;
#else
	(void)run;
#endif
}

static inline int fail_alloc_disarm(int r)
{
	fail_alloc_left = -1;
	return r;
}

#define FAIL_EACH_ALLOCATION(r, expression)                                   \
	for (long fail_run_ = 0, fail_done_ = 0;                              \
	     !fail_done_ &&                                                   \
	     (fail_alloc_arm(fail_run_), (r) = (expression),                  \
					 (r) = fail_alloc_disarm(r), true);   \
	     fail_run_++)                                                     \
		if ((r) != 0) {                                               \
			assert_int_equal(r, -ENOMEM);                         \
			assert_int_equal(fail_alloc_live, fail_alloc_before); \
		} else if ((fail_done_ = 1))
