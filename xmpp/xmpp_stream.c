/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0114, 3; RFC 6120, 4. One state machine: waiting to connect, connecting,
 * stream opened, hands being shaken, up. Whatever goes wrong in one turn of the
 * loop ends the connection at its end, never from within the parser or a send.
 */
#include "xmpp/xmpp_stream.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_dial.h"
#include "xmpp/xmpp_handshake.h"
#include "xmpp/xmpp_link.h"
#include "xmpp/xmpp_stream_state.h"

enum happening {
	EV_RETRY,
	EV_CONNECTED,
	EV_RESUMED,  /* an earlier process had opened it */
	EV_OPENED,   /* the server's stream header came, with an id */
	EV_ACCEPTED, /* <handshake/> */
	EV_FAILED,
	NEVENTS,
};

static void step(struct xmpp_stream *stream, enum happening event);

void xmpp_stream_fail(struct xmpp_stream *stream, const char *why)
{
	if (stream->why[0])
		return;
	text_clean(stream->why, sizeof(stream->why), slice_of(why));
	event_active(stream->broken, EV_TIMEOUT, 0);
}

static void fail_errno(struct xmpp_stream *stream, int r)
{
	xmpp_stream_fail(stream, strerror(-r));
}

static void on_broken(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg, EV_FAILED);
}

/* Adding again what was added once needs no memory. */
static int set_timer(struct event *timer, unsigned ms)
{
	const struct timeval tv = clock_timeval(ms);

	return evtimer_add(timer, &tv) ? -ENOMEM : 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct xmpp_stream *stream = arg;

	(void)fd;
	(void)what;
	if (stream->state == XMPP_STREAM_DOWN)
		step(stream, EV_RETRY);
	else
		xmpp_stream_fail(stream, "timeout");
}

static void on_keepalive(evutil_socket_t fd, short what, void *arg)
{
	const struct xmpp_stream *stream = arg;

	(void)fd;
	(void)what;
	if (stream->why[0])
		return;
	xmpp_stream_keep_alive(arg);
	set_timer(stream->keepalive, stream->timing.keepalive_ms);
}

void xmpp_stream_moved(struct xmpp_stream *stream)
{
	if (!stream->link || stream->why[0])
		return;
	if (xmpp_link_is_stranded(stream->link))
		xmpp_stream_fail(stream, "our address has gone");
	else if (stream->state == XMPP_STREAM_UP)
		xmpp_link_send_space(stream->link);
}

static void on_stanza(const struct stanza *stanza, void *arg)
{
	struct xmpp_stream *stream = arg;

	if (stream->why[0])
		return;
	if (stanza_is(stanza, "handshake", NULL))
		step(stream, EV_ACCEPTED);
	else if (stream->state == XMPP_STREAM_UP)
		xmpp_stream_take(stream, stanza);
}

static void on_refused(const struct stanza *head, void *arg)
{
	if (xmpp_stream_is_up(arg))
		xmpp_stream_refuse(arg, head);
}

static void on_open(const struct stanza *head, void *arg)
{
	struct xmpp_stream *stream = arg;
	const char *id = stanza_attr(head, "id");

	if (!id) /* Prosody's host-unknown follows without one */
		return;
	stream->id = text_dup(slice_of(id));
	if (stream->id)
		step(stream, EV_OPENED);
	else
		xmpp_link_break(stream->link, strerror(ENOMEM));
}

static void on_link_broken(const char *why, void *arg)
{
	struct xmpp_stream *stream = arg;

	stream->refused = !strcmp(why, "not-authorized");
	xmpp_stream_fail(stream, why);
}

static void tell_whole(const struct xmpp_stream *stream, bool whole)
{
	if (stream->handlers->whole)
		stream->handlers->whole(whole, xmpp_link_fd(stream->link),
					stream->arg);
}

static void on_whole(bool whole, void *arg)
{
	const struct xmpp_stream *stream = arg;

	if (stream->state >= XMPP_STREAM_HANDSHAKE)
		tell_whole(stream, whole);
}

uint64_t xmpp_stream_hold(struct xmpp_stream *stream)
{
	uint64_t hold = stream->last_hold + 1;

	if (!stream->link || !xmpp_link_hold(stream->link, hold))
		return 0;
	stream->last_hold = hold;
	return hold;
}

void xmpp_stream_release(struct xmpp_stream *stream, uint64_t hold)
{
	if (stream->link && hold)
		xmpp_link_release(stream->link, hold);
}

static const struct xmpp_link_handlers link_handlers = {
	.on_open = on_open,
	.on_stanza = on_stanza,
	.on_refused = on_refused,
	.on_whole = on_whole,
	.on_broken = on_link_broken,
};

/* Actions of the table; the new state is set already. */

