/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "db/db.h"
#include "gateway/admin/audit.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"

enum { COMMAND_WRITES = 16 }; /* of a command, its audit included */

enum run_state { RUN_ASKING, RUN_WORKING, RUN_DONE };

struct run {
	struct request request; /* first: request_done() finds the run */
	enum run_state state;
	size_t step;
	struct form *form; /* of the step; NULL: none */
	run_done_fn done;
	run_told_fn told; /* NULL: nobody hears */
	void *arg;
	struct form_mistake mistake;
};

int run_new(struct run **out, struct gateway *gateway,
	    const struct command *command, const struct actor *actor,
	    run_done_fn done, void *arg)
{
	struct run *run = calloc(1, sizeof(*run));
	int r = run ? form_values_new(&run->request.values) : -ENOMEM;

	if (!r)
		r = answer_new(&run->request.answer);
	if (r) {
		run_free(run);
		return r;
	}
	run->request.gateway = gateway;
	run->request.command = command;
	run->request.actor = *actor;
	run->done = done;
	run->arg = arg;
	*out = run;
	return 0;
}

void run_on_told(struct run *run, run_told_fn told)
{
	run->told = told;
}

struct run *run_free(struct run *run)
{
	if (!run)
		return NULL;
	if (run->state == RUN_WORKING && run->request.abandon)
		run->request.abandon(&run->request);
	form_free(run->form);
	form_values_free(run->request.values);
	answer_free(run->request.answer);
	free(run);
	return NULL;
}

const struct command *run_command(const struct run *run)
{
	return run->request.command;
}

const struct form *run_form(const struct run *run)
{
	return run->state == RUN_ASKING ? run->form : NULL;
}

static const struct command_step *step_at(const struct run *run, size_t i)
{
	const struct command_step *step = &run->request.command->steps[i];

	return i < COMMAND_MAX_STEPS && step->n ? step : NULL;
}

bool run_is_first(const struct run *run)
{
	return !run->step;
}

bool run_is_last(const struct run *run)
{
	return !step_at(run, run->step + 1);
}

const struct form_mistake *run_mistake(const struct run *run)
{
	return &run->mistake;
}

const struct answer *run_answer(const struct run *run)
{
	return run->request.answer;
}

/* What was said already stands in the form, for who comes back to it. */
static void recall(const struct run *run, struct form *form)
{
	for (size_t i = 0; i < form_count(form); i++) {
		struct form_field *field = form_at(form, i);
		const char *var = form_field_spec(field)->var, *value;

		if (!form_values_has(run->request.values, var))
			continue;
		form_set(field, "");
		for (size_t k = 0;
		     (value = form_value(run->request.values, var, k)); k++)
			form_add_value(field, value);
	}
}

static void finish(struct run *run)
{
	run->state = RUN_DONE;
	run->done(run, run->arg);
}

/* The run may be done, and gone, behind it. */
static int ask(struct run *run)
{
	const struct command_step *step = step_at(run, run->step);
	AUTO(form_freep) struct form *form = NULL;

	if (step->may && !step->may(&run->request)) {
		finish(run);
		return 0;
	}
	int r = form_new(&form, run->request.command->title,
			 step->instructions);

	if (r)
		return r;
	for (size_t i = 0; i < step->n; i++)
		form_add(form, &step->fields[i]);
	if (step->fill)
		step->fill(&run->request, form);
	recall(run, form);
	if (!form_ok(form))
		return -ENOMEM;
	form_free(run->form);
	run->form = form;
	form = NULL;
	return 0;
}

static int work(struct run *run)
{
	struct request *request = &run->request;
	const struct command *command = request->command;

	run->state = RUN_WORKING;
	run->form = form_free(run->form);
	/* Wholly or not at all. */
	if ((command->changes && !request_room(request, 0)) ||
	    command->run(request) == COMMAND_DONE)
		finish(run);
	return 0;
}

int run_start(struct run *run)
{
	return step_at(run, 0) ? ask(run) : work(run);
}

void run_refresh(struct run *run, const struct actor *actor)
{
	run->request.actor = *actor;
}

