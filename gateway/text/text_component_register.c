/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Registration (XEP-0077) with the component that carries an account's texts:
 * it knows the account by an address of our domain, so what is asked of our
 * domain goes there from that, and its answer comes back from us, as Cheogram
 * does it. Whatever it asks for (a carrier's user and password, a code) is
 * between the two.
 */
#include <stdlib.h>

#include "gateway/admin/registration.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/service/service.h"
#include "gateway/text/text_component.h"
#include "gateway/text/text_int.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* What a component was asked, until it answers. */
struct asking {
	LIST_ENTRY(asking) link;
	struct gateway *gateway;
	struct stanza *iq; /* who asked, to be answered; not what was said */
};

static void free_asking(struct asking *asking)
{
	LIST_REMOVE(asking, link);
	stanza_free(asking->iq);
	free(asking);
}

void text_askings_free(struct gateway *gateway)
{
	struct asking *first;

	while ((first = LIST_FIRST(&gateway->texts->askings))) {
		if (gateway->iqs)
			iq_cancel(gateway->iqs, first);
		free_asking(first);
	}
}

static void refuse(struct gateway *gateway, const struct stanza *iq,
		   const char *condition, const char *words)
{
	AUTO(stanza_freep) struct stanza *error = NULL;

	if (stanza_error_reply(&error, iq, NULL, condition, words) ||
	    xmpp_stream_send(gateway->stream, error))
		log_warn("text=registration not-answered");
}

/* From us, to who asked. */
static int hand_back(const struct asking *asking, const struct stanza *reply)
{
	AUTO(stanza_freep) struct stanza *back = NULL;
	int r = stanza_copy(&back, reply);

	if (r)
		return r;
	stanza_set(back, "from", stanza_attr(asking->iq, "to"));
	stanza_set(back, "to", stanza_attr(asking->iq, "from"));
	stanza_set(back, "id", stanza_attr(asking->iq, "id"));
	return stanza_ok(back) ? xmpp_stream_send(asking->gateway->stream, back)
			       : -ENOMEM;
}

static void on_answer(enum iq_answer answer, const struct stanza *reply,
		      void *arg)
{
	struct asking *asking = arg;

	if (answer == IQ_TIMEOUT || answer == IQ_NOT_SENT)
		refuse(asking->gateway, asking->iq, "remote-server-timeout",
		       "The component that carries your texts does not "
		       "answer.");
	else if (hand_back(asking, reply))
		log_warn("text=registration not-answered");
	free_asking(asking);
}

/* ---- asking ---- */

static void on_number(const struct number *number, void *arg)
{
	const char **component = arg;

	if (!**component)
		*component = number->texts;
}

static int hand_on(struct asking *asking, const struct stanza *said,
		   const char *component)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;
	struct gateway *gateway = asking->gateway;
	char proxy[JID_CAP];
	int r = text_component_proxy(proxy, gateway, stanza_attr(said, "from"));

	if (!r)
		r = stanza_copy(&iq, said);
	if (r)
		return r;
	stanza_set(iq, "from", proxy);
	stanza_set(iq, "to", component);
	stanza_set(iq, "id", NULL);
	return stanza_ok(iq) ? iq_send(gateway->iqs, iq, on_answer, asking)
			     : -ENOMEM;
}

static int keep_head(struct stanza **out, const struct stanza *iq)
{
	static const char *const attrs[] = { "from", "to", "id", "type" };
	int r = stanza_new(out, stanza_name(iq), stanza_ns(iq));

	for (size_t i = 0; !r && i < sizeof(attrs) / sizeof(attrs[0]); i++)
		stanza_set(*out, attrs[i], stanza_attr(iq, attrs[i]));
	return r ? r : stanza_ok(*out) ? 0 : -ENOMEM;
}

static int ask(struct gateway *gateway, const struct stanza *iq,
	       const char *component)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	if (!asking)
		return -ENOMEM;
	asking->gateway = gateway;
	LIST_INSERT_HEAD(&gateway->texts->askings, asking, link);
	int r = keep_head(&asking->iq, iq);
	if (!r)
		r = hand_on(asking, iq, component);
	if (r)
		free_asking(asking);
	return r;
}

bool text_component_register(struct gateway *gateway, const struct stanza *iq,
			     const char *account)
{
	const char *component = "";

	if (!stanza_is(stanza_first(iq), "query", NS_REGISTER) ||
	    registration_is_for(gateway, account) ||
	    texts_are_closed(gateway, account))
		return false;
	number_each(gateway, account, on_number, &component);
	if (!*component)
		return false;
	if (texts_are_too_fast(gateway, account, 1) ||
	    ask(gateway, iq, component))
		refuse(gateway, iq, "resource-constraint",
		       "Not now; try again in a minute.");
	else
		log_info("text=registration account=%s component=%s",
			 log_text(slice_of(account)).s, component);
	return true;
}
