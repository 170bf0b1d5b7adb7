/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Data forms (XEP-0004) and their validation (XEP-0122): a form that is asked,
 * what was submitted, whether it fits, and results. Who asks and why is the
 * caller's.
 *
 *     form_spec   what a field is: constant data
 *     form        fields with the values and options of now
 *     form_values what came back: from a stanza, or typed elsewhere
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"

struct stanza;

#define FORM_NS "jabber:x:data"

enum {
	FORM_MAX_FIELDS = 64,
	FORM_MAX_VALUES = 2000, /* of all fields together: lines of a file */
	FORM_MISTAKE_CAP = 256,
};

enum form_outcome {
	FORM_E_NONE = 1, /* no form there */
	FORM_E_SYNTAX,   /* not a submitted form, or too large */
	FORM_E_CANCEL,   /* type='cancel' */
	FORM_E_MISSING,  /* a field that is required */
	FORM_E_VALUE,    /* a value that its field does not take */
};

enum form_type {
	FORM_BOOLEAN,
	FORM_FIXED,
	FORM_HIDDEN,
	FORM_JID_MULTI,
	FORM_JID_SINGLE,
	FORM_LIST_MULTI,
	FORM_LIST_SINGLE,
	FORM_TEXT_MULTI,
	FORM_TEXT_PRIVATE,
	FORM_TEXT_SINGLE,
	FORM_NTYPES
};

struct form_option {
	const char *value, *label;
};

/* Constant data; a form borrows it for good. */
struct form_spec {
	const char *var, *label;
	enum form_type type;
	bool required;
	const char *initial;               /* NULL: none */
	const char *desc;                  /* NULL: none */
	const struct form_option *options; /* ends with a value of NULL; NULL */
	bool open;           /* a list that takes other values as well */
	const char *regex;   /* POSIX extended, of the whole value; NULL */
	const char *expects; /* in words, for who wrote something else; NULL */
	bool integer;        /* xs:integer from @min to @max */
	long min, max;
};

struct form;
struct form_field;

/* *@out is owned by the caller: form_free(). Texts are copied. 0, -ENOMEM. */
CHECKED int form_new(struct form **out, const char *title,
		     const char *instructions);
struct form *form_free(struct form *form);
DEFINE_AUTO(struct form *, form_free)

/* Building, checked once at the end as stanzas are: NULL does nothing. */
struct form_field *form_add(struct form *form, const struct form_spec *spec);
/* The values of @field are @value alone, its lines if it has several. A @value
 * of NULL is what there was no memory for, here and below. */
void form_set(struct form_field *field, const char *value);
void form_add_value(struct form_field *field, const char *value);
void form_add_option(struct form_field *field, const char *value,
		     const char *label);
CHECKED bool form_ok(const struct form *form);

/* Reading; all is borrowed. */
size_t form_count(const struct form *form);
struct form_field *form_at(const struct form *form, size_t i);
struct form_field *form_find(const struct form *form, const char *var);
const struct form_spec *form_field_spec(const struct form_field *field);
/* The @i-th value, NULL behind the last. */
const char *form_field_value(const struct form_field *field, size_t i);
/* The @i-th option; false behind the last. */
bool form_field_option(const struct form_field *field, size_t i,
		       struct form_option *out);

/* <x type='form'/> as the last child of @parent, which is marked without
 * memory. */
void form_print(struct stanza *parent, const struct form *form);

/* ---- what was submitted ---- */

struct form_values;

/* None yet. *@out is owned by the caller: form_values_free(). 0, -ENOMEM. */
CHECKED int form_values_new(struct form_values **out);
struct form_values *form_values_free(struct form_values *values);
DEFINE_AUTO(struct form_values *, form_values_free)

/*
 * The <x/> within @parent. *@out is owned by the caller. 0, FORM_E_NONE,
 * FORM_E_SYNTAX, FORM_E_CANCEL, -ENOMEM.
 */
CHECKED int form_values_parse(struct form_values **out,
			      const struct stanza *parent);

/* One more value of @var. 0, FORM_E_SYNTAX (too many), -ENOMEM. */
CHECKED int form_values_add(struct form_values *values, const char *var,
			    const char *value);
/* No values of @var; it was said nonetheless. As form_values_add(). */
CHECKED int form_values_clear(struct form_values *values, const char *var);
/* Whether @var was said, if only with nothing. */
bool form_values_has(const struct form_values *values, const char *var);
/* The @i-th of @var; NULL behind the last. */
const char *form_value(const struct form_values *values, const char *var,
		       size_t i);
/* What @from says goes before what @into said. 0, -ENOMEM, FORM_E_SYNTAX. */
CHECKED int form_values_merge(struct form_values *into,
			      const struct form_values *from);
void form_values_swap(struct form_values *a, struct form_values *b);

/* What does not fit. */
struct form_mistake {
	const char *var; /* the spec's */
	char text[FORM_MISTAKE_CAP];
};

/*
 * Whether @values answer @form: all that is required, and each value as its
 * field wants it. Booleans are "true" or "false" then, and surrounding blanks
 * gone. Fields that were not said get the form's value; what the form does not
 * ask is gone as well (XEP-0004, 3.2). 0; FORM_E_MISSING or FORM_E_VALUE with
 * @mistake in words; -ENOMEM.
 */
CHECKED int form_check(const struct form *form, struct form_values *values,
		       struct form_mistake *mistake);

/* The same of one field alone; @values stay as they are. */
CHECKED int form_check_field(const struct form_field *field,
			     const struct form_values *values,
			     struct form_mistake *mistake);

/* ---- results ---- */

/* <x type='result'/> in @parent; either of the texts may be NULL. */
struct stanza *form_result(struct stanza *parent, const char *title,
			   const char *instructions);
/* A field of it; @value in lines when it has several. */
void form_result_field(struct stanza *x, const char *var, const char *label,
		       const char *value);
/* A table: its columns are said first (XEP-0004, 3.4). */
void form_result_column(struct stanza *x, const char *var, const char *label);
struct stanza *form_result_row(struct stanza *x);
void form_result_cell(struct stanza *row, const char *var, const char *value);
