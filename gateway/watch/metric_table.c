/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every metric: its name by Prometheus' conventions (base units, _total for
 * counters), its help, its labels.
 */
#include "gateway/watch/metric_table.h"

#include <assert.h>

#include "gateway/watch/collect.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define BOUNDS(array) .bounds = (array), .nbounds = LENGTH(array)
#define LABELS(...)   .labels = { __VA_ARGS__ }

static const double setup_bounds[] = {
	1, 2, 3, 5, 8, 12, 16, 20, 30, 45, 60, 90
};
static const double post_dial_bounds[] = { 0.1, 0.25, 0.5, 1, 1.5, 2,
					   3,   4,    6,   8, 12,  20 };
static const double duration_bounds[] = { 5,   15,   30,   60,   120, 300,
					  600, 1200, 1800, 3600, 7200 };
static const double media_setup_bounds[] = { 0.025, 0.05, 0.1, 0.2, 0.3, 0.5,
					     0.75,  1,    2,   3,   5,   10 };
static const double jitter_bounds[] = { 0.001, 0.0025, 0.005, 0.01, 0.015, 0.02,
					0.03,  0.05,   0.075, 0.1,  0.2 };
static const double loss_bounds[] = { 0,    0.001, 0.0025, 0.005, 0.01, 0.02,
				      0.03, 0.05,  0.1,    0.2,   0.5 };
static const double mos_bounds[] = { 1.5, 2, 2.5, 3,   3.3, 3.6,
				     3.8, 4, 4.1, 4.2, 4.3, 4.4 };
/* As db_latency_bounds_ms. */
static const double db_latency_bounds[] = { 0.001, 0.0025, 0.005, 0.01,
					    0.025, 0.05,   0.1,   0.25,
					    0.5,   1,      5 };

