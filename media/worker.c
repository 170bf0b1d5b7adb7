/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/worker.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "media/lock.h"

enum {
	EVENTS = 256, /* sockets looked at in one turn */
	/* What one socket may give in a turn: so often so many packets. Most
	 * calls' sockets have one; asking for two tells that it was all. */
	SHARED_ROUNDS = 4,
	SHARED_RECV = 64,
	OTHER_ROUNDS = 4,
	OTHER_RECV = 2,
	NICE = -11, /* without the right to more */
};

static int compare_due(const struct circuit *a, const struct circuit *b)
{
	if (a->due_ms != b->due_ms)
		return a->due_ms < b->due_ms ? -1 : 1;
	return (uintptr_t)a < (uintptr_t)b ? -1 : a != b;
}

static int compare_name(const struct flow_name *a, const struct flow_name *b)
{
	return strcmp(a->ufrag, b->ufrag);
}

static int compare_tag(const struct flow *a, const struct flow *b)
{
	return a->ice.tag < b->ice.tag ? -1 : a->ice.tag > b->ice.tag;
}

TREE_GENERATE(worker_timers, circuit, timer, compare_due)
TREE_GENERATE(worker_names, flow_name, entry, compare_name)
TREE_GENERATE(worker_tags, flow, ice.tag_entry, compare_tag)

/* Sockets */

/*
 * Sockets of one call are told of once for what they have (EPOLLET), which is
 * then read to its end: the kernel need not look again whether it was.
 */
