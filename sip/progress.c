/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/progress.h"

#include <string.h>

#include "gateway/base/text.h"
#include "sip/field.h"

static void read_line(struct sip_progress *progress)
{
	struct slice value = { progress->line, progress->n };
	struct slice name = slice_trim(slice_cut(&value, ':'));
	uint64_t length;

	if (progress->n < SIP_PROGRESS_LINE_CAP &&
	    sip_field_is(name, "Content-Length", 'l') &&
	    !text_number(slice_trim(value), UINT32_MAX, &length))
		progress->length = length;
}

/* A line of the header is over; an empty one ends it. */
static void end_line(struct sip_progress *progress)
{
	if (progress->n) {
		read_line(progress);
		progress->n = 0;
		return;
	}
	progress->body = progress->length;
	progress->length = 0;
	progress->begun = progress->body > 0;
}

static void add_octet(struct sip_progress *progress, char c, uint64_t now_ms)
{
	/* Line ends before a message are keepalives. */
	if (!progress->begun && (c == '\r' || c == '\n'))
		return;
	if (!progress->begun) {
		progress->begun = true;
		progress->since_ms = now_ms;
	}
	if (c == '\n')
		end_line(progress);
	else if (c != '\r' && progress->n < SIP_PROGRESS_LINE_CAP)
		progress->line[progress->n++] = c;
}

void sip_progress_add(struct sip_progress *progress, const char *p, size_t n,
		      uint64_t now_ms)
{
	while (n) {
		size_t used = 1;

		if (progress->body) {
			used = n < progress->body ? n : (size_t)progress->body;
			progress->body -= used;
			progress->begun = progress->body > 0;
		} else {
			add_octet(progress, *p, now_ms);
		}
		p += used;
		n -= used;
	}
}
