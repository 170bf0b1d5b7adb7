/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A dialog kept for, and taken up by, another process: nta's leg is made again
 * from Call-ID and tags, whichever side made the call.
 */
#include "sip/dialog_int.h"

#include <stdlib.h>
#include <string.h>

#define NTA_LEG_MAGIC_T struct sip_dialog
#include <sofia-sip/nta.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_tag.h>

#include "gateway/base/text.h"

/* ---- save ---- */

/* @addr as a header's value, without its tag. */
static int keep_address(char **out, const sip_addr_t *addr)
{
	su_home_t home[1] = { 0 };
	sip_addr_t bare = *addr;
	char *text;
	int r = -ENOMEM;

	su_home_init(home);
	bare.a_params = NULL;
	bare.a_tag = NULL;
	text = sip_header_as_string(home, (sip_header_t *)&bare);
	if (text)
		r = dialog_set_text(out, text);
	su_home_deinit(home);
	return r;
}

static int keep_url(char **out, const url_t *url)
{
	char *text = url ? url_as_string(NULL, url) : NULL;
	int r = dialog_set_text(out, text ? text : "");

	su_free(NULL, text);
	return r;
}

static int keep_route(char **out, const sip_route_t *route)
{
	su_home_t home[1] = { 0 };
	char *list = NULL;
	int r = 0;

	su_home_init(home);
	for (; !r && route; route = route->r_next) {
		sip_route_t one = *route;
		char *text, *longer = NULL;

		one.r_next = NULL;
		text = sip_header_as_string(home, (sip_header_t *)&one);
		if (!text || asprintf(&longer, "%s%s%s", list ? list : "",
				      list ? ", " : "", text) < 0) {
			r = -ENOMEM;
			break;
		}
		free(list);
		list = longer;
	}
	su_home_deinit(home);
	if (!r && !list)
		r = dialog_set_text(&list, "");
	if (r)
		free(list);
	else
		*out = list;
	return r;
}

static int keep_leg(const struct sip_dialog *d, struct sip_dialog_state *s)
{
	const sip_route_t *route = NULL;
	const sip_contact_t *target = NULL;
	int r;

	nta_leg_get_route(d->leg, &route, &target);
	r = keep_route(&s->route, route);
	if (!r)
		r = keep_url(&s->remote_target, target ? target->m_url : NULL);
	if (!r)
		r = dialog_set_text(&s->local_tag, nta_leg_get_tag(d->leg));
	return r;
}

static int keep_texts(const struct sip_dialog *d, struct sip_dialog_state *s)
{
	int r = dialog_set_text(&s->call_id, d->call_id);

	if (!r)
		r = dialog_set_text(&s->remote_tag,
				    d->remote_tag ? d->remote_tag : "");
	if (!r)
		r = dialog_set_text(&s->local, d->local_address);
	if (!r)
		r = dialog_set_text(&s->remote, d->remote_address);
	if (!r)
		r = dialog_set_text(&s->contact, d->contact);
	if (!r)
		r = dialog_set_text(&s->trunk,
				    d->trunk_name ? d->trunk_name : "");
	return r;
}

int sip_dialog_save(const struct sip_dialog *d, struct sip_dialog_state *out)
{
	bool early = d->state == DIALOG_INVITED;
	int r;

	*out = (struct sip_dialog_state){ .uac = d->uac };
	if (d->state != DIALOG_UP && d->state != DIALOG_ANSWERED && !early)
		return SIP_E_STATE;
	out->transport = d->peer.transport;
	out->peer = d->peer.addr;
	out->local_cseq = nta_leg_get_seq(d->leg);
	out->remote_cseq = d->remote_cseq;
	out->sdp_id = d->sdp_id;
	out->sdp_version = d->sdp_version + early; /* the answer's to come */
	out->session_expires_s = d->session_expires_s;
	out->session_left_ms = dialog_session_left_ms(d);
	out->we_refresh = d->we_refresh;
	out->policy = d->policy;
	r = keep_texts(d, out);
	if (!r)
		r = keep_leg(d, out);
	if (r)
		sip_dialog_state_fini(out);
	return r;
}

void sip_dialog_state_fini(struct sip_dialog_state *s)
{
	free(s->call_id);
	free(s->local_tag);
	free(s->remote_tag);
	free(s->local);
	free(s->remote);
	free(s->remote_target);
	free(s->route);
	free(s->contact);
	free(s->trunk);
	*s = (struct sip_dialog_state){ .uac = false };
}

