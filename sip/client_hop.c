/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One request along the next hops of its trunk (RFC 3263, 4.3): on to the next
 * at 503, 408, a timeout, an error of the transport, or when nothing at all
 * comes for SIP_HOP_WAIT_MS; but not any more once somebody rings.
 *
 * An INVITE that is given up here may still arrive there. It stays a
 * transaction of its own, which sends CANCEL to a late provisional response,
 * and has a late 2xx acknowledged and ended, whether the dialog is there still
 * or not.
 */
#include "sip/client_int.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/msg.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/datagram.h"
#include "sip/dialog_int.h"
#include "sip/hops.h"
#include "sip/trunk.h"

/* ---- counted ---- */

static void count_start(struct sip_client *client)
{
	client->start_ms = clock_ms();
	if (client->stats)
		client->stats->calls++;
}

static void count_delay(struct sip_client *client)
{
	struct sip_trunk_stats *s = client->stats;
	uint64_t delay = clock_ms() - client->start_ms;

	s->pdd_count++;
	s->pdd_sum_ms += delay;
	if (delay > s->pdd_max_ms)
		s->pdd_max_ms = (uint32_t)delay;
}

static void count(struct sip_client *client, unsigned status, bool local)
{
	struct sip_trunk_stats *s = client->stats;

	if (!s || status == 100)
		return;
	/* Until it rings, is answered or refused. */
	if (!client->heard && !local)
		count_delay(client);
	if (status < 200)
		return;
	if (status < 300)
		s->answered++;
	else if (status < SIP_TRUNK_STATUS_END)
		s->failures[status - SIP_TRUNK_STATUS_FIRST]++;
	client->stats = NULL;
}

/* ---- what was left ---- */

/* RFC 3261, 9.1: no final response for so long after CANCEL means it is gone.
 */
static void on_left_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	sip_client_free(arg);
}

static void give_up_soon(struct sip_client *left)
{
	const struct timeval wait = { SIP_T1X64_MS / 1000, 0 };

	left->hop_timer = evtimer_new(left->agent->base, on_left_timer, left);
	if (left->hop_timer)
		evtimer_add(left->hop_timer, &wait);
}

static int on_late_response(struct sip_client *left, nta_outgoing_t *orq,
			    sip_t const *sip)
{
	unsigned status = (unsigned)nta_outgoing_status(orq);
	/* The transaction, and @sip with it, may go before we are done. */
	msg_t *response = nta_outgoing_getresponse(orq);

	left->provisional = true;
	if (status < 200 && !left->cancelled) {
		client_send_cancel(left);
		give_up_soon(left);
	}
	if (status >= 200 && status < 300 && sip)
		sip_dialog_late(left->agent, left, sip);
	if (status >= 200)
		sip_client_free(left);
	msg_destroy(response);
	return 0;
}

/* Without memory for it, it is forgotten: its 2xx is a stray one. */
static void leave_behind(struct sip_client *client, nta_outgoing_t *orq,
			 const struct sip_hop *hop)
{
	struct sip_client *left = calloc(1, sizeof(*left));

	if (!left || client->code != sip_method_invite) {
		free(left);
		nta_outgoing_destroy(orq);
		return;
	}
	left->agent = client->agent;
	left->hop = *hop;
	left->cseq = client->cseq;
	if (client->tls_name) /* for its ACK; without memory a connection is */
		left->tls_name = text_dup(slice_of(client->tls_name));
	left->cancel = true;
	left->orq = orq;
	nta_outgoing_bind(orq, on_late_response, left);
	client_list(left);
}

/* ---- on to the next ---- */

static void stop_timer(struct sip_client *client)
{
	if (client->hop_timer)
		evtimer_del(client->hop_timer);
}

/* Where there is a next hop, it has the request now. */
static bool move_on(struct sip_client *client)
{
	while (sip_walk_on(client->walk)) {
		struct sip_hop from = client->hop;

		client->hop = *sip_walk_hop(client->walk);
		client->provisional = false;
		client_auth_forget(client);
		log_info("event=sip_hop method=%s from=%s to=%s",
			 client->method, addr_text(&from.addr).s,
			 addr_text(&client->hop.addr).s);
		if (!client_transmit(client, true))
			return true;
		if (client->hops)
			sip_hops_failed(client->hops, &client->hop, clock_ms(),
					0);
	}
	return false;
}

/* A peer's own words of where it is are not always true; where it has spoken
 * from it was. */
