/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/registration.h"

#include <string.h>

#include "db/account.h"
#include "gateway/admin/audit.h"
#include "gateway/admin/people.h"
#include "gateway/admin/role.h"
#include "gateway/base/clock.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/route/quotas.h"
#include "gateway/route/route.h"
#include "gateway/service/service.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"

enum { SHOWN_MAX = 100 }; /* numbers in a form */

int registration_new(struct gateway *gateway)
{
	return recent_new(&gateway->registering, REGISTRATION_MAX,
			  REGISTRATION_MS);
}

void registration_free(struct gateway *gateway)
{
	gateway->registering = recent_free(gateway->registering);
}

/* Why not, in the words of XEP-0077. */
static int refuse(struct stanza **reply, const struct service_query *query,
		  const char *condition, const char *text)
{
	return stanza_error_reply(reply, query->iq, NULL, condition, text);
}

bool registration_is_for(const struct gateway *gateway, const char *account)
{
	const struct config_registration *allowed =
		&gateway->config->registration;
	const char *at = strchr(account, '@');

	return allowed->numbers.n && at && !strcmp(at + 1, allowed->domain);
}

/* ---- what there is ---- */

static bool is_offered(const struct gateway *gateway, const char *number)
{
	const struct config_texts *numbers =
		&gateway->config->registration.numbers;
	size_t i = 0;

	while (i < numbers->n && strcmp(numbers->v[i], number) != 0)
		i++;
	return i < numbers->n;
}

static bool is_free(const struct gateway *gateway, const char *number)
{
	struct number taken;

	return !number_find(&taken, gateway, number);
}

static const struct form_spec type_field = { .var = "FORM_TYPE",
					     .label = "",
					     .type = FORM_HIDDEN,
					     .initial = NS_REGISTER };
static const struct form_spec number_field = { .var = "phone",
					       .label = "Telephone number",
					       .type = FORM_LIST_SINGLE,
					       .required = true };

#define INSTRUCTIONS                                                          \
	"Choose a telephone number. It is yours until you unregister: calls " \
	"to it ring here, and your calls show it."

static int add_form(struct stanza *query, const struct gateway *gateway)
{
	const struct config_texts *numbers =
		&gateway->config->registration.numbers;
	AUTO(form_freep) struct form *form = NULL;
	int r = form_new(&form, "Your telephone number", INSTRUCTIONS);

	if (r)
		return r;
	form_add(form, &type_field);
	struct form_field *field = form_add(form, &number_field);
	for (size_t i = 0, shown = 0; i < numbers->n && shown < SHOWN_MAX;
	     i++) {
		if (!is_free(gateway, numbers->v[i]))
			continue;
		form_add_option(field, numbers->v[i], NULL);
		shown++;
	}
	if (!form_ok(form))
		return -ENOMEM;
	form_print(query, form);
	return 0;
}

/* 3.1: the fields of old clients stand beside the form (4.). */
static int ask(struct stanza **reply, const struct service_query *query)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct number mine;
	bool has = number_of(&mine, query->gateway, query->account, NULL);
	int r = stanza_result(&st, query->iq);

	if (r)
		return r;
	struct stanza *form = stanza_child(st, "query", NS_REGISTER);
	if (has) {
		stanza_child(form, "registered", NULL);
		stanza_child_text(form, "phone", NULL, mine.number);
	} else {
		stanza_child_text(form, "instructions", NULL, INSTRUCTIONS);
		stanza_child(form, "phone", NULL);
		r = add_form(form, query->gateway);
	}
	return r ? r : service_finish(reply, &st);
}

/* ---- what is changed ---- */

static void note(const struct service_query *query, const char *before,
		 const char *after)
{
	struct actor actor;

	if (role_actor(&actor, query->gateway, query->account, "register"))
		audit_add(query->gateway, &actor, "register", query->account,
			  before, after);
}

static int finish(struct stanza **reply, const struct service_query *query,
		  int r)
{
	AUTO(stanza_freep) struct stanza *st = NULL;

	if (r == -ENOMEM)
		return r;
	if (r)
		return refuse(reply, query, "resource-constraint",
			      "Nothing can be changed at the moment.");
	r = stanza_result(&st, query->iq);
	return r ? r : service_finish(reply, &st);
}

