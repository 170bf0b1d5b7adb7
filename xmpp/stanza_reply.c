/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Answers to stanzas: results and errors (RFC 6120, 8.2.3 and 8.3).
 */
#include "xmpp/stanza.h"

/* RFC 6120, 8.3.3: the error type that each condition's text names. */
static const struct {
	const char *condition, *type;
} conditions[] = {
	{ "bad-request", "modify" },
	{ "conflict", "cancel" },
	{ "feature-not-implemented", "cancel" },
	{ "forbidden", "auth" },
	{ "gone", "cancel" },
	{ "internal-server-error", "cancel" },
	{ "item-not-found", "cancel" },
	{ "jid-malformed", "modify" },
	{ "not-acceptable", "modify" },
	{ "not-allowed", "cancel" },
	{ "not-authorized", "auth" },
	{ "policy-violation", "modify" },
	{ "recipient-unavailable", "wait" },
	{ "redirect", "modify" },
	{ "registration-required", "auth" },
	{ "remote-server-not-found", "cancel" },
	{ "remote-server-timeout", "wait" },
	{ "resource-constraint", "wait" },
	{ "service-unavailable", "cancel" },
	{ "subscription-required", "auth" },
	{ "undefined-condition", "cancel" },
	{ "unexpected-request", "wait" },
};

static const char *default_type(const char *condition)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		if (!strcmp(conditions[i].condition, condition))
			return conditions[i].type;
	return "cancel";
}

/* RFC 6120, 8.2.3 and 8.3.1: neither results nor errors are answered. */
static bool is_reply(const struct stanza *st)
{
	const char *type = stanza_attr(st, "type");

	if (!type)
		return false;
	if (!strcmp(type, "error"))
		return true;
	return !strcmp(stanza_name(st), "iq") && !strcmp(type, "result");
}

int stanza_reply(struct stanza **out, const struct stanza *request,
		 const char *type)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	if (is_reply(request))
		return STANZA_E_REPLY;
	int r = stanza_new(&reply, stanza_name(request), stanza_ns(request));
	if (r)
		return r;
	stanza_set(reply, "type", type);
	stanza_set(reply, "id", stanza_attr(request, "id"));
	stanza_set(reply, "from", stanza_attr(request, "to"));
	stanza_set(reply, "to", stanza_attr(request, "from"));
	if (!stanza_ok(reply))
		return -ENOMEM;
	*out = reply;
	reply = NULL;
	return 0;
}

int stanza_result(struct stanza **out, const struct stanza *request)
{
	return stanza_reply(out, request, "result");
}

int stanza_error_reply(struct stanza **out, const struct stanza *request,
		       const char *type, const char *condition,
		       const char *text)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = stanza_reply(&reply, request, "error");

	if (r)
		return r;
	struct stanza *error = stanza_child(reply, "error", NULL);
	stanza_set(error, "type", type ? type : default_type(condition));
	stanza_child(error, condition, STANZA_NS_ERROR);
	if (text)
		stanza_child_text(error, "text", STANZA_NS_ERROR, text);
	if (!stanza_ok(reply))
		return -ENOMEM;
	*out = reply;
	reply = NULL;
	return 0;
}

const char *stanza_error_condition(const struct stanza *st)
{
	const struct stanza *child;

	STANZA_FOREACH(child, stanza_find(st, "error", NULL))
		if (!strcmp(stanza_ns(child), STANZA_NS_ERROR) &&
		    strcmp(stanza_name(child), "text") != 0)
			return stanza_name(child);
	return "undefined-condition";
}
