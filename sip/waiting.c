/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/waiting.h"

#include <stdint.h>

#include "gateway/base/text.h"

enum { COUNT_MAX = 1000000 };

static struct slice take_line(struct slice *body)
{
	struct slice line = slice_cut(body, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* "4/8" or "4/8 (1/2)": new and old, and how many of them are urgent. */
static void read_counts(struct sip_waiting *out, struct slice value)
{
	struct slice counts = slice_trim(slice_cut(&value, '('));
	struct slice fresh = slice_trim(slice_cut(&counts, '/'));
	uint64_t n_new, n_old;

	if (text_number(fresh, COUNT_MAX, &n_new) ||
	    text_number(slice_trim(counts), COUNT_MAX, &n_old))
		return;
	out->has_voice = true;
	out->voice_new = (unsigned)n_new;
	out->voice_old = (unsigned)n_old;
}

static void read_account(struct sip_waiting *out, struct slice value)
{
	struct sip_uri uri;

	if (!sip_uri_parse(&uri, value) &&
	    text_set(out->account, sizeof(out->account), uri.user))
		out->account[0] = '\0';
}

int sip_waiting_parse(struct sip_waiting *out, struct slice body)
{
	bool found = false;

	*out = (struct sip_waiting){ .waiting = false };
	while (body.n) {
		struct slice value = take_line(&body);
		struct slice name = slice_trim(slice_cut(&value, ':'));

		value = slice_trim(value);
		if (slice_is_nocase(name, "Messages-Waiting")) {
			found = true;
			out->waiting = slice_is_nocase(value, "yes");
		} else if (slice_is_nocase(name, "Message-Account")) {
			read_account(out, value);
		} else if (slice_is_nocase(name, "Voice-Message")) {
			read_counts(out, value);
		}
	}
	return found ? 0 : -EINVAL;
}
