/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/page.h"

#include <stdio.h>
#include <time.h>

#include "gateway/base/clock.h"
#include "gateway/call/call_view.h"
#include "gateway/gateway.h"
#include "gateway/watch/failure.h"
#include "gateway/watch/html.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/spark.h"
#include "gateway/watch/watch.h"
#include "sip/trunk.h"
#include "xmpp/xmpp_stream.h"

enum { TIME_CAP = 32, S_PER_MIN = 60, MIN_PER_H = 60 };

struct page {
	struct html h;
	struct gateway *gateway;
	int64_t now_ms;
	unsigned left, more; /* rows of a table */
};

/* ---- small parts ---- */

/* A cell that says what it is where the table's head is not seen. */
static void open_cell(struct page *page, const char *label)
{
	html_open(&page->h, "td");
	html_attr(&page->h, "data-label", label);
}

static void cell(struct page *page, const char *label, const char *text)
{
	open_cell(page, label);
	html_text(&page->h, text);
	html_close(&page->h);
}

static void time_cell(struct page *page, const char *label, int64_t ms)
{
	time_t s = (time_t)(ms / MS_PER_S);
	bool today = page->now_ms - ms <
		     (int64_t)24 * MIN_PER_H * S_PER_MIN * MS_PER_S;
	char text[TIME_CAP];
	struct tm tm;

	if (!gmtime_r(&s, &tm) ||
	    !strftime(text, sizeof(text), today ? "%H:%M:%S" : "%Y-%m-%d %H:%M",
		      &tm))
		text[0] = '\0';
	cell(page, label, text);
}

static void duration_text(char out[static TIME_CAP], int64_t ms)
{
	int64_t s = ms > 0 ? ms / MS_PER_S : 0, min = s / S_PER_MIN;

	if (min < MIN_PER_H)
		(void)snprintf(out, TIME_CAP, "%lld:%02lld", (long long)min,
			       (long long)(s % S_PER_MIN));
	else
		(void)snprintf(out, TIME_CAP, "%lld:%02lld:%02lld",
			       (long long)(min / MIN_PER_H),
			       (long long)(min % MIN_PER_H),
			       (long long)(s % S_PER_MIN));
}

static void pill(struct page *page, const char *class_name, const char *name,
		 const char *value)
{
	html_open(&page->h, "li");
	html_attr(&page->h, "class", class_name);
	html_element(&page->h, "b", NULL, name);
	html_text(&page->h, " ");
	html_text(&page->h, value);
	html_close(&page->h);
}

static void open_table(struct page *page, const char *title,
		       const char *const *heads, size_t n)
{
	html_open(&page->h, "section");
	html_element(&page->h, "h2", NULL, title);
	html_open(&page->h, "table");
	html_open(&page->h, "thead");
	html_open(&page->h, "tr");
	for (size_t i = 0; i < n; i++)
		html_element(&page->h, "th", NULL, heads[i]);
	html_close(&page->h);
	html_close(&page->h);
	html_open(&page->h, "tbody");
}

/* @none is said of an empty table; with rows that were left out, how many. */
static void close_table(struct page *page, bool empty, const char *none)
{
	html_close(&page->h);
	html_close(&page->h);
	if (empty)
		html_element(&page->h, "p", "none", none);
	if (page->more) {
		html_open(&page->h, "p");
		html_attr(&page->h, "class", "none");
		html_textf(&page->h, "and %u more", page->more);
		html_close(&page->h);
	}
	html_close(&page->h);
}
#define OPEN_TABLE(page, title, heads) \
	open_table(page, title, heads, sizeof(heads) / sizeof((heads)[0]))

/* ---- calls ---- */

static void quality_cell(struct page *page, const char *label,
			 const struct call *call, enum media_side side)
{
	static const double PERCENT = 100;
	static const float GOOD = 3.6F, FAIR = 3.1F;
	struct quality_point now;

	open_cell(page, label);
	spark_write(&page->h, quality_of(call, side), quality_step_ms(call));
	html_open(&page->h, "span");
	if (quality_now(&now, call, side)) {
		html_attr(&page->h, "class",
			  now.mos >= GOOD   ? "good"
			  : now.mos >= FAIR ? "fair"
					    : "bad");
		html_textf(&page->h,
			   "MOS %.1f \u00b7 loss %.1f %% \u00b7 "
			   "jitter %.0f ms",
			   (double)now.mos, (double)now.loss * PERCENT,
			   (double)now.jitter_ms);
	} else {
		html_attr(&page->h, "class", "none");
		html_text(&page->h, "nothing heard yet");
	}
	html_close(&page->h);
	html_close(&page->h);
}

