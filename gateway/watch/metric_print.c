/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The text format 0.0.4 of Prometheus: a HELP and a TYPE line for each metric,
 * then a line a sample.
 */
#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gateway/watch/metric_table.h"

struct metric_writer {
	struct evbuffer *out;
	const struct metric_row *row;
	int failed;
};

static void put(struct metric_writer *w, const char *text, size_t n)
{
	if (evbuffer_add(w->out, text, n))
		w->failed = -ENOMEM;
}

static void put_text(struct metric_writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void put_label(struct metric_writer *w, const char *name,
		      const char *value, char before)
{
	put(w, &before, 1);
	put_text(w, name);
	put_text(w, "=\"");
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			put(w, "\\", 1);
		if (*value == '\n')
			put_text(w, "\\n");
		else
			put(w, value, 1);
	}
	put(w, "\"", 1);
}

static void put_number(struct metric_writer *w, double value)
{
	enum { DIGITS = 15 };
	/* Counters below 2^53 are whole numbers, and are written so. */
	bool whole = value >= 0 && value <= 9007199254740992.0 &&
		     value == (double)(uint64_t)value;

	if (evbuffer_add_printf(w->out, "%.*g", whole ? DIGITS + 2 : DIGITS,
				value) < 0)
		w->failed = -ENOMEM;
}

/* @le: the bound of a bucket; NULL: none. */
static void put_sample(struct metric_writer *w, const char *suffix,
		       const char *const *labels, const char *le, double value)
{
	char before = '{';

	put_text(w, w->row->name);
	put_text(w, suffix);
	for (size_t i = 0; i < METRIC_MAX_LABELS && w->row->labels[i]; i++) {
		put_label(w, w->row->labels[i], labels[i] ? labels[i] : "",
			  before);
		before = ',';
	}
	if (le) {
		put_label(w, "le", le, before);
		before = ',';
	}
	put_text(w, before == ',' ? "} " : " ");
	put_number(w, value);
	put(w, "\n", 1);
}

static void put_histogram(struct metric_writer *w, const char *const *labels,
			  const uint64_t *counts, double sum)
{
	enum { BOUND_CAP = 32 };
	uint64_t total = 0;

	for (size_t i = 0; i <= w->row->nbounds; i++) {
		char le[BOUND_CAP] = "+Inf";

		if (i < w->row->nbounds)
			(void)snprintf(le, sizeof(le), "%g", w->row->bounds[i]);
		total += counts[i];
		put_sample(w, "_bucket", labels, le, (double)total);
	}
	put_sample(w, "_sum", labels, NULL, sum);
	put_sample(w, "_count", labels, NULL, (double)total);
}

void metric_write(struct metric_writer *writer, double value,
		  const struct metric_labels *labels)
{
	put_sample(writer, "", labels->v, NULL, value);
}

void metric_write_histogram(struct metric_writer *writer,
			    const uint64_t *counts, double sum,
			    const struct metric_labels *labels)
{
	put_histogram(writer, labels->v, counts, sum);
}

static void on_value(const struct metric_value *value, void *arg)
{
	struct metric_writer *w = arg;

	if (w->row->type == METRIC_HISTOGRAM)
		put_histogram(w, value->labels, value->counts, value->value);
	else
		put_sample(w, "", value->labels, NULL, value->value);
}

static void put_head(struct metric_writer *w)
{
	static const char *const types[] = { [METRIC_COUNTER] = "counter",
					     [METRIC_GAUGE] = "gauge",
					     [METRIC_HISTOGRAM] = "histogram" };

	if (evbuffer_add_printf(w->out, "# HELP %s %s\n# TYPE %s %s\n",
				w->row->name, w->row->help, w->row->name,
				types[w->row->type]) < 0)
		w->failed = -ENOMEM;
}

int metrics_print(const struct metrics *metrics, struct gateway *gateway,
		  struct evbuffer *out)
{
	struct metric_writer w = { .out = out };

	for (size_t i = 0; i < METRIC_NVALUES && !w.failed; i++) {
		w.row = &metric_rows[i];
		put_head(&w);
		if (w.row->collect)
			w.row->collect(&w, gateway);
		else
			metric_each(metrics, (enum metric)i, on_value, &w);
	}
	return w.failed;
}
