/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Accounts: what an administrator lets each of them do. What is not set here is
 * as tandem.conf(5) says.
 */
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/contact.h"
#include "db/quota.h"
#include "db/setting.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/people.h"
#include "gateway/admin/rows.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/quotas.h"

enum { LIST_CAP = 2048, QUOTA_TEXT_CAP = 2 * LIST_CAP + 256 };

#define ACCOUNT_FIELD                                                          \
	{                                                                      \
		.var = "account", .label = "Account", .type = FORM_JID_SINGLE, \
		.required = true, .regex = COMMAND_JID_REGEX,                  \
		.expects = COMMAND_JID_EXPECTS                                 \
	}

static const struct form_spec account_fields[] = { ACCOUNT_FIELD };

/* XEP-0133, 4.1: a password is the XMPP server's matter. */
static const struct form_spec add_fields[] = {
	COMMAND_ADMIN_FORM_TYPE,
	{ .var = "accountjid",
	  .label = "Account",
	  .type = FORM_JID_SINGLE,
	  .required = true,
	  .regex = COMMAND_JID_REGEX,
	  .expects = COMMAND_JID_EXPECTS },
};

/* 4.2 to 4.4 */
static const struct form_spec accounts_fields[] = {
	COMMAND_ADMIN_FORM_TYPE,
	COMMAND_ACCOUNTS_FIELD,
};

static const struct form_spec list_fields[] = {
	{ .var = "find",
	  .label = "Address",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Any part of it; empty: all" },
	ROWS_FIELDS,
};

static const struct form_spec limit_fields[] = {
	{ .var = "calls",
	  .label = "Calls at a time",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Empty, or -, in any of these: as configured",
	  .integer = true,
	  .min = 1,
	  .max = 100000 },
	{ .var = "calls-per-minute",
	  .label = "Calls a minute",
	  .type = FORM_TEXT_SINGLE,
	  .integer = true,
	  .min = 1,
	  .max = 100000 },
	{ .var = "minutes-per-day",
	  .label = "Minutes a day",
	  .type = FORM_TEXT_SINGLE,
	  .integer = true,
	  .min = 1,
	  .max = 10000000 },
	{ .var = "allow",
	  .label = "Only to these prefixes",
	  .type = FORM_TEXT_SINGLE,
	  .regex = COMMAND_PREFIXES_REGEX,
	  .expects = COMMAND_PREFIXES_EXPECTS },
	{ .var = "deny",
	  .label = "Not to these prefixes",
	  .type = FORM_TEXT_SINGLE,
	  .regex = COMMAND_PREFIXES_REGEX,
	  .expects = COMMAND_PREFIXES_EXPECTS },
	{ .var = "withhold",
	  .label = "Never show the number",
	  .type = FORM_BOOLEAN,
	  .initial = "false" },
};

/* ---- list ---- */

struct listing {
	const char *find;
	struct rows rows;
};

static void put_account(const char *jid, const struct account *account,
			void *arg)
{
	struct listing *listing = arg;
	const struct gateway *gateway = listing->rows.request->gateway;
	struct answer *answer = listing->rows.request->answer;

	if (!strstr(jid, listing->find) || !rows_take(&listing->rows))
		return;
	answer_cell(answer, "%s", jid);
	answer_cell(answer, "%s",
		    !account || account->enabled ? "yes" : "disabled");
	answer_cell(answer, "%zu", number_count(gateway, jid));
	answer_cell(answer, "%u", leg_xmpp_calls_of(gateway, jid));
	answer_cell(answer, "%s", account ? account->forward : "");
}

static enum command_result run_accounts(struct request *request)
{
	static const char *const columns[] = { "Account", "Enabled", "Numbers",
					       "Calls now", "Forwards to" };
	struct listing listing = { .find = request_text(request, "find") };

	rows_start(&listing.rows, request, columns,
		   sizeof(columns) / sizeof(columns[0]));
	people_each(request->gateway, put_account, &listing);
	rows_end(&listing.rows, "accounts");
	return COMMAND_DONE;
}

/* ---- on and off ---- */

static int set_enabled(struct request *request, const char *jid, bool enabled)
{
	struct account_store *store = request->gateway->accounts;
	const struct account *known = account_find(store, jid);
	struct account account = { .jid = jid, .created_ms = clock_wall_ms() };

	if (known)
		account = *known;
	account.enabled = enabled;
	const char *before = !known           ? ""
			     : known->enabled ? "enabled"
					      : "disabled";
	int r = account_put(store, &account);
	if (!r)
		request_changed(request, jid, before,
				enabled ? "enabled" : "disabled");
	return r;
}

static enum command_result run_add(struct request *request)
{
	char jid[JID_CAP];

	request_jid(jid, request, "accountjid");
	if (account_find(request->gateway->accounts, jid))
		answer_error(request->answer, "%s is here already.", jid);
	else if (request_well(request, set_enabled(request, jid, true)))
		answer_info(request->answer, "%s is added.", jid);
	return COMMAND_DONE;
}

static bool is_known(struct request *request, const char *jid)
{
	struct number number;

	if (account_find(request->gateway->accounts, jid) ||
	    number_of(&number, request->gateway, jid, NULL))
		return true;
	answer_error(request->answer, "There is no account %s.", jid);
	return false;
}

static void disable(struct request *request, const char *jid)
{
	if (is_known(request, jid) &&
	    request_well(request, set_enabled(request, jid, false)))
		answer_info(request->answer,
			    "%s cannot call, nor be called, any more. Calls "
			    "of now go on.",
			    jid);
}

static enum command_result run_disable(struct request *request)
{
	return request_each_account(request, disable);
}

static void enable(struct request *request, const char *jid)
{
	if (is_known(request, jid) &&
	    request_well(request, set_enabled(request, jid, true)))
		answer_info(request->answer, "%s can call again.", jid);
}

static enum command_result run_enable(struct request *request)
{
	return request_each_account(request, enable);
}

static void put_number(const struct account_number *number, void *arg)
{
	fprintf(arg, " %s", number->number);
}

/* What the account was, for the audit; owned, NULL without memory. */
static char *describe(const struct gateway *gateway, const char *jid)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return NULL;
	fputs("account", to);
	account_each_number(gateway->accounts, jid, put_number, to);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}