static void call_row(const struct call *call, void *arg)
{
	struct page *page = arg;
	struct call_view view;
	char duration[TIME_CAP];

	if (!page->left) {
		page->more++;
		return;
	}
	call_view(call, &view);
	page->left--;
	html_open(&page->h, "tr");
	cell(page, "From", view.from);
	cell(page, "To", view.to);
	cell(page, "Trunk", *view.trunk ? view.trunk : "\u2013");
	cell(page, "State", view.state);
	duration_text(duration, (int64_t)call_lasts_ms(call));
	cell(page, view.answered_ms ? "Talks for" : "Rings for", duration);
	cell(page, "Audio",
	     *view.sides[1].codec ? view.sides[1].codec : "\u2013");
	quality_cell(page, "From the caller", call, MEDIA_SIDE_A);
	quality_cell(page, "From the called", call, MEDIA_SIDE_B);
	html_close(&page->h);
}

static void put_calls(struct page *page)
{
	static const char *const heads[] = {
		"From",  "To",    "Trunk",           "State",
		"Lasts", "Audio", "From the caller", "From the called"
	};

	page->left = PAGE_CALLS_MAX;
	page->more = 0;
	OPEN_TABLE(page, "Live calls", heads);
	call_view_each(page->gateway, call_row, page);
	close_table(page, page->left == PAGE_CALLS_MAX, "No call now.");
}

/* ---- trunks and workers ---- */

static const char *const state_classes[SIP_TRUNK_NSTATES] = {
	[SIP_TRUNK_UNKNOWN] = "fair",
	[SIP_TRUNK_UP] = "good",
	[SIP_TRUNK_DEGRADED] = "fair",
	[SIP_TRUNK_DOWN] = "bad",
};

static void trunk_row(struct page *page, const struct sip_trunk *trunk)
{
	static const char *const registrations[] = {
		[SIP_REGISTRATION_NONE] = "\u2013",
		[SIP_REGISTRATION_DOWN] = "no",
		[SIP_REGISTRATION_UP] = "yes",
	};
	static const double PERCENT = 100;
	const struct sip_trunk_stats *stats = sip_trunk_stats(trunk);
	enum sip_trunk_state state = sip_trunk_state(trunk);
	struct html *h = &page->h;

	html_open(h, "tr");
	cell(page, "Trunk", sip_trunk_name(trunk));
	open_cell(page, "State");
	html_element(h, "span", state_classes[state],
		     sip_trunk_state_name(state));
	html_close(h);
	cell(page, "Registered", registrations[sip_trunk_registration(trunk)]);
	open_cell(page, "Calls out");
	html_textf(h, "%llu", (unsigned long long)stats->calls);
	html_close(h);
	open_cell(page, "Answered");
	if (stats->calls)
		html_textf(h, "%.0f %%",
			   (double)stats->answered * PERCENT /
				   (double)stats->calls);
	else
		html_text(h, "\u2013");
	html_close(h);
	cell(page, "Last error",
	     *stats->last_error ? stats->last_error : "\u2013");
	html_close(h);
}

static void put_trunks(struct page *page)
{
	static const char *const heads[] = { "Trunk",      "State",
					     "Registered", "Calls out",
					     "Answered",   "Last error" };

	page->more = 0;
	OPEN_TABLE(page, "Trunks", heads);
	for (size_t i = 0; i < page->gateway->ntrunks; i++)
		trunk_row(page, page->gateway->trunks[i]);
	close_table(page, !page->gateway->ntrunks, "No trunk is configured.");
}

static void put_workers(struct page *page)
{
	static const char *const heads[] = { "Worker", "Calls", "Busy",
					     "Packets a second" };
	static const double PER_MILLE_TO_PERCENT = 10;
	struct html *h = &page->h;

	page->more = 0;
	OPEN_TABLE(page, "Media workers", heads);
	for (unsigned i = 0; i < media_workers(page->gateway->media); i++) {
		struct media_worker_stats stats;

		media_worker_stats(page->gateway->media, i, &stats);
		html_open(h, "tr");
		open_cell(page, "Worker");
		html_textf(h, "%u", i);
		html_close(h);
		open_cell(page, "Calls");
		html_textf(h, "%u", stats.calls);
		html_close(h);
		open_cell(page, "Busy");
		html_textf(h, "%.1f %%",
			   stats.busy_permille / PER_MILLE_TO_PERCENT);
		html_close(h);
		open_cell(page, "Packets a second");
		html_textf(h, "%llu", (unsigned long long)stats.packets_s);
		html_close(h);
		html_close(h);
	}
	close_table(page, false, "");
}

