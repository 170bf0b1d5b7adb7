/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * REGISTER (RFC 3261, 10.2): one Contact, refreshed at half its time, again
 * with growing pauses after failures, 423 obeyed.
 */
#include "sip/trunk_life.h"

#include <event2/event.h>
#include <stdlib.h>

#define NTA_LEG_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"

static void on_register_timer(int fd, short what, void *arg);

/* ---- outcomes ---- */

/* Doubling, with a fifth of chance, so that gateways do not come together. */
static unsigned backoff_ms(unsigned failures)
{
	uint64_t ms = TRUNK_BACKOFF_MIN_MS;

	for (unsigned i = 1; i < failures && ms < TRUNK_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > TRUNK_BACKOFF_MAX_MS)
		ms = TRUNK_BACKOFF_MAX_MS;
	return (unsigned)(ms - ms / 10 + rand_u32() % (ms / 5));
}

static void failed(struct sip_trunk *t, unsigned retry_after_s, const char *why)
{
	struct trunk_register *reg = &t->reg;
	unsigned wait_ms;

	reg->failures++;
	wait_ms = backoff_ms(reg->failures);
	if (retry_after_s * 1000 > wait_ms)
		wait_ms = retry_after_s * 1000;
	if (wait_ms > TRUNK_BACKOFF_MAX_MS)
		wait_ms = TRUNK_BACKOFF_MAX_MS;
	log_warn("trunk=%s what=\"not registered\" why=%s again_ms=%u", t->name,
		 log_text(slice_of(why)).s, wait_ms);
	trunk_timer_set(t, &reg->timer, on_register_timer, wait_ms);
	reg->state = TRUNK_DEAD;
	t->stats.registration_failures++;
	trunk_note_error(t, why);
	trunk_judge(t, why);
}

static bool same_contact(const struct sip_uri *a, const struct sip_uri *b)
{
	uint16_t a_port = a->port ? a->port : sip_transport_port(a->transport);
	uint16_t b_port = b->port ? b->port : sip_transport_port(b->transport);

	return !strcmp(a->user, b->user) && !strcasecmp(a->host, b->host) &&
	       a_port == b_port && a->transport == b->transport;
}

static bool read_contact(const sip_contact_t *m, struct sip_uri *out)
{
	char *text = url_as_string(NULL, m->m_url);
	bool ok = text && !sip_uri_parse(out, slice_of(text));

	su_free(NULL, text);
	return ok;
}

/*
 * Ours among all that are bound to the number (RFC 3261, 10.2.4). A registrar
 * that is in front of our NAT may say it differently: then the only one is it.
 */
static const sip_contact_t *find_contact(const struct sip_trunk *t,
					 const sip_contact_t *m,
					 const struct sip_hop *hop)
{
	char text[SIP_CONTACT_CAP];
	struct sip_uri ours, theirs;
	const sip_contact_t *only = m && !m->m_next ? m : NULL;

	if (sip_agent_contact(t->agent, hop, t->contact_user, text) ||
	    sip_uri_parse(&ours, slice_of(text)))
		return only;
	for (; m; m = m->m_next)
		if (read_contact(m, &theirs) && same_contact(&ours, &theirs))
			return m;
	return only;
}

static unsigned granted_s(const struct sip_trunk *t, const sip_t *sip,
			  const struct sip_hop *hop)
{
	const sip_contact_t *m = find_contact(t, sip->sip_contact, hop);
	uint64_t s = sip->sip_expires ? sip->sip_expires->ex_delta
				      : t->reg.expires_s;
	uint64_t value;

	if (m && m->m_expires &&
	    !text_number(slice_of(m->m_expires), UINT32_MAX, &value))
		s = value;
	return s > TRUNK_EXPIRES_MAX_S ? TRUNK_EXPIRES_MAX_S : (unsigned)s;
}

static void registered(struct sip_trunk *t, const sip_t *sip,
		       const struct sip_hop *hop)
{
	struct trunk_register *reg = &t->reg;
	unsigned granted = granted_s(t, sip, hop);
	unsigned again_s = granted / 2;

	if (again_s < TRUNK_REFRESH_MIN_S)
		again_s = TRUNK_REFRESH_MIN_S;
	reg->failures = 0;
	reg->state = TRUNK_ALIVE;
	reg->hop = *hop;
	reg->until_ms = clock_ms() + granted * UINT64_C(1000);
	t->stats.registrations++;
	trunk_timer_set(t, &reg->timer, on_register_timer, again_s * 1000);
	trunk_judge(t, "registered");
}

/* It says no, and would again: what stood before does not any more. */
static bool is_refusal(unsigned status, bool local)
{
	return !local && status != 408 && status != 423 && status < 500;
}

