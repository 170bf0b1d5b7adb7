/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What was submitted: XEP-0004, 3.1 and 3.2. */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"

/* One value; or that there is none, NULL. In the order in which they came. */
struct entry {
	char *var, *value; /* owned */
};

struct form_values {
	struct entry *v;
	size_t n, cap;
};

int form_values_new(struct form_values **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

/* Passwords are among them. */
static void fini_entry(struct entry *entry)
{
	text_wipe(entry->value);
	free(entry->var);
}

struct form_values *form_values_free(struct form_values *values)
{
	if (!values)
		return NULL;
	while (values->n)
		fini_entry(&values->v[--values->n]);
	free(values->v);
	free(values);
	return NULL;
}

static int grow(struct form_values *values)
{
	enum { FIRST = 16 };
	size_t cap = values->cap ? 2 * values->cap : FIRST;
	struct entry *grown;

	if (values->n < values->cap)
		return 0;
	grown = reallocarray(values->v, cap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	values->v = grown;
	values->cap = cap;
	return 0;
}

static int append(struct form_values *values, const char *var,
		  const char *value)
{
	struct entry entry = { 0 };
	int r = values->n < FORM_MAX_VALUES ? grow(values) : FORM_E_SYNTAX;

	if (r)
		return r;
	entry.var = text_dup(slice_of(var));
	entry.value = value ? text_dup(slice_of(value)) : NULL;
	if (!entry.var || (value && !entry.value)) {
		fini_entry(&entry);
		return -ENOMEM;
	}
	values->v[values->n++] = entry;
	return 0;
}

static void drop(struct form_values *values, const char *var)
{
	size_t kept = 0;

	for (size_t i = 0; i < values->n; i++) {
		if (!strcmp(values->v[i].var, var))
			fini_entry(&values->v[i]);
		else
			values->v[kept++] = values->v[i];
	}
	values->n = kept;
}

int form_values_add(struct form_values *values, const char *var,
		    const char *value)
{
	return append(values, var, value ? value : "");
}

int form_values_clear(struct form_values *values, const char *var)
{
	drop(values, var);
	return append(values, var, NULL);
}

bool form_values_has(const struct form_values *values, const char *var)
{
	for (size_t i = 0; i < values->n; i++) {
		if (!strcmp(values->v[i].var, var))
			return true;
	}
	return false;
}

const char *form_value(const struct form_values *values, const char *var,
		       size_t at)
{
	for (size_t i = 0; i < values->n; i++) {
		const struct entry *entry = &values->v[i];

		if (entry->value && !strcmp(entry->var, var) && !at--)
			return entry->value;
	}
	return NULL;
}

int form_values_merge(struct form_values *into, const struct form_values *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n; i++)
		drop(into, from->v[i].var);
	for (size_t i = 0; i < from->n && !r; i++)
		r = append(into, from->v[i].var, from->v[i].value);
	return r;
}

void form_values_swap(struct form_values *a, struct form_values *b)
{
	struct form_values was = *a;

	*a = *b;
	*b = was;
}

static int read_field(struct form_values *values, const struct stanza *field)
{
	const char *var = stanza_attr(field, "var");
	const struct stanza *child;
	bool any = false;
	int r = 0;

	if (!var || !stanza_is(field, "field", FORM_NS))
		return 0;
	STANZA_FOREACH(child, field) {
		if (!stanza_is(child, "value", FORM_NS))
			continue;
		r = append(values, var, stanza_text(child));
		if (r)
			return r;
		any = true;
	}
	return any ? 0 : append(values, var, NULL);
}

int form_values_parse(struct form_values **out, const struct stanza *parent)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	const struct stanza *x = stanza_find(parent, "x", FORM_NS), *child;
	const char *type = stanza_attr(x, "type");

	if (!x)
		return FORM_E_NONE;
	if (type && !strcmp(type, "cancel"))
		return FORM_E_CANCEL;
	if (!type || strcmp(type, "submit") != 0)
		return FORM_E_SYNTAX;
	int r = form_values_new(&values);
	STANZA_FOREACH(child, x) {
		if (!r)
			r = read_field(values, child);
	}
	if (r)
		return r;
	*out = values;
	values = NULL;
	return 0;
}
