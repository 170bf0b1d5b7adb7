/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Traces: what is said for one account, number or call (gateway/trace). */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "db/file.h"
#include "gateway/admin/commands_trace.h"
#include "gateway/admin/span.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/trace/pcap.h"
#include "gateway/trace/ring.h"
#include "gateway/trace/script.h"
#include "gateway/trace/trace.h"

enum { S_PER_MIN = 60, SHOW_MAX = 10000 };

static const struct form_spec start_fields[] = {
	COMMAND_TRACE_WHAT,
	COMMAND_TRACE_MINUTES,
	{ .var = "hep",
	  .label = "To the capture server, too",
	  .type = FORM_BOOLEAN,
	  .initial = "false" }
};
#define TRACE_FIELD                                                         \
	{                                                                   \
		.var = "trace", .label = "Trace", .type = FORM_TEXT_SINGLE, \
		.integer = true, .min = 1, .max = INT32_MAX,                \
		.desc = "Its number; the newest, if none is given"          \
	}

static const struct form_spec trace_fields[] = { TRACE_FIELD };
static const struct form_spec show_fields[] = {
	TRACE_FIELD,
	COMMAND_TRACE_WHOLE,
	{ .var = "count",
	  .label = "How many of the last",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "200",
	  .integer = true,
	  .min = 1,
	  .max = SHOW_MAX },
};

/* ---- start and stop ---- */

unsigned commands_trace_start(struct request *request)
{
	const struct trace_config config = {
		.what = request_text(request, "what"),
		.last_s = request_number(request, "minutes") * S_PER_MIN,
		.hep = request_flag(request, "hep"),
	};
	unsigned id = 0;
	int r = trace_start(&id, request->gateway, &config);

	if (!r) {
		request_changed(request, config.what, "", "traced");
		return id;
	}
	if (r == TRACE_E_WHAT)
		answer_error(request->answer, "This is neither a JID, a number "
					      "nor the name of a call.");
	else if (r == TRACE_E_FULL)
		answer_error(request->answer,
			     "%d traces run already; stop one.", TRACE_MAX);
	else if (r == TRACE_E_HEP)
		answer_error(request->answer,
			     "No capture server is configured (hep.server).");
	else
		(void)request_well(request, r);
	return 0;
}

static enum command_result run_start(struct request *request)
{
	unsigned id = commands_trace_start(request);

	if (id)
		answer_info(request->answer,
			    "Trace %u follows %s for %u minutes.", id,
			    request_text(request, "what"),
			    request_number(request, "minutes"));
	return COMMAND_DONE;
}

/* NULL: it was said that there is none. */
static struct trace *the_trace(struct request *request)
{
	struct trace *trace =
		trace_find(request->gateway, request_number(request, "trace"));

	if (!trace)
		answer_error(request->answer, "There is no such trace.");
	return trace;
}

static enum command_result run_stop(struct request *request)
{
	struct trace *trace = the_trace(request);
	struct trace_view view;

	if (!trace)
		return COMMAND_DONE;
	trace_view(trace, &view);
	trace_stop(trace);
	if (view.left_s)
		request_changed(request, view.what, "traced", "");
	answer_info(request->answer,
		    "Trace %u is stopped, and kept until another takes its "
		    "place.",
		    view.id);
	return COMMAND_DONE;
}

/* ---- list and show ---- */

static size_t count(const struct ring *ring)
{
	const struct entry *entry;
	size_t n = 0;

	TAILQ_FOREACH(entry, &ring->entries, link)
		n++;
	return n;
}

static void put_trace(const struct trace *trace, void *arg)
{
	struct answer *answer = arg;
	struct trace_view view;

	trace_view(trace, &view);
	answer_cell(answer, "%u", view.id);
	answer_cell(answer, "%s", view.what);
	answer_cell(answer, "%s", span_time(view.started_ms).s);
	answer_cell(answer, "%s",
		    view.left_s ? span_text((uint64_t)view.left_s * 1000).s
				: "stopped");
	answer_cell(answer, "%zu", count(view.ring));
	answer_cell(answer, "%llu", (unsigned long long)view.ring->forgotten);
	answer_cell(answer, "%s", view.hep ? "yes" : "no");
}

