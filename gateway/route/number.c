/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/number.h"

#include <string.h>

#include "db/setting.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "xmpp/jid.h"

static void from_config(struct number *out, const struct config_number *number)
{
	*out = (struct number){ .number = number->number,
				.trunk = number->trunk,
				.texts = number->texts,
				.nowners = number->nowners,
				.ring = number->ring,
				.ring_s = number->ring_s,
				.display = number->display,
				.withhold = number->withhold };
	for (size_t i = 0; i < number->nowners; i++)
		out->owners[i] = number->owners[i];
}

static void from_account(struct number *out,
			 const struct account_number *number)
{
	*out = (struct number){ .number = number->number,
				.trunk = number->trunk,
				.nowners = number->nowners,
				.ring = number->ring,
				.ring_s = number->ring_s,
				.texts = number->texts,
				.display = "" };
	memcpy(out->owners, number->owners, sizeof(out->owners));
}

bool number_find(struct number *out, const struct gateway *gateway,
		 const char *text)
{
	const struct config_number *fixed =
		config_find_number(gateway->config, text);
	const struct account_number *added =
		fixed ? NULL : account_find_number(gateway->accounts, text);

	if (fixed)
		from_config(out, fixed);
	else if (added)
		from_account(out, added);
	return fixed || added;
}

static bool owns(const char *const *owners, size_t n, const char *account)
{
	for (size_t i = 0; i < n; i++) {
		if (jid_same_bare(owners[i], account))
			return true;
	}
	return false;
}

bool number_has_owner(const struct number *number, const char *account)
{
	return owns(number->owners, number->nowners, account);
}

struct search {
	struct number *out;
	const char *trunk, *texts;
	bool found;
};

static void on_number(const struct account_number *number, void *arg)
{
	struct search *search = arg;

	if (search->found ||
	    (search->trunk && strcmp(number->trunk, search->trunk) != 0))
		return;
	from_account(search->out, number);
	search->found = true;
}

/* The one that the account wants to be seen, if it is still its own. */
static bool chosen(struct number *out, const struct gateway *gateway,
		   const char *account, const char *trunk)
{
	const char *number = setting_get(gateway->settings, SETTING_ACCOUNT,
					 account, SETTING_CALLER_ID);

	return *number && number_find(out, gateway, number) &&
	       (!trunk || !strcmp(out->trunk, trunk)) &&
	       number_has_owner(out, account);
}

bool number_of(struct number *out, const struct gateway *gateway,
	       const char *account, const char *trunk)
{
	const struct config *config = gateway->config;
	struct search search = { .out = out, .trunk = trunk };
	const struct config_number *number;

	if (chosen(out, gateway, account, trunk))
		return true;
	for (size_t i = 0; (number = config_number_of(config, account, i));
	     i++) {
		if (trunk && strcmp(number->trunk, trunk) != 0)
			continue;
		from_config(out, number);
		return true;
	}
	account_each_number(gateway->accounts, account, on_number, &search);
	return search.found;
}

struct each {
	const struct gateway *gateway;
	number_fn fn;
	void *arg;
};

static void on_added(const struct account_number *added, void *arg)
{
	const struct each *each = arg;
	struct number number;

	if (!config_find_number(each->gateway->config, added->number) &&
	    number_find(&number, each->gateway, added->number))
		each->fn(&number, each->arg);
}

void number_each(const struct gateway *gateway, const char *account,
		 number_fn fn, void *arg)
{
	const struct config *config = gateway->config;
	struct each each = { gateway, fn, arg };
	const struct config_number *fixed;
	struct number number;

	for (size_t i = 0; (fixed = config_number_of(config, account, i));
	     i++) {
		from_config(&number, fixed);
		fn(&number, arg);
	}
	account_each_number(gateway->accounts, account, on_added, &each);
}

static void on_carried(const struct number *number, void *arg)
{
	struct search *search = arg;

	if (search->found || strcmp(number->texts, search->texts) != 0)
		return;
	*search->out = *number;
	search->found = true;
}

bool number_of_texts(struct number *out, const struct gateway *gateway,
		     const char *account, const char *component)
{
	struct search search = { .out = out, .texts = component };

	number_each(gateway, account, on_carried, &search);
	return search.found;
}

bool number_is_carried(const struct gateway *gateway, const char *component)
{
	return config_number_by(gateway->config, CONFIG_BY_TEXTS, component,
				0) ||
	       account_first_carried(gateway->accounts, component);
}

static void on_counted(const struct account_number *number, void *arg)
{
	size_t *n = arg;

	(void)number;
	(*n)++;
}

size_t number_count(const struct gateway *gateway, const char *account)
{
	size_t n = 0;

	while (config_number_of(gateway->config, account, n))
		n++;
	account_each_number(gateway->accounts, account, on_counted, &n);
	return n;
}

bool number_region(char out[PHONE_REGION_CAP], const struct gateway *gateway,
		   const char *account)
{
	const char *configured = gateway->config->region;
	struct number number;

	out[0] = '\0';
	if (*configured)
		return !text_set(out, PHONE_REGION_CAP, configured);
	return number_of(&number, gateway, account, NULL) &&
	       phone_region(out, number.number);
}

int number_parse(char out[PHONE_CAP], const struct gateway *gateway,
		 const char *account, const char *text)
{
	char region[PHONE_REGION_CAP];

	number_region(region, gateway, account);
	return phone_parse(out, text, region);
}

int number_parse_local(char out[PHONE_CAP], const struct gateway *gateway,
		       const char *account, const char *local)
{
	char text[JID_PART_MAX + 1];

	if (jid_unescape(text, sizeof(text), slice_of(local))) {
		out[0] = '\0';
		return PHONE_E_TEXT;
	}
	return number_parse(out, gateway, account, text);
}
