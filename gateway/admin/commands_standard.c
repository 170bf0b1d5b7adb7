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
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"

#define ADMIN "http://jabber.org/protocol/admin"

#define FORM_TYPE                                                     \
	{                                                             \
		.var = "FORM_TYPE", .label = "", .type = FORM_HIDDEN, \
		.initial = ADMIN                                      \
	}

static const struct form_spec announce_fields[] = {
	FORM_TYPE,
	{ .var = "announcement",
	  .label = "Announcement",
	  .type = FORM_TEXT_MULTI,
	  .required = true },
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

static char *join_lines(const struct form_values *values)
{
	const char *line;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return NULL;
	for (size_t i = 0; (line = form_value(values, "announcement", i)); i++)
		fprintf(to, "%s%s", i ? "\n" : "", line);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}

static enum command_result run_announce(struct request *request)
{
	char *text = join_lines(request->values);
	struct announcing announcing = { .request = request, .text = text };
	int r = text ? people_each(request->gateway, on_person, &announcing)
		     : -ENOMEM;

	if (!request_well(request, r)) {
		free(text);
		return COMMAND_DONE;
	}
	request_changed(request, "announcement", "", text);
	answer_info(request->answer, "%zu accounts are told.", announcing.told);
	if (announcing.failed)
		answer_warn(request->answer,
			    "%zu are not: too much waits for the XMPP server.",
			    announcing.failed);
	free(text);
	return COMMAND_DONE;
}

/* ---- who is here: 4.16 and 4.20 ---- */

static void count_person(const char *jid, const struct account *account,
			 void *arg)
{
	size_t *n = arg;

	(void)jid;
	(void)account;
	(*n)++;
}

static enum command_result run_count(struct request *request)
{
	size_t n = 0;

	if (!request_well(request,
			  people_each(request->gateway, count_person, &n)))
		return COMMAND_DONE;
	answer_named(request->answer, "registeredusersnum", "Registered users",
		     "%zu", n);
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = ADMIN "#announce",
	  .word = "announce",
	  .title = "Send an announcement to all users",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(announce_fields) },
	  .run = run_announce },
	{ .node = ADMIN "#get-registered-users-num",
	  .word = "users",
	  .title = "How many users there are",
	  .need = NEED_READER,
	  .run = run_count },
};
const struct commands commands_standard = COMMANDS(table);
