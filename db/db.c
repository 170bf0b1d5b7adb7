/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/db.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/row.h"
#include "db/seal.h"
#include "db/store.h"
#include "db/worker.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"

enum { PATH_CAP = STORE_PATH_CAP };

struct db {
	char path[PATH_CAP];
	char boot_id[RAND_UUID_CAP], machine_boot[RAND_UUID_CAP];
	char node_id[DB_NODE_CAP];
	int lock;
	struct seal *seal;
	sqlite3 *reader;
	struct worker *worker;
	void (*replaced)(void *arg); /* NULL: nobody is told */
	void *replaced_arg;
};

static void make_directory(const char *path)
{
	char dir[PATH_CAP];
	const char *slash = strrchr(path, '/');

	if (slash && slash != path &&
	    !text_copy(dir, sizeof(dir),
		       (struct slice){ path, (size_t)(slash - path) }))
		mkdir(dir, 0700);
}

/* *@out: the lock's file. 0 or -errno. */
static int open_lock(int *out, const char *path, int flags)
{
	char name[PATH_CAP + 8];

	snprintf(name, sizeof(name), "%s.lock", path);
	*out = open(name, flags | O_RDWR | O_CLOEXEC, 0600);
	return *out < 0 ? -errno : 0;
}

/*
 * The lock is the kernel's: it goes with the process, however that ends.
 * 0, DB_E_LOCKED, or -errno.
 */
static int take_lock(struct db *db)
{
	int r = open_lock(&db->lock, db->path, O_CREAT);

	if (r)
		return r;
	if (!flock(db->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	log_error("db=locked path=%s: another process uses it", db->path);
	return DB_E_LOCKED;
}

bool db_is_in_use(const char *path)
{
	int fd;

	if (open_lock(&fd, path, 0))
		return false;
	bool taken = flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return taken;
}

static void on_replaced(sqlite3 *reader, void *arg)
{
	struct db *db = arg;

	store_leave(db->reader);
	db->reader = reader;
	if (db->replaced)
		db->replaced(db->replaced_arg);
}

static int start(struct db *db, struct event_base *base)
{
	char key[PATH_CAP + 8];
	sqlite3 *writer = NULL;

	make_directory(db->path);
	snprintf(key, sizeof(key), "%s.key", db->path);
	int r = take_lock(db);
	if (!r)
		r = seal_open(&db->seal, key);
	if (!r)
		r = store_open(&db->reader, db->path);
	if (!r)
		r = store_connect(&writer, db->path);
	if (!r)
		r = worker_start(&db->worker, &(struct worker_config){
						      .sqlite = writer,
						      .path = db->path,
						      .base = base,
						      .replaced = on_replaced,
						      .arg = db });
	return r;
}

static void read_machine_boot(char out[static RAND_UUID_CAP])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, RAND_UUID_CAP - 1);

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

int db_open(struct db **out, const struct db_config *config,
	    struct event_base *base)
{
	AUTO(db_closep) struct db *db = calloc(1, sizeof(*db));

	if (!db)
		return -ENOMEM;
	db->lock = -1;
	rand_uuid(db->boot_id);
	read_machine_boot(db->machine_boot);
	if (gethostname(db->node_id, sizeof(db->node_id) - 1))
		db->node_id[0] = '\0';
	int r = text_set(db->path, sizeof(db->path), config->path);
	if (!r)
		r = start(db, base);
	if (r) {
		if (r < 0)
			log_error("db=open path=%s error=\"%s\"", config->path,
				  strerror(-r));
		return r;
	}
	*out = db;
	db = NULL;
	return 0;
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	db->worker = worker_stop(db->worker);
	store_close(db->reader);
	db->seal = seal_free(db->seal);
	if (db->lock >= 0)
		close(db->lock);
	free(db);
	return NULL;
}

void db_on_replaced(struct db *db, void (*fn)(void *arg), void *arg)
{
	db->replaced = fn;
	db->replaced_arg = arg;
}

void db_put_again(struct db *db, bool on)
{
	worker_bundle(db->worker, on);
}

bool db_may_put_again(const struct db *db)
{
	return db_stats(db).again < DB_AGAIN_MAX &&
	       db_has_room(db, DB_QUEUE_MAX / 2);
}

void db_forget(struct db *db, const void *arg)
{
	worker_forget(db->worker, arg);
}

const char *db_path(const struct db *db)
{
	return db->path;
}

const char *db_boot_id(const struct db *db)
{
	return db->boot_id;
}

const char *db_machine_boot(const struct db *db)
{
	return db->machine_boot;
}

const char *db_node_id(const struct db *db)
{
	return db->node_id;
}

struct db_stats db_stats(const struct db *db)
{
	struct db_stats stats;

	worker_stats(db->worker, &stats);
	return stats;
}

bool db_has_room(const struct db *db, size_t writes)
{
	return db_stats(db).waiting + writes <= DB_QUEUE_MAX;
}

#define DROP(table) "DELETE FROM " table " WHERE salvaged = 1"
enum { KNOWN_TABLES_MAX = 5 };
static const char *const drops[DB_NKNOWN][KNOWN_TABLES_MAX + 1] = {
	/* those of the run before are told of when the stream is up */
	[DB_KNOWN_CALLS] = { DROP("session") " AND boot_id = ?1" },
	[DB_KNOWN_ACCOUNTS] = { DROP("account"), DROP("number"),
				DROP("owner") },
	[DB_KNOWN_CONTACTS] = { DROP("contact") },
	[DB_KNOWN_SETTINGS] = { DROP("setting") },
	[DB_KNOWN_QUOTAS] = { DROP("quota") },
	[DB_KNOWN_USAGE] = { DROP("usage") },
	[DB_KNOWN_BLOCKS] = { DROP("block") },
	[DB_KNOWN_ROUTES] = { DROP("route") },
	[DB_KNOWN_TRUNKS] = { DROP("trunk") },
	[DB_KNOWN_TEXTS] = { DROP("outbox"), DROP("text"), DROP("seen"),
			     DROP("report"), DROP("again") },
};

int db_drop_salvaged(struct db *db, enum db_known known)
{
	const struct row_param boot = { .text = db->boot_id };

	return row_execute_all(db, drops[known], &boot, 1, NULL, NULL);
}

int db_read_error(struct db *db, int code)
{
	int r = db_error(code);

	if (r == -EBADMSG)
		worker_distrust(db->worker);
	return r;
}

sqlite3 *db_reader(struct db *db)
{
	return db->reader;
}

struct worker *db_worker(struct db *db)
{
	return db->worker;
}

const struct seal *db_seal(const struct db *db)
{
	return db->seal;
}
