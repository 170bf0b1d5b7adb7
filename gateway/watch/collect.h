/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Metrics that the rest of the process knows: asked for when somebody reads
 * them, by the rows of metric_table.c alone. No worker is stopped or asked.
 */
#pragma once

struct gateway;
struct metric_writer;

void collect_build(struct metric_writer *w, struct gateway *gateway);
void collect_start_time(struct metric_writer *w, struct gateway *gateway);
void collect_cpu(struct metric_writer *w, struct gateway *gateway);
void collect_memory(struct metric_writer *w, struct gateway *gateway);
void collect_fds(struct metric_writer *w, struct gateway *gateway);
void collect_max_fds(struct metric_writer *w, struct gateway *gateway);
void collect_xmpp_up(struct metric_writer *w, struct gateway *gateway);
void collect_draining(struct metric_writer *w, struct gateway *gateway);
void collect_calls_limit(struct metric_writer *w, struct gateway *gateway);
void collect_calls_active(struct metric_writer *w, struct gateway *gateway);
void collect_media_rx(struct metric_writer *w, struct gateway *gateway);
void collect_media_tx(struct metric_writer *w, struct gateway *gateway);
void collect_media_lost(struct metric_writer *w, struct gateway *gateway);
void collect_media_dropped(struct metric_writer *w, struct gateway *gateway);
void collect_srtp_failures(struct metric_writer *w, struct gateway *gateway);
void collect_worker_calls(struct metric_writer *w, struct gateway *gateway);
void collect_worker_busy(struct metric_writer *w, struct gateway *gateway);
void collect_worker_packets(struct metric_writer *w, struct gateway *gateway);
void collect_worker_lost(struct metric_writer *w, struct gateway *gateway);
void collect_worker_late(struct metric_writer *w, struct gateway *gateway);
void collect_trunk_up(struct metric_writer *w, struct gateway *gateway);
void collect_trunk_state(struct metric_writer *w, struct gateway *gateway);
void collect_trunk_registered(struct metric_writer *w, struct gateway *gateway);
void collect_trunk_registrations(struct metric_writer *w,
				 struct gateway *gateway);
void collect_trunk_registration_failures(struct metric_writer *w,
					 struct gateway *gateway);
void collect_trunk_qualify_failures(struct metric_writer *w,
				    struct gateway *gateway);
void collect_trunk_failures(struct metric_writer *w, struct gateway *gateway);
void collect_outbox(struct metric_writer *w, struct gateway *gateway);
void collect_db_waiting(struct metric_writer *w, struct gateway *gateway);
void collect_db_writes(struct metric_writer *w, struct gateway *gateway);
void collect_db_transactions(struct metric_writer *w, struct gateway *gateway);
void collect_db_errors(struct metric_writer *w, struct gateway *gateway);
void collect_db_latency(struct metric_writer *w, struct gateway *gateway);
void collect_log_dropped(struct metric_writer *w, struct gateway *gateway);
