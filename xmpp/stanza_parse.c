/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RFC 6120, 11.1: comments, processing instructions, document type and entity
 * declarations end the stream. XML 1.0 sets no limit on depth, names or size;
 * those here do.
 */
#include "xmpp/stanza_parse.h"

#include <expat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/base/text.h"

/* Stands between namespace and name; expat refuses namespaces that have it. */
#define SEPARATOR '\n'
#define NS_XML    "http://www.w3.org/XML/1998/namespace"

/*
 * Since 2.6, and in Debian's 2.5.0 as a security fix, expat holds back a token
 * that came in pieces until more octets follow: a stanza cut by TCP would wait
 * for the next one. An expat without the function has no such delay.
 */
extern XML_Bool XML_SetReparseDeferralEnabled(XML_Parser parser,
					      XML_Bool enabled)
	__attribute__((weak));

struct stanza_parser {
	XML_Parser xml;
	const struct stanza_parser_handlers *handlers;
	void *arg;
	bool lone;          /* no stream around the one element */
	unsigned depth;     /* of open elements, the stream's among them */
	struct stanza *top; /* the stanza that is being read */
	struct stanza *at;  /* its innermost open element */
	bool skipping;      /* it is past a limit; @top is what is kept */
	uint64_t fed;       /* octets, all in all */
	uint64_t start;     /* where what is being read began */
	int outcome;
	bool stopped;
};

const char *stanza_parse_condition(enum stanza_parse_outcome outcome)
{
	static const char *const names[] = {
		[STANZA_PARSE_E_XML] = "not-well-formed",
		[STANZA_PARSE_E_RESTRICTED] = "restricted-xml",
		[STANZA_PARSE_E_LIMIT] = "policy-violation",
		[STANZA_PARSE_E_FORMAT] = "bad-format",
	};

	return names[outcome];
}

static void fail(struct stanza_parser *parser, int outcome)
{
	if (parser->outcome)
		return;
	parser->outcome = outcome;
	XML_StopParser(parser->xml, XML_FALSE);
}

/* Handlers still run for the rest of a token after XML_StopParser(). */
static bool is_done(const struct stanza_parser *parser)
{
	return parser->outcome || parser->stopped;
}

/* How far expat has got: the octet behind the current token. */
static uint64_t position(const struct stanza_parser *parser)
{
	XML_Index at = XML_GetCurrentByteIndex(parser->xml);
	int n = XML_GetCurrentByteCount(parser->xml);

	return at < 0 ? parser->fed : (uint64_t)at + (n > 0 ? (uint64_t)n : 0);
}

/* Without memory for it the stanza gets no error. */
static struct stanza *head_of(const struct stanza *stanza)
{
	static const char *const names[] = { "type", "id", "from", "to" };
	struct stanza *head = NULL;

	if (!stanza ||
	    stanza_new(&head, stanza_name(stanza), stanza_ns(stanza)))
		return NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		stanza_set(head, names[i], stanza_attr(stanza, names[i]));
	return stanza_ok(head) ? head : stanza_free(head);
}

/* The stream's own tag is not within a stanza. */
static unsigned outer_depth(const struct stanza_parser *parser)
{
	return parser->lone ? 0 : 1;
}

/* Past a limit: the stanza is read over, where somebody wants to know. */
static void refuse(struct stanza_parser *parser)
{
	struct stanza *head;

	if (parser->skipping || !parser->handlers->on_refused ||
	    parser->depth < outer_depth(parser)) {
		fail(parser, STANZA_PARSE_E_LIMIT);
		return;
	}
	head = head_of(parser->top);
	stanza_free(parser->top);
	parser->top = head;
	parser->at = NULL;
	parser->skipping = true;
}

static bool is_past(const struct stanza_parser *parser, uint64_t octets)
{
	return octets - parser->start >
	       (parser->skipping ? STANZA_PARSE_SKIP_MAX : STANZA_PARSE_MAX);
}

/* Whether handlers have nothing more to do. */
static bool is_over(struct stanza_parser *parser)
{
	if (!is_done(parser) && is_past(parser, position(parser)))
		refuse(parser);
	return is_done(parser);
}

static void end_refused(struct stanza_parser *parser)
{
	AUTO(stanza_freep) struct stanza *head = parser->top;

	parser->start = position(parser);
	parser->skipping = false;
	parser->top = NULL;
	parser->handlers->on_refused(head, parser->arg);
}

/* "namespace SEPARATOR name" of expat, split; -ENOMEM or a limit. */
struct full_name {
	char ns[STANZA_PARSE_NAME_MAX + 1];
	const char *name; /* into expat's */
};

