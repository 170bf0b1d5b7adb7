/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The commands of XEP-0133 that fit a gateway, under their nodes, so that
 * clients which know them show them.
 */
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/people.h"
#include "gateway/base/rand.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/outbox.h"
#include "gateway/service/devices.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"

static const struct form_spec announce_fields[] = {
	COMMAND_ADMIN_FORM_TYPE,
	{ .var = "announcement",
	  .label = "Announcement",
	  .type = FORM_TEXT_MULTI,
	  .required = true },
};

static const struct form_spec end_fields[] = {
	COMMAND_ADMIN_FORM_TYPE,
	COMMAND_ACCOUNTS_FIELD,
};

/* ---- announcements: XEP-0133, 4.23 ---- */

struct announcing {
	struct request *request;
	const char *text;
	size_t told, failed;
};

static int tell(const struct announcing *announcing, const char *jid)
{
	struct gateway *gateway = announcing->request->gateway;
	AUTO(stanza_freep) struct stanza *message = NULL;
	char id[RAND_UUID_CAP];
	const struct chat_text text = { .from = gateway->config->xmpp.domain,
					.to = jid,
					.id = id,
					.body = announcing->text };

	rand_uuid(id);
	int r = chat_format(&message, &text);
	return r ? r : outbox_send(gateway, message, NULL, NULL);
}

/* Who is switched off is not told. */
static void on_person(const char *jid, const struct account *account, void *arg)
{
	struct announcing *announcing = arg;

	if (account && !account->enabled)
		return;
	if (tell(announcing, jid))
		announcing->failed++;
	else
		announcing->told++;
}

void commands_announce(struct request *request, const char *text)
{
	struct announcing announcing = { .request = request, .text = text };

	people_each(request->gateway, on_person, &announcing);
	request_changed(request, "announcement", "", text);
	answer_info(request->answer, "%zu accounts are told.", announcing.told);
	if (announcing.failed)
		answer_warn(request->answer,
			    "%zu are not: too much waits for the XMPP server.",
			    announcing.failed);
}

static enum command_result run_announce(struct request *request)
{
	char *text = request_lines(request, "announcement");

	if (text)
		commands_announce(request, text);
	else
		(void)request_well(request, -ENOMEM);
	free(text);
	return COMMAND_DONE;
}

/* ---- who is here: 4.12 to 4.22 ---- */

struct telling {
	const struct gateway *gateway;
	bool (*is_one)(const struct gateway *gateway, const char *jid,
		       const struct account *account);
	FILE *to;
	size_t n;
};

static bool is_registered(const struct gateway *gateway, const char *jid,
			  const struct account *account)
{
	(void)gateway;
	(void)jid;
	(void)account;
	return true;
}

static bool is_disabled(const struct gateway *gateway, const char *jid,
			const struct account *account)
{
	(void)gateway;
	(void)jid;
	return account && !account->enabled;
}

static bool is_calling(const struct gateway *gateway, const char *jid,
		       const struct account *account)
{
	(void)account;
	return leg_xmpp_calls_of(gateway, jid) > 0;
}

/* As far as clients have told the gateway that they are there. */
static bool is_online(const struct gateway *gateway, const char *jid,
		      const struct account *account)
{
	(void)account;
	return devices_count(gateway, jid) > 0;
}

static void put_person(const char *jid, const struct account *account,
		       void *arg)
{
	struct telling *telling = arg;

	if (telling->is_one(telling->gateway, jid, account))
		fprintf(telling->to, "%s%s", telling->n++ ? "\n" : "", jid);
}

/* How many, or as lines of a list. */
static void tell_people(struct request *request, struct telling *telling,
			const char *var, const char *label, bool list)
{
	char *text = NULL;
	size_t n = 0;
	int r = -ENOMEM;

	telling->gateway = request->gateway;
	telling->to = open_memstream(&text, &n);
	if (telling->to) {
		people_each(request->gateway, put_person, telling);
		r = fclose(telling->to) ? -ENOMEM : 0;
	}
	if (request_well(request, r) && list)
		answer_named(request->answer, var, label, "%s", text);
	else if (!r)
		answer_named(request->answer, var, label, "%zu", telling->n);
	free(text);
}

static enum command_result run_count(struct request *request)
{
	struct telling all = { .is_one = is_registered };