static void on_connected(int fd, const char *why, void *arg)
{
	struct xmpp_stream *stream = arg;

	stream->dial = xmpp_dial_free(stream->dial);
	if (fd < 0) {
		xmpp_stream_fail(stream, why);
		return;
	}
	int r = xmpp_link_new(&stream->link, stream->base, fd, stream->domain,
			      &link_handlers, stream);
	if (stream->tries) /* of a stream that is no more */
		*stream->tries = 0;
	if (r)
		xmpp_stream_fail(stream, strerror(-r));
	else
		step(stream, EV_CONNECTED);
}

/* Nobody has noticed that another process goes on. */
static void resume(struct xmpp_stream *stream)
{
	int fd = stream->resumed_fd;

	stream->resumed_fd = 0;
	int r = xmpp_link_resume(&stream->link, stream->base, fd,
				 &link_handlers, stream);
	if (r) {
		fail_errno(stream, r);
		return;
	}
	xmpp_link_count(stream->link, stream->tries);
	step(stream, EV_RESUMED);
}

static void do_connect(struct xmpp_stream *stream)
{
	if (stream->resumed_fd) {
		resume(stream);
		return;
	}
	int r = xmpp_dial_start(&stream->dial, stream->base, stream->host,
				stream->port, on_connected, stream);

	set_timer(stream->timer, stream->timing.connect_ms);
	if (r)
		fail_errno(stream, r);
}

static void do_open(struct xmpp_stream *stream)
{
	set_timer(stream->timer, stream->timing.handshake_ms);
}

static void do_handshake(struct xmpp_stream *stream)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	int r = xmpp_handshake_new(&st, stream->id, stream->secret);

	if (!r) {
		/* before the first stanza can come */
		tell_whole(stream, true);
		r = xmpp_stream_put(stream, st);
	}
	if (r)
		fail_errno(stream, r < 0 ? r : -ENOMEM);
}

static void do_up(struct xmpp_stream *stream)
{
	evtimer_del(stream->timer);
	stream->ping_next = false;
	xmpp_ping_forget(&stream->ping);
	set_timer(stream->keepalive, stream->timing.keepalive_ms);
	log_info("xmpp=%s state=up host=%s port=%u", stream->domain,
		 stream->host, stream->port);
	stream->handlers->up(stream->arg);
}

static void disconnect(struct xmpp_stream *stream)
{
	stream->dial = xmpp_dial_free(stream->dial);
	stream->link = xmpp_link_free(stream->link);
	free(stream->id);
	stream->id = NULL;
}

static void retry(struct xmpp_stream *stream)
{
	disconnect(stream);
	evtimer_del(stream->keepalive);
	unsigned delay = stream->refused ? xmpp_retry_refused(&stream->retry)
					 : xmpp_retry_next(&stream->retry);

	if (stream->refused)
		log_error("xmpp=%s state=down host=%s port=%u reason=%s "
			  "hint=\"secret differs from the server's\" "
			  "retry_ms=%u",
			  stream->domain, stream->host, stream->port,
			  log_text(slice_of(stream->why)).s, delay);
	else
		log_warn("xmpp=%s state=down host=%s port=%u reason=%s "
			 "retry_ms=%u",
			 stream->domain, stream->host, stream->port,
			 log_text(slice_of(stream->why)).s, delay);
	stream->why[0] = '\0';
	stream->refused = false;
	set_timer(stream->timer, delay);
}

static void do_retry(struct xmpp_stream *stream)
{
	char why[XMPP_STREAM_WHY_CAP];

	memcpy(why, stream->why, sizeof(why));
	retry(stream);
	if (stream->handlers->refused)
		stream->handlers->refused(why, stream->arg);
}

/* Who takes it up would be told the same. */
static void do_refused(struct xmpp_stream *stream)
{
	tell_whole(stream, false);
	do_retry(stream);
}

static void do_down(struct xmpp_stream *stream)
{
	char why[XMPP_STREAM_WHY_CAP];

	/* Two gateways with one domain must not throw each other out for ever
	 * (Prosody's kick_old); all else is worth a quick retry. */
	if (strcmp(stream->why, "conflict") != 0)
		xmpp_retry_reset(&stream->retry);
	else
		xmpp_retry_conflict(&stream->retry);
	memcpy(why, stream->why, sizeof(why));
	tell_whole(stream, false);
	retry(stream);
	stream->handlers->down(why, stream->arg);
}

