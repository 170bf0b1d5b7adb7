/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A turn of a worker's loop: what is readable is read, worked on and sent; what
 * is due is done. When a turn begins, media/pace.h says.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "gateway/base/cache.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "media/worker.h"

enum {
	EVENTS = 256, /* sockets looked at in one turn */
	/* What a shared socket may give in a turn: so often so many packets. */
	SHARED_ROUNDS = 4,
	SHARED_RECV = 64,
	/* Sockets of calls whose memory is asked for before they are read. */
	NEAR_SOURCES = 4,
	/* One of a call that has more than it should. */
	OWN_MANY = 16,
	/* Who did what was due so much later did not run in between, and takes
	 * so long at most to read what came meanwhile. */
	STALLED_MS = 100,
	CATCH_UP_MS = 500,
};

/* Sockets */

static int control(struct worker *worker, int what, struct source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	if (source->fd < 0)
		return 0;
	return epoll_ctl(worker->epoll, what, source->fd, &event) ? -errno : 0;
}

int worker_watch(struct worker *worker, struct source *source)
{
	return control(worker, EPOLL_CTL_ADD, source);
}

void worker_unwatch(struct worker *worker, struct source *source)
{
	if (source->fd >= 0)
		epoll_ctl(worker->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
}

/* Timers */

static int compare_due(const struct circuit *a, const struct circuit *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	return (uintptr_t)a < (uintptr_t)b ? -1 : a != b;
}

TREE_GENERATE(worker_timers, circuit, timer, compare_due)

void worker_disarm(struct worker *worker, struct circuit *circuit)
{
	if (circuit->armed)
		RB_REMOVE(worker_timers, &worker->timers, circuit);
	circuit->armed = false;
}

void worker_arm(struct worker *worker, struct circuit *circuit, uint64_t due_ms)
{
	if (circuit->armed && circuit->due_ms == due_ms)
		return;
	worker_disarm(worker, circuit);
	if (due_ms == UINT64_MAX)
		return;
	circuit->due_ms = due_ms;
	RB_INSERT(worker_timers, &worker->timers, circuit);
	circuit->armed = true;
}

static void tick(struct worker *worker, struct circuit *circuit)
{
	uint64_t next_ms = circuit_tick(circuit);

	/* What is overdue waits for the next turn, so that packets get one. */
	if (next_ms <= worker->now_ms)
		next_ms = worker->now_ms + 1;
	worker_arm(worker, circuit, next_ms);
}

/*
 * After a stall (SIGSTOP, a machine without time for us) deadlines have passed
 * while their packets wait in the sockets: those are read to their end before a
 * peer is judged. @unread: there are more than this turn has read. A flood must
 * not put the judgement off for ever.
 */
static bool catches_up(struct worker *worker, bool unread)
{
	const struct circuit *c = RB_MIN(worker_timers, &worker->timers);
	bool late = c && c->due_ms + STALLED_MS < worker->now_ms;

	if (!late || !unread) {
		worker->catch_up_ms = 0;
		return false;
	}
	if (!worker->catch_up_ms)
		worker->catch_up_ms = worker->now_ms + CATCH_UP_MS;
	return worker->now_ms < worker->catch_up_ms;
}

static void tick_all(struct worker *worker)
{
	struct circuit *c;

	while ((c = RB_MIN(worker_timers, &worker->timers)) &&
	       c->due_ms <= worker->now_ms)
		tick(worker, c);
	while ((c = STAILQ_FIRST(&worker->touched))) {
		STAILQ_REMOVE_HEAD(&worker->touched, touched);
		c->is_touched = false;
		tick(worker, c);
	}
}

/* Packets */

/* Work on what was received, and send what came of it. */
static void work(struct worker *worker)
{
	struct packet *packets;
	size_t n = batch_received(worker->batch, &packets);

	atomic_store_explicit(&worker->packets, worker_packets(worker) + n,
			      memory_order_relaxed);
	worker->foreign += demux_packets(worker, packets, n);
	worker->received += n;
	batch_flush(worker->batch);
}

static void read_shared(struct worker *worker, const struct source *source)
{
	for (int round = 0; round < SHARED_ROUNDS; round++) {
		if (batch_room(worker->batch) < SHARED_RECV)
			work(worker);
		if (batch_recv(worker->batch, source, SHARED_RECV) <
		    SHARED_RECV)
			return;
	}
	worker->behind = true;
}

/*
 * A call's socket has a packet in 20 ms: to look for a second one would cost
 * each of them. What it has besides, epoll tells in the next turn; and one that
 * had a packet in the turn before as well is looked at again, or what somebody
 * pours into it would stand before the call's own packets.
 */
static void read_own(struct worker *worker, struct source *source)
{
	bool many = worker->turn - source->turn <= 1;

	for (int round = 0; round < (many ? OWN_MANY : 1); round++) {
		if (!batch_room(worker->batch))
			work(worker);
		if (!batch_recv_one(worker->batch, source))
			return;
		source->turn = worker->turn;
	}
}

static void on_readable(struct worker *worker, struct source *source)
{
	if (source->kind == SOURCE_SHARED)
		read_shared(worker, source);
	else if (source->kind != SOURCE_WAKE)
		read_own(worker, source);
}

/*
 * A worker that waits between turns need not be told of the shared sockets: it
 * looks, and the kernel is spared waking it for each packet that comes, and
 * telling it for each packet sent that there is room. If they cannot be watched
 * again, it goes on looking.
 */
static void set_paced(struct worker *worker, bool paced)
{
	if (paced == worker->paced)
		return;
	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		int r = control(worker, paced ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
				&worker->shared[i]);
		if (r && r != -EEXIST && r != -ENOENT)
			return;
	}
	worker->paced = paced;
}