static void remove_account(struct request *request, const char *jid)
{
	struct gateway *gateway = request->gateway;

	if (!account_find(gateway->accounts, jid)) {
		answer_error(request->answer,
			     "There is no account %s that commands made.", jid);
		return;
	}
	char *before = describe(gateway, jid);
	int r = before ? account_drop(gateway->accounts, jid) : -ENOMEM;
	if (request_well(request, r)) {
		people_forget(gateway, jid);
		request_changed(request, jid, before, "");
		answer_info(request->answer,
			    "%s is removed, and its numbers are released%s.",
			    jid,
			    number_count(gateway, jid)
				    ? ", but for those in tandem.conf"
				    : "");
	}
	free(before);
}

static enum command_result run_remove(struct request *request)
{
	return request_each_account(request, remove_account);
}

/* ---- limits ---- */

static void join_prefixes(char out[static LIST_CAP],
			  const struct config_texts *texts)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < texts->n && at < LIST_CAP; i++)
		at += (size_t)snprintf(out + at, LIST_CAP - at, "%s%s",
				       i ? " " : "", texts->v[i]);
}

static void set_count(struct form *form, const char *var, unsigned count)
{
	char text[sizeof("4294967295")];

	if (count && !text_format(text, sizeof(text), "%u", count))
		form_set(form_find(form, var), text);
}

