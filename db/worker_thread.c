/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The thread that writes; see db/worker_int.h. */
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "db/store.h"
#include "db/worker_int.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"

enum {
	/* Jobs in one transaction, and what belongs to the last of them. */
	BATCH_MAX = 1000,
};

void worker_signal(const struct worker *worker)
{
	uint64_t one = 1;

	/* Full means that it is readable anyway. */
	(void)!write(worker->fd, &one, sizeof(one));
}

static void hand_back(struct worker *worker)
{
	size_t n = 0, again = 0;
	struct job *job;

	TAILQ_FOREACH(job, &worker->batch, entry) {
		n++;
		again += job->again;
	}
	if (worker->pause_ms)
		log_info("db=writing jobs=%zu: what was kept in memory is on "
			 "the disk",
			 n);
	worker->pause_ms = 0;
	atomic_store(&worker->failing, 0);
	atomic_fetch_add(&worker->written, n);
	atomic_fetch_add(&worker->transactions, 1);
	pthread_mutex_lock(&worker->lock);
	TAILQ_CONCAT(&worker->finished, &worker->batch, entry);
	pthread_mutex_unlock(&worker->lock);
	atomic_fetch_sub(&worker->waiting, n);
	atomic_fetch_sub(&worker->again, again);
	worker_signal(worker);
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
	worker_signal(worker);
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
	bool between = true; /* two turns of the loop */
	size_t n = 0;

	pthread_mutex_lock(&worker->lock);
	if (worker->pause_ms) /* all that waits is told if it fails again */
		TAILQ_CONCAT(&worker->batch, &worker->queued, entry);
	while ((job = TAILQ_FIRST(&worker->queued)) &&
	       (n++ < BATCH_MAX || !between)) {
		between = job->ends_turn;
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
	worker_signal(worker);
}

/* The file is damaged: go on in another one. Whether there is one. */
static bool replace(struct worker *worker)
{
	uint64_t now_ms = clock_ms();
	sqlite3 *sqlite = NULL;

	if (worker->replaced_ms && now_ms < worker->replaced_ms + DB_REPLACE_MS)
		return false;
	worker->replaced_ms = now_ms;
	int r = store_replace(&sqlite, worker->path, true);
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

void *worker_run(void *arg)
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
