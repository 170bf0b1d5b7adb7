/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Which trunks take calls out: routes that are added, changed and removed while
 * calls go on. Those of tandem.conf(5) are the file's: they are listed here,
 * and changed there. Days and times are spelt as they are in it.
 */
#include <string.h>
#include <time.h>

#include "gateway/admin/commands.h"
#include "gateway/base/clock.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/routes.h"

enum { POSITION_MAX = 9999, TEXT_CAP = ROUTES_TEXT_MAX + 1 };

#define WHEN "([01][0-9]|2[0-3]):[0-5][0-9]"
#define DAYS "[A-Za-z]{3}( *- *[A-Za-z]{3})?"

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
	  .label = "Route",
	  .type = FORM_LIST_SINGLE,
	  .required = true },
};

static const struct form_spec route_fields[] = {
	{ .var = "prefixes",
	  .label = "Numbers that begin with",
	  .type = FORM_TEXT_SINGLE,
	  .regex = COMMAND_PREFIXES_REGEX,
	  .expects = COMMAND_PREFIXES_EXPECTS,
	  .desc = "Such as +1 +49, blanks between; empty: every number" },
	{ .var = "trunks",
	  .label = "Trunks, in the order to try",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .regex = COMMAND_NAME_REGEX "( +" COMMAND_NAME_REGEX ")*",
	  .expects = "names of trunks, blanks between, please" },
	{ .var = "days",
	  .label = "On these days",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "mon-sun",
	  .regex = DAYS "( *, *" DAYS ")*",
	  .expects = "days such as mon-fri, sun, please" },
	{ .var = "from",
	  .label = "From",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "00:00",
	  .regex = WHEN,
	  .expects = "a time such as 08:00, please",
	  .desc = "Local time" },
	{ .var = "until",
	  .label = "Until",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "24:00",
	  .regex = WHEN "|24:00",
	  .expects = "a time such as 18:30 or 24:00, please",
	  .desc = "Before From: until that time of the next day" },
	{ .var = "position",
	  .label = "Position among routes that fit alike",
	  .type = FORM_TEXT_SINGLE,
	  .required = true,
	  .initial = "100",
	  .integer = true,
	  .min = 1,
	  .max = POSITION_MAX,
	  .desc = "The least decides; those of tandem.conf before them" },
	{ .var = "enabled",
	  .label = "In use",
	  .type = FORM_BOOLEAN,
	  .initial = "true" },
};

static bool is_in_file(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->nroutes; i++) {
		if (!strcmp(config->routes[i].name, name))
			return true;
	}
	return false;
}

/* Said once, for all that would change it. One that was added before the file
 * had its name is ours. */
static bool is_the_files(struct request *request, const char *name)
{
	const struct config *config = request->gateway->config;

	if (routes_find_added(request->gateway, name) ||
	    !is_in_file(config, name))
		return false;
	request_refuse_files(request, name);
	return true;
}

static bool is_ours(struct request *request)
{
	return !is_the_files(request, request_text(request, "name"));
}

static void add_name(const struct route_row *row,
		     const struct config_route *route, void *arg)
{
	(void)route;
	form_add_option(arg, row->name, NULL);
}

static void fill_names(const struct request *request, struct form *form)
{
	routes_each_added(request->gateway, add_name, form_find(form, "name"));
}

/* ---- list ---- */

struct listing {
	const struct gateway *gateway;
	struct answer *answer;
	struct tm now;
};

static void put_words(struct answer *answer, const struct config_texts *texts,
		      const char *none)
{
	char out[TEXT_CAP] = "";
	size_t at = 0;

	for (size_t i = 0; i < texts->n && at < sizeof(out); i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s",
				       i ? " " : "", texts->v[i]);
	/* The file may have more of them than a command gives. */
	answer_cell(answer, "%s%s", texts->n ? out : none,
		    at < sizeof(out) ? "" : "...");
}

static void put_route(const struct listing *listing,
		      const struct config_route *route)
{
	struct answer *answer = listing->answer;

	answer_cell(answer, "%s", route->name);
	put_words(answer, &route->prefixes, "every number");
	put_words(answer, &route->trunks, "");
	answer_cell(answer, "%s", config_format_days(route->days).s);
	answer_cell(answer, "%s-%s", config_format_time(route->from_min).s,
		    config_format_time(route->until_min).s);
}

static void put_state(const struct listing *listing,
		      const struct config_route *route, bool enabled)
{
	const char *gone = routes_missing_trunk(listing->gateway, route);

	answer_cell(listing->answer, "%s%s%s",
		    !enabled                               ? "off"
		    : routes_is_time(route, &listing->now) ? "in use"
							   : "not now",
		    gone ? ", there is no trunk " : "", gone ? gone : "");
}

static void put_files(const struct listing *listing,
		      const struct config_route *route)
{
	put_route(listing, route);
	answer_cell(listing->answer, "first");
	put_state(listing, route, true);
	answer_cell(listing->answer, "tandem.conf");
}

static void put_added(const struct route_row *row,
		      const struct config_route *route, void *arg)
{
	const struct listing *listing = arg;

	put_route(listing, route);
	answer_cell(listing->answer, "%u", row->position);
	put_state(listing, route, row->enabled);
	answer_cell(listing->answer, "command");
}

static enum command_result run_routes(struct request *request)
{
	static const char *const columns[] = { "Route", "Prefixes", "Trunks",
					       "Days",  "Hours",    "Position",
					       "State", "From" };
	const struct config *config = request->gateway->config;
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct listing listing = { .gateway = request->gateway,
				   .answer = request->answer };