static const struct {
	void (*action)(struct xmpp_stream *stream); /* NULL: not expected */
	enum xmpp_stream_state next;
} transitions[XMPP_STREAM_NSTATES][NEVENTS] = {
	[XMPP_STREAM_DOWN][EV_RETRY] = { do_connect, XMPP_STREAM_CONNECTING },
	[XMPP_STREAM_CONNECTING][EV_CONNECTED] = { do_open,
						   XMPP_STREAM_OPENING },
	[XMPP_STREAM_CONNECTING][EV_RESUMED] = { do_up, XMPP_STREAM_UP },
	[XMPP_STREAM_CONNECTING][EV_FAILED] = { do_retry, XMPP_STREAM_DOWN },
	[XMPP_STREAM_OPENING][EV_OPENED] = { do_handshake,
					     XMPP_STREAM_HANDSHAKE },
	[XMPP_STREAM_OPENING][EV_FAILED] = { do_retry, XMPP_STREAM_DOWN },
	[XMPP_STREAM_HANDSHAKE][EV_ACCEPTED] = { do_up, XMPP_STREAM_UP },
	[XMPP_STREAM_HANDSHAKE][EV_FAILED] = { do_refused, XMPP_STREAM_DOWN },
	[XMPP_STREAM_UP][EV_FAILED] = { do_down, XMPP_STREAM_DOWN },
};

/* The one writer of state. An event that is not expected changes nothing. */
static void step(struct xmpp_stream *stream, enum happening event)
{
	enum xmpp_stream_state old = stream->state;

	if (!transitions[old][event].action) {
		log_debug("xmpp=%s state=%d unexpected=%d", stream->domain,
			  (int)old, (int)event);
		return;
	}
	stream->state = transitions[old][event].next;
	transitions[old][event].action(stream);
}

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

static void set_timing(struct xmpp_stream_timing *out,
		       const struct xmpp_stream_timing *timing)
{
	out->keepalive_ms = or_default(timing->keepalive_ms, 30000);
	out->connect_ms = or_default(timing->connect_ms, 20000);
	out->handshake_ms = or_default(timing->handshake_ms, 15000);
	out->retry_min_ms = or_default(timing->retry_min_ms, 100);
	out->retry_max_ms = or_default(timing->retry_max_ms, 30000);
	out->refused_ms = or_default(timing->refused_ms, 30000);
}

static bool is_domain(const char *text)
{
	struct jid jid;

	return !jid_parse(&jid, text) && slice_is(jid.domain, text);
}

static int set_config(struct xmpp_stream *stream,
		      const struct xmpp_stream_config *config)
{
	stream->host = text_dup(slice_of(config->host));
	stream->domain = text_dup(slice_of(config->domain));
	stream->secret = text_dup(slice_of(config->secret));
	stream->port = config->port;
	set_timing(&stream->timing, &config->timing);
	stream->retry =
		(struct xmpp_retry){ .min_ms = stream->timing.retry_min_ms,
				     .max_ms = stream->timing.retry_max_ms,
				     .refused_ms = stream->timing.refused_ms };
	stream->timer = evtimer_new(stream->base, on_timer, stream);
	stream->keepalive = evtimer_new(stream->base, on_keepalive, stream);
	stream->broken = event_new(stream->base, -1, 0, on_broken, stream);
	return stream->host && stream->domain && stream->secret &&
			       stream->timer && stream->keepalive &&
			       stream->broken
		       ? 0
		       : -ENOMEM;
}

int xmpp_stream_new(struct xmpp_stream **out,
		    const struct xmpp_stream_config *config,
		    struct event_base *base,
		    const struct xmpp_stream_handlers *handlers, void *arg)
{
	struct xmpp_stream *stream;

	if (!is_domain(config->domain) || !config->host || !config->host[0])
		return -EINVAL;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->base = base;
	stream->handlers = handlers;
	stream->arg = arg;
	int r = set_config(stream, config);
	if (!r)
		r = set_timer(stream->timer, 0);
	if (r) {
		xmpp_stream_free(stream);
		return r;
	}
	stream->resumed_fd = config->resumed_fd;
	stream->tries = config->tries;
	*out = stream;
	return 0;
}

struct xmpp_stream *xmpp_stream_free(struct xmpp_stream *stream)
{
	if (!stream)
		return NULL;
	disconnect(stream);
	if (stream->resumed_fd)
		close(stream->resumed_fd);
	struct event *const events[] = { stream->timer, stream->keepalive,
					 stream->broken };
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (events[i])
			event_free(events[i]);
	text_wipe(stream->secret);
	free(stream->domain);
	free(stream->host);
	free(stream);
	return NULL;
}

bool xmpp_stream_is_up(const struct xmpp_stream *stream)
{
	return stream->state == XMPP_STREAM_UP && !stream->why[0] &&
	       !xmpp_link_is_mute(stream->link);
}

bool xmpp_stream_is_flushed(const struct xmpp_stream *stream)
{
	return !stream->link || xmpp_link_is_flushed(stream->link);
}

bool xmpp_stream_is_clogged(const struct xmpp_stream *stream)
{
	return stream->link && xmpp_link_is_clogged(stream->link);
}

const char *xmpp_stream_domain(const struct xmpp_stream *stream)
{
	return stream->domain;
}
