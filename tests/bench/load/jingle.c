/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/jingle.h"

#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/sip.h"
#include "tests/mock/xmpp_server.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jmi.h"
#include "xmpp/stanza_text.h"

struct jingle {
	struct load *load;
	struct mock_xmpp *server;
	unsigned long ids;
};

static void send_stanza(struct jingle *jingle, const struct stanza *st)
{
	char *text;
	size_t n;

	if (stanza_format(st, 0, &text, &n))
		DIE("load: no stanza");
	mock_xmpp_send(jingle->server, text);
	free(text);
}

static void answer(struct jingle *jingle, const struct stanza *iq, bool good)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	int r = good ? stanza_result(&reply, iq)
		     : stanza_error_reply(&reply, iq, NULL,
					  "service-unavailable", NULL);
	if (!r)
		send_stanza(jingle, reply);
}

/* By the caller's number, which is the number JID. */
static struct call *call_of(const struct jingle *jingle,
			    const struct stanza *st)
{
	struct slice from = slice_of(stanza_attr(st, "from"));
	struct slice node = slice_cut(&from, '@');
	size_t prefix = strlen(SIP_CALLER);
	uint64_t number;

	if (node.n <= prefix || memcmp(node.p, SIP_CALLER, prefix) != 0)
		return NULL;
	node = (struct slice){ node.p + prefix, node.n - prefix };
	if (text_number(node, LOAD_MAX_CALLS, &number))
		return NULL;
	return load_find(jingle->load, number);
}

/* Messages: XEP-0353 */

static void send_message(struct jingle *jingle, const struct call *call,
			 const char *action)
{
	AUTO(stanza_freep) struct stanza *st = NULL;

	if (stanza_new(&st, "message", NULL))
		DIE("load: no memory");
	stanza_set(st, "type", "chat");
	stanza_set(st, "from", call->account);
	stanza_set(st, "to", call->peer);
	stanza_setf(st, "id", "m%lu", ++jingle->ids);
	stanza_set(stanza_child(st, action, JMI_NS), "id", call->sid);
	send_stanza(jingle, st);
}

static void on_propose(struct jingle *jingle, struct call *call,
		       const struct stanza *message,
		       const struct stanza *propose)
{
	if (call->proposed_us)
		return;
	call->proposed_us = clock_us();
	if (text_set(call->sid, sizeof(call->sid),
		     stanza_attr(propose, "id")) ||
	    text_set(call->peer, sizeof(call->peer),
		     stanza_attr(message, "from")))
		DIE("load: the propose's id is too long");
	send_message(jingle, call, "ringing");
	if (jingle->load->options.ring) {
		load_rings(call);
		return;
	}
	call->proceeded_us = clock_us();
	send_message(jingle, call, "proceed");
}

static void on_message(struct jingle *jingle, const struct stanza *st)
{
	struct call *call = call_of(jingle, st);
	const struct stanza *propose = stanza_find(st, "propose", JMI_NS);

	if (call && propose)
		on_propose(jingle, call, st, propose);
}

/* Sessions */

static void send_accept(struct jingle *jingle, const struct call *call,
			const struct media_desc *desc)
{
	static const struct jingle_desc_options options = { false, 0 };
	AUTO(stanza_freep) struct stanza *iq = NULL;

	if (stanza_new(&iq, "iq", NULL))
		DIE("load: no memory");
	stanza_set(iq, "type", "set");
	stanza_set(iq, "from", call->account);
	stanza_set(iq, "to", call->peer);
	stanza_setf(iq, "id", "i%lu", ++jingle->ids);
	struct stanza *st = stanza_child(iq, "jingle", JINGLE_NS);
	stanza_set(st, "action", "session-accept");
	stanza_set(st, "sid", call->sid);
	stanza_set(st, "responder", call->account);
	jingle_desc_format(st, desc, &options);
	send_stanza(jingle, iq);
}

static void on_initiate(struct jingle *jingle, struct call *call,
			const struct stanza *st)
{
	AUTO(media_desc_freep) struct media_desc *offer = NULL, *desc = NULL;
	const struct media_content *theirs = NULL;
	struct media_content *ours;

	if (!jingle_desc_parse(&offer, st, true))
		theirs = media_desc_first(offer, MEDIA_AUDIO);
	/* A late one is of a call that was given up: its end is closed. */
	if (!theirs || call->stage != CALL_SETTING_UP || call->ends[CALL_A].ice)
		return;
	if (media_desc_new(&desc) || media_desc_add(desc, &ours))
		DIE("load: no memory");
	desc->bundle = offer->bundle;
	if (endpoint_answer(&call->ends[CALL_A], theirs, ours))
		send_accept(jingle, call, desc);
	else
		load_failed(call, "its session-initiate is not for us");
}

static void on_jingle(struct jingle *jingle, struct call *call,
		      const struct stanza *st)
{
	const char *action = stanza_attr(st, "action");

	if (action && !strcmp(action, "session-initiate"))
		on_initiate(jingle, call, st);
	else if (action && !strcmp(action, "session-terminate") &&
		 call->stage < CALL_FAILED)
		load_failed(call, "the relay ended the session");
}

static void on_iq(struct jingle *jingle, const struct stanza *iq)
{
	const struct stanza *st = stanza_find(iq, "jingle", JINGLE_NS);
	struct call *call = st ? call_of(jingle, iq) : NULL;
	const char *type = stanza_attr(iq, "type");

	if (type && (!strcmp(type, "error") || !strcmp(type, "result")))
		return;
	answer(jingle, iq, call != NULL);
	if (call)
		on_jingle(jingle, call, st);
}

static void on_stanza(const struct stanza *st, void *arg)
{
	struct jingle *jingle = arg;

	if (stanza_is(st, "message", NULL))
		on_message(jingle, st);
	else if (stanza_is(st, "iq", NULL))
		on_iq(jingle, st);
}

struct jingle *jingle_open(struct load *load)
{
	struct jingle *jingle = calloc(1, sizeof(*jingle));

	if (!jingle)
		DIE("load: no memory");
	jingle->load = load;
	jingle->server = mock_xmpp_new(load->loop.base, JINGLE_SECRET);
	mock_xmpp_set_handler(jingle->server, on_stanza, jingle);
	return jingle;
}

struct jingle *jingle_close(struct jingle *jingle)
{
	mock_xmpp_free(jingle->server);
	free(jingle);
	return NULL;
}

unsigned short jingle_port(const struct jingle *jingle)
{
	return mock_xmpp_port(jingle->server);
}

unsigned jingle_handshakes(const struct jingle *jingle)
{
	return mock_xmpp_counts(jingle->server).handshakes;
}
