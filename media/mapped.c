/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/mapped.h"

#include <string.h>

#include "gateway/base/rand.h"

void mapped_start(struct mapped *mapped, const struct addr *server,
		  uint64_t now_ms)
{
	mapped->server = *server;
	mapped->sent = 0;
	mapped->due_ms = now_ms;
}

void mapped_hurry(struct mapped *mapped, uint64_t now_ms)
{
	uint64_t soon_ms = mapped->asked_ms + MAPPED_HURRY_MS;

	if (!addr_is_set(&mapped->server) || mapped->sent)
		return;
	if (soon_ms < now_ms)
		soon_ms = now_ms;
	if (soon_ms < mapped->due_ms)
		mapped->due_ms = soon_ms;
}

static bool write_request(struct mapped *mapped, uint8_t *p, size_t cap,
			  size_t *n)
{
	struct stun_packet request = { .kind = STUN_REQUEST };

	if (!mapped->sent)
		rand_bytes(mapped->tid, sizeof(mapped->tid));
	memcpy(request.tid, mapped->tid, sizeof(request.tid));
	return !stun_encode(&request, SLICE_NONE, p, cap, n);
}

uint64_t mapped_tick(struct mapped *mapped, uint8_t *p, size_t cap, size_t *n,
		     uint64_t now_ms)
{
	*n = 0;
	if (!addr_is_set(&mapped->server))
		return UINT64_MAX;
	if (now_ms < mapped->due_ms)
		return mapped->due_ms;
	if (mapped->sent == MAPPED_RC) {
		mapped->sent = 0;
		mapped->due_ms = now_ms + MAPPED_INTERVAL_MS;
		return mapped->due_ms;
	}
	if (!mapped->sent)
		mapped->asked_ms = now_ms;
	if (!write_request(mapped, p, cap, n))
		*n = 0;
	mapped->due_ms = now_ms + ((uint64_t)MAPPED_RTO_MS << mapped->sent);
	mapped->sent++;
	return mapped->due_ms;
}

bool mapped_recv(struct mapped *mapped, const uint8_t *p, size_t n,
		 uint64_t now_ms)
{
	struct stun_packet answer;

	if (!mapped->sent || stun_decode(&answer, p, n, SLICE_NONE) ||
	    answer.kind != STUN_SUCCESS ||
	    memcmp(answer.tid, mapped->tid, sizeof(mapped->tid)) ||
	    !addr_is_set(&answer.mapped))
		return false;
	mapped->sent = 0;
	mapped->due_ms = now_ms + MAPPED_INTERVAL_MS;
	if (addr_is_set(&mapped->address) &&
	    addr_equal(&mapped->address, &answer.mapped))
		return false;
	mapped->address = answer.mapped;
	return true;
}
