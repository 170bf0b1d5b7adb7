/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Session timers (RFC 4028), as the one who answers and as refresher. */
#include "sip/dialog_int.h"

#include <string.h>

#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"

enum {
	EXPIRES_MAX_S = 24 * 3600,
	MARGIN_MAX_S = 32, /* RFC 4028, 10 */
	MARGIN_PART = 3,
	RETRY_MS = 5000,
	RESUMED_MIN_MS = 1000,
	RESUMED_SPREAD_MS = 4000,
};

static bool has_timer(const sip_t *sip)
{
	return sip_has_feature(sip->sip_supported, "timer") ||
	       sip_has_feature(sip->sip_require, "timer");
}

static unsigned bounded(unsigned long expires_s)
{
	return expires_s > EXPIRES_MAX_S ? EXPIRES_MAX_S : (unsigned)expires_s;
}

unsigned dialog_session_request(struct sip_dialog *d, const struct sip_s *sip)
{
	const sip_session_expires_t *x = sip->sip_session_expires;
	bool supported = has_timer(sip);

	/* Only who knows Min-SE can do better. */
	if (x && supported && x->x_delta < SIP_MIN_SE_S)
		return 422;
	d->peer_has_timer = supported;
	d->session_expires_s = x ? bounded(x->x_delta) : 0;
	if (!x)
		return 0;
	if (d->session_expires_s < SIP_MIN_SE_S)
		d->session_expires_s = SIP_MIN_SE_S;
	d->we_refresh = !supported ||
			(x->x_refresher && !strcasecmp(x->x_refresher, "uas"));
	return 0;
}

void dialog_refuse_interval(struct nta_incoming_s *irq)
{
	char min_se[16];

	if (text_format(min_se, sizeof(min_se), "%d", SIP_MIN_SE_S))
		min_se[0] = '\0';
	nta_incoming_treply(irq, SIP_422_SESSION_TIMER_TOO_SMALL,
			    SIPTAG_MIN_SE_STR(min_se), TAG_END());
	nta_incoming_destroy(irq);
}

void dialog_session_response(struct sip_dialog *d, const struct sip_s *sip)
{
	const sip_session_expires_t *x = sip->sip_session_expires;

	d->session_expires_s = x ? bounded(x->x_delta) : 0;
	if (!x)
		return;
	if (d->session_expires_s < SIP_MIN_SE_S)
		d->session_expires_s = SIP_MIN_SE_S;
	d->peer_has_timer = has_timer(sip);
	d->we_refresh = !x->x_refresher || strcasecmp(x->x_refresher, "uas");
}

void dialog_session_format(const struct sip_dialog *d, bool response,
			   char out[static DIALOG_SESSION_CAP])
{
	const char *refresher = response == d->we_refresh ? "uas" : "uac";

	out[0] = '\0';
	if (d->session_expires_s &&
	    text_format(out, DIALOG_SESSION_CAP, "%u;refresher=%s",
			d->session_expires_s, refresher))
		out[0] = '\0';
}

/* How long before the end the side that waits gives up (RFC 4028, 10). */
static unsigned margin_ms(const struct sip_dialog *d)
{
	unsigned part = d->session_expires_s / MARGIN_PART;

	return (part < MARGIN_MAX_S ? part : MARGIN_MAX_S) * 1000;
}

static void expire(struct sip_dialog *d)
{
	dialog_fail(d, 0, "Session timer expired", true);
}

static void on_session_timer(int fd, short what, void *arg)
{
	struct sip_dialog *d = arg;

	(void)fd;
	(void)what;
	if (d->state != DIALOG_UP || !d->session_expires_s)
		return;
	if (d->we_refresh && clock_ms() + margin_ms(d) < d->session_end_ms)
		dialog_reoffer_refresh(d);
	else
		expire(d);
}

int64_t dialog_session_left_ms(const struct sip_dialog *d)
{
	uint64_t now_ms = clock_ms();

	return d->session_end_ms > now_ms
		       ? (int64_t)(d->session_end_ms - now_ms)
		       : 0;
}

/* Many are restored at once: their refreshes are spread. */
void dialog_session_resume(struct sip_dialog *d, int64_t left_ms)
{
	int64_t ms = (int64_t)d->session_expires_s * 1000;
	int64_t soon_ms = RESUMED_MIN_MS + rand_u32() % RESUMED_SPREAD_MS;

	if (!ms)
		return;
	if (left_ms > ms)
		left_ms = ms;
	if (left_ms < 0)
		left_ms = 0;
	d->session_end_ms = clock_ms() + (uint64_t)left_ms;
	int64_t due_ms = left_ms - (d->we_refresh ? ms / 2 : margin_ms(d));
	dialog_timer_set(d, &d->session_timer, on_session_timer,
			 (unsigned)(due_ms > soon_ms ? due_ms : soon_ms));
}

void dialog_session_arm(struct sip_dialog *d)
{
	unsigned ms = d->session_expires_s * 1000;

	dialog_timer_clear(d->session_timer);
	if (!ms)
		return;
	d->session_end_ms = clock_ms() + ms;
	dialog_timer_set(d, &d->session_timer, on_session_timer,
			 d->we_refresh ? ms / 2 : ms - margin_ms(d));
}

void dialog_session_failed(struct sip_dialog *d, unsigned status,
			   const struct sip_s *sip)
{
	if (status == 481 || status == 408) {
		dialog_fail(d, status, "Session refresh failed", status == 408);
		return;
	}
	/* A peer that has no UPDATE after all. */
	if (status == 405 || status == 501)
		d->peer_has_update = false;
	if (status == 422 && sip && sip->sip_min_se &&
	    sip->sip_min_se->min_delta > d->session_expires_s)
		d->session_expires_s = bounded(sip->sip_min_se->min_delta);
	if (status != 491)
		log_info("dialog=%s what=\"session refresh refused\" status=%u",
			 d->call_id, status);
	dialog_timer_set(d, &d->session_timer, on_session_timer, RETRY_MS);
}
