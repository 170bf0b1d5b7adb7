/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A command of a peer and the form in it: read or refused, and what passes the
 * form's check passes it again, unchanged.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/adhoc.h"
#include "xmpp/form.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct form_option options[] = { { "a", "A" },
					      { "b", "B" },
					      { NULL, NULL } };
static const struct form_spec specs[] = {
	{ .var = "text", .label = "T", .type = FORM_TEXT_SINGLE },
	{ .var = "number",
	  .label = "N",
	  .type = FORM_TEXT_SINGLE,
	  .integer = true,
	  .min = -10,
	  .max = 1000 },
	{ .var = "regex",
	  .label = "R",
	  .type = FORM_TEXT_SINGLE,
	  .regex = "\\+[0-9]{2,15}" },
	{ .var = "one",
	  .label = "O",
	  .type = FORM_LIST_SINGLE,
	  .options = options },
	{ .var = "many",
	  .label = "M",
	  .type = FORM_LIST_MULTI,
	  .options = options },
	{ .var = "flag", .label = "F", .type = FORM_BOOLEAN },
	{ .var = "jid", .label = "J", .type = FORM_JID_SINGLE },
	{ .var = "lines", .label = "L", .type = FORM_TEXT_MULTI },
	{ .var = "secret", .label = "S", .type = FORM_TEXT_PRIVATE },
};
enum { NSPECS = sizeof(specs) / sizeof(specs[0]) };

static void check_values(struct form_values *values)
{
	AUTO(form_freep) struct form *form = NULL;
	AUTO(form_values_freep) struct form_values *again = NULL;
	struct form_mistake mistake;

	if (form_new(&form, "T", NULL) || form_values_new(&again))
		abort();
	for (size_t i = 0; i < NSPECS; i++)
		form_add(form, &specs[i]);
	if (!form_ok(form))
		abort();
	int r = form_check(form, values, &mistake);
	assert(r >= 0);
	if (r) {
		assert(!r || mistake.var || r == FORM_E_SYNTAX);
		return;
	}
	assert(!form_values_merge(again, values));
	assert(!form_check(form, again, &mistake));
	for (size_t i = 0; i < NSPECS; i++) {
		const char *a, *b;

		for (size_t k = 0; (a = form_value(values, specs[i].var, k));
		     k++) {
			b = form_value(again, specs[i].var, k);
			assert(b && !strcmp(a, b));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	AUTO(stanza_freep) struct stanza *reply = NULL;
	AUTO(form_values_freep) struct form_values *values = NULL;
	struct adhoc_request request;

	if (stanza_parse(&iq, (struct slice){ (const char *)data, size }) ||
	    !adhoc_is_command(iq))
		return 0;
	int r = adhoc_parse(&request, iq);
	assert(r >= 0 && r < ADHOC_NOUTCOMES);
	if (r) {
		int e = adhoc_error(&reply, iq, r, "text");
		assert(!e || e == STANZA_E_REPLY);
		return 0;
	}
	assert(request.node && request.from && request.action < ADHOC_NACTIONS);
	if (!form_values_parse(&values, request.command))
		check_values(values);
	return 0;
}
