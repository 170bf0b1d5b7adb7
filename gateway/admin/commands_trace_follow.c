/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A trace that is told as it comes. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/commands_trace.h"
#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/trace/pcap.h"
#include "gateway/trace/ring.h"
#include "gateway/trace/script.h"
#include "gateway/trace/trace.h"

enum {
	/* What comes is told in pieces, so that nobody gets a message for each
	 * line; of one piece in a conversation no more than this. */
	PIECE_MS = 500,
	PIECE_OCTETS_MAX = 32 * 1024,
};

static const struct form_spec follow_fields[] = {
	COMMAND_TRACE_WHAT,
	COMMAND_TRACE_MINUTES,
	COMMAND_TRACE_WHOLE,
	{ .var = "pcap",
	  .label = "As a capture file (tandemctl alone)",
	  .type = FORM_BOOLEAN,
	  .initial = "false" },
};

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
	const struct timeval tv = clock_timeval(PIECE_MS);

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
	f->id = request_well(request, f->timer ? 0 : -ENOMEM)
			? commands_trace_start(request)
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
	{ .node = "trace-follow",
	  .title = "Trace, and tell it as it comes",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .live = true,
	  .steps = { COMMAND_FIELDS(follow_fields) },
	  .run = run_follow },
};
const struct commands commands_trace_follow = COMMANDS(table);
