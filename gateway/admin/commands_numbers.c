/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Numbers and who owns them. Those of tandem.conf(5) are the file's: they are
 * listed here, and changed there.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/list.h"
#include "gateway/admin/rows.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/service/presence.h"

enum {
	IMPORT_MISTAKES_MAX = 20,
	/* Of a line: the number, its owner and trunk in the audit, and what the
	 * owner's client is told. */
	IMPORT_WRITES = 4,
};

#define NUMBER_FIELD                                                          \
	{                                                                     \
		.var = "number", .label = "Number", .type = FORM_TEXT_SINGLE, \
		.required = true, .regex = COMMAND_NUMBER_REGEX,              \
		.expects = COMMAND_NUMBER_EXPECTS                             \
	}

#define OWNER_FIELD(...)                                                    \
	{                                                                   \
		.var = "owner", .label = "Owner", .type = FORM_JID_SINGLE,  \
		.regex = COMMAND_JID_REGEX, .expects = COMMAND_JID_EXPECTS, \
		__VA_ARGS__                                                 \
	}

static const struct form_spec list_fields[] = {
	{ .var = "find",
	  .label = "Number or address",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Any part of either; empty: all" },
	ROWS_FIELDS,
};

static const struct form_spec assign_fields[] = {
	NUMBER_FIELD,
	OWNER_FIELD(.required = true,
		    .desc = "A number may have several: one more is added"),
	{ .var = "trunk",
	  .label = "Trunk",
	  .type = FORM_LIST_SINGLE,
	  .required = true },
};

static const struct form_spec release_fields[] = {
	NUMBER_FIELD,
	OWNER_FIELD(.desc = "Empty: all of its owners"),
};

static const struct form_option ring_options[] = {
	{ "all", "All owners at once" },
	{ "order", "One after the other" },
	{ NULL, NULL },
};

static const struct form_spec ring_fields[] = {
	NUMBER_FIELD,
	{ .var = "ring",
	  .label = "Owners ring",
	  .type = FORM_LIST_SINGLE,
	  .required = true,
	  .options = ring_options,
	  .initial = "all" },
	{ .var = "seconds",
	  .label = "Seconds for each, one after the other",
	  .type = FORM_TEXT_SINGLE,
	  .initial = "20",
	  .integer = true,
	  .min = 1,
	  .max = 180 },
};

static const struct form_spec texts_fields[] = {
	NUMBER_FIELD,
	{ .var = "component",
	  .label = "Component that carries its texts",
	  .type = FORM_TEXT_SINGLE,
	  .desc = "Empty: its trunk does" },
};

static const struct form_spec import_fields[] = {
	{ .var = "csv",
	  .label = "Lines of number,owner,trunk",
	  .type = FORM_TEXT_MULTI,
	  .required = true,
	  .desc = "The trunk may be left out where there is one alone" },
	{ .var = "check",
	  .label = "Only check, change nothing",
	  .type = FORM_BOOLEAN,
	  .initial = "false" },
};

/* ---- list ---- */

struct listing {
	const struct gateway *gateway;
	const char *find;
	struct rows rows;
};

static void put_number(const struct listing *listing,
		       const struct number *number, const char *source)
{
	struct list_text owners = list_join(number->owners, number->nowners);
	struct answer *answer = listing->rows.request->answer;
	bool known = config_find_trunk(listing->gateway->config, number->trunk);

	answer_cell(answer, "%s", number->number);
	answer_cell(answer, "%s", owners.s);
	answer_cell(answer, "%s%s", number->trunk,
		    known ? "" : ", which is not there");
	answer_cell(answer, "%s",
		    number->ring == ACCOUNT_RING_ORDER ? "in order" : "all");
	answer_cell(answer, "%s", number->texts);
	answer_cell(answer, "%s", source);
}

/* Whether it is looked for, and to be shown. */
static bool take(struct listing *listing, const char *number,
		 const char *const *owners, size_t n)
{
	bool fits = strstr(number, listing->find) != NULL;

	for (size_t i = 0; i < n && !fits; i++)
		fits = strstr(owners[i], listing->find) != NULL;
	return fits && rows_take(&listing->rows);
}

/* What the file has as well is the file's. */
static void on_number(const struct account_number *added, void *arg)
{
	struct listing *listing = arg;
	const struct gateway *gateway = listing->gateway;
	struct number number;

	if (!config_find_number(gateway->config, added->number) &&
	    take(listing, added->number, added->owners, added->nowners) &&
	    number_find(&number, gateway, added->number))
		put_number(listing, &number, "command");
}

static enum command_result run_numbers(struct request *request)
{
	static const char *const columns[] = { "Number", "Owners", "Trunk",
					       "Rings",  "Texts",  "From" };
	const struct gateway *gateway = request->gateway;
	const struct config *config = gateway->config;
	struct listing listing = { .gateway = gateway,
				   .find = request_text(request, "find") };
	struct number number;

	rows_start(&listing.rows, request, columns,
		   sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < config->nnumbers; i++) {
		const struct config_number *fixed = &config->numbers[i];

		if (take(&listing, fixed->number,
			 (const char *const *)fixed->owners, fixed->nowners) &&
		    number_find(&number, gateway, fixed->number))
			put_number(&listing, &number, "tandem.conf");
	}
	account_each_number(gateway->accounts, NULL, on_number, &listing);
	rows_end(&listing.rows, "numbers");
	return COMMAND_DONE;
}

/* ---- assign ---- */

/* NULL: there are others. */
static const struct config_trunk *only_trunk(const struct config *config)
{
	return config_trunk_at(config, 1) ? NULL : config_trunk_at(config, 0);
}

static struct list_text owners_of(const struct gateway *gateway,
				  const char *number)
{
	struct number known;

	if (!number_find(&known, gateway, number))
		return (struct list_text){ "" };
	return list_join(known.owners, known.nowners);
}

/* Said once, for all that would change it. */
static bool is_the_files(const struct request *request, const char *number)
{
	if (!config_find_number(request->gateway->config, number))
		return false;
	answer_error(request->answer,
		     "%s is in tandem.conf: change it there, and reload.",
		     number);
	return true;
}

/* One more owner; the client of a new one shall see that there is a gateway.
 */
static int assign(struct request *request, const char *number,
		  const char *trunk, const char *owner)
{
	struct gateway *gateway = request->gateway;
	struct list_text before = owners_of(gateway, number);
	char old_trunk[CONFIG_TRUNK_NAME_MAX + 1] = "";
	struct number known;

	if (number_find(&known, gateway, number) &&
	    text_set(old_trunk, sizeof(old_trunk), known.trunk))
		old_trunk[0] = '\0';
	int r = account_own(gateway->accounts, number, trunk, owner);
	if (r)
		return r;
	request_changed(request, number, before.s,
			owners_of(gateway, number).s);
	if (*old_trunk && strcmp(old_trunk, trunk) != 0)
		request_changed(request, number, old_trunk, trunk);
	presence_show(gateway, "", owner);
	return 0;
}

static enum command_result run_assign(struct request *request)
{
	const char *number = request_text(request, "number");
	char owner[JID_CAP];

	request_jid(owner, request, "owner");
	if (is_the_files(request, number))
		return COMMAND_DONE;
	int r = assign(request, number, request_text(request, "trunk"), owner);
	if (r == -E2BIG)
		answer_error(request->answer,
			     "%s has as many owners as it can have.", number);
	else if (request_well(request, r))
		answer_info(request->answer, "%s belongs to %s now.", number,
			    owners_of(request->gateway, number).s);
	return COMMAND_DONE;
}

/* ---- release ---- */

static enum command_result run_release(struct request *request)
{
	const char *number = request_text(request, "number");
	struct gateway *gateway = request->gateway;
	struct list_text before = owners_of(gateway, number), after;
	char owner[JID_CAP];

	request_jid(owner, request, "owner");
	if (is_the_files(request, number))
		return COMMAND_DONE;
	int r = account_disown(gateway->accounts, number,
			       *owner ? owner : NULL);
	after = owners_of(gateway, number);
	if (r > 0) {
		answer_error(request->answer, "%s is not assigned%s%s.", number,
			     *owner ? " to " : "", owner);
	} else if (request_well(request, r)) {
		request_changed(request, number, before.s, after.s);
		answer_info(request->answer, "%s %s%s.", number,
			    *after.s ? "still belongs to " : "is released",
			    after.s);
	}
	return COMMAND_DONE;
}

/* ---- how it rings ---- */

struct ring_text {
	char s[sizeof("order, 4294967295 s each")];
};

static struct ring_text ring_text(const struct number *number)
{
	struct ring_text out = { "all" };

	if (number->ring == ACCOUNT_RING_ORDER)
		snprintf(out.s, sizeof(out.s), "order, %u s each",
			 number->ring_s);
	return out;
}

static enum command_result run_ring(struct request *request)
{
	const char *number = request_text(request, "number");
	const char *ring = request_text(request, "ring");
	struct gateway *gateway = request->gateway;
	struct number known;

	if (is_the_files(request, number))
		return COMMAND_DONE;
	if (!number_find(&known, gateway, number)) {
		answer_error(request->answer, "%s is not assigned.", number);
		return COMMAND_DONE;
	}
	struct ring_text before = ring_text(&known);
	int r = account_set_ring(gateway->accounts, number,
				 !strcmp(ring, "order") ? ACCOUNT_RING_ORDER
							: ACCOUNT_RING_ALL,
				 request_number(request, "seconds"));
	if (request_well(request, r) && number_find(&known, gateway, number)) {
		request_changed(request, number, before.s, ring_text(&known).s);
		answer_info(request->answer, "%s: owners ring %s.", number,
			    !strcmp(ring, "order") ? "one after the other"
						   : "all at once");
	}
	return COMMAND_DONE;
}

/* ---- by whom its texts go ---- */

/* In lower case, as addresses are compared. False: it was said what is wrong.
 */
static bool read_component(char out[static CONFIG_JID_PART_MAX + 1],
			   struct request *request)
{
	const char *text = request_text(request, "component");
	bool is_well = !text_set(out, CONFIG_JID_PART_MAX + 1, text) &&
		       (!*text || config_is_domain(text));

	for (char *p = out; is_well && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	is_well = is_well &&
		  strcmp(out, request->gateway->config->xmpp.domain) != 0;
	if (!is_well)
		answer_error(request->answer,
			     "Component: the domain of another component, such "
			     "as sgx.example.org, please. Nothing was "
			     "changed.");
	return is_well;
}

static enum command_result run_texts(struct request *request)
{
	const char *number = request_text(request, "number");
	struct gateway *gateway = request->gateway;
	char before[CONFIG_JID_PART_MAX + 1],
		component[CONFIG_JID_PART_MAX + 1];
	struct number known;

	if (is_the_files(request, number) ||
	    !read_component(component, request))
		return COMMAND_DONE;
	if (!number_find(&known, gateway, number) ||
	    text_set(before, sizeof(before), known.texts)) {
		answer_error(request->answer, "%s is not assigned.", number);
		return COMMAND_DONE;
	}
	int r = account_set_texts(gateway->accounts, number, component);
	if (request_well(request, r)) {
		request_changed(request, number, before, component);
		answer_info(request->answer, "Texts of %s go by %s.", number,
			    *component ? component : "its trunk");
	}
	return COMMAND_DONE;
}

/* ---- import ---- */

/* A line of the file. */
struct import {
	char number[CONFIG_NUMBER_DIGITS + 2];
	char owner[JID_CAP];
	char trunk[CONFIG_TRUNK_NAME_MAX + 1];
};

/* RFC 4180 as far as it is needed: no field has a comma in it. */
static struct slice cut_field(struct slice *line)
{
	struct slice field = slice_trim(slice_cut(line, ','));

	if (field.n >= 2 && field.p[0] == '"' && field.p[field.n - 1] == '"') {
		field.p++;
		field.n -= 2;
	}
	return field;
}

/* NULL: well; else what is wrong with it. */
static const char *read_line(struct import *out, const struct config *config,
			     const char *text)
{
	struct slice line = slice_of(text);
	char owner[JID_CAP];
	int r;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	r = text_copy(out->number, sizeof(out->number), cut_field(&line));
	if (r || !config_is_number(out->number))
		return "no number such as +15551234567";
	if (config_find_number(config, out->number))
		return "this number is in tandem.conf";
	if (text_copy(owner, sizeof(owner), cut_field(&line)) ||
	    jid_bare(out->owner, sizeof(out->owner), owner) ||
	    !config_is_bare_jid(out->owner))
		return "no owner such as alice@example.org";
	if (text_copy(out->trunk, sizeof(out->trunk), cut_field(&line)) ||
	    line.n)
		return "more than number, owner, trunk";
	if (!*out->trunk && only_trunk(config))
		return text_set(out->trunk, sizeof(out->trunk),
				only_trunk(config)->name)
			       ? "no trunk"
			       : NULL;
	return config_find_trunk(config, out->trunk) ? NULL : "no such trunk";
}

static bool is_content(const char *line)
{
	return *line && *line != '#' && *line != '\r' &&
	       strncmp(line, "number,", strlen("number,")) != 0;
}

/* All @n lines are looked at before the first is taken. */
static size_t check_lines(struct request *request, size_t *n)
{
	const char *line;
	size_t mistakes = 0, i = 0;

	for (; (line = form_value(request->values, "csv", i)); i++) {
		struct import import;
		const char *what =
			is_content(line)
				? read_line(&import, request->gateway->config,
					    line)
				: NULL;

		if (what && mistakes++ < IMPORT_MISTAKES_MAX)
			answer_error(request->answer, "Line %zu: %s.", i + 1,
				     what);
	}
	*n = i;
	return mistakes;
}

static enum command_result run_import(struct request *request)
{
	size_t n, mistakes = check_lines(request, &n), taken = 0;
	bool only_check = request_flag(request, "check");
	const char *line;
	int r = 0;

	if (!mistakes && !only_check &&
	    !request_room(request, n * IMPORT_WRITES))
		return COMMAND_DONE;

	for (size_t i = 0;
	     !mistakes && !r && (line = form_value(request->values, "csv", i));
	     i++) {
		struct import import;

		if (!is_content(line) ||
		    read_line(&import, request->gateway->config, line))
			continue;
		if (!only_check)
			r = assign(request, import.number, import.trunk,
				   import.owner);
		taken += !r;
	}
	if (mistakes)
		answer_error(request->answer,
			     "%zu lines are wrong; nothing was changed.",
			     mistakes);
	else if (r)
		answer_error(request->answer,
			     "%zu numbers are assigned, then it failed.",
			     taken);
	else
		answer_info(request->answer, "%zu numbers %s.", taken,
			    only_check ? "are well written" : "are assigned");
	return COMMAND_DONE;
}

static const struct command table[] = {
	{ .node = "numbers",
	  .title = "Numbers and their owners",
	  .need = NEED_READER,
	  .steps = { COMMAND_FIELDS(list_fields) },
	  .run = run_numbers },
	{ .node = "number-assign",
	  .title = "Assign a number",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(assign_fields,
				    .fill = commands_fill_trunks) },
	  .run = run_assign },
	{ .node = "number-release",
	  .title = "Release a number",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(release_fields) },
	  .run = run_release },
	{ .node = "number-ring",
	  .title = "How a number's owners ring",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(ring_fields) },
	  .run = run_ring },
	{ .node = "number-texts",
	  .title = "By whom a number's texts go",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(texts_fields) },
	  .run = run_texts },
	{ .node = "number-import",
	  .title = "Assign numbers from CSV",
	  .need = NEED_OPERATOR,
	  .changes = true,
	  .steps = { COMMAND_FIELDS(import_fields) },
	  .run = run_import },
};
const struct commands commands_numbers = COMMANDS(table);
