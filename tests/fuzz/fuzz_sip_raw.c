/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A stranger's datagram: what is answered is shorter than it and one message.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sip/raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *reply = malloc(size + 1);
	struct sip_raw raw;
	struct addr source;

	assert(reply && !addr_parse(&source, slice_of("2001:db8::1"), 5060));
	if (!sip_raw_parse(&raw, (struct slice){ (const char *)data, size }) &&
	    !sip_raw_refuse(reply, size, &raw, &source)) {
		size_t n = strlen(reply);

		assert(n < size && n > 4);
		assert(!strncmp(reply, "SIP/2.0 403 ", 12));
	}
	free(reply);
	return 0;
}
