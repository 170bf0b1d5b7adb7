/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whether the trunk is there: OPTIONS now and again, to one hop after the other
 * until one answers. Any answer will do but 408 and 503; two failures make it
 * down, two answers make it up again. The first answer of all counts at once.
 */
#include "sip/trunk_life.h"

#include <event2/event.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"

/* Nothing belongs there: these are no dialogs. */
static int on_request(struct sip_dialog *none, nta_leg_t *leg,
		      nta_incoming_t *irq, sip_t const *sip)
{
	(void)none;
	(void)leg;
	if (sip->sip_request->rq_method != sip_method_ack)
		return 481;
	nta_incoming_destroy(irq);
	return 0;
}

struct nta_leg_s *trunk_leg(struct sip_trunk *t, const char *from,
			    const char *to)
{
	char call_id[RAND_UUID_CAP];

	rand_uuid(call_id);
	return nta_leg_tcreate(
		t->agent->nta, on_request, NULL, SIPTAG_CALL_ID_STR(call_id),
		SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to), TAG_END());
}

static void on_qualify_timer(int fd, short what, void *arg);

static void count(struct sip_trunk *t, bool alive)
{
	struct trunk_qualify *q = &t->health;

	q->good = alive ? q->good + 1 : 0;
	q->bad = alive ? 0 : q->bad + 1;
	if (alive &&
	    (q->state == TRUNK_UNDECIDED || q->good >= TRUNK_SUCCESSES_UP))
		q->state = TRUNK_ALIVE;
	else if (q->bad >= TRUNK_FAILURES_DOWN)
		q->state = TRUNK_DEAD;
}

/* Not settled yet: ask again soon. */
static bool is_unsure(const struct trunk_qualify *q)
{
	return q->state == TRUNK_UNDECIDED ||
	       (q->state == TRUNK_ALIVE && q->bad) ||
	       (q->state == TRUNK_DEAD && q->good);
}

static void decide(struct sip_trunk *t, bool alive, const char *why)
{
	struct trunk_qualify *q = &t->health;

	count(t, alive);
	if (!alive) {
		t->stats.qualify_failures++;
		trunk_note_error(t, why);
	}
	trunk_timer_set(t, &q->timer, on_qualify_timer,
			is_unsure(q) ? TRUNK_QUALIFY_SOON_MS
				     : t->qualify_s * 1000);
	trunk_judge(t, why);
}

static void on_response(struct sip_client *client, unsigned status,
			const struct sip_s *response, bool local, void *arg)
{
	struct sip_trunk *t = arg;
	char why[SIP_TRUNK_WHY_CAP] = "no answer";

	(void)response;
	if (status < 200)
		return;
	t->health.client = sip_client_free(client);
	if (!local && text_format(why, sizeof(why), "%u", status))
		why[0] = '\0';
	decide(t, !local && status != 408 && status != 503, why);
}

int trunk_send_options(struct sip_trunk *t, struct nta_leg_s **leg,
		       struct sip_client **client, sip_client_fn fn, void *arg)
{
	char from[SIP_NAME_ADDR_CAP], uri[SIP_URI_TEXT_CAP];
	char to[SIP_URI_TEXT_CAP + 2];
	struct sip_client_spec spec = {
		.method = "OPTIONS",
		.uri = uri,
		.probe = true,
		.fn = fn,
		.arg = arg,
	};
	int r = text_format(uri, sizeof(uri), "sip:%s", t->hostport);

	sip_trunk_route(t, &spec);
	if (!r)
		r = text_format(to, sizeof(to), "<%s>", uri);
	if (!r)
		r = sip_name_addr_format(from, NULL, t->username, t->domain);
	if (!r && !*leg)
		*leg = trunk_leg(t, from, to);
	if (r || !*leg)
		return -ENOMEM;
	spec.leg = *leg;
	spec.message = sip_client_message(t->agent);
	if (spec.message &&
	    sip_add_tl(spec.message, sip_object(spec.message),
		       SIPTAG_ACCEPT_STR(SIP_SDP_TYPE), TAG_END()) < 0) {
		msg_destroy(spec.message);
		spec.message = NULL;
	}
	return sip_client_start(client, t->agent, &spec);
}

static void on_qualify_timer(int fd, short what, void *arg)
{
	struct sip_trunk *t = arg;

	(void)fd;
	(void)what;
	if (t->health.client) {
		t->health.client = sip_client_free(t->health.client);
		decide(t, false, "no answer");
	} else if (trunk_send_options(t, &t->health.leg, &t->health.client,
				      on_response, t)) {
		decide(t, false, "cannot send");
	} else {
		trunk_timer_set(t, &t->health.timer, on_qualify_timer,
				TRUNK_QUALIFY_WAIT_MS +
					(unsigned)(t->hops.n - 1) *
						SIP_HOP_WAIT_MS);
	}
}

void trunk_qualify_start(struct sip_trunk *t)
{
	/* From the loop, so that no handler runs inside sip_trunk_new(). */
	trunk_timer_set(t, &t->health.timer, on_qualify_timer, 0);
}

void trunk_qualify_stop(struct sip_trunk *t)
{
	struct trunk_qualify *q = &t->health;

	q->client = sip_client_free(q->client);
	if (q->timer)
		event_free(q->timer);
	if (q->leg) {
		sip_clients_orphan(t->agent, q->leg);
		nta_leg_destroy(q->leg);
	}
	q->timer = NULL;
	q->leg = NULL;
}
