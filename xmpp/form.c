/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Forms that are asked, and results: XEP-0004, 3; XEP-0122, 3. */
#include "xmpp/form.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "xmpp/stanza.h"

#define NS_VALIDATE "http://jabber.org/protocol/xdata-validate"

struct texts {
	char **v;
	size_t n;
};

struct form_field {
	const struct form_spec *spec;
	struct form *form;
	struct texts values, options, labels; /* owned */
};

struct form {
	char *title, *instructions; /* owned; NULL: none */
	struct form_field *fields[FORM_MAX_FIELDS];
	size_t n;
	bool failed;
};

static const char *const type_names[] = {
	[FORM_BOOLEAN] = "boolean",
	[FORM_FIXED] = "fixed",
	[FORM_HIDDEN] = "hidden",
	[FORM_JID_MULTI] = "jid-multi",
	[FORM_JID_SINGLE] = "jid-single",
	[FORM_LIST_MULTI] = "list-multi",
	[FORM_LIST_SINGLE] = "list-single",
	[FORM_TEXT_MULTI] = "text-multi",
	[FORM_TEXT_PRIVATE] = "text-private",
	[FORM_TEXT_SINGLE] = "text-single",
};
static_assert(sizeof(type_names) / sizeof(type_names[0]) == FORM_NTYPES,
	      "each type has a name");

/* ---- building ---- */

static void fini_texts(struct texts *texts)
{
	while (texts->n)
		free(texts->v[--texts->n]);
	free(texts->v);
	*texts = (struct texts){ 0 };
}

static bool add_text(struct texts *texts, struct slice text)
{
	char *copy = text_dup(text);
	char **grown =
		copy ? reallocarray(texts->v, texts->n + 1, sizeof(*texts->v))
		     : NULL;

	if (!grown) {
		free(copy);
		return false;
	}
	texts->v = grown;
	texts->v[texts->n++] = copy;
	return true;
}

int form_new(struct form **out, const char *title, const char *instructions)
{
	struct form *form = calloc(1, sizeof(*form));

	if (!form)
		return -ENOMEM;
	form->title = text_dup(slice_of(title ? title : ""));
	form->instructions =
		instructions ? text_dup(slice_of(instructions)) : NULL;
	if (!form->title || (instructions && !form->instructions)) {
		form_free(form);
		return -ENOMEM;
	}
	*out = form;
	return 0;
}

static struct form_field *free_field(struct form_field *field)
{
	fini_texts(&field->values);
	fini_texts(&field->options);
	fini_texts(&field->labels);
	free(field);
	return NULL;
}

struct form *form_free(struct form *form)
{
	if (!form)
		return NULL;
	while (form->n)
		free_field(form->fields[--form->n]);
	free(form->title);
	free(form->instructions);
	free(form);
	return NULL;
}

static void fail(struct form_field *field)
{
	if (field)
		field->form->failed = true;
}

struct form_field *form_add(struct form *form, const struct form_spec *spec)
{
	struct form_field *field = NULL;

	if (!form)
		return NULL;
	assert(form->n < FORM_MAX_FIELDS); /* our own tables */
	field = calloc(1, sizeof(*field));
	if (!field) {
		form->failed = true;
		return NULL;
	}
	field->spec = spec;
	field->form = form;
	form->fields[form->n++] = field;
	for (const struct form_option *o = spec->options; o && o->value; o++)
		form_add_option(field, o->value, o->label);
	if (spec->initial)
		form_set(field, spec->initial);
	return field;
}

void form_add_value(struct form_field *field, const char *value)
{
	if (field && (!value || !add_text(&field->values, slice_of(value))))
		fail(field);
}

void form_set(struct form_field *field, const char *value)
{
	struct slice rest = value ? slice_of(value) : SLICE_NONE;

	if (!field)
		return;
	if (!value)
		fail(field);
	fini_texts(&field->values);
	while (rest.n) {
		struct slice line = field->spec->type == FORM_TEXT_MULTI
					    ? slice_cut(&rest, '\n')
					    : rest;

		if (line.p == rest.p)
			rest = SLICE_NONE;
		if (!add_text(&field->values, line))
			fail(field);
	}
}

void form_add_option(struct form_field *field, const char *value,
		     const char *label)
{
	if (!field)
		return;
	if (!add_text(&field->options, slice_of(value)) ||
	    !add_text(&field->labels, slice_of(label ? label : value)))
		fail(field);
}

bool form_ok(const struct form *form)
{
	return form && !form->failed;
}

/* ---- reading ---- */

size_t form_count(const struct form *form)
{
	return form->n;
}

struct form_field *form_at(const struct form *form, size_t i)
{
	return form->fields[i];
}

