/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/stanza_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fail_alloc.h"
#include "tests/test.h"
#include "xmpp/stanza_text.h"

#define OPEN                                                              \
	"<?xml version='1.0'?><stream:stream "                            \
	"xmlns='jabber:component:accept' xmlns:stream='" STANZA_NS_STREAM \
	"' from='tel.example.org' id='abc'>"

struct seen {
	struct stanza_parser *parser;
	char *heads, *stanzas; /* each as text, one after the other */
	int opened, count, closed;
	int stop_after; /* stanzas; 0: never */
};

static void append(char **to, const struct stanza *st)
{
	char *text = NULL;
	size_t n = 0, before = *to ? strlen(*to) : 0;

	assert_int_equal(stanza_format(st, 0, &text, &n), 0);
	*to = realloc(*to, before + n + 1);
	assert_non_null(*to);
	memcpy(*to + before, text, n + 1);
	free(text);
}

static void on_open(const struct stanza *head, void *arg)
{
	struct seen *seen = arg;

	seen->opened++;
	append(&seen->heads, head);
}

static void on_stanza(struct stanza *stanza, void *arg)
{
	struct seen *seen = arg;

	append(&seen->stanzas, stanza);
	stanza_free(stanza);
	if (++seen->count == seen->stop_after)
		stanza_parser_stop(seen->parser);
}

static void on_close(void *arg)
{
	((struct seen *)arg)->closed++;
}

static const struct stanza_parser_handlers handlers = { .on_open = on_open,
							.on_stanza = on_stanza,
							.on_close = on_close };

static void begin(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(stanza_parser_new(&seen->parser, &handlers, seen), 0);
	assert_int_equal(stanza_parser_feed(seen->parser, OPEN, strlen(OPEN)),
			 0);
	assert_int_equal(seen->opened, 1);
}

static void end(struct seen *seen)
{
	stanza_parser_free(seen->parser);
	free(seen->heads);
	free(seen->stanzas);
}

static int feed(struct seen *seen, const char *text)
{
	return stanza_parser_feed(seen->parser, text, strlen(text));
}

static void a_stream_opens_carries_stanzas_and_closes(void **state)
{
	(void)state;
	struct seen seen;

	begin(&seen);
	assert_string_equal(seen.heads, "<stream xmlns='" STANZA_NS_STREAM
					"' from='tel.example.org' id='abc'/>");
	assert_int_equal(feed(&seen, " <iq id='1'><ping xmlns='urn:p'/></iq>\n"
				     "<message xml:lang='de'><body>a&amp;b"
				     "</body></message></stream:stream>"),
			 0);
	assert_string_equal(seen.stanzas,
			    "<iq id='1'><ping xmlns='urn:p'/></iq>"
			    "<message xml:lang='de'><body>a&amp;b</body>"
			    "</message>");
	assert_int_equal(seen.closed, 1);
	end(&seen);
}

static void a_stanza_is_delivered_with_its_last_octet(void **state)
{
	(void)state;
	static const char text[] = "<iq id='1'><jingle xmlns='urn:j' sid='2'>"
				   "<reason><success/></reason></jingle></iq>";
	for (size_t cut = 1; cut + 1 < sizeof(text); cut++) {
		struct seen seen;
		begin(&seen);
		assert_int_equal(stanza_parser_feed(seen.parser, text, cut), 0);
		assert_int_equal(seen.count, 0);
		assert_int_equal(feed(&seen, text + cut), 0);
		assert_int_equal(seen.count, 1);
		end(&seen);
	}
	struct seen seen;
	begin(&seen);
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		assert_int_equal(stanza_parser_feed(seen.parser, text + i, 1),
				 0);
	assert_string_equal(seen.stanzas, text);
	end(&seen);
}

static void a_stream_error_is_a_stanza_of_its_namespace(void **state)
{
	(void)state;
	struct seen seen;

	begin(&seen);
	assert_int_equal(feed(&seen, "<stream:error><conflict xmlns='urn:ietf:"
				     "params:xml:ns:xmpp-streams'/>"
				     "</stream:error>"),
			 0);
	assert_string_equal(seen.stanzas,
			    "<error xmlns='" STANZA_NS_STREAM
			    "'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-"
			    "streams'/></error>");
	end(&seen);
}

static void attributes_of_foreign_namespaces_are_left_out(void **state)
{
	(void)state;
	struct seen seen;

	begin(&seen);
	assert_int_equal(feed(&seen, "<a xmlns:f='urn:f' f:b='1' c='2'/>"), 0);
	assert_string_equal(seen.stanzas, "<a c='2'/>");
	end(&seen);
}

