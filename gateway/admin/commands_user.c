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
#include "gateway/route/forward.h"
#include "gateway/route/number.h"
#include "gateway/route/telephone.h"
#include "xmpp/jid.h"

enum {
	TARGETS_CAP = 1024,
	SUMMARY_CAP = JID_CAP + TARGETS_CAP + 256,
	QUIET_CAP = 128,
};

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
	  .desc = "A number, the address of another account, or "
		  "sip:user@host of a carrier or PBX; - is nothing" },
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
	{ .var = "also",
	  .label = "Ring these addresses as well",
	  .type = FORM_JID_MULTI,
	  .regex = COMMAND_JID_REGEX,
	  .expects = COMMAND_JID_EXPECTS,
	  .desc = "Who answers first has the call; - is nothing" },
	{ .var = "before-answer",
	  .label = "Before the other side answers I hear",
	  .type = FORM_LIST_SINGLE,
	  .options = early_options },
	{ .var = "text-digits",
	  .label = "Digits that I write in a call are played as tones",
	  .type = FORM_BOOLEAN },
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
	number_each(request->gateway, request->actor.account, put_number,
		    answer);
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

static void fill_targets(struct form_field *field, const char *targets)
{
	struct slice rest = slice_of(targets);

	while (rest.n) {
		char *jid = text_dup(slice_cut(&rest, ' '));

		form_add_value(field, jid);
		free(jid);
	}
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
	fill_targets(form_find(form, "also"), policy.targets);
	form_set(form_find(form, "before-answer"), earlies[policy.early_media]);
	form_set(form_find(form, "text-digits"), word(policy.chat_digits));
}

static void summarize(char out[static SUMMARY_CAP],
		      const struct request *request)
{
	struct policy policy;

	policy_of(&policy, request->gateway, request->actor.account, NULL);
	if (text_format(out, SUMMARY_CAP,
			"second call %s, forward %s%s, ring %s s%s%s, before "
			"answer %s, digits %s",
			seconds[policy.second_call],
			*policy.forward ? policy.forward : "-",
			policy.forwards ? " every call" : "",
			*setting(request, SETTING_RING)
				? setting(request, SETTING_RING)
				: "usual",
			*policy.targets ? " with " : "", policy.targets,
			earlies[policy.early_media],
			policy.chat_digits ? "yes" : "no"))
		out[0] = '\0';
}

/* What was asked for, as it is kept. */
struct calling {
	char forward[JID_CAP];
	char targets[TARGETS_CAP];
};

/* One more behind those in @out. False: too many, or too long. */
static bool add_target(char out[static TARGETS_CAP], size_t n, const char *jid)
{
	size_t at = strlen(out);

	return n < POLICY_TARGETS_MAX &&
	       !text_format(out + at, TARGETS_CAP - at, "%s%s", at ? " " : "",
			    jid);
}

/* Who rings as well, blanks between. False: it was said what is wrong. */
static bool read_targets(struct calling *out, struct request *request)
{
	const char *value;
	char jid[JID_CAP];

	out->targets[0] = '\0';
	for (size_t n = 0; (value = form_value(request->values, "also", n));
	     n++) {
		if (jid_bare(jid, sizeof(jid), value) ||
		    telephone_is_ours(request->gateway, jid)) {
			answer_error(request->answer,
				     "%s cannot ring as well: accounts can; a "
				     "telephone is what calls are forwarded "
				     "to. Nothing was changed.",
				     value);
			return false;
		}
		if (!add_target(out->targets, n, jid)) {
			answer_error(request->answer,
				     "%d addresses ring as well at most; "
				     "nothing was changed.",
				     POLICY_TARGETS_MAX);
			return false;
		}
	}
	return true;
}

/* What stands already and leads nowhere any more does not keep the rest from
 * being changed. */
static bool keep_forward(struct request *request, const char *text,
			 const char *why)
{
	struct policy policy;

	policy_of(&policy, request->gateway, request->actor.account, NULL);
	if (strcmp(policy.forward, text) != 0)
		answer_error(request->answer,
			     "Forward to %s: %s. Nothing was changed.", text,
			     why);
	else
		answer_warn(request->answer,
			    "No call can be forwarded to %s: %s.", text, why);
	return !strcmp(policy.forward, text);
}

static bool read_forward(struct calling *out, struct request *request)
{
	const char *text = request_text(request, "forward"), *why;
	bool wanted = request_flag(request, "forward-all") ||
		      !strcmp(request_text(request, "second-call"), "forward");

	out->forward[0] = '\0';
	if (!*text && wanted)
		answer_error(request->answer,
			     "Where calls are forwarded to is missing: a "
			     "number, or an address, in \"Forward to\". "
			     "Nothing was changed.");
	if (!*text)
		return !wanted;
	int r = forward_parse(out->forward, &why, request->gateway,
			      request->actor.account, text);
	if (r != FORWARD_E_INVALID)
		return request_well(request, r);
	return keep_forward(request, text, why) &&
	       request_well(request,
			    text_set(out->forward, sizeof(out->forward), text));
}

static int put_calling(const struct request *request,
		       const struct calling *calling)
{
	struct account_store *store = request->gateway->accounts;
	const char *jid = request->actor.account;
	const struct account *known = account_find(store, jid);
	struct account account = { .jid = jid,
				   .enabled = true,
				   .created_ms = clock_wall_ms() };

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
	account.forward = calling->forward;
	int r = account_put(store, &account);
	if (!r)
		r = set(request, SETTING_RING,
			request_text(request, "ring-seconds"));
	if (!r)
		r = set(request, SETTING_TARGETS, calling->targets);
	return r ? r
		 : set(request, SETTING_FORWARDS,
		       request_flag(request, "forward-all") ? "yes" : "");
}

static enum command_result run_calling(struct request *request)
{
	char before[SUMMARY_CAP], after[SUMMARY_CAP];
	struct calling calling;

	if (!read_targets(&calling, request) ||
	    !read_forward(&calling, request))
		return COMMAND_DONE;
	summarize(before, request);
	if (!request_well(request, put_calling(request, &calling)))
		return COMMAND_DONE;
	summarize(after, request);
	request_changed(request, request->actor.account, before, after);
	answer_info(request->answer, "So it is now: %s.", after);
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
	{ .node = "do-not-disturb",
	  .title = "Do not disturb",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(quiet_fields, .fill = fill_quiet) },
	  .run = run_quiet },
};
const struct commands commands_user = COMMANDS(table);