static void fill_limits(const struct request *request, struct form *form)
{
	const struct config_quota *quota;
	char jid[JID_CAP], list[LIST_CAP];
	bool withhold;

	request_jid(jid, request, "account");
	quota = quotas_given(request->gateway, QUOTA_ACCOUNT, jid, &withhold);
	if (!quota)
		return;
	set_count(form, "calls", quota->calls);
	set_count(form, "calls-per-minute", quota->calls_per_minute);
	set_count(form, "minutes-per-day", quota->minutes_per_day);
	join_prefixes(list, &quota->destinations.allow);
	form_set(form_find(form, "allow"), list);
	join_prefixes(list, &quota->destinations.deny);
	form_set(form_find(form, "deny"), list);
	form_set(form_find(form, "withhold"), withhold ? "true" : "false");
}

struct quota_text {
	char s[QUOTA_TEXT_CAP];
};

static struct quota_text quota_text(const struct gateway *gateway,
				    const char *jid)
{
	struct quota_text out = { "" };
	char allow[LIST_CAP], deny[LIST_CAP];
	bool withhold;
	const struct config_quota *quota =
		quotas_given(gateway, QUOTA_ACCOUNT, jid, &withhold);

	if (!quota)
		return out;
	join_prefixes(allow, &quota->destinations.allow);
	join_prefixes(deny, &quota->destinations.deny);
	snprintf(out.s, sizeof(out.s),
		 "calls %u, a minute %u, minutes a day %u, allow [%s], "
		 "deny [%s]%s",
		 quota->calls, quota->calls_per_minute, quota->minutes_per_day,
		 allow, deny, withhold ? ", number withheld" : "");
	return out;
}

static enum command_result run_limits(struct request *request)
{
	struct gateway *gateway = request->gateway;
	char jid[JID_CAP];
	const struct quota_row row = {
		.kind = QUOTA_ACCOUNT,
		.name = jid,
		.calls = request_number(request, "calls"),
		.calls_per_minute = request_number(request, "calls-per-minute"),
		.minutes_per_day = request_number(request, "minutes-per-day"),
		.allow = request_text(request, "allow"),
		.deny = request_text(request, "deny"),
		.withhold = request_flag(request, "withhold"),
	};

	request_jid(jid, request, "account");
	if (!is_known(request, jid))
		return COMMAND_DONE;
	/* The form would show, and take back, those alone that have room. */
	if (strlen(row.allow) >= LIST_CAP || strlen(row.deny) >= LIST_CAP) {
		answer_error(request->answer,
			     "These are too many prefixes; nothing was "
			     "changed.");
		return COMMAND_DONE;
	}
	struct quota_text before = quota_text(gateway, jid);
	bool empty = !row.calls && !row.calls_per_minute &&
		     !row.minutes_per_day && !*row.allow && !*row.deny &&
		     !row.withhold;
	int r = empty ? limits_unset(gateway, QUOTA_ACCOUNT, jid)
		      : limits_set(gateway, &row);
	if (request_well(request, r)) {
		struct quota_text after = quota_text(gateway, jid);

		request_changed(request, jid, before.s, after.s);
		answer_info(request->answer, "%s: %s.", jid,
			    empty ? "the configured limits hold" : after.s);
	}
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "accounts",
	  .title = "Accounts",
	  .need = NEED_READER,
	  .steps = { COMMAND_FIELDS(list_fields) },
	  .run = run_accounts },
	{ .node = COMMAND_ADMIN "#add-user",
	  .word = "account-add",
	  .title = "Add an account",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(add_fields) },
	  .run = run_add },
	{ .node = COMMAND_ADMIN "#disable-user",
	  .word = "account-disable",
	  .title = "Disable an account",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(accounts_fields) },
	  .run = run_disable },
	{ .node = COMMAND_ADMIN "#reenable-user",
	  .word = "account-enable",
	  .title = "Enable an account",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(accounts_fields) },
	  .run = run_enable },
	{ .node = COMMAND_ADMIN "#delete-user",
	  .word = "account-remove",
	  .title = "Remove an account",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(accounts_fields) },
	  .run = run_remove },
	{ .node = "account-limits",
	  .title = "What an account may do",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(account_fields),
		     COMMAND_FIELDS(limit_fields, .fill = fill_limits) },
	  .run = run_limits },
};
const struct commands commands_accounts = COMMANDS(table);
