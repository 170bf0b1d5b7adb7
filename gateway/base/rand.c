/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void rand_bytes(void *dst, size_t n)
{
	unsigned char *p = dst;

	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0)
			abort(); /* no secret may ever be predictable */
		p += got;
		n -= (size_t)got;
	}
}

uint32_t rand_u32(void)
{
	uint32_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

uint64_t rand_u64(void)
{
	uint64_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

void rand_uuid(char out[static RAND_UUID_CAP])
{
	uint8_t b[16];

	rand_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, RAND_UUID_CAP,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		 b[10], b[11], b[12], b[13], b[14], b[15]);
}

void rand_token(char *out, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789";
	enum { LETTERS = sizeof(alphabet) - 1, FAIR = 256 - 256 % LETTERS };
	size_t i = 0;

	while (i < n) {
		uint8_t b[32];

		rand_bytes(b, sizeof(b));
		for (size_t j = 0; j < sizeof(b) && i < n; j++) {
			if (b[j] < FAIR)
				out[i++] = alphabet[b[j] % LETTERS];
		}
	}
	out[n] = '\0';
}
