/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One connection of the component stream: its socket, its parser, its queue.
 * Made for each connection anew.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct event_base;
struct stanza;
struct xmpp_link;

enum xmpp_link_outcome {
	XMPP_LINK_E_FULL = 1,    /* the queue is full */
	XMPP_LINK_E_ILLEGAL = 2, /* cannot be written as legal XML */
};

/* The link must not be freed in them. */
struct xmpp_link_handlers {
	/* The server's stream header; borrowed. */
	void (*on_open)(const struct stanza *head, void *arg);
	/* Anything on the stream's first level; borrowed. */
	void (*on_stanza)(const struct stanza *stanza, void *arg);
	/* A stanza past a limit (stanza_parse.h); @head is borrowed or NULL. */
	void (*on_refused)(const struct stanza *head, void *arg);
	/* Whether nothing is half written or half read: another process could
	 * go on with the connection from here. True at the beginning. */
	void (*on_whole)(bool whole, void *arg);
	/* The connection or the stream is at its end: a system error, a stream
	 * error's condition. Called once, last, also from xmpp_link_send(). */
	void (*on_broken)(const char *why, void *arg);
};

/*
 * Take @fd, connected and non-blocking, and open a stream to @domain, which has
 * been checked to be one. *@out is owned by the caller, @fd by it, also when
 * this fails. 0 or -errno.
 */
CHECKED int xmpp_link_new(struct xmpp_link **out, struct event_base *base,
			  int fd, const char *domain,
			  const struct xmpp_link_handlers *handlers, void *arg);
/* The same for a connection whose stream an earlier process of ours has opened
 * to where stanzas come; on_open is not called. */
CHECKED int xmpp_link_resume(struct xmpp_link **out, struct event_base *base,
			     int fd, const struct xmpp_link_handlers *handlers,
			     void *arg);
/* Behind xmpp_link_resume(): @tries, which must outlive the link, counts for
 * who resumes it next (xmpp_in.h). */
void xmpp_link_count(struct xmpp_link *link, _Atomic uint32_t *tries);
/* Closes the stream as far as it works. NULL is fine; returns NULL. */
struct xmpp_link *xmpp_link_free(struct xmpp_link *link);
DEFINE_AUTO(struct xmpp_link *, xmpp_link_free)

/* @stanza stays the caller's. 0, XMPP_LINK_E_*, -ENOMEM. */
CHECKED int xmpp_link_send(struct xmpp_link *link, const struct stanza *stanza);
/* In on_stanza: the stanza is not done with before xmpp_link_release(@id); if
 * we die earlier, who resumes the connection gets it again. False: no stanza is
 * being handled. */
bool xmpp_link_hold(struct xmpp_link *link, uint64_t id);
void xmpp_link_release(struct xmpp_link *link, uint64_t id);
int xmpp_link_fd(const struct xmpp_link *link);
/* The whitespace keepalive (RFC 6120, 4.6.1). */
void xmpp_link_send_space(struct xmpp_link *link);
/* The server takes nothing more; what it wrote before is still read. */
bool xmpp_link_is_mute(const struct xmpp_link *link);
/* All that was sent is the kernel's, or the link is broken. */
bool xmpp_link_is_flushed(const struct xmpp_link *link);
bool xmpp_link_is_clogged(const struct xmpp_link *link);
/* Whether it leaves from an address that this machine has not any more: TCP
 * itself would notice after minutes. */
bool xmpp_link_is_stranded(const struct xmpp_link *link);
/* Break the link: no handler is called any more, but on_broken now. */
void xmpp_link_break(struct xmpp_link *link, const char *why);
