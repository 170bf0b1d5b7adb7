/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An XMPP server's side of component streams (XEP-0114), in the test's own
 * process and loop, on loopback. It checks the handshake, sends what the test
 * says, and keeps what it gets. One connection at a time is talked to: the
 * last.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct stanza;
struct mock_xmpp;

struct mock_xmpp_manner {
	/* Answer to a stream header: the condition of a stream error, without
	 * an id as Prosody does it for host-unknown. */
	const char *refuse_stream;
	/* Answer to a right handshake; a wrong one gets not-authorized. */
	const char *refuse_handshake;
	bool silent;  /* accept the connection, say nothing */
	bool deaf;    /* read nothing */
	bool no_pong; /* pings of the component to itself are not routed */
};

struct mock_xmpp *mock_xmpp_new(struct event_base *base, const char *secret);
struct mock_xmpp *mock_xmpp_free(struct mock_xmpp *mock);

unsigned short mock_xmpp_port(const struct mock_xmpp *mock);
/* From now on; also for the connection that is open. */
void mock_xmpp_set_manner(struct mock_xmpp *mock,
			  const struct mock_xmpp_manner *manner);

/* Called with every stanza that is kept; it is borrowed. */
typedef void mock_xmpp_stanza_fn(const struct stanza *stanza, void *arg);
void mock_xmpp_set_handler(struct mock_xmpp *mock, mock_xmpp_stanza_fn *fn,
			   void *arg);

/* Octets as they stand. */
void mock_xmpp_send(struct mock_xmpp *mock, const char *xml);
/* The same, @step octets a turn of the loop; what was sent so is done when
 * mock_xmpp_is_idle(). */
void mock_xmpp_send_in_pieces(struct mock_xmpp *mock, const char *xml,
			      size_t step);
bool mock_xmpp_is_idle(const struct mock_xmpp *mock);
/* Close the connection without a word. */
void mock_xmpp_drop(struct mock_xmpp *mock);

/* What came since the mock was made. */
struct mock_xmpp_counts {
	unsigned connections, handshakes, stanzas, pings;
	unsigned spaces;   /* octets between stanzas of the last connection */
	unsigned goodbyes; /* </stream:stream> */
	unsigned faults;   /* streams that were not well-formed */
};
struct mock_xmpp_counts mock_xmpp_counts(const struct mock_xmpp *mock);
/* The condition of the last <stream:error/> that came; "" none. */
const char *mock_xmpp_stream_error(const struct mock_xmpp *mock);
/* The stanza that came last, pings left out; borrowed, NULL: none. */
const struct stanza *mock_xmpp_last(const struct mock_xmpp *mock);

/* Run @base until @done says so: true; or for @limit_ms: false. */
bool mock_run(struct event_base *base, bool (*done)(void *arg), void *arg,
	      unsigned limit_ms);
