/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What users set for themselves: how they are called, and what they show. */
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/setting.h"
#include "gateway/admin/commands.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/policy.h"
#include "gateway/call/quiet.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "xmpp/jid.h"

enum { SUMMARY_CAP = JID_CAP + 256, QUIET_CAP = 128 };

static const struct form_option second_options[] = {
	{ "ring", "Ring as well" },
	{ "busy", "Hear that I am busy" },
	{ "next", "Go to the number's other owners" },
	{ "forward", "Be forwarded" },
	{ NULL, NULL },
};

static const struct form_option early_options[] = {
	{ "default", "As the carrier is set" },
	{ "ringing", "Ringing" },
	{ "answer", "What the network plays: announcements too" },
	{ NULL, NULL },
};

static const struct form_spec calling_fields[] = {
	{ .var = "second-call",
	  .label = "While I talk, further calls",
	  .type = FORM_LIST_SINGLE,
	  .options = second_options },
	{ .var = "forward",
	  .label = "Forward to",
	  .type = FORM_TEXT_SINGLE,
	  .regex = "[^@/ ]+@[^@/ ]+|" COMMAND_NUMBER_REGEX,
	  .expects = "a number or an address, please",
	  .desc = "A number, or the address of another account" },
	{ .var = "forward-all",
	  .label = "Forward every call",
	  .type = FORM_BOOLEAN },
	{ .var = "ring-seconds",
	  .label = "Ring for so many seconds",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Then calls are forwarded, if that is set; empty: as usual",
	  .integer = true,
	  .min = POLICY_RING_MIN_S,
	  .max = POLICY_RING_MAX_S },
	{ .var = "before-answer",
	  .label = "Before the other side answers I hear",
	  .type = FORM_LIST_SINGLE,
	  .options = early_options },
	{ .var = "text-digits",
	  .label = "Digits that I write in a call are played as tones",
	  .type = FORM_BOOLEAN },
};

static const struct form_spec shown_fields[] = {
	{ .var = "number",
	  .label = "The number that others see",
	  .type = FORM_LIST_SINGLE },
	{ .var = "withhold", .label = "Show no number", .type = FORM_BOOLEAN },
};

static const struct form_option quiet_options[] = {
	{ "off", "No: I am called" },
	{ "on", "Yes, until I change it" },
	{ "times", "At these times" },
	{ NULL, NULL },
};

static const struct form_spec quiet_fields[] = {
	{ .var = "quiet",
	  .label = "Do not disturb",
	  .type = FORM_LIST_SINGLE,
	  .required = true,
	  .options = quiet_options,
	  .desc = "Calls are forwarded then, or hear that you are busy" },
	{ .var = "days",
	  .label = "Days",
	  .type = FORM_TEXT_SINGLE,
	  .initial = "mon-sun" },
	{ .var = "hours",
	  .label = "Hours",
	  .type = FORM_TEXT_SINGLE,
	  .initial = "22:00-07:00",
	  .regex = "[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}",
	  .expects = "hours such as 22:00-07:00, please" },
};

/* ---- my numbers ---- */

static const char *setting(const struct request *request, const char *name)
{
	return setting_get(request->gateway->settings, SETTING_ACCOUNT,
			   request->actor.account, name);
}

/* "" takes it back. */
static int set(const struct request *request, const char *name,
	       const char *value)
{
	return setting_put(request->gateway->settings,
			   &(struct setting){ .kind = SETTING_ACCOUNT,
					      .subject = request->actor.account,
					      .name = name,
					      .value = value });
}

typedef void (*own_number_fn)(const struct number *number, void *arg);

struct own_numbers {
	const struct gateway *gateway;
	own_number_fn fn;
	void *arg;
};

static void on_added(const struct account_number *added, void *arg)
{
	const struct own_numbers *own = arg;
	struct number number;

	if (!config_find_number(own->gateway->config, added->number) &&
	    number_find(&number, own->gateway, added->number))
		own->fn(&number, own->arg);
}

static void each_number(const struct request *request, own_number_fn fn,
			void *arg)
{
	const struct gateway *gateway = request->gateway;
	struct own_numbers own = { gateway, fn, arg };
	struct number number;

	for (size_t i = 0; i < gateway->config->nnumbers; i++) {
		const struct config_number *fixed =
			&gateway->config->numbers[i];

		if (number_is_owned(fixed, request->actor.account) &&
		    number_find(&number, gateway, fixed->number))
			fn(&number, arg);
	}
	account_each_number(gateway->accounts, request->actor.account, on_added,
			    &own);
}

