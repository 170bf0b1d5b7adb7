/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The floors: forwarders that do nothing but forward (floor.h says how they
 * are spoken to). Plain RTP at both ends.
 */
#include <string.h>
#include <unistd.h>

#include "tests/bench/load/die.h"
#include "tests/bench/load/load.h"

enum { PATH_CAP = 512, LINE_CAP = 64 };

static void start_mode(struct load *load, const char *usual)
{
	char log[PATH_CAP];
	const char *const argv[] = { load->options.binary ? load->options.binary
							  : usual,
				     NULL };

	snprintf(log, sizeof(log), "%s/floor.log", load->options.dir);
	process_start(&load->process, argv, load->options.core, log, true);
}

static void start_epoll(struct load *load)
{
	start_mode(load, "build/tests/bench/floor_epoll");
}

static void start_batch(struct load *load)
{
	start_mode(load, "build/tests/bench/floor_batch");
}

static void stop(struct load *load)
{
	process_stop(&load->process);
}

static void read_line(int fd, char *line, size_t cap)
{
	size_t n = 0;

	while (n + 1 < cap && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
}

static void send_to(struct endpoint *endpoint, unsigned port)
{
	struct addr remote;

	if (addr_parse(&remote, slice_of("127.0.0.1"), (uint16_t)port))
		DIE("load: no address");
	endpoint_send_to(endpoint, &remote);
}

static void call_through(struct call *call)
{
	const struct process *process = &call->load->process;
	char line[LINE_CAP];
	unsigned a, b;

	int n = snprintf(line, sizeof(line), "%s %s\n",
			 addr_text(&call->ends[CALL_A].end.local).s,
			 addr_text(&call->ends[CALL_B].end.local).s);
	if (write(process->in, line, (size_t)n) != n)
		DIE("load: the floor has ended");
	read_line(process->out, line, sizeof(line));
	if (sscanf(line, "%u %u", &a, &b) != 2)
		DIE("load: the floor says '%s'", line);
	send_to(&call->ends[CALL_A], a);
	send_to(&call->ends[CALL_B], b);
	load_answered(call);
}

static void hang_up(struct call *call)
{
	(void)call; /* a floor forgets nothing */
}

const struct target_ops target_epoll = {
	.name = "floor-epoll",
	.start = start_epoll,
	.stop = stop,
	.call = call_through,
	.hang_up = hang_up,
};

const struct target_ops target_batch = {
	.name = "floor-batch",
	.start = start_batch,
	.stop = stop,
	.call = call_through,
	.hang_up = hang_up,
};
