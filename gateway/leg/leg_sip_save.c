/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over SIP in the session table, and from there in another process. The
 * dialog needs no request to go on (RFC 3261, 12): nobody is told.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip_state.h"
#include "gateway/route/trunks.h"
#include "sip/identity.h"
#include "sip/unanswered.h"
#include "sip/uri.h"

/* The last requests may not have been in the table yet; gaps are allowed
 * (RFC 3261, 12.2.2). */
enum { CSEQ_AHEAD = 32, SDP_ID_CAP = sizeof("18446744073709551615") };

/* To a second, or it would be another each time that it is asked. */
static int64_t timer_next_ms(const struct sip_dialog_state *state)
{
	if (!state->session_expires_s)
		return 0;
	return ((int64_t)clock_ms() + state->session_left_ms) / MS_PER_S *
	       MS_PER_S;
}

/* Not answered yet: there is an INVITE to end, not a dialog to go on with. */
static int store_unanswered(const struct leg_sip *sip, struct session_row *row)
{
	struct sip_unanswered kept;
	int r = sip_unanswered_save(sip->dialog, &kept);

	if (r)
		return r;
	row->state = SESSION_SETUP;
	row->sip = (struct session_sip){
		.uac = kept.ours,
		.invite = kept.invite,
		.transport = sip_transport_name(kept.hop.transport),
		.remote = kept.hop.addr,
	};
	r = call_record_put(sip->leg.call, row);
	sip_unanswered_fini(&kept);
	return r;
}

/* To be gone on with, or to be ended by BYE where the other side is not up. */
static int store_dialog(const struct leg_sip *sip, struct session_row *row)
{
	struct sip_dialog_state state;
	char sdp_id[SDP_ID_CAP];
	int r = sip_dialog_save(sip->dialog, &state);

	if (r)
		return r;
	row->state = SESSION_UP;
	r = text_format(sdp_id, sizeof(sdp_id), "%" PRIu64, state.sdp_id);
	row->sip = (struct session_sip){
		.uac = state.uac,
		.call_id = state.call_id,
		.local_tag = state.local_tag,
		.remote_tag = state.remote_tag,
		.local_uri = state.local,
		.remote_uri = state.remote,
		.remote_target = state.remote_target,
		.contact = state.contact,
		.route_set = state.route,
		.transport = sip_transport_name(state.transport),
		.remote = state.peer,
		.local_cseq = state.local_cseq,
		.remote_cseq = state.remote_cseq,
		.timer_interval_s = state.session_expires_s,
		.timer_ours = state.we_refresh,
		.timer_next_ms = timer_next_ms(&state),
		.sdp_id = sdp_id,
		.sdp_version = state.sdp_version,
		.self = sip->self,
	};
	if (!r)
		r = call_record_put(sip->leg.call, row);
	sip_dialog_state_fini(&state);
	return r;
}

/* A peer's INVITE may be either, just before its answer. */
int leg_sip_store(struct leg *leg, struct session_row *row)
{
	const struct leg_sip *sip = sip_of(leg);
	bool setup = row->state == SESSION_SETUP;
	int r = SIP_E_STATE;

	row->kind = SESSION_SIP;
	if (sip->trunk)
		row->trunk = sip_trunk_name(sip->trunk);
	if (sip->dialog)
		r = setup ? store_unanswered(sip, row) : store_dialog(sip, row);
	if (sip->dialog && r == SIP_E_STATE)
		r = setup ? store_dialog(sip, row) : store_unanswered(sip, row);
	if (r != SIP_E_STATE)
		return r;
	/* Nobody has heard of it there: it has a record at least. */
	row->state = SESSION_SETUP;
	return call_record_put(leg->call, row);
}

/* Of another run of the machine nobody knows: soon. */
static int64_t session_left_ms(const struct session_row *row)
{
	enum { SOON_PART = 4 };
	const struct session_sip *sip = &row->sip;

	if (row->same_boot)
		return sip->timer_next_ms - (int64_t)clock_ms();
	return (int64_t)sip->timer_interval_s * MS_PER_S / SOON_PART;
}

int leg_sip_read_state(struct sip_dialog_state *out,
		       const struct session_row *row)
{
	const struct session_sip *sip = &row->sip;
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{ &out->call_id, sip->call_id },
		{ &out->local_tag, sip->local_tag },
		{ &out->remote_tag, sip->remote_tag },
		{ &out->local, sip->local_uri },
		{ &out->remote, sip->remote_uri },
		{ &out->remote_target, sip->remote_target },
		{ &out->route, sip->route_set },
		{ &out->contact, sip->contact },
		{ &out->trunk, row->trunk },
	};
	enum sip_transport transport =
		sip_transport_find(slice_of(sip->transport));

	*out = (struct sip_dialog_state){
		.uac = sip->uac,
		.transport = transport == SIP_NTRANSPORTS ? SIP_UDP : transport,
		.peer = sip->remote,
		.local_cseq =
			sip->local_cseq ? sip->local_cseq + CSEQ_AHEAD : 0,
		.remote_cseq = sip->remote_cseq,
		.sdp_id = strtoull(sip->sdp_id, NULL, 10),
		.sdp_version = sip->sdp_version,
		.session_expires_s = sip->timer_interval_s,
		.session_left_ms = session_left_ms(row),
		.we_refresh = sip->timer_ours,
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		*texts[i].to = text_dup(slice_of(texts[i].from));
		if (!*texts[i].to) {
			sip_dialog_state_fini(out);
			return -ENOMEM;
		}
	}
	return 0;
}

static int restore_dialog(struct leg_sip *sip, const struct session_row *row)
{
	struct sip_dialog_state state;
	int r = leg_sip_read_state(&state, row);

	if (r)
		return r;
	state.policy = sip->policy;
	r = sip_dialog_restore(&sip->dialog, sip->gateway->agent, &state,
			       sip->trunk, &leg_sip_handlers, &sip->leg);
	sip_dialog_state_fini(&state);
	return r > 0 ? -EHOSTUNREACH : r;
}

int leg_sip_resume(struct leg **out, struct gateway *gateway,
		   const struct session_row *row)
{
	struct leg_sip *sip = leg_sip_alloc(gateway);

	if (!sip)
		return -ENOMEM;
	sip->trunk = trunks_find(gateway, row->trunk);
	sip->config = config_find_trunk(gateway->config, row->trunk);
	trunks_policy(&sip->policy, sip->config);
	sip->confirmed = true;
	sip->hidden = row->sip.local_uri &&
		      strstr(row->sip.local_uri, SIP_ANONYMOUS_HOST);
	sip->self = text_dup(slice_of(row->sip.self));
	int r = sip->self ? 0 : -ENOMEM;
	if (!r && *row->trunk && (!sip->trunk || !sip->config))
		r = -ENOENT;
	if (!r)
		r = restore_dialog(sip, row);
	if (r) {
		leg_sip_ops.free(&sip->leg);
		return r;
	}
	*out = &sip->leg;
	return 0;
}

int leg_sip_resumed(struct leg *leg)
{
	return sip_dialog_describe(sip_of(leg)->dialog, leg->local);
}
