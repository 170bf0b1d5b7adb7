/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/adhoc_result.h"

#include "gateway/admin/answer.h"
#include "gateway/base/text.h"
#include "xmpp/adhoc.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"

/* Labels are ours: letters and blanks. */
static void var_of(char *out, size_t cap, const char *label)
{
	if (text_set(out, cap, label))
		return;
	for (; *out; out++) {
		if (*out == ' ')
			*out = '-';
		else if (*out >= 'A' && *out <= 'Z')
			*out = (char)(*out - 'A' + 'a');
	}
}

enum { VAR_CAP = 64 };

static void print_table(struct stanza *x, const struct answer *answer)
{
	char vars[ANSWER_MAX_COLUMNS][VAR_CAP];
	const char *label;
	size_t n = 0;

	for (; (label = answer_column_at(answer, n)); n++) {
		var_of(vars[n], VAR_CAP, label);
		form_result_column(x, vars[n], label);
	}
	for (size_t row = 0; row < answer_rows(answer); row++) {
		struct stanza *item = form_result_row(x);

		for (size_t i = 0; i < n; i++)
			form_result_cell(item, vars[i],
					 answer_cell_at(answer, row, i));
	}
}

static void print_instruction(struct stanza *x, const char *label,
			      const char *text)
{
	struct stanza *st = stanza_child_text(x, "instructions", NULL, label);

	stanza_add_text(st, ": ");
	stanza_add_text(st, text);
}

static void print_fact(struct stanza *x, const char *name, const char *label,
		       const char *text)
{
	char var[VAR_CAP];

	var_of(var, sizeof(var), label);
	form_result_field(x, name ? name : var, label, text);
}

/* Clients show the fields or the table of a result, few of them both: beside a
 * table the facts are instructions. */
void adhoc_result_print(struct stanza *command, const char *title,
			const struct answer *answer)
{
	const char *text, *label;
	enum answer_level level;
	bool table = answer_column_at(answer, 0) != NULL;
	struct stanza *x = NULL;

	for (size_t i = 0; (text = answer_note_at(answer, i, &level)); i++)
		adhoc_note(command, answer_level_name(level), text);
	if (table || answer_fact_at(answer, 0, &label))
		x = form_result(command, title, NULL);
	for (size_t i = 0; (text = answer_fact_at(answer, i, &label)); i++) {
		if (table)
			print_instruction(x, label, text);
		else
			print_fact(x, answer_fact_var(answer, i), label, text);
	}
	if (table)
		print_table(x, answer);
}
