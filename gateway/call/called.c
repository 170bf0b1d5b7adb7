/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/called.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/config/config.h"
#include "sip/agent.h"

/* A number, and not the trunk's name for us that looks like one. */
static bool is_number(const struct config_trunk *trunk, const char *user)
{
	size_t prefix = strlen(trunk->called_prefix);
	const char *digits = user;

	if (!strncmp(user, trunk->called_prefix, prefix))
		digits += prefix;
	digits += *digits == '+';
	return *digits && !digits[strspn(digits, "0123456789")] &&
	       strcmp(user, trunk->username) != 0 &&
	       strcmp(user, trunk->contact_user) != 0;
}

const char *called_user(const struct config_trunk *trunk,
			const struct sip_invite *invite)
{
	if (is_number(trunk, invite->request_user))
		return invite->request_user;
	if (*invite->called_user)
		return invite->called_user;
	return *invite->to_user ? invite->to_user : invite->request_user;
}
