/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The rows behind gateway/watch/metric.h, shared by metric.c, metric_print.c
 * and metric_table.c. Nobody else includes it.
 */
#pragma once

#include "gateway/watch/metric.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_row {
	const char *name, *help;
	enum metric_type type;
	const char *labels[METRIC_MAX_LABELS];
	const double *bounds; /* of a histogram; rising */
	size_t nbounds;
	/* NULL: what metric_add() and metric_observe() were told. */
	void (*collect)(struct metric_writer *writer, struct gateway *gateway);
};
extern const struct metric_row metric_rows[METRIC_NVALUES];

/* What was kept of a metric, in the order of its labels. */
struct metric_value {
	const char *const *labels;
	double value;           /* of counters; the sum of histograms */
	const uint64_t *counts; /* of histograms: nbounds + 1, each its own */
};
typedef void (*metric_each_fn)(const struct metric_value *value, void *arg);
void metric_each(const struct metrics *metrics, enum metric metric,
		 metric_each_fn fn, void *arg);
