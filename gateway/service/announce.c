/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/service/announce.h"

#include <bsd/sys/queue.h>
#include <event2/event.h>
#include <stdlib.h>

#include "db/account.h"
#include "db/contact.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "gateway/service/presence.h"
#include "xmpp/jid.h"
#include "xmpp/xmpp_stream.h"

struct owner {
	STAILQ_ENTRY(owner) link;
	char jid[]; /* bare */
};

struct announcer {
	struct event *timer;
	bool leaving;
	STAILQ_HEAD(, owner) owners; /* that are to be told of the domain */
	/* The contact that was told last; "" at the beginning. */
	char account[JID_CAP], local[JID_PART_MAX + 1];
	char asked[JID_CAP]; /* the account that was probed last */
};

/* ---- the domain, to each owner once ---- */

struct round {
	struct announcer *announcer;
	struct recent *known;
};

static void add_owner(struct round *round, const char *owner)
{
	char bare[JID_CAP];

	if (jid_bare(bare, sizeof(bare), owner) ||
	    recent_has(round->known, bare, 0))
		return;
	size_t n = strlen(bare) + 1;
	struct owner *one = calloc(1, sizeof(*one) + n);
	if (!one) {
		log_warn("xmpp=presence not-announced: no memory");
		return;
	}
	memcpy(one->jid, bare, n);
	recent_add(round->known, bare, 0);
	STAILQ_INSERT_TAIL(&round->announcer->owners, one, link);
}

static void on_number(const struct account_number *number, void *arg)
{
	for (size_t i = 0; i < number->nowners; i++)
		add_owner(arg, number->owners[i]);
}

static void drop_owner(struct announcer *announcer)
{
	struct owner *first = STAILQ_FIRST(&announcer->owners);

	STAILQ_REMOVE_HEAD(&announcer->owners, link);
	free(first);
}

static void list_owners(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct announcer *announcer = gateway->announcer;
	struct round round = { .announcer = announcer };

	while (!STAILQ_EMPTY(&announcer->owners))
		drop_owner(announcer);
	if (recent_new(&round.known, SIZE_MAX, 1)) {
		log_warn("xmpp=presence not-announced: no memory");
		return;
	}
	for (size_t i = 0; i < config->nnumbers; i++)
		for (size_t j = 0; j < config->numbers[i].nowners; j++)
			add_owner(&round, config->numbers[i].owners[j]);
	account_each_number(gateway->accounts, NULL, on_number, &round);
	recent_free(round.known);
}

/* ---- one at a time: the owners, then who is subscribed to numbers ---- */

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

	if (gateway->announcer->leaving || !strcmp(asked, contact->account) ||
	    !is_owners(gateway, contact))
		return 0;
	int r = presence_probe(gateway, contact->local, contact->account);
	return r ? r : text_set(asked, JID_CAP, contact->account);
}

static int tell(struct gateway *gateway, const char *local, const char *to)
{
	return gateway->announcer->leaving ? presence_hide(gateway, local, to)
					   : presence_show(gateway, local, to);
}

/* 0: on to the next, if there is one. */
static int tell_owner(struct gateway *gateway)
{
	struct announcer *announcer = gateway->announcer;
	int r = tell(gateway, "", STAILQ_FIRST(&announcer->owners)->jid);

	if (r == XMPP_E_DOWN || r == XMPP_E_FULL)
		return r;
	drop_owner(announcer);
	return 0;
}

static int tell_contact(struct gateway *gateway, const struct contact *contact)
{
	struct announcer *announcer = gateway->announcer;
	int r = ask_devices(gateway, contact);

	if (!r && is_told(gateway, contact))
		r = tell(gateway, contact->local, contact->account);

	if (r == XMPP_E_DOWN || r == XMPP_E_FULL)
		return r;
	if (text_set(announcer->account, sizeof(announcer->account),
		     contact->account) ||
	    text_set(announcer->local, sizeof(announcer->local),
		     contact->local))
		return XMPP_E_DOWN; /* none that we have put is so long */
	return 0;
}

static const struct contact *next_contact(const struct gateway *gateway)
{
	return contact_after(gateway->contacts, gateway->announcer->account,
			     gateway->announcer->local);
}

bool announce_is_over(const struct gateway *gateway)
{
	return !evtimer_pending(gateway->announcer->timer, NULL);
}

static void pause_a_while(struct announcer *announcer)
{
	static const struct timeval pause = {
		.tv_usec = (suseconds_t)ANNOUNCE_PAUSE_MS * 1000
	};

	evtimer_add(announcer->timer, &pause);
}

/* When it leaves nobody waits behind it: all that the stream takes. */
static void tell_part(struct gateway *gateway)
{
	struct announcer *announcer = gateway->announcer;
	const struct contact *contact;
	int r = 0;

	for (int i = 0; !r && (announcer->leaving || i < ANNOUNCE_PART); i++) {
		if (!STAILQ_EMPTY(&announcer->owners))
			r = tell_owner(gateway);
		else if ((contact = next_contact(gateway)))
			r = tell_contact(gateway, contact);
		else
			return;
	}
	/* all begins anew when the stream is up */
	if (r != XMPP_E_DOWN)
		pause_a_while(announcer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell_part(arg);
}

static void begin(struct gateway *gateway, bool leaving)
{
	struct announcer *announcer = gateway->announcer;

	evtimer_del(announcer->timer);
	announcer->leaving = leaving;
	announcer->account[0] = announcer->local[0] = '\0';
	announcer->asked[0] = '\0';
	list_owners(gateway);
	tell_part(gateway);
}

void announce_stream_up(struct gateway *gateway)
{
	begin(gateway, gateway->announcer->leaving);
}

void announce_leave(struct gateway *gateway)
{
	begin(gateway, true);
}

int announce_new(struct gateway *gateway)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));

	gateway->announcer = announcer;
	if (!announcer)
		return -ENOMEM;
	STAILQ_INIT(&announcer->owners);
	announcer->timer = evtimer_new(gateway->base, on_timer, gateway);
	return announcer->timer ? 0 : -ENOMEM;
}

void announce_free(struct gateway *gateway)
{
	struct announcer *announcer = gateway->announcer;

	if (!announcer)
		return;
	while (!STAILQ_EMPTY(&announcer->owners))
		drop_owner(announcer);
	if (announcer->timer)
		event_free(announcer->timer);
	free(announcer);
	gateway->announcer = NULL;
}
