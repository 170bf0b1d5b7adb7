/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Trunks: how they are, whether they answer, and taking calls off them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/commands.h"
#include "gateway/admin/span.h"
#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/route/toll.h"
#include "gateway/route/trunks.h"
#include "sip/probe.h"
#include "sip/trunk.h"

enum { PERCENT = 100 };

#define TRUNK_FIELD                                                         \
	{                                                                   \
		.var = "trunk", .label = "Trunk", .type = FORM_LIST_SINGLE, \
		.required = true                                            \
	}

static const struct form_spec trunk_fields[] = { TRUNK_FIELD };

static const struct form_spec drain_fields[] = {
	TRUNK_FIELD,
	{ .var = "drain",
	  .label = "Take no new calls",
	  .type = FORM_BOOLEAN,
	  .required = true,
	  .initial = "true",
	  .desc = "Calls of now go on, and texts" },
};

void commands_fill_trunks(const struct request *request, struct form *form)
{
	const struct gateway *gateway = request->gateway;
	struct form_field *field = form_find(form, "trunk");

	for (size_t i = 0; i < gateway->ntrunks; i++)
		form_add_option(field, sip_trunk_name(gateway->trunks[i]),
				NULL);
	if (gateway->ntrunks == 1)
		form_set(field, sip_trunk_name(gateway->trunks[0]));
}

/* ---- list ---- */

static void put_trunk(struct answer *answer, struct gateway *gateway,
		      const struct sip_trunk *trunk)
{
	static const char *const registrations[] = {
		[SIP_REGISTRATION_NONE] = "-",
		[SIP_REGISTRATION_DOWN] = "no",
		[SIP_REGISTRATION_UP] = "yes",
	};
	const struct sip_trunk_stats *stats = sip_trunk_stats(trunk);
	uint64_t pdd =
		stats->pdd_count ? stats->pdd_sum_ms / stats->pdd_count : 0;

	answer_cell(answer, "%s", sip_trunk_name(trunk));
	answer_cell(
		answer, "%s%s", sip_trunk_state_name(sip_trunk_state(trunk)),
		trunks_is_drained(gateway, sip_trunk_name(trunk)) ? ", drained"
								  : "");
	answer_cell(answer, "%s",
		    stats->state_since_ms
			    ? span_text(clock_ms() - stats->state_since_ms).s
			    : "");
	answer_cell(answer, "%s", registrations[sip_trunk_registration(trunk)]);
	answer_cell(answer, "%u",
		    toll_calls(gateway, TOLL_TRUNK, sip_trunk_name(trunk)));
	answer_cell(answer, "%" PRIu64 " of %" PRIu64, stats->answered,
		    stats->calls);
	answer_cell(answer, "%" PRIu64 " ms", pdd);
	answer_cell(answer, "%s", stats->last_error);
}

static enum command_result run_trunks(struct request *request)
{
	static const char *const columns[] = {
		"Trunk", "State",    "Since",           "Registered",
		"Calls", "Answered", "Post-dial delay", "Last error"
	};
	struct gateway *gateway = request->gateway;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		answer_column(request->answer, columns[i]);
	for (size_t i = 0; i < gateway->ntrunks; i++)
		put_trunk(request->answer, gateway, gateway->trunks[i]);
	if (!gateway->ntrunks)
		answer_info(request->answer, "There are no trunks.");
	return COMMAND_DONE;
}

/* ---- test ---- */

static void on_probed(unsigned status, unsigned ms, void *arg)
{
	struct request *request = arg;
	const char *name = request_text(request, "trunk");

	request->work = sip_probe_free(request->work);
	if (status)
		answer_info(request->answer,
			    "%s answered OPTIONS with %u after %u ms.", name,
			    status, ms);
	else
		answer_error(request->answer,
			     "%s has not answered OPTIONS; given up after "
			     "%u ms.",
			     name, ms);
	request_done(request);
}

static void abandon(struct request *request)
{
	request->work = sip_probe_free(request->work);
}

static enum command_result run_test(struct request *request)
{
	struct sip_trunk *trunk =
		trunks_find(request->gateway, request_text(request, "trunk"));
	struct sip_probe *probe = NULL;
	int r = trunk ? sip_probe_new(&probe, trunk, on_probed, request)
		      : -ENOENT;

	if (!r) {
		request->work = probe;
		request->abandon = abandon;
		return COMMAND_LATER;
	}
	answer_error(request->answer, "Nothing can be sent to %s: %s.",
		     request_text(request, "trunk"),
		     r == -EHOSTUNREACH ? "its name leads nowhere"
					: strerror(-r));
	return COMMAND_DONE;
}

/* ---- drain ---- */

static enum command_result run_drain(struct request *request)
{
	const char *name = request_text(request, "trunk");
	struct gateway *gateway = request->gateway;
	bool drain = request_flag(request, "drain");
	bool before = trunks_is_drained(gateway, name);

	if (!request_well(request, trunks_drain(gateway, name, drain)))
		return COMMAND_DONE;
	request_changed(request, name, before ? "drained" : "open",
			drain ? "drained" : "open");
	answer_info(request->answer, "%s takes %s.", name,
		    drain ? "no new calls" : "calls");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "trunks",
	  .title = "Trunks",
	  .need = NEED_READER,
	  .run = run_trunks },
	{ .node = "trunk-test",
	  .title = "Test a trunk by OPTIONS",
	  .need = NEED_OPERATOR,
	  .steps = { COMMAND_FIELDS(trunk_fields,
				    .fill = commands_fill_trunks) },
	  .run = run_test },
	{ .node = "trunk-drain",
	  .title = "Take a trunk out of service, or back",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(drain_fields,
				    .fill = commands_fill_trunks) },
	  .run = run_drain },
};
const struct commands commands_trunks = COMMANDS(table);
