/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What traces hear: messages, calls, and their media. */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/trace/mask.h"
#include "gateway/trace/trace_int.h"
#include "sip/field.h"
#include "sip/tap.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_text.h"
#include "xmpp/xmpp_stream.h"

/* What the peer of @leg knows it by; empty: nothing yet. */
static struct slice name_of(const struct leg *leg)
{
	return slice_of(leg && leg->ops->id ? leg->ops->id(leg) : NULL);
}

static const char *call_named(const struct gateway *gateway, struct slice name)
{
	const struct call *call;

	LIST_FOREACH(call, &gateway->calls, link) {
		for (int side = 0; name.n && side < 2; side++) {
			struct slice is = name_of(call->legs[side]);

			if (is.n == name.n && !memcmp(is.p, name.p, is.n))
				return call->name;
		}
	}
	return "";
}

/* ---- messages ---- */

static void set_name(struct entry *entry, struct slice name)
{
	if (text_copy(entry->name, sizeof(entry->name), name))
		entry->name[0] = '\0';
}

/* @entry, which may be NULL, is taken. */
static void hear(struct traces *traces, struct entry *entry,
		 bool (*matches)(struct trace *trace, const struct entry *entry,
				 const void *arg),
		 const void *arg)
{
	bool heard = false;

	for (size_t i = 0; entry && i < TRACE_MAX; i++) {
		struct trace *trace = &traces->v[i];

		if (!trace->running || !matches(trace, entry, arg))
			continue;
		if (!heard && text_set(entry->call, sizeof(entry->call),
				       call_named(traces->gateway,
						  slice_of(entry->name))))
			entry->call[0] = '\0';
		heard = true;
		match_learn(&trace->match, slice_of(entry->name));
		trace_put(trace, entry_new(entry, (struct slice){ entry->text,
								  entry->n }));
	}
	if (heard || !entry || !*entry->name)
		free(entry);
	else
		ring_put(&traces->orphans, entry);
}

static bool sip_matches(struct trace *trace, const struct entry *entry,
			const void *arg)
{
	(void)arg;
	return match_sip(&trace->match,
			 (struct slice){ entry->text, entry->n });
}

/* By which trunks know us, and we them (trunk.headers, trunk.token). */
static void mask_proofs(const struct config *config, struct entry *entry)
{
	const struct config_trunk *trunk;

	for (size_t i = 0; (trunk = config_trunk_at(config, i)); i++) {
		mask_sip_header(entry->text, entry->n, trunk->token);
		for (size_t k = 0; k < trunk->headers.n; k++)
			mask_sip_header(entry->text, entry->n,
					trunk->headers.v[k]);
	}
}

static void on_sip(const struct sip_tapped *message, void *arg)
{
	const struct traces *traces = arg;
	static const char *const transports[] = {
		[SIP_UDP] = "udp", [SIP_TCP] = "tcp", [SIP_TLS] = "tls"
	};
	struct entry *entry = entry_new(
		&(struct entry){ .at_us = trace_now_us(),
				 .kind = ENTRY_SIP,
				 .rx = message->rx,
				 .transport = transports[message->transport],
				 .local = message->local,
				 .remote = message->remote },
		message->text);

	if (!entry)
		return;
	mask_sip(entry->text, entry->n);
	mask_proofs(traces->gateway->config, entry);
	set_name(entry, sip_find_field((struct slice){ entry->text, entry->n },
				       "Call-ID", 'i'));
	hear(arg, entry, sip_matches, NULL);
}

static bool stanza_matches(struct trace *trace, const struct entry *entry,
			   const void *arg)
{
	(void)entry;
	if (!match_stanza(&trace->match, arg))
		return false;
	match_learn_request(&trace->match, arg);
	return true;
}