static int control(struct worker *worker, int what, struct source *source)
{
	bool many =
		source->kind == SOURCE_WAKE || source->kind == SOURCE_SHARED;
	struct epoll_event event = { .events = EPOLLIN | (many ? 0 : EPOLLET),
				     .data.ptr = source };

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

/* Names and tags */

void worker_name(struct worker *worker, struct flow_name *name,
		 struct flow *flow, const char *ufrag)
{
	memset(name, 0, sizeof(*name));
	memcpy(name->ufrag, ufrag, strnlen(ufrag, ICE_UFRAG_LEN));
	if (!RB_INSERT(worker_names, &worker->names, name))
		name->flow = flow;
}

void worker_unname(struct worker *worker, struct flow_name *name)
{
	if (name->flow)
		RB_REMOVE(worker_names, &worker->names, name);
	name->flow = NULL;
}

struct flow *worker_find_name(struct worker *worker, struct slice ufrag)
{
	struct flow_name key;

	if (ufrag.n != ICE_UFRAG_LEN)
		return NULL;
	memcpy(key.ufrag, ufrag.p, ICE_UFRAG_LEN);
	key.ufrag[ICE_UFRAG_LEN] = '\0';
	struct flow_name *name = RB_FIND(worker_names, &worker->names, &key);
	return name ? name->flow : NULL;
}

uint32_t worker_new_tag(struct worker *worker)
{
	if (!++worker->next_tag) /* zero is no tag: media/ice.h */
		worker->next_tag = 1;
	return worker->next_tag;
}

void worker_tag(struct worker *worker, struct flow *flow)
{
	flow->ice.tag = ice_tag(flow->ice.ice);
	flow->ice.tagged = !RB_INSERT(worker_tags, &worker->tags, flow);
}

void worker_untag(struct worker *worker, struct flow *flow)
{
	if (flow->ice.tagged)
		RB_REMOVE(worker_tags, &worker->tags, flow);
	flow->ice.tagged = false;
}

struct flow *worker_find_tag(struct worker *worker, uint32_t tag)
{
	/* Only the tag of the key is looked at. */
	struct flow *at = RB_ROOT(&worker->tags);

	while (at && at->ice.tag != tag)
		at = tag < at->ice.tag ? RB_LEFT(at, ice.tag_entry)
				       : RB_RIGHT(at, ice.tag_entry);
	return at;
}

/* Timers */

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

/* The loop */

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

/* Whether all was read. */
static bool read_rounds(struct worker *worker, const struct source *source,
			int rounds, size_t max)
{
	for (int round = 0; round < rounds; round++) {
		if (batch_room(worker->batch) < max)
			work(worker);
		if (batch_recv(worker->batch, source, max) < max)
			return true;
	}
	worker->behind = true;
	return false;
}

static void on_readable(struct worker *worker, struct source *source)
{
	if (source->kind == SOURCE_WAKE)
		return;
	if (source->kind == SOURCE_SHARED)
		(void)read_rounds(worker, source, SHARED_ROUNDS, SHARED_RECV);
	else if (!read_rounds(worker, source, OTHER_ROUNDS, OTHER_RECV))
		(void)control(worker, EPOLL_CTL_MOD, source); /* tell again */
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

	if (worker->paced)
		return 0;
	if (!c)
		return -1;

	uint64_t now_ms = clock_ms();
	if (c->due_ms <= now_ms)
		return 0;
	return c->due_ms - now_ms > INT32_MAX ? INT32_MAX
					      : (int)(c->due_ms - now_ms);
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
	worker->received = worker->foreign = 0;
	set_paced(worker, pace_is_many(&worker->pace, worker->now_us));
}

/*
 * Commands come first: a packet that was sent after one finds it done. Only
 * circuits that leave wait until epoll's answer, which may point to its
 * sockets, is used up.
 */
static void turn(struct worker *worker)
{
	struct epoll_event events[EVENTS];

	rest(worker);
	int n = epoll_wait(worker->epoll, events, EVENTS, timeout_ms(worker));

	begin_turn(worker);
	if (is_woken(events, n))
		run_commands(worker);
	if (worker->paced)
		look_at_shared(worker);
	for (int i = 0; i < n; i++)
		on_readable(worker, events[i].data.ptr);
	work(worker);
	pace_turn(&worker->pace, worker->received, worker->foreign,
		  worker->behind || n == EVENTS);
	run_farewells(worker);
	tick_all(worker);
	batch_flush(worker->batch);
	atomic_store_explicit(&worker->lost, batch_lost(worker->batch),
			      memory_order_relaxed);
}

/*
 * A packet must not wait for other programs' work. The right to a real-time
 * priority (LimitRTPRIO, CAP_SYS_NICE) may be missing, or that to a better nice
 * value (LimitNICE): then we take our turn.
 */
static void go_first(const struct worker *worker)
{
	const struct sched_param param = {
		.sched_priority = (int)worker->config.priority,
	};
	const char *policy = "other";

	if (!worker->config.priority)
		return;
	if (!pthread_setschedparam(pthread_self(), SCHED_RR, &param))
		policy = "rr";
	else if (!setpriority(PRIO_PROCESS, (id_t)gettid(), NICE))
		policy = "nice";
	log_info("event=media-priority worker=%u policy=%s",
		 worker->config.index, policy);
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	pthread_setname_np(pthread_self(), "media");
	go_first(worker);
	while (!worker->stopping)
		turn(worker);
	return NULL;
}

/* From the main thread */

uint64_t worker_cpu_us(const struct worker *worker)
{
	struct timespec ts;
	clockid_t clock;

	if (pthread_getcpuclockid(worker->thread, &clock) ||
	    clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t worker_packets(const struct worker *worker)
{
	return atomic_load_explicit(&worker->packets, memory_order_relaxed);
}

uint64_t worker_lost(const struct worker *worker)
{
	return atomic_load_explicit(&worker->lost, memory_order_relaxed);
}

static bool has_work(const struct worker *worker)
{
	return !STAILQ_EMPTY(&worker->commands) ||
	       !STAILQ_EMPTY(&worker->leaving);
}

static void wake(struct worker *worker)
{
	uint64_t one = 1;

	while (write(worker->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void worker_ask(struct worker *worker)
{
	atomic_fetch_add(&worker->asked, 1);
	wake(worker);
}

bool worker_has_answered(const struct worker *worker)
{
	return atomic_load(&worker->answered) == atomic_load(&worker->asked);
}

void worker_release(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	bool held = worker->held;
	worker->held = false;
	pthread_mutex_unlock(&worker->lock);
	if (held)
		wake(worker);
}

void worker_send(struct worker *worker, struct command *command)
{
	pthread_mutex_lock(&worker->lock);
	bool awake = has_work(worker);
	STAILQ_INSERT_TAIL(&worker->commands, command, next);
	pthread_mutex_unlock(&worker->lock);
	if (!awake)
		wake(worker);
}

void worker_leave(struct worker *worker, struct circuit *circuit)
{
	pthread_mutex_lock(&worker->lock);
	bool awake = has_work(worker);
	STAILQ_INSERT_TAIL(&worker->leaving, circuit, leaving);
	pthread_mutex_unlock(&worker->lock);
	if (!awake)
		wake(worker);
}

static int open_sources(struct worker *worker)
{
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (worker->epoll < 0 || worker->wake < 0)
		return -errno;

	worker->wake_source =
		(struct source){ .kind = SOURCE_WAKE, .fd = worker->wake };
	int r = worker_watch(worker, &worker->wake_source);
	for (int i = 0; i < BATCH_NSOCKETS; i++) {
		worker->shared[i] = (struct source){
			.kind = SOURCE_SHARED,
			.fd = worker->config.sockets[i].fd,
			.which = i,
			.local.sa.sa_family =
				i == BATCH_V6 ? AF_INET6 : AF_INET,
		};
		if (addr_is_set(&worker->config.sockets[i].bound))
			worker->shared[i].local =
				worker->config.sockets[i].bound;
		addr_set_port(&worker->shared[i].local,
			      worker->config.sockets[i].port);
		if (!r && worker->listening)
			r = worker_watch(worker, &worker->shared[i]);
	}
	return r;
}

static void release(struct worker *worker)
{
	if (worker->epoll >= 0)
		close(worker->epoll);
	if (worker->wake >= 0)
		close(worker->wake);
	batch_free(worker->batch);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

/* Signals are the main thread's. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;

	sigfillset(&all);
	int r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r)
		return -r;
	r = pthread_create(&worker->thread, NULL, run, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int worker_new(struct worker **out, const struct worker_config *config)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->config = *config;
	worker->held = config->held;
	worker->listening = !config->held;
	worker->epoll = worker->wake = -1;
	STAILQ_INIT(&worker->commands);
	STAILQ_INIT(&worker->leaving);
	STAILQ_INIT(&worker->farewells);
	STAILQ_INIT(&worker->touched);
	RB_INIT(&worker->timers);
	RB_INIT(&worker->names);
	RB_INIT(&worker->tags);
	tuple_table_init(&worker->tuples);
	worker->next_tag = rand_u32();

	int r = lock_init(&worker->lock);
	if (!r)
		r = batch_new(&worker->batch, config->sockets);
	if (!r)
		r = open_sources(worker);
	if (!r)
		r = start_thread(worker);
	if (r) {
		release(worker);
		return r;
	}
	*out = worker;
	return 0;
}

struct worker *worker_free(struct worker *worker)
{
	struct command stop = { .verb = COMMAND_STOP };

	if (!worker)
		return NULL;
	worker_send(worker, &stop);
	worker_release(worker);
	pthread_join(worker->thread, NULL);
	release(worker);
	return NULL;
}
