/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Whether what was submitted fits what was asked: XEP-0004, 3.3; XEP-0122. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "xmpp/form.h"
#include "xmpp/jid.h"

enum { REGEX_CAP = 256 };

/* Said of the field, not of what was written: that may be anything. */
static int complain(struct form_mistake *mistake, const struct form_spec *spec,
		    int outcome, const char *what)
{
	mistake->var = spec->var;
	if (text_format(mistake->text, sizeof(mistake->text), "%s: %s.",
			spec->label, what))
		text_clean(mistake->text, sizeof(mistake->text),
			   slice_of(what));
	return outcome;
}

static bool is_multi(const struct form_spec *spec)
{
	return spec->type == FORM_TEXT_MULTI || spec->type == FORM_LIST_MULTI ||
	       spec->type == FORM_JID_MULTI;
}

/* Of the whole value; a pattern that does not compile is our own mistake. */
static bool fits_regex(const char *pattern, const char *value)
{
	char whole[REGEX_CAP];
	regex_t regex;

	if (text_format(whole, sizeof(whole), "^(%s)$", pattern) ||
	    regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB))
		return false;
	bool fits = !regexec(&regex, value, 0, NULL, 0);
	regfree(&regex);
	return fits;
}

static bool fits_integer(const struct form_spec *spec, const char *value)
{
	struct slice digits = slice_of(value);
	bool negative = digits.n && *digits.p == '-';
	uint64_t n;

	if (negative) {
		digits.p++;
		digits.n--;
	}
	if (text_number(digits, INT64_MAX, &n))
		return false;
	int64_t number = negative ? -(int64_t)n : (int64_t)n;
	return number >= spec->min && number <= spec->max;
}

static bool is_option(const struct form_field *field, const char *value)
{
	struct form_option option;

	for (size_t i = 0; form_field_option(field, i, &option); i++) {
		if (!strcmp(option.value, value))
			return true;
	}
	return false;
}

/* Whoever types does not see what there is to choose from. */
static int complain_choice(struct form_mistake *mistake,
			   const struct form_field *field, int outcome)
{
	const struct form_spec *spec = form_field_spec(field);
	char what[FORM_MISTAKE_CAP / 2];
	struct form_option option;
	size_t at = 0;

	if (!form_field_option(field, 0, &option))
		return complain(mistake, spec, outcome,
				"there is nothing to choose from");
	for (size_t i = 0;
	     at < sizeof(what) && form_field_option(field, i, &option); i++)
		at += (size_t)snprintf(what + at, sizeof(what) - at, "%s%s",
				       i ? ", " : "one of ", option.value);
	if (at >= sizeof(what) - sizeof(", please"))
		return complain(mistake, spec, outcome,
				"this is none of the choices");
	memcpy(what + at, ", please", sizeof(", please"));
	return complain(mistake, spec, outcome, what);
}

/* XEP-0004, 3.3: both spellings. */
static const char *boolean_of(const char *value)
{
	if (!strcmp(value, "1") || !strcmp(value, "true"))
		return "true";
	return !strcmp(value, "0") || !strcmp(value, "false") ? "false" : NULL;
}

static int check_integer(const struct form_spec *spec, const char *value,
			 struct form_mistake *mistake)
{
	char what[FORM_MISTAKE_CAP];

	if (fits_integer(spec, value))
		return 0;
	if (text_format(what, sizeof(what), "a number from %ld to %ld, please",
			spec->min, spec->max))
		what[0] = '\0';
	return complain(mistake, spec, FORM_E_VALUE, what);
}

/* @value has no blanks around it and is not empty. */
static int check_value(const struct form_field *field, const char *value,
		       struct form_mistake *mistake)
{
	const struct form_spec *spec = form_field_spec(field);
	bool is_list =
		spec->type == FORM_LIST_SINGLE || spec->type == FORM_LIST_MULTI;
	bool is_jid =
		spec->type == FORM_JID_SINGLE || spec->type == FORM_JID_MULTI;
	struct jid jid;

