/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/frame.h"

#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/field.h"

enum { TRANSPORT_LEN = 3 };

static size_t blanks(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && strchr("\r\n\t ", p[i]) && p[i])
		i++;
	return i;
}

bool sip_frame_is_ping(const char *p, size_t n)
{
	return n >= 4 && memmem(p, n, "\r\n\r\n", 4);
}

/* A CR alone ends a line for sofia, and NUL the text. */
static bool is_plain(struct slice header)
{
	for (size_t i = 0; i < header.n; i++)
		if (!header.p[i] ||
		    (header.p[i] == '\r' &&
		     (i + 1 == header.n || header.p[i + 1] != '\n')))
			return false;
	return true;
}

/* False also where sofia would see another end of the header than we: what
 * comes behind it would reach it as a message that nobody has looked at. */
static bool read_length(struct slice header, uint64_t *length)
{
	struct slice name, text;
	bool given = false;

	*length = 0;
	sip_first_line(&header);
	while (sip_next_field(&header, &name, &text)) {
		uint64_t value;

		if (!sip_field_is(name, "Content-Length", 'l'))
			continue;
		if (text_number(text, SIP_MESSAGE_MAX, &value) ||
		    (given && value != *length))
			return false;
		*length = value;
		given = true;
	}
	return !header.n;
}

/* Octets up to the end of the header, that included; 0: it is not there. */
static size_t find_header(struct sip_frame *frame, const char *p, size_t n)
{
	const char *end =
		memmem(p + frame->scanned, n - frame->scanned, "\r\n\r\n", 4);

	if (end)
		return (size_t)(end - p) + 4;
	if (n > 3)
		frame->scanned = n - 3;
	return 0;
}

enum sip_frame_kind sip_frame_next(struct sip_frame *frame, const char *p,
				   size_t n, size_t *len)
{
	uint64_t length;
	size_t header;

	*len = blanks(p, n);
	if (*len)
		return SIP_FRAME_BLANK;
	if (!frame->total) {
		header = n ? find_header(frame, p, n) : 0;
		if (!header)
			return n > SIP_MESSAGE_MAX ? SIP_FRAME_BAD
						   : SIP_FRAME_MORE;
		if (!is_plain((struct slice){ p, header }) ||
		    !read_length((struct slice){ p, header }, &length) ||
		    header + length > SIP_MESSAGE_MAX)
			return SIP_FRAME_BAD;
		frame->total = header + length;
	}
	if (n < frame->total)
		return SIP_FRAME_MORE;
	*len = frame->total;
	return SIP_FRAME_MESSAGE;
}

/* "SIP / 2.0 / TLS": what stands behind the second slash. */
static struct slice find_transport(struct slice via)
{
	slice_cut(&via, '/');
	slice_cut(&via, '/');
	size_t skip = via.n ? blanks(via.p, via.n) : 0;

	if (via.n < skip + TRANSPORT_LEN)
		return SLICE_NONE;
	return (struct slice){ via.p + skip, TRANSPORT_LEN };
}

void sip_frame_set_transport(char *p, size_t n, const char transport[static 3])
{
	struct slice rest = { p, n }, name, via;

	sip_first_line(&rest);
	while (sip_next_field(&rest, &name, &via)) {
		if (!sip_field_is(name, "Via", 'v'))
			continue;
		struct slice old = find_transport(via);

		if (slice_is_nocase(old, "TLS") || slice_is_nocase(old, "TCP"))
			memcpy(p + (old.p - p), transport, TRANSPORT_LEN);
		return;
	}
}
