/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What waits to be written to the component stream. Each stanza is one write,
 * so that it reaches the server in one piece where TCP allows it.
 *
 * Debian's Prosody (lua-expat without reparse deferral turned off) holds back a
 * stanza whose last tag came in pieces until more octets follow. So when a
 * stanza was cut by a full socket and nothing follows it, as many spaces do.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"

enum {
	XMPP_OUT_MAX = 8 * 1024 * 1024, /* octets */
	XMPP_OUT_MAX_STANZAS = 10000,
};

enum xmpp_out_outcome {
	XMPP_OUT_E_BLOCKED = 1, /* the socket is full: flush when writable */
	XMPP_OUT_E_FULL = 2,    /* over a limit above */
};

struct xmpp_out_piece;

struct xmpp_out {
	TAILQ_HEAD(, xmpp_out_piece) pieces;
	size_t octets, stanzas; /* unwritten */
	size_t offset;          /* of the first piece, already written */
	size_t cut;             /* length of the last stanza, if it was cut */
};

void xmpp_out_init(struct xmpp_out *out);
/* Drops what is unwritten. */
void xmpp_out_fini(struct xmpp_out *out);

/* More than half of what may wait does: what is left is for what goes on. */
bool xmpp_out_is_clogged(const struct xmpp_out *out);
/* Append a stanza. @text stays the caller's. 0, XMPP_OUT_E_FULL, -ENOMEM. */
CHECKED int xmpp_out_add(struct xmpp_out *out, const char *text, size_t n);
/* The whitespace keepalive (RFC 6120, 4.6.1): nothing if octets wait. */
CHECKED int xmpp_out_add_space(struct xmpp_out *out);
/* 0: all is written. XMPP_OUT_E_BLOCKED, -errno. */
CHECKED int xmpp_out_flush(struct xmpp_out *out, int fd);
