/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who touches what: the queues under `lock` are shared; the batch and the
 * writer belong to the thread; `all` and the call-backs of a job belong to the
 * main thread.
 *
 *   main --worker_queue()--> queued --> [batch: one transaction] --> finished
 *     ^                                        | it failed             |
 *     +-- told (the first failure only) <------+                       |
 *     +-- on_events() <------------------- eventfd --------------------+
 *
 * When the file is damaged the thread makes another one, and hands the main
 * thread a connection to it by the same way.
 */
#include "db/worker.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "db/store.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

enum {
	BATCH_MAX = 1000, /* jobs in one transaction */
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job_list queued, told, finished; /* under lock */
	bool stopping;                          /* under lock */
	bool distrusted;                        /* under lock */
	sqlite3 *reader; /* of a new file, not handed over yet; under lock */
	_Atomic size_t waiting;
	_Atomic uint64_t written, transactions, errors;
	_Atomic int failing; /* why the last attempt failed; 0: it did not */

	const char *path;
	struct writer *writer; /* the thread's */
	uint64_t replaced_ms;  /* the thread's; 0: never */
	bool reads_old;        /* the main thread, after that; the thread's */
	struct job_list batch; /* the thread's */
	unsigned pause_ms;     /* 0: the last attempt was well */
	uint64_t give_up_ms;   /* when stopping */

	struct job_list all; /* the main thread's, with what follows */
	uint64_t latency_counts[DB_LATENCY_BOUNDS + 1], latency_sum_us;
	void (*replaced)(sqlite3 *reader, void *arg);
	void *arg;
	struct event *event;
	int fd;
};

const unsigned db_latency_bounds_us[DB_LATENCY_BOUNDS] = {
	1000,   2500,   5000,   10000,   25000,  50000,
	100000, 250000, 500000, 1000000, 5000000
};

static void signal_main(struct worker *worker)
{
	uint64_t one = 1;

	/* Full means that it is readable anyway. */
	(void)!write(worker->fd, &one, sizeof(one));
}

static void hand_back(struct worker *worker)
{
	size_t n = 0;
	struct job *job;

	TAILQ_FOREACH(job, &worker->batch, entry)
		n++;
	if (worker->pause_ms)
		log_info("db=writing jobs=%zu", n);
	worker->pause_ms = 0;
	atomic_store(&worker->failing, 0);
	atomic_fetch_add(&worker->written, n);
	atomic_fetch_add(&worker->transactions, 1);
	pthread_mutex_lock(&worker->lock);
	TAILQ_CONCAT(&worker->finished, &worker->batch, entry);
	pthread_mutex_unlock(&worker->lock);
	atomic_fetch_sub(&worker->waiting, n);
	signal_main(worker);
}

/* Calls go on: who waits for a commit learns that it is in memory only. */
static void tell_failure(struct worker *worker, int result)
{
	struct job *job;

	pthread_mutex_lock(&worker->lock);
	TAILQ_FOREACH(job, &worker->batch, entry) {
		if (job->told)
			continue;
		job->told = true;
		job->told_result = result;
		TAILQ_INSERT_TAIL(&worker->told, job, told_entry);
	}
	pthread_mutex_unlock(&worker->lock);
	signal_main(worker);
}

static void on_failure(struct worker *worker, int code)
{
	atomic_fetch_add(&worker->errors, 1);
	atomic_store(&worker->failing, db_error(code));
	if (!worker->pause_ms)
		log_error("db=failing error=\"%s\" (%s): kept in memory and "
			  "tried again",
			  sqlite3_errstr(code), writer_error(worker->writer));
	worker->pause_ms =
		worker->pause_ms ? worker->pause_ms * 2 : DB_RETRY_MIN_MS;
	if (worker->pause_ms > DB_RETRY_MAX_MS)
		worker->pause_ms = DB_RETRY_MAX_MS;
	tell_failure(worker, db_error(code));
}

