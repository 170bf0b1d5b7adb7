/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What comes on the component stream, which acknowledges nothing (XEP-0114):
 * who has sent a stanza never hears that it died with the process that read it.
 * So octets are looked at (MSG_PEEK) and stay in the kernel until the stanzas
 * they make are done with. Whoever takes the socket up after this process reads
 * them again, from the first stanza that was not done.
 *
 *     taken          begin of the first hold      parsed    seen
 *       |  done, may be taken  |  waits for the disk  |  half a stanza  |
 *
 * All are offsets in the stream.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum {
	/* Octets that wait. What is behind them is not looked at before the
	 * first of them is done, but no longer than XMPP_IN_PATIENCE_MS: a disk
	 * that stands still does not stop calls. Then octets leave the kernel
	 * before they are done, until those that did are. */
	XMPP_IN_MAX = 32 * 1024,
	XMPP_IN_PATIENCE_MS = 500,
	/* The kernel must hold more, or the server could not go on. */
	XMPP_IN_KERNEL = 8 * XMPP_IN_MAX,
};

struct xmpp_hold;

struct xmpp_in {
	int fd;
	char *buf;
	uint64_t taken, seen;
	uint64_t boundary; /* end of the last whole stanza */
	TAILQ_HEAD(, xmpp_hold) holds;
	bool hurried; /* patience has ended */
	/* In memory that outlives us: processes in a row that have begun to
	 * read and had nothing done. NULL: nobody counts. */
	_Atomic uint32_t *tries;
	bool tried; /* this one is counted */
};

/* @skip: octets that the parser got without their being on @fd. 0, -ENOMEM. */
CHECKED int xmpp_in_init(struct xmpp_in *in, int fd, uint64_t skip);
void xmpp_in_fini(struct xmpp_in *in);

/*
 * The octets that are new: borrowed until the next call. Empty: none for now.
 * *@ended: the peer has closed, and nothing waits. 0 or -errno.
 */
CHECKED int xmpp_in_look(struct xmpp_in *in, struct slice *out, bool *ended);

/* Up to @offset there are whole stanzas. */
void xmpp_in_pass(struct xmpp_in *in, uint64_t offset);
/* All that is whole and not held leaves the kernel. Whether there may be more
 * to look at. */
bool xmpp_in_take(struct xmpp_in *in);
/* XMPP_IN_MAX octets wait, and something is held. */
bool xmpp_in_is_stuck(const struct xmpp_in *in);
/* It has been so for long enough. */
void xmpp_in_hurry(struct xmpp_in *in);
/* Whether half a stanza has been taken: nobody could go on from here. */
bool xmpp_in_is_torn(const struct xmpp_in *in);

/* The stanza behind the boundary waits until xmpp_in_release(@id), which is not
 * 0. Without memory it does not wait. */
void xmpp_in_hold(struct xmpp_in *in, uint64_t id);
/* Whether none waits any more: there may be more to look at. */
bool xmpp_in_release(struct xmpp_in *in, uint64_t id);
