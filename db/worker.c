/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/worker.h"

#include <event2/event.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "db/bundle.h"
#include "db/store.h"
#include "db/worker_int.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

const unsigned db_latency_bounds_us[DB_LATENCY_BOUNDS] = {
	1000,   2500,   5000,   10000,   25000,  50000,
	100000, 250000, 500000, 1000000, 5000000
};

/* Once a job, with the first result there is. */
static void call_back(struct job *job, int result)
{
	if (job->called)
		return;
	job->called = true;
	if (job->finish)
		job->finish(job, result);
	else if (job->done)
		job->done(result, job->arg);
}

static void call_told(struct job_list *told)
{
	struct job *job;

	while ((job = TAILQ_FIRST(told))) {
		TAILQ_REMOVE(told, job, told_entry);
		call_back(job, job->told_result);
	}
}

static void note_latency(struct worker *worker, uint64_t us)
{
	size_t i = 0;

	while (i < DB_LATENCY_BOUNDS && us > db_latency_bounds_us[i])
		i++;
	worker->latency_counts[i]++;
	worker->latency_sum_us += us;
}

static void call_finished(struct worker *worker, struct job_list *finished)
{
	uint64_t now_us = clock_us();
	struct job *job;

	while ((job = TAILQ_FIRST(finished))) {
		TAILQ_REMOVE(finished, job, entry);
		note_latency(worker, now_us - job->queued_us);
		call_back(job, job->result);
		TAILQ_REMOVE(&worker->all, job, all_entry);
		job->free(job);
	}
}

static void on_events(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct job_list told, finished;
	sqlite3 *reader;
	uint64_t count;

	(void)what;
	(void)!read(fd, &count, sizeof(count));
	TAILQ_INIT(&told);
	TAILQ_INIT(&finished);
	pthread_mutex_lock(&worker->lock);
	TAILQ_CONCAT(&told, &worker->told, told_entry);
	TAILQ_CONCAT(&finished, &worker->finished, entry);
	reader = worker->reader;
	worker->reader = NULL;
	pthread_mutex_unlock(&worker->lock);
	/* In this order: what was told may have finished since. */
	call_told(&told);
	call_finished(worker, &finished);
	if (reader)
		worker->replaced(reader, worker->arg);
}

/* Who waits for a commit of those learns that they are in memory only. Under
 * the lock. */
static void tell_failing(struct worker *worker, int failing)
{
	struct job *job;

	TAILQ_FOREACH(job, &worker->turn, entry) {
		job->told = true;
		job->told_result = failing;
		TAILQ_INSERT_TAIL(&worker->told, job, told_entry);
	}
}

/* The thread gets what belongs together at once: it would commit the first of
 * it while the second is not there yet. */
static void end_turn(struct worker *worker)
{
	struct job *last = TAILQ_LAST(&worker->turn, job_list);
	int failing = atomic_load(&worker->failing);

	if (!last)
		return;
	last->ends_turn = true;
	pthread_mutex_lock(&worker->lock);
	if (failing)
		tell_failing(worker, failing);
	TAILQ_CONCAT(&worker->queued, &worker->turn, entry);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	if (failing)
		worker_signal(worker);
}

static void on_end_of_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	end_turn(arg);
}

static void push(struct worker *worker, struct job *job)
{
	job->queued_us = clock_us();
	if (TAILQ_EMPTY(&worker->turn))
		event_active(worker->end_of_turn, EV_TIMEOUT, 0);
	TAILQ_INSERT_TAIL(&worker->turn, job, entry);
	TAILQ_INSERT_TAIL(&worker->all, job, all_entry);
	atomic_fetch_add(&worker->waiting, 1);
	atomic_fetch_add(&worker->again, job->again);
}

static void push_bundle(struct worker *worker)
{
	if (worker->bundle)
		push(worker, bundle_job(worker->bundle));
	worker->bundle = NULL;
}

static int bundle_up(struct worker *worker, struct job *job)
{
	if (!worker->bundle)
		worker->bundle = bundle_new();
	if (!worker->bundle) {
		job->free(job);
		return -ENOMEM;
	}
	if (bundle_add(worker->bundle, job) == BUNDLE_MAX)
		push_bundle(worker);
	return 0;
}