static void what_xmpp_forbids_ends_the_stream(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int outcome;
		const char *condition;
	} cases[] = {
		{ "<!-- a -->", STANZA_PARSE_E_RESTRICTED, "restricted-xml" },
		{ "<a><!-- a --></a>", STANZA_PARSE_E_RESTRICTED,
		  "restricted-xml" },
		{ "<?php a?>", STANZA_PARSE_E_RESTRICTED, "restricted-xml" },
		{ "<a></b>", STANZA_PARSE_E_XML, "not-well-formed" },
		{ "<a>&nbsp;</a>", STANZA_PARSE_E_XML, "not-well-formed" },
		{ "<a>\x01</a>", STANZA_PARSE_E_XML, "not-well-formed" },
		{ "<a>\xff</a>", STANZA_PARSE_E_XML, "not-well-formed" },
		{ "<a b='1' b='2'/>", STANZA_PARSE_E_XML, "not-well-formed" },
		{ "<p:a/>", STANZA_PARSE_E_XML, "not-well-formed" },
		{ "<a xmlns='u\nv'/><a>&#1;</a>", STANZA_PARSE_E_XML,
		  "not-well-formed" },
		{ "text", STANZA_PARSE_E_FORMAT, "bad-format" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen seen;
		begin(&seen);
		assert_int_equal(feed(&seen, cases[i].text), cases[i].outcome);
		assert_string_equal(
			stanza_parse_condition(
				(enum stanza_parse_outcome)cases[i].outcome),
			cases[i].condition);
		assert_int_equal(feed(&seen, "<a/>"), cases[i].outcome);
		end(&seen);
	}
}

static void a_document_type_is_refused_before_its_entities(void **state)
{
	(void)state;
	struct stanza *st = NULL;

	assert_int_equal(
		stanza_parse(&st, slice_of("<!DOCTYPE a [<!ENTITY b 'c'>]>"
					   "<a>&b;</a>")),
		STANZA_PARSE_E_RESTRICTED);
	assert_null(st);
}

static char *repeat(const char *head, const char *body, size_t n,
		    const char *tail)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fputs(head, f);
	for (size_t i = 0; i < n; i++)
		fputs(body, f);
	fputs(tail, f);
	fclose(f);
	return text;
}

static void expect(char *text, int outcome)
{
	struct seen seen;

	begin(&seen);
	assert_int_equal(feed(&seen, text), outcome);
	end(&seen);
	/* and in pieces, as TCP cuts */
	begin(&seen);
	int r = 0;
	size_t n = strlen(text);
	for (size_t at = 0; at < n && !r; at += 1400)
		r = stanza_parser_feed(seen.parser, text + at,
				       n - at < 1400 ? n - at : 1400);
	assert_int_equal(r, outcome);
	end(&seen);
	free(text);
}

static void limits_hold(void **state)
{
	(void)state;
	enum { MAX = STANZA_PARSE_MAX, LIMIT = STANZA_PARSE_E_LIMIT };
	char attrs[STANZA_PARSE_ATTRS_MAX + 1][8];
	char *list = repeat("<a", "", 0, "");

	expect(repeat("<a>", "x", MAX - 7, "</a>"), 0);
	expect(repeat("<a>", "x", MAX - 6, "</a>"), LIMIT);
	expect(repeat("<a b='", "x", MAX, ""), LIMIT); /* no end in sight */
	expect(repeat("<", "x", MAX, ""), LIMIT);
	expect(repeat("", " ", 3 * MAX, "<a/>"), 0); /* keepalives */
	expect(repeat("", "<a>xxx</a>", MAX, ""), 0);
	expect(repeat("", "<a>", STANZA_PARSE_DEPTH_MAX, ""), 0);
	expect(repeat("", "<a>", STANZA_PARSE_DEPTH_MAX + 1, ""), LIMIT);
	expect(repeat("<", "x", STANZA_PARSE_NAME_MAX, "/>"), 0);
	expect(repeat("<", "x", STANZA_PARSE_NAME_MAX + 1, "/>"), LIMIT);
	expect(repeat("<a ", "x", STANZA_PARSE_NAME_MAX + 1, "=''/>"), LIMIT);
	expect(repeat("<a xmlns='", "x", STANZA_PARSE_NAME_MAX + 1, "'/>"),
	       LIMIT);
	expect(repeat("<a xmlns:", "x", 60000, "='urn:a'/>"), 0);
	for (size_t i = 0; i <= STANZA_PARSE_ATTRS_MAX; i++) {
		snprintf(attrs[i], sizeof(attrs[i]), " a%u=''", (unsigned)i);
		char *longer = repeat(list, attrs[i], 1, "");
		free(list);
		list = longer;
		if (i + 1 == STANZA_PARSE_ATTRS_MAX)
			expect(repeat(list, "", 0, "/>"), 0);
	}
	expect(repeat(list, "", 0, "/>"), LIMIT);
	free(list);
}

struct refusals {
	unsigned stanzas, refused, closed;
	char from[32]; /* of the last that was refused; "" lost */
};

static void note_open(const struct stanza *head, void *arg)
{
	(void)head;
	(void)arg;
}

static void note_stanza(struct stanza *stanza, void *arg)
{
	struct refusals *seen = arg;

	seen->stanzas++;
	stanza_free(stanza);
}

static void note_close(void *arg)
{
	struct refusals *seen = arg;

	seen->closed++;
}

