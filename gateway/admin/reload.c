/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/reload.h"

#include <stdlib.h>

#include "gateway/admin/admin.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "gateway/route/limits.h"

struct reload {
	struct config **v; /* those after the first, which is main.c's */
	size_t n;
};

int reload_new(struct gateway *gateway)
{
	gateway->reload = calloc(1, sizeof(*gateway->reload));
	return gateway->reload ? 0 : -ENOMEM;
}

void reload_free(struct gateway *gateway)
{
	struct reload *all = gateway->reload;

	gateway->reload = NULL;
	if (!all)
		return;
	while (all->n)
		config_free(all->v[--all->n]);
	free(all->v);
	free(all);
}

static int keep(struct reload *all, struct config *config)
{
	struct config **grown =
		reallocarray(all->v, all->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	all->v = grown;
	all->v[all->n++] = config;
	return 0;
}

int reload(struct gateway *gateway, config_mistake_fn mistake, void *arg,
	   char what[static CONFIG_WHAT_CAP])
{
	AUTO(config_freep) struct config *config = NULL;

	if (gateway->reload->n >= RELOAD_MAX)
		return RELOAD_E_FULL;
	int r = config_load(&config, gateway->config->path, mistake, arg);
	if (r)
		return r == CONFIG_E_INVALID ? RELOAD_E_INVALID : r;
	if (!config_can_become(gateway->config, config, what))
		return RELOAD_E_RESTART;
	config->added = &gateway->added;
	r = keep(gateway->reload, config);
	if (r)
		return r;
	log_set_level(config->log.level);
	log_set_json(config->log.json);
	gateway->config = config;
	limits_reloaded(gateway);
	config = NULL;
	admin_configured(gateway);
	log_info("event=reloaded path=%s", gateway->config->path);
	return 0;
}
