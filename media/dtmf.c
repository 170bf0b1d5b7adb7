/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* DTMF; see the header. */
#include "media/dtmf.h"

#include <ctype.h>
#include <string.h>

enum { END_BIT = 0x80, VOLUME_MASK = 0x3f };

/* By code. */
static const char digits[] = "0123456789*#ABCD";

int dtmf_code(char digit)
{
	const char *at =
		digit ? strchr(digits, toupper((unsigned char)digit)) : NULL;

	return at ? (int)(at - digits) : -EINVAL;
}

char dtmf_digit(uint8_t code)
{
	return code < sizeof(digits) - 1 ? digits[code] : '\0';
}

int dtmf_event_decode(struct dtmf_event *out, const uint8_t *p, size_t n)
{
	if (n < DTMF_EVENT_LEN)
		return DTMF_E_SYNTAX;
	out->code = p[0];
	out->end = p[1] & END_BIT;
	out->volume = p[1] & VOLUME_MASK;
	out->duration = (uint16_t)(p[2] << 8 | p[3]);
	return 0;
}

void dtmf_event_encode(const struct dtmf_event *event,
		       uint8_t p[static DTMF_EVENT_LEN])
{
	p[0] = event->code;
	p[1] = (uint8_t)((event->end ? END_BIT : 0) |
			 (event->volume & VOLUME_MASK));
	p[2] = (uint8_t)(event->duration >> 8);
	p[3] = (uint8_t)event->duration;
}
