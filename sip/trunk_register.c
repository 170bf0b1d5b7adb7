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
	trunk_judge(t, why);
}

/* What the registrar granted: on our Contact, or in Expires. */
static unsigned granted_s(const struct sip_trunk *t, const sip_t *sip)
{
	uint64_t s = sip->sip_expires ? sip->sip_expires->ex_delta
				      : t->reg.expires_s;
	const sip_contact_t *m;

	for (m = sip->sip_contact; m; m = m->m_next) {
		char *url = url_as_string(NULL, m->m_url);
		uint64_t value;

		/* "<sip:user@host…>" is ours without its brackets. */
		if (url &&
		    !strncasecmp(url, t->reg.contact + 1,
				 strlen(t->reg.contact) - 2) &&
		    m->m_expires &&
		    !text_number(slice_of(m->m_expires), UINT32_MAX, &value))
			s = value;
		su_free(NULL, url);
	}
	if (s < TRUNK_EXPIRES_MIN_S)
		s = TRUNK_EXPIRES_MIN_S;
	return s > TRUNK_EXPIRES_MAX_S ? TRUNK_EXPIRES_MAX_S : (unsigned)s;
}

static void registered(struct sip_trunk *t, const sip_t *sip)
{
	struct trunk_register *reg = &t->reg;

	reg->failures = 0;
	reg->state = TRUNK_ALIVE;
	trunk_timer_set(t, &reg->timer, on_register_timer,
			granted_s(t, sip) * 1000 / 2);
	trunk_judge(t, "registered");
}

static void on_response(struct sip_client *client, unsigned status,
			const struct sip_s *response, bool local, void *arg)
{
	struct sip_trunk *t = arg;
	char why[TRUNK_WHY_CAP] = "no answer";
	unsigned retry_s = 0;

	if (status < 200)
		return;
	t->reg.client = sip_client_free(client);
	if (status < 300) {
		registered(t, response);
		return;
	}
	/* RFC 3261, 10.3: 7; asked for twice it is no answer. */
	if (status == 423 && response->sip_min_expires &&
	    response->sip_min_expires->me_delta > t->reg.expires_s &&
	    response->sip_min_expires->me_delta <= TRUNK_EXPIRES_MAX_S) {
		t->reg.expires_s =
			(unsigned)response->sip_min_expires->me_delta;
		trunk_timer_set(t, &t->reg.timer, on_register_timer, 0);
		return;
	}
	if (response->sip_retry_after)
		retry_s = (unsigned)response->sip_retry_after->af_delta;
	if (retry_s > TRUNK_BACKOFF_MAX_MS / 1000)
		retry_s = TRUNK_BACKOFF_MAX_MS / 1000;
	if (!local && text_format(why, sizeof(why), "%u", status))
		why[0] = '\0';
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

/* @fn NULL: nobody waits for the answer. */
static int send_register(struct sip_trunk *t, unsigned expires_s,
			 sip_client_fn fn, struct sip_client **out)
{
	char contact[SIP_CONTACT_CAP], uri[SIP_URI_TEXT_CAP], expires[16];
	struct sip_client_spec spec = {
		.method = "REGISTER",
		.uri = uri,
		.hop = t->hops[0],
		.account = sip_trunk_account(t),
		.fn = fn,
		.arg = t,
	};
	int r = prepare_leg(t);

	if (!r)
		r = text_format(uri, sizeof(uri), "sip:%s", t->domain);
	if (!r)
		r = sip_agent_contact(t->agent, &spec.hop, t->username,
				      contact);
	if (!r)
		r = text_format(t->reg.contact, sizeof(t->reg.contact), "<%s>",
				contact);
	if (!r)
		r = text_format(expires, sizeof(expires), "%u", expires_s);
	if (r)
		return r;
	spec.leg = t->reg.leg;
	spec.message = sip_client_message(t->agent);
	if (spec.message &&
	    sip_add_tl(spec.message, sip_object(spec.message),
		       SIPTAG_CONTACT_STR(t->reg.contact),
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
	if (t->do_register)
		trunk_timer_set(t, &t->reg.timer, on_register_timer, 0);
}

/* A request that is under way may have said the old one. */
void sip_trunk_moved(struct sip_trunk *t)
{
	if (!t->do_register || !t->reg.timer)
		return;
	t->reg.client = sip_client_free(t->reg.client);
	trunk_timer_set(t, &t->reg.timer, on_register_timer, 0);
}

void trunk_register_stop(struct sip_trunk *t)
{
	struct trunk_register *reg = &t->reg;
	struct sip_client *goodbye;

	reg->client = sip_client_free(reg->client);
	/* Without credentials of its own: the trunk is gone by the answer. */
	if (reg->state == TRUNK_ALIVE && t->nhops &&
	    send_register(t, 0, NULL, &goodbye))
		log_info("trunk=%s what=\"registration left to expire\"",
			 t->name);
	if (reg->timer)
		event_free(reg->timer);
	if (reg->leg) {
		sip_clients_orphan(t->agent, reg->leg);
		nta_leg_destroy(reg->leg);
	}
	reg->timer = NULL;
	reg->leg = NULL;
}