int worker_queue(struct worker *worker, struct job *job)
{
	if (worker->bundling && !job->done && !job->finish)
		return bundle_up(worker, job);
	if (atomic_load(&worker->waiting) >= DB_QUEUE_MAX) {
		job->free(job);
		return -ENOBUFS;
	}
	push(worker, job);
	return 0;
}

void worker_bundle(struct worker *worker, bool on)
{
	worker->bundling = on;
	push_bundle(worker);
}

void worker_distrust(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->distrusted = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

void worker_forget(struct worker *worker, const void *arg)
{
	struct job *job;

	TAILQ_FOREACH(job, &worker->all, all_entry) {
		if (job->arg == arg)
			job->called = true;
	}
}

void worker_stats(struct worker *worker, struct db_stats *out)
{
	out->written = atomic_load(&worker->written);
	out->transactions = atomic_load(&worker->transactions);
	out->errors = atomic_load(&worker->errors);
	out->waiting = atomic_load(&worker->waiting);
	out->again = atomic_load(&worker->again);
	memcpy(out->latency_counts, worker->latency_counts,
	       sizeof(out->latency_counts));
	out->latency_sum_us = worker->latency_sum_us;
}

static int start_thread(struct worker *worker)
{
	sigset_t all, before;

	/* Signals are the main loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&worker->thread, NULL, worker_run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!r)
		pthread_setname_np(worker->thread, "db");
	return -r;
}

static int watch(struct worker *worker, struct event_base *base)
{
	worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->fd < 0)
		return -errno;
	worker->event = event_new(base, worker->fd, EV_READ | EV_PERSIST,
				  on_events, worker);
	worker->end_of_turn = event_new(base, -1, 0, on_end_of_turn, worker);
	if (!worker->event || event_add(worker->event, NULL) ||
	    !worker->end_of_turn)
		return -ENOMEM;
	return 0;
}

static void free_worker(struct worker *worker)
{
	struct job *job;
	size_t lost = atomic_load(&worker->waiting);

	if (lost)
		log_error("db=lost jobs=%zu", lost);
	while ((job = TAILQ_FIRST(&worker->all))) {
		TAILQ_REMOVE(&worker->all, job, all_entry);
		job->free(job);
	}
	if (worker->event)
		event_free(worker->event);
	if (worker->end_of_turn)
		event_free(worker->end_of_turn);
	if (worker->fd >= 0)
		close(worker->fd);
	writer_free(worker->writer);
	store_close(worker->reader);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}

static void init_lock(struct worker *worker)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&worker->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&worker->lock, NULL);
}

int worker_start(struct worker **out, const struct worker_config *config)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct writer *writer = writer_new(config->sqlite);

	if (!worker || !writer) {
		writer_free(writer);
		free(worker);
		return -ENOMEM;
	}
	worker->writer = writer;
	worker->path = config->path;
	worker->replaced = config->replaced;
	worker->arg = config->arg;
	worker->fd = -1;
	init_lock(worker);
	TAILQ_INIT(&worker->queued);
	TAILQ_INIT(&worker->told);
	TAILQ_INIT(&worker->finished);
	TAILQ_INIT(&worker->batch);
	TAILQ_INIT(&worker->all);
	TAILQ_INIT(&worker->turn);
	int r = watch(worker, config->base);
	if (!r)
		r = start_thread(worker);
	if (r) {
		free_worker(worker);
		return r;
	}
	*out = worker;
	return 0;
}

struct worker *worker_stop(struct worker *worker)
{
	struct db_stats stats;

	if (!worker)
		return NULL;
	end_turn(worker);
	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	worker_stats(worker, &stats);
	log_info("db=closed written=%llu transactions=%llu errors=%llu",
		 (unsigned long long)stats.written,
		 (unsigned long long)stats.transactions,
		 (unsigned long long)stats.errors);
	free_worker(worker);
	return NULL;
}
