/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Calls of a process that died. First the media, as most of what can go wrong
 * does so there (ports, addresses, keys), then the legs, SIP last: a dialog
 * that is given up says BYE.
 */
#include "gateway/call/call_resume.h"

#include <stdlib.h>

#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/call_state.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_echo.h"
#include "gateway/leg/leg_sip.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/origin.h"
#include "media/resume.h"
#include "sip/sdp.h"

/* What the rows say of the descriptions and the media of one side. */
struct past_side {
	const struct session_row *row;
	struct media_desc *local, *remote;
	struct bridge_saved saved;
};

static void past_fini(struct past_side *past)
{
	media_desc_free(past->local);
	media_desc_free(past->remote);
	explicit_bzero(&past->saved, sizeof(past->saved));
}

/* ---- rows ---- */

static int set_secret(char *to, size_t cap, const struct db_secret *secret)
{
	if (secret->n >= cap)
		return -EINVAL;
	memcpy(to, secret->octets, secret->n);
	to[secret->n] = '\0';
	return 0;
}

static int read_keys(struct dtls_keys *out, const struct session_media *media)
{
	size_t n = media->tx_key.n;

	if (!*media->srtp_profile)
		return 0;
	if (srtp_profile_parse(&out->profile, slice_of(media->srtp_profile)) ||
	    n != media->rx_key.n || n > sizeof(out->tx))
		return -EINVAL;
	out->len = (uint8_t)n;
	memcpy(out->tx, media->tx_key.octets, n);
	memcpy(out->rx, media->rx_key.octets, n);
	return 0;
}

static int read_saved(struct bridge_saved *out, const struct session_media *m)
{
	*out = (struct bridge_saved){
		.transport = m->ice ? MEDIA_ICE : MEDIA_RTP,
		.offerer = m->controlling,
		.local = m->local,
		.remote = m->remote,
		.worker = m->worker,
		.own_port = m->own_port,
		.generation = m->generation,
		.ice_ms = m->ice_ms,
		.dtls_ms = m->dtls_ms,
		.crypto_tag = m->srtp_tag,
	};
	int r = read_keys(&out->keys, m);
	if (!r && *m->setup &&
	    media_setup_parse(&out->setup, slice_of(m->setup)))
		r = -EINVAL;
	if (!r)
		r = text_set(out->local_ufrag, sizeof(out->local_ufrag),
			     m->local_ufrag);
	if (!r)
		r = text_set(out->remote_ufrag, sizeof(out->remote_ufrag),
			     m->remote_ufrag);
	if (!r)
		r = set_secret(out->local_pwd, sizeof(out->local_pwd),
			       &m->local_pwd);
	return r ? r
		 : set_secret(out->remote_pwd, sizeof(out->remote_pwd),
			      &m->remote_pwd);
}

/* The passwords are not in the text. */
static int read_desc(struct media_desc **out, const char *text, const char *pwd)
{
	int r = sdp_parse(out, NULL, slice_of(text));

	if (r)
		return r < 0 ? r : -EINVAL;
	struct media_content *audio = media_desc_first(*out, MEDIA_AUDIO);
	return audio ? text_set(audio->pwd, sizeof(audio->pwd), pwd) : -EINVAL;
}

static int past_read(struct past_side *out, const struct session_row *row)
{
	*out = (struct past_side){ .row = row };
	int r = read_saved(&out->saved, &row->media);
	if (!r)
		r = read_desc(&out->local, row->local_sdp,
			      out->saved.local_pwd);
	return r ? r
		 : read_desc(&out->remote, row->remote_sdp,
			     out->saved.remote_pwd);
}

/* ---- the call ---- */

static int copy_origin(struct call *call, const struct session_row *row)
{
	struct origin origin = { .is_signed = false };

	if (!*row->caller_name && !*row->verstat && !*row->attestation &&
	    !*row->first_called && !*row->diversion)
		return 0;
	int r = text_set(origin.display, sizeof(origin.display),
			 row->caller_name);
	if (!r)
		r = text_set(origin.verstat, sizeof(origin.verstat),
			     row->verstat);
	if (!r)
		r = text_set(origin.attestation, sizeof(origin.attestation),
			     row->attestation);
	if (!r)
		r = text_set(origin.first_called, sizeof(origin.first_called),
			     row->first_called);
	if (!r)
		r = text_set(origin.diversion, sizeof(origin.diversion),
			     row->diversion);
	return r ? r : origin_copy(&call->origin, &origin);
}

