/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A call over a trunk that is only a test, and what was heard in it. */
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/probe_call.h"
#include "gateway/admin/probe_record.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"
#include "gateway/route/phone.h"
#include "gateway/route/rewrite.h"
#include "gateway/route/route.h"
#include "gateway/route/trunks.h"
#include "sip/trunk.h"

static const struct form_spec fields[] = {
	{ .var = "trunk",
	  .label = "Trunk",
	  .type = FORM_LIST_SINGLE,
	  .required = true },
	{ .var = "number",
	  .label = "Number to call",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .regex = "[+0-9*#() ./-]{1,32}",
	  .expects = "a number such as +15551234567, please",
	  .desc = "An echo or a test tone tells most; it may cost" },
};

/* ---- what was heard, in words ---- */

static void say_media(struct answer *answer, const struct probe_call_result *r)
{
	answer_fact(answer, "Sent", "%u packets (%s)", r->sent, r->codec);
	answer_fact(answer, "Received", "%u packets, %u lost", r->received,
		    r->lost);
	if (!r->received)
		answer_error(answer,
			     "No audio came: nothing was received at %s. Is it "
			     "let through by firewalls, and is it reached from "
			     "there?",
			     addr_text(&r->local).s);
	else if (r->ours)
		answer_info(answer,
			    "Audio goes both ways: our tone came back after "
			    "%u ms, with %.1f dBm0.",
			    r->delay_ms, r->level_dbm0);
	else if (r->milliwatt)
		answer_info(answer,
			    "A test tone of %d Hz is heard, with %.1f dBm0. "
			    "Whether ours is heard there is not known.",
			    PROBE_CALL_MILLIWATT_HZ, r->level_dbm0);
	else if (r->sound)
		answer_info(answer,
			    "Sound is heard, with %.1f dBm0; our tone has not "
			    "come back. Whether it is heard there is not "
			    "known.",
			    r->level_dbm0);
	else
		answer_warn(answer, "Audio comes, but it is silence.");
}

/* What a request works at. */
struct testing {
	struct probe_call *probe;
	int64_t started_ms; /* wall */
	const char *trunk;  /* borrowed from the request */
	char from[ROUTE_USER_CAP], to[ROUTE_USER_CAP];
};

/* Whatever became of it is on record. */
static void end(struct request *request)
{
	struct testing *testing = request->work;

	request->work = NULL;
	if (testing->probe)
		probe_record_put(request->gateway,
				 &(struct probe_record){
					 .trunk = testing->trunk,
					 .from = testing->from,
					 .to = testing->to,
					 .started_ms = testing->started_ms },
				 probe_call_result(testing->probe));
	probe_call_free(testing->probe);
	free(testing);
}

static void say_unanswered(struct answer *answer, const char *number,
			   const struct probe_call_result *r)
{
	if (r->status)
		answer_error(answer, "%s was refused with %u%s%s after %u ms.",
			     number, r->status, *r->text ? " " : "", r->text,
			     r->answer_ms);
	else if (r->over)
		answer_error(answer, "%s has not answered within %d s.", number,
			     PROBE_CALL_RING_MS / 1000);
	else
		answer_error(answer, "The test was given up: the process takes "
				     "no calls any more.");
}

static void on_tested(const struct probe_call_result *r, void *arg)
{
	struct request *request = arg;
	struct answer *answer = request->answer;
	const struct testing *testing = request->work;

	if (r->ring_ms)
		answer_fact(answer, "Ringing", "after %u ms", r->ring_ms);
	if (r->codec) {
		answer_fact(answer, "Answered", "after %u ms", r->answer_ms);
		say_media(answer, r);
	} else {
		say_unanswered(answer, testing->to, r);
	}
	end(request);
	request_done(request);
}

/* ---- whether it may be ---- */

struct search {
	const char *trunk, *number;
};

static void on_number(const struct account_number *number, void *arg)
{
	struct search *search = arg;

	if (!search->number && !strcmp(number->trunk, search->trunk))
		search->number = number->number;
}

/* One that the trunk knows; else what it knows us by. */
static const char *shown_number(const struct gateway *gateway,
				const struct config_trunk *trunk)
{
	const struct config_number *fixed = config_number_by(
		gateway->config, CONFIG_BY_TRUNK, trunk->name, 0);
	struct search search = { trunk->name, fixed ? fixed->number : NULL };

	account_each_number(gateway->accounts, NULL, on_number, &search);
	if (search.number)
		return search.number;
	return *trunk->username ? trunk->username : "tandem";
}

/* Where the gateway is, or else the number that calls. */
static void find_region(char out[static PHONE_REGION_CAP],
			const struct gateway *gateway, const char *shown)
{
	if (text_set(out, PHONE_REGION_CAP, gateway->config->region) || *out)
		return;
	if (!phone_region(out, shown))
		out[0] = '\0';
}

/* A short code of the trunk's, or an extension of a PBX: as accounts may dial
 * them. */
