/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The process itself: whether it takes calls, and what it logs. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "db/backup.h"
#include "gateway/admin/admin.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/reload.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/upgrade.h"

static const struct form_spec drain_fields[] = {
	{ .var = "drain",
	  .label = "Take no new calls",
	  .type = FORM_BOOLEAN,
	  .required = true,
	  .initial = "true" },
	{ .var = "end",
	  .label = "End the process with the last call",
	  .type = FORM_BOOLEAN,
	  .initial = "false" },
};

static const struct form_spec upgrade_fields[] = {
	{ .var = "sure",
	  .label = "Start the program that is installed now",
	  .type = FORM_BOOLEAN,
	  .required = true,
	  .initial = "true",
	  .desc = "Calls go on; those that are being made are waited for" },
};

static const struct form_option level_options[] = {
	{ "error", NULL }, { "warn", NULL }, { "info", NULL },
	{ "debug", NULL }, { NULL, NULL },
};

static const struct form_spec level_fields[] = {
	{ .var = "level",
	  .label = "Level",
	  .type = FORM_LIST_SINGLE,
	  .required = true,
	  .options = level_options,
	  .desc = "Until the next start; debug says what people write" },
};

static enum command_result run_drain(struct request *request)
{
	struct gateway *gateway = request->gateway;
	bool drain = request_flag(request, "drain");

	bool end = drain && request_flag(request, "end");

	if (gateway->upgrade_ms) {
		answer_error(request->answer,
			     "It is about to give way to another process.");
		return COMMAND_DONE;
	}
	request_changed(request, "gateway",
			gateway->draining ? "draining" : "open",
			end     ? "draining, then the end"
			: drain ? "draining"
				: "open");
	gateway_retire(gateway, end);
	gateway->draining = drain;
	if (end)
		answer_info(request->answer,
			    "No new calls are taken; the process ends with the "
			    "last of %u.",
			    gateway->ncalls);
	else if (drain)
		answer_info(request->answer,
			    "No new calls are taken; %u go on.",
			    gateway->ncalls);
	else
		answer_info(request->answer, "Calls are taken again.");
	return COMMAND_DONE;
}

/* What it says goes out before the process does. */
static enum command_result run_upgrade(struct request *request)
{
	struct gateway *gateway = request->gateway;

	if (!request_flag(request, "sure")) {
		answer_info(request->answer, "Nothing was done.");
		return COMMAND_DONE;
	}
	request_changed(request, "gateway", TANDEM_VERSION, "upgrade");
	upgrade_begin(gateway);
	answer_info(request->answer,
		    "Another process takes the place of this one (%s), with "
		    "the %u calls of now, when the service manager starts it.",
		    TANDEM_VERSION, gateway->ncalls);
	return COMMAND_DONE;
}

static void fill_level(const struct request *request, struct form *form)
{
	(void)request;
	form_set(form_find(form, "level"), log_level_name(log_level()));
}

static enum command_result run_level(struct request *request)
{
	const char *name = request_text(request, "level");
	enum log_level level;

	if (!request_well(request, log_level_parse(name, &level)))
		return COMMAND_DONE;
	request_changed(request, "log", log_level_name(log_level()), name);
	log_set_level(level);
	answer_info(request->answer, "The log's level is %s.", name);
	return COMMAND_DONE;
}

/* ---- the configuration ---- */

static void on_mistake(const char *line, void *arg)
{
	struct request *request = arg;

	answer_error(request->answer, "%s", line);
}

static enum command_result run_reload(struct request *request)
{
	char what[CONFIG_WHAT_CAP] = "";
	int r = reload(request->gateway, on_mistake, request, what);

	switch (r) {
	case RELOAD_E_INVALID:
		answer_error(request->answer, "Nothing was changed.");
		break;
	case RELOAD_E_RESTART:
		answer_error(request->answer,
			     "To change %s needs a restart; nothing was "
			     "changed.",
			     what);
		break;
	case RELOAD_E_FULL:
		answer_error(request->answer,
			     "It was read so often that it needs a restart.");
		break;
	default:
		if (!request_well(request, r))
			break;
		request_changed(request, "tandem.conf", "", "reloaded");
		answer_info(request->answer, "%s is in force.",
			    request->gateway->config->path);
	}
	return COMMAND_DONE;
}

/* ---- a copy of the database ---- */

struct copying {
	struct db_backup *backup;
	char path[PATH_MAX];
};

static void end_copying(struct request *request)
{
	struct copying *copying = request->work;

	db_backup_free(copying->backup);
	free(copying);
	request->work = NULL;
}

static void on_copied(int result, void *arg)
{
	struct request *request = arg;
	struct copying *copying = request->work;

	if (request_well(request, result)) {
		request_changed(request, "database", "", copying->path);
		answer_info(request->answer,
			    "The database is copied to %s. Secrets in it are "
			    "sealed by %s.key: keep that apart.",
			    copying->path, request->gateway->config->db.path);
	}
	end_copying(request);
	request_done(request);
}

static int start_copying(struct request *request)
{
	const struct gateway *gateway = request->gateway;
	struct copying *copying = calloc(1, sizeof(*copying));

	if (!copying)
		return -ENOMEM;
	request->work = copying;
	int r = text_format(copying->path, sizeof(copying->path),
			    "%s.backup-%" PRIu64, gateway->config->db.path,
			    admin_stamp(gateway->admin));
	if (!r)
		r = db_backup_new(&copying->backup, gateway->db, copying->path,
				  on_copied, request);
	if (r)
		end_copying(request);
	return r;
}

static enum command_result run_backup(struct request *request)
{
	request->abandon = end_copying;
	return request_well(request, start_copying(request)) ? COMMAND_LATER
							     : COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "reload",
	  .title = "Read tandem.conf again",
	  .need = NEED_OWNER,
	  .changes = true,
	  .run = run_reload },
	{ .node = "backup",
	  .title = "Copy the database",
	  .need = NEED_OWNER,
	  .changes = true,
	  .run = run_backup },
	{ .node = "drain",
	  .title = "Take no new calls, or again",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(drain_fields) },
	  .run = run_drain },
	{ .node = "upgrade",
	  .title = "Start the program anew under the calls of now",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(upgrade_fields) },
	  .run = run_upgrade },
	{ .node = "log-level",
	  .title = "How much is logged",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(level_fields, .fill = fill_level) },
	  .run = run_level },
};
const struct commands commands_process = COMMANDS(table);
