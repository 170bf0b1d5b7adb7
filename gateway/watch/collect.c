/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/collect.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "db/db.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/watch/metric.h"
#include "gateway/watch/totals.h"
#include "gateway/watch/watch.h"
#include "sip/trunk.h"
#include "xmpp/xmpp_stream.h"

#define COLLECT(name) \
	void collect_##name(struct metric_writer *w, struct gateway *gateway)

static const double PER_MILLE = 1000;
static const double US_PER_S = 1e6;

/* ---- the process: names as of Prometheus' client libraries ---- */

COLLECT(build)
{
	(void)gateway;
	metric_write(w, 1, METRIC_LABELS(TANDEM_VERSION));
}

/* The 22nd field of /proc/self/stat is in ticks since the machine's start. */
COLLECT(start_time)
{
	static double started;
	unsigned long long ticks = 0;
	FILE *f = started > 0 ? NULL : fopen("/proc/self/stat", "re");
	struct timespec up;

	(void)gateway;
	if (f &&
	    fscanf(f,
		   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u "
		   "%*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &ticks) == 1 &&
	    !clock_gettime(CLOCK_BOOTTIME, &up))
		started = (double)clock_wall_ms() / PER_MILLE -
			  (double)up.tv_sec -
			  (double)up.tv_nsec / US_PER_S / PER_MILLE +
			  (double)ticks / (double)sysconf(_SC_CLK_TCK);
	if (f)
		fclose(f);
	if (started > 0)
		metric_write(w, started, METRIC_NO_LABELS);
}

COLLECT(cpu)
{
	struct rusage usage;

	(void)gateway;
	if (getrusage(RUSAGE_SELF, &usage))
		return;
	metric_write(w,
		     (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			     (double)(usage.ru_utime.tv_usec +
				      usage.ru_stime.tv_usec) /
				     US_PER_S,
		     METRIC_NO_LABELS);
}

COLLECT(memory)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	(void)gateway;
	if (!f)
		return;
	if (fscanf(f, "%*u %llu", &pages) == 1)
		metric_write(w, (double)pages * (double)sysconf(_SC_PAGESIZE),
			     METRIC_NO_LABELS);
	fclose(f);
}

COLLECT(fds)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned n = 0;

	(void)gateway;
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	metric_write(w, n - 1, METRIC_NO_LABELS); /* but the directory's own */
}

COLLECT(max_fds)
{
	struct rlimit limit;

	(void)gateway;
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		metric_write(w, (double)limit.rlim_cur, METRIC_NO_LABELS);
}

COLLECT(log_dropped)
{
	(void)gateway;
	metric_write(w, (double)log_dropped(), METRIC_NO_LABELS);
}

/* ---- calls and the stream ---- */

COLLECT(xmpp_up)
{
	metric_write(w, xmpp_stream_is_up(gateway->stream), METRIC_NO_LABELS);
}

COLLECT(draining)
{
	metric_write(w, gateway->draining, METRIC_NO_LABELS);
}

COLLECT(calls_limit)
{
	metric_write(w, gateway->config->limits.calls, METRIC_NO_LABELS);
}

COLLECT(calls_active)
{
	for (int i = 0; i < CALL_CLOSED; i++)
		metric_write(w, totals_in(gateway->watch->totals, i),
			     METRIC_LABELS(call_states[i].name));
}

COLLECT(outbox)
{
	metric_write(w, (double)outbox_waiting(gateway), METRIC_NO_LABELS);
}

/* ---- media ---- */

struct media_metric {
	struct metric_writer *w;
	size_t offset; /* in struct total */
};

static void on_total(const char *leg, const char *trunk,
		     const struct total *total, void *arg)
{
	const struct media_metric *m = arg;
	const uint64_t *value =
		(const uint64_t *)((const char *)total + m->offset);

	metric_write(m->w, (double)*value, METRIC_LABELS(leg, trunk));
}

static void write_totals(struct metric_writer *w, const struct gateway *gateway,
			 size_t offset)
{
	struct media_metric m = { w, offset };

	totals_each(gateway->watch->totals, on_total, &m);
}

COLLECT(media_rx)
{
	write_totals(w, gateway, offsetof(struct total, rx));
}

COLLECT(media_tx)
{
	write_totals(w, gateway, offsetof(struct total, tx));
}

COLLECT(media_lost)
{
	write_totals(w, gateway, offsetof(struct total, lost));
}

COLLECT(media_dropped)
{
	write_totals(w, gateway, offsetof(struct total, dropped));
}

COLLECT(srtp_failures)
{
	write_totals(w, gateway, offsetof(struct total, unauthentic));
}

/* ---- workers ---- */

static double worker_calls(const struct media_worker_stats *stats)
{
	return stats->calls;
}

static double worker_busy(const struct media_worker_stats *stats)
{
	return stats->busy_permille / PER_MILLE;
}

static double worker_packets(const struct media_worker_stats *stats)
{
	return (double)stats->packets;
}

