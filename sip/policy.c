/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/policy.h"

#include <strings.h>

const char *sip_policy_allow(const struct sip_policy *policy)
{
	static const char *const lists[2][2] = {
		{ SIP_ALLOW, SIP_ALLOW ", REFER" },
		{ SIP_ALLOW ", PRACK", SIP_ALLOW ", PRACK, REFER" },
	};

	return lists[policy->prack][policy->refer];
}

const char *sip_policy_supported(const struct sip_policy *policy)
{
	static const char *const lists[2][2] = {
		{ "timer", "timer, replaces" },
		{ "timer, 100rel", "timer, 100rel, replaces" },
	};

	return lists[policy->prack][policy->refer];
}

bool sip_policy_has(const struct sip_policy *policy, const char *extension)
{
	if (!strcasecmp(extension, "timer"))
		return true;
	if (!strcasecmp(extension, "100rel"))
		return policy->prack;
	return policy->refer && !strcasecmp(extension, "replaces");
}