	if (!localtime_r(&now, &listing.now))
		return COMMAND_DONE;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		answer_column(request->answer, columns[i]);
	for (size_t i = 0; i < config->nroutes; i++)
		put_files(&listing, &config->routes[i]);
	routes_each_added(request->gateway, put_added, &listing);
	if (!answer_rows(request->answer))
		answer_info(request->answer,
			    "There are no routes: calls go by the trunk of the "
			    "caller's number.");
	return COMMAND_DONE;
}

/* ---- add and change ---- */

static void fill_route(const struct request *request, struct form *form)
{
	const struct route_row *row = routes_find_added(
		request->gateway, request_text(request, "name"));
	char position[sizeof("4294967295")];

	if (!row)
		return;
	snprintf(position, sizeof(position), "%u", row->position);
	form_set(form_find(form, "prefixes"), row->prefixes);
	form_set(form_find(form, "trunks"), row->trunks);
	form_set(form_find(form, "days"), config_format_days(row->days).s);
	form_set(form_find(form, "from"), config_format_time(row->from_min).s);
	form_set(form_find(form, "until"),
		 config_format_time(row->until_min).s);
	form_set(form_find(form, "position"), position);
	form_set(form_find(form, "enabled"), row->enabled ? "true" : "false");
}

struct route_text {
	char s[2 * TEXT_CAP + 128];
};

/* One line, for the audit and for who asked. */
static struct route_text describe(const struct route_row *row)
{
	struct route_text out = { "" };

	if (row)
		snprintf(out.s, sizeof(out.s),
			 "%s over %s, %s %s-%s, position %u%s",
			 *row->prefixes ? row->prefixes : "every number",
			 row->trunks, config_format_days(row->days).s,
			 config_format_time(row->from_min).s,
			 config_format_time(row->until_min).s, row->position,
			 row->enabled ? "" : ", not in use");
	return out;
}

/* Each of @text is one that there is; else it was said which is not. */
static bool are_trunks(struct request *request, const char *text)
{
	struct slice rest = slice_of(text);
	char name[CONFIG_TRUNK_NAME_MAX + 1];

	while (rest.n) {
		struct slice word = slice_cut(&rest, ' ');

		if (!word.n ||
		    (!text_copy(name, sizeof(name), word) &&
		     config_find_trunk(request->gateway->config, name)))
			continue;
		answer_error(request->answer,
			     "There is no trunk %s: the command trunks lists "
			     "them. Nothing was changed.",
			     name);
		return false;
	}
	return true;
}

static bool read_times(struct route_row *out, struct request *request)
{
	char hours[sizeof("00:00-24:00")];

	if (!config_parse_days(&out->days, request_text(request, "days"))) {
		answer_error(request->answer,
			     "Days are written as mon-fri, sun. Nothing was "
			     "changed.");
		return false;
	}
	if (!text_format(hours, sizeof(hours), "%s-%s",
			 request_text(request, "from"),
			 request_text(request, "until")) &&
	    config_parse_hours(&out->from_min, &out->until_min, hours))
		return true;
	answer_error(request->answer,
		     "From and until are two times: a whole day is from 00:00 "
		     "until 24:00. Nothing was changed.");
	return false;
}

static bool put_well(struct request *request, const char *name, int r)
{
	if (r == ROUTES_E_FULL)
		answer_error(request->answer,
			     "There are %d routes, as many as there can be; "
			     "nothing was changed.",
			     ROUTES_MAX);
	else if (r == ROUTES_E_UNKNOWN)
		answer_error(request->answer,
			     "%s is not there any more; nothing was changed.",
			     name);
	else if (r == -EMSGSIZE)
		answer_error(request->answer,
			     "This is too long; nothing was changed.");
	else
		return request_well(request, r);
	return false;
}

static enum command_result run_put(struct request *request)
{
	const char *name = request_text(request, "name");
	struct gateway *gateway = request->gateway;
	struct route_row row = {
		.name = name,
		.position = request_number(request, "position"),
		.prefixes = request_text(request, "prefixes"),
		.trunks = request_text(request, "trunks"),
		.enabled = request_flag(request, "enabled"),
	};

	/* One whose trunk has gone can be turned off. */
	if (is_the_files(request, name) ||
	    (row.enabled && !are_trunks(request, row.trunks)) ||
	    !read_times(&row, request))
		return COMMAND_DONE;
	struct route_text before = describe(routes_find_added(gateway, name));
	if (put_well(request, name, routes_put(gateway, &row))) {
		struct route_text after = describe(&row);

		request_changed(request, name, before.s, after.s);
		answer_info(request->answer, "%s is %s: %s.", name,
			    *before.s ? "changed" : "added", after.s);
	}
	return COMMAND_DONE;
}

/* ---- remove ---- */

static enum command_result run_remove(struct request *request)
{
	const char *name = request_text(request, "name");
	struct gateway *gateway = request->gateway;
	struct route_text before = describe(routes_find_added(gateway, name));

	if (put_well(request, name, routes_drop(gateway, name))) {
		request_changed(request, name, before.s, "");
		answer_info(request->answer,
			    "%s is removed; calls of now go on.", name);
	}
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "routes",
	  .title = "Which trunks take calls out",
	  .need = NEED_READER,
	  .run = run_routes },
	{ .node = "route-put",
	  .title = "Add or change a route",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(name_fields),
		     COMMAND_FIELDS(route_fields, .may = is_ours,
				    .fill = fill_route) },
	  .run = run_put },
	{ .node = "route-remove",
	  .title = "Remove a route",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(pick_fields, .fill = fill_names) },
	  .run = run_remove },
};
const struct commands commands_routes = COMMANDS(table);
