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
	{ .var = "jids", .label = "J", .type = FORM_JID_MULTI },
	{ .var = "must",
	  .label = "M",
	  .type = FORM_TEXT_SINGLE,
	  .required = true },
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
	for (size_t i = 0; i < NSPECS; i++) {
		int one = form_check_field(form_at(form, i), values, &mistake);
		assert(one >= 0);
	}
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

/* The step that is answered with, at each stage that a session may be at. */
static void answer(const struct stanza *iq, const struct adhoc_request *request)
{
	for (int i = 0; i < 12; i++) {
		AUTO(stanza_freep) struct stanza *reply = NULL;
		struct stanza *command;
		enum adhoc_action action;
		const struct adhoc_stage stage = {
			.node = request->node,
			.sessionid = "1",
			.status = (enum adhoc_status)(i % 3),
			.first = i / 3 & 1,
			.last = i / 6 & 1,
		};
		int r = adhoc_resolve(&action, request->action, &stage);

		assert(!r || r == ADHOC_E_BAD_ACTION);
		assert(r || action != ADHOC_EXECUTE);
		r = adhoc_answer(&reply, &command, iq, &stage);
		assert(!r || r == STANZA_E_REPLY);
		if (r)
			continue;
		adhoc_note(command, "info", request->node);
		assert(stanza_ok(reply) &&
		       stanza_is(command, "command", ADHOC_NS));
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
	answer(iq, &request);
	if (!form_values_parse(&values, request.command))
		check_values(values);
	return 0;
}
