/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A user takes his account to another JID. */
#include <string.h>

#include "db/account.h"
#include "db/contact.h"
#include "db/setting.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/moves.h"
#include "gateway/base/text.h"
#include "gateway/call/notice.h"
#include "gateway/gateway.h"
#include "gateway/route/blocks.h"
#include "gateway/route/limits.h"
#include "gateway/route/number.h"
#include "gateway/route/quotas.h"
#include "gateway/route/telephone.h"

enum { BODY_CAP = JID_CAP + 128, MS_PER_MINUTE = 60 * 1000 };

static const struct form_spec move_fields[] = {
	{ .var = "to",
	  .label = "The new address",
	  .type = FORM_JID_SINGLE,
	  .required = true,
	  .regex = COMMAND_JID_REGEX,
	  .expects = COMMAND_JID_EXPECTS },
};

static const struct form_spec take_fields[] = {
	{ .var = "code",
	  .label = "The code that the old address was given",
	  .type = FORM_TEXT_SINGLE,
	  .required = true },
};

/* ---- the owner asks ---- */

/* Also when it has been asked for: both may have changed since. */
static bool may_leave(struct request *request, const char *jid)
{
	const struct gateway *gateway = request->gateway;
	const struct account *account = account_find(gateway->accounts, jid);
	const struct config_number *fixed =
		config_number_of(gateway->config, jid, 0);

	if (fixed)
		answer_error(request->answer,
			     "%s is named in the gateway's configuration, and "
			     "only its operator can move it; nothing was "
			     "changed.",
			     fixed->number);
	else if (!account || !account->enabled)
		answer_error(request->answer,
			     "This account cannot be moved now.");
	return !fixed && account && account->enabled;
}

/* Limits that were set for it would be lost. */
static bool is_somebody(const struct gateway *gateway, const char *jid)
{
	bool withhold;

	return account_find(gateway->accounts, jid) ||
	       number_count(gateway, jid) ||
	       quotas_given(gateway, QUOTA_ACCOUNT, jid, &withhold);
}

static bool may_move(struct request *request)
{
	return may_leave(request, request->actor.account);
}

static enum command_result run_move(struct request *request)
{
	struct gateway *gateway = request->gateway;
	const char *from = request->actor.account;
	char code[MOVE_CODE_LEN + 1], to[JID_CAP];

	request_jid(to, request, "to");
	if (!may_leave(request, from))
		return COMMAND_DONE;
	/* Whether it has an account already is nothing that others are told. */
	if (!strchr(to, '@') || telephone_is_ours(gateway, to) ||
	    !strcmp(to, from)) {
		answer_error(request->answer,
			     "Your account cannot be moved to %s.", to);
		return COMMAND_DONE;
	}
	if (!request_well(request, moves_open(gateway->moves, from, to, code)))
		return COMMAND_DONE;
	request_changed(request, from, "", to);
	answer_named(request->answer, "code", "Code", "%s", code);
	answer_info(request->answer,
		    "Within %d minutes, write from %s to %s: my-take %s",
		    MOVE_MS / MS_PER_MINUTE, to, gateway->config->xmpp.domain,
		    code);
	return COMMAND_DONE;
}

/* ---- everything of an account ---- */

/* What can fail comes first, and does no harm under a name that is nobody's. */
static int copy(struct gateway *gateway, const char *from, const char *to)
{
	setting_forget(gateway->settings, SETTING_ACCOUNT, to);
	int r = setting_copy(gateway->settings, SETTING_ACCOUNT, from, to);
	if (!r)
		r = contact_copy(gateway->contacts, from, to);
	if (!r)
		r = blocks_copy(gateway, from, to);
	return r;
}

static void forget(struct gateway *gateway, const char *jid)
{
	setting_forget(gateway->settings, SETTING_ACCOUNT, jid);
	contact_forget(gateway->contacts, jid);
	blocks_forget(gateway, jid);
}

/* Records stay under the old name, and so do texts that wait; calls of now go
 * on under it, and count for the new one (toll_move()). 0, ACCOUNT_E_NOT_FOUND,
 * -ENOBUFS, -ENOMEM: nothing has moved. */
static int carry_out(struct gateway *gateway, const char *from, const char *to)
{
	int r = copy(gateway, from, to);

	if (!r)
		r = limits_prepare(gateway, to);
	if (!r)
		r = account_move(gateway->accounts, from, to);
	if (r) {
		setting_forget(gateway->settings, SETTING_ACCOUNT, to);
		blocks_forget(gateway, to);
		return r;
	}
	limits_move(gateway, from, to);
	forget(gateway, from);
	return 0;
}

/* ---- the new address proves itself ---- */

static void tell_old(struct gateway *gateway, const char *from, const char *to)
{
	char body[BODY_CAP];

	if (!text_format(body, sizeof(body),
			 "Your account and its numbers are %s's now.", to))
		notice_send(gateway, gateway->config->xmpp.domain, from, body);
}

static void refuse_code(struct request *request, int outcome)
{
	answer_error(request->answer,
		     outcome == MOVE_E_OVER
			     ? "This code is wrong, and nothing is moved."
			     : "This code is wrong.");
}

static enum command_result run_take(struct request *request)
{
	struct gateway *gateway = request->gateway;
	const char *to = request->actor.account;
	char from[JID_CAP];
	int r = moves_prove(gateway->moves, to, request_text(request, "code"),
			    from);

	if (r) {
		refuse_code(request, r);
		return COMMAND_DONE;
	}
	if (!may_leave(request, from))
		return COMMAND_DONE;
	if (is_somebody(gateway, to)) {
		answer_error(request->answer,
			     "You have an account here already.");
		return COMMAND_DONE;
	}
	if (!request_well(request, carry_out(gateway, from, to)))
		return COMMAND_DONE;
	request_changed(request, from, from, to);
	tell_old(gateway, from, to);
	answer_info(request->answer, "All that %s had here is yours.", from);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "my-move",
	  .title = "Take my numbers to another address",
	  .need = NEED_USER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(move_fields, .may = may_move) },
	  .run = run_move },
	{ .node = "my-take",
	  .title = "Take over the numbers of my old address",
	  .need = NEED_MOVE,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(take_fields) },
	  .run = run_take },
};
const struct commands commands_move = COMMANDS(table);
