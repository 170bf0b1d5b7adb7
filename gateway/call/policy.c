/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/policy.h"

#include "db/setting.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/call/quiet.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"

/* The number called, or else the first that @account owns; NULL: none. */
static const struct config_number *find_number(const struct config *config,
					       const char *account,
					       const char *called)
{
	const struct config_number *first =
		config_number_of(config, account, 0);
	const struct config_number *number = first;

	for (size_t i = 1; called && number; i++) {
		if (!strcmp(number->number, called))
			return number;
		number = config_number_of(config, account, i);
	}
	return first;
}

static void take_config(struct policy *out, const struct config_number *number)
{
	out->second_call = number->second_call;
	out->forward = number->forward;
	out->early_media = number->early_media;
	out->chat_digits = number->chat_digits;
}

static void take_account(struct policy *out, const struct account *account)
{
	out->enabled = account->enabled;
	if (account->second_call)
		out->second_call = account->second_call;
	if (*account->forward)
		out->forward = account->forward;
	if (account->early_media)
		out->early_media = account->early_media;
	if (account->chat_digits)
		out->chat_digits = account->chat_digits == ACCOUNT_ON;
}

void policy_of(struct policy *out, const struct gateway *gateway,
	       const char *account, const char *called)
{
	const struct config_number *number =
		find_number(gateway->config, account, called);
	const struct account *found = account_find(gateway->accounts, account);
	uint64_t ring_s;

	*out = (struct policy){
		.second_call = ACCOUNT_SECOND_RING,
		.forward = "",
		.chat_digits = true,
		.enabled = true,
	};
	if (number)
		take_config(out, number);
	if (found)
		take_account(out, found);
	const char *quiet = setting_get(gateway->settings, SETTING_ACCOUNT,
					account, SETTING_QUIET);
	out->quiet = quiet_is_now(quiet);
	out->quiet_for_now = out->quiet && !quiet_is_always(quiet);
	out->targets = setting_get(gateway->settings, SETTING_ACCOUNT, account,
				   SETTING_TARGETS);
	out->forwards = *setting_get(gateway->settings, SETTING_ACCOUNT,
				     account, SETTING_FORWARDS);
	if (text_number(slice_of(setting_get(gateway->settings, SETTING_ACCOUNT,
					     account, SETTING_RING)),
			POLICY_RING_MAX_S, &ring_s))
		ring_s = 0;
	out->ring_s = (unsigned)ring_s;
}