static int set_past(struct call *call, const struct past_side past[2])
{
	const struct session_row *row = past[0].row;

	call->state = CALL_UP;
	call->inbound = row->inbound;
	call->started_ms = row->started_ms;
	call->rang_ms = row->ringing_ms;
	call->credit_ms = row->credit_ms;
	call->answered_ms = row->answered_ms;
	call->resumed_ms = clock_wall_ms();
	call->account = text_dup(slice_of(row->account));
	call->from = text_dup(slice_of(row->caller));
	call->to = text_dup(slice_of(row->callee));
	call->trunk = text_dup(slice_of(row->trunk));
	for (int side = 0; side < 2; side++) {
		call->held[side] = past[side].row->held;
		call->ready[side] = true;
	}
	if (!call->account || !call->from || !call->to || !call->trunk)
		return -ENOMEM;
	int r = text_set(call->name, sizeof(call->name), row->call);
	return r ? r : copy_origin(call, row);
}

/* ---- its media ---- */

static int resume_side(struct call *call, enum media_side side,
		       const struct past_side *past)
{
	if (past->row->kind == SESSION_ECHO)
		return 0;
	return bridge_resume(call->bridge, side, &past->saved,
			     media_desc_first(past->local, MEDIA_AUDIO),
			     media_desc_first(past->remote, MEDIA_AUDIO));
}

/* One worker has both sides: that of the shared port, where there is one. */
static unsigned worker_of(const struct past_side past[2])
{
	return past[past[0].saved.transport == MEDIA_ICE ? 0 : 1].saved.worker;
}

static int resume_media(struct call *call, const struct past_side past[2])
{
	int r = bridge_revive(&call->bridge, call->gateway->media, call->name,
			      worker_of(past), &call_bridge_handlers, call);

	for (int side = 0; !r && side < 2; side++)
		r = resume_side(call, (enum media_side)side, &past[side]);
	return r;
}

/* ---- its legs ---- */

static int make_leg(struct call *call, enum media_side side,
		    struct past_side *past)
{
	static int (*const makers[])(struct leg **, struct gateway *,
				     const struct session_row *) = {
		[SESSION_SIP] = leg_sip_resume,
		[SESSION_JINGLE] = leg_xmpp_resume,
	};
	struct leg *leg;
	int r = past->row->kind == SESSION_ECHO
			? leg_echo_new(&leg)
			: makers[past->row->kind](&leg, call->gateway,
						  past->row);

	if (r)
		return r;
	call->legs[side] = leg;
	leg->call = call;
	leg->side = side;
	leg->answered = true;
	leg->offerer = past->row->offerer;
	leg->local = past->local;
	leg->remote = past->remote;
	past->local = past->remote = NULL;
	return leg->ops->resumed ? leg->ops->resumed(leg) : 0;
}

static int make_legs(struct call *call, struct past_side past[2])
{
	bool first_is_sip = past[0].row->kind == SESSION_SIP;
	enum media_side first = first_is_sip ? MEDIA_SIDE_B : MEDIA_SIDE_A;
	int r = make_leg(call, first, &past[first]);

	return r ? r : make_leg(call, !first, &past[!first]);
}

static bool was_up(const struct session_row *row)
{
	bool known = row->kind == SESSION_SIP || row->kind == SESSION_JINGLE;

	return row->state == SESSION_UP && row->answered_ms &&
	       (row->kind == SESSION_ECHO || (known && row->media.ready));
}

static int resume(struct call *call, struct past_side past[2])
{
	int r = set_past(call, past);

	if (!r)
		r = call_make_timer(call);
	if (!r)
		r = resume_media(call, past);
	if (!r)
		r = make_legs(call, past);
	if (!r)
		r = call_media_map(call);
	if (r)
		return r < 0 ? r : -EINVAL;
	call_media_direct(call);
	call_arm(call);
	/* They are of this process now. */
	call_record_store(call);
	return 0;
}

int call_resume(struct gateway *gateway, const struct session_row *a,
		const struct session_row *b)
{
	struct past_side past[2] = { { .row = a }, { .row = b } };
	struct call *call;

	if (!was_up(a) || !was_up(b))
		return -ENOENT;
	int r = past_read(&past[0], a);
	if (!r)
		r = past_read(&past[1], b);
	if (!r)
		r = call_alloc(&call, gateway);
	if (!r) {
		r = resume(call, past);
		if (r)
			call_free(call);
	}
	past_fini(&past[0]);
	past_fini(&past[1]);
	return r;
}
