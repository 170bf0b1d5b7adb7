/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A message of a peer: what is understood can be said again, and means the
 * same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/jmi.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void check(const struct jmi *jmi)
{
	const struct jmi_message message = {
		.action = jmi->action,
		.sid = jmi->sid,
		.from = jmi->to,
		.to = jmi->from,
		.reason = jmi->reason,
		.reason_text = jmi->reason_text,
		.migrated_to = jmi->migrated_to,
		.tie_break = jmi->tie_break,
	};
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct jmi again;

	assert(jmi->action < JMI_NACTIONS && jmi_is_sid(jmi->sid));
	assert(jmi->from && jmi->to);
	assert(!jmi->receipt_requested || jmi->message_id);
	if (jmi_format(&st, &message))
		abort();
	assert(!jmi_parse(&again, st));
	assert(again.action == jmi->action && same(again.sid, jmi->sid));
	assert(again.tie_break == jmi->tie_break);
	assert(same(again.migrated_to, jmi->migrated_to));
	if (jmi->reason != REASON_NONE)
		assert(again.reason == jmi->reason &&
		       same(again.reason_text, jmi->reason_text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	struct jmi jmi;

	if (stanza_parse(&st, (struct slice){ (const char *)data, size }) ||
	    jmi_parse(&jmi, st))
		return 0;
	check(&jmi);
	return 0;
}
