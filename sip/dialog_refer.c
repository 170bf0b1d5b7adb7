/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * REFER inside a dialog (RFC 3515, 4488), both ways: whom the peer wants called
 * in its place and what it is told of that, and the same the other way round.
 * What a peer writes into Refer-To is read, checked and written anew.
 */
#include "sip/dialog_int.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/url.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/body.h"
#include "sip/identity.h"
#include "sip/trunk_int.h"

#define SIPFRAG "message/sipfrag"

enum {
	REPLACES_CAP = 512,
	EVENT_CAP = 32,
	STATE_CAP = 48,
	FRAGMENT_CAP = 64,
	SUBSCRIPTION_S = 180, /* longer than anything rings */
	/* How long the peer may leave us without a word of our REFER, unless it
	 * said less (RFC 3515, 2.4.4). */
	UNTOLD_S = SUBSCRIPTION_S,
	STATUS_MAX = 699,
	NUMBER_CAP = 12,
};

/* ---- the peer's ---- */

/* RFC 3891, 6.1: callid *(;param), without what could end a header. */
static bool is_replaces(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr("\"<>,", *p))
			return false;
	return *text && strstr(text, ";to-tag=") && strstr(text, ";from-tag=");
}

/* From the headers of the URI, "Replaces=…&…". 0, or -EINVAL. */
static int read_replaces(char out[static REPLACES_CAP], const url_t *url)
{
	struct slice rest = slice_of(url->url_headers);
	char escaped[REPLACES_CAP];

	out[0] = '\0';
	while (rest.n) {
		struct slice value = slice_cut(&rest, '&');
		struct slice name = slice_cut(&value, '=');

		if (!slice_is_nocase(name, "Replaces"))
			continue;
		if (text_copy(escaped, sizeof(escaped), value))
			return -EINVAL;
		url_unescape(out, escaped);
		return is_replaces(out) ? 0 : -EINVAL;
	}
	return 0;
}

/* The URI without headers and method; 0, or a status to refuse with. */
static unsigned read_uri(char out[static SIP_URI_TEXT_CAP],
			 char user[static SIP_USER_CAP], const url_t *from)
{
	url_t url = *from;
	char method[EVENT_CAP] = "INVITE", *text;
	int r;

	if (url.url_type != url_sip && url.url_type != url_tel)
		return 416;
	url_param(url.url_params, "method", method, sizeof(method));
	if (strcasecmp(method, "INVITE"))
		return 403;
	url.url_headers = NULL;
	url.url_params = NULL;
	sip_url_user(user, &url);
	text = url_as_string(NULL, &url);
	r = text ? text_set(out, SIP_URI_TEXT_CAP, text) : -ENOMEM;
	su_free(NULL, text);
	return r || !*user ? 400 : 0;
}

static bool is_silent(const struct sip_s *sip)
{
	const sip_refer_sub_t *sub = sip_refer_sub(sip);

	return sub && sub->rs_value && !strcasecmp(sub->rs_value, "false");
}

void dialog_refer_recv(struct sip_dialog *d, const struct sip_incoming *in)
{
	char uri[SIP_URI_TEXT_CAP], user[SIP_USER_CAP], replaces[REPLACES_CAP];
	const struct sip_refer refer = { user, uri, replaces };
	const sip_refer_to_t *to = in->sip->sip_refer_to;
	/* RFC 3515, 2.4.2: exactly one. */
	unsigned status = to && !sip_server_has_bad(in->sip, "Refer-To")
				  ? read_uri(uri, user, to->r_url)
				  : 400;

	if (!status && read_replaces(replaces, to->r_url))
		status = 400;
	if (!status &&
	    (d->state != DIALOG_UP || !d->handlers || !d->handlers->refer))
		status = 603;
	if (!status && (d->refer.irq || d->refer.subscribed))
		status = 491;
	if (status) {
		sip_server_end(in, status);
		return;
	}
	d->refer.irq = in->irq;
	d->refer.repeated = d->refer.cseq != 0;
	d->refer.cseq = in->sip->sip_cseq->cs_seq;
	d->refer.silent = is_silent(in->sip);
	d->handlers->refer(&refer, d->arg);
}

static void on_notify_response(struct sip_client *client, unsigned status,
			       const struct sip_s *response, bool local,
			       void *arg)
{
	(void)response;
	(void)local;
	(void)arg;
	if (status >= 200)
		sip_client_free(client);
}

/* RFC 3515, 2.4.4 to 2.4.6: id only where one REFER cannot be taken for
 * another, as some peers compare the whole header. */
