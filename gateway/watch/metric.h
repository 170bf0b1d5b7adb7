/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is counted and measured, under the names that Prometheus knows it by:
 * one table (metric_table.c) has the name, the help, the type and the labels of
 * each. Some counters and all histograms but the database's are kept here, fed
 * by metric_add() and metric_observe(); what the rest of the process knows
 * anyway (gauges, counters of media, trunks and database) is collected when it
 * is asked for (collect.h).
 *
 * The main thread's alone: nothing of it is on the path of a packet.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct evbuffer;
struct gateway;
struct metrics;

enum metric {
	METRIC_BUILD_INFO,
	METRIC_START_TIME,
	METRIC_CPU,
	METRIC_MEMORY,
	METRIC_FDS,
	METRIC_MAX_FDS,

	METRIC_XMPP_UP,
	METRIC_XMPP_CONNECTS,
	METRIC_DRAINING,
	METRIC_CALLS_LIMIT,
	METRIC_CALLS_ACTIVE,
	METRIC_CALLS,
	METRIC_CALLS_ANSWERED,
	METRIC_CALLS_REFUSED,
	METRIC_SETUP,
	METRIC_POST_DIAL,
	METRIC_DURATION,

	METRIC_ICE,
	METRIC_DTLS,
	METRIC_MEDIA_FAILURES,
	METRIC_MEDIA_RX,
	METRIC_MEDIA_TX,
	METRIC_MEDIA_LOST,
	METRIC_MEDIA_DROPPED,
	METRIC_SRTP_FAILURES,
	METRIC_JITTER,
	METRIC_LOSS,
	METRIC_MOS,

	METRIC_WORKER_CALLS,
	METRIC_WORKER_BUSY,
	METRIC_WORKER_PACKETS,
	METRIC_WORKER_LOST,
	METRIC_WORKER_LATE,

	METRIC_TRUNK_UP,
	METRIC_TRUNK_STATE,
	METRIC_TRUNK_REGISTERED,
	METRIC_TRUNK_REGISTRATIONS,
	METRIC_TRUNK_REGISTRATION_FAILURES,
	METRIC_TRUNK_QUALIFY_FAILURES,
	METRIC_TRUNK_FAILURES,

	METRIC_OUTBOX,
	METRIC_DB_WAITING,
	METRIC_DB_WRITES,
	METRIC_DB_TRANSACTIONS,
	METRIC_DB_ERRORS,
	METRIC_DB_LATENCY,

	METRIC_BILLING_ANSWERS,
	METRIC_BILLING_REFUSED,
	METRIC_HTTP_REQUESTS,
	METRIC_LOG_DROPPED,
	METRIC_SERIES_DROPPED,
	METRIC_NVALUES,
};

enum {
	METRIC_MAX_LABELS = 3,
	METRIC_MAX_BOUNDS = 16,
	/* Series of one metric; a label is never a peer's text, so there are as
	 * many as directions times trunks times causes. What would be more is
	 * counted in METRIC_SERIES_DROPPED alone. */
	METRIC_MAX_SERIES = 2000,
};

/* The values of a metric's labels, in the table's order. NULL is "". */
struct metric_labels {
	const char *v[METRIC_MAX_LABELS];
};
#define METRIC_LABELS(...) (&(struct metric_labels){ { __VA_ARGS__ } })
#define METRIC_NO_LABELS   (&(struct metric_labels){ { NULL } })

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int metrics_new(struct metrics **out);
/* NULL is fine; returns NULL. */
struct metrics *metrics_free(struct metrics *metrics);

/* The series is there from now on, with nothing in it: who reads it sees its
 * first event as a rise. @metrics NULL: nothing happens, here and below. */
void metric_know(struct metrics *metrics, enum metric metric,
		 const struct metric_labels *labels);
/* Of a counter. */
void metric_add(struct metrics *metrics, enum metric metric, double value,
		const struct metric_labels *labels);
/* Of a histogram, in the unit of its name. */
void metric_observe(struct metrics *metrics, enum metric metric, double value,
		    const struct metric_labels *labels);

/*
 * All of them in the text format 0.0.4 of Prometheus, the collected ones asked
 * of @gateway. 0 or -ENOMEM.
 */
CHECKED int metrics_print(const struct metrics *metrics,
			  struct gateway *gateway, struct evbuffer *out);

/* ---- for collect.c: samples of the metric that is being written ---- */

struct metric_writer;

void metric_write(struct metric_writer *writer, double value,
		  const struct metric_labels *labels);
/* A whole histogram: @counts are those up to each bound of its row, each its
 * own, and those above the last. */
void metric_write_histogram(struct metric_writer *writer,
			    const uint64_t *counts, double sum,
			    const struct metric_labels *labels);