static void put_number(const struct number *number, void *arg)
{
	struct answer *answer = arg;

	answer_cell(answer, "%s", number->number);
	answer_cell(answer, "%s",
		    number->nowners == 1 ? "you"
		    : number->ring == ACCOUNT_RING_ORDER
			    ? "its owners one after the other"
			    : "all its owners at once");
}

static enum command_result run_numbers(struct request *request)
{
	const struct gateway *gateway = request->gateway;
	const char *quiet = setting(request, SETTING_QUIET);
	struct answer *answer = request->answer;
	struct policy policy;
	struct number shown;

	policy_of(&policy, gateway, request->actor.account, NULL);
	if (number_of(&shown, gateway, request->actor.account, NULL))
		answer_fact(answer, "Others see", "%s",
			    *setting(request, SETTING_WITHHOLD) ? "no number"
								: shown.number);
	if (*policy.forward)
		answer_fact(answer, "Forwarding", "%s%s", policy.forward,
			    policy.forwards ? ", every call" : "");
	if (*quiet)
		answer_fact(answer, "Do not disturb", "%s%s", quiet,
			    policy.quiet ? " (now)" : "");
	answer_column(answer, "Number");
	answer_column(answer, "Rings");
	each_number(request, put_number, answer);
	return COMMAND_DONE;
}

/* ---- how I am called ---- */

static const char *const seconds[] = {
	[ACCOUNT_SECOND_RING] = "ring",
	[ACCOUNT_SECOND_BUSY] = "busy",
	[ACCOUNT_SECOND_NEXT] = "next",
	[ACCOUNT_SECOND_FORWARD] = "forward",
};
static const char *const earlies[] = {
	[0] = "default",
	[ACCOUNT_EARLY_RINGING] = "ringing",
	[ACCOUNT_EARLY_ANSWER] = "answer",
};

static unsigned index_of(const char *const *names, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++) {
		if (names[i] && !strcmp(names[i], name))
			return i;
	}
	return 0;
}

static const char *word(bool yes)
{
	return yes ? "true" : "false";
}

static void fill_calling(const struct request *request, struct form *form)
{
	struct policy policy;

	policy_of(&policy, request->gateway, request->actor.account, NULL);
	form_set(form_find(form, "second-call"), seconds[policy.second_call]);
	form_set(form_find(form, "forward"), policy.forward);
	form_set(form_find(form, "forward-all"), word(policy.forwards));
	form_set(form_find(form, "ring-seconds"),
		 setting(request, SETTING_RING));
	form_set(form_find(form, "before-answer"), earlies[policy.early_media]);
	form_set(form_find(form, "text-digits"), word(policy.chat_digits));
}

static void summarize(char out[static SUMMARY_CAP],
		      const struct request *request)
{
	struct policy policy;

	policy_of(&policy, request->gateway, request->actor.account, NULL);
	if (text_format(out, SUMMARY_CAP,
			"second call %s, forward %s%s, ring %s s, before "
			"answer %s, digits %s",
			seconds[policy.second_call],
			*policy.forward ? policy.forward : "-",
			policy.forwards ? " every call" : "",
			*setting(request, SETTING_RING)
				? setting(request, SETTING_RING)
				: "usual",
			earlies[policy.early_media],
			policy.chat_digits ? "yes" : "no"))
		out[0] = '\0';
}

static int put_calling(const struct request *request)
{
	struct account_store *store = request->gateway->accounts;
	const char *jid = request->actor.account;
	const struct account *known = account_find(store, jid);
	struct account account = { .jid = jid,
				   .enabled = true,
				   .created_ms = clock_wall_ms() };
	const char *forward = request_text(request, "forward");

	if (known)
		account = *known;
	account.second_call = (enum account_second)index_of(
		seconds, sizeof(seconds) / sizeof(seconds[0]),
		request_text(request, "second-call"));
	account.early_media = (enum account_early)index_of(
		earlies, sizeof(earlies) / sizeof(earlies[0]),
		request_text(request, "before-answer"));
	account.chat_digits =
		request_flag(request, "text-digits") ? ACCOUNT_ON : ACCOUNT_OFF;
	account.forward = forward;
	int r = account_put(store, &account);
	if (!r)
		r = set(request, SETTING_RING,
			request_text(request, "ring-seconds"));
	return r ? r
		 : set(request, SETTING_FORWARDS,
		       request_flag(request, "forward-all") ? "yes" : "");
}

