/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/slice.h"
#include "media/worker.h"
#include "tests/test.h"

enum { PACKETS = 3, AUDIO_LEN = 172 };

static const struct source shared = { .kind = SOURCE_SHARED },
			   own = { .kind = SOURCE_OWN };

/* One of audio at the shared sockets, all others at a call's. */
static void receive(struct packet packets[PACKETS])
{
	for (size_t i = 0; i < PACKETS; i++) {
		packets[i].source = i ? &own : &shared;
		packets[i].p[0] = 0x80;
		packets[i].n = AUDIO_LEN;
		for (int end = 0; end < 2; end++)
			assert_int_equal(addr_parse(end ? &packets[i].local
							: &packets[i].remote,
						    slice_of("192.0.2.1"),
						    1000),
					 0);
	}
}

/* The filter of the shared sockets does nothing for those of one call. */
static void strangers_are_those_at_the_shared_sockets(void **state)
{
	static struct worker worker;
	static struct packet packets[PACKETS];

	(void)state;
	tuple_table_init(&worker.tuples);
	receive(packets);
	assert_int_equal(demux_packets(&worker, packets, PACKETS), PACKETS);
	assert_int_equal(worker.strangers, 1);
}

/* Whose it was is estimated, in order to see a flood. */
static void a_late_worker_lets_media_go_and_nothing_else(void **state)
{
	enum { MANY = 27 * PACKETS };
	static struct worker worker;
	static struct packet packets[MANY];

	(void)state;
	tuple_table_init(&worker.tuples);
	for (size_t i = 0; i + PACKETS <= MANY; i += PACKETS)
		receive(packets + i);
	for (size_t i = 0; i < MANY; i++)
		packets[i].source = &shared;
	packets[MANY - 1].p[0] = 22; /* of DTLS */
	worker.late = true;
	assert_in_range(demux_packets(&worker, packets, MANY), MANY - 8,
			MANY + 8);
	assert_in_range(worker.strangers, MANY - 8, MANY + 8);
	assert_int_equal(worker_late(&worker), MANY - 1);
}

/* A phone's own port. */
static void what_a_late_worker_lets_go_of_calls_is_no_flood(void **state)
{
	static struct worker worker;
	static struct flow flow;
	static const struct source phone = { .kind = SOURCE_RTP,
					     .flow = &flow };
	static struct packet packets[PACKETS];

	(void)state;
	tuple_table_init(&worker.tuples);
	receive(packets);
	for (size_t i = 0; i < PACKETS; i++)
		packets[i].source = &phone;
	worker.late = true;
	assert_int_equal(demux_packets(&worker, packets, PACKETS), 0);
	assert_int_equal(worker.strangers, 0);
	assert_int_equal(worker_late(&worker), PACKETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_those_at_the_shared_sockets),
		cmocka_unit_test(a_late_worker_lets_media_go_and_nothing_else),
		cmocka_unit_test(
			what_a_late_worker_lets_go_of_calls_is_no_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
