/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/watch.h"

#include <stdlib.h>

#include "db/cdr.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/watch/failure.h"
#include "gateway/watch/http.h"
#include "gateway/watch/live.h"
#include "gateway/watch/metric.h"
#include "gateway/watch/quality.h"
#include "gateway/watch/totals.h"
#include "gateway/watch/why.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void know_trunk(struct metrics *m, const char *trunk)
{
	static const enum metric of_calls[] = { METRIC_CALLS_ANSWERED,
						METRIC_SETUP, METRIC_POST_DIAL,
						METRIC_DURATION };
	static const enum metric of_legs[] = { METRIC_JITTER, METRIC_LOSS,
					       METRIC_MOS };
	static const char *const legs[] = { "sip", "xmpp" };

	for (int d = CDR_OUTBOUND; d <= CDR_INBOUND; d++) {
		const char *direction =
			cdr_direction_name((enum cdr_direction)d);

		metric_know(m, METRIC_CALLS,
			    METRIC_LABELS(direction, trunk,
					  cause_name(CAUSE_NORMAL)));
		for (size_t i = 0; i < LENGTH(of_calls); i++)
			metric_know(m, of_calls[i],
				    METRIC_LABELS(direction, trunk));
	}
	for (size_t leg = 0; leg < LENGTH(legs); leg++) {
		for (size_t i = 0; i < LENGTH(of_legs); i++)
			metric_know(m, of_legs[i],
				    METRIC_LABELS(legs[leg], trunk));
	}
}

void watch_trunk(struct gateway *gateway, const char *name)
{
	if (gateway->watch)
		know_trunk(gateway->watch->metrics, name);
}

/* What rises from nothing is seen as a rise only if the nothing was seen. */
static void know_all(struct gateway *gateway)
{
	static const char *const answers[] = { "allowed", "denied", "failed" };
	struct metrics *m = gateway->watch->metrics;
	const struct config *config = gateway->config;

	for (size_t i = 0; i < config->ntrunks; i++)
		know_trunk(m, config->trunks[i].name);
	metric_know(m, METRIC_ICE, METRIC_LABELS("xmpp"));
	metric_know(m, METRIC_DTLS, METRIC_LABELS("xmpp"));
	metric_know(m, METRIC_XMPP_CONNECTS, METRIC_NO_LABELS);
	if (*config->billing.url) {
		for (size_t i = 0; i < LENGTH(answers); i++)
			metric_know(m, METRIC_BILLING_ANSWERS,
				    METRIC_LABELS(answers[i]));
		metric_know(m, METRIC_BILLING_REFUSED, METRIC_NO_LABELS);
	}
	metric_know(m, METRIC_SERIES_DROPPED, METRIC_NO_LABELS);
}

static int open_http(struct gateway *gateway)
{
	const struct config_watch *config = &gateway->config->watch;
	const struct http_config http = { .listen = config->listen,
					  .token = config->token };
	int r;

	if (!addr_is_set(&config->listen))
		return 0;
	r = http_new(&gateway->watch->http, gateway, &http);
	if (r)
		log_error("watch=not-listening address=%s r=%d (%s)",
			  addr_text(&config->listen).s, r, strerror(-r));
	return r;
}

int watch_new(struct gateway *gateway)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	gateway->watch = watch;
	LIST_INIT(&watch->lives);
	r = metrics_new(&watch->metrics);
	if (!r)
		r = totals_new(&watch->totals);
	if (!r)
		r = failures_new(&watch->failures);
	if (!r)
		r = quality_timer_new(&watch->quality, gateway);
	if (!r)
		know_all(gateway);
	return r ? r : open_http(gateway);
}

void watch_free(struct gateway *gateway)
{
	struct watch *watch = gateway->watch;

	if (!watch)
		return;
	http_free(watch->http);
	quality_timer_free(watch->quality);
	failures_free(watch->failures);
	totals_free(watch->totals);
	metrics_free(watch->metrics);
	free(watch);
	gateway->watch = NULL;
}

void watch_stream_up(struct gateway *gateway)
{
	metric_add(gateway->watch->metrics, METRIC_XMPP_CONNECTS, 1,
		   METRIC_NO_LABELS);
}

void watch_call_began(struct call *call)
{
	if (call->gateway->watch)
		quality_timer_add(call->gateway->watch->quality, call);
}

/* ---- a call has ended ---- */

