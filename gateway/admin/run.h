/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A command that somebody runs, step by step; faces differ in how they ask and
 * tell, not in this.
 *
 *     asking --run_submit--> asking … --the last--> working --> done
 *            <--run_back----
 */
#pragma once

#include "gateway/admin/command.h"

struct admin;
struct run;

enum run_outcome {
	RUN_E_INVALID = 1, /* the values; run_mistake() */
	RUN_E_FORBIDDEN,   /* not any more */
	RUN_E_BUSY,        /* it works already, or is done */
};

/* It is done: run_answer(). Called once, maybe inside run_new() or
 * run_submit(). The run may be freed in it. */
typedef void (*run_done_fn)(struct run *run, void *arg);

/* What a live command tells before it is done, from its own work: the run must
 * not be freed in it. */
typedef void (*run_told_fn)(const char *text, size_t n, void *arg);

/*
 * Begin @command, which @actor may. A command that asks nothing is run at
 * once, by run_start(). *@out is owned by the caller: run_free(). 0, -ENOMEM.
 */
CHECKED int run_new(struct run **out, struct gateway *gateway,
		    const struct command *command, const struct actor *actor,
		    run_done_fn done, void *arg);
/* @told gets the arg of run_new(). Without it nobody hears. */
void run_on_told(struct run *run, run_told_fn told);
/* The first form, or work when there is none. 0, -ENOMEM, RUN_E_*. */
CHECKED int run_start(struct run *run);
/* What it works at is abandoned. NULL is fine; returns NULL. */
struct run *run_free(struct run *run);

const struct command *run_command(const struct run *run);
/* What is asked now, borrowed until the next step; NULL: nothing. */
const struct form *run_form(const struct run *run);
bool run_is_first(const struct run *run);
bool run_is_last(const struct run *run);

/* Who asks may have lost a right meanwhile: what holds from now on. */
void run_refresh(struct run *run, const struct actor *actor);

/* The answers to the form of now; @values may be NULL: none were given. 0,
 * RUN_E_*, -E2BIG (FORM_MAX_VALUES), -ENOMEM. */
CHECKED int run_submit(struct run *run, const struct form_values *values);
/* The form before; not at the first. 0, -ENOMEM. */
CHECKED int run_back(struct run *run);
const struct form_mistake *run_mistake(const struct run *run);
const struct answer *run_answer(const struct run *run);