static void note_refused(const struct stanza *head, void *arg)
{
	struct refusals *seen = arg;
	const char *from = head ? stanza_attr(head, "from") : NULL;

	seen->refused++;
	snprintf(seen->from, sizeof(seen->from), "%s", from ? from : "");
	assert_true(!head || !stanza_first(head));
}

static const struct stanza_parser_handlers noting = { note_open, note_stanza,
						      note_close,
						      note_refused };

/* A stream of @text, owned, between two stanzas that are whole. */
static void expect_refused(char *text, const char *from)
{
	AUTO(stanza_parser_freep) struct stanza_parser *parser = NULL;
	struct refusals seen = { 0 };
	const char *const parts[] = {
		"<stream:stream xmlns='jabber:component:accept' "
		"xmlns:stream='http://etherx.jabber.org/streams'><a/>",
		text, "<b/> </stream:stream>"
	};

	assert_int_equal(stanza_parser_new(&parser, &noting, &seen), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			stanza_parser_feed(parser, parts[i], strlen(parts[i])),
			0);
	assert_int_equal(seen.stanzas, 2);
	assert_int_equal(seen.refused, 1);
	assert_int_equal(seen.closed, 1);
	assert_string_equal(seen.from, from);
	free(text);
}

static char *nested(const char *before, size_t depth)
{
	char *inner = repeat(before, "<a>", depth, "");
	char *whole = repeat(inner, "</a>", depth, "</m>");

	free(inner);
	return whole;
}

static void what_is_too_large_costs_itself_alone(void **state)
{
	(void)state;
	enum { MAX = STANZA_PARSE_MAX };

	expect_refused(repeat("<m from='x'>", "y", 3 * MAX, "</m>"), "x");
	expect_refused(repeat("<m from='x'>", "<c/>", MAX, "</m>"), "x");
	expect_refused(nested("<m from='x'>", STANZA_PARSE_DEPTH_MAX), "x");
	expect_refused(nested("<m from='x'>", MAX / 4), "x");
	expect_refused(repeat("<m from='x'><a b='", "y", 2 * MAX, "'/></m>"),
		       "x");
	expect_refused(repeat("<m from='x' b='", "y", 2 * MAX, "'/>"), "");
	expect_refused(repeat("<m from='x'><", "n", STANZA_PARSE_NAME_MAX + 1,
			      "/></m>"),
		       "x");
	expect_refused(repeat("<", "n", STANZA_PARSE_NAME_MAX + 1, "/>"), "");
}

static void what_has_no_end_ends_the_stream(void **state)
{
	(void)state;
	AUTO(stanza_parser_freep) struct stanza_parser *parser = NULL;
	struct refusals seen = { 0 };
	char *text = repeat("<s><m>", "y", STANZA_PARSE_SKIP_MAX + 100, "");

	assert_int_equal(stanza_parser_new(&parser, &noting, &seen), 0);
	assert_int_equal(stanza_parser_feed(parser, text, strlen(text)),
			 STANZA_PARSE_E_LIMIT);
	assert_int_equal(seen.refused, 0);
	free(text);
}

static void a_handler_may_stop_the_parser(void **state)
{
	(void)state;
	struct seen seen;

	begin(&seen);
	seen.stop_after = 2;
	assert_int_equal(feed(&seen, "<a/><b/><c/><d/></stream:stream>"), 0);
	assert_int_equal(feed(&seen, "<e/>"), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.closed, 0);
	end(&seen);
}

static void one_element_is_read_alone(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct stanza *none = NULL;

	assert_int_equal(stanza_parse(&st, slice_of("<a xmlns='urn:a'>"
						    "<b>1\n2&lt;3</b></a>\n")),
			 0);
	assert_true(stanza_is(st, "a", "urn:a"));
	assert_string_equal(stanza_find_text(st, "b", NULL), "1\n2<3");
	assert_int_equal(stanza_parse(&none, slice_of("")), STANZA_PARSE_E_XML);
	assert_int_equal(stanza_parse(&none, slice_of("<a>")),
			 STANZA_PARSE_E_XML);
	assert_int_equal(stanza_parse(&none, slice_of("<a/><b/>")),
			 STANZA_PARSE_E_XML);
	assert_null(none);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct stanza *st = NULL;
	int r;

	FAIL_EACH_ALLOCATION(
		r, stanza_parse(&st, slice_of("<a b='1'>2\n3&lt;<c/></a>")))
	st = stanza_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_opens_carries_stanzas_and_closes),
		cmocka_unit_test(a_stanza_is_delivered_with_its_last_octet),
		cmocka_unit_test(a_stream_error_is_a_stanza_of_its_namespace),
		cmocka_unit_test(attributes_of_foreign_namespaces_are_left_out),
		cmocka_unit_test(what_xmpp_forbids_ends_the_stream),
		cmocka_unit_test(
			a_document_type_is_refused_before_its_entities),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(what_is_too_large_costs_itself_alone),
		cmocka_unit_test(what_has_no_end_ends_the_stream),
		cmocka_unit_test(a_handler_may_stop_the_parser),
		cmocka_unit_test(one_element_is_read_alone),
		cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
