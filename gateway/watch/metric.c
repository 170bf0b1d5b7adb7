/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/metric.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/tree.h"
#include "gateway/watch/metric_table.h"

struct series {
	RB_ENTRY(series) entry;
	const char *labels[METRIC_MAX_LABELS]; /* in text */
	double value;
	uint64_t counts[METRIC_MAX_BOUNDS + 1];
	char text[];
};
RB_HEAD(series_tree, series);

struct metrics {
	struct {
		struct series_tree tree;
		size_t n;
	} kept[METRIC_NVALUES];
};

static int compare(const struct series *a, const struct series *b)
{
	int order = 0;

	for (size_t i = 0; !order && i < METRIC_MAX_LABELS; i++)
		order = strcmp(a->labels[i], b->labels[i]);
	return order;
}

TREE_GENERATE(series_tree, series, entry, compare)

int metrics_new(struct metrics **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct metrics *metrics_free(struct metrics *metrics)
{
	struct series *series, *next;

	for (size_t i = 0; metrics && i < METRIC_NVALUES; i++) {
		struct series_tree *tree = &metrics->kept[i].tree;

		RB_FOREACH_SAFE(series, series_tree, tree, next) {
			RB_REMOVE(series_tree, tree, series);
			free(series);
		}
	}
	free(metrics);
	return NULL;
}

static const char *label(const struct metric_labels *labels, size_t i)
{
	return labels->v[i] ? labels->v[i] : "";
}

static struct series *new_series(const struct metric_labels *labels)
{
	size_t n = 0;

	for (size_t i = 0; i < METRIC_MAX_LABELS; i++)
		n += strlen(label(labels, i)) + 1;
	struct series *series = calloc(1, sizeof(*series) + n);
	if (!series)
		return NULL;
	char *at = series->text;
	for (size_t i = 0; i < METRIC_MAX_LABELS; i++) {
		series->labels[i] = at;
		at = stpcpy(at, label(labels, i)) + 1;
	}
	return series;
}

/* A process that is out of memory counts less, and works. */
static struct series *get(struct metrics *metrics, enum metric metric,
			  const struct metric_labels *labels)
{
	struct series_tree *tree = &metrics->kept[metric].tree;
	struct series key = { .value = 0 };

	for (size_t i = 0; i < METRIC_MAX_LABELS; i++)
		key.labels[i] = label(labels, i);
	struct series *series = RB_FIND(series_tree, tree, &key);
	if (series)
		return series;
	series = metrics->kept[metric].n < METRIC_MAX_SERIES
			 ? new_series(labels)
			 : NULL;
	if (!series) {
		if (metric != METRIC_SERIES_DROPPED)
			metric_add(metrics, METRIC_SERIES_DROPPED, 1,
				   METRIC_NO_LABELS);
		return NULL;
	}
	metrics->kept[metric].n++;
	RB_INSERT(series_tree, tree, series);
	return series;
}

void metric_know(struct metrics *metrics, enum metric metric,
		 const struct metric_labels *labels)
{
	if (metrics)
		(void)get(metrics, metric, labels);
}

void metric_add(struct metrics *metrics, enum metric metric, double value,
		const struct metric_labels *labels)
{
	struct series *series = metrics ? get(metrics, metric, labels) : NULL;

	assert(metric_rows[metric].type == METRIC_COUNTER);
	if (series && value > 0)
		series->value += value;
}

void metric_observe(struct metrics *metrics, enum metric metric, double value,
		    const struct metric_labels *labels)
{
	const struct metric_row *row = &metric_rows[metric];
	struct series *series = metrics ? get(metrics, metric, labels) : NULL;
	size_t i = 0;

	assert(row->type == METRIC_HISTOGRAM);
	if (!series)
		return;
	while (i < row->nbounds && value > row->bounds[i])
		i++;
	series->counts[i]++;
	series->value += value;
}

void metric_each(const struct metrics *metrics, enum metric metric,
		 metric_each_fn fn, void *arg)
{
	struct metrics *mine = (struct metrics *)metrics;
	struct series *series;

	RB_FOREACH(series, series_tree, &mine->kept[metric].tree)
		fn(&(struct metric_value){ .labels = series->labels,
					   .value = series->value,
					   .counts = series->counts },
		   arg);
}
