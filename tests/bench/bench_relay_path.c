/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The path of a packet through a worker, for tests/bench/instructions to count
 * what it takes: one call through two gateways, spoken in turn from both ends
 * and checked at the other. Each gateway so relays as many packets from RTP to
 * SRTP as back. Prints how many were relayed.
 *
 *     bench_relay_path [packets]
 */
#include <valgrind/callgrind.h>

#include "tests/unit/media/rig.h"

enum { PACKETS = 500, GATEWAYS = 2, ENDS = 2, WARM_UP = 20 };

int main(int argc, char **argv)
{
	int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : PACKETS;
	struct rig_call call;
	struct rig rig;

	if (n < 1)
		return 2;
	rig_open(&rig, "127.0.0.1", 1);
	rig_call_open(&call, &rig, NULL);
	RIG_UNTIL(&rig, rig_call_is_up(&call));
	rig_talk(&call.a, &call.b, WARM_UP);
	rig_talk(&call.b, &call.a, WARM_UP);

	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	rig_talk(&call.a, &call.b, n);
	rig_talk(&call.b, &call.a, n);
	CALLGRIND_DUMP_STATS;
	CALLGRIND_STOP_INSTRUMENTATION;

	printf("relayed=%d\n", n * GATEWAYS * ENDS);
	rig_call_close(&call);
	rig_close(&rig);
	return 0;
}
