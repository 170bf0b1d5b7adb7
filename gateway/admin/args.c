/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/args.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"

enum { FIELD_NAME_MAX = 64 }; /* that is worth repeating */

/* The @i-th field of all steps, or the one that is called @name. */
static const struct form_spec *find_field(const struct command *command,
					  struct slice name, size_t i)
{
	for (size_t s = 0; s < COMMAND_MAX_STEPS; s++) {
		const struct command_step *step = &command->steps[s];

		for (size_t k = 0; k < step->n; k++) {
			if (step->fields[k].type == FORM_HIDDEN)
				continue;
			if (name.p ? slice_is(name, step->fields[k].var) : !i--)
				return &step->fields[k];
		}
	}
	return NULL;
}

/* As people say it; what is neither is left to the form's check. */
static const char *flag_of(const char *text)
{
	static const struct {
		const char *word, *value;
	} words[] = {
		{ "yes", "true" }, { "y", "true" },  { "on", "true" },
		{ "no", "false" }, { "n", "false" }, { "off", "false" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(text, words[i].word))
			return words[i].value;
	}
	return text;
}

static int add_slice(struct form_values *values, const char *var,
		     struct slice text)
{
	char *copy = text_dup(text);
	int r = copy ? form_values_add(values, var, copy) : -ENOMEM;

	free(copy);
	return r;
}

static int set_list(struct form_values *values, const struct form_spec *spec,
		    const char *text)
{
	bool lines = spec->type == FORM_TEXT_MULTI;
	struct slice rest = slice_of(text);
	int r = 0;

	while (rest.n && !r) {
		struct slice one = slice_cut(&rest, lines ? '\n' : ',');

		r = add_slice(values, spec->var, lines ? one : slice_trim(one));
	}
	return r;
}

int args_set(struct form_values *values, const struct form_spec *spec,
	     const char *text)
{
	int r = form_values_clear(values, spec->var);

	if (r || !*text || !strcmp(text, "-"))
		return r;
	switch (spec->type) {
	case FORM_BOOLEAN:
		return form_values_add(values, spec->var, flag_of(text));
	case FORM_TEXT_MULTI:
	case FORM_LIST_MULTI:
	case FORM_JID_MULTI:
		return set_list(values, spec, text);
	default:
		return form_values_add(values, spec->var, text);
	}
}

/* "name=": letters, digits and hyphens; not "sip:a;b=c". */
static struct slice name_of(const char *word)
{
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	return n && word[n] == '=' ? (struct slice){ word, n } : SLICE_NONE;
}

int args_add(struct args *args, const char *word)
{
	struct slice name = name_of(word);
	const struct form_spec *spec;

	if (name.p) {
		spec = find_field(args->command, name, 0);
		return spec ? args_set(args->values, spec, word + name.n + 1)
			    : ARGS_E_UNKNOWN;
	}
	do
		spec = find_field(args->command, SLICE_NONE, args->taken++);
	while (spec && form_values_has(args->values, spec->var));
	return spec ? args_set(args->values, spec, word) : ARGS_E_UNKNOWN;
}

void args_explain(FILE *to, const struct command *command, const char *word)
{
	const char *name = command_word(command);
	struct slice field = name_of(word);

	if (!command->steps[0].n)
		fprintf(to, "%s takes no words behind it.\n", name);
	else if (field.p && field.n <= FIELD_NAME_MAX)
		fprintf(to, "%s has no field %.*s. It has these:\n", name,
			(int)field.n, field.p);
	else
		fprintf(to, "These are more words than %s has fields:\n", name);
}