static void on_stanza(bool rx, const struct stanza *stanza, void *arg)
{
	char *text = NULL;
	size_t n = 0;

	if (stanza_format(stanza, 0, &text, &n))
		return;
	struct entry *entry =
		entry_new(&(struct entry){ .at_us = trace_now_us(),
					   .kind = ENTRY_XMPP,
					   .rx = rx,
					   .transport = "xmpp" },
			  (struct slice){ text, n });
	free(text);
	if (!entry)
		return;
	mask_xml(entry->text, entry->n);
	set_name(entry, match_sid(stanza));
	hear(arg, entry, stanza_matches, stanza);
}

void trace_taps_set(struct traces *traces, bool on)
{
	struct gateway *gateway = traces->gateway;

	if (gateway->agent)
		sip_tap_set(gateway->agent, on ? on_sip : NULL, traces);
	if (gateway->stream)
		xmpp_stream_tap(gateway->stream, on ? on_stanza : NULL, traces);
}

/* ---- calls ---- */

static struct followed *find_followed(struct traces *traces, const char *name)
{
	struct followed *followed;

	LIST_FOREACH(followed, &traces->calls, link) {
		if (!strcmp(followed->call, name))
			break;
	}
	return followed;
}

static struct followed *get_followed(struct traces *traces,
				     const struct call *call)
{
	struct followed *followed = find_followed(traces, call->name);

	if (followed)
		return followed;
	followed = calloc(1, sizeof(*followed));
	if (!followed)
		return NULL;
	memcpy(followed->call, call->name, sizeof(followed->call));
	LIST_INSERT_HEAD(&traces->calls, followed, link);
	return followed;
}

void trace_forget_calls(struct traces *traces)
{
	struct followed *followed;

	while ((followed = LIST_FIRST(&traces->calls))) {
		LIST_REMOVE(followed, link);
		free(followed);
	}
}

static bool is_about(const struct trace *trace, const struct call *call)
{
	const struct match *match = &trace->match;

	return match_knows(match, slice_of(call->name)) ||
	       match_jid(match, *call->account ? call->account : NULL) ||
	       match_jid(match, *call->from ? call->from : NULL) ||
	       match_jid(match, *call->to ? call->to : NULL) ||
	       match_number(match, slice_of(call->from)) ||
	       match_number(match, slice_of(call->to)) ||
	       match_knows(match, name_of(call->legs[0])) ||
	       match_knows(match, name_of(call->legs[1]));
}

/* What was heard of @call before it was known to be followed, or a call. */
static void adopt_orphans(struct trace *trace, const struct call *call,
			  const char *name)
{
	unsigned mine = 1U << (trace - trace->traces->v);
	struct entry *entry;

	TAILQ_FOREACH(entry, &trace->traces->orphans.entries, link) {
		if (entry->adopted & mine || strcmp(entry->name, name) != 0)
			continue;
		entry->adopted |= mine;
		trace_put(trace, entry_new(entry, (struct slice){ entry->text,
								  entry->n }));
	}
	TAILQ_FOREACH(entry, &trace->ring.entries, link) {
		if (!*entry->call && !strcmp(entry->name, name))
			memcpy(entry->call, call->name, sizeof(call->name));
	}
}

/* @fresh: the call is new to @trace. */
static void join(struct trace *trace, const struct call *call,
		 const struct followed *followed, bool fresh)
{
	match_learn(&trace->match, slice_of(call->name));
	for (int side = 0; side < 2; side++) {
		struct slice name = name_of(call->legs[side]);
		char text[ENTRY_NAME_CAP];

		if (!name.n || text_copy(text, sizeof(text), name) ||
		    (!fresh && !strcmp(text, followed->names[side])))
			continue;
		match_learn(&trace->match, name);
		adopt_orphans(trace, call, text);
	}
}

static void keep_names(struct followed *followed, const struct call *call)
{
	for (int side = 0; side < 2; side++) {
		char *to = followed->names[side];

		if (text_copy(to, ENTRY_NAME_CAP, name_of(call->legs[side])))
			to[0] = '\0';
	}
}

/* An entry of our own about @call, to all that follow it. */
static void note(struct traces *traces, const struct followed *followed,
		 enum entry_kind kind, const char *text)
{
	struct entry like = { .at_us = trace_now_us(),
			      .kind = kind,
			      .transport = "" };

