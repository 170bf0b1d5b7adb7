/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/base/slice.h"
#include "media/worker.h"
#include "tests/test.h"

/* The filter of the shared sockets does nothing for those of one call. */
static void strangers_are_those_at_the_shared_sockets(void **state)
{
	static struct worker worker;
	static struct packet packets[3];
	const struct source shared = { .kind = SOURCE_SHARED },
			    own = { .kind = SOURCE_OWN };

	(void)state;
	tuple_table_init(&worker.tuples);
	for (size_t i = 0; i < 3; i++) {
		packets[i].source = i ? &own : &shared;
		packets[i].p[0] = 0x80;
		packets[i].n = 172;
		for (int end = 0; end < 2; end++)
			assert_int_equal(addr_parse(end ? &packets[i].local
							: &packets[i].remote,
						    slice_of("192.0.2.1"),
						    1000),
					 0);
	}
	assert_int_equal(demux_packets(&worker, packets, 3), 3);
	assert_int_equal(worker.strangers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_those_at_the_shared_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
