/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Random numbers that are the same for the same input, and cost no system call:
 * what is found can be run again. Of our own code and of those libraries that
 * ask libc. Include it in one .c of a fuzz target.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/types.h>

static uint64_t same_random_state;

/* At the beginning of each input. */
static inline void same_random_begin(void)
{
	same_random_state = 0;
}

/* In the place of libc's: splitmix64, an octet of each step. */
ssize_t getrandom(void *out, size_t n, unsigned flags)
{
	uint8_t *p = out;

	(void)flags;
	for (size_t i = 0; i < n; i++) {
		uint64_t z = same_random_state += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		p[i] = (uint8_t)(z ^ z >> 31);
	}
	return (ssize_t)n;
}
