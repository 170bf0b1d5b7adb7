/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A stranger's datagram: what is answered is shorter than it and one message.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sip/raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refuse(const struct sip_raw *raw, size_t size)
{
	char *reply = malloc(size + 1);
	struct addr source;

	assert(reply && !addr_parse(&source, slice_of("2001:db8::1"), 5060));
	if (!sip_raw_refuse(reply, size, raw, &source)) {
		size_t n = strlen(reply);

		assert(n < size && n > 4);
		assert(!strncmp(reply, "SIP/2.0 403 ", 12));
	}
	free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_raw raw;

	if (sip_raw_parse(&raw, (struct slice){ (const char *)data, size }))
		return 0;
	assert(sip_raw_tag(raw.from).n < raw.from.n);
	assert(sip_raw_value(raw.call_id).n < raw.call_id.n);
	if (!raw.response)
		refuse(&raw, size);
	return 0;
}
