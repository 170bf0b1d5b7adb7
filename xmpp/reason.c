/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * <reason/> of XEP-0166, 7.4, as Jingle and XEP-0353 carry it.
 */
#include "xmpp/reason.h"

#include <assert.h>

#include "xmpp/stanza.h"

static const char *const names[REASON_NVALUES] = {
	[REASON_NONE] = "none",
	[REASON_ALTERNATIVE_SESSION] = "alternative-session",
	[REASON_BUSY] = "busy",
	[REASON_CANCEL] = "cancel",
	[REASON_CONNECTIVITY_ERROR] = "connectivity-error",
	[REASON_DECLINE] = "decline",
	[REASON_EXPIRED] = "expired",
	[REASON_FAILED_APPLICATION] = "failed-application",
	[REASON_FAILED_TRANSPORT] = "failed-transport",
	[REASON_GENERAL_ERROR] = "general-error",
	[REASON_GONE] = "gone",
	[REASON_INCOMPATIBLE_PARAMETERS] = "incompatible-parameters",
	[REASON_MEDIA_ERROR] = "media-error",
	[REASON_SECURITY_ERROR] = "security-error",
	[REASON_SUCCESS] = "success",
	[REASON_TIMEOUT] = "timeout",
	[REASON_UNSUPPORTED_APPLICATIONS] = "unsupported-applications",
	[REASON_UNSUPPORTED_TRANSPORTS] = "unsupported-transports",
};

const char *reason_name(enum reason reason)
{
	assert(reason >= 0 && reason < REASON_NVALUES);
	return names[reason];
}

/* Dino and Movim write failed_application, failed_transport. */
static bool is_name(const char *text, const char *name)
{
	for (; *text && *name; text++, name++)
		if (*text != *name && !(*text == '_' && *name == '-'))
			return false;
	return *text == *name;
}

/* The namespace is not looked at: XEP-0353's older texts left it open. */
static enum reason condition_of(const struct stanza *element)
{
	const struct stanza *child;

	STANZA_FOREACH(child, element)
		for (enum reason i = REASON_NONE + 1; i < REASON_NVALUES; i++)
			if (is_name(stanza_name(child), names[i]))
				return i;
	return REASON_NONE;
}

enum reason reason_parse(const struct stanza *element, const char **text)
{
	if (text)
		*text = stanza_find_text(element, "text", NULL);
	return condition_of(element);
}

void reason_format(struct stanza *parent, enum reason reason, const char *text)
{
	assert(reason > REASON_NONE && reason < REASON_NVALUES);
	struct stanza *element = stanza_child(parent, "reason", REASON_NS);

	stanza_child(element, names[reason], NULL);
	if (text)
		stanza_child_text(element, "text", NULL, text);
}
