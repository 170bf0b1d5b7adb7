/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/role.h"

#include <string.h>

#include "db/account.h"
#include "gateway/admin/moves.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"

static const char *const names[ROLE_NVALUES] = {
	[ROLE_NONE] = "none",
	[ROLE_READER] = "read-only",
	[ROLE_OPERATOR] = "operator",
	[ROLE_OWNER] = "owner",
};

bool role_parse(enum role *out, const char *name)
{
	for (unsigned i = 0; i < ROLE_NVALUES; i++) {
		*out = (enum role)i;
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static bool is_in(char *const *jids, size_t n, const char *account)
{
	for (size_t i = 0; i < n; i++) {
		if (jid_same_bare(jids[i], account))
			return true;
	}
	return false;
}

static enum role role_of(const struct config *config, const char *account)
{
	if (is_in(config->admins, config->nadmins, account))
		return ROLE_OWNER;
	if (is_in(config->operators, config->noperators, account))
		return ROLE_OPERATOR;
	return is_in(config->readers, config->nreaders, account) ? ROLE_READER
								 : ROLE_NONE;
}

/* Who is switched off has no say in anything. */
static bool is_user(const struct gateway *gateway, const char *account)
{
	const struct account *known = account_find(gateway->accounts, account);
	struct number number;

	return (!known || known->enabled) &&
	       number_of(&number, gateway, account, NULL);
}

bool role_actor(struct actor *out, const struct gateway *gateway,
		const char *from, const char *face)
{
	*out = (struct actor){ .face = face };
	if (!from || jid_bare(out->who, sizeof(out->who), from))
		return false;
	memcpy(out->account, out->who, sizeof(out->account));
	out->role = role_of(gateway->config, out->account);
	out->is_user = is_user(gateway, out->account);
	out->is_awaited = moves_await(gateway->moves, out->account);
	return true;
}

bool role_may(const struct actor *actor, enum role_need need)
{
	static const enum role least[] = { [NEED_READER] = ROLE_READER,
					   [NEED_OPERATOR] = ROLE_OPERATOR,
					   [NEED_OWNER] = ROLE_OWNER };

	if (need == NEED_USER)
		return actor->is_user;
	return need == NEED_MOVE ? actor->is_awaited
				 : actor->role >= least[need];
}

bool role_may_anything(const struct gateway *gateway, const char *from)
{
	struct actor actor;

	return role_actor(&actor, gateway, from, "") &&
	       (actor.is_user || actor.is_awaited || actor.role != ROLE_NONE);
}

enum disco_entity role_entity(const struct gateway *gateway, const char *from,
			      enum disco_entity entity)
{
	return entity == DISCO_GATEWAY && role_may_anything(gateway, from)
		       ? DISCO_COMMANDED
		       : entity;
}
