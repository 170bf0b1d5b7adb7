/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/row.h"
#include "db/worker.h"

struct file_job {
	struct job job;
	enum db_file_how how;
	int result;   /* of the thread */
	bool written; /* a batch that failed for others is run again */
	size_t n;
	char *path; /* behind the octets */
	char octets[];
};

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static int put(const struct file_job *file)
{
	int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW |
		    (file->how == DB_FILE_NEW ? O_CREAT | O_EXCL : O_APPEND);
	int fd = open(file->path, flags, S_IRUSR | S_IWUSR);

	if (fd < 0)
		return -errno;
	int r = write_all(fd, file->octets, file->n);
	if (close(fd) && !r)
		r = -errno;
	if (r)
		unlink(file->path);
	return r;
}

/* What becomes of the file is none of the transaction's. */
static int run_file(struct job *job, struct writer *writer)
{
	struct file_job *file = (struct file_job *)job;

	(void)writer;
	if (file->written)
		return SQLITE_OK;
	file->written = true;
	if (file->how != DB_FILE_DROP)
		file->result = put(file);
	else if (unlink(file->path) && errno != ENOENT)
		file->result = -errno;
	return SQLITE_OK;
}

static void finish_file(struct job *job, int result)
{
	const struct file_job *file = (const struct file_job *)job;

	if (job->done)
		job->done(result ? result : file->result, job->arg);
}

static void free_file(struct job *job)
{
	free(job);
}

int db_file_write(struct db *db, const char *path, enum db_file_how how,
		  struct slice octets, db_done_fn done, void *arg)
{
	size_t length = strlen(path) + 1;
	struct file_job *file = calloc(1, sizeof(*file) + octets.n + length);

	if (!file)
		return -ENOMEM;
	file->job = (struct job){ .run = run_file,
				  .finish = finish_file,
				  .free = free_file,
				  .done = done,
				  .arg = arg };
	file->how = how;
	file->n = octets.n;
	file->path = file->octets + octets.n;
	if (octets.n)
		memcpy(file->octets, octets.p, octets.n);
	memcpy(file->path, path, length);
	return worker_queue(db_worker(db), &file->job);
}
