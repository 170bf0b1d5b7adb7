/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What passes through the component stream while it is up: stanzas both ways
 * (RFC 6120, 8), and what shows that it is alive (RFC 6120, 4.6; XEP-0199).
 */
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_guard.h"
#include "xmpp/xmpp_link.h"
#include "xmpp/xmpp_stream_state.h"

int xmpp_stream_put(struct xmpp_stream *stream, const struct stanza *stanza)
{
	int r = xmpp_link_send(stream->link, stanza);

	if (r == XMPP_LINK_E_FULL)
		return XMPP_E_FULL;
	if (r != XMPP_LINK_E_ILLEGAL)
		return r;
	log_warn("xmpp=%s dropped=out reason=illegal-xml stanza=%s",
		 stream->domain, stanza_name(stanza));
	return XMPP_E_ILLEGAL;
}

int xmpp_stream_send(struct xmpp_stream *stream, const struct stanza *stanza)
{
	if (!xmpp_stream_is_up(stream))
		return XMPP_E_DOWN;
	const char *fault = xmpp_guard_outgoing(stanza, stream->domain);
	if (fault) {
		log_warn("xmpp=%s dropped=out reason=%s stanza=%s",
			 stream->domain, fault, stanza_name(stanza));
		return XMPP_E_ILLEGAL;
	}
	int r = xmpp_stream_put(stream, stanza);
	if (!r && stream->tap)
		stream->tap(false, stanza, stream->tap_arg);
	if (!r && !xmpp_stream_is_up(stream)) /* the write broke it */
		r = XMPP_E_DOWN;
	return r;
}

void xmpp_stream_tap(struct xmpp_stream *stream, xmpp_tap_fn fn, void *arg)
{
	stream->tap = fn;
	stream->tap_arg = arg;
}

/* Keeping alive. */

static void send_ping(struct xmpp_stream *stream)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	if (xmpp_ping_new(&stream->ping, stream->domain, &iq))
		return;
	if (xmpp_stream_put(stream, iq))
		xmpp_ping_forget(&stream->ping);
}

void xmpp_stream_keep_alive(struct xmpp_stream *stream)
{
	if (xmpp_ping_is_out(&stream->ping))
		xmpp_stream_fail(stream, "no answer to ping");
	else if (stream->ping_next)
		send_ping(stream);
	else
		xmpp_link_send_space(stream->link);
	stream->ping_next = !stream->ping_next;
}

/* Reading. */

/* debug: whoever writes to us decides how often. */
static void drop(struct xmpp_stream *stream, const char *fault,
		 const char *from, const struct stanza *reply)
{
	log_debug("xmpp=%s dropped=in reason=%s from=%s", stream->domain, fault,
		  log_text(slice_of(from)).s);
	if (reply && xmpp_stream_send(stream, reply))
		log_debug("xmpp=%s error=unsent", stream->domain);
}

void xmpp_stream_take(struct xmpp_stream *stream, const struct stanza *stanza)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	if (xmpp_ping_came_back(&stream->ping, stream->domain, stanza))
		return;
	if (stream->tap)
		stream->tap(true, stanza, stream->tap_arg);
	const char *fault = xmpp_guard_incoming(&reply, stanza, stream->domain);
	if (fault)
		drop(stream, fault, stanza_attr(stanza, "from"), reply);
	else
		stream->handlers->stanza(stanza, stream->arg);
}

void xmpp_stream_refuse(struct xmpp_stream *stream, const struct stanza *head)
{
	AUTO(stanza_freep)
	struct stanza *reply =
		head ? xmpp_guard_refused(head, stream->domain) : NULL;

	drop(stream, "too-large", head ? stanza_attr(head, "from") : NULL,
	     reply);
}
