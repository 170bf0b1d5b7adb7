/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/info.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/text.h"

static bool read_digit(struct slice s, char *digit)
{
	char c = s.n == 1 ? (char)toupper((unsigned char)s.p[0]) : 0;

	/* Cisco writes 10 and 11 for star and pound. */
	if (slice_is(s, "10"))
		c = '*';
	if (slice_is(s, "11"))
		c = '#';
	if (!c || !strchr("0123456789*#ABCD", c))
		return false;
	*digit = c;
	return true;
}

static unsigned clamp(uint64_t ms)
{
	if (ms < SIP_INFO_MIN_MS)
		return SIP_INFO_MIN_MS;
	return ms > SIP_INFO_MAX_MS ? SIP_INFO_MAX_MS : (unsigned)ms;
}

static struct slice take_line(struct slice *body)
{
	struct slice line = slice_cut(body, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return slice_trim(line);
}

static int parse_relay(struct slice body, char *digit, unsigned *duration_ms)
{
	bool found = false;

	while (body.n) {
		struct slice value = take_line(&body);
		struct slice name = slice_trim(slice_cut(&value, '='));
		uint64_t ms;

		value = slice_trim(value);
		if (slice_is_nocase(name, "Signal"))
			found = read_digit(value, digit);
		else if (slice_is_nocase(name, "Duration") &&
			 !text_number(value, UINT32_MAX, &ms))
			*duration_ms = clamp(ms);
	}
	return found ? 0 : -EINVAL;
}

int sip_info_parse(const char *type, struct slice body, char *digit,
		   unsigned *duration_ms)
{
	*duration_ms = SIP_INFO_DEFAULT_MS;
	if (!strcmp(type, "application/dtmf-relay"))
		return parse_relay(body, digit, duration_ms);
	if (strcmp(type, "application/dtmf"))
		return SIP_E_INFO_TYPE;
	/* Some write a whole Signal= line here as well. */
	if (body.n && memchr(body.p, '=', body.n))
		return parse_relay(body, digit, duration_ms);
	return read_digit(take_line(&body), digit) ? 0 : -EINVAL;
}

int sip_info_format(char out[static SIP_INFO_CAP], char digit,
		    unsigned duration_ms)
{
	if (!digit || !strchr("0123456789*#ABCD", digit))
		return -EINVAL;
	return text_format(out, SIP_INFO_CAP, "Signal=%c\r\nDuration=%u\r\n",
			   digit, clamp(duration_ms));
}
