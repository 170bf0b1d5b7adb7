/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* How the gateway is, in one screen. */
#include <stdlib.h>
#include <sys/resource.h>

#include "db/account.h"
#include "db/db.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/span.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "media/bridge.h"
#include "sip/trunk.h"
#include "xmpp/xmpp_stream.h"

enum { KIB_PER_MIB = 1024, PERMILLE_PER_PERCENT = 10 };

static void say_trunks(struct answer *answer, const struct gateway *gateway)
{
	size_t up = 0;

	for (size_t i = 0; i < gateway->ntrunks; i++) {
		up += sip_trunk_takes_calls(gateway->trunks[i]);
		if (sip_trunk_state(gateway->trunks[i]) == SIP_TRUNK_DOWN)
			answer_warn(answer, "Trunk %s is down.",
				    sip_trunk_name(gateway->trunks[i]));
	}
	answer_fact(answer, "Trunks up", "%zu of %zu", up, gateway->ntrunks);
}

static void say_workers(struct answer *answer, const struct gateway *gateway)
{
	unsigned busy = 0, n = media_workers(gateway->media);
	uint64_t packets = 0;

	for (unsigned i = 0; i < n; i++) {
		struct media_worker_stats stats;

		media_worker_stats(gateway->media, i, &stats);
		packets += stats.packets_s;
		if (stats.busy_permille > busy)
			busy = stats.busy_permille;
	}
	answer_fact(answer, "Media",
		    "%u workers, the busiest %u %%, "
		    "%llu packets a second",
		    n, busy / PERMILLE_PER_PERCENT,
		    (unsigned long long)packets);
}

static void say_database(struct answer *answer, const struct gateway *gateway)
{
	struct db_stats stats = db_stats(gateway->db);

	answer_fact(answer, "Database", "%llu writes, %zu waiting, %llu errors",
		    (unsigned long long)stats.written, stats.waiting,
		    (unsigned long long)stats.errors);
	if (stats.errors)
		answer_warn(answer, "The database could not be written; is "
				    "the disk full?");
}

static void count_account(const struct account *account, void *arg)
{
	size_t *n = arg;

	(void)account;
	(*n)++;
}

static void count_number(const struct account_number *number, void *arg)
{
	size_t *n = arg;

	(void)number;
	(*n)++;
}

static void say_people(struct answer *answer, const struct gateway *gateway)
{
	size_t accounts = 0, numbers = 0;

	account_each(gateway->accounts, count_account, &accounts);
	account_each_number(gateway->accounts, NULL, count_number, &numbers);
	answer_fact(answer, "Numbers",
		    "%zu in the file, %zu added; %zu accounts with settings",
		    gateway->config->nnumbers, numbers, accounts);
}

static enum command_result run_status(struct request *request)
{
	const struct gateway *gateway = request->gateway;
	struct answer *answer = request->answer;
	struct rusage usage;

	if (gateway->draining)
		answer_warn(answer, "Draining: no new calls are taken.");
	if (!xmpp_stream_is_up(gateway->stream))
		answer_error(answer, "The XMPP server is not connected.");
	answer_fact(answer, "Version", "%s", TANDEM_VERSION);
	answer_fact(answer, "Domain", "%s", gateway->config->xmpp.domain);
	answer_fact(answer, "Running for", "%s",
		    span_text(clock_ms() - gateway->started_ms).s);
	answer_fact(answer, "XMPP server", "%s",
		    xmpp_stream_is_up(gateway->stream) ? "connected"
						       : "not connected");
	answer_fact(answer, "Calls", "%u of %u", gateway->ncalls,
		    gateway->config->limits.calls);
	say_trunks(answer, gateway);
	say_people(answer, gateway);
	say_workers(answer, gateway);
	say_database(answer, gateway);
	if (!getrusage(RUSAGE_SELF, &usage))
		answer_fact(answer, "Memory at most", "%ld MiB",
			    usage.ru_maxrss / KIB_PER_MIB);
	if (log_dropped())
		answer_warn(answer, "%lu lines of the log were lost.",
			    log_dropped());
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "status",
	  .title = "Status and health",
	  .need = NEED_READER,
	  .run = run_status },
};
const struct commands commands_status = COMMANDS(table);
