/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0353 0.8.0: 3 to 5 (elements), 6 (tie break, migration). With XEP-0334
 * (store hint), XEP-0172 (nick), XEP-0184 (receipts) and XEP-0203 (delay) as
 * far as they touch a call.
 */
#include "xmpp/jmi.h"

#include <assert.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "xmpp/stanza.h"

#define NS_RTP      "urn:xmpp:jingle:apps:rtp:1"
#define NS_HINTS    "urn:xmpp:hints"
#define NS_RECEIPTS "urn:xmpp:receipts"
#define NS_DELAY    "urn:xmpp:delay"
#define NS_NICK     "http://jabber.org/protocol/nick"

/*
 * Our message ids: "jm-propose-<token>-<sid>". Servers may bounce a message
 * without its payload, so the id says what it was; the token tells repeated
 * messages apart.
 */
enum { TOKEN_LEN = 8, ID_CAP = 16 + TOKEN_LEN + JMI_SID_MAX };

static const char *const names[JMI_NACTIONS] = {
	[JMI_PROPOSE] = "propose", [JMI_RINGING] = "ringing",
	[JMI_PROCEED] = "proceed", [JMI_REJECT] = "reject",
	[JMI_RETRACT] = "retract", [JMI_FINISH] = "finish",
	[JMI_ACCEPT] = "accept",
};

bool jmi_is_sid(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!n || n > JMI_SID_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

/* The action that @name begins with, as a whole word; NACTIONS: none. */
static enum jmi_action action_of(struct slice name)
{
	enum jmi_action i = 0;

	while (i < JMI_NACTIONS && !slice_is(name, names[i]))
		i++;
	return i;
}

/* Foreign elements of the namespace (later versions) are read over. */
static const struct stanza *find_action(const struct stanza *message,
					enum jmi_action *out)
{
	const struct stanza *child;

	STANZA_FOREACH(child, message) {
		if (strcmp(stanza_ns(child), JMI_NS) != 0)
			continue;
		*out = action_of(slice_of(stanza_name(child)));
		if (*out < JMI_NACTIONS)
			return child;
	}
	return NULL;
}

static void parse_media(struct jmi *out, const struct stanza *propose)
{
	const struct stanza *child;

	STANZA_FOREACH(child, propose) {
		const char *media = stanza_attr(child, "media");
		if (!stanza_is(child, "description", NS_RTP) || !media)
			continue;
		out->audio |= !strcmp(media, "audio");
		out->video |= !strcmp(media, "video");
	}
}

static int parse_element(struct jmi *out, const struct stanza *element)
{
	const struct stanza *migrated = stanza_find(element, "migrated", NULL);

	out->sid = stanza_attr(element, "id");
	if (!jmi_is_sid(out->sid))
		return 1;
	parse_media(out, element);
	out->tie_break = stanza_find(element, "tie-break", NULL) != NULL;
	out->migrated_to = stanza_attr(migrated, "to");
	if (!jmi_is_sid(out->migrated_to))
		out->migrated_to = NULL;
	const struct stanza *reason = stanza_find(element, "reason", REASON_NS);
	if (!reason) /* XEP-0353 before 0.4 */
		reason = stanza_find(element, "reason", NULL);
	out->reason = reason_parse(reason, &out->reason_text);
	return 0;
}

/* A bounce of ours without payload: all that is left is the id. */
static int parse_id(struct jmi *out)
{
	struct slice rest = slice_of(out->message_id);

	if (!slice_is(slice_cut(&rest, '-'), "jm"))
		return 1;
	out->action = action_of(slice_cut(&rest, '-'));
	if (out->action == JMI_NACTIONS || rest.n <= TOKEN_LEN + 1 ||
	    rest.p[TOKEN_LEN] != '-')
		return 1;
	out->sid = rest.p + TOKEN_LEN + 1;
	return jmi_is_sid(out->sid) ? 0 : 1;
}

bool jmi_wants_receipt(const struct stanza *message)
{
	return stanza_find(message, "request", NS_RECEIPTS) != NULL;
}

int jmi_parse(struct jmi *out, const struct stanza *message)
{
	const char *type = stanza_attr(message, "type");
	struct jmi jmi = {
		.from = stanza_attr(message, "from"),
		.to = stanza_attr(message, "to"),
		.message_id = stanza_attr(message, "id"),
		.error = type && !strcmp(type, "error"),
	};

	if (!stanza_is(message, "message", NULL) || !jmi.from || !jmi.to ||
	    (type && !strcmp(type, "groupchat")))
		return 1;
	const struct stanza *element = find_action(message, &jmi.action);
	if (!element && !jmi.error)
		return 1;
	if (element ? parse_element(&jmi, element) : parse_id(&jmi))
		return 1;
	if (jmi.error)
		jmi.error_condition = stanza_error_condition(message);
	jmi.delayed = stanza_find(message, "delay", NS_DELAY) != NULL;
	jmi.receipt_requested =
		!jmi.error && jmi.message_id && jmi_wants_receipt(message);
	*out = jmi;
	return 0;
}

static enum reason reason_of(const struct jmi_message *message)
{
	if (message->reason != REASON_NONE)
		return message->reason;
	if (message->action == JMI_RETRACT)
		return REASON_CANCEL;
	if (message->action == JMI_REJECT)
		return REASON_BUSY;
	return REASON_NONE;
}

static void format_element(struct stanza *st, const struct jmi_message *message)
{
	struct stanza *element =
		stanza_child(st, names[message->action], JMI_NS);
	enum reason reason = reason_of(message);

	stanza_set(element, "id", message->sid);
	if (message->action == JMI_PROPOSE)
		stanza_set(stanza_child(element, "description", NS_RTP),
			   "media", "audio");
	if (reason != REASON_NONE)
		reason_format(element, reason, message->reason_text);
	if (message->tie_break)
		stanza_child(element, "tie-break", NULL);
	if (message->migrated_to)
		stanza_set(stanza_child(element, "migrated", NULL), "to",
			   message->migrated_to);
}

static int new_message(struct stanza **out, const char *from, const char *to,
		       const char *id)
{
	int r = stanza_new(out, "message", NULL);

	if (r)
		return r;
	stanza_set(*out, "type", "chat");
	stanza_set(*out, "from", from);
	stanza_set(*out, "to", to);
	stanza_set(*out, "id", id);
	return 0;
}

static int hand_over(struct stanza **out, struct stanza **st)
{
	stanza_child(*st, "store", NS_HINTS);
	if (!stanza_ok(*st))
		return -ENOMEM;
	*out = *st;
	*st = NULL;
	return 0;
}

int jmi_format(struct stanza **out, const struct jmi_message *message)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	char id[ID_CAP], token[TOKEN_LEN + 1];

	assert(message->action < JMI_NACTIONS && jmi_is_sid(message->sid));
	rand_token(token, TOKEN_LEN);
	int r = text_format(id, sizeof(id), "jm-%s-%s-%s",
			    names[message->action], token, message->sid);
	if (!r)
		r = new_message(&st, message->from, message->to, id);
	if (r)
		return r;
	format_element(st, message);
	if (message->nick)
		stanza_child_text(st, "nick", NS_NICK, message->nick);
	return hand_over(out, &st);
}

int jmi_receipt(struct stanza **out, const char *from, const char *to,
		const char *message_id)
{
	AUTO(stanza_freep) struct stanza *st = NULL;
	char id[RAND_UUID_CAP];

	rand_uuid(id);
	int r = new_message(&st, from, to, id);
	if (r)
		return r;
	stanza_set(stanza_child(st, "received", NS_RECEIPTS), "id", message_id);
	return hand_over(out, &st);
}