/* ---- failures ---- */

static void failure_row(const struct failure *failure, void *arg)
{
	struct page *page = arg;

	if (!page->left)
		return;
	page->left--;
	html_open(&page->h, "tr");
	time_cell(page, "When (UTC)", failure->at_ms);
	cell(page, "From", failure->from);
	cell(page, "To", failure->to);
	cell(page, "Trunk", *failure->trunk ? failure->trunk : "\u2013");
	open_cell(page, "Why");
	html_text(&page->h, failure->why);
	html_text(&page->h, *failure->why ? " " : "");
	html_element(&page->h, "code", NULL, failure->cause);
	html_close(&page->h);
	html_close(&page->h);
}

static void put_failures(struct page *page)
{
	static const char *const heads[] = { "When (UTC)", "From", "To",
					     "Trunk", "Why" };

	page->left = PAGE_FAILURES_MAX;
	page->more = 0;
	OPEN_TABLE(page, "Last failures", heads);
	failures_each(page->gateway->watch->failures, failure_row, page);
	close_table(page, page->left == PAGE_FAILURES_MAX,
		    "None since the start.");
}

/* ---- the whole ---- */

static void put_head(struct page *page)
{
	struct html *h = &page->h;

	html_open(h, "head");
	html_void(h, "meta");
	html_attr(h, "charset", "utf-8");
	html_void(h, "meta");
	html_attr(h, "name", "viewport");
	html_attr(h, "content", "width=device-width, initial-scale=1");
	html_void(h, "meta");
	html_attr(h, "name", "color-scheme");
	html_attr(h, "content", "light dark");
	html_void(h, "meta");
	html_attr(h, "http-equiv", "refresh");
	html_attrf(h, "content", "%d", PAGE_RELOAD_S);
	html_void(h, "link");
	html_attr(h, "rel", "icon");
	html_attr(h, "href", "data:,");
	html_void(h, "link");
	html_attr(h, "rel", "stylesheet");
	html_attr(h, "href", "/style.css");
	html_open(h, "title");
	html_textf(h, "Tandem \u00b7 %s", page->gateway->config->xmpp.domain);
	html_close(h);
	html_close(h);
}

static unsigned trunks_up(const struct gateway *gateway)
{
	unsigned n = 0;

	for (size_t i = 0; i < gateway->ntrunks; i++)
		n += sip_trunk_takes_calls(gateway->trunks[i]);
	return n;
}

static void share_pill(struct page *page, const char *class_name,
		       const char *name, size_t n, size_t of)
{
	char text[TIME_CAP];

	(void)snprintf(text, sizeof(text), "%zu of %zu", n, of);
	pill(page, class_name, name, text);
}

static void put_state(struct page *page)
{
	const struct gateway *gateway = page->gateway;
	unsigned up = trunks_up(gateway), limit = gateway->config->limits.calls;
	bool stream = xmpp_stream_is_up(gateway->stream);

	html_open(&page->h, "ul");
	pill(page, stream ? "good" : "bad", "XMPP server",
	     stream ? "connected" : "not connected");
	share_pill(page,
		   up == gateway->ntrunks ? "good"
		   : up                   ? "fair"
					  : "bad",
		   "Trunks up", up, gateway->ntrunks);
	share_pill(page, gateway->ncalls < limit ? "good" : "bad", "Calls",
		   gateway->ncalls, limit);
	if (gateway->draining)
		pill(page, "fair", "Draining", "no new calls");
	html_close(&page->h);
}

static void put_body(struct page *page)
{
	struct html *h = &page->h;

	html_open(h, "body");
	html_open(h, "header");
	html_open(h, "h1");
	html_text(h, "Tandem ");
	html_element(h, "small", NULL, page->gateway->config->xmpp.domain);
	html_close(h);
	put_state(page);
	html_close(h);
	html_open(h, "main");
	put_calls(page);
	put_trunks(page);
	put_failures(page);
	put_workers(page);
	html_close(h);
	html_open(h, "footer");
	html_textf(h,
		   "tandem %s. Estimated MOS is what each side sends, up to "
		   "here (ITU-T G.107).",
		   TANDEM_VERSION);
	html_close(h);
	html_close(h);
}

int page_write(struct gateway *gateway, struct evbuffer *out)
{
	struct page page = { .gateway = gateway, .now_ms = clock_wall_ms() };

	html_begin(&page.h, out);
	html_open(&page.h, "html");
	html_attr(&page.h, "lang", "en");
	put_head(&page);
	put_body(&page);
	html_close(&page.h);
	return html_end(&page.h);
}
