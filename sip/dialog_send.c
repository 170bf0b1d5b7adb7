/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages of a dialog, and where they go (RFC 3261, 12.2.1.1). */
#include "sip/dialog_int.h"

#include <stdlib.h>

#define NTA_LEG_MAGIC_T      struct sip_dialog
#define NTA_INCOMING_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/url.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "media/desc.h"
#include "sip/hops.h"
#include "sip/listen.h"
#include "sip/sdp.h"
#include "sip/tls.h"
#include "sip/trunk_int.h"

/* ---- requests ---- */

struct nta_leg_s *dialog_leg(struct sip_dialog *d, struct sip_hop *hop)
{
	struct dialog_early *early =
		d->uac && d->state < DIALOG_UP && d->early_tag
			? dialog_early_find(d, d->early_tag)
			: NULL;

	*hop = early ? early->hop : d->hop;
	return early ? early->leg : d->leg;
}

const struct sip_digest_account *dialog_account(const struct sip_dialog *d,
						const struct sip_hop *hop)
{
	if (!d->trunk || !sip_trunk_is_at(d->trunk, &hop->addr))
		return NULL;
	return sip_trunk_account(d->trunk);
}

/* Whether a server at @addr is the trunk's, and has to prove its name. That of
 * a dialog of an earlier process is: the way its peer came by went with that.
 */
static bool is_trunks(const struct sip_dialog *d, const struct addr *addr)
{
	return d->trunk &&
	       (d->uac || d->restored || sip_trunk_is_at(d->trunk, addr));
}

/* Whom a connection may be opened to; NULL: one that is there has to do. */
static const char *tls_name(const struct sip_dialog *d)
{
	bool dials = d->uac || !sip_hop_equal(&d->hop, &d->peer);

	return dials && is_trunks(d, &d->hop.addr)
		       ? sip_trunk_tls_name(d->trunk)
		       : NULL;
}

int dialog_request_spec(struct sip_dialog *d, struct sip_client_spec *spec,
			const char *method, sip_client_fn fn)
{
	*spec = (struct sip_client_spec){
		.leg = d->leg,
		.method = method,
		.hop = d->hop,
		.back = sip_hop_equal(&d->hop, &d->peer) ? NULL : &d->peer,
		.account = dialog_account(d, &d->hop),
		.tls_name = tls_name(d),
		.message = sip_client_message(d->agent),
		.fn = fn,
		.arg = d,
	};
	dialog_changed(d); /* the CSeq moves on */
	return spec->message ? 0 : -ENOMEM;
}

int dialog_send(struct sip_dialog *d, struct sip_client **out,
		const char *method, const char *type, const char *body,
		sip_client_fn fn)
{
	char session[DIALOG_SESSION_CAP], min_se[DIALOG_SESSION_CAP] = "";
	struct sip_client_spec spec;
	bool target = type && !strcmp(type, SIP_SDP_TYPE);
	int r = dialog_request_spec(d, &spec, method, fn);

	if (r)
		return r;
	spec.leg = dialog_leg(d, &spec.hop);
	spec.account = dialog_account(d, &spec.hop);
	dialog_session_format(d, false, session);
	if (d->min_se_s > SIP_MIN_SE_S &&
	    text_format(min_se, sizeof(min_se), "%u", d->min_se_s))
		min_se[0] = '\0';
	/* Contact, as both are target refresh requests (RFC 3261, 12.2). */
	if (sip_add_tl(spec.message, sip_object(spec.message),
		       TAG_IF(target, SIPTAG_CONTACT_STR(d->contact)),
		       TAG_IF(target,
			      SIPTAG_ALLOW_STR(sip_policy_allow(&d->policy))),
		       TAG_IF(target, SIPTAG_SUPPORTED_STR("timer")),
		       TAG_IF(target && *session,
			      SIPTAG_SESSION_EXPIRES_STR(session)),
		       TAG_IF(target && *session && *min_se,
			      SIPTAG_MIN_SE_STR(min_se)),
		       TAG_IF(body, SIPTAG_CONTENT_TYPE_STR(type)),
		       TAG_IF(body, SIPTAG_PAYLOAD_STR(body)), TAG_END()) < 0) {
		msg_destroy(spec.message);
		return -ENOMEM;
	}
	return sip_client_start(out, d->agent, &spec);
}

/* ---- responses ---- */

int dialog_respond(struct sip_dialog *d, struct nta_incoming_s *irq,
		   unsigned status, const char *sdp)
{
	char session[DIALOG_SESSION_CAP] = "";
	bool is_final = status >= 200;

	if (is_final)
		dialog_session_format(d, true, session);
	return nta_incoming_treply(
		irq, (int)status, NULL, SIPTAG_CONTACT_STR(d->contact),
		SIPTAG_ALLOW_STR(sip_policy_allow(&d->policy)),
		TAG_IF(is_final,
		       SIPTAG_SUPPORTED_STR(sip_policy_supported(&d->policy))),
		/* RFC 4028, 9: only a peer that said so may be held to it. */
		TAG_IF(*session && d->peer_has_timer,
		       SIPTAG_REQUIRE_STR("timer")),
		TAG_IF(*session, SIPTAG_SESSION_EXPIRES_STR(session)),
		TAG_IF(sdp, SIPTAG_CONTENT_TYPE_STR(SIP_SDP_TYPE)),
		TAG_IF(sdp, SIPTAG_PAYLOAD_STR(sdp)), TAG_END());
}