/* clang-format off */
const struct metric_row metric_rows[] = {
	[METRIC_BUILD_INFO] = {
		"tandem_build_info",
		"Always 1; the version is a label.",
		.type = METRIC_GAUGE, LABELS("version"), .collect = collect_build },
	[METRIC_START_TIME] = {
		"process_start_time_seconds",
		"When the process began, in seconds since 1970.",
		.type = METRIC_GAUGE, .collect = collect_start_time },
	[METRIC_CPU] = {
		"process_cpu_seconds_total",
		"Processor time used, by all threads.",
		.type = METRIC_COUNTER, .collect = collect_cpu },
	[METRIC_MEMORY] = {
		"process_resident_memory_bytes",
		"Resident memory.",
		.type = METRIC_GAUGE, .collect = collect_memory },
	[METRIC_FDS] = {
		"process_open_fds",
		"Open file descriptors.",
		.type = METRIC_GAUGE, .collect = collect_fds },
	[METRIC_MAX_FDS] = {
		"process_max_fds",
		"The most file descriptors that may be open.",
		.type = METRIC_GAUGE, .collect = collect_max_fds },
	[METRIC_XMPP_UP] = {
		"tandem_xmpp_up",
		"Whether the component stream to the XMPP server is up.",
		.type = METRIC_GAUGE, .collect = collect_xmpp_up },
	[METRIC_XMPP_CONNECTS] = {
		"tandem_xmpp_connects_total",
		"How often the component stream came up.",
		.type = METRIC_COUNTER },
	[METRIC_DRAINING] = {
		"tandem_draining",
		"Whether new calls are refused because the process ends.",
		.type = METRIC_GAUGE, .collect = collect_draining },
	[METRIC_CALLS_LIMIT] = {
		"tandem_calls_limit",
		"The most calls at a time (limits.calls).",
		.type = METRIC_GAUGE, .collect = collect_calls_limit },
	[METRIC_CALLS_ACTIVE] = {
		"tandem_calls_active",
		"Calls now, by state.",
		.type = METRIC_GAUGE, LABELS("state"), .collect = collect_calls_active },
	[METRIC_CALLS] = {
		"tandem_calls_total",
		"Calls that have ended, by why.",
		.type = METRIC_COUNTER, LABELS("direction", "trunk", "cause") },
	[METRIC_CALLS_ANSWERED] = {
		"tandem_calls_answered_total",
		"Calls that have ended and had been answered.",
		.type = METRIC_COUNTER, LABELS("direction", "trunk") },
	[METRIC_CALLS_REFUSED] = {
		"tandem_calls_refused_total",
		"Calls that were refused before they began, by the rule.",
		.type = METRIC_COUNTER, LABELS("direction", "reason") },
	[METRIC_SETUP] = {
		"tandem_call_setup_seconds",
		"From the start of a call to its answer; counted when it has ended.",
		.type = METRIC_HISTOGRAM, LABELS("direction", "trunk"), BOUNDS(setup_bounds) },
	[METRIC_POST_DIAL] = {
		"tandem_call_post_dial_delay_seconds",
		"From the start of a call until it rang, was answered or was refused; counted when it has ended.",
		.type = METRIC_HISTOGRAM, LABELS("direction", "trunk"), BOUNDS(post_dial_bounds) },
	[METRIC_DURATION] = {
		"tandem_call_duration_seconds",
		"How long answered calls lasted.",
		.type = METRIC_HISTOGRAM, LABELS("direction", "trunk"), BOUNDS(duration_bounds) },
	[METRIC_ICE] = {
		"tandem_media_ice_seconds",
		"How long ICE took to find a pair.",
		.type = METRIC_HISTOGRAM, LABELS("leg"), BOUNDS(media_setup_bounds) },
	[METRIC_DTLS] = {
		"tandem_media_dtls_seconds",
		"How long DTLS handshakes took.",
		.type = METRIC_HISTOGRAM, LABELS("leg"), BOUNDS(media_setup_bounds) },
	[METRIC_MEDIA_FAILURES] = {
		"tandem_media_failures_total",
		"Calls that ended because their media failed: ice, consent, dtls, fingerprint, silence, worker.",
		.type = METRIC_COUNTER, LABELS("leg", "trunk", "reason") },
	[METRIC_MEDIA_RX] = {
		"tandem_media_received_packets_total",
		"RTP packets received from peers.",
		.type = METRIC_COUNTER, LABELS("leg", "trunk"), .collect = collect_media_rx },
	[METRIC_MEDIA_TX] = {
		"tandem_media_sent_packets_total",
		"RTP packets sent to peers.",
		.type = METRIC_COUNTER, LABELS("leg", "trunk"), .collect = collect_media_tx },
	[METRIC_MEDIA_LOST] = {
		"tandem_media_lost_packets_total",
		"RTP packets that peers sent and that did not arrive.",
		.type = METRIC_COUNTER, LABELS("leg", "trunk"), .collect = collect_media_lost },
	[METRIC_MEDIA_DROPPED] = {
		"tandem_media_dropped_packets_total",
		"Packets that arrived and were not relayed.",
		.type = METRIC_COUNTER, LABELS("leg", "trunk"), .collect = collect_media_dropped },
	[METRIC_SRTP_FAILURES] = {
		"tandem_media_srtp_failures_total",
		"Packets that were not authentic, or came again.",
		.type = METRIC_COUNTER, LABELS("leg", "trunk"), .collect = collect_srtp_failures },
	[METRIC_JITTER] = {
		"tandem_media_jitter_seconds",
		"Interarrival jitter (RFC 3550) of what peers send, looked at every few seconds of each call.",
		.type = METRIC_HISTOGRAM, LABELS("leg", "trunk"), BOUNDS(jitter_bounds) },
	[METRIC_LOSS] = {
		"tandem_media_loss_ratio",
		"Share of packets lost on the way from peers, in the same intervals.",
		.type = METRIC_HISTOGRAM, LABELS("leg", "trunk"), BOUNDS(loss_bounds) },
	[METRIC_MOS] = {
		"tandem_media_mos",
		"Estimated mean opinion score (ITU-T G.107) of what peers send, in the same intervals.",
		.type = METRIC_HISTOGRAM, LABELS("leg", "trunk"), BOUNDS(mos_bounds) },
	[METRIC_WORKER_CALLS] = {
		"tandem_worker_calls",
		"Calls that a media worker serves.",
		.type = METRIC_GAUGE, LABELS("worker"), .collect = collect_worker_calls },
	[METRIC_WORKER_BUSY] = {
		"tandem_worker_busy_ratio",
		"Share of a processor that a media worker used in the last second; 0 without calls.",
		.type = METRIC_GAUGE, LABELS("worker"), .collect = collect_worker_busy },
	[METRIC_WORKER_PACKETS] = {
		"tandem_worker_received_packets_total",
		"Packets that a media worker received.",
		.type = METRIC_COUNTER, LABELS("worker"), .collect = collect_worker_packets },
	[METRIC_WORKER_LOST] = {
		"tandem_worker_lost_packets_total",
		"Packets that the kernel did not take from a media worker.",
		.type = METRIC_COUNTER, LABELS("worker"), .collect = collect_worker_lost },
	[METRIC_WORKER_LATE] = {
		"tandem_worker_late_packets_total",
		"Packets that had waited too long for a media worker, and were let go.",
		.type = METRIC_COUNTER, LABELS("worker"), .collect = collect_worker_late },
	[METRIC_TRUNK_UP] = {
		"tandem_trunk_up",
		"Whether the trunk takes calls.",
		.type = METRIC_GAUGE, LABELS("trunk"), .collect = collect_trunk_up },
	[METRIC_TRUNK_STATE] = {
		"tandem_trunk_state",
		"1 for the state that the trunk is in: unknown, up, degraded, down.",
		.type = METRIC_GAUGE, LABELS("trunk", "state"), .collect = collect_trunk_state },
	[METRIC_TRUNK_REGISTERED] = {
		"tandem_trunk_registered",
		"Whether the registration with the trunk stands; only of those that register.",
		.type = METRIC_GAUGE, LABELS("trunk"), .collect = collect_trunk_registered },
	[METRIC_TRUNK_REGISTRATIONS] = {
		"tandem_trunk_registrations_total",
		"Registrations that the trunk has accepted.",
		.type = METRIC_COUNTER, LABELS("trunk"), .collect = collect_trunk_registrations },
	[METRIC_TRUNK_REGISTRATION_FAILURES] = {
		"tandem_trunk_registration_failures_total",
		"Registrations that failed.",
		.type = METRIC_COUNTER, LABELS("trunk"), .collect = collect_trunk_registration_failures },
	[METRIC_TRUNK_QUALIFY_FAILURES] = {
		"tandem_trunk_qualify_failures_total",
		"OPTIONS that the trunk did not answer well.",
		.type = METRIC_COUNTER, LABELS("trunk"), .collect = collect_trunk_qualify_failures },
	[METRIC_TRUNK_FAILURES] = {
		"tandem_trunk_failed_invites_total",
		"INVITEs to the trunk that failed, by final status; 408 and 503 also without an answer.",
		.type = METRIC_COUNTER, LABELS("trunk", "status"), .collect = collect_trunk_failures },
	[METRIC_OUTBOX] = {
		"tandem_outbox_stanzas",
		"Stanzas that the XMPP server has not confirmed.",
		.type = METRIC_GAUGE, .collect = collect_outbox },
	[METRIC_DB_WAITING] = {
		"tandem_db_queue_length",
		"Jobs that wait for the database.",
		.type = METRIC_GAUGE, .collect = collect_db_waiting },
	[METRIC_DB_WRITES] = {
		"tandem_db_jobs_total",
		"Jobs that the database has done.",
		.type = METRIC_COUNTER, .collect = collect_db_writes },
	[METRIC_DB_TRANSACTIONS] = {
		"tandem_db_transactions_total",
		"Transactions that they took.",
		.type = METRIC_COUNTER, .collect = collect_db_transactions },
	[METRIC_DB_ERRORS] = {
		"tandem_db_errors_total",
		"Transactions that failed and were tried again.",
		.type = METRIC_COUNTER, .collect = collect_db_errors },
	[METRIC_DB_LATENCY] = {
		"tandem_db_job_seconds",
		"From the time a job was queued until it was committed.",
		.type = METRIC_HISTOGRAM, BOUNDS(db_latency_bounds), .collect = collect_db_latency },
	[METRIC_BILLING_ANSWERS] = {
		"tandem_billing_answers_total",
		"Questions to the billing system: allowed, denied, or failed (no good answer in time).",
		.type = METRIC_COUNTER, LABELS("result") },
	[METRIC_BILLING_REFUSED] = {
		"tandem_billing_record_failures_total",
		"Attempts to push a call record that was not taken.",
		.type = METRIC_COUNTER },
	[METRIC_HTTP_REQUESTS] = {
		"tandem_http_requests_total",
		"Requests to this server, by status.",
		.type = METRIC_COUNTER, LABELS("status") },
	[METRIC_LOG_DROPPED] = {
		"tandem_log_dropped_lines_total",
		"Lines of log that nobody read in time.",
		.type = METRIC_COUNTER, .collect = collect_log_dropped },
	[METRIC_SERIES_DROPPED] = {
		"tandem_metric_series_dropped_total",
		"Events of series beyond the limit, which are not counted elsewhere.",
		.type = METRIC_COUNTER },
};
/* clang-format on */
static_assert(LENGTH(metric_rows) == METRIC_NVALUES, "a row for each metric");
static_assert(LENGTH(duration_bounds) <= METRIC_MAX_BOUNDS &&
		      LENGTH(setup_bounds) <= METRIC_MAX_BOUNDS,
	      "they fit");
