/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/chat_digits.h"

#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/policy.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/jmi.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define KEYS   "0123456789*#ABCDabcd"
#define BLANKS " \t\r\n"

enum {
	/* A resumed stream (XEP-0198) delivers again within minutes. */
	TAKEN_MS = 600000,
	TAKEN_MAX = 4096,
	TAKEN_CAP = JID_CAP + 256,
};

int chat_digits_new(struct gateway *gateway)
{
	return recent_new(&gateway->digits_taken, TAKEN_MAX, TAKEN_MS);
}

void chat_digits_free(struct gateway *gateway)
{
	gateway->digits_taken = recent_free(gateway->digits_taken);
}

/* The keys in @body, blanks left out; false: it is something else. */
static bool read_keys(char out[static CHAT_DIGITS_MAX + 1], const char *body)
{
	size_t n = 0;

	for (; *body; body++) {
		if (strchr(BLANKS, *body))
			continue;
		if (!strchr(KEYS, *body) || n == CHAT_DIGITS_MAX)
			return false;
		out[n++] = (char)(*body >= 'a' ? *body - 'a' + 'A' : *body);
	}
	out[n] = '\0';
	return n > 0;
}

/* Whether it has been delivered before. Without an id nobody can say. */
static bool is_repeated(struct gateway *gateway, const struct stanza *message)
{
	const char *id = stanza_attr(message, "id");
	char name[TAKEN_CAP];
	uint64_t now = clock_ms();

	if (!id || text_format(name, sizeof(name), "%s %s",
			       stanza_attr(message, "from"), id))
		return false;
	if (recent_has(gateway->digits_taken, name, now))
		return true;
	recent_add(gateway->digits_taken, name, now);
	return false;
}

static void send_receipt(struct gateway *gateway, const struct stanza *message)
{
	AUTO(stanza_freep) struct stanza *receipt = NULL;
	const char *id = stanza_attr(message, "id");

	if (!id || !jmi_wants_receipt(message))
		return;
	int r = jmi_receipt(&receipt, stanza_attr(message, "to"),
			    stanza_attr(message, "from"), id);
	if (!r)
		r = xmpp_stream_send(gateway->stream, receipt);
	if (r)
		log_debug("xmpp=receipt not-sent r=%d", r);
}

static struct leg *find_leg(struct gateway *gateway,
			    const struct stanza *message)
{
	const char *from = stanza_attr(message, "from");
	struct leg *leg =
		leg_xmpp_dialling(gateway, from, stanza_attr(message, "to"));
	struct policy policy;
	char account[JID_CAP];

	if (!leg || jid_bare(account, sizeof(account), from))
		return NULL;
	policy_of(&policy, gateway, account, NULL);
	return policy.chat_digits ? leg : NULL;
}

bool chat_digits_take(struct gateway *gateway, const struct stanza *message)
{
	const struct stanza *body = stanza_find(message, "body", NULL);
	char keys[CHAT_DIGITS_MAX + 1];

	if (!body || !read_keys(keys, stanza_text(body)) ||
	    stanza_find(message, "delay", NS_DELAY))
		return false;
	struct leg *leg = find_leg(gateway, message);
	if (!leg)
		return false;
	if (!is_repeated(gateway, message)) {
		/* never in a log: it may be part of a secret */
		log_info("call=%s event=chat-digits n=%zu",
			 call_name(leg->call), strlen(keys));
		for (const char *key = keys; *key; key++)
			leg_digit(leg, *key, CHAT_DIGITS_MS);
	}
	explicit_bzero(keys, sizeof(keys));
	send_receipt(gateway, message);
	return true;
}