static int notify(struct sip_dialog *d, unsigned status, bool over)
{
	char event[EVENT_CAP] = "refer", state[STATE_CAP], body[FRAGMENT_CAP];
	const char *phrase = sip_status_phrase((int)status);
	struct sip_client_spec spec;
	struct sip_client *client;
	int r = dialog_request_spec(d, &spec, "NOTIFY", on_notify_response);

	if (r)
		return r;
	if (d->refer.repeated)
		r = text_format(event, sizeof(event), "refer;id=%u",
				d->refer.cseq);
	if (!r)
		r = over ? text_set(state, sizeof(state),
				    "terminated;reason=noresource")
			 : text_format(state, sizeof(state),
				       "active;expires=%d", SUBSCRIPTION_S);
	if (!r)
		r = text_format(body, sizeof(body), "SIP/2.0 %u %s\r\n", status,
				phrase ? phrase : "Call");
	if (!r &&
	    sip_add_tl(spec.message, sip_object(spec.message),
		       SIPTAG_CONTACT_STR(d->contact), SIPTAG_EVENT_STR(event),
		       SIPTAG_SUBSCRIPTION_STATE_STR(state),
		       SIPTAG_CONTENT_TYPE_STR(SIPFRAG ";version=2.0"),
		       SIPTAG_PAYLOAD_STR(body), TAG_END()) < 0)
		r = -ENOMEM;
	if (r) {
		msg_destroy(spec.message);
		return r;
	}
	return sip_client_start(&client, d->agent, &spec);
}

void sip_dialog_refer_answer(struct sip_dialog *d, unsigned status)
{
	struct nta_incoming_s *irq = d->refer.irq;

	if (!irq)
		return;
	d->refer.irq = NULL;
	if (status == 202 && d->refer.silent) {
		nta_incoming_treply(
			irq, SIP_200_OK, SIPTAG_CONTACT_STR(d->contact),
			SIPTAG_HEADER_STR("Refer-Sub: false"), TAG_END());
	} else {
		nta_incoming_treply(
			irq, (int)status, NULL,
			TAG_IF(status == 202, SIPTAG_CONTACT_STR(d->contact)),
			TAG_END());
	}
	nta_incoming_destroy(irq);
	d->refer.subscribed = status == 202 && !d->refer.silent;
	sip_dialog_refer_notify(d, 100, false);
}

void sip_dialog_refer_notify(struct sip_dialog *d, unsigned status, bool over)
{
	if (!d->refer.subscribed || d->state != DIALOG_UP)
		return;
	if (over)
		d->refer.subscribed = false;
	d->refer.told = status;
	if (notify(d, status, over))
		log_warn("dialog=%s what=\"NOTIFY not sent\"", d->call_id);
}

/* RFC 3515, 2.4.4: the subscription of its REFER, refreshed or given up. */
void dialog_subscribe_recv(struct sip_dialog *d, const struct sip_incoming *in)
{
	const sip_event_t *event = in->sip->sip_event;
	const sip_expires_t *expires = in->sip->sip_expires;
	bool over = expires && !expires->ex_delta;
	char granted[NUMBER_CAP];

	if (!d->policy.refer || !event || !event->o_type ||
	    strcasecmp(event->o_type, "refer")) {
		sip_server_refuse_event(in);
		return;
	}
	if (!d->refer.subscribed) {
		sip_server_end(in, 481);
		return;
	}
	if (text_format(granted, sizeof(granted), "%d",
			over ? 0 : SUBSCRIPTION_S))
		granted[0] = '\0';
	nta_incoming_treply(in->irq, SIP_200_OK, SIPTAG_CONTACT_STR(d->contact),
			    SIPTAG_EXPIRES_STR(granted), TAG_END());
	nta_incoming_destroy(in->irq);
	sip_dialog_refer_notify(d, d->refer.told, over);
}

/* ---- ours ---- */

static void tell(struct sip_dialog *d, unsigned status, bool over)
{
	if (over) {
		d->refer.asked = false;
		dialog_timer_clear(d->refer.timer);
	}
	if (d->handlers && d->handlers->referred)
		d->handlers->referred(status, over, d->arg);
}

/* Else one that was taken and never told of would be the last. */
static void on_untold(int fd, short what, void *arg)
{
	struct sip_dialog *d = arg;

	(void)fd;
	(void)what;
	log_info("dialog=%s what=\"no word of the REFER\"", d->call_id);
	tell(d, 408, true);
}

static void wait_for_word(struct sip_dialog *d, uint64_t most_s)
{
	uint64_t s = most_s < UNTOLD_S ? most_s : UNTOLD_S;

	dialog_timer_set(d, &d->refer.timer, on_untold,
			 (unsigned)(s ? s : 1) * MS_PER_S);
}

