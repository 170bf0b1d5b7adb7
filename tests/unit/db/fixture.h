/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A database in a directory of its own, and a loop that runs until something
 * has been heard.
 */
#pragma once

#include <event2/event.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/db.h"
#include "gateway/base/clock.h"
#include "tests/test.h"

enum { FIXTURE_WAIT_MS = 30000 };

struct fixture {
	char dir[64], path[128];
	struct event_base *base;
	struct db *db;
	unsigned heard;
	int last;
};

static inline void fixture_open(struct fixture *f)
{
	const struct db_config config = { .path = f->path };

	assert_int_equal(db_open(&f->db, &config, f->base), 0);
}

static inline void fixture_reopen(struct fixture *f)
{
	f->db = db_close(f->db);
	fixture_open(f);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/tandem-db-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir);
	f->base = event_base_new();
	assert_non_null(f->base);
	fixture_open(f);
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	char command[160];

	db_close(f->db);
	event_base_free(f->base);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static inline void fixture_done(int result, void *arg)
{
	struct fixture *f = arg;

	f->heard++;
	f->last = result;
}

/* Run the loop until @n completions were heard. */
static inline void fixture_wait(struct fixture *f, unsigned n)
{
	uint64_t until = clock_ms() + FIXTURE_WAIT_MS;
	const struct timeval tick = { 0, 10000 };

	while (f->heard < n) {
		assert_true(clock_ms() < until);
		assert_int_equal(event_base_loopexit(f->base, &tick), 0);
		event_base_dispatch(f->base);
	}
}

/* Of the directory, by a pattern. */
static inline size_t fixture_count_files(const struct fixture *f,
					 const char *pattern)
{
	char path[192];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s", f->dir, pattern);
	size_t n = glob(path, 0, NULL, &found) ? 0 : found.gl_pathc;
	if (n)
		globfree(&found);
	return n;
}