static int split_name(struct full_name *out, const char *text)
{
	const char *at = strrchr(text, SEPARATOR);
	struct slice ns = { text, at ? (size_t)(at - text) : 0 };

	out->name = at ? at + 1 : text;
	if (text_copy(out->ns, sizeof(out->ns), ns) ||
	    strlen(out->name) > STANZA_PARSE_NAME_MAX)
		return STANZA_PARSE_E_LIMIT;
	return 0;
}

/*
 * Attributes of foreign namespaces have no meaning in XMPP and are left out
 * (RFC 6120, 8.4), xml:lang excepted.
 */
static int set_attr(struct stanza *st, const char *text, const char *value)
{
	struct full_name full;
	int r = split_name(&full, text);

	if (r)
		return r;
	if (!full.ns[0])
		stanza_set(st, full.name, value);
	else if (!strcmp(full.ns, NS_XML) && !strcmp(full.name, "lang"))
		stanza_set(st, "xml:lang", value);
	return 0;
}

static int set_attrs(struct stanza *st, const char *const *attrs)
{
	for (size_t i = 0; attrs[i]; i += 2) {
		int r = i / 2 == STANZA_PARSE_ATTRS_MAX
				? STANZA_PARSE_E_LIMIT
				: set_attr(st, attrs[i], attrs[i + 1]);
		if (r)
			return r;
	}
	return stanza_ok(st) ? 0 : -ENOMEM;
}

/* A child of @parent, or an element of its own. */
static int make_element(struct stanza **out, struct stanza *parent,
			const char *text, const char *const *attrs)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct full_name full;
	int r = split_name(&full, text);

	if (!r)
		r = stanza_new(&st, full.name, full.ns);
	if (!r)
		r = set_attrs(st, attrs);
	if (r)
		return r;
	if (parent)
		stanza_adopt(parent, st);
	*out = st;
	st = NULL;
	return 0;
}

static void open_stream(struct stanza_parser *parser, const char *name,
			const char *const *attrs)
{
	AUTO(stanza_freep) struct stanza *head = NULL;
	int r = make_element(&head, NULL, name, attrs);

	if (r) {
		fail(parser, r);
		return;
	}
	parser->start = position(parser);
	parser->handlers->on_open(head, parser->arg);
}

static void XMLCALL on_start(void *arg, const char *name, const char **attrs)
{
	struct stanza_parser *parser = arg;
	const char *const *list = (const char *const *)attrs;
	unsigned outer = outer_depth(parser);

	if (is_over(parser))
		return;
	if (parser->depth == STANZA_PARSE_DEPTH_MAX + outer &&
	    !parser->skipping)
		refuse(parser);
	if (parser->depth++ < outer) {
		open_stream(parser, name, list);
		return;
	}
	if (parser->skipping || is_done(parser))
		return;
	int r = make_element(&parser->at, parser->at, name, list);
	if (r == STANZA_PARSE_E_LIMIT)
		refuse(parser);
	else if (r)
		fail(parser, r);
	else if (!parser->top)
		parser->top = parser->at;
}

static void end_stanza(struct stanza_parser *parser)
{
	struct stanza *stanza = parser->top;

	parser->start = position(parser);
	parser->top = NULL;
	if (stanza_ok(stanza)) {
		parser->handlers->on_stanza(stanza, parser->arg);
	} else {
		stanza_free(stanza);
		fail(parser, -ENOMEM);
	}
}

static void XMLCALL on_end(void *arg, const char *name)
{
	struct stanza_parser *parser = arg;

	(void)name;
	if (is_over(parser))
		return;
	if (parser->depth-- == outer_depth(parser)) {
		parser->handlers->on_close(parser->arg);
		return;
	}
	if (parser->skipping) {
		if (parser->depth == outer_depth(parser))
			end_refused(parser);
		return;
	}
	parser->at = stanza_parent(parser->at);
	if (!parser->at)
		end_stanza(parser);
}

static bool is_blank(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr(" \t\r\n", s.p[i]) || !s.p[i])
			return false;
	return true;
}

/* RFC 6120, 4.6.1 */
static void keep_alive(struct stanza_parser *parser)
{
	parser->start = position(parser);
	parser->skipping = false;
}

static void XMLCALL on_text(void *arg, const char *p, int n)
{
	struct stanza_parser *parser = arg;
	struct slice text = { p, (size_t)n };

	if (is_over(parser))
		return;
	if (parser->at)
		stanza_add_slice(parser->at, text);
	else if (parser->depth > outer_depth(parser))
		return; /* of a stanza that is read over */
	else if (!is_blank(text))
		fail(parser, STANZA_PARSE_E_FORMAT);
	else
		keep_alive(parser);
}

