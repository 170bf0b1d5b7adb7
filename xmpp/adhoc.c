/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* XEP-0050, 2 to 4: requests and answers. Sessions are adhoc_session.c's. */
#include "xmpp/adhoc.h"

#include <assert.h>
#include <string.h>

#include "gateway/base/slice.h"
#include "xmpp/stanza.h"

static const char *const action_names[] = {
	[ADHOC_EXECUTE] = "execute", [ADHOC_NEXT] = "next",
	[ADHOC_PREV] = "prev",       [ADHOC_COMPLETE] = "complete",
	[ADHOC_CANCEL] = "cancel",
};
static_assert(sizeof(action_names) / sizeof(action_names[0]) == ADHOC_NACTIONS,
	      "each action has a name");

/* 4.4 and the schema in 10. */
static const struct {
	const char *condition;
	const char *specific; /* NULL: none */
} errors[ADHOC_NOUTCOMES] = {
	[ADHOC_E_MALFORMED_ACTION] = { "bad-request", "malformed-action" },
	[ADHOC_E_BAD_ACTION] = { "bad-request", "bad-action" },
	[ADHOC_E_BAD_LOCALE] = { "bad-request", "bad-locale" },
	[ADHOC_E_BAD_PAYLOAD] = { "bad-request", "bad-payload" },
	[ADHOC_E_BAD_SESSIONID] = { "bad-request", "bad-sessionid" },
	[ADHOC_E_SESSION_EXPIRED] = { "not-allowed", "session-expired" },
	[ADHOC_E_FORBIDDEN] = { "forbidden", NULL },
	[ADHOC_E_NOT_FOUND] = { "item-not-found", NULL },
	[ADHOC_E_REQUEST] = { "bad-request", NULL },
};

bool adhoc_is_command(const struct stanza *iq)
{
	return stanza_is(stanza_first(iq), "command", ADHOC_NS);
}

static int read_action(enum adhoc_action *out, const char *name)
{
	*out = ADHOC_EXECUTE;
	if (!name)
		return 0;
	for (unsigned i = 0; i < ADHOC_NACTIONS; i++) {
		*out = (enum adhoc_action)i;
		if (!strcmp(name, action_names[i]))
			return 0;
	}
	return ADHOC_E_MALFORMED_ACTION;
}

/* RFC 5646, 2.1, as far as its shape: subtags of 1 to 8 letters and digits, the
 * first of letters alone. */
static bool is_language(const char *tag)
{
	enum { SUBTAG_MAX = 8 };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	enum { NLETTERS = 52 };
	struct slice rest = slice_of(tag);
	bool first = true;

	while (first || rest.n) {
		struct slice subtag = slice_cut(&rest, '-');
		size_t n = 0;

		while (n < subtag.n &&
		       memchr(letters, subtag.p[n],
			      first ? NLETTERS : sizeof(letters) - 1))
			n++;
		if (!n || n < subtag.n || n > SUBTAG_MAX)
			return false;
		first = false;
	}
	return rest.p == tag + strlen(tag) && rest.p[-1] != '-';
}

static const char *language_of(const struct stanza *iq,
			       const struct stanza *command)
{
	const char *lang = stanza_attr(command, "xml:lang");

	return lang ? lang : stanza_attr(iq, "xml:lang");
}

int adhoc_parse(struct adhoc_request *out, const struct stanza *iq)
{
	const struct stanza *command = stanza_first(iq);
	const char *type = stanza_attr(iq, "type");
	const char *lang = language_of(iq, command);

	*out = (struct adhoc_request){
		.from = stanza_attr(iq, "from"),
		.node = stanza_attr(command, "node"),
		.sessionid = stanza_attr(command, "sessionid"),
		.command = command,
	};
	if (!type || strcmp(type, "set") != 0 || !out->node || !out->from ||
	    stanza_next(command))
		return ADHOC_E_REQUEST;
	if (lang && *lang && !is_language(lang))
		return ADHOC_E_BAD_LOCALE;
	return read_action(&out->action, stanza_attr(command, "action"));
}

int adhoc_error(struct stanza **reply, const struct stanza *iq, int outcome,
		const char *text)
{
	assert(outcome > 0 && outcome < ADHOC_NOUTCOMES);
	int r = stanza_error_reply(reply, iq, NULL, errors[outcome].condition,
				   text);
	if (r || !errors[outcome].specific)
		return r;
	stanza_child(stanza_find(*reply, "error", NULL),
		     errors[outcome].specific, ADHOC_NS);
	if (stanza_ok(*reply))
		return 0;
	*reply = stanza_free(*reply);
	return -ENOMEM;
}

int adhoc_resolve(enum adhoc_action *out, enum adhoc_action action,
		  const struct adhoc_stage *stage)
{
	enum adhoc_action forward = stage->last ? ADHOC_COMPLETE : ADHOC_NEXT;
	bool offered = action == ADHOC_EXECUTE || action == forward ||
		       action == ADHOC_CANCEL ||
		       (action == ADHOC_PREV && !stage->first);

	*out = action == ADHOC_EXECUTE ? forward : action;
	return offered ? 0 : ADHOC_E_BAD_ACTION;
}

/* 3.4: cancel is always there and never listed; execute names the default. */
static void print_actions(struct stanza *command,
			  const struct adhoc_stage *stage)
{
	enum adhoc_action forward = stage->last ? ADHOC_COMPLETE : ADHOC_NEXT;
	struct stanza *actions = stanza_child(command, "actions", NULL);

	stanza_set(actions, "execute", action_names[forward]);
	if (!stage->first)
		stanza_child(actions, "prev", NULL);
	stanza_child(actions, action_names[forward], NULL);
}

int adhoc_answer(struct stanza **reply, struct stanza **command,
		 const struct stanza *iq, const struct adhoc_stage *stage)
{
	static const char *const statuses[] = {
		[ADHOC_EXECUTING] = "executing",
		[ADHOC_COMPLETED] = "completed",
		[ADHOC_CANCELED] = "canceled",
	};
	int r = stanza_result(reply, iq);

	if (r)
		return r;
	*command = stanza_child(*reply, "command", ADHOC_NS);
	stanza_set(*command, "xml:lang", "en");
	stanza_set(*command, "node", stage->node);
	stanza_set(*command, "sessionid", stage->sessionid);
	stanza_set(*command, "status", statuses[stage->status]);
	if (stage->status == ADHOC_EXECUTING)
		print_actions(*command, stage);
	if (stanza_ok(*reply))
		return 0;
	*reply = stanza_free(*reply);
	return -ENOMEM;
}

void adhoc_note(struct stanza *command, const char *type, const char *text)
{
	stanza_set(stanza_child_text(command, "note", NULL, text), "type",
		   type);
}
