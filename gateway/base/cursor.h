/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Octets read and written in network order through one cursor with a sticky
 * error: read or write as much as the format says, ask cursor_ok() once.
 * After the first overrun reads give zeros and writes do nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	uint8_t *p;   /* the next octet */
	uint8_t *end; /* one past the last */
	bool failed;
};

/* For writing, or reading what one owns. */
static inline struct cursor cursor_over(uint8_t *p, size_t n)
{
	return (struct cursor){ p, p + n, false };
}

/* For reading alone: the cursor_put functions must not be called. */
static inline struct cursor cursor_reading(const uint8_t *p, size_t n)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = { .in = p };

	return cursor_over(u.out, n);
}

static inline bool cursor_ok(const struct cursor *c)
{
	return !c->failed;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return c->failed ? 0 : (size_t)(c->end - c->p);
}

/* The next @n octets, now behind the cursor; NULL after an overrun. */
static inline uint8_t *cursor_take(struct cursor *c, size_t n)
{
	if (cursor_left(c) < n || c->failed) {
		c->failed = true;
		return NULL;
	}
	uint8_t *at = c->p;
	c->p += n;
	return at;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3]
		 : 0;
}

static inline uint64_t cursor_u64(struct cursor *c)
{
	uint64_t high = cursor_u32(c);

	return high << 32 | cursor_u32(c);
}

static inline void cursor_put_u8(struct cursor *c, uint8_t v)
{
	uint8_t *p = cursor_take(c, 1);

	if (p)
		p[0] = v;
}

static inline void cursor_put_u16(struct cursor *c, uint16_t v)
{
	cursor_put_u8(c, (uint8_t)(v >> 8));
	cursor_put_u8(c, (uint8_t)v);
}

static inline void cursor_put_u32(struct cursor *c, uint32_t v)
{
	cursor_put_u16(c, (uint16_t)(v >> 16));
	cursor_put_u16(c, (uint16_t)v);
}

static inline void cursor_put_u64(struct cursor *c, uint64_t v)
{
	cursor_put_u32(c, (uint32_t)(v >> 32));
	cursor_put_u32(c, (uint32_t)v);
}

static inline void cursor_put(struct cursor *c, const void *src, size_t n)
{
	uint8_t *p = cursor_take(c, n);

	if (p && n)
		memcpy(p, src, n);
}