static enum command_result run_calling(struct request *request)
{
	char before[SUMMARY_CAP], after[SUMMARY_CAP];

	if (!*request_text(request, "forward") &&
	    (request_flag(request, "forward-all") ||
	     !strcmp(request_text(request, "second-call"), "forward"))) {
		answer_error(request->answer,
			     "Where calls are forwarded to is missing; "
			     "nothing was changed.");
		return COMMAND_DONE;
	}
	summarize(before, request);
	if (!request_well(request, put_calling(request)))
		return COMMAND_DONE;
	summarize(after, request);
	request_changed(request, request->actor.account, before, after);
	answer_info(request->answer, "So it is now: %s.", after);
	return COMMAND_DONE;
}

/* ---- what others see ---- */

static void add_choice(const struct number *number, void *arg)
{
	form_add_option(arg, number->number, NULL);
}

static void fill_shown(const struct request *request, struct form *form)
{
	struct form_field *field = form_find(form, "number");
	struct number shown;

	each_number(request, add_choice, field);
	if (number_of(&shown, request->gateway, request->actor.account, NULL))
		form_set(field, shown.number);
	form_set(form_find(form, "withhold"),
		 word(*setting(request, SETTING_WITHHOLD)));
}

static enum command_result run_shown(struct request *request)
{
	const char *number = request_text(request, "number");
	bool withhold = request_flag(request, "withhold");
	char before[SUMMARY_CAP];

	if (text_format(before, sizeof(before), "%s%s",
			setting(request, SETTING_CALLER_ID),
			*setting(request, SETTING_WITHHOLD) ? " withheld" : ""))
		before[0] = '\0';
	int r = set(request, SETTING_CALLER_ID, number);
	if (!r)
		r = set(request, SETTING_WITHHOLD, withhold ? "yes" : "");
	if (!request_well(request, r))
		return COMMAND_DONE;
	request_changed(request, request->actor.account, before,
			withhold ? "withheld" : number);
	answer_info(request->answer, "Others see %s.",
		    withhold ? "no number" : number);
	return COMMAND_DONE;
}

/* ---- do not disturb ---- */

static void fill_quiet(const struct request *request, struct form *form)
{
	const char *now = setting(request, SETTING_QUIET);
	const char *hours = strrchr(now, ' ');
	char days[QUIET_CAP];

	form_set(form_find(form, "quiet"), hours  ? "times"
					   : *now ? "on"
						  : "off");
	if (!hours || text_copy(days, sizeof(days),
				(struct slice){ now, (size_t)(hours - now) }))
		return;
	form_set(form_find(form, "days"), days);
	form_set(form_find(form, "hours"), hours + 1);
}

static enum command_result run_quiet(struct request *request)
{
	const char *mode = request_text(request, "quiet");
	char before[QUIET_CAP], after[QUIET_CAP];
	int r = text_set(before, sizeof(before),
			 setting(request, SETTING_QUIET));

	if (!r)
		r = !strcmp(mode, "off") ? text_set(after, QUIET_CAP, "")
		    : !strcmp(mode, "on")
			    ? text_set(after, QUIET_CAP, "on")
			    : text_format(after, QUIET_CAP, "%s %s",
					  request_text(request, "days"),
					  request_text(request, "hours"));
	if (r || !quiet_is_valid(after)) {
		answer_error(request->answer,
			     "Days are written as mon-fri, sun and hours as "
			     "22:00-07:00; nothing was changed.");
		return COMMAND_DONE;
	}
	if (!request_well(request, set(request, SETTING_QUIET, after)))
		return COMMAND_DONE;
	request_changed(request, request->actor.account, before, after);
	answer_info(request->answer, "Do not disturb: %s.",
		    *after ? after : "off");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "my-numbers",
	  .title = "My numbers",
	  .need = NEED_USER,
	  .run = run_numbers },
	{ .node = "my-settings",
	  .title = "How I am called, forwarding",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(calling_fields, .fill = fill_calling) },
	  .run = run_calling },
	{ .node = "my-caller-id",
	  .title = "What others see when I call",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(shown_fields, .fill = fill_shown) },
	  .run = run_shown },
	{ .node = "do-not-disturb",
	  .title = "Do not disturb",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(quiet_fields, .fill = fill_quiet) },
	  .run = run_quiet },
};
const struct commands commands_user = COMMANDS(table);
