/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/cdr.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "gateway/base/text.h"

const char *cdr_direction_name(enum cdr_direction direction)
{
	static const char *const names[] = { [CDR_OUTBOUND] = "outbound",
					     [CDR_INBOUND] = "inbound",
					     [CDR_LOCAL] = "local" };

	return direction >= CDR_OUTBOUND && direction <= CDR_LOCAL
		       ? names[direction]
		       : "";
}

const char *cdr_end_name(enum cdr_end end)
{
	static const char *const names[] = { [CDR_END_GATEWAY] = "gateway",
					     [CDR_END_CALLER] = "caller",
					     [CDR_END_CALLEE] = "callee" };

	return end <= CDR_END_CALLEE ? names[end] : "";
}

#define COLUMN(type, name, field) ROW_COLUMN(type, name, cdr, field)
#define MEDIA_COLUMNS(side)                                                 \
	COLUMN(UINT, #side "_rx_packets", side##_media.rx_packets),         \
		COLUMN(UINT, #side "_rx_octets", side##_media.rx_octets),   \
		COLUMN(UINT, #side "_tx_packets", side##_media.tx_packets), \
		COLUMN(UINT, #side "_tx_octets", side##_media.tx_octets),   \
		COLUMN(UINT, #side "_lost", side##_media.lost),             \
		COLUMN(UINT, #side "_dropped", side##_media.dropped),       \
		COLUMN(UINT, #side "_jitter_us", side##_media.jitter_us),   \
		COLUMN(UINT, #side "_rtt_us", side##_media.rtt_us),         \
		COLUMN(UINT, #side "_ice_ms", side##_media.ice_ms),         \
		COLUMN(UINT, #side "_dtls_ms", side##_media.dtls_ms),       \
		COLUMN(TEXT, #side "_codec", side##_media.codec),           \
		COLUMN(TEXT, #side "_srtp", side##_media.srtp_profile)

static const struct row_column columns[] = {
	COLUMN(TEXT, "call", call),
	COLUMN(UINT, "direction", direction),
	COLUMN(TEXT, "caller", caller),
	COLUMN(TEXT, "callee", callee),
	COLUMN(TEXT, "account", account),
	COLUMN(TEXT, "trunk", trunk),
	COLUMN(INT, "started_ms", started_ms),
	COLUMN(INT, "ringing_ms", ringing_ms),
	COLUMN(INT, "answered_ms", answered_ms),
	COLUMN(INT, "ended_ms", ended_ms),
	COLUMN(TEXT, "cause", cause),
	COLUMN(UINT, "sip_status", sip_status),
	COLUMN(UINT, "q850", q850),
	COLUMN(UINT, "ended_by", ended_by),
	COLUMN(TEXT, "node_id", node_id),
	COLUMN(TEXT, "boot_id", boot_id),
	COLUMN(TEXT, "caller_name", caller_name),
	COLUMN(TEXT, "verstat", verstat),
	COLUMN(TEXT, "attestation", attestation),
	COLUMN(TEXT, "first_called", first_called),
	COLUMN(TEXT, "diversion", diversion),
	COLUMN(TEXT, "end_text", end_text),
	COLUMN(UINT, "push", push),
	MEDIA_COLUMNS(caller),
	MEDIA_COLUMNS(callee),
};

static struct row_text sql, first_sql;
static struct row_table table = {
	.columns = columns,
	.n = sizeof(columns) / sizeof(columns[0]),
	.size = sizeof(struct cdr),
	.then = "DELETE FROM session WHERE call = ?",
};
static struct row_table first_table = { .columns = columns,
					.n = sizeof(columns) /
					     sizeof(columns[0]),
					.size = sizeof(struct cdr),
					.first = true };

static const struct row_table *cdr_table(void)
{
	row_sql(&table, &sql, "cdr", "");
	return &table;
}

static int put(struct db *db, const struct row_table *into,
	       const struct cdr *cdr, db_done_fn done, void *arg)
{
	struct cdr mine = *cdr;

	mine.node_id = db_node_id(db);
	mine.boot_id = db_boot_id(db);
	return row_put(db, into, &mine, done, arg);
}

int cdr_put(struct db *db, const struct cdr *cdr, db_done_fn done, void *arg)
{
	return put(db, cdr_table(), cdr, done, arg);
}

int cdr_put_first(struct db *db, const struct cdr *cdr, db_done_fn done,
		  void *arg)
{
	row_sql(&first_table, &first_sql, "cdr", "");
	return put(db, &first_table, cdr, done, arg);
}

/* ---- finding ---- */

/* The parameters of every search, in this order. */
enum find_text {
	FIND_CALL,
	FIND_PARTY,
	FIND_ACCOUNT,
	FIND_TRUNK,
	FIND_CAUSE,
	NTEXTS
};
enum { PARAM_FAILED = NTEXTS + 1, PARAM_SINCE, PARAM_UNTIL, PARAM_LIMIT };

/*
 * SQLite uses no index for "nothing was asked, or it is equal": each way of
 * searching begins with the condition that selects most, and has a text of its
 * own.
 */
enum { WAY_TIME = NTEXTS, WAY_PUSH, NWAYS };
static const char *const ways[NWAYS] = {
	[FIND_CALL] = "call = ?1 AND ",
	[FIND_PARTY] = "(caller = ?2 OR callee = ?2) AND ",
	[FIND_ACCOUNT] = "account = ?3 AND ",
	[FIND_TRUNK] = "trunk = ?4 AND ",
	[FIND_CAUSE] = "cause = ?5 AND ",
	[WAY_TIME] = "",
	[WAY_PUSH] = "push = 1 AND ",
};
static const char rest[] =
	"(?1 = '' OR +call = ?1) AND (?2 = '' OR +caller = ?2 OR +callee = ?2) "
	"AND (?3 = '' OR +account = ?3) AND (?4 = '' OR +trunk = ?4) "
	"AND (?5 = '' OR +cause = ?5) "
	"AND (?6 = 0 OR cause NOT IN ('normal', 'cancel', 'elsewhere')) ";
static const char newest_first[] =
	"AND started_ms >= ?7 AND started_ms < ?8 "
	"ORDER BY started_ms DESC, call DESC LIMIT ?9";
/* The plus keeps SQLite from the index by start. */
static const char in_order[] = "AND +started_ms >= ?7 AND +started_ms < ?8 "
			       "ORDER BY ended_ms, call LIMIT ?9";

/* The same pointer for the same way: it is the statement's key. */
static const char *select_text(unsigned way)
{
	enum { SELECT_CAP = 4096 };
	static char texts[NWAYS][SELECT_CAP];

	if (!*texts[way] &&
	    text_format(texts[way], SELECT_CAP, "%sWHERE %s%s%s",
			cdr_table()->select, ways[way], rest,
			way == WAY_PUSH ? in_order : newest_first))
		return NULL;
	return texts[way];
}

struct find_job {
	struct job job;
	const char *select;
	char *texts[NTEXTS]; /* owned */
	bool failed;
	int64_t since_ms, until_ms;
	unsigned limit;
	cdr_rows_fn fn;
	/* What was found: a copy with its texts for each row. */
	char *rows[CDR_FIND_MAX];
	size_t n;
};

static void forget_rows(struct find_job *find)
{
	while (find->n)
		free(find->rows[--find->n]);
}

static int bind_find(sqlite3_stmt *stmt, const struct find_job *find)
{
	int error = SQLITE_OK;

	for (int i = 0; i < NTEXTS && error == SQLITE_OK; i++)
		error = sqlite3_bind_text(stmt, i + 1, find->texts[i], -1,
					  SQLITE_STATIC);
	const int64_t numbers[] = { find->failed, find->since_ms,
				    find->until_ms, find->limit };
	for (int i = 0; i <= PARAM_LIMIT - PARAM_FAILED && error == SQLITE_OK;
	     i++)
		error = sqlite3_bind_int64(stmt, PARAM_FAILED + i, numbers[i]);
	return error;
}

static int take_row(sqlite3_stmt *stmt, struct find_job *find)
{
	const char *column;
	struct cdr cdr;

	if (row_read(stmt, &table, NULL, &cdr, &column))
		return SQLITE_ERROR;
	char *copy = malloc(row_size(&table, &cdr));
	if (!copy)
		return SQLITE_NOMEM;
	row_copy(&table, &cdr, copy);
	find->rows[find->n++] = copy;
	return SQLITE_ROW;
}

static int run_find(struct job *job, struct writer *writer)
{
	struct find_job *find = (struct find_job *)job;
	int error = SQLITE_OK;
	sqlite3_stmt *stmt = writer_prepare(writer, find->select, &error);

	forget_rows(find); /* of an attempt that was rolled back */
	if (stmt)
		error = bind_find(stmt, find);
	if (error == SQLITE_OK)
		error = SQLITE_ROW;
	while (error == SQLITE_ROW) {
		error = sqlite3_step(stmt);
		if (error == SQLITE_ROW)
			error = find->n < find->limit ? take_row(stmt, find)
						      : SQLITE_DONE;
	}
	return error;
}

/* After a failure the writer may still be at work on the rows. */
static void finish_find(struct job *job, int result)
{
	struct find_job *find = (struct find_job *)job;
	struct cdr *rows = NULL;

	if (!result && find->n) {
		rows = calloc(find->n, sizeof(*rows));
		if (!rows)
			result = -ENOMEM;
	}
	for (size_t i = 0; rows && i < find->n; i++)
		memcpy(&rows[i], find->rows[i], sizeof(rows[i]));
	find->fn(result, rows, result ? 0 : find->n, job->arg);
	free(rows);
}

static void free_find(struct job *job)
{
	struct find_job *find = (struct find_job *)job;

	forget_rows(find);
	for (size_t i = 0; i < NTEXTS; i++)
		free(find->texts[i]);
	free(find);
}

int cdr_find(struct db *db, const struct cdr_filter *filter, cdr_rows_fn fn,
	     void *arg)
{
	const char *const texts[NTEXTS] = { [FIND_CALL] = filter->call,
					    [FIND_PARTY] = filter->party,
					    [FIND_ACCOUNT] = filter->account,
					    [FIND_TRUNK] = filter->trunk,
					    [FIND_CAUSE] = filter->cause };
	unsigned way = 0;
	struct find_job *find = calloc(1, sizeof(*find));

	if (!find)
		return -ENOMEM;
	find->job = (struct job){ .run = run_find,
				  .finish = finish_find,
				  .free = free_find,
				  .arg = arg };
	find->fn = fn;
	while (way < NTEXTS && (!texts[way] || !*texts[way]))
		way++;
	if (filter->to_push)
		way = WAY_PUSH;
	find->select = select_text(way);
	assert(find->select); /* our own tables */
	find->failed = filter->failed;
	find->since_ms = filter->since_ms;
	find->until_ms = filter->until_ms ? filter->until_ms : INT64_MAX;
	find->limit = filter->limit && filter->limit < CDR_FIND_MAX
			      ? filter->limit
			      : CDR_FIND_MAX;
	for (size_t i = 0; i < NTEXTS; i++) {
		find->texts[i] = strdup(texts[i] ? texts[i] : "");
		if (!find->texts[i]) {
			free_find(&find->job);
			return -ENOMEM;
		}
	}
	return worker_queue(db_worker(db), &find->job);
}

int cdr_pushed(struct db *db, const char *call, db_done_fn done, void *arg)
{
	static const char text[] = "UPDATE cdr SET push = 0 WHERE call = ?";
	const struct row_param params[] = { { .text = call } };

	return row_execute(db, text, params, 1, done, arg);
}
