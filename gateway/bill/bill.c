/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/bill/bill.h"

#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill_answer.h"
#include "gateway/bill/bill_json.h"
#include "gateway/bill/bill_record.h"
#include "gateway/bill/wire.h"
#include "gateway/gateway.h"
#include "gateway/watch/watch.h"

/*
 *     waiting --> sent --> answered
 *        |  time   | time, or no good answer
 *        +---------+--> on_failure decides
 */
struct question {
	TAILQ_ENTRY(question) link; /* of those that wait */
	struct gateway *gateway;
	struct exchange *exchange; /* NULL: not sent (yet) */
	struct event *later;       /* the end of its patience */
	const char *why;           /* … and what is said then */
	char *json;                /* NULL: none waits to be sent */
	bill_answer_fn fn;
	void *arg;
	char *id;
};

int bill_new(struct gateway *gateway)
{
	const struct config_billing *config = &gateway->config->billing;
	const struct wire_config wire = { .url = config->url,
					  .token = config->token,
					  .timeout_ms = config->timeout_ms };
	struct bill *bill;
	int r;

	if (!*config->url)
		return 0;
	bill = calloc(1, sizeof(*bill));
	if (!bill)
		return -ENOMEM;
	gateway->bill = bill;
	bill->gateway = gateway;
	TAILQ_INIT(&bill->waiting);
	r = wire_new(&bill->wire, &wire, gateway->base);
	if (!r && config->records)
		r = bill_records_new(&bill->records, gateway, bill->wire);
	if (r)
		log_error("billing=not-started url=%s r=%d",
			  log_text(slice_of(config->url)).s, r);
	return r;
}

void bill_free(struct gateway *gateway)
{
	struct bill *bill = gateway->bill;

	if (!bill)
		return;
	bill_records_free(bill->records);
	wire_free(bill->wire);
	free(bill);
	gateway->bill = NULL;
}

bool bill_asks(const struct gateway *gateway)
{
	return gateway->bill && gateway->config->billing.authorise;
}

bool bill_pushes(const struct gateway *gateway)
{
	return gateway->bill && gateway->bill->records;
}

void bill_record_written(struct gateway *gateway)
{
	if (bill_pushes(gateway))
		bill_records_look(gateway->bill->records);
}

/* ---- the answer ---- */

/* By default: what nobody has decided. */
static void decide(const struct question *question, const char *why)
{
	bool allowed = question->gateway->config->billing.on_failure;
	const struct bill_answer answer = { .allowed = allowed, .reason = "" };

	log_warn("billing=failed id=%s allowed=%d why=%s", question->id,
		 allowed, log_text(slice_of(why)).s);
	watch_billing_answered(question->gateway, "failed");
	question->fn(&answer, question->arg);
}

static void on_reply(unsigned status, struct slice body, void *arg)
{
	enum { OK = 200, WHY_CAP = 64 };
	const struct question *question = arg;
	char reason[BILL_REASON_CAP], why[WHY_CAP];
	struct bill_answer answer;

	if (!status) {
		if (text_copy(why, sizeof(why), body))
			why[0] = '\0';
		decide(question, why);
		return;
	}
	if (status != OK) {
		if (text_format(why, sizeof(why), "status %u", status))
			why[0] = '\0';
		decide(question, why);
		return;
	}
	if (bill_answer_parse(&answer, reason, body)) {
		decide(question, "the answer is not understood");
		return;
	}
	log_info("billing=%s id=%s seconds=%u reason=%s",
		 answer.allowed ? "allowed" : "denied", question->id,
		 answer.seconds, log_text(slice_of(answer.reason)).s);
	watch_billing_answered(question->gateway,
			       answer.allowed ? "allowed" : "denied");
	question->fn(&answer, question->arg);
}

/* ---- the question ---- */

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	const struct question *question = arg;

	(void)fd;
	(void)what;
	decide(question, question->why);
}

/* On_failure decides after @ms, from the loop. */
static void give_up_in(struct question *question, unsigned ms, const char *why)
{
	const struct timeval tv = clock_timeval(ms);

	question->why = why;
	evtimer_add(question->later, &tv);
}

static void leave_queue(struct question *question)
{
	struct bill *bill = question->gateway->bill;

	if (question->json) {
		TAILQ_REMOVE(&bill->waiting, question, link);
		bill->nwaiting--;
	}
	free(question->json);
	question->json = NULL;
}

/* 0, or as wire_send(). */
static int send_now(struct question *question, const char *json)
{
	return wire_send(&question->exchange, question->gateway->bill->wire,
			 "authorise", slice_of(json), on_reply, question);
}

/* Those whose turn has come. */
static void send_waiting(struct bill *bill)
{
	struct question *question;
	int r = 0;

	while (r != -EAGAIN && (question = TAILQ_FIRST(&bill->waiting))) {
		r = send_now(question, question->json);
		if (r == -EAGAIN)
			return;
		leave_queue(question);
		question->why = "no answer in time"; /* of what is left of it */
		if (r)
			give_up_in(question, 0, "it could not be sent");
	}
}

/* @json is taken. */
static void wait_for_turn(struct question *question, char *json)
{
	struct bill *bill = question->gateway->bill;

	if (bill->nwaiting >= BILL_WAITING_MAX) {
		free(json);
		give_up_in(question, 0, "too many questions are open");
		return;
	}
	question->json = json;
	TAILQ_INSERT_TAIL(&bill->waiting, question, link);
	bill->nwaiting++;
	give_up_in(question, question->gateway->config->billing.timeout_ms,
		   "too many questions were before it");
}

static void ask(struct question *question, const struct bill_request *request)
{
	char *json = bill_json_request(request);
	int r = json ? send_now(question, json) : -ENOMEM;

	if (r == -EAGAIN) {
		wait_for_turn(question, json);
		return;
	}
	free(json);
	if (r)
		give_up_in(question, 0, "it could not be sent");
}

int bill_ask(struct question **out, struct gateway *gateway,
	     const struct bill_request *request, bill_answer_fn fn, void *arg)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->gateway = gateway;
	question->fn = fn;
	question->arg = arg;
	question->id = text_dup(slice_of(request->id));
	question->later = evtimer_new(gateway->base, on_later, question);
	if (!question->id || !question->later) {
		question_free(question);
		return -ENOMEM;
	}
	ask(question, request);
	*out = question;
	return 0;
}

struct question *question_free(struct question *question)
{
	if (!question)
		return NULL;
	bool sent = question->exchange;

	leave_queue(question);
	exchange_free(question->exchange);
	if (question->later)
		event_free(question->later);
	if (sent)
		send_waiting(question->gateway->bill);
	free(question->id);
	free(question);
	return NULL;
}