/* RFC 3261, 10.3: 7; asked for twice it is no answer. */
static bool obey_interval(struct sip_trunk *t, const sip_t *sip)
{
	const sip_min_expires_t *min = sip->sip_min_expires;

	if (sip->sip_status->st_status != 423 || !min ||
	    min->me_delta <= t->reg.expires_s ||
	    min->me_delta > TRUNK_EXPIRES_MAX_S)
		return false;
	t->reg.expires_s = (unsigned)min->me_delta;
	trunk_timer_set(t, &t->reg.timer, on_register_timer, 0);
	return true;
}

static void on_response(struct sip_client *client, unsigned status,
			const struct sip_s *response, bool local, void *arg)
{
	struct sip_trunk *t = arg;
	char why[SIP_TRUNK_WHY_CAP] = "no answer";
	struct sip_hop hop = *sip_client_hop(client);
	unsigned retry_s = 0;

	if (status < 200)
		return;
	t->reg.client = sip_client_free(client);
	if (status < 300) {
		registered(t, response, &hop);
		return;
	}
	if (obey_interval(t, response))
		return;
	if (response->sip_retry_after)
		retry_s = (unsigned)response->sip_retry_after->af_delta;
	if (retry_s > TRUNK_BACKOFF_MAX_MS / 1000)
		retry_s = TRUNK_BACKOFF_MAX_MS / 1000;
	if (!local && text_format(why, sizeof(why), "%u", status))
		why[0] = '\0';
	if (is_refusal(status, local))
		t->reg.until_ms = 0;
	failed(t, retry_s, why);
}

/* ---- the request ---- */

static int prepare_leg(struct sip_trunk *t)
{
	char aor[SIP_NAME_ADDR_CAP];
	int r = sip_name_addr_format(aor, NULL, t->username, t->domain);

	if (!r && !t->reg.leg)
		t->reg.leg = trunk_leg(t, aor, aor);
	return r ? r : t->reg.leg ? 0 : -ENOMEM;
}

/* @fn NULL: nobody waits for the answer, and the trunk may be gone by then. */
static int send_register(struct sip_trunk *t, unsigned expires_s,
			 sip_client_fn fn, struct sip_client **out)
{
	char uri[SIP_URI_TEXT_CAP], expires[16];
	struct sip_client_spec spec = {
		.method = "REGISTER",
		.uri = uri,
		.contact_user = t->contact_user,
		.keeps_account = !fn,
		.keeps_flow = expires_s > 0,
		.fn = fn,
		.arg = t,
	};
	int r = prepare_leg(t);

	sip_trunk_route(t, &spec);
	if (!r)
		r = text_format(uri, sizeof(uri), "sip:%s", t->domain);
	if (!r)
		r = text_format(expires, sizeof(expires), "%u", expires_s);
	if (r)
		return r;
	spec.leg = t->reg.leg;
	spec.message = sip_client_message(t->agent);
	if (spec.message &&
	    sip_add_tl(spec.message, sip_object(spec.message),
		       SIPTAG_EXPIRES_STR(expires), SIPTAG_ALLOW_STR(SIP_ALLOW),
		       TAG_END()) < 0) {
		msg_destroy(spec.message);
		spec.message = NULL;
	}
	return sip_client_start(out, t->agent, &spec);
}

static void on_register_timer(int fd, short what, void *arg)
{
	struct sip_trunk *t = arg;

	(void)fd;
	(void)what;
	if (t->reg.client)
		return;
	if (!t->reg.expires_s)
		t->reg.expires_s = t->expires_s;
	if (send_register(t, t->reg.expires_s, on_response, &t->reg.client))
		failed(t, 0, "cannot send");
}

void trunk_register_start(struct sip_trunk *t)
{
	if (t->do_register && !t->reg.left)
		trunk_timer_set(t, &t->reg.timer, on_register_timer, 0);
}

/* A request that is under way may have said the old one. */
void sip_trunk_moved(struct sip_trunk *t)
{
	if (!t->do_register || !t->reg.timer || t->reg.left)
		return;
	t->reg.client = sip_client_free(t->reg.client);
	trunk_timer_set(t, &t->reg.timer, on_register_timer, 0);
}

void sip_trunk_leave(struct sip_trunk *t)
{
	struct trunk_register *reg = &t->reg;
	struct sip_client *goodbye;

	reg->left = true;
	if (reg->timer)
		evtimer_del(reg->timer);
	reg->client = sip_client_free(reg->client);
	if (reg->until_ms && send_register(t, 0, NULL, &goodbye))
		log_info("trunk=%s what=\"registration left to expire\"",
			 t->name);
	reg->until_ms = 0;
}

void trunk_register_stop(struct sip_trunk *t)
{
	struct trunk_register *reg = &t->reg;

	sip_trunk_leave(t);
	if (reg->timer)
		event_free(reg->timer);
	if (reg->leg) {
		sip_clients_orphan(t->agent, reg->leg);
		nta_leg_destroy(reg->leg);
	}
	reg->timer = NULL;
	reg->leg = NULL;
}