static int take(struct stanza **reply, const struct service_query *query,
		const char *wanted)
{
	struct gateway *gateway = query->gateway;
	struct number mine;

	if (number_of(&mine, gateway, query->account, NULL))
		return strcmp(mine.number, wanted)
			       ? refuse(reply, query, "conflict",
					"You have a number already; unregister "
					"first.")
			       : finish(reply, query, 0);
	if (!is_offered(gateway, wanted))
		return refuse(reply, query, "not-acceptable",
			      "This number cannot be registered.");
	if (!is_free(gateway, wanted))
		return refuse(reply, query, "conflict",
			      "This number is taken.");
	int r = account_own(gateway->accounts, wanted,
			    gateway->config->registration.trunk,
			    query->account);
	if (!r)
		note(query, "", wanted);
	return finish(reply, query, r);
}

struct search {
	const struct gateway *gateway;
	bool others; /* has a number that nobody can register */
};

static void on_number(const struct account_number *number, void *arg)
{
	struct search *search = arg;

	search->others |= !is_offered(search->gateway, number->number);
}

/* What an administrator gave or set is his to take back: who comes again would
 * be free of it. */
static bool may_leave(const struct service_query *query,
		      const struct account *account)
{
	struct gateway *gateway = query->gateway;
	struct search search = {
		.gateway = gateway,
		.others = config_number_of(gateway->config, query->account, 0),
	};
	bool withhold;

	account_each_number(gateway->accounts, query->account, on_number,
			    &search);
	return account && account->enabled && !account->calls &&
	       !search.others &&
	       !quotas_given(gateway, QUOTA_ACCOUNT, query->account, &withhold);
}

/* 3.2 */
static int leave(struct stanza **reply, const struct service_query *query)
{
	struct gateway *gateway = query->gateway;
	const struct account *account =
		account_find(gateway->accounts, query->account);
	char before[ROUTE_USER_CAP];
	struct number mine;

	if (!number_of(&mine, gateway, query->account, NULL))
		return refuse(reply, query, "registration-required",
			      "You have no number here.");
	if (!may_leave(query, account))
		return refuse(reply, query, "not-allowed",
			      "The administrator of this gateway can take your "
			      "number back.");
	if (text_set(before, sizeof(before), mine.number))
		before[0] = '\0';
	int r = account_drop(gateway->accounts, query->account);
	if (!r) {
		people_forget(gateway, query->account);
		note(query, before, "");
	}
	return finish(reply, query, r);
}

/* ---- what was said ---- */

static int register_as(struct stanza **reply, const struct service_query *query,
		       const struct form_values *values)
{
	const char *phone =
		values ? form_value(values, "phone", 0)
		       : stanza_find_text(query->payload, "phone", NULL);

	if (!phone || !*phone)
		return refuse(reply, query, "not-acceptable",
			      "Which number, please?");
	return take(reply, query, phone);
}

static int submit(struct stanza **reply, const struct service_query *query)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	int r = form_values_parse(&values, query->payload);

	if (r < 0)
		return r;
	if (r == FORM_E_CANCEL)
		return finish(reply, query, 0);
	if (r == FORM_E_SYNTAX)
		return refuse(reply, query, "bad-request", NULL);
	return register_as(reply, query, values);
}

/* As often a minute as it may call. Anybody of the domain may try, under as
 * many names as its server lets him have: the oldest give way, and with them no
 * more than the count of their tries. */
static bool is_too_often(const struct service_query *query)
{
	struct gateway *gateway = query->gateway;
	unsigned n =
		recent_count(gateway->registering, query->account, clock_ms());
	struct config_quota quota;

	quotas_of(&quota, gateway, QUOTA_ACCOUNT, query->account);
	return !n || (quota.calls_per_minute && n > quota.calls_per_minute);
}

int registration_answer(struct stanza **reply,
			const struct service_query *query)
{
	if (!query->set)
		return ask(reply, query);
	if (is_too_often(query))
		return refuse(reply, query, "resource-constraint",
			      "Not now; try again in a minute.");
	bool leaves = stanza_find(query->payload, "remove", NULL);
	if (leaves && stanza_next(stanza_first(query->payload)))
		return refuse(reply, query, "bad-request",
			      "Remove stands alone.");
	return leaves ? leave(reply, query) : submit(reply, query);
}