/* Wait for work, or out the pause after a failure. False: stop. */
static bool await_work(struct worker *worker)
{
	struct timespec until;
	bool waiting = true;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(worker->pause_ms % 1000) * 1000000;
	until.tv_sec +=
		(time_t)(worker->pause_ms / 1000) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&worker->lock);
	while (waiting && !worker->stopping && !worker->distrusted) {
		if (worker->pause_ms)
			waiting = pthread_cond_timedwait(&worker->wake,
							 &worker->lock,
							 &until) != ETIMEDOUT;
		else if (TAILQ_EMPTY(&worker->queued))
			pthread_cond_wait(&worker->wake, &worker->lock);
		else
			waiting = false;
	}
	bool more = worker->distrusted || !TAILQ_EMPTY(&worker->queued) ||
		    !TAILQ_EMPTY(&worker->batch);
	bool stopping = worker->stopping;
	pthread_mutex_unlock(&worker->lock);

	if (stopping && !worker->give_up_ms)
		worker->give_up_ms = clock_ms() + DB_CLOSE_MS;
	else if (stopping && worker->pause_ms)
		usleep(DB_RETRY_MIN_MS * 1000);
	return more && !(stopping && worker->pause_ms &&
			 clock_ms() >= worker->give_up_ms);
}

/* A batch that failed is tried again, with all that came since. */
static void fill_batch(struct worker *worker)
{
	struct job *job;
	size_t n = 0;

	pthread_mutex_lock(&worker->lock);
	if (worker->pause_ms) /* all that waits is told if it fails again */
		TAILQ_CONCAT(&worker->batch, &worker->queued, entry);
	while (n++ < BATCH_MAX && (job = TAILQ_FIRST(&worker->queued))) {
		TAILQ_REMOVE(&worker->queued, job, entry);
		TAILQ_INSERT_TAIL(&worker->batch, job, entry);
	}
	pthread_mutex_unlock(&worker->lock);
}

static bool is_distrusted(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	bool distrusted = worker->distrusted;
	worker->distrusted = false;
	pthread_mutex_unlock(&worker->lock);
	return distrusted;
}

/* The main thread reads from the new file as well from now on. */
static void hand_over(struct worker *worker)
{
	sqlite3 *reader = NULL;
	int r = store_connect(&reader, worker->path);

	worker->reads_old = r != 0;
	if (r) {
		log_error("db=reading r=%d (%s): what is asked for is of the "
			  "file before",
			  r, strerror(-r));
		return;
	}
	pthread_mutex_lock(&worker->lock);
	store_leave(worker->reader);
	worker->reader = reader;
	pthread_mutex_unlock(&worker->lock);
	signal_main(worker);
}

/* The file is damaged: go on in another one. Whether there is one. */
static bool replace(struct worker *worker)
{
	uint64_t now_ms = clock_ms();
	sqlite3 *sqlite = NULL;

	if (worker->replaced_ms && now_ms < worker->replaced_ms + DB_REPLACE_MS)
		return false;
	worker->replaced_ms = now_ms;
	int r = store_replace(&sqlite, worker->path);
	if (r) {
		log_error("db=corrupt r=%d (%s): no other could be made", r,
			  strerror(-r));
		return false;
	}
	writer_use(worker->writer, sqlite);
	hand_over(worker);
	return true;
}

/* What was read is damaged, which may still be of the file before. */
static void mend(struct worker *worker)
{
	if (worker->reads_old)
		hand_over(worker);
	else
		replace(worker);
}

static int commit(struct worker *worker)
{
	if (is_distrusted(worker))
		mend(worker);
	fill_batch(worker);
	int error = writer_commit(worker->writer, &worker->batch);

	if (db_error(error) == -EBADMSG && replace(worker))
		error = writer_commit(worker->writer, &worker->batch);
	return error;
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;

	while (await_work(worker)) {
		int error = commit(worker);

		/* Who is only asked to look at the file has nothing to try
		 * again. */
		if (error == SQLITE_OK)
			hand_back(worker);
		else if (!TAILQ_EMPTY(&worker->batch))
			on_failure(worker, error);
	}
	return NULL;
}

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

int worker_queue(struct worker *worker, struct job *job)
{
	if (atomic_load(&worker->waiting) >= DB_QUEUE_MAX) {
		job->free(job);
		return -ENOBUFS;
	}
	job->queued_us = clock_us();
	TAILQ_INSERT_TAIL(&worker->all, job, all_entry);
	atomic_fetch_add(&worker->waiting, 1);
	int failing = atomic_load(&worker->failing);
	pthread_mutex_lock(&worker->lock);
	if (failing) {
		job->told = true;
		job->told_result = failing;
		TAILQ_INSERT_TAIL(&worker->told, job, told_entry);
	}
	TAILQ_INSERT_TAIL(&worker->queued, job, entry);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	if (failing)
		signal_main(worker);
	return 0;
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
	int r = pthread_create(&worker->thread, NULL, run_worker, worker);
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
	if (!worker->event || event_add(worker->event, NULL))
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
