/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What others see when an account calls: its user's choice, and an operator's
 * for it. */
#include "db/setting.h"
#include "gateway/admin/commands.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "xmpp/jid.h"

enum { SUMMARY_CAP = 256 };

#define NUMBER_FIELD                                                    \
	{                                                               \
		.var = "number", .label = "The number that others see", \
		.type = FORM_LIST_SINGLE                                \
	}
#define WITHHOLD_FIELD                                        \
	{                                                     \
		.var = "withhold", .label = "Show no number", \
		.type = FORM_BOOLEAN                          \
	}

static const struct form_spec account_fields[] = {
	{ .var = "account",
	  .label = "Account",
	  .type = FORM_JID_SINGLE,
	  .required = true,
	  .regex = COMMAND_JID_REGEX,
	  .expects = COMMAND_JID_EXPECTS },
};

static const struct form_spec shown_fields[] = { NUMBER_FIELD, WITHHOLD_FIELD };

/* The account that the form is about: one that was named, or who asks. */
static void find_account(char out[static JID_CAP],
			 const struct request *request)
{
	request_jid(out, request, "account");
	if (!*out)
		memcpy(out, request->actor.account, JID_CAP);
}

static const char *setting(const struct request *request, const char *account,
			   const char *name)
{
	return setting_get(request->gateway->settings, SETTING_ACCOUNT, account,
			   name);
}

/* "" takes it back. */
static int set(const struct request *request, const char *account,
	       const char *name, const char *value)
{
	return setting_put(request->gateway->settings,
			   &(struct setting){ .kind = SETTING_ACCOUNT,
					      .subject = account,
					      .name = name,
					      .value = value });
}

static void add_choice(const struct number *number, void *arg)
{
	form_add_option(arg, number->number, NULL);
}

static void fill(const struct request *request, struct form *form)
{
	struct form_field *field = form_find(form, "number");
	const struct gateway *gateway = request->gateway;
	char account[JID_CAP];
	struct number shown;

	find_account(account, request);
	number_each(gateway, account, add_choice, field);
	if (number_of(&shown, gateway, account, NULL))
		form_set(field, shown.number);
	form_set(form_find(form, "withhold"),
		 *setting(request, account, SETTING_WITHHOLD) ? "true"
							      : "false");
}

/* Of an account without a number there is nothing to choose. */
static bool has_number(struct request *request)
{
	char account[JID_CAP];

	find_account(account, request);
	if (number_count(request->gateway, account))
		return true;
	answer_error(request->answer, "%s has no number.", account);
	return false;
}

static enum command_result run(struct request *request)
{
	const char *number = request_text(request, "number");
	bool withhold = request_flag(request, "withhold");
	char account[JID_CAP], before[SUMMARY_CAP];

	find_account(account, request);
	if (text_format(before, sizeof(before), "%s%s",
			setting(request, account, SETTING_CALLER_ID),
			*setting(request, account, SETTING_WITHHOLD)
				? " withheld"
				: ""))
		before[0] = '\0';
	int r = set(request, account, SETTING_CALLER_ID, number);
	if (!r)
		r = set(request, account, SETTING_WITHHOLD,
			withhold ? "yes" : "");
	if (!request_well(request, r))
		return COMMAND_DONE;
	request_changed(request, account, before,
			withhold ? "withheld" : number);
	answer_info(request->answer, "Others see %s.",
		    withhold ? "no number" : number);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "my-caller-id",
	  .title = "What others see when I call",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(shown_fields, .fill = fill) },
	  .run = run },
	{ .node = "account-caller-id",
	  .title = "What others see when an account calls",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(account_fields),
		     COMMAND_FIELDS(shown_fields, .may = has_number,
				    .fill = fill) },
	  .run = run },
};
const struct commands commands_caller_id = COMMANDS(table);