static bool go_back(struct sip_client *client)
{
	if (!client->has_back || client->heard || client->cancel)
		return false;
	log_info("event=sip_hop method=%s from=%s back-to=%s", client->method,
		 addr_text(&client->hop.addr).s,
		 addr_text(&client->back.addr).s);
	nta_outgoing_destroy(client->orq);
	client->orq = NULL;
	client->hop = client->back;
	client->has_back = client->provisional = false;
	client->went_back = true;
	client_auth_forget(client);
	client->account = NULL;
	return !client_transmit(client, true);
}

static void on_hop_timer(int fd, short what, void *arg)
{
	struct sip_client *client = arg;
	struct sip_hop hop = client->hop;
	nta_outgoing_t *orq = client->orq;

	(void)fd;
	(void)what;
	if (client->final || client->provisional || client->cancel || !orq ||
	    sip_walk_is_last(client->walk))
		return;
	if (client->hops)
		sip_hops_failed(client->hops, &hop, clock_ms(), 0);
	if (move_on(client)) {
		leave_behind(client, orq, &hop);
		return;
	}
	/* No other takes it: this one may still answer. */
	client->orq = orq;
	client->hop = hop;
}

void client_hop_sent(struct sip_client *client)
{
	const struct timeval wait = { SIP_HOP_WAIT_MS / 1000,
				      SIP_HOP_WAIT_MS % 1000 * 1000 };

	if (!client->walk || sip_walk_is_last(client->walk)) {
		stop_timer(client);
		return;
	}
	if (!client->hop_timer)
		client->hop_timer =
			evtimer_new(client->agent->base, on_hop_timer, client);
	if (client->hop_timer)
		evtimer_add(client->hop_timer, &wait);
}

static unsigned retry_after_ms(const sip_t *sip)
{
	uint64_t s = sip && sip->sip_retry_after
			     ? sip->sip_retry_after->af_delta
			     : 0;

	return s > SIP_HOP_ASIDE_MAX_MS / 1000 ? SIP_HOP_ASIDE_MAX_MS
					       : (unsigned)s * 1000;
}

/* The request's fault, not the hop's: what is shorter arrives. */
static bool is_too_long(const struct sip_client *client)
{
	return client->sent && client->hop.transport == SIP_UDP &&
	       !sip_datagram_holds(msg_size(client->sent), &client->hop.addr);
}

bool client_hop_response(struct sip_client *client, unsigned status,
			 const struct sip_s *sip, bool local)
{
	bool failed =
		status == 503 || status == 408 || (local && status >= 300);

	stop_timer(client);
	client->too_long = local && status == 503 && is_too_long(client);
	if (client->hops && failed && !client->heard &&
	    !(local && is_too_long(client)))
		sip_hops_failed(client->hops, &client->hop, clock_ms(),
				local ? 0 : retry_after_ms(sip));
	else if (client->hops && !local)
		sip_hops_worked(client->hops, &client->hop);
	if (failed && client->walk && !client->heard && !client->cancel &&
	    !sip_walk_is_last(client->walk)) {
		nta_outgoing_destroy(client->orq);
		client->orq = NULL;
		if (move_on(client))
			return true;
	}
	if (local && status >= 300 && go_back(client))
		return true;
	count(client, status, local);
	if (status > 100)
		client->heard = true;
	return false;
}

int client_hop_unsent(struct sip_client *client, int error)
{
	if (!client->walk)
		return error;
	if (client->hops)
		sip_hops_failed(client->hops, &client->hop, clock_ms(), 0);
	return move_on(client) ? 0 : error;
}

/* ---- life ---- */

int client_hop_start(struct sip_client *client,
		     const struct sip_client_spec *spec)
{
	struct sip_walk_wish wish = { .now_ms = clock_ms(),
				      .first = spec->first,
				      .probe = spec->probe,
				      .one_family = spec->one_family };

	client->hop = spec->hop;
	client->has_back = spec->back != NULL;
	if (spec->back)
		client->back = *spec->back;
	client->stats = spec->stats;
	count_start(client);
	if (!spec->hops)
		return 0;
	client->walk = malloc(sizeof(*client->walk));
	if (!client->walk)
		return -ENOMEM;
	if (!sip_walk_start(client->walk, spec->hops, &wish))
		return -EHOSTUNREACH;
	client->hops = spec->hops;
	client->hop = *sip_walk_hop(client->walk);
	return 0;
}

void client_hop_fini(struct sip_client *client)
{
	if (client->hop_timer)
		event_free(client->hop_timer);
	free(client->walk);
}