static void on_refer_response(struct sip_client *client, unsigned status,
			      const struct sip_s *response, bool local,
			      void *arg)
{
	struct sip_dialog *d = arg;

	(void)client;
	(void)response;
	(void)local;
	if (status < 200)
		return;
	d->refer.client = sip_client_free(d->refer.client);
	if (status >= 300)
		tell(d, status, true);
	else if (d->refer.asked)
		wait_for_word(d, UNTOLD_S);
}

/* `Call-ID;to-tag=…;from-tag=…` of @other as the peer sees it, in a URI. */
static int format_replaces(char out[static REPLACES_CAP],
			   const struct sip_dialog *other)
{
	char plain[REPLACES_CAP];
	int r = text_format(plain, sizeof(plain), "%s;to-tag=%s;from-tag=%s",
			    other->call_id, other->remote_tag,
			    dialog_tag(other));

	if (!r && url_esclen(plain, ";?:@&=+$,/") >= REPLACES_CAP)
		r = -EMSGSIZE;
	if (!r)
		url_escape(out, plain, ";?:@&=+$,/");
	return r;
}

int sip_dialog_refer(struct sip_dialog *d, const char *to_user,
		     const struct sip_dialog *replaces)
{
	char user[SIP_USER_TEXT_CAP], value[REPLACES_CAP] = "";
	char to[SIP_URI_TEXT_CAP + REPLACES_CAP], by[SIP_CONTACT_CAP];
	struct sip_client_spec spec;
	int r;

	if (d->state != DIALOG_UP || d->hung_up || d->refer.client ||
	    d->refer.asked || !d->policy.refer || !d->trunk)
		return SIP_E_STATE;
	r = sip_user_format(user, to_user);
	if (!r && replaces)
		r = format_replaces(value, replaces);
	if (!r)
		r = text_format(to, sizeof(to), "<sip:%s@%s%s%s>", user,
				sip_trunk_hostport(d->trunk),
				*value ? "?Replaces=" : "", value);
	if (!r)
		r = text_set(by, sizeof(by), d->contact);
	if (!r)
		r = dialog_request_spec(d, &spec, "REFER", on_refer_response);
	if (r)
		return r;
	if (sip_add_tl(spec.message, sip_object(spec.message),
		       SIPTAG_CONTACT_STR(d->contact), SIPTAG_REFER_TO_STR(to),
		       SIPTAG_REFERRED_BY_STR(by), TAG_END()) < 0) {
		msg_destroy(spec.message);
		return -ENOMEM;
	}
	r = sip_client_start(&d->refer.client, d->agent, &spec);
	d->refer.asked = !r;
	return r;
}

/* "SIP/2.0 180 Ringing": its status; 0 none. */
static unsigned read_fragment(const struct sip_s *sip)
{
	const sip_payload_t *pl = sip->sip_payload;
	char type[SIP_TYPE_CAP];
	struct slice body =
		pl ? (struct slice){ pl->pl_data, pl->pl_len } : SLICE_NONE;
	uint64_t status;

	sip_body_type(type, sip);
	if (strcmp(type, SIPFRAG) ||
	    !slice_is(slice_cut(&body, ' '), "SIP/2.0") ||
	    text_number((struct slice){ body.p, body.n < 3 ? body.n : 3 },
			STATUS_MAX, &status))
		return 0;
	return (unsigned)status;
}

void dialog_notify_recv(struct sip_dialog *d, const struct sip_incoming *in)
{
	const sip_event_t *event = in->sip->sip_event;
	const sip_subscription_state_t *ss = in->sip->sip_subscription_state;
	unsigned status = read_fragment(in->sip);
	uint64_t expires_s;
	bool over = ss && ss->ss_substate &&
		    !strcasecmp(ss->ss_substate, "terminated");

	if (!event || !event->o_type || strcasecmp(event->o_type, "refer")) {
		sip_server_notify(in);
		return;
	}
	if (!d->refer.asked) {
		sip_server_end(in, 481);
		return;
	}
	sip_server_end(in, status ? 200 : 400);
	if (!status)
		return;
	if (ss && ss->ss_expires &&
	    !text_number(slice_of(ss->ss_expires), UINT32_MAX, &expires_s))
		wait_for_word(d, expires_s);
	tell(d, status, over || status >= 200);
}

void dialog_refer_stop(struct sip_dialog *d)
{
	if (d->refer.irq)
		dialog_respond_end(d->refer.irq, 481);
	d->refer.irq = NULL;
	d->refer.subscribed = false;
	d->refer.client = sip_client_free(d->refer.client);
	dialog_timer_clear(d->refer.timer);
}