int dialog_keep_addresses(struct sip_dialog *d, const struct sip_addr_s *local,
			  const struct sip_addr_s *remote)
{
	int r = keep_address(&d->local_address, local);

	return r ? r : keep_address(&d->remote_address, remote);
}

/* ---- restore ---- */

static sip_addr_t *tagged(su_home_t *home, const char *value, const char *tag)
{
	sip_addr_t *addr = sip_to_make(home, value);

	if (addr && tag && *tag && sip_to_tag(home, addr, tag))
		return NULL;
	return addr;
}

static int make_leg(struct sip_dialog *d, su_home_t *home,
		    const struct sip_dialog_state *s)
{
	sip_addr_t *local = tagged(home, s->local, s->local_tag);
	sip_addr_t *remote = tagged(home, s->remote, s->remote_tag);
	sip_cseq_t *cseq =
		sip_cseq_create(home, s->local_cseq, SIP_METHOD_INVITE);
	sip_contact_t *target = NULL;
	sip_record_route_t *route = NULL;

	if (s->remote_target && *s->remote_target)
		target = sip_contact_format(home, "<%s>", s->remote_target);
	if (s->route && *s->route)
		route = sip_record_route_make(home, s->route);
	if (!local || !remote || !cseq)
		return -EINVAL;
	d->leg = nta_leg_tcreate(
		d->agent->nta, dialog_recv, d, SIPTAG_CALL_ID_STR(s->call_id),
		SIPTAG_FROM(local), SIPTAG_TO(remote),
		TAG_IF(s->local_cseq, SIPTAG_CSEQ(cseq)), TAG_END());
	if (!d->leg)
		return -ENOMEM;
	/* As a server's: its Record-Route is in the order of sending. With
	 * SIPTAG_ROUTE the leg would take any route for a strict one. */
	return nta_leg_server_route(d->leg, route, target) < 0 ? -ENOMEM : 0;
}

static int fill(struct sip_dialog *d, const struct sip_dialog_state *s)
{
	su_home_t home[1] = { 0 };
	int r = 0;

	d->peer = d->hop =
		(struct sip_hop){ .addr = s->peer, .transport = s->transport };
	d->remote_cseq = s->remote_cseq;
	d->sdp_id = s->sdp_id;
	d->sdp_version = d->local_version = s->sdp_version;
	d->session_expires_s = s->session_expires_s;
	d->we_refresh = s->we_refresh;
	d->policy = s->policy;
	d->peer_has_timer = s->session_expires_s > 0;
	r = dialog_set_text(&d->call_id, s->call_id);
	if (!r)
		r = dialog_set_text(&d->remote_tag, s->remote_tag);
	if (!r)
		r = dialog_set_text(&d->contact, s->contact);
	if (!r)
		r = dialog_set_text(&d->trunk_name, s->trunk);
	if (r)
		return r;
	su_home_init(home);
	r = make_leg(d, home, s);
	su_home_deinit(home);
	if (!r)
		r = dialog_set_text(&d->local_address, s->local);
	return r ? r : dialog_set_text(&d->remote_address, s->remote);
}

int sip_dialog_restore(struct sip_dialog **out, struct sip_agent *agent,
		       const struct sip_dialog_state *state,
		       struct sip_trunk *trunk,
		       const struct sip_dialog_handlers *handlers, void *arg)
{
	struct sip_dialog *d;
	int r;

	if (!state->call_id || !state->local || !state->remote ||
	    !state->local_tag || !state->contact)
		return -EINVAL;
	r = dialog_new(&d, agent, state->uac);
	if (!r)
		r = fill(d, state);
	else
		return r;
	if (r) {
		sip_dialog_free(d);
		return r;
	}
	d->restored = true;
	d->trunk = trunk;
	d->handlers = handlers;
	d->arg = arg;
	dialog_update_hop(d);
	dialog_event(d, DIALOG_EV_RESTORE);
	dialog_session_resume(d, state->session_left_ms);
	*out = d;
	return 0;
}

int sip_dialog_describe(struct sip_dialog *d, const struct media_desc *local)
{
	char *text;
	int r = dialog_format_version(d, local, d->local_version, &text);

	if (r)
		return r;
	free(d->local_sdp);
	d->local_sdp = text;
	return 0;
}