void dialog_respond_end(struct nta_incoming_s *irq, unsigned status)
{
	const char *warning = sip_server_warning(status);

	nta_incoming_bind(irq, NULL, NULL);
	nta_incoming_treply(irq, (int)status, NULL,
			    TAG_IF(warning, SIPTAG_WARNING_STR(warning)),
			    TAG_END());
	nta_incoming_destroy(irq);
}

/* ---- addresses ---- */

/*
 * A telephone behind a NAT, without a proxy that knows of it, names an address
 * of its own network, which no way of ours leads to: then the one that it came
 * by has to do.
 */
static bool is_beyond(const struct sip_hop *hop, const struct sip_hop *peer)
{
	struct addr from = sip_routed_source(&hop->addr);

	return !addr_is_set(&from) ||
	       (addr_classify(&peer->addr) == ADDR_PUBLIC &&
		addr_classify(&hop->addr) != ADDR_PUBLIC);
}

/* Over TLS a server that we know no name of could be anybody: then the way that
 * the peer came by has to do (RFC 5923). */
static void take_hop(struct sip_dialog *d, const struct sip_hop *hop)
{
	bool known = hop->transport != SIP_TLS || is_trunks(d, &hop->addr) ||
		     sip_tls_is_expected(d->agent, &hop->addr);

	d->hop = known && !is_beyond(hop, &d->peer) ? *hop : d->peer;
}

static void on_resolved(const struct sip_hop *hops, size_t n, unsigned ttl_s,
			void *arg)
{
	struct sip_dialog *d = arg;

	(void)ttl_s;
	d->query = sip_query_free(d->query);
	if (n)
		take_hop(d, &hops[0]);
	else
		log_warn("dialog=%s what=\"next hop not found\" "
			 "instead=%s",
			 d->call_id, addr_text(&d->hop.addr).s);
}

/* The top route or else the target (12.2.1.1); 0, or -errno. */
static int next_uri(struct nta_leg_s *leg, struct sip_uri *out)
{
	const sip_route_t *route = NULL;
	const sip_contact_t *target = NULL;
	const url_t *url;
	char *text;
	int r;

	nta_leg_get_route(leg, &route, &target);
	url = route ? route->r_url : target ? target->m_url : NULL;
	if (!url)
		return -ENOENT;
	text = url_as_string(NULL, url);
	if (!text)
		return -ENOMEM;
	r = sip_uri_parse(out, slice_of(text));
	if (!r && out->tel)
		r = -EPROTONOSUPPORT;
	if (r)
		log_warn("event=sip_route what=\"cannot route\" uri=%s",
			 log_text(slice_of(text)).s);
	su_free(NULL, text);
	return r;
}

struct sip_hop dialog_literal_hop(struct nta_leg_s *leg,
				  const struct sip_hop *otherwise)
{
	struct sip_uri uri;
	struct sip_hop hop;

	if (next_uri(leg, &uri) || sip_resolve_literal(&hop, &uri) ||
	    is_beyond(&hop, otherwise))
		return *otherwise;
	return hop;
}

/* A name is asked for, and until it is known requests go to where the peer
 * speaks from. */
void dialog_update_hop(struct sip_dialog *d)
{
	struct sip_uri uri;
	struct sip_hop hop;

	d->query = sip_query_free(d->query);
	d->hop = d->peer;
	if (next_uri(d->leg, &uri))
		return;
	/* What began inside TLS does not leave it for want of a word. */
	if (d->peer.transport == SIP_TLS && !uri.has_transport) {
		uri.has_transport = true;
		uri.transport = SIP_TLS;
	}
	if (!sip_resolve_literal(&hop, &uri))
		take_hop(d, &hop);
	else if (sip_resolve(&d->query, d->agent->resolver, &uri, on_resolved,
			     d))
		d->query = NULL;
}

int dialog_set_contact(struct sip_dialog *d, const char *user)
{
	char uri[SIP_CONTACT_CAP], value[SIP_CONTACT_CAP + 2];
	int r = sip_agent_contact(d->agent, &d->peer, user, uri);

	if (!r)
		r = text_format(value, sizeof(value), "<%s>", uri);
	return r ? r : dialog_set_text(&d->contact, value);
}

int dialog_contact_uri(const struct sip_dialog *d, struct sip_uri *out)
{
	struct slice uri = slice_of(d->contact);

	if (uri.n < 2)
		return -EINVAL;
	uri.p++; /* without the brackets */
	uri.n -= 2;
	return sip_uri_parse(out, uri);
}

/* Our address may be another than when the dialog began. */
int dialog_renew_contact(struct sip_dialog *d)
{
	struct sip_uri now;
	int r = dialog_contact_uri(d, &now);

	return r ? r : dialog_set_contact(d, now.user);
}

/* ---- descriptions ---- */

int dialog_format_version(struct sip_dialog *d, const struct media_desc *desc,
			  uint64_t version, char **out)
{
	struct sdp_origin origin = { d->sdp_id, version };
	size_t n;
	int r = sdp_format(out, &n, desc, &origin);

	return r > 0 ? -EINVAL : r;
}

int dialog_format(struct sip_dialog *d, const struct media_desc *desc,
		  char **out, uint64_t *version)
{
	int r;

	*out = NULL;
	if (d->local_sdp) {
		r = dialog_format_version(d, desc, d->local_version, out);
		if (r)
			return r;
		*version = d->local_version;
		if (!strcmp(*out, d->local_sdp))
			return 0;
		free(*out);
	}
	*version = ++d->sdp_version;
	return dialog_format_version(d, desc, *version, out);
}