struct form_field *form_find(const struct form *form, const char *var)
{
	for (size_t i = 0; i < form->n; i++) {
		if (!strcmp(form->fields[i]->spec->var, var))
			return form->fields[i];
	}
	return NULL;
}

const struct form_spec *form_field_spec(const struct form_field *field)
{
	return field->spec;
}

const char *form_field_value(const struct form_field *field, size_t i)
{
	return i < field->values.n ? field->values.v[i] : NULL;
}

bool form_field_option(const struct form_field *field, size_t i,
		       struct form_option *out)
{
	if (i >= field->options.n || i >= field->labels.n)
		return false;
	*out = (struct form_option){ field->options.v[i], field->labels.v[i] };
	return true;
}

/* ---- writing ---- */

/* XEP-0122, 3: the method decides how, the type what. */
static void print_validation(struct stanza *st, const struct form_spec *spec)
{
	struct stanza *validate;

	if (!spec->integer && !spec->regex && !spec->open)
		return;
	validate = stanza_child(st, "validate", NS_VALIDATE);
	stanza_set(validate, "datatype",
		   spec->integer ? "xs:integer" : "xs:string");
	if (spec->integer) {
		struct stanza *range = stanza_child(validate, "range", NULL);

		stanza_setf(range, "min", "%ld", spec->min);
		stanza_setf(range, "max", "%ld", spec->max);
	} else if (spec->regex) {
		stanza_child_text(validate, "regex", NULL, spec->regex);
	} else {
		stanza_child(validate, "open", NULL);
	}
}

static void print_field(struct stanza *x, const struct form_field *field)
{
	struct stanza *st = stanza_child(x, "field", NULL);
	const struct form_spec *spec = field->spec;
	struct form_option option;

	stanza_set(st, "type", type_names[spec->type]);
	stanza_set(st, "var", spec->var);
	stanza_set(st, "label", spec->label);
	if (spec->desc)
		stanza_child_text(st, "desc", NULL, spec->desc);
	if (spec->required)
		stanza_child(st, "required", NULL);
	for (size_t i = 0; i < field->values.n; i++)
		stanza_child_text(st, "value", NULL, field->values.v[i]);
	for (size_t i = 0; form_field_option(field, i, &option); i++) {
		struct stanza *child = stanza_child(st, "option", NULL);

		stanza_set(child, "label", option.label);
		stanza_child_text(child, "value", NULL, option.value);
	}
	print_validation(st, spec);
}

static struct stanza *begin(struct stanza *parent, const char *type,
			    const char *title, const char *instructions)
{
	struct stanza *x = stanza_child(parent, "x", FORM_NS);

	stanza_set(x, "type", type);
	if (title)
		stanza_child_text(x, "title", NULL, title);
	if (instructions)
		stanza_child_text(x, "instructions", NULL, instructions);
	return x;
}

void form_print(struct stanza *parent, const struct form *form)
{
	struct stanza *x =
		begin(parent, "form", form->title, form->instructions);

	for (size_t i = 0; i < form->n; i++)
		print_field(x, form->fields[i]);
}

struct stanza *form_result(struct stanza *parent, const char *title,
			   const char *instructions)
{
	return begin(parent, "result", title, instructions);
}

void form_result_field(struct stanza *x, const char *var, const char *label,
		       const char *value)
{
	struct stanza *st = stanza_child(x, "field", NULL);
	bool lines = strchr(value, '\n') != NULL;
	struct slice rest = slice_of(value);

	stanza_set(st, "var", var);
	stanza_set(st, "label", label);
	stanza_set(st, "type",
		   type_names[lines ? FORM_TEXT_MULTI : FORM_TEXT_SINGLE]);
	do {
		struct slice line = slice_cut(&rest, '\n');

		stanza_add_slice(stanza_child(st, "value", NULL), line);
	} while (rest.n);
}

void form_result_column(struct stanza *x, const char *var, const char *label)
{
	struct stanza *reported = stanza_find(x, "reported", NULL);
	struct stanza *st = stanza_child(
		reported ? reported : stanza_child(x, "reported", NULL),
		"field", NULL);

	stanza_set(st, "var", var);
	stanza_set(st, "label", label);
	stanza_set(st, "type", type_names[FORM_TEXT_SINGLE]);
}

struct stanza *form_result_row(struct stanza *x)
{
	return stanza_child(x, "item", NULL);
}

void form_result_cell(struct stanza *row, const char *var, const char *value)
{
	struct stanza *st = stanza_child(row, "field", NULL);

	stanza_set(st, "var", var);
	stanza_child_text(st, "value", NULL, value);
}
