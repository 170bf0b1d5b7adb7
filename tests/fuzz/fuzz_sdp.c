/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A peer's SDP: whatever is read can be written, and reads the same again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int format(char **text, const struct media_desc *desc)
{
	const struct sdp_origin origin = { 1, 2 };
	size_t n;

	return sdp_format(text, &n, desc, &origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	AUTO(media_desc_freep) struct media_desc *again = NULL;
	char *once = NULL, *twice = NULL;
	struct sdp_origin origin;

	if (sdp_parse(&desc, &origin,
		      (struct slice){ (const char *)data, size }))
		return 0;
	if (format(&once, desc)) /* a content without a known codec */
		return 0;
	/* our own spelling is longer and may pass the limits */
	if (!sdp_parse(&again, &origin, slice_of(once))) {
		assert(!format(&twice, again));
		assert(!strcmp(once, twice));
	} else {
		assert(strlen(once) > SDP_MAX);
	}
	free(once);
	free(twice);
	return 0;
}
