/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Traces: what is said for one account, number or call (gateway/trace). */
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/admin/commands.h"
#include "gateway/admin/span.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/trace/pcap.h"
#include "gateway/trace/ring.h"
#include "gateway/trace/script.h"
#include "gateway/trace/trace.h"

enum {
	S_PER_MIN = 60,
	SHOW_MAX = 10000,
	/* What comes is told in pieces, so that nobody gets a message for each
	 * line; of one piece in a conversation no more than this. */
	PIECE_MS = 500,
	PIECE_OCTETS_MAX = 32 * 1024,
};

#define FIELD_WHAT                                                           \
	{                                                                    \
		.var = "what", .label = "Of what", .type = FORM_TEXT_SINGLE, \
		.required = true,                                            \
		.desc = "A JID, a number, or a call by its name, Call-ID "   \
			"or sid"                                             \
	}
#define FIELD_MINUTES                                                       \
	{                                                                   \
		.var = "minutes", .label = "For how many minutes",          \
		.type = FORM_TEXT_SINGLE, .initial = "10", .integer = true, \
		.min = 1, .max = TRACE_MINUTES_MAX                          \
	}
#define FIELD_HEP                                                    \
	{                                                            \
		.var = "hep", .label = "To the capture server, too", \
		.type = FORM_BOOLEAN, .initial = "false"             \
	}
#define FIELD_TRACE                                                         \
	{                                                                   \
		.var = "trace", .label = "Trace", .type = FORM_TEXT_SINGLE, \
		.integer = true, .min = 1, .max = INT32_MAX,                \
		.desc = "Its number; the newest, if none is given"          \
	}
#define FIELD_WHOLE                                        \
	{                                                  \
		.var = "whole", .label = "Whole messages", \
		.type = FORM_BOOLEAN, .initial = "false"   \
	}

static const struct form_spec start_fields[] = { FIELD_WHAT, FIELD_MINUTES,
						 FIELD_HEP };
static const struct form_spec trace_fields[] = { FIELD_TRACE };
static const struct form_spec show_fields[] = {
	FIELD_TRACE,
	FIELD_WHOLE,
	{ .var = "count",
	  .label = "How many of the last",
	  .type = FORM_TEXT_SINGLE,
	  .initial = "200",
	  .integer = true,
	  .min = 1,
	  .max = SHOW_MAX },
};
static const struct form_spec follow_fields[] = {
	FIELD_WHAT,
	FIELD_MINUTES,
	FIELD_WHOLE,
	{ .var = "pcap",
	  .label = "As a capture file (tandemctl alone)",
	  .type = FORM_BOOLEAN,
	  .initial = "false" },
};

/* ---- start and stop ---- */

/* 0: it was said why not. */
static unsigned start(struct request *request)
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
	unsigned id = start(request);

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

static enum command_result run_show(struct request *request)
{
	struct trace *trace = the_trace(request);
	struct trace_view view;
	char *text = NULL;
	size_t n = 0;
	FILE *out = trace ? open_memstream(&text, &n) : NULL;

	if (!out)
		return COMMAND_DONE;
	trace_view(trace, &view);
	print_ring(out, view.ring, request_number(request, "count"),
		   request_flag(request, "whole"));
	if (fclose(out))
		(void)request_well(request, -ENOMEM);
	else if (!n)
		answer_info(request->answer, "Nothing was heard yet of %s.",
			    view.what);
	else
		answer_info(request->answer, "%.*s", (int)n - 1, text);
	free(text);
	return COMMAND_DONE;
}

/* ---- a capture file ---- */

/* Beside the database: the one place that is ours to write. */
static int path_of(char out[static PATH_MAX], const struct gateway *gateway,
		   unsigned id)
{
	const char *db = gateway->config->db.path;
	const char *slash = strrchr(db, '/');

	return text_format(out, PATH_MAX, "%.*strace-%u-%lld.pcap",
			   slash ? (int)(slash - db + 1) : 0, db, id,
			   (long long)clock_wall_ms());
}

static int save(const char *path, const struct ring *ring)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		     S_IRUSR | S_IWUSR);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	const struct entry *entry;

	if (!to) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	pcap_put_head(to);
	TAILQ_FOREACH(entry, &ring->entries, link)
		pcap_put(to, entry);
	bool failed = ferror(to);
	if (fclose(to) || failed) {
		unlink(path);
		return -EIO;
	}
	return 0;
}

