/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP in the session table, and from there in another process: the
 * same sid and full JIDs (XEP-0166), and the device is not told.
 */
#include <stdio.h>
#include <stdlib.h>

#include "db/session.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"

/* As in xmpp_hangup_now(). */
static uint32_t ends_of(const struct leg_xmpp *xmpp)
{
	uint32_t ends = 0;

	if (xmpp->caller || xmpp->calls_back)
		ends |= SESSION_JMI_REJECT;
	if (xmpp->state == XMPP_LEG_PROCEEDED)
		ends |= SESSION_JMI_FINISH;
	return ends;
}

/* The device, or who rings. *@out is owned by the caller. 0 or -ENOMEM. */
static int remotes(char **out, const struct leg_xmpp *xmpp)
{
	const struct xmpp_target *target;
	size_t n;
	FILE *f = open_memstream(out, &n);

	if (!f)
		return -ENOMEM;
	if (xmpp->peer)
		fputs(xmpp->peer, f);
	LIST_FOREACH(target, &xmpp->targets, entry) {
		if (!xmpp->peer && target->state == XMPP_TARGET_OPEN)
			fprintf(f, "%s%s", ftell(f) ? " " : "", target->bare);
	}
	if (!fclose(f))
		return 0;
	free(*out);
	*out = NULL;
	return -ENOMEM;
}

static int put_row(struct leg_xmpp *xmpp, struct session_row *row,
		   const struct jingle_state *state)
{
	char *remote;
	int r = remotes(&remote, xmpp);

	if (r)
		return r;
	row->kind = SESSION_JINGLE;
	row->jingle = (struct session_jingle){
		.sid = xmpp->sid,
		.jmi_id = xmpp->initiated ? xmpp->sid : "",
		.local_jid = xmpp->local,
		.remote_jid = remote,
		.ends = row->state == SESSION_SETUP ? ends_of(xmpp) : 0,
		.initiator = state->initiator,
		.content_name = state->mid,
		.content_creator = state->creator,
	};
	r = call_record_put(xmpp->leg.call, row);
	free(remote);
	return r;
}

int xmpp_store(struct leg *leg, struct session_row *row)
{
	struct leg_xmpp *xmpp = xmpp_of(leg);
	struct jingle_state state = { 0 };
	int r = xmpp->jingle ? jingle_save(xmpp->jingle, &state) : 1;

	if (r < 0)
		return r;
	if (r)
		row->state = SESSION_SETUP;
	r = put_row(xmpp, row, &state);
	jingle_state_fini(&state);
	return r;
}

static char *as_text(const struct db_secret *secret)
{
	return text_dup(
		(struct slice){ (const char *)secret->octets, secret->n });
}

int leg_xmpp_read_state(struct jingle_state *out, const struct session_row *row)
{
	const struct session_jingle *jingle = &row->jingle;

	*out = (struct jingle_state){
		.sid = text_dup(slice_of(jingle->sid)),
		.local = text_dup(slice_of(jingle->local_jid)),
		.remote = text_dup(slice_of(jingle->remote_jid)),
		.mid = text_dup(slice_of(jingle->content_name)),
		.creator = text_dup(slice_of(jingle->content_creator)),
		.initiator = jingle->initiator,
		.local_ufrag = text_dup(slice_of(row->media.local_ufrag)),
		.local_pwd = as_text(&row->media.local_pwd),
		.remote_ufrag = text_dup(slice_of(row->media.remote_ufrag)),
		.remote_pwd = as_text(&row->media.remote_pwd),
	};
	if (out->sid && out->local && out->remote && out->mid && out->creator &&
	    out->local_ufrag && out->local_pwd && out->remote_ufrag &&
	    out->remote_pwd)
		return 0;
	jingle_state_fini(out);
	return -ENOMEM;
}

static int restore_session(struct leg_xmpp *xmpp, const struct session_row *row)
{
	struct jingle_state state;
	int r = leg_xmpp_read_state(&state, row);

	if (r)
		return r;
	r = jingle_restore(&xmpp->jingle, &state, &xmpp_session_handlers, xmpp);
	jingle_state_fini(&state);
	return r;
}

/* Whoever has the call is there: nobody else of those who rang is. */
int leg_xmpp_resume(struct leg **out, struct gateway *gateway,
		    const struct session_row *row)
{
	const struct session_jingle *jingle = &row->jingle;
	struct leg_xmpp *xmpp = xmpp_leg_new(gateway, jingle->local_jid);

	if (!xmpp)
		return -ENOMEM;
	xmpp->caller = row->side == SESSION_SIDE_A;
	xmpp->initiated = *jingle->jmi_id != '\0';
	xmpp->state = XMPP_LEG_SESSION;
	xmpp->rung = xmpp->ringing = xmpp->heard = true;
	int r = text_set(xmpp->sid, sizeof(xmpp->sid), jingle->sid) ? -EINVAL
								    : 0;
	if (!r)
		r = xmpp_set_peer(xmpp, jingle->remote_jid);
	if (!r)
		r = xmpp_target_add(xmpp, xmpp->sid, jingle->remote_jid);
	if (!r)
		r = restore_session(xmpp, row);
	if (r) {
		xmpp->leg.ops->free(&xmpp->leg);
		return r;
	}
	*out = &xmpp->leg;
	return 0;
}