static enum command_result run_list(struct request *request)
{
	static const char *const columns[] = { "Trace",  "Of",      "Since",
					       "Left",   "Entries", "Forgotten",
					       "Capture" };

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		answer_column(request->answer, columns[i]);
	trace_each(request->gateway, put_trace, request->answer);
	if (!answer_rows(request->answer))
		answer_info(request->answer, "Nothing is traced.");
	return COMMAND_DONE;
}

static void print_ring(FILE *to, const struct ring *ring, size_t last,
		       bool whole)
{
	size_t n = count(ring), skip = n > last ? n - last : 0;
	const struct entry *entry;

	TAILQ_FOREACH(entry, &ring->entries, link) {
		if (skip)
			skip--;
		else
			script_put(to, entry, whole);
	}
}

/* What it has heard, owned by the caller; NULL without memory. */
static char *text_of(const struct request *request,
		     const struct trace_view *view)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	print_ring(out, view->ring, request_number(request, "count"),
		   request_flag(request, "whole"));
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static enum command_result run_show(struct request *request)
{
	const struct trace *trace = the_trace(request);
	struct trace_view view;

	if (!trace)
		return COMMAND_DONE;
	trace_view(trace, &view);
	char *text = text_of(request, &view);
	if (!text)
		(void)request_well(request, -ENOMEM);
	else if (!*text)
		answer_info(request->answer, "Nothing was heard yet of %s.",
			    view.what);
	else
		answer_info(request->answer, "%.*s", (int)strlen(text) - 1,
			    text);
	free(text);
	return COMMAND_DONE;
}

/* ---- a capture file ---- */

static int path_of(char out[static PATH_MAX], struct gateway *gateway,
		   unsigned id)
{
	char name[sizeof("trace-4294967295")];

	return text_format(name, sizeof(name), "trace-%u", id)
		       ? -EMSGSIZE
		       : commands_path(out, gateway, name, "pcap");
}

struct saving {
	unsigned id;
	char path[PATH_MAX];
};

static void forget_saving(struct request *request)
{
	db_forget(request->gateway->db, request);
	free(request->work);
	request->work = NULL;
}

static void on_saved(int result, void *arg)
{
	struct request *request = arg;
	const struct saving *saving = request->work;

	if (request_well(request, result)) {
		char object[sizeof("trace 4294967295")];

		(void)!text_format(object, sizeof(object), "trace %u",
				   saving->id);
		request_changed(request, object, "", saving->path);
		answer_info(request->answer, "Trace %u is in %s.", saving->id,
			    saving->path);
	}
	forget_saving(request);
	request_done(request);
}

/* As it is now, into the file. 0 or -errno. */
static int save(struct request *request, const struct ring *ring,
		const char *path)
{
	const struct entry *entry;
	char *octets = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&octets, &n);

	if (!to)
		return -ENOMEM;
	pcap_put_head(to);
	TAILQ_FOREACH(entry, &ring->entries, link)
		pcap_put(to, entry);
	int r = fclose(to)
			? -ENOMEM
			: db_file_write(request->gateway->db, path, DB_FILE_NEW,
					(struct slice){ octets, n }, on_saved,
					request);
	free(octets);
	return r;
}

static enum command_result run_save(struct request *request)
{
	const struct trace *trace = the_trace(request);
	struct trace_view view;
	struct saving *saving;

	if (!trace)
		return COMMAND_DONE;
	saving = calloc(1, sizeof(*saving));
	if (!saving) {
		(void)request_well(request, -ENOMEM);
		return COMMAND_DONE;
	}
	trace_view(trace, &view);
	saving->id = view.id;
	request->work = saving;
	request->abandon = forget_saving;
	int r = path_of(saving->path, request->gateway, view.id);
	if (!r)
		r = save(request, view.ring, saving->path);
	if (request_well(request, r))
		return COMMAND_LATER;
	forget_saving(request);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "trace-start",
	  .title = "Trace an account, a number or a call",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(start_fields) },
	  .run = run_start },
	{ .node = "traces",
	  .title = "Traces",
	  .need = NEED_OPERATOR,
	  .run = run_list },
	{ .node = "trace-show",
	  .title = "What a trace has heard",
	  .need = NEED_OPERATOR,
	  .steps = { COMMAND_FIELDS(show_fields) },
	  .run = run_show },
	{ .node = "trace-stop",
	  .title = "Stop a trace",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(trace_fields) },
	  .run = run_stop },
	{ .node = "trace-save",
	  .title = "Save a trace as a capture file",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(trace_fields) },
	  .run = run_save },
};
const struct commands commands_trace = COMMANDS(table);
