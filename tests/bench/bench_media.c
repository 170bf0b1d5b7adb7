/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a packet costs a media worker: calls between two gateways in one
 * process, spoken to from both ends at 50 packets a second each. Tells CPU
 * time of each worker a packet, the share of a core, and what was lost.
 *
 *     bench_media [calls] [seconds]
 */
#include <time.h>

#include "media/media.h"
#include "tests/unit/media/rig.h"

enum { PACKET_MS = 20, MAX_CALLS = 2000 };

static double cpu_us(const struct media *media)
{
	double us = 0;

	for (unsigned i = 0; i < media->nworkers; i++) {
		struct timespec ts;
		clockid_t id;

		assert_int_equal(pthread_getcpuclockid(
					 media->workers[i].worker->thread, &id),
				 0);
		assert_int_equal(clock_gettime(id, &ts), 0);
		us += (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
	}
	return us;
}

static unsigned drain(struct rig_phone *phone)
{
	uint8_t p[2048];
	unsigned n = 0;

	while (recv(phone->fd, p, sizeof(p), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

struct result {
	uint64_t sent, heard;
};

static void speak_all(struct rig_call *calls, int n, struct result *result)
{
	for (int i = 0; i < n; i++) {
		rig_speak(&calls[i].a);
		rig_speak(&calls[i].b);
		result->sent += 2;
		result->heard += drain(&calls[i].a) + drain(&calls[i].b);
	}
}

/* Spread over the 20 ms, as real calls are. */
static void talk(struct rig *rig, struct rig_call *calls, int n, int seconds,
		 struct result *result)
{
	enum { SLICES = 10 };
	uint64_t due_us = clock_us();
	int slices = seconds * 1000 / PACKET_MS * SLICES;

	for (int s = 0; s < slices; s++) {
		int from = n * (s % SLICES) / SLICES;
		int to = n * (s % SLICES + 1) / SLICES;

		speak_all(calls + from, to - from, result);
		event_base_loop(rig->base, EVLOOP_NONBLOCK);
		due_us += PACKET_MS * 1000 / SLICES;
		uint64_t now_us = clock_us();
		if (now_us < due_us)
			usleep((useconds_t)(due_us - now_us));
	}
}

static void all_up(struct rig *rig, const struct rig_call *calls, int n)
{
	for (int i = 0; i < n; i++)
		RIG_UNTIL(rig, rig_call_is_up(&calls[i]));
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 200;
	int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 5;
	struct rig_call *calls = calloc(MAX_CALLS, sizeof(*calls));
	struct result result = { 0 };
	struct rig rig;

	if (n < 1 || n > MAX_CALLS || seconds < 1 || !calls)
		return 2;
	rig_open(&rig, "127.0.0.1", 1);
	for (int i = 0; i < n; i++)
		rig_call_open(&calls[i], &rig, NULL);
	all_up(&rig, calls, n);

	double before[2] = { cpu_us(rig.left), cpu_us(rig.right) };
	talk(&rig, calls, n, seconds, &result);
	double left = cpu_us(rig.left) - before[0];
	double right = cpu_us(rig.right) - before[1];
	rig_wait(&rig, 100);
	for (int i = 0; i < n; i++)
		result.heard += drain(&calls[i].a) + drain(&calls[i].b);

	/* Each packet passes both gateways. */
	printf("calls=%d packets=%llu lost=%llu left_us=%.2f right_us=%.2f "
	       "left_core=%.1f%% right_core=%.1f%%\n",
	       n, (unsigned long long)result.sent,
	       (unsigned long long)(result.sent - result.heard),
	       left / (double)result.sent, right / (double)result.sent,
	       left / seconds / 1e4, right / seconds / 1e4);
	for (int i = 0; i < n; i++)
		rig_call_close(&calls[i]);
	rig_close(&rig);
	free(calls);
	return 0;
}
