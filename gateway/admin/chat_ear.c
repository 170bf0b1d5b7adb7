/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/chat_ear.h"

#include <stdbool.h>
#include <stdlib.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"

#define NS_PING "urn:xmpp:ping"

/* Who follows himself would otherwise be asked because he was asked. */
enum { ASK_AGAIN_MS = 5000 };

struct chat_ear {
	struct gateway *gateway;
	const char *jid;
	chat_ear_fn gone;
	void *arg;
	uint64_t asked_ms;
	bool asked;   /* and has not answered yet */
	bool answers; /* it has, once */
	bool unknown; /* it does not know the question, or was never there */
};

int chat_ear_new(struct chat_ear **out, struct gateway *gateway,
		 const char *jid, chat_ear_fn gone, void *arg)
{
	struct chat_ear *ear = calloc(1, sizeof(*ear));

	if (!ear)
		return -ENOMEM;
	*ear = (struct chat_ear){
		.gateway = gateway, .jid = jid, .gone = gone, .arg = arg
	};
	*out = ear;
	return 0;
}

struct chat_ear *chat_ear_free(struct chat_ear *ear)
{
	if (ear && ear->asked)
		iq_cancel(ear->gateway->iqs, ear);
	free(ear);
	return NULL;
}

static void on_pong(enum iq_answer answer, const struct stanza *reply,
		    void *arg)
{
	struct chat_ear *ear = arg;

	(void)reply;
	ear->asked = false;
	if (answer == IQ_RESULT)
		ear->answers = true;
	else if (answer == IQ_ERROR && ear->answers)
		ear->gone(ear->arg);
	else if (answer == IQ_ERROR)
		ear->unknown = true;
}

void chat_ear_ask(struct chat_ear *ear)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	uint64_t now_ms = clock_ms();

	if (ear->asked || ear->unknown ||
	    (ear->asked_ms && now_ms - ear->asked_ms < ASK_AGAIN_MS) ||
	    stanza_new(&iq, "iq", NULL))
		return;
	stanza_set(iq, "type", "get");
	stanza_set(iq, "from", ear->gateway->config->xmpp.domain);
	stanza_set(iq, "to", ear->jid);
	stanza_child(iq, "ping", NS_PING);
	ear->asked_ms = now_ms;
	ear->asked =
		stanza_ok(iq) && !iq_send(ear->gateway->iqs, iq, on_pong, ear);
	if (!ear->asked)
		log_debug("xmpp=ping not-sent");
}
