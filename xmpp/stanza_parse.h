/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Octets of an XMPP stream to stanzas (RFC 6120, 4 and 11), a piece at a time
 * and without I/O: libexpat, with what XMPP forbids refused and everything a
 * peer can make us hold bounded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "xmpp/stanza.h"

enum {
	STANZA_PARSE_MAX = 64 * 1024, /* octets of one stanza */
	STANZA_PARSE_DEPTH_MAX = 64,  /* of elements within one stanza */
	STANZA_PARSE_ATTRS_MAX = 64,  /* of one element */
	STANZA_PARSE_NAME_MAX = 256,  /* octets of a name or a namespace */
	/* What is read over of a stanza past one of these. Servers let users
	 * send 256 or 512 KiB: that must not cost everybody's stream. */
	STANZA_PARSE_SKIP_MAX = 2 * 1024 * 1024,
};

/* Each is the end of the stream, with the error that RFC 6120, 4.9.3 names. */
enum stanza_parse_outcome {
	STANZA_PARSE_E_XML = 1, /* not-well-formed */
	STANZA_PARSE_E_RESTRICTED =
		2,                 /* restricted-xml: DOCTYPE, PI, comment */
	STANZA_PARSE_E_LIMIT = 3,  /* policy-violation: a limit above */
	STANZA_PARSE_E_FORMAT = 4, /* bad-format: text between stanzas */
};

/* "not-well-formed" and so on, for <stream:error/> and the log. */
const char *stanza_parse_condition(enum stanza_parse_outcome outcome);

struct stanza_parser;

/* All are called from stanza_parser_feed(), which they must not call. */
struct stanza_parser_handlers {
	/* The stream's own start tag, without children; borrowed. */
	void (*on_open)(const struct stanza *head, void *arg);
	/* One stanza, or <error/> of STANZA_NS_STREAM; owned by the handler. */
	void (*on_stanza)(struct stanza *stanza, void *arg);
	/* The stream's end tag. */
	void (*on_close)(void *arg);
	/* A stanza past a limit was read over: its name, type, id, from and to
	 * for the error it gets, NULL if they are lost; borrowed. Without this
	 * handler a limit is the end, as STANZA_PARSE_SKIP_MAX always is. */
	void (*on_refused)(const struct stanza *head, void *arg);
};

/*
 * For one stream: a new connection needs a new parser. *@out is owned by the
 * caller: stanza_parser_free(). @handlers and @arg are borrowed for its
 * lifetime. 0 or -ENOMEM.
 */
CHECKED int stanza_parser_new(struct stanza_parser **out,
			      const struct stanza_parser_handlers *handlers,
			      void *arg);
/* Not from within a handler. NULL is fine; returns NULL. */
struct stanza_parser *stanza_parser_free(struct stanza_parser *parser);
DEFINE_AUTO(struct stanza_parser *, stanza_parser_free)

/*
 * The next octets received. 0, STANZA_PARSE_E_*, or -ENOMEM; after anything but
 * 0 every further call returns the same.
 */
CHECKED int stanza_parser_feed(struct stanza_parser *parser, const char *p,
			       size_t n);
/* How many octets, of all that were fed, end with the stream's tag or a whole
 * stanza: in a handler, the one that it is called for. */
uint64_t stanza_parser_whole(const struct stanza_parser *parser);
/*
 * Call no handler any more, whatever is fed: for a handler that closes the
 * stream.
 */
void stanza_parser_stop(struct stanza_parser *parser);

/*
 * One element that stands alone, within the same limits. *@out is owned by the
 * caller. 0, STANZA_PARSE_E_*, or -ENOMEM.
 */
CHECKED int stanza_parse(struct stanza **out, struct slice xml);
/* The same of a stanza that was kept as stanza_format() writes it, as it stands
 * in a stream, whose namespace it has; -EINVAL: there is none. */
CHECKED int stanza_parse_kept(struct stanza **out, const char *xml);