static void restricted(struct stanza_parser *parser)
{
	if (!is_done(parser))
		fail(parser, STANZA_PARSE_E_RESTRICTED);
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *sysid,
			       const char *pubid, int has_internal_subset)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal_subset;
	restricted(arg);
}

static void XMLCALL on_instruction(void *arg, const char *target,
				   const char *data)
{
	(void)target;
	(void)data;
	restricted(arg);
}

static void XMLCALL on_comment(void *arg, const char *text)
{
	(void)text;
	restricted(arg);
}

int stanza_parser_new(struct stanza_parser **out,
		      const struct stanza_parser_handlers *handlers, void *arg)
{
	AUTO(stanza_parser_freep)
	struct stanza_parser *parser = calloc(1, sizeof(*parser));

	if (!parser)
		return -ENOMEM;
	parser->handlers = handlers;
	parser->arg = arg;
	parser->xml = XML_ParserCreateNS("UTF-8", SEPARATOR);
	if (!parser->xml)
		return -ENOMEM;
	if (XML_SetReparseDeferralEnabled)
		XML_SetReparseDeferralEnabled(parser->xml, XML_FALSE);
	XML_SetUserData(parser->xml, parser);
	XML_SetElementHandler(parser->xml, on_start, on_end);
	XML_SetCharacterDataHandler(parser->xml, on_text);
	XML_SetStartDoctypeDeclHandler(parser->xml, on_doctype);
	XML_SetProcessingInstructionHandler(parser->xml, on_instruction);
	XML_SetCommentHandler(parser->xml, on_comment);
	*out = parser;
	parser = NULL;
	return 0;
}

struct stanza_parser *stanza_parser_free(struct stanza_parser *parser)
{
	if (!parser)
		return NULL;
	stanza_free(parser->top);
	if (parser->xml)
		XML_ParserFree(parser->xml);
	free(parser);
	return NULL;
}

uint64_t stanza_parser_whole(const struct stanza_parser *parser)
{
	return parser->start;
}

void stanza_parser_stop(struct stanza_parser *parser)
{
	parser->stopped = true;
	XML_StopParser(parser->xml, XML_FALSE);
}

static void note_error(struct stanza_parser *parser)
{
	bool memory = XML_GetErrorCode(parser->xml) == XML_ERROR_NO_MEMORY;

	if (!is_done(parser))
		parser->outcome = memory ? -ENOMEM : STANZA_PARSE_E_XML;
}

/* One buffer of at most this size is copied by expat at a time. */
enum { FEED_MAX = 16 * 1024 };

int stanza_parser_feed(struct stanza_parser *parser, const char *p, size_t n)
{
	while (n && !is_done(parser)) {
		size_t piece = n < FEED_MAX ? n : FEED_MAX;
		parser->fed += piece;
		if (XML_Parse(parser->xml, p, (int)piece, 0) != XML_STATUS_OK)
			note_error(parser);
		/* what expat holds back of a token without end counts too */
		else if (!is_done(parser) && is_past(parser, parser->fed))
			refuse(parser);
		p += piece;
		n -= piece;
	}
	return parser->outcome;
}

static void keep_first(struct stanza *stanza, void *arg)
{
	struct stanza **out = arg;

	if (*out)
		stanza_free(stanza);
	else
		*out = stanza;
}

int stanza_parse(struct stanza **out, struct slice xml)
{
	static const struct stanza_parser_handlers handlers = {
		.on_stanza = keep_first,
	};
	AUTO(stanza_parser_freep) struct stanza_parser *parser = NULL;
	AUTO(stanza_freep) struct stanza *st = NULL;
	int r = stanza_parser_new(&parser, &handlers, &st);

	if (r)
		return r;
	parser->lone = true;
	r = stanza_parser_feed(parser, xml.p, xml.n);
	if (r)
		return r;
	if (XML_Parse(parser->xml, "", 0, 1) != XML_STATUS_OK)
		note_error(parser);
	if (parser->outcome)
		return parser->outcome;
	*out = st;
	st = NULL;
	return 0;
}

int stanza_parse_kept(struct stanza **out, const char *xml)
{
	AUTO(stanza_freep) struct stanza *stream = NULL;
	char *text = NULL;

	if (asprintf(&text, "<stream xmlns='" STANZA_NS "'>%s</stream>", xml) <
	    0)
		return -ENOMEM;
	int r = stanza_parse(&stream, slice_of(text));
	free(text);
	if (r)
		return r;
	struct stanza *first = stanza_first(stream);
	*out = first ? stanza_detach(first) : NULL;
	return *out ? 0 : -EINVAL;
}
