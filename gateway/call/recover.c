/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/recover.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "db/cdr.h"
#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "gateway/call/cause.h"
#include "gateway/gateway.h"
#include "gateway/route/trunks.h"
#include "sip/dialog.h"
#include "sip/uri.h"
#include "xmpp/jingle.h"
#include "xmpp/jmi.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* A Jingle session that waits for the stream. Owns its text. */
struct lost_session {
	STAILQ_ENTRY(lost_session) link;
	struct jingle_state state;
	bool initiated; /* by messages (XEP-0353) */
};

struct lost_sessions {
	STAILQ_HEAD(, lost_session) jingle;
	char call[CALL_NAME_CAP]; /* of the row before: rows come by call */
	bool told;                /* both sides; the rows are dropped */
	struct gateway *gateway;
};

static struct lost_session *lost_free(struct lost_session *lost)
{
	jingle_state_fini(&lost->state);
	free(lost);
	return NULL;
}

/* ---- SIP ---- */

static int copy_dialog(struct sip_dialog_state *out,
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
		.local_cseq = sip->local_cseq,
		.remote_cseq = sip->remote_cseq,
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

static void on_dialog_ended(const struct sip_end *end, void *arg)
{
	(void)end;
	(void)arg;
}

/* The dialog lives no longer than its BYE. */
static const struct sip_dialog_handlers no_handlers = {
	.ended = on_dialog_ended,
};

static int end_dialog(struct gateway *gateway, const struct session_row *row)
{
	struct sip_dialog_state state;
	struct sip_dialog *dialog;
	int r = copy_dialog(&state, row);

	if (r)
		return r;
	r = sip_dialog_restore(&dialog, gateway->agent, &state,
			       trunks_find(gateway, row->trunk), &no_handlers,
			       gateway);
	sip_dialog_state_fini(&state);
	if (r)
		return r < 0 ? r : -EHOSTUNREACH;
	sip_dialog_hangup(
		dialog, &(struct sip_hangup){ .q850 = cause_q850(CAUSE_LOST),
					      .text = cause_text(CAUSE_LOST) });
	sip_dialog_free(dialog);
	return 0;
}

/* ---- XMPP ---- */

static bool has_all_text(const struct jingle_state *state)
{
	return state->sid && state->local && state->remote && state->mid &&
	       state->creator && state->local_ufrag && state->local_pwd &&
	       state->remote_ufrag && state->remote_pwd;
}

static int keep_session(struct lost_sessions *all,
			const struct session_row *row)
{
	const struct session_jingle *jingle = &row->jingle;
	struct lost_session *lost = calloc(1, sizeof(*lost));

	if (!lost)
		return -ENOMEM;
	lost->initiated = *jingle->jmi_id != '\0';
	lost->state = (struct jingle_state){
		.sid = text_dup(slice_of(jingle->sid)),
		.local = text_dup(slice_of(jingle->local_jid)),
		.remote = text_dup(slice_of(jingle->remote_jid)),
		.mid = text_dup(slice_of(jingle->content_name)),
		.creator = text_dup(slice_of(jingle->content_creator)),
		.initiator = jingle->initiator,
		.local_ufrag = text_dup(slice_of("")),
		.local_pwd = text_dup(slice_of("")),
		.remote_ufrag = text_dup(slice_of("")),
		.remote_pwd = text_dup(slice_of("")),
	};
	if (!has_all_text(&lost->state)) {
		lost_free(lost);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&all->jingle, lost, link);
	return 0;
}

static void on_send(struct stanza *stanza, void *arg)
{
	const struct gateway *gateway = arg;

	if (xmpp_stream_send(gateway->stream, stanza))
		log_debug("xmpp=terminate not-sent");
}

static const struct jingle_handlers only_send = { .send = on_send };

static void end_session(struct gateway *gateway,
			const struct lost_session *lost)
{
	AUTO(stanza_freep) struct stanza *finish = NULL;
	const enum reason reason = cause_reason(CAUSE_LOST);
	const char *text = cause_text(CAUSE_LOST);
	const struct jmi_message message = { .action = JMI_FINISH,
					     .sid = lost->state.sid,
					     .from = lost->state.local,
					     .to = lost->state.remote,
					     .reason = reason,
					     .reason_text = text };
	struct jingle *jingle;

	if (!jingle_restore(&jingle, &lost->state, &only_send, gateway)) {
		jingle_terminate(jingle, reason, text);
		jingle_free(jingle);
	}
	if (lost->initiated && !jmi_format(&finish, &message))
		on_send(finish, gateway);
}

void recover_stream_up(struct gateway *gateway)
{
	struct lost_session *lost;

	while ((lost = STAILQ_FIRST(&gateway->lost->jingle))) {
		STAILQ_REMOVE_HEAD(&gateway->lost->jingle, link);
		end_session(gateway, lost);
		lost_free(lost);
	}
	/* Not before: who dies while the stream is down is asked again. */
	if (!gateway->lost->told && session_drop_earlier(gateway->db))
		log_warn("event=recovered sessions=not-dropped");
	gateway->lost->told = true;
}

/* ---- both ---- */

static void close_record(struct lost_sessions *all,
			 const struct session_row *row)
{
	/* The leg that is not SIP's may be the echo's, which has no row. */
	bool caller = row->side == SESSION_SIDE_A;
	bool inbound = (row->kind == SESSION_SIP) == caller;
	const struct cdr cdr = {
		.call = row->call,
		.direction = inbound       ? CDR_INBOUND
			     : *row->trunk ? CDR_OUTBOUND
					   : CDR_LOCAL,
		.caller = inbound ? row->number : row->account,
		.callee = inbound ? row->account : row->number,
		.account = row->account,
		.trunk = row->trunk,
		.started_ms = row->started_ms,
		.answered_ms = row->answered_ms,
		.ended_ms = clock_wall_ms(),
		.cause = cause_name(CAUSE_LOST),
		.q850 = (uint16_t)cause_q850(CAUSE_LOST),
		.ended_by = CDR_END_GATEWAY,
	};

	if (cdr_put(all->gateway->db, &cdr, NULL, NULL))
		log_warn("call=%s cdr=not-written", row->call);
	log_warn("call=%s event=lost: the process died during it; both sides "
		 "are told",
		 row->call);
}

static void on_row(const struct session_row *row, void *arg)
{
	struct lost_sessions *all = arg;
	int r = 0;

	if (row->kind == SESSION_SIP && row->state == SESSION_UP)
		r = end_dialog(all->gateway, row);
	else if (row->kind == SESSION_JINGLE)
		r = keep_session(all, row);
	if (r)
		log_warn("call=%s event=lost r=%d: its peer could not be told",
			 row->call, r);
	if (strcmp(all->call, row->call) != 0 &&
	    !text_set(all->call, sizeof(all->call), row->call))
		close_record(all, row);
}

int recover_new(struct gateway *gateway)
{
	struct lost_sessions *all = calloc(1, sizeof(*all));

	gateway->lost = all;
	if (!all)
		return -ENOMEM;
	all->gateway = gateway;
	STAILQ_INIT(&all->jingle);
	return session_load_all(gateway->db, on_row, all);
}

void recover_free(struct gateway *gateway)
{
	struct lost_session *lost;

	if (!gateway->lost)
		return;
	while ((lost = STAILQ_FIRST(&gateway->lost->jingle))) {
		STAILQ_REMOVE_HEAD(&gateway->lost->jingle, link);
		lost_free(lost);
	}
	free(gateway->lost);
	gateway->lost = NULL;
}
