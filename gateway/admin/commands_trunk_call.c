/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A call over a trunk that is only a test, and what was heard in it. */
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/probe_call.h"
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
	  .regex = "\\+?[0-9*#]{1,15}",
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

static void on_tested(const struct probe_call_result *r, void *arg)
{
	struct request *request = arg;
	struct answer *answer = request->answer;
	const char *number = request_text(request, "number");

	if (r->ring_ms)
		answer_fact(answer, "Ringing", "after %u ms", r->ring_ms);
	if (r->codec) {
		answer_fact(answer, "Answered", "after %u ms", r->answer_ms);
		say_media(answer, r);
	} else if (r->status) {
		answer_error(answer, "%s was refused with %u%s%s after %u ms.",
			     number, r->status, *r->text ? " " : "", r->text,
			     r->answer_ms);
	} else {
		answer_error(answer, "%s has not answered within %d s.", number,
			     PROBE_CALL_RING_MS / 1000);
	}
	request->work = probe_call_free(request->work);
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
	const struct config *config = gateway->config;
	struct search search = { trunk->name, NULL };

	for (size_t i = 0; i < config->nnumbers && !search.number; i++) {
		if (!strcmp(config->numbers[i].trunk, trunk->name))
			search.number = config->numbers[i].number;
	}
	account_each_number(gateway->accounts, NULL, on_number, &search);
	if (search.number)
		return search.number;
	return *trunk->username ? trunk->username : "tandem";
}

/* Where the gateway is, or else the number that calls: nobody's help is a
 * test. */
static bool is_emergency(const struct gateway *gateway,
			 const struct config_trunk *trunk, const char *to)
{
	const char *configured = gateway->config->region;
	char region[PHONE_REGION_CAP];

	if (!*configured && !phone_region(region, shown_number(gateway, trunk)))
		region[0] = '\0';
	return route_is_emergency(gateway, to,
				  *configured ? configured : region);
}

/* As for those of accounts: a test costs as much. */
static bool may_call(struct request *request, const struct config_trunk *trunk,
		     const char *to)
{
	struct gateway *gateway = request->gateway;
	bool emergency = is_emergency(gateway, trunk, to);
	enum limit limit = limits_attempt(gateway, QUOTA_TRUNK, trunk->name,
					  *to == '+' ? to : NULL);
	bool denied =
		*to == '+' &&
		!rewrite_allows(&gateway->config->limits.account.destinations,
				to);

	if (limit || denied || emergency)
		answer_error(request->answer,
			     "%s may not be called over %s now (%s).", to,
			     trunk->name,
			     emergency ? "emergency"
			     : denied  ? "destination"
				       : limit_name(limit));
	return !limit && !denied && !emergency;
}

static int start(struct request *request, const struct config_trunk *config,
		 const char *number)
{
	struct gateway *gateway = request->gateway;
	const char *shown = shown_number(gateway, config);
	struct probe_call *probe;
	char to[ROUTE_USER_CAP], from[ROUTE_USER_CAP];
	int r = *number == '+' ? rewrite_apply(to, sizeof(to),
					       &config->rewrite_out, number)
			       : rewrite_code(to, sizeof(to),
					      &config->rewrite_out, number);

	if (!r)
		r = rewrite_apply(from, sizeof(from),
				  &config->rewrite_out_caller, shown);
	if (!r)
		r = probe_call_new(
			&probe, gateway,
			&(struct probe_call_target){
				.trunk = trunks_find(gateway, config->name),
				.config = config,
				.to = to,
				.from = from },
			on_tested, request);
	if (!r)
		request->work = probe;
	return r;
}

static void abandon(struct request *request)
{
	request->work = probe_call_free(request->work);
}

static enum command_result run(struct request *request)
{
	const char *name = request_text(request, "trunk");
	const char *number = request_text(request, "number");
	const struct config_trunk *config =
		config_find_trunk(request->gateway->config, name);

	if (!config || !trunks_find(request->gateway, name)) {
		answer_error(request->answer, "There is no trunk %s now.",
			     name);
		return COMMAND_DONE;
	}
	if (!may_call(request, config, number))
		return COMMAND_DONE;
	int r = start(request, config, number);
	if (r) {
		answer_error(request->answer, "Nothing can be sent to %s: %s.",
			     name,
			     r == -EHOSTUNREACH ? "its name leads nowhere"
						: strerror(-r));
		return COMMAND_DONE;
	}
	request->abandon = abandon;
	request_changed(request, name, "", number);
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
