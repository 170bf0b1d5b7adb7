/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_part.h"

#include <stdint.h>

#include "gateway/base/text.h"

enum { ZERO_WIDTH_JOINER = 0x200d };

/* What belongs to the character before it (UAX #29, Grapheme_Extend and
 * SpacingMark), of the scripts and emoji that people write. */
static bool is_extending(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x0300, 0x036f },   { 0x0483, 0x0489 },
		{ 0x0591, 0x05bd },   { 0x05bf, 0x05c7 },
		{ 0x0610, 0x061a },   { 0x064b, 0x065f },
		{ 0x0670, 0x0670 },   { 0x06d6, 0x06ed },
		{ 0x0900, 0x0903 },   { 0x093a, 0x094f },
		{ 0x0981, 0x0983 },   { 0x09bc, 0x09cd },
		{ 0x0b82, 0x0b82 },   { 0x0bbe, 0x0bcd },
		{ 0x0e31, 0x0e31 },   { 0x0e34, 0x0e3a },
		{ 0x0e47, 0x0e4e },   { 0x1ab0, 0x1aff },
		{ 0x1dc0, 0x1dff },   { 0x200c, ZERO_WIDTH_JOINER },
		{ 0x20d0, 0x20ff },   { 0x302a, 0x302f },
		{ 0x3099, 0x309a },   { 0xfe00, 0xfe0f },
		{ 0xfe20, 0xfe2f },   { 0x1f3fb, 0x1f3ff },
		{ 0xe0020, 0xe007f }, { 0xe0100, 0xe01ef },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

/* Two of them are a flag. */
static bool is_flag_half(uint32_t c)
{
	return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || c == '\n' || c == '\t';
}

struct reading {
	uint32_t before; /* the character before */
	unsigned halves; /* of flags, in a row up to there */
};

static bool belongs_together(const struct reading *r, uint32_t c)
{
	return is_extending(c) || r->before == ZERO_WIDTH_JOINER ||
	       (r->before == '\r' && c == '\n') ||
	       (is_flag_half(c) && r->halves % 2);
}

static void read_on(struct reading *r, uint32_t c)
{
	r->halves = is_flag_half(c) ? r->halves + 1 : 0;
	r->before = c;
}

size_t text_part(struct slice text, size_t max)
{
	/* The last places not behind @max where a character ends, where what
	 * is seen as one does, and where a word begins. */
	size_t octets = 0, seen = 0, word = 0;
	struct reading r = { 0 };

	if (text.n <= max)
		return text.n;
	for (size_t at = 0, n; at <= max; at += n) {
		uint32_t c = 0;

		n = text_utf8((struct slice){ text.p + at, text.n - at }, &c);
		n = n ? n : 1;
		if (!belongs_together(&r, c)) {
			seen = at;
			if (is_blank(r.before) && !is_blank(c))
				word = at;
		}
		octets = at;
		read_on(&r, c);
	}
	if (word > max / 2)
		return word;
	return seen ? seen : octets;
}
