/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/doctor/doctor.h"

#include <event2/event.h>

#include "db/db.h"
#include "gateway/base/log.h"
#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"

static void on_mistake(const char *line, void *arg)
{
	finding_bad(arg, "configuration",
		    "tandem.conf(5) has every key; `tandem -n` checks it again",
		    "%s", line);
}

static void (*const checks[])(struct doctor *doctor) = {
	check_machine, check_files,     check_ports,  check_public,
	check_dns,     check_component, check_trunks,
};

static void examine(struct doctor *doctor, const char *path)
{
	const struct config *config = doctor->config;

	finding_good(doctor, "configuration",
		     "%s: domain %s, %zu trunks, %zu numbers", path,
		     config->xmpp.domain, config->ntrunks, config->nnumbers);
	doctor->running = db_is_in_use(config->db.path);
	if (doctor->running)
		finding_good(doctor, "process",
			     "a Tandem is running with it: what it holds is "
			     "not tried beside it");
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](doctor);
}

unsigned doctor_run(const char *path, FILE *out)
{
	struct doctor doctor = { .out = out };
	struct config *config = NULL;

	/* What the parts log of a failure, the finding says in words. */
	if (log_open("/dev/null", LOG_LEVEL_ERROR))
		return 1;
	check_user(&doctor);
	if (config_load(&config, path, on_mistake, &doctor))
		return doctor.bad ? doctor.bad : 1;
	doctor.config = config;
	doctor.base = event_base_new();
	if (doctor.base)
		examine(&doctor, path);
	else
		doctor.bad++;
	if (doctor.base)
		event_base_free(doctor.base);
	config_free(config);
	fprintf(out, doctor.bad ? "%u to be mended.\n" : "All is well.\n",
		doctor.bad);
	return doctor.bad;
}
