/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A stanza or any XML element within (RFC 6120): an owned tree of elements and
 * text in document order. xmpp/stanza_text.h writes it, xmpp/stanza_parse.h
 * reads it.
 *
 * Building reads like the XML and is checked once, at the end:
 *
 *     AUTO(stanza_freep) struct stanza *iq = NULL;
 *
 *     r = stanza_new(&iq, "iq", NULL);
 *     if (r)
 *     	return r;
 *     stanza_set(iq, "type", "set");
 *     struct stanza *query = stanza_child(iq, "query", NS_VERSION);
 *     stanza_child_text(query, "name", NULL, "Tandem");
 *     stanza_setf(query, "seconds", "%u", uptime_s);
 *     if (!stanza_ok(iq))
 *     	return -ENOMEM;
 *
 * The building functions take a NULL element and do nothing; when memory runs
 * out they return NULL and mark the whole tree.
 *
 * @ns NULL means the parent's namespace; at the top jabber:component:accept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

#define STANZA_NS        "jabber:component:accept"
#define STANZA_NS_STREAM "http://etherx.jabber.org/streams"
#define STANZA_NS_ERROR  "urn:ietf:params:xml:ns:xmpp-stanzas"

enum stanza_outcome {
	STANZA_E_REPLY = 1, /* a result or an error is never answered */
};

struct stanza;

/* *@out is owned by the caller: stanza_free(). 0 or -ENOMEM. */
CHECKED int stanza_new(struct stanza **out, const char *name, const char *ns);
/*
 * A deep copy of @src on its own, with the namespace it has where it is.
 * 0 or -ENOMEM (also when @src itself is marked).
 */
CHECKED int stanza_copy(struct stanza **out, const struct stanza *src);
/* Unlinks @st from its parent if it has one. NULL is fine; returns NULL. */
struct stanza *stanza_free(struct stanza *st);
DEFINE_AUTO(struct stanza *, stanza_free)

/* Building. Strings are copied. */

/* Replaces; NULL removes. "xml:lang" is the one name with a prefix. */
void stanza_set(struct stanza *st, const char *name, const char *value);
void stanza_setf(struct stanza *st, const char *name, const char *fmt, ...)
	PRINTF(3, 4);
/* A new last child, owned by @parent. */
struct stanza *stanza_child(struct stanza *parent, const char *name,
			    const char *ns);
/* The same with @text inside; NULL: empty. */
struct stanza *stanza_child_text(struct stanza *parent, const char *name,
				 const char *ns, const char *text);
/* Append text; NULL appends none. */
void stanza_add_text(struct stanza *st, const char *text);
void stanza_add_slice(struct stanza *st, struct slice text);
/*
 * Make @child, which has no parent, the last child of @parent: owned by it, or
 * freed when @parent is NULL. A @child of NULL marks @parent.
 */
void stanza_adopt(struct stanza *parent, struct stanza *child);
/* Whether everything since stanza_new() was kept; false for NULL. */
CHECKED bool stanza_ok(const struct stanza *st);

/* Reading. All results are borrowed from @st, which may be NULL. */

const char *stanza_name(const struct stanza *st);
const char *stanza_ns(const struct stanza *st);
bool stanza_is(const struct stanza *st, const char *name, const char *ns);
/* NULL when it is absent. */
const char *stanza_attr(const struct stanza *st, const char *name);
/* Neither text nor elements inside. */
bool stanza_is_empty(const struct stanza *st);
/* The first text directly inside; "" when there is none. */
const char *stanza_text(const struct stanza *st);
/* The first child element that is called so (NULL: any), or NULL. */
struct stanza *stanza_find(const struct stanza *st, const char *name,
			   const char *ns);
/* The text of that child; NULL when there is no such child. */
const char *stanza_find_text(const struct stanza *st, const char *name,
			     const char *ns);
/* Child elements in order, text left out: the first; the next after @child. */
struct stanza *stanza_first(const struct stanza *st);
struct stanza *stanza_next(const struct stanza *child);
#define STANZA_FOREACH(child, st) \
	for ((child) = stanza_first(st); (child); (child) = stanza_next(child))
/* NULL at the top. */
struct stanza *stanza_parent(const struct stanza *st);
/* Unlink @child from its parent: owned by the caller now. */
struct stanza *stanza_detach(struct stanza *child);

/*
 * Every child and attribute in order, for the serializer. One of the callbacks
 * is called for each; a positive or negative result ends the walk and is
 * returned.
 */
struct stanza_walk {
	int (*attr)(const char *name, const char *value, void *arg);
	int (*text)(const char *text, void *arg);
	int (*child)(const struct stanza *child, void *arg);
};
CHECKED int stanza_walk_attrs(const struct stanza *st,
			      const struct stanza_walk *walk, void *arg);
CHECKED int stanza_walk_children(const struct stanza *st,
				 const struct stanza_walk *walk, void *arg);

/* Answers. */

/*
 * An empty answer to @request: the same name and id, addresses exchanged,
 * @type. *@out is owned by the caller. 0, STANZA_E_REPLY, -ENOMEM.
 */
CHECKED int stanza_reply(struct stanza **out, const struct stanza *request,
			 const char *type);
/* For an iq. As stanza_reply() with "result". */
CHECKED int stanza_result(struct stanza **out, const struct stanza *request);
/*
 * RFC 6120, 8.3: @condition ("service-unavailable") in an <error/> of @type;
 * NULL: the type that RFC 6120 gives the condition. @text may be NULL. A
 * further condition of an application goes into
 * stanza_find(*out, "error", NULL). As stanza_reply().
 */
CHECKED int stanza_error_reply(struct stanza **out,
			       const struct stanza *request, const char *type,
			       const char *condition, const char *text);
/* The condition in a stanza of type error; "undefined-condition" for none. */
const char *stanza_error_condition(const struct stanza *st);
