/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Call records as CSV (db/cdr_csv.h), into a file beside the database: a page
 * at a time, the newest first, written by the database's thread.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "db/cdr_csv.h"
#include "db/file.h"
#include "gateway/admin/admin.h"
#include "gateway/admin/commands_history.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"

enum { NAME_CAP = 64 };

static const struct form_spec fields[] = { COMMAND_HISTORY_FIELDS };

int commands_path(char *out, struct gateway *gateway, const char *name,
		  const char *type)
{
	const char *db = gateway->config->db.path;
	const char *slash = strrchr(db, '/');

	return text_format(out, PATH_MAX, "%.*s%s-%" PRIu64 ".%s",
			   slash ? (int)(slash - db + 1) : 0, db, name,
			   admin_stamp(gateway->admin), type);
}

struct exporting {
	char path[PATH_MAX];
	char account[JID_CAP];
	bool begun; /* there is a file */
	bool more;  /* a page that was full */
	size_t n;   /* records written */
	/* The last of them: the next page begins behind it. */
	int64_t started_ms;
	char call[NAME_CAP];
};

static void forget(struct request *request)
{
	db_forget(request->gateway->db, request);
	free(request->work);
	request->work = NULL;
}

/* Half a file is none. */
static void abandon(struct request *request)
{
	const struct exporting *exporting = request->work;

	if (exporting->begun)
		(void)!db_file_write(request->gateway->db, exporting->path,
				     DB_FILE_DROP, SLICE_NONE, NULL, NULL);
	forget(request);
}

static void fail(struct request *request, int r)
{
	(void)request_well(request, r);
	abandon(request);
	request_done(request);
}

static int ask(struct request *request);

static void on_written(int result, void *arg)
{
	struct request *request = arg;
	struct exporting *exporting = request->work;
	int r = result;

	/* There is one of that name already: it is not ours to take away. */
	if (r == -EEXIST)
		exporting->begun = false;
	if (!r && exporting->more)
		r = ask(request);
	if (r) {
		fail(request, r);
	} else if (!exporting->more) {
		request_changed(request, "history", "", exporting->path);
		answer_info(request->answer, "%zu records are in %s.",
			    exporting->n, exporting->path);
		forget(request);
		request_done(request);
	}
}

/* How many of a page were in the one before: those of the same moment, by the
 * order of cdr_find(). */
static size_t count_known(const struct exporting *exporting,
			  const struct cdr *rows, size_t n)
{
	size_t i = 0;

	while (exporting->n && i < n &&
	       rows[i].started_ms == exporting->started_ms &&
	       strcmp(rows[i].call, exporting->call) >= 0)
		i++;
	return i;
}

static int write_page(struct request *request, const struct cdr *rows, size_t n)
{
	struct exporting *exporting = request->work;
	char *octets = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&octets, &size);

	if (!to)
		return -ENOMEM;
	if (!exporting->begun)
		cdr_csv_head(to);
	cdr_csv_rows(to, rows, n);
	int r = fclose(to)
			? -ENOMEM
			: db_file_write(request->gateway->db, exporting->path,
					exporting->begun ? DB_FILE_APPEND
							 : DB_FILE_NEW,
					(struct slice){ octets, size },
					on_written, request);
	free(octets);
	if (r)
		return r;
	exporting->begun = true;
	exporting->n += n;
	return 0;
}

static void on_page(int result, const struct cdr *rows, size_t n, void *arg)
{
	struct request *request = arg;
	struct exporting *exporting = request->work;
	size_t known = count_known(exporting, rows, n);
	int r = result;

	exporting->more = n == CDR_FIND_MAX && known < n;
	if (!r)
		r = write_page(request, rows + known, n - known);
	if (!r && n) {
		exporting->started_ms = rows[n - 1].started_ms;
		r = text_set(exporting->call, sizeof(exporting->call),
			     rows[n - 1].call);
	}
	if (r)
		fail(request, r);
}

static int ask(struct request *request)
{
	struct exporting *exporting = request->work;
	struct cdr_filter filter =
		commands_history_filter(request, exporting->account);

	if (exporting->n)
		filter.until_ms = exporting->started_ms + 1;
	return cdr_find(request->gateway->db, &filter, on_page, request);
}

static enum command_result run(struct request *request)
{
	struct exporting *exporting = calloc(1, sizeof(*exporting));
	int r = exporting ? commands_path(exporting->path, request->gateway,
					  "history", "csv")
			  : -ENOMEM;

	request->work = exporting;
	request->abandon = abandon;
	if (!r)
		r = ask(request);
	if (request_well(request, r))
		return COMMAND_LATER;
	if (exporting)
		forget(request);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "history-export",
	  .title = "Calls that are over, into a file (CSV)",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(fields) },
	  .run = run },
};
const struct commands commands_export = COMMANDS(table);
