/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Trunks that are added, changed and removed while calls go on. Those of
 * tandem.conf(5) are the file's: they are changed there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/trunk_lines.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/added.h"
#include "gateway/route/routes.h"
#include "sip/trunk.h"

static const struct form_spec name_fields[] = {
	{ .var = "name",
	  .label = "Name",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .regex = COMMAND_NAME_REGEX,
	  .expects = COMMAND_NAME_EXPECTS },
};

static const struct form_spec pick_fields[] = {
	{ .var = "name",
	  .label = "Trunk",
	  .type = FORM_LIST_SINGLE,
	  .required = true },
};

static const struct form_spec trunk_fields[] = {
	{ .var = "proxy",
	  .label = "Its address",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .desc = "Such as sip:sip.carrier.example or "
		  "sips:sip.carrier.example" },
	{ .var = "username", .label = "User name", .type = FORM_TEXT_SINGLE },
	{ .var = "password",
	  .label = "Password",
	  .type = FORM_TEXT_PRIVATE,
	  .desc = "Empty: as it is; without a user name: none" },
	{ .var = "register",
	  .label = "Register with it",
	  .type = FORM_BOOLEAN,
	  .initial = "false" },
	{ .var = "allow",
	  .label = "Networks that it calls from",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Such as 192.0.2.0/24, blanks between; empty: its address" },
	{ .var = "more",
	  .label = "Further keys of a trunk in tandem.conf",
	  .type = FORM_TEXT_MULTI,
	  .desc = "A line each, such as srtp = require; of headers the "
		  "values are not shown" },
};

static bool is_the_files(struct request *request, const char *name)
{
	const struct config *config = request->gateway->config;

	if (added_find(request->gateway, name) ||
	    !config_find_trunk(config, name))
		return false;
	request_refuse_files(request, name);
	return true;
}

static void fill_names(const struct request *request, struct form *form)
{
	const struct config *config = request->gateway->config;
	struct form_field *field = form_find(form, "name");
	const struct config_trunk *trunk;

	for (size_t i = 0; (trunk = config_trunk_at(config, i)); i++)
		form_add_option(field, trunk->name, NULL);
}

/* ---- what it is ---- */

/* Without what is secret in them. */
static void set_lines(struct form_field *field, const char *more)
{
	char *covered = trunk_lines_cover(more);

	form_set(field, covered);
	free(covered);
}

/* Never the password. */
static void fill_trunk(const struct request *request, struct form *form)
{
	const struct trunk_row *row =
		added_find(request->gateway, request_text(request, "name"));

	if (!row)
		return;
	form_set(form_find(form, "proxy"), row->proxy);
	form_set(form_find(form, "username"), row->username);
	form_set(form_find(form, "register"),
		 row->registers ? "true" : "false");
	form_set(form_find(form, "allow"), row->allow);
	set_lines(form_find(form, "more"), row->more);
}

/* One line for the audit, without what is secret: of what may be, that there is
 * something. */
static void describe(char *out, size_t cap, const struct trunk_row *row)
{
	if (!row)
		out[0] = '\0';
	else if (text_format(out, cap, "%s, user %s%s%s, allow %s%s",
			     row->proxy, *row->username ? row->username : "-",
			     row->password.n ? " with a password" : "",
			     row->registers ? ", registers" : "",
			     *row->allow ? row->allow : "its address",
			     *row->more ? ", with further keys" : ""))
		memcpy(out, "long", sizeof("long"));
}

/* ---- add and change ---- */

static bool keeps_password(const char *username, const char *said,
			   const struct trunk_row *old)
{
	return old->password.n && *username && !*said;
}

/* Whoever changes a trunk does not see what it proves itself by, and is not to
 * have it sent to a host of his own. Else it was said what is wanted anew. */
static bool may_keep(struct request *request, const struct trunk_row *old,
		     const char *lines)
{
	const char *proxy = request_text(request, "proxy");

	if (!old)
		return true;
	bool password = keeps_password(request_text(request, "username"),
				       request_text(request, "password"), old);
	bool headers = trunk_lines_keep(lines);

	if ((!password && !headers) ||
	    added_is_at(request->gateway, old->name, proxy))
		return true;
	answer_error(request->answer,
		     "%s: what is kept was given for another host than that of "
		     "%s. Write %s%s%s again. Nothing was changed.",
		     old->name, proxy, password ? "its password" : "",
		     password && headers ? " and " : "",
		     headers ? "the values of its headers" : "");
	return false;
}

static int take_password(struct trunk_row *row, const struct trunk_row *old,
			 const char *said)
{
	size_t n = strlen(said);

	if (old && keeps_password(row->username, said, old))
		row->password = old->password;
	if (n > sizeof(row->password.octets))
		return -EMSGSIZE;
	if (n) {
		row->password.n = n;
		memcpy(row->password.octets, said, n);
	}
	return 0;
}

static bool put_well(struct request *request, const char *name, int r,
		     const char *why)
{
	if (r == ADDED_E_INVALID)
		answer_error(request->answer, "%s: %s. Nothing was changed.",
			     name, why);
	else if (r == ADDED_E_FULL)
		answer_error(request->answer,
			     "There are too many trunks, or too many were "
			     "changed while calls went on; nothing was "
			     "changed.");
	else if (r == -EMSGSIZE)
		answer_error(request->answer,
			     "This is too long; nothing was changed.");
	else
		return request_well(request, r);
	return false;
}

enum { DESCRIPTION_CAP = 1024 };

static int put(struct request *request, const char *name, const char *more,
	       char why[static ADDED_WHY_CAP])
{
	struct gateway *gateway = request->gateway;
	const struct trunk_row *old = added_find(gateway, name);
	struct trunk_row row = {
		.name = name,
		.proxy = request_text(request, "proxy"),
		.username = request_text(request, "username"),
		.allow = request_text(request, "allow"),
		.registers = request_flag(request, "register"),
		.more = more,
		.created_ms = old ? old->created_ms : clock_wall_ms(),
	};
	char before[DESCRIPTION_CAP], after[DESCRIPTION_CAP];
	int r = strlen(more) > ADDED_MORE_MAX ? -EMSGSIZE : 0;

	if (!r)
		r = take_password(&row, old, request_text(request, "password"));
	describe(before, sizeof(before), old);
	if (!r)
		r = added_put(gateway, &row, why);
	if (!r) {
		describe(after, sizeof(after), &row);
		request_changed(request, name, before, after);
	}
	explicit_bzero(&row.password, sizeof(row.password));
	return r;
}

static int put_lines(struct request *request, const char *name,
		     const char *said, char why[static ADDED_WHY_CAP])
{
	const struct trunk_row *old = added_find(request->gateway, name);
	char *more = NULL;
	int r = trunk_lines_uncover(&more, said, old ? old->more : "");

	if (r > 0) {
		snprintf(why, ADDED_WHY_CAP,
			 "a header that is \"as it is\" had no value, or is "
			 "there twice: write its value, please");
		return ADDED_E_INVALID;
	}
	if (!r)
		r = put(request, name, more, why);
	text_wipe(more);
	return r;
}

static void put_trunk(struct request *request, const char *name,
		      const char *lines)
{
	bool known = added_find(request->gateway, name) != NULL;
	char why[ADDED_WHY_CAP] = "";
	int r = put_lines(request, name, lines, why);

	if (put_well(request, name, r, why))
		answer_info(request->answer,
			    known ? "%s is changed; calls of now go on as "
				    "they are."
				  : "%s is added. trunk-test tells whether it "
				    "answers; number-assign gives it numbers.",
			    name);
}

static enum command_result run_put(struct request *request)
{
	const char *name = request_text(request, "name");
	char *lines = request_lines(request, "more");

	if (!lines)
		(void)request_well(request, -ENOMEM);
	else if (!is_the_files(request, name) &&
		 may_keep(request, added_find(request->gateway, name), lines))
		put_trunk(request, name, lines);
	text_wipe(lines);
	return COMMAND_DONE;
}

static bool is_new(struct request *request)
{
	const char *name = request_text(request, "name");

	if (is_the_files(request, name))
		return false;
	if (!added_find(request->gateway, name))
		return true;
	answer_error(request->answer,
		     "%s is there already: trunk-edit changes it.", name);
	return false;
}

static bool is_ours(struct request *request)
{
	return !is_the_files(request, request_text(request, "name"));
}

/* ---- remove ---- */

struct counting {
	const char *trunk;
	size_t n;
};

static void count_number(const struct account_number *number, void *arg)
{
	struct counting *counting = arg;

	counting->n += !strcmp(number->trunk, counting->trunk);
}

/* Else it was said of what. */
static bool is_unused(struct request *request, const char *name)
{
	const struct gateway *gateway = request->gateway;
	const struct route_row *route = routes_find_by_trunk(gateway, name);
	struct counting numbers = { name, 0 };

	account_each_number(gateway->accounts, NULL, count_number, &numbers);
	if (numbers.n)
		answer_error(request->answer,
			     "%zu numbers come by %s: release them, or assign "
			     "them to another trunk. Nothing was changed.",
			     numbers.n, name);
	else if (route)
		answer_error(request->answer,
			     "The route %s goes over %s: change or remove it "
			     "first. Nothing was changed.",
			     route->name, name);
	return !numbers.n && !route;
}

static enum command_result run_remove(struct request *request)
{
	const char *name = request_text(request, "name");
	struct gateway *gateway = request->gateway;
	char before[DESCRIPTION_CAP];

	if (is_the_files(request, name) || !is_unused(request, name))
		return COMMAND_DONE;
	describe(before, sizeof(before), added_find(gateway, name));
	if (put_well(request, name, added_drop(gateway, name), "")) {
		request_changed(request, name, before, "");
		answer_info(request->answer,
			    "%s is removed; calls of now go on.", name);
	}
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "trunk-add",
	  .title = "Add a trunk",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(name_fields),
		     COMMAND_FIELDS(trunk_fields, .may = is_new) },
	  .run = run_put },
	{ .node = "trunk-edit",
	  .title = "Change a trunk",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(pick_fields, .fill = fill_names),
		     COMMAND_FIELDS(trunk_fields, .may = is_ours,
				    .fill = fill_trunk) },
	  .run = run_put },
	{ .node = "trunk-remove",
	  .title = "Remove a trunk",
	  .need = NEED_OWNER,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(pick_fields, .fill = fill_names) },
	  .run = run_remove },
};
const struct commands commands_trunk_edit = COMMANDS(table);