int run_submit(struct run *run, const struct form_values *values)
{
	AUTO(form_values_freep) struct form_values *said = NULL;
	struct request *request = &run->request;

	if (run->state != RUN_ASKING)
		return RUN_E_BUSY;
	if (!role_may(&request->actor, request->command->need))
		return RUN_E_FORBIDDEN;
	int r = form_values_new(&said);
	if (!r && values)
		r = form_values_merge(said, values);
	if (r)
		return r < 0 ? r : -E2BIG;
	r = form_check(run->form, said, &run->mistake);
	if (r)
		return r < 0 ? r : RUN_E_INVALID;
	r = form_values_merge(request->values, said);
	if (r)
		return r < 0 ? r : -E2BIG;
	if (run_is_last(run))
		return work(run);
	run->step++;
	r = ask(run);
	if (r)
		run->step--;
	return r;
}

int run_back(struct run *run)
{
	assert(run->step && run->state == RUN_ASKING);
	run->step--;
	int r = ask(run);
	if (r)
		run->step++;
	return r;
}

/* ---- what commands ask and say ---- */

const char *request_text(const struct request *request, const char *var)
{
	const char *value = form_value(request->values, var, 0);

	return value ? value : "";
}

char *request_lines(const struct request *request, const char *var)
{
	const char *line;
	size_t n = 1, at = 0;

	for (size_t i = 0; (line = form_value(request->values, var, i)); i++)
		n += strlen(line) + 1;
	char *text = calloc(1, n);
	for (size_t i = 0; text && (line = form_value(request->values, var, i));
	     i++)
		at += (size_t)snprintf(text + at, n - at, "%s%s", i ? "\n" : "",
				       line);
	return text;
}

unsigned request_number(const struct request *request, const char *var)
{
	uint64_t n;

	return text_number(slice_of(request_text(request, var)), UINT32_MAX, &n)
		       ? 0
		       : (unsigned)n;
}

bool request_flag(const struct request *request, const char *var)
{
	return !strcmp(request_text(request, var), "true");
}

void request_jid(char *out, const struct request *request, const char *var)
{
	if (jid_bare(out, JID_CAP, request_text(request, var)))
		out[0] = '\0';
}

enum command_result request_each_account(struct request *request,
					 void (*fn)(struct request *request,
						    const char *jid))
{
	const char *value;
	char jid[JID_CAP];
	size_t n = 0;

	while (form_value(request->values, "accountjids", n))
		n++;
	if (!request_room(request, n * COMMAND_WRITES))
		return COMMAND_DONE;
	for (size_t i = 0;
	     (value = form_value(request->values, "accountjids", i)); i++) {
		if (jid_bare(jid, sizeof(jid), value))
			answer_error(request->answer, "%s is no account.",
				     value);
		else
			fn(request, jid);
	}
	return COMMAND_DONE;
}

void request_changed(const struct request *request, const char *object,
		     const char *before, const char *after)
{
	audit_add(request->gateway, &request->actor,
		  command_word(request->command), object, before, after);
}

void request_tell(struct request *request, const char *text, size_t n)
{
	struct run *run = (struct run *)request;

	assert(run->state == RUN_WORKING);
	if (run->told)
		run->told(text, n, run->arg);
}

void request_done(struct request *request)
{
	struct run *run = (struct run *)request;

	assert(run->state == RUN_WORKING);
	finish(run);
}

bool request_room(struct request *request, size_t writes)
{
	return db_has_room(request->gateway->db, COMMAND_WRITES + writes) ||
	       request_well(request, -ENOBUFS);
}

bool request_well(struct request *request, int r)
{
	if (!r)
		return true;
	if (r == -ENOBUFS)
		answer_error(request->answer,
			     "The database takes no more changes at the "
			     "moment; nothing was changed.");
	else if (r == -EINVAL)
		answer_error(request->answer,
			     "This is not well written; nothing was changed.");
	else
		answer_error(request->answer,
			     "It did not work (%s); nothing was changed.",
			     r < 0 ? strerror(-r) : "not found");
	return false;
}

void request_refuse_files(struct request *request, const char *name)
{
	const struct config *config = request->gateway->config;

	answer_error(request->answer,
		     "%s is in %s: change it there. Nothing was changed.", name,
		     config->path ? config->path : "tandem.conf");
}