static double to_seconds(int64_t ms)
{
	return (double)ms / MS_PER_S;
}

/* The wall clock may have been set back meanwhile. */
static double seconds_between(int64_t from_ms, int64_t to_ms)
{
	return to_ms > from_ms ? to_seconds(to_ms - from_ms) : 0;
}

static void measure_times(struct metrics *m, const struct cdr *cdr,
			  const char *direction)
{
	const struct metric_labels *labels =
		METRIC_LABELS(direction, cdr->trunk);
	int64_t heard_ms = cdr->ringing_ms    ? cdr->ringing_ms
			   : cdr->answered_ms ? cdr->answered_ms
					      : cdr->ended_ms;

	metric_observe(m, METRIC_POST_DIAL,
		       seconds_between(cdr->started_ms, heard_ms), labels);
	if (!cdr->answered_ms)
		return;
	metric_add(m, METRIC_CALLS_ANSWERED, 1, labels);
	metric_observe(m, METRIC_SETUP,
		       seconds_between(cdr->started_ms, cdr->answered_ms),
		       labels);
	metric_observe(m, METRIC_DURATION,
		       seconds_between(cdr->answered_ms, cdr->ended_ms),
		       labels);
}

static void measure_side(struct metrics *m, const char *leg,
			 const struct cdr_media *media)
{
	const struct metric_labels *labels = METRIC_LABELS(leg);

	if (media->ice_ms)
		metric_observe(m, METRIC_ICE, to_seconds(media->ice_ms),
			       labels);
	if (media->dtls_ms)
		metric_observe(m, METRIC_DTLS, to_seconds(media->dtls_ms),
			       labels);
}

static void note_failure(struct watch *watch, const struct cdr *cdr)
{
	char why[WHY_CAP];

	if (!why_is_failure(cdr) || why_text(why, cdr))
		return;
	failures_add(watch->failures, &(struct failure){ .at_ms = cdr->ended_ms,
							 .call = cdr->call,
							 .from = cdr->caller,
							 .to = cdr->callee,
							 .trunk = cdr->trunk,
							 .cause = cdr->cause,
							 .why = why });
}

void watch_call_ended(const struct call *call, const struct cdr *cdr)
{
	struct watch *watch = call->gateway->watch;
	const char *direction = cdr_direction_name(cdr->direction);

	if (!watch)
		return;
	metric_add(watch->metrics, METRIC_CALLS, 1,
		   METRIC_LABELS(direction, cdr->trunk, cdr->cause));
	measure_times(watch->metrics, cdr, direction);
	measure_side(watch->metrics, call->legs[MEDIA_SIDE_A]->ops->name,
		     &cdr->caller_media);
	measure_side(watch->metrics, call->legs[MEDIA_SIDE_B]->ops->name,
		     &cdr->callee_media);
	totals_keep(watch->totals, call);
	note_failure(watch, cdr);
	live_call_ended(call, cdr);
}

void watch_media_failed(const struct call *call, enum media_side side,
			const char *why)
{
	struct watch *watch = call->gateway->watch;

	if (watch)
		metric_add(watch->metrics, METRIC_MEDIA_FAILURES, 1,
			   METRIC_LABELS(call->legs[side]->ops->name,
					 call->trunk, why));
}

void watch_refused(struct gateway *gateway, const struct watch_refusal *what)
{
	struct watch *watch = gateway->watch;
	const char *direction =
		cdr_direction_name(what->inbound ? CDR_INBOUND : CDR_OUTBOUND);

	if (!watch)
		return;
	metric_add(watch->metrics, METRIC_CALLS_REFUSED, 1,
		   METRIC_LABELS(direction, what->what));
	failures_add(watch->failures,
		     &(struct failure){ .at_ms = clock_wall_ms(),
					.call = "",
					.from = what->from,
					.to = what->to,
					.trunk = "",
					.cause = what->what,
					.why = what->text ? what->text : "" });
}

void watch_billing_answered(struct gateway *gateway, const char *result)
{
	if (gateway->watch)
		metric_add(gateway->watch->metrics, METRIC_BILLING_ANSWERS, 1,
			   METRIC_LABELS(result));
}

void watch_billing_refused(struct gateway *gateway)
{
	if (gateway->watch)
		metric_add(gateway->watch->metrics, METRIC_BILLING_REFUSED, 1,
			   METRIC_NO_LABELS);
}