static double worker_lost(const struct media_worker_stats *stats)
{
	return (double)stats->lost;
}

static double worker_late(const struct media_worker_stats *stats)
{
	return (double)stats->late;
}

static void write_workers(struct metric_writer *w,
			  const struct gateway *gateway,
			  double (*value)(const struct media_worker_stats *))
{
	enum { INDEX_CAP = 12 };

	for (unsigned i = 0; i < media_workers(gateway->media); i++) {
		struct media_worker_stats stats;
		char index[INDEX_CAP];

		media_worker_stats(gateway->media, i, &stats);
		if (!text_format(index, sizeof(index), "%u", i))
			metric_write(w, value(&stats), METRIC_LABELS(index));
	}
}

COLLECT(worker_calls)
{
	write_workers(w, gateway, worker_calls);
}

COLLECT(worker_busy)
{
	write_workers(w, gateway, worker_busy);
}

COLLECT(worker_packets)
{
	write_workers(w, gateway, worker_packets);
}

COLLECT(worker_lost)
{
	write_workers(w, gateway, worker_lost);
}

COLLECT(worker_late)
{
	write_workers(w, gateway, worker_late);
}

/* ---- trunks ---- */

COLLECT(trunk_up)
{
	for (size_t i = 0; i < gateway->ntrunks; i++)
		metric_write(w, sip_trunk_takes_calls(gateway->trunks[i]),
			     METRIC_LABELS(sip_trunk_name(gateway->trunks[i])));
}

COLLECT(trunk_state)
{
	for (size_t i = 0; i < gateway->ntrunks; i++) {
		const struct sip_trunk *trunk = gateway->trunks[i];

		for (int s = 0; s < SIP_TRUNK_NSTATES; s++) {
			enum sip_trunk_state state = (enum sip_trunk_state)s;

			metric_write(
				w, sip_trunk_state(trunk) == state,
				METRIC_LABELS(sip_trunk_name(trunk),
					      sip_trunk_state_name(state)));
		}
	}
}

COLLECT(trunk_registered)
{
	for (size_t i = 0; i < gateway->ntrunks; i++) {
		const struct sip_trunk *trunk = gateway->trunks[i];
		enum sip_registration is = sip_trunk_registration(trunk);

		if (is != SIP_REGISTRATION_NONE)
			metric_write(w, is == SIP_REGISTRATION_UP,
				     METRIC_LABELS(sip_trunk_name(trunk)));
	}
}

static void write_trunks(struct metric_writer *w, const struct gateway *gateway,
			 size_t offset)
{
	for (size_t i = 0; i < gateway->ntrunks; i++) {
		const struct sip_trunk *trunk = gateway->trunks[i];
		const char *stats = (const char *)sip_trunk_stats(trunk);

		metric_write(w, (double)*(const uint64_t *)(stats + offset),
			     METRIC_LABELS(sip_trunk_name(trunk)));
	}
}

COLLECT(trunk_registrations)
{
	write_trunks(w, gateway,
		     offsetof(struct sip_trunk_stats, registrations));
}

COLLECT(trunk_registration_failures)
{
	write_trunks(w, gateway,
		     offsetof(struct sip_trunk_stats, registration_failures));
}

COLLECT(trunk_qualify_failures)
{
	write_trunks(w, gateway,
		     offsetof(struct sip_trunk_stats, qualify_failures));
}

static void write_failures(struct metric_writer *w,
			   const struct sip_trunk *trunk)
{
	enum { STATUS_CAP = 12 };
	const struct sip_trunk_stats *stats = sip_trunk_stats(trunk);

	for (unsigned s = SIP_TRUNK_STATUS_FIRST; s < SIP_TRUNK_STATUS_END;
	     s++) {
		uint32_t n = stats->failures[s - SIP_TRUNK_STATUS_FIRST];
		char status[STATUS_CAP];

		if (n && !text_format(status, sizeof(status), "%u", s))
			metric_write(
				w, n,
				METRIC_LABELS(sip_trunk_name(trunk), status));
	}
}

COLLECT(trunk_failures)
{
	for (size_t i = 0; i < gateway->ntrunks; i++)
		write_failures(w, gateway->trunks[i]);
}

/* ---- database ---- */

COLLECT(db_waiting)
{
	metric_write(w, (double)db_stats(gateway->db).waiting,
		     METRIC_NO_LABELS);
}

COLLECT(db_writes)
{
	metric_write(w, (double)db_stats(gateway->db).written,
		     METRIC_NO_LABELS);
}

COLLECT(db_transactions)
{
	metric_write(w, (double)db_stats(gateway->db).transactions,
		     METRIC_NO_LABELS);
}

COLLECT(db_errors)
{
	metric_write(w, (double)db_stats(gateway->db).errors, METRIC_NO_LABELS);
}

COLLECT(db_latency)
{
	struct db_stats stats = db_stats(gateway->db);

	metric_write_histogram(w, stats.latency_counts,
			       (double)stats.latency_sum_us / US_PER_S,
			       METRIC_NO_LABELS);
}
