/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The inside of xmpp/xmpp_link.h, for xmpp_link*.c alone. */
#pragma once

#include "xmpp/xmpp_in.h"
#include "xmpp/xmpp_link.h"
#include "xmpp/xmpp_out.h"

struct event;
struct stanza_parser;

struct xmpp_link {
	const struct xmpp_link_handlers *handlers;
	void *arg;
	int fd;
	bool broken;
	bool handling; /* a stanza, in on_stanza */
	bool resumed;  /* its stream was opened by another process */
	bool told;     /* the server has ended its stream in words */
	bool torn;     /* half a stanza has been written, or read and taken */
	int mute;      /* why the server takes nothing more; 0: it does */
	struct stanza_parser *parser;
	struct xmpp_in in;
	struct xmpp_out out;
	struct event *readable, *writable;
	struct event *again;    /* there may be more to read */
	struct event *patience; /* with what is held; xmpp_in.h */
	struct event *rest;     /* the end of reading what is left */
};

/* xmpp_link.c */
void xmpp_link_break_errno(struct xmpp_link *link, int r);
/* Whether it is whole has perhaps changed. */
void xmpp_link_tell_whole(struct xmpp_link *link);
/* What waits is written, as far as it can be. */
void xmpp_link_flush(struct xmpp_link *link);

/* xmpp_link_read.c: what comes is read from now on. 0 or -errno. */
CHECKED int xmpp_link_read_init(struct xmpp_link *link,
				struct event_base *base);
void xmpp_link_read_fini(struct xmpp_link *link);
/* Nothing more is read. */
void xmpp_link_read_stop(struct xmpp_link *link);
/* What the server wrote before it closed, to its end; then the link breaks by
 * why it is mute. */
void xmpp_link_read_rest(struct xmpp_link *link);
