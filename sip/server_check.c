/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/server.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/body.h"
#include "sip/odd.h"

enum { UNSUPPORTED_CAP = 512 };

void sip_server_end(const struct sip_incoming *in, unsigned status)
{
	nta_incoming_treply(in->irq, (int)status, NULL, TAG_END());
	nta_incoming_destroy(in->irq);
}

void sip_server_retry_after(char out[static SIP_RETRY_AFTER_CAP],
			    unsigned least_s, unsigned most_s)
{
	snprintf(out, SIP_RETRY_AFTER_CAP, "%u",
		 least_s + rand_u32() % (most_s - least_s + 1));
}

void sip_server_end_for_now(struct nta_incoming_s *irq, unsigned status,
			    unsigned least_s, unsigned most_s)
{
	char wait[SIP_RETRY_AFTER_CAP];

	sip_server_retry_after(wait, least_s, most_s);
	nta_incoming_treply(irq, (int)status, NULL,
			    SIPTAG_RETRY_AFTER_STR(wait), TAG_END());
	nta_incoming_destroy(irq);
}

bool sip_server_has_bad(const struct sip_s *sip, const char *name)
{
	const sip_header_t *h = (const sip_header_t *)sip->sip_error;

	for (; h; h = h->sh_next) {
		const char *bad = h->sh_class == sip_error_class
					  ? h->sh_error->er_name
					  : h->sh_class->hc_name;

		if (bad && !strcasecmp(bad, name))
			return true;
	}
	return false;
}

const char *sip_server_warning(unsigned status)
{
	return status == 488 || status == 606 ? "305 " SIP_PRODUCT
						" \"Incompatible media format\""
					      : NULL;
}

void sip_server_refuse_method(const struct sip_incoming *in)
{
	bool unknown = nta_incoming_method(in->irq) == sip_method_unknown;

	sip_odd(in->agent->odds, &in->source.addr,
		nta_incoming_method_name(in->irq), "", "", clock_ms());
	nta_incoming_treply(in->irq, unknown ? 501 : 405, NULL,
			    SIPTAG_ALLOW_STR(sip_policy_allow(&in->policy)),
			    TAG_END());
	nta_incoming_destroy(in->irq);
}

void sip_server_refuse_event(const struct sip_incoming *in)
{
	const sip_event_t *event = in->sip->sip_event;

	sip_odd(in->agent->odds, &in->source.addr,
		nta_incoming_method_name(in->irq), "event",
		event && event->o_type ? event->o_type : "", clock_ms());
	nta_incoming_treply(
		in->irq, SIP_489_BAD_EVENT,
		SIPTAG_ALLOW_EVENTS_STR(in->policy.refer ? "refer"
							 : "message-summary"),
		TAG_END());
	nta_incoming_destroy(in->irq);
}

void sip_server_options(const struct sip_incoming *in, unsigned status)
{
	nta_incoming_treply(
		in->irq, (int)status, NULL,
		SIPTAG_ALLOW_STR(sip_policy_allow(&in->policy)),
		SIPTAG_ACCEPT_STR(SIP_BODY_ACCEPT),
		SIPTAG_ACCEPT_ENCODING_STR("identity"),
		SIPTAG_ACCEPT_LANGUAGE_STR("en"),
		SIPTAG_SUPPORTED_STR(sip_policy_supported(&in->policy)),
		TAG_END());
	nta_incoming_destroy(in->irq);
}

/* The extensions of Require that we do not have, as a list; "" none. */
static void find_unsupported(const struct sip_incoming *in,
			     char out[static UNSUPPORTED_CAP])
{
	const sip_require_t *rq = in->sip->sip_require;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; rq && rq->k_items && rq->k_items[i]; i++) {
		const char *tag = rq->k_items[i];

		if (sip_policy_has(&in->policy, tag))
			continue;
		sip_odd(in->agent->odds, &in->source.addr,
			nta_incoming_method_name(in->irq), "require", tag,
			clock_ms());
		if (text_format(out + n, UNSUPPORTED_CAP - n, "%s%s",
				n ? ", " : "", tag)) {
			out[n] = '\0';
			return;
		}
		n += strlen(out + n);
	}
}

static bool refuse_require(const struct sip_incoming *in)
{
	char unsupported[UNSUPPORTED_CAP];

	find_unsupported(in, unsupported);
	if (!*unsupported)
		return false;
	nta_incoming_treply(in->irq, SIP_420_BAD_EXTENSION,
			    SIPTAG_UNSUPPORTED_STR(unsupported), TAG_END());
	nta_incoming_destroy(in->irq);
	return true;
}

/* RFC 3261, 18.3: the datagram ends before its body does. */
static bool is_cut_off(const sip_t *sip)
{
	const sip_content_length_t *l = sip->sip_content_length;

	return l &&
	       l->l_length > (sip->sip_payload ? sip->sip_payload->pl_len : 0);
}

static bool is_foreign(const url_t *url)
{
	return url->url_type != url_sip && url->url_type != url_sips &&
	       url->url_type != url_tel;
}

/* Octets below a blank, which are in nobody's number or name. */
static bool has_control(const char *user)
{
	for (const char *p = user; p && (p = strchr(p, '%')); p++)
		if (((p[1] == '0' || p[1] == '1') &&
		     isxdigit((unsigned char)p[2])) ||
		    !strncasecmp(p, "%7f", 3))
			return true;
	return false;
}

bool sip_server_check(const struct sip_incoming *in)
{
	const sip_t *sip = in->sip;
	const url_t *url = sip->sip_request->rq_url;
	sip_method_t method = sip->sip_request->rq_method;
	unsigned status = 0;

	if (is_cut_off(sip))
		status = 400;
	else if (is_foreign(url))
		status = 416;
	else if (has_control(url->url_user))
		status = 484;
	/* OPTIONS with 0 asks the hop that it reached (RFC 3261, 11), and what
	 * is inside a dialog has reached its end here. */
	else if (sip->sip_max_forwards && !sip->sip_max_forwards->mf_count &&
		 method != sip_method_options && !sip->sip_to->a_tag)
		status = 483;
	if (!status)
		return method != sip_method_cancel && refuse_require(in);
	if (status == 416)
		sip_odd(in->agent->odds, &in->source.addr,
			nta_incoming_method_name(in->irq), "scheme",
			url->url_scheme ? url->url_scheme : "", clock_ms());
	sip_server_end(in, status);
	return true;
}