	if (spec->type != FORM_TEXT_MULTI && spec->type != FORM_TEXT_PRIVATE &&
	    strpbrk(value, "\r\n"))
		return complain(mistake, spec, FORM_E_VALUE,
				"one line, please");
	if (spec->type == FORM_BOOLEAN && !boolean_of(value))
		return complain(mistake, spec, FORM_E_VALUE, "yes or no");
	if (is_list && !spec->open && !is_option(field, value))
		return complain_choice(mistake, field, FORM_E_VALUE);
	if (is_jid && jid_parse(&jid, value))
		return complain(mistake, spec, FORM_E_VALUE,
				"this is no address such as alice@example.org");
	if (spec->integer)
		return check_integer(spec, value, mistake);
	if (spec->regex && !fits_regex(spec->regex, value))
		return complain(mistake, spec, FORM_E_VALUE,
				spec->expects ? spec->expects
					      : "this is not well written");
	return 0;
}

static int take(struct form_values *values, const struct form_field *field,
		const char *raw, struct form_mistake *mistake)
{
	const struct form_spec *spec = form_field_spec(field);
	bool keep = spec->type == FORM_TEXT_PRIVATE ||
		    spec->type == FORM_TEXT_MULTI;
	char *value =
		text_dup(keep ? slice_of(raw) : slice_trim(slice_of(raw)));
	int r = value ? 0 : -ENOMEM;

	if (!r && *value)
		r = check_value(field, value, mistake);
	if (!r && *value)
		r = form_values_add(
			values, spec->var,
			spec->type == FORM_BOOLEAN ? boolean_of(value) : value);
	text_wipe(value);
	return r;
}

/* What was said of the field, or else what the form says. */
static const char *value_of(const struct form_field *field,
			    const struct form_values *said, size_t i)
{
	const char *var = form_field_spec(field)->var;

	return form_values_has(said, var) ? form_value(said, var, i)
					  : form_field_value(field, i);
}

static int check_field(const struct form_field *field,
		       const struct form_values *said, struct form_values *out,
		       struct form_mistake *mistake)
{
	const struct form_spec *spec = form_field_spec(field);
	const char *value;
	int r = form_values_clear(out, spec->var);

	for (size_t i = 0; !r && (value = value_of(field, said, i)); i++) {
		if (i && !is_multi(spec))
			return complain(mistake, spec, FORM_E_VALUE,
					"one value, please");
		r = take(out, field, value, mistake);
	}
	if (r == FORM_E_SYNTAX)
		return complain(mistake, spec, FORM_E_VALUE,
				"this is too much");
	if (!r && spec->required && !form_value(out, spec->var, 0) &&
	    spec->type == FORM_LIST_SINGLE && !spec->open)
		return complain_choice(mistake, field, FORM_E_MISSING);
	if (!r && spec->required && !form_value(out, spec->var, 0))
		return complain(mistake, spec, FORM_E_MISSING,
				"this is required");
	return r;
}

int form_check(const struct form *form, struct form_values *values,
	       struct form_mistake *mistake)
{
	AUTO(form_values_freep) struct form_values *checked = NULL;
	int r = form_values_new(&checked);

	*mistake = (struct form_mistake){ .var = NULL };
	for (size_t i = 0; i < form_count(form) && !r; i++) {
		const struct form_field *field = form_at(form, i);

		if (form_field_spec(field)->type != FORM_FIXED)
			r = check_field(field, values, checked, mistake);
	}
	if (!r)
		form_values_swap(values, checked);
	return r;
}

int form_check_field(const struct form_field *field,
		     const struct form_values *values,
		     struct form_mistake *mistake)
{
	AUTO(form_values_freep) struct form_values *checked = NULL;
	int r = form_values_new(&checked);

	*mistake = (struct form_mistake){ .var = NULL };
	return r ? r : check_field(field, values, checked, mistake);
}
