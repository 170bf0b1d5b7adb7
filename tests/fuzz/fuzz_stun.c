/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Octets from anybody on the media port: what is read can be written, and reads
 * the same again.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_same(const struct stun_packet *a,
			const struct stun_packet *b)
{
	assert(a->kind == b->kind);
	assert(!memcmp(a->tid, b->tid, sizeof(a->tid)));
	assert(a->has_priority == b->has_priority);
	assert(a->priority == b->priority);
	assert(a->use_candidate == b->use_candidate);
	assert(a->role == b->role && a->tie_breaker == b->tie_breaker);
	assert(addr_equal(&a->mapped, &b->mapped));
	assert(a->error == b->error);
}

/* libre's username is a string: one with a NUL in it is written shorter. */
static bool is_text(struct slice s)
{
	return s.n && !memchr(s.p, '\0', s.n);
}

static void write_and_read(const struct stun_packet *packet)
{
	struct slice key = slice_of("a key");
	uint8_t p[STUN_PACKET_MAX];
	struct stun_packet again;
	size_t n;

	if (stun_encode(packet, key, p, sizeof(p), &n))
		return;
	assert(n <= sizeof(p));
	assert(stun_decode(&again, p, n, slice_of("another key")));
	assert(!stun_decode(&again, p, n, key));
	expect_same(packet, &again);
	if (is_text(packet->username)) {
		assert(again.username.n == packet->username.n);
		assert(!memcmp(again.username.p, packet->username.p,
			       again.username.n));
	}
	p[n / 2] ^= 1;
	assert(stun_decode(&again, p, n, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stun_packet packet;
	struct stun_head head;
	/* RFC 5769's, so that its vectors are seeds that verify. */
	struct slice key = slice_of("VOkJxbRl1RmTxUk/WvJxBt");
	int sorted = stun_head(&head, data, size);
	struct slice username = stun_username(data, size);
	int r = stun_decode(&packet, data, size, SLICE_NONE);

	assert(!username.n || !sorted);
	assert(r || !sorted);
	if (stun_decode(&packet, data, size, key) == 0)
		assert(!r);
	if (!r && !stun_decode(&packet, data, size, SLICE_NONE))
		write_and_read(&packet);
	return 0;
}
