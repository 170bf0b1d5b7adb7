/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/unanswered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NTA_AGENT_MAGIC_T    struct sip_agent
#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#define NTA_OUTGOING_MAGIC_T struct sip_client
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/tport.h>

#include "gateway/base/text.h"
#include "sip/client_int.h"
#include "sip/dialog_int.h"
#include "sip/listen.h"
#include "sip/trunk_int.h"

/* ---- as text ---- */

static void put_field(FILE *f, su_home_t *home, const char *name,
		      const void *header)
{
	const char *value = header ? sip_header_as_string(home, header) : NULL;

	if (value)
		fprintf(f, "%s: %s\r\n", name, value);
}

static void put_vias(FILE *f, su_home_t *home, const sip_via_t *via)
{
	for (; via; via = via->v_next) {
		sip_via_t one = *via;

		one.v_next = NULL;
		put_field(f, home, "Via", &one);
	}
}

static void put_routes(FILE *f, su_home_t *home, const sip_route_t *route)
{
	for (; route; route = route->r_next) {
		sip_route_t one = *route;

		one.r_next = NULL;
		put_field(f, home, "Route", &one);
	}
}

/* Our tag is not in what the peer sent. */
static void put_to(FILE *f, su_home_t *home, const sip_to_t *to,
		   const char *tag)
{
	const char *value = sip_header_as_string(home, (sip_header_t *)to);

	if (value)
		fprintf(f, "To: %s%s%s\r\n", value,
			tag && !to->a_tag ? ";tag=" : "",
			tag && !to->a_tag ? tag : "");
}

static void put_invite(FILE *f, su_home_t *home, const sip_t *sip,
		       const char *tag)
{
	const char *uri = url_as_string(home, sip->sip_request->rq_url);

	fprintf(f, "INVITE %s SIP/2.0\r\n", uri ? uri : "");
	put_vias(f, home, sip->sip_via);
	put_routes(f, home, sip->sip_route);
	put_field(f, home, "Max-Forwards", sip->sip_max_forwards);
	put_field(f, home, "From", sip->sip_from);
	put_to(f, home, sip->sip_to, tag);
	put_field(f, home, "Call-ID", sip->sip_call_id);
	put_field(f, home, "CSeq", sip->sip_cseq);
	fputs("Content-Length: 0\r\n\r\n", f);
}

/* Each header that could not be written is missed when it is read. */
static int format(char **out, const sip_t *sip, const char *tag)
{
	su_home_t home[1] = { 0 };
	size_t n;
	FILE *f = open_memstream(out, &n);

	if (!f)
		return -ENOMEM;
	su_home_init(home);
	put_invite(f, home, sip, tag);
	su_home_deinit(home);
	if (!fclose(f))
		return 0;
	free(*out);
	*out = NULL;
	return -ENOMEM;
}

static int save_message(struct sip_unanswered *out, struct msg_s *msg,
			const char *tag)
{
	const sip_t *sip = msg ? sip_object(msg) : NULL;
	int r = sip && sip->sip_request && sip->sip_via && sip->sip_to
			? format(&out->invite, sip, tag)
			: SIP_E_STATE;

	msg_destroy(msg);
	return r;
}

int sip_unanswered_save(const struct sip_dialog *d, struct sip_unanswered *out)
{
	const struct sip_client *invite = d->invite;

	*out = (struct sip_unanswered){ .ours = d->uac, .hop = d->peer };
	if (!d->uac)
		return d->server ? save_message(
					   out,
					   nta_incoming_getrequest(d->server),
					   nta_leg_get_tag(d->leg))
				 : SIP_E_STATE;
	if (d->state != DIALOG_RINGING || !invite || !invite->orq)
		return SIP_E_STATE;
	out->hop = invite->hop;
	return save_message(out, nta_outgoing_getrequest(invite->orq), NULL);
}

void sip_unanswered_fini(struct sip_unanswered *kept)
{
	free(kept->invite);
	*kept = (struct sip_unanswered){ .ours = false };
}

/* ---- its end ---- */

static bool is_whole(const sip_t *sip)
{
	return sip && sip->sip_request && sip->sip_via && sip->sip_from &&
	       sip->sip_to && sip->sip_call_id && sip->sip_cseq &&
	       sip->sip_request->rq_method == sip_method_invite;
}

/* Sofia's socket that the peer's request came by. */
static tport_t *find_tport(struct sip_agent *agent, const struct sip_hop *hop)
{
	const struct sip_bound *bound =
		sip_listen_towards(agent, hop->transport, &hop->addr);
	tport_t *tport = tport_primaries(nta_agent_tports(agent->nta));

	for (; bound && tport; tport = tport_next(tport)) {
		const char *ident = tport_name(tport)->tpn_ident;

		if (ident && !strcmp(ident, bound->ident) &&
		    !!tport_is_tcp(tport) == (hop->transport == SIP_TCP))
			return tport;
	}
	return NULL;
}

/* A connection that is gone is opened anew to where its Via says, not to the
 * port that it came from (RFC 3261, 18.2.2). */
static void forget_port(msg_t *msg)
{
	msg_header_remove_param(sip_object(msg)->sip_via->v_common, "rport");
}

/* As if it had just come. Takes @msg over. */
static int respond(struct sip_agent *agent, const struct sip_hop *hop,
		   msg_t *msg, unsigned status, const char *reason)
{
	tport_t *tport =
		hop->transport == SIP_TLS ? NULL : find_tport(agent, hop);
	nta_incoming_t *irq;

	if (!tport) {
		msg_destroy(msg);
		return -EPROTONOSUPPORT;
	}
	if (hop->transport == SIP_TCP)
		forget_port(msg);
	irq = nta_incoming_create(agent->nta, NULL, msg, sip_object(msg),
				  NTATAG_TPORT(tport), TAG_END());
	if (!irq)
		return -ENOMEM;
	nta_incoming_treply(irq, (int)status, NULL,
			    TAG_IF(reason, SIPTAG_REASON_STR(reason)),
			    TAG_END());
	nta_incoming_destroy(irq);
	return 0;
}

int sip_unanswered_end(struct sip_agent *agent,
		       const struct sip_unanswered *kept,
		       const struct sip_trunk *trunk,
		       const struct sip_hangup *why)
{
	char text[SIP_REASON_TEXT_CAP];
	const char *reason = sip_hangup_reason(why, text);
	msg_t *msg = msg_make(sip_default_mclass(), 0, kept->invite,
			      (ssize_t)strlen(kept->invite));

	if (!msg || !is_whole(sip_object(msg))) {
		msg_destroy(msg);
		return -EINVAL;
	}
	if (!kept->ours)
		return respond(agent, &kept->hop, msg, why->status, reason);
	int r = client_cancel_kept(agent, sip_object(msg), &kept->hop,
				   trunk ? sip_trunk_tls_name(trunk) : NULL,
				   reason);
	msg_destroy(msg);
	return r;
}