	tell_people(request, &all, "registeredusersnum", "Registered users",
		    false);
	return COMMAND_DONE;
}

static enum command_result run_count_disabled(struct request *request)
{
	struct telling disabled = { .is_one = is_disabled };

	tell_people(request, &disabled, "disabledusersnum", "Disabled users",
		    false);
	return COMMAND_DONE;
}

static enum command_result run_count_active(struct request *request)
{
	struct telling calling = { .is_one = is_calling };

	tell_people(request, &calling, "activeusersnum", "Users in calls",
		    false);
	return COMMAND_DONE;
}

static enum command_result run_count_online(struct request *request)
{
	struct telling online = { .is_one = is_online };

	tell_people(request, &online, "onlineusersnum", "Users online", false);
	return COMMAND_DONE;
}

static enum command_result run_list(struct request *request)
{
	struct telling all = { .is_one = is_registered };

	tell_people(request, &all, "registereduserjids", "Registered users",
		    true);
	return COMMAND_DONE;
}

static enum command_result run_list_disabled(struct request *request)
{
	struct telling disabled = { .is_one = is_disabled };

	tell_people(request, &disabled, "disableduserjids", "Disabled users",
		    true);
	return COMMAND_DONE;
}

static enum command_result run_list_active(struct request *request)
{
	struct telling calling = { .is_one = is_calling };

	tell_people(request, &calling, "activeuserjids", "Users in calls",
		    true);
	return COMMAND_DONE;
}

static enum command_result run_list_online(struct request *request)
{
	struct telling online = { .is_one = is_online };

	tell_people(request, &online, "onlineuserjids", "Users online", true);
	return COMMAND_DONE;
}

/* ---- what a user is in: 4.5 ---- */

static void end_calls(struct request *request, const char *jid)
{
	struct call *call, *next;
	unsigned n = 0;

	LIST_FOREACH_SAFE(call, &request->gateway->calls, link, next) {
		if (call->state == CALL_CLOSED ||
		    !jid_same_bare(call_account(call), jid))
			continue;
		n++;
		call_hangup(call, CAUSE_NORMAL);
	}
	if (n)
		request_changed(request, jid, "in calls", "");
	answer_info(request->answer, "%u calls of %s are ended.", n, jid);
}

static enum command_result run_end(struct request *request)
{
	return request_each_account(request, end_calls);
}

static const struct command table[] = {
	{ .node = COMMAND_ADMIN "#announce",
	  .word = "announce",
	  .title = "Send an announcement to all users",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(announce_fields) },
	  .run = run_announce },
	{ .node = COMMAND_ADMIN "#get-registered-users-num",
	  .word = "users",
	  .title = "How many users there are",
	  .need = NEED_READER,
	  .run = run_count },
	{ .node = COMMAND_ADMIN "#get-disabled-users-num",
	  .word = "users-disabled",
	  .title = "How many users are disabled",
	  .need = NEED_READER,
	  .run = run_count_disabled },
	{ .node = COMMAND_ADMIN "#get-online-users-num",
	  .word = "users-online",
	  .title = "How many users are online",
	  .need = NEED_READER,
	  .run = run_count_online },
	{ .node = COMMAND_ADMIN "#get-active-users-num",
	  .word = "users-active",
	  .title = "How many users are in calls",
	  .need = NEED_READER,
	  .run = run_count_active },
	{ .node = COMMAND_ADMIN "#get-registered-users-list",
	  .word = "users-list",
	  .title = "Who the users are",
	  .need = NEED_READER,
	  .run = run_list },
	{ .node = COMMAND_ADMIN "#get-disabled-users-list",
	  .word = "users-disabled-list",
	  .title = "Who is disabled",
	  .need = NEED_READER,
	  .run = run_list_disabled },
	{ .node = COMMAND_ADMIN "#get-online-users-list",
	  .word = "users-online-list",
	  .title = "Who is online",
	  .need = NEED_READER,
	  .run = run_list_online },
	{ .node = COMMAND_ADMIN "#get-active-users",
	  .word = "users-active-list",
	  .title = "Who is in calls",
	  .need = NEED_READER,
	  .run = run_list_active },
	{ .node = COMMAND_ADMIN "#end-user-session",
	  .word = "user-hangup",
	  .title = "End all calls of users",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(end_fields) },
	  .run = run_end },
};
const struct commands commands_standard = COMMANDS(table);
