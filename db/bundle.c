/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/bundle.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

struct bundle {
	struct job job; /* first: it is got back */
	struct job_list jobs;
};

static int run(struct job *job, struct writer *writer)
{
	struct bundle *bundle = (struct bundle *)job;
	int error = SQLITE_OK;
	struct job *one;

	TAILQ_FOREACH(one, &bundle->jobs, entry) {
		error = writer_run(writer, one);
		if (error != SQLITE_OK)
			break;
	}
	return error;
}

static void free_bundle(struct job *job)
{
	struct bundle *bundle = (struct bundle *)job;
	struct job *one;

	while ((one = TAILQ_FIRST(&bundle->jobs))) {
		TAILQ_REMOVE(&bundle->jobs, one, entry);
		one->free(one);
	}
	free(bundle);
}

struct bundle *bundle_new(void)
{
	struct bundle *bundle = calloc(1, sizeof(*bundle));

	if (!bundle)
		return NULL;
	bundle->job.run = run;
	bundle->job.free = free_bundle;
	TAILQ_INIT(&bundle->jobs);
	return bundle;
}

size_t bundle_add(struct bundle *bundle, struct job *job)
{
	assert(!job->done && !job->finish && bundle->job.again < BUNDLE_MAX);
	TAILQ_INSERT_TAIL(&bundle->jobs, job, entry);
	bundle->job.durable |= job->durable;
	return ++bundle->job.again;
}

struct job *bundle_job(struct bundle *bundle)
{
	return &bundle->job;
}
