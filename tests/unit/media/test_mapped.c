/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/mapped.h"

#include <string.h>

#include "media/stun.h"
#include "tests/test.h"

static struct addr at(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static struct mapped started(void)
{
	struct mapped mapped;
	struct addr server = at("192.0.2.3:3478");

	memset(&mapped, 0, sizeof(mapped));
	mapped_start(&mapped, &server, 1000);
	return mapped;
}

/* The server's answer to the request @p of @n octets. */
static bool answered(struct mapped *mapped, const uint8_t *p, size_t n,
		     const char *address, uint64_t now_ms)
{
	struct stun_packet answer = { .kind = STUN_SUCCESS,
				      .mapped = at(address) };
	struct stun_head head;
	uint8_t out[STUN_PACKET_MAX];
	size_t out_n;

	assert_int_equal(stun_head(&head, p, n), 0);
	assert_int_equal(head.kind, STUN_REQUEST);
	memcpy(answer.tid, head.tid, STUN_TID_LEN);
	assert_int_equal(
		stun_encode(&answer, SLICE_NONE, out, sizeof(out), &out_n), 0);
	return mapped_recv(mapped, out, out_n, now_ms);
}

static void without_a_server_nothing_is_asked(void **state)
{
	(void)state;
	struct mapped mapped;
	uint8_t p[STUN_PACKET_MAX];
	size_t n = 1;

	memset(&mapped, 0, sizeof(mapped));
	assert_true(mapped_tick(&mapped, p, sizeof(p), &n, 5) == UINT64_MAX);
	assert_int_equal(n, 0);
}

static void an_answer_tells_the_address_and_changes_are_told(void **state)
{
	(void)state;
	struct mapped mapped = started();
	struct addr first = at("203.0.113.7:10000");
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	(void)mapped_tick(&mapped, p, sizeof(p), &n, 1000);
	assert_true(n > 0);
	assert_true(answered(&mapped, p, n, "203.0.113.7:10000", 1010));
	assert_true(addr_equal(&mapped.address, &first));

	uint64_t due_ms = mapped_tick(&mapped, p, sizeof(p), &n, 1010);
	assert_int_equal(n, 0);
	assert_int_equal(due_ms, 1010 + MAPPED_INTERVAL_MS);
	(void)mapped_tick(&mapped, p, sizeof(p), &n, due_ms);
	assert_true(n > 0);
	assert_false(answered(&mapped, p, n, "203.0.113.7:10000", due_ms));
	due_ms = mapped_tick(&mapped, p, sizeof(p), &n, due_ms);
	(void)mapped_tick(&mapped, p, sizeof(p), &n, due_ms);
	assert_true(answered(&mapped, p, n, "203.0.113.7:10001", due_ms));
}

static void requests_repeat_slower_and_pause_when_unanswered(void **state)
{
	(void)state;
	struct mapped mapped = started();
	uint8_t p[STUN_PACKET_MAX], first[STUN_PACKET_MAX];
	uint64_t now_ms = 1000, waited_ms = MAPPED_RTO_MS;
	size_t n;

	for (int i = 0; i < MAPPED_RC; i++) {
		uint64_t due_ms =
			mapped_tick(&mapped, p, sizeof(p), &n, now_ms);

		assert_true(n > 0);
		assert_int_equal(due_ms - now_ms, waited_ms);
		if (!i)
			memcpy(first, p, sizeof(first));
		assert_memory_equal(first, p, 20); /* one transaction */
		waited_ms *= 2;
		now_ms = due_ms;
	}
	uint64_t due_ms = mapped_tick(&mapped, p, sizeof(p), &n, now_ms);
	assert_int_equal(n, 0);
	assert_int_equal(due_ms - now_ms, MAPPED_INTERVAL_MS);
}

static void a_forged_answer_changes_nothing(void **state)
{
	(void)state;
	struct mapped mapped = started();
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	(void)mapped_tick(&mapped, p, sizeof(p), &n, 1000);
	p[9] ^= 1; /* another transaction */
	/* FINGERPRINT covers it, and stun_encode writes a right one. */
	struct stun_packet answer = { .kind = STUN_SUCCESS,
				      .mapped = at("203.0.113.66:1") };
	memcpy(answer.tid, p + 8, STUN_TID_LEN);
	assert_int_equal(stun_encode(&answer, SLICE_NONE, p, sizeof(p), &n), 0);
	assert_false(mapped_recv(&mapped, p, n, 1010));
	assert_false(mapped_recv(&mapped, (const uint8_t *)"junk", 4, 1010));
	assert_false(addr_is_set(&mapped.address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_server_nothing_is_asked),
		cmocka_unit_test(
			an_answer_tells_the_address_and_changes_are_told),
		cmocka_unit_test(
			requests_repeat_slower_and_pause_when_unanswered),
		cmocka_unit_test(a_forged_answer_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
