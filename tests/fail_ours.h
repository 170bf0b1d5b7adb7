/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The n-th allocation of our own code fails, in a program with libraries and
 * threads around it: include it in one .c of a test program.
 *
 * Ours is what is called from this program's text; the libraries (shared
 * objects) always get what they ask for, and so do other threads. Blocks of
 * ours that are not freed yet are counted on all threads, so that a test can
 * tell when everything has been given back, and name who has not.
 * Under the sanitizers, which own malloc, nothing fails and nothing is counted.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/err.h"

enum { FAIL_OURS_SLOTS = 1 << 16 };

static __thread long fail_ours_left = -1; /* -1: none fails */
static __thread bool fail_ours_paused = true;
static long fail_ours_live;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIL_OURS_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define FAIL_OURS_OFF 1
#endif
#endif

#ifndef FAIL_OURS_OFF
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);
extern char __executable_start, etext;

/* Open addressing without tombstones: most frees are of other blocks. */
static struct fail_ours_block {
	void *p;
	uintptr_t by; /* offset in the program: addr2line(1) knows it */
} fail_ours_blocks[FAIL_OURS_SLOTS];
static bool fail_ours_lock;

static void fail_ours_take(void)
{
	while (__atomic_test_and_set(&fail_ours_lock, __ATOMIC_ACQUIRE))
		;
}

static void fail_ours_give(void)
{
	__atomic_clear(&fail_ours_lock, __ATOMIC_RELEASE);
}

static size_t fail_ours_slot(const void *p)
{
	return (uintptr_t)p / 16 * 2654435761u % FAIL_OURS_SLOTS;
}

static void fail_ours_add(void *p, uintptr_t by)
{
	size_t i = fail_ours_slot(p);

	fail_ours_take();
	while (fail_ours_blocks[i].p)
		i = (i + 1) % FAIL_OURS_SLOTS;
	fail_ours_blocks[i] = (struct fail_ours_block){ p, by };
	fail_ours_live++;
	fail_ours_give();
}

/* Close the gap at @i: what is behind it must stay to be found. */
static void fail_ours_shift(size_t i)
{
	size_t gap = i;

	for (;;) {
		i = (i + 1) % FAIL_OURS_SLOTS;
		if (!fail_ours_blocks[i].p)
			break;
		size_t home = fail_ours_slot(fail_ours_blocks[i].p);
		if ((i - home) % FAIL_OURS_SLOTS < (i - gap) % FAIL_OURS_SLOTS)
			continue;
		fail_ours_blocks[gap] = fail_ours_blocks[i];
		gap = i;
	}
	fail_ours_blocks[gap].p = NULL;
}

static uintptr_t fail_ours_remove(const void *p)
{
	size_t i = fail_ours_slot(p);
	uintptr_t by = 0;

	fail_ours_take();
	while (fail_ours_blocks[i].p && fail_ours_blocks[i].p != p)
		i = (i + 1) % FAIL_OURS_SLOTS;
	if (fail_ours_blocks[i].p) {
		by = fail_ours_blocks[i].by;
		fail_ours_live--;
		fail_ours_shift(i);
	}
	fail_ours_give();
	return by;
}

/* 0: a library's. */
static uintptr_t fail_ours_caller(const void *address)
{
	const char *at = address;

	return at >= &__executable_start && at < &etext
		       ? (uintptr_t)(at - &__executable_start)
		       : 0;
}

static bool fail_ours_now(uintptr_t by)
{
	if (!by || fail_ours_paused || fail_ours_left < 0)
		return false;
	if (fail_ours_left--)
		return false;
	errno = ENOMEM;
	return true;
}

static void *fail_ours_keep(void *p, uintptr_t by)
{
	if (p && by)
		fail_ours_add(p, by);
	return p;
}

void *malloc(size_t n)
{
	uintptr_t by = fail_ours_caller(__builtin_return_address(0));

	return fail_ours_now(by) ? NULL : fail_ours_keep(__libc_malloc(n), by);
}

void *calloc(size_t n, size_t size)
{
	uintptr_t by = fail_ours_caller(__builtin_return_address(0));

	return fail_ours_now(by) ? NULL
				 : fail_ours_keep(__libc_calloc(n, size), by);
}

void *realloc(void *p, size_t n)
{
	uintptr_t by = fail_ours_caller(__builtin_return_address(0));

	if (fail_ours_now(by))
		return NULL;
	uintptr_t was = p ? fail_ours_remove(p) : 0;
	void *grown = __libc_realloc(p, n);
	if (!grown)
		fail_ours_keep(p, was);
	return fail_ours_keep(grown, by ? by : was);
}

void free(void *p)
{
	if (p)
		fail_ours_remove(p);
	__libc_free(p);
}
#endif

/* Let the allocation behind the next @n ones fail, once; -1: none. Takes
 * effect between fail_ours_on() and fail_ours_off(). */
static inline void fail_ours_arm(long n)
{
	fail_ours_left = n;
}

static inline bool fail_ours_has_failed(void)
{
#ifndef FAIL_OURS_OFF
	return fail_ours_left == -1;
#else
	return false;
#endif
}

static inline void fail_ours_on(void)
{
	fail_ours_paused = false;
}

static inline void fail_ours_off(void)
{
	fail_ours_paused = true;
}

/* Blocks of ours that live now. */
static inline long fail_ours_count(void)
{
	return __atomic_load_n(&fail_ours_live, __ATOMIC_RELAXED);
}

/* All that live now, to be compared later. */
struct fail_ours_mark {
	const void *blocks[FAIL_OURS_SLOTS];
	size_t n;
};

static inline void fail_ours_note(struct fail_ours_mark *mark)
{
	mark->n = 0;
#ifndef FAIL_OURS_OFF
	for (size_t i = 0; i < FAIL_OURS_SLOTS; i++)
		if (fail_ours_blocks[i].p)
			mark->blocks[mark->n++] = fail_ours_blocks[i].p;
#endif
}

static inline bool fail_ours_has(const struct fail_ours_mark *mark,
				 const void *p)
{
	for (size_t i = 0; i < mark->n; i++)
		if (mark->blocks[i] == p)
			return true;
	return false;
}

/* Where in the program those were allocated that live since @mark. */
static inline void fail_ours_tell(const struct fail_ours_mark *mark)
{
#ifndef FAIL_OURS_OFF
	for (size_t i = 0; i < FAIL_OURS_SLOTS; i++) {
		const struct fail_ours_block *b = &fail_ours_blocks[i];

		if (b->p && !fail_ours_has(mark, b->p))
			fprintf(stderr, "left: a block of 0x%lx\n",
				(unsigned long)b->by);
	}
#else
	(void)mark;
#endif
}