static void look_at_shared(struct worker *worker)
{
	for (int i = 0; i < BATCH_NSOCKETS; i++)
		if (worker->shared[i].fd >= 0)
			on_readable(worker, &worker->shared[i]);
}

/* A call's socket is as cold as the call is: see media/demux.c. */
static void look_at(struct worker *worker, const struct epoll_event *events,
		    int n)
{
	for (int i = 0; i < n; i++) {
		if (i + NEAR_SOURCES < n)
			cache_near(events[i + NEAR_SOURCES].data.ptr,
				   sizeof(struct source));
		on_readable(worker, events[i].data.ptr);
	}
}

static void run_command(struct worker *worker, struct command *command)
{
	switch (command->verb) {
	case COMMAND_STOP:
		worker->stopping = true;
		return;
	case COMMAND_STUN:
		worker->stun = command->stun;
		break;
	default:
		command_run(command);
	}
	command_free(command);
}

/* Under one lock: nobody leaves before what it was sent. Whether there may be
 * any. */
static bool take_work(struct worker *worker, struct command_queue *commands)
{
	pthread_mutex_lock(&worker->lock);
	bool held = worker->held;
	if (!held) {
		STAILQ_CONCAT(commands, &worker->commands);
		STAILQ_CONCAT(&worker->farewells, &worker->leaving);
	}
	pthread_mutex_unlock(&worker->lock);
	return !held;
}

static void listen_shared(struct worker *worker)
{
	worker->listening = true;
	defence_begin(worker);
	for (int i = 0; i < BATCH_NSOCKETS; i++)
		if (worker_watch(worker, &worker->shared[i]))
			log_error("event=media-port worker=%u result=deaf",
				  worker->config.index);
}

static void run_commands(struct worker *worker)
{
	struct command_queue all = STAILQ_HEAD_INITIALIZER(all);
	struct circuit *circuit;
	struct command *c;
	uint64_t count;

	while (read(worker->wake, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	atomic_store(&worker->answered, atomic_load(&worker->asked));
	if (!take_work(worker, &all))
		return;
	while ((c = STAILQ_FIRST(&all))) {
		STAILQ_REMOVE_HEAD(&all, next);
		run_command(worker, c);
	}
	STAILQ_FOREACH(circuit, &worker->farewells, leaving)
		circuit_quit(circuit);
	if (!worker->listening)
		listen_shared(worker);
}

/* Afterwards the circuit may be gone. */
static void run_farewells(struct worker *worker)
{
	struct circuit *circuit;

	while ((circuit = STAILQ_FIRST(&worker->farewells))) {
		STAILQ_REMOVE_HEAD(&worker->farewells, leaving);
		circuit_close(circuit);
	}
}

static bool is_woken(const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		const struct source *source = events[i].data.ptr;
		if (source->kind == SOURCE_WAKE)
			return true;
	}
	return false;
}

static int timeout_ms(struct worker *worker)
{
	const struct circuit *c = RB_MIN(worker_timers, &worker->timers);
	uint64_t due_ms = defence_due_ms(worker);

	if (worker->paced)
		return 0;
	if (c && c->due_ms < due_ms)
		due_ms = c->due_ms;
	if (due_ms == UINT64_MAX)
		return -1;

	uint64_t now_ms = clock_ms();
	if (due_ms <= now_ms)
		return 0;
	return due_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(due_ms - now_ms);
}

/* media/pace.h says when. */
static void rest(struct worker *worker)
{
	uint64_t next_us =
		pace_next_us(&worker->pace, worker->now_us, clock_us());
	struct timespec until = {
		.tv_sec = (time_t)(next_us / 1000000),
		.tv_nsec = (long)(next_us % 1000000 * 1000),
	};

	if (next_us)
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,
				      NULL);
}

static void begin_turn(struct worker *worker)
{
	worker->now_us = clock_us();
	worker->now_ms = worker->now_us / 1000;
	worker->behind = false;
	worker->received = worker->foreign = worker->strangers = 0;
	worker->turn++;
	worker->late = pace_is_late(&worker->pace, worker->now_us);
	set_paced(worker, pace_is_many(&worker->pace, worker->now_us));
}

/*
 * Commands come first: a packet that was sent after one finds it done. Only
 * circuits that leave wait until epoll's answer, which may point to its
 * sockets, is used up.
 */
void worker_turn(struct worker *worker)
{
	struct epoll_event events[EVENTS];
	bool unread;

	rest(worker);
	int n = epoll_wait(worker->epoll, events, EVENTS, timeout_ms(worker));

	begin_turn(worker);
	if (is_woken(events, n))
		run_commands(worker);
	if (worker->paced)
		look_at_shared(worker);
	look_at(worker, events, n);
	work(worker);
	unread = worker->behind || n == EVENTS;
	pace_turn(&worker->pace, worker->received, worker->foreign, unread);
	defence_turn(worker, worker->strangers);
	run_farewells(worker);
	if (!catches_up(worker, unread))
		tick_all(worker);
	batch_flush(worker->batch);
	atomic_store_explicit(&worker->lost, batch_lost(worker->batch),
			      memory_order_relaxed);
}