static enum command_result run_save(struct request *request)
{
	struct trace *trace = the_trace(request);
	struct trace_view view;
	char path[PATH_MAX];

	if (!trace)
		return COMMAND_DONE;
	trace_view(trace, &view);
	int r = path_of(path, request->gateway, view.id);
	if (!r)
		r = save(path, view.ring);
	if (request_well(request, r)) {
		request_changed(request, view.what, "", path);
		answer_info(request->answer, "Trace %u is in %s.", view.id,
			    path);
	}
	return COMMAND_DONE;
}

/* ---- follow ---- */

struct following {
	struct request *request;
	unsigned id;
	struct event *timer;
	bool whole, pcap;
	FILE *piece; /* into the two below; NULL: nothing waits */
	char *text;
	size_t n;
	unsigned left_out;
};

static void free_following(struct request *request)
{
	struct following *f = request->work;
	struct trace *trace = f ? trace_find(request->gateway, f->id) : NULL;

	if (!f)
		return;
	if (trace) {
		trace_follow(trace, NULL, NULL);
		trace_stop(trace);
	}
	if (f->timer)
		event_free(f->timer);
	if (f->piece)
		fclose(f->piece);
	free(f->text);
	free(f);
	request->work = NULL;
}

static void tell_piece(struct following *f)
{
	if (!f->piece)
		return;
	if (f->left_out)
		fprintf(f->piece, "and %u more\n", f->left_out);
	bool well = !fclose(f->piece);
	f->piece = NULL;
	f->left_out = 0;
	trace_telling(f->request->gateway, true);
	if (well && f->n)
		request_tell(f->request, f->text, f->n);
	trace_telling(f->request->gateway, false);
	free(f->text);
	f->text = NULL;
	f->n = 0;
}

static void on_piece(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell_piece(arg);
}

static bool open_piece(struct following *f)
{
	const struct timeval tv = { 0, PIECE_MS * 1000 };

	if (!f->piece) {
		f->piece = open_memstream(&f->text, &f->n);
		evtimer_add(f->timer, &tv);
	}
	return f->piece;
}

static bool is_full(struct following *f)
{
	return strcmp(f->request->actor.face, "socket") != 0 &&
	       ftell(f->piece) > PIECE_OCTETS_MAX;
}

static void on_entry(const struct entry *entry, void *arg)
{
	struct following *f = arg;
	struct request *request = f->request;

	if (!entry) {
		tell_piece(f);
		if (!f->pcap)
			answer_info(request->answer, "The time is over.");
		free_following(request);
		request_done(request);
	} else if (open_piece(f)) {
		if (f->pcap)
			pcap_put(f->piece, entry);
		else if (is_full(f))
			f->left_out++;
		else
			script_put(f->piece, entry, f->whole);
	}
}

static enum command_result run_follow(struct request *request)
{
	bool pcap = request_flag(request, "pcap");
	struct following *f;

	if (pcap && strcmp(request->actor.face, "socket") != 0) {
		answer_error(request->answer,
			     "A capture file is tandemctl's; see trace-save.");
		return COMMAND_DONE;
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		(void)request_well(request, -ENOMEM);
		return COMMAND_DONE;
	}
	request->work = f;
	request->abandon = free_following;
	f->request = request;
	f->pcap = pcap;
	f->whole = request_flag(request, "whole");
	f->timer = evtimer_new(request->gateway->base, on_piece, f);
	f->id = request_well(request, f->timer ? 0 : -ENOMEM) ? start(request)
							      : 0;
	if (!f->id) {
		free_following(request);
		return COMMAND_DONE;
	}
	trace_follow(trace_find(request->gateway, f->id), on_entry, f);
	if (pcap && open_piece(f))
		pcap_put_head(f->piece);
	return COMMAND_LATER;
}

static const struct command table[] = {
	{ .node = "trace-start",
	  .title = "Trace an account, a number or a call",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(start_fields) },
	  .run = run_start },
	{ .node = "trace-follow",
	  .title = "Trace, and tell it as it comes",
	  .need = NEED_OPERATOR,
	  .live = true,
	  .steps = { COMMAND_FIELDS(follow_fields) },
	  .run = run_follow },
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
	  .steps = { COMMAND_FIELDS(trace_fields) },
	  .run = run_stop },
	{ .node = "trace-save",
	  .title = "Save a trace as a capture file",
	  .need = NEED_OPERATOR,
	  .steps = { COMMAND_FIELDS(trace_fields) },
	  .run = run_save },
};
const struct commands commands_trace = COMMANDS(table);