	memcpy(like.call, followed->call, sizeof(followed->call));
	for (size_t i = 0; i < TRACE_MAX; i++) {
		if (followed->by[i] && traces->v[i].running)
			trace_put(&traces->v[i],
				  entry_new(&like, slice_of(text)));
	}
}

struct looking {
	struct traces *traces;
	const struct followed *followed;
	const struct call *call;
};

static void note_side(const struct looking *look, enum media_side side,
		      const char *what)
{
	char text[FOLLOW_TEXT_CAP + sizeof("caller (xmpp): ")];

	if (!text_format(text, sizeof(text), "%s (%s): %s",
			 side == MEDIA_SIDE_A ? "caller" : "called",
			 look->call->legs[side]->ops->name, what))
		note(look->traces, look->followed, ENTRY_MEDIA, text);
}

static void on_media(enum media_side side, const char *text, void *arg)
{
	note_side(arg, side, text);
}

/* NULL: nobody follows it. */
static struct followed *look_at(struct traces *traces, const struct call *call)
{
	struct followed *followed = find_followed(traces, call->name);

	for (size_t i = 0; i < TRACE_MAX; i++) {
		struct trace *trace = &traces->v[i];

		if (!trace->running || !is_about(trace, call))
			continue;
		if (!followed)
			followed = get_followed(traces, call);
		if (!followed)
			return NULL;
		join(trace, call, followed, !followed->by[i]);
		followed->by[i] = true;
	}
	if (followed)
		keep_names(followed, call);
	return followed;
}

static void look_at_media(struct traces *traces, const struct call *call,
			  struct followed *followed)
{
	struct looking look = { traces, followed, call };

	for (int side = 0; side < 2; side++) {
		struct media_side_stats now;

		if (!bridge_is_open(call->bridge, (enum media_side)side))
			continue;
		bridge_stats(call->bridge, (enum media_side)side, &now);
		follow_look(&followed->media, (enum media_side)side, &now,
			    clock_ms(), on_media, &look);
	}
}

static void forget_old_orphans(struct traces *traces)
{
	int64_t before = trace_now_us() - (int64_t)ORPHAN_MS * US_PER_MS;
	struct entry *entry;

	while ((entry = TAILQ_FIRST(&traces->orphans.entries)) &&
	       entry->at_us < before) {
		ring_take(&traces->orphans, entry);
		free(entry);
	}
}

void trace_look(struct traces *traces)
{
	const struct call *call;
	uint64_t now = clock_ms();
	bool all = now - traces->looked_ms >= LOOK_AT_ALL_MS;

	if (all)
		traces->looked_ms = now;
	LIST_FOREACH(call, &traces->gateway->calls, link) {
		struct followed *followed;

		if (call->state == CALL_CLOSED ||
		    (!all && !find_followed(traces, call->name)))
			continue;
		followed = look_at(traces, call);
		if (followed)
			look_at_media(traces, call, followed);
	}
	forget_old_orphans(traces);
}

void trace_call_changed(const struct call *call, const char *from,
			const char *event, const char *to)
{
	enum { TEXT_CAP = 128 };
	struct traces *traces = call->gateway->traces;
	struct followed *followed =
		trace_is_on(call->gateway) ? look_at(traces, call) : NULL;
	char text[TEXT_CAP];

	if (!followed)
		return;
	look_at_media(traces, call, followed);
	if (!text_format(text, sizeof(text), "call %s + %s -> %s", from, event,
			 to))
		note(traces, followed, ENTRY_STATE, text);
	if (call->state == CALL_CLOSED) {
		LIST_REMOVE(followed, link);
		free(followed);
	}
}

void trace_media_changed(const struct call *call, enum media_side side,
			 const char *what)
{
	struct traces *traces = call->gateway->traces;
	struct followed *followed =
		trace_is_on(call->gateway) ? look_at(traces, call) : NULL;

	if (!followed)
		return;
	look_at_media(traces, call, followed);
	note_side(&(struct looking){ traces, followed, call }, side, what);
}