static bool is_code(const struct config_trunk *trunk, const char *text)
{
	enum { EXTENSION_MAX = 6 }; /* digits; numbers have more */
	size_t n = strlen(text);

	if (n && n <= EXTENSION_MAX && strspn(text, "0123456789") == n)
		return true;
	for (size_t i = 0; i < trunk->short_codes.n; i++) {
		if (!strcmp(trunk->short_codes.v[i], text))
			return true;
	}
	return false;
}

/* As an account of that trunk dials: a number, however it is written, or one of
 * the trunk's codes. NULL: @out is what to call; else why it cannot be.
 * Nobody's help is a test. */
static const char *read_number(char out[static ROUTE_USER_CAP],
			       const struct gateway *gateway,
			       const struct config_trunk *trunk,
			       const char *shown, const char *text)
{
	static const char neither[] =
		"neither a number nor a code of the trunk";
	char region[PHONE_REGION_CAP], number[PHONE_CAP];

	find_region(region, gateway, shown);
	if (route_is_emergency(gateway, text, region))
		return "emergency";
	if (is_code(trunk, text))
		return text_set(out, ROUTE_USER_CAP, text) ? neither : NULL;
	if (config_is_number(text) ? text_set(number, sizeof(number), text)
				   : phone_parse(number, text, region))
		return neither;
	if (text_set(out, ROUTE_USER_CAP, number))
		return neither;
	return rewrite_allows(&gateway->config->limits.account.destinations,
			      out)
		       ? NULL
		       : "destination";
}

/* As for those of accounts: a test costs as much. */
static bool may_call(struct request *request, const struct config_trunk *trunk,
		     const struct testing *testing)
{
	struct gateway *gateway = request->gateway;
	enum limit limit = limits_check(
		gateway, QUOTA_TRUNK, trunk->name,
		*testing->to == '+' ? testing->to : NULL, LIMITS_TRIES);

	if (gateway->draining)
		answer_error(request->answer, "No new calls are taken now.");
	else if (limit)
		answer_error(request->answer,
			     "%s may not be called over %s now (%s).",
			     testing->to, trunk->name, limit_name(limit));
	return !limit && !gateway->draining;
}

static int call(struct request *request, const struct config_trunk *config,
		struct testing *testing)
{
	struct gateway *gateway = request->gateway;
	const char *to = testing->to;
	char dialled[ROUTE_USER_CAP], shown[ROUTE_USER_CAP];
	int r = *to == '+' ? rewrite_apply(dialled, sizeof(dialled),
					   &config->rewrite_out, to)
			   : rewrite_code(dialled, sizeof(dialled),
					  &config->rewrite_out, to);

	if (!r)
		r = rewrite_apply(shown, sizeof(shown),
				  &config->rewrite_out_caller, testing->from);
	if (!r)
		r = probe_call_new(
			&testing->probe, gateway,
			&(struct probe_call_target){
				.trunk = trunks_find(gateway, config->name),
				.config = config,
				.to = dialled,
				.from = shown },
			on_tested, request);
	return r;
}

/* Whether it is called now; else it was said why not. */
static bool start(struct request *request, const struct config_trunk *config,
		  struct testing *testing)
{
	const char *number = request_text(request, "number");
	const char *shown = shown_number(request->gateway, config);
	const char *why = text_set(testing->from, sizeof(testing->from), shown)
				  ? "its number is too long"
				  : read_number(testing->to, request->gateway,
						config, shown, number);

	if (why) {
		answer_error(request->answer,
			     "%s may not be called over %s now (%s).", number,
			     config->name, why);
		return false;
	}
	if (!may_call(request, config, testing))
		return false;
	int r = call(request, config, testing);
	if (r)
		answer_error(request->answer, "Nothing can be sent to %s: %s.",
			     config->name,
			     r == -EHOSTUNREACH ? "its name leads nowhere"
						: strerror(-r));
	return !r;
}

static enum command_result run(struct request *request)
{
	const char *name = request_text(request, "trunk");
	const struct config_trunk *config =
		config_find_trunk(request->gateway->config, name);
	struct testing *testing;

	if (!config || !trunks_find(request->gateway, name)) {
		answer_error(request->answer, "There is no trunk %s now.",
			     name);
		return COMMAND_DONE;
	}
	testing = calloc(1, sizeof(*testing));
	if (!testing) {
		(void)request_well(request, -ENOMEM);
		return COMMAND_DONE;
	}
	testing->started_ms = clock_wall_ms();
	testing->trunk = name;
	request->work = testing;
	request->abandon = end;
	if (!start(request, config, testing)) {
		end(request);
		return COMMAND_DONE;
	}
	request_changed(request, name, "", testing->to);
	return COMMAND_LATER;
}

static const struct command table[] = {
	{ .node = "trunk-call",
	  .title = "Call a number over a trunk as a test, and listen",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(fields, .fill = commands_fill_trunks) },
	  .run = run },
};
const struct commands commands_trunk_call = COMMANDS(table);
