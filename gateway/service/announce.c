/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/announce.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "db/account.h"
#include "db/contact.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/service/presence.h"
#include "gateway/base/recent.h"
#include "xmpp/jid.h"
#include "xmpp/xmpp_stream.h"

struct announcer {
	struct event *timer;
	/* The contact that was told last; "" at the beginning. */
	char account[JID_CAP], local[JID_PART_MAX + 1];
	char asked[JID_CAP]; /* the account that was probed last */
};

/* ---- the domain, to each owner once ---- */

typedef void (*owner_fn)(struct gateway *gateway, const char *owner);

struct round {
	struct gateway *gateway;
	struct recent *told;
	owner_fn tell;
};

static void tell_once(struct round *round, const char *owner)
{
	char bare[JID_CAP];

	if (jid_bare(bare, sizeof(bare), owner) ||
	    recent_has(round->told, bare, 0))
		return;
	recent_add(round->told, bare, 0);
	round->tell(round->gateway, bare);
}

static void on_number(const struct account_number *number, void *arg)
{
	for (size_t i = 0; i < number->nowners; i++)
		tell_once(arg, number->owners[i]);
}

static void each_owner(struct gateway *gateway, owner_fn tell)
{
	const struct config *config = gateway->config;
	struct round round = { .gateway = gateway, .tell = tell };

	if (recent_new(&round.told, SIZE_MAX, 1)) {
		log_warn("xmpp=presence not-announced: no memory");
		return;
	}
	for (size_t i = 0; i < config->nnumbers; i++)
		for (size_t j = 0; j < config->numbers[i].nowners; j++)
			tell_once(&round, config->numbers[i].owners[j]);
	account_each_number(gateway->accounts, NULL, on_number, &round);
	recent_free(round.told);
}

static void show_domain(struct gateway *gateway, const char *owner)
{
	if (presence_show(gateway, "", owner))
		log_debug("xmpp=presence not-announced");
}

static void hide_domain(struct gateway *gateway, const char *owner)
{
	presence_hide(gateway, "", owner);
}

/* ---- numbers, to those who are subscribed to them ---- */

static bool is_owners(const struct gateway *gateway,
		      const struct contact *contact)
{
	struct number number;

	return contact->subscribed &&
	       number_of(&number, gateway, contact->account, NULL);
}

/* The domain has been told to all owners already. */
static bool is_told(const struct gateway *gateway,
		    const struct contact *contact)
{
	return *contact->local && is_owners(gateway, contact);
}

/*
 * Whom an account is subscribed to has asked back, so its server answers: with
 * its devices, which may have come and gone while nobody told us. One contact
 * of each account will do, the domain if it is one.
 */
static int ask_devices(struct gateway *gateway, const struct contact *contact)
{
	char *asked = gateway->announcer->asked;

	if (!strcmp(asked, contact->account) || !is_owners(gateway, contact))
		return 0;
	int r = presence_probe(gateway, contact->local, contact->account);
	return r ? r : text_set(asked, JID_CAP, contact->account);
}

static int tell(struct gateway *gateway, const struct contact *contact)
{
	int r = ask_devices(gateway, contact);

	return r || !is_told(gateway, contact)
		       ? r
		       : presence_show(gateway, contact->local,
				       contact->account);
}

static void pause_a_while(struct announcer *announcer)
{
	static const struct timeval pause = {
		.tv_usec = (suseconds_t)ANNOUNCE_PAUSE_MS * 1000
	};

	evtimer_add(announcer->timer, &pause);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gateway *gateway = arg;
	struct announcer *announcer = gateway->announcer;

	(void)fd;
	(void)what;
	for (int i = 0; i < ANNOUNCE_PART; i++) {
		const struct contact *contact =
			contact_after(gateway->contacts, announcer->account,
				      announcer->local);

		if (!contact)
			return;
		int r = tell(gateway, contact);
		if (r == XMPP_E_DOWN) /* all begins anew when it is up */
			return;
		if (r == XMPP_E_FULL)
			break;
		if (text_set(announcer->account, sizeof(announcer->account),
			     contact->account) ||
		    text_set(announcer->local, sizeof(announcer->local),
			     contact->local))
			return; /* none that we have put is so long */
	}
	pause_a_while(announcer);
}

void announce_stream_up(struct gateway *gateway)
{
	struct announcer *announcer = gateway->announcer;

	each_owner(gateway, show_domain);
	announcer->account[0] = announcer->local[0] = '\0';
	announcer->asked[0] = '\0';
	pause_a_while(announcer);
}

static void on_leaving(const struct contact *contact, void *arg)
{
	if (is_told(arg, contact))
		presence_hide(arg, contact->local, contact->account);
}

void announce_leave(struct gateway *gateway)
{
	evtimer_del(gateway->announcer->timer);
	each_owner(gateway, hide_domain);
	contact_each(gateway->contacts, on_leaving, gateway);
}

int announce_new(struct gateway *gateway)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));

	gateway->announcer = announcer;
	if (!announcer)
		return -ENOMEM;
	announcer->timer = evtimer_new(gateway->base, on_timer, gateway);
	return announcer->timer ? 0 : -ENOMEM;
}

void announce_free(struct gateway *gateway)
{
	struct announcer *announcer = gateway->announcer;

	if (announcer && announcer->timer)
		event_free(announcer->timer);
	free(announcer);
	gateway->announcer = NULL;
}
