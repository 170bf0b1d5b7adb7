/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/html.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "gateway/watch/spark.h"
#include "tests/test.h"

static struct evbuffer *out;
static struct html html;

static int setup(void **state)
{
	(void)state;
	out = evbuffer_new();
	assert_non_null(out);
	html_begin(&html, out);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	evbuffer_free(out);
	return 0;
}

static const char *written(void)
{
	assert_int_equal(html_end(&html), 0);
	assert_int_equal(evbuffer_add(out, "", 1), 0);
	return (const char *)evbuffer_pullup(out, -1) +
	       strlen("<!DOCTYPE html>\n");
}

static void elements_nest(void **state)
{
	(void)state;
	html_open(&html, "p");
	html_attr(&html, "class", "a");
	html_text(&html, "one ");
	html_element(&html, "b", NULL, "two");
	html_void(&html, "br");
	html_textf(&html, "%d", 3);
	html_close(&html);
	assert_string_equal(written(),
			    "<p class=\"a\">one <b>two</b><br>3</p>\n");
}

static void text_stays_text(void **state)
{
	(void)state;
	html_open(&html, "p");
	html_attr(&html, "title", "\"><script>alert(1)</script>");
	html_text(&html, "<script>alert('1')</script> & &amp;");
	html_close(&html);
	assert_string_equal(
		written(),
		"<p title=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\">"
		"&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; "
		"&amp;amp;</p>\n");
}

static void what_is_no_text_is_replaced(void **state)
{
	(void)state;
	/* no UTF-8, a control character, an override of direction */
	html_element(&html, "p", NULL,
		     "a\xff\x01\xe2\x80\xae"
		     "b\xc3\xa9");
	assert_string_equal(written(),
			    "<p>a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			    "b\xc3\xa9</p>\n");
}

static void what_is_too_long_is_an_error(void **state)
{
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	html_open(&html, "p");
	html_textf(&html, "%s", text);
	html_close(&html);
	assert_int_equal(html_end(&html), -EMSGSIZE);
}

/* ---- sparklines ---- */

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void a_gap_parts_the_line_and_loss_has_bars(void **state)
{
	struct quality_side side = { .n = 6 };
	const char *text;

	(void)state;
	for (unsigned i = 0; i < side.n; i++)
		side.points[i].mos = i == 2 ? 0 : 4;
	side.points[4].loss = 0.05F;
	side.points[5].loss = 2; /* cannot be, and breaks no picture */
	spark_write(&html, &side, 2000);
	text = written();
	assert_int_equal(count(text, "<polyline"), 2);
	assert_int_equal(count(text, "<rect"), 2);
	assert_non_null(strstr(text, "over 12 s, lowest 4.0"));
	assert_null(strstr(text, "=\"-"));
}

static void all_points_fit(void **state)
{
	struct quality_side side = { .n = QUALITY_POINTS };
	const char *text;

	(void)state;
	for (unsigned i = 0; i < side.n; i++)
		side.points[i].mos = 1 + (float)(i % 4);
	spark_write(&html, &side, 2000);
	text = written();
	assert_int_equal(count(text, "<polyline"), 1);
	assert_int_equal(count(strstr(text, "points="), ","), QUALITY_POINTS);
}

static void without_points_there_is_an_empty_picture(void **state)
{
	const char *text;

	(void)state;
	spark_write(&html, NULL, 2000);
	text = written();
	assert_null(strstr(text, "polyline"));
	assert_non_null(strstr(text, "nothing heard yet"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(elements_nest),
		TEST(text_stays_text),
		TEST(what_is_no_text_is_replaced),
		TEST(what_is_too_long_is_an_error),
		TEST(a_gap_parts_the_line_and_loss_has_bars),
		TEST(all_points_fit),
		TEST(without_points_there_is_an_empty_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
