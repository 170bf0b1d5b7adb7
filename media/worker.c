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
	NICE = -11, /* without the right to more */
};

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
		worker_turn(worker);
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

uint64_t worker_late(const struct worker *worker)
{
	return atomic_load_explicit(&worker->late_packets,
				    memory_order_relaxed);
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
	if (!r && worker->listening)
		defence_begin(worker);
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
