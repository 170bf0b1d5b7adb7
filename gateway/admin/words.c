/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/words.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/admin/args.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"

/* ---- what is typed ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One word from @p on, its quotes taken out in place; where it ends. */
static char *cut_word(char *p)
{
	char *to = p;
	bool quoted = false;

	for (; *p && (quoted || !is_blank(*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			*to++ = *p;
	}
	char *next = *p ? p + 1 : p;
	*to = '\0';
	return next;
}

int words_split(struct words *out, const char *text)
{
	*out = (struct words){ .text = text_dup(slice_of(text)),
			       .size = strlen(text) };
	char *p = out->text;

	if (!p)
		return -ENOMEM;
	for (;;) {
		while (is_blank(*p))
			p++;
		if (!*p)
			return 0;
		if (out->n == WORDS_MAX) {
			words_fini(out);
			return -E2BIG;
		}
		out->v[out->n++] = p;
		p = cut_word(p);
	}
}

void words_fini(struct words *words)
{
	if (words->text)
		explicit_bzero(words->text, words->size);
	free(words->text);
	*words = (struct words){ 0 };
}

static const struct command *find_nocase(const char *node)
{
	const struct command *command;
	size_t i = 0;

	while ((command = command_at(i++)) &&
	       strcasecmp(command_word(command), node) != 0)
		;
	return command;
}

const struct command *words_command(struct words *words)
{
	enum { NODE_CAP = 64 };
	const struct command *command = NULL;
	char node[NODE_CAP];

	words->used = 2;
	if (words->n > 1 &&
	    !text_format(node, sizeof(node), "%s-%s", words->v[0], words->v[1]))
		command = find_nocase(node);
	if (command)
		return command;
	words->used = 1;
	return find_nocase(words->v[0]);
}

/* ---- help ---- */

void words_help(FILE *to, const struct actor *actor)
{
	const struct command *command;

	fputs("These commands are here:\n", to);
	for (size_t i = 0; (command = command_at(i)); i++) {
		if (role_may(actor, command->need))
			fprintf(to, "%s: %s\n", command_word(command),
				command->title);
	}
	fputs("Write one of them, or: help, with its name.", to);
}

/* As people say it. */
static const char *value_word(const struct form_spec *spec)
{
	if (spec->type != FORM_BOOLEAN)
		return spec->initial;
	return strcmp(spec->initial, "true") != 0 ? "no" : "yes";
}

void words_help_command(FILE *to, const struct command *command)
{
	fprintf(to, "%s: %s\n", command_word(command), command->title);
	for (size_t s = 0; s < COMMAND_MAX_STEPS; s++) {
		const struct command_step *step = &command->steps[s];

		for (size_t i = 0; i < step->n; i++) {
			const struct form_spec *spec = &step->fields[i];

			if (spec->type == FORM_HIDDEN)
				continue;
			fprintf(to, "%s=… %s", spec->var, spec->label);
			if (spec->initial)
				fprintf(to, " (else %s)", value_word(spec));
			else if (spec->required)
				fputs(" (required)", to);
			fputc('\n', to);
		}
	}
}

/* ---- questions ---- */

static void put_choices(FILE *to, const struct form_field *field)
{
	struct form_option option;

	for (size_t i = 0; form_field_option(field, i, &option); i++) {
		fprintf(to, "\n%zu: %s", i + 1, option.label);
		if (strcmp(option.label, option.value) != 0)
			fprintf(to, " (%s)", option.value);
	}
}

void words_question(FILE *to, const struct form_field *field)
{
	const struct form_spec *spec = form_field_spec(field);
	const char *now = form_field_value(field, 0);

	fprintf(to, "%s?", spec->label);
	if (spec->type == FORM_BOOLEAN)
		fputs(" (yes or no)", to);
	if (spec->desc)
		fprintf(to, " %s", spec->desc);
	put_choices(to, field);
	if (now && *now && spec->type != FORM_TEXT_PRIVATE)
		fprintf(to, "\nNow: %s",
			spec->type != FORM_BOOLEAN ? now
			: !strcmp(now, "true")     ? "yes"
						   : "no");
	if (!spec->required || now)
		fputs("\nA dot leaves it as it is, - takes it away.", to);
}

int words_answer(struct form_values *values, const struct form_field *field,
		 const char *text)
{
	const struct form_spec *spec = form_field_spec(field);
	struct form_option option;
	uint64_t n;

	if (!text_number(slice_of(text), FORM_MAX_VALUES, &n) && n &&
	    form_field_option(field, n - 1, &option))
		return args_set(values, spec, option.value);
	return args_set(values, spec, text);
}

int words_keep(struct form_values *values, const struct form_field *field)
{
	const char *var = form_field_spec(field)->var, *value;
	int r = form_values_clear(values, var);

	for (size_t i = 0; !r && (value = form_field_value(field, i)); i++)
		r = form_values_add(values, var, value);
	return r;
}
