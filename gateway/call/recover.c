/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/recover.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "db/cdr.h"
#include "db/session.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/call/call_resume.h"
#include "gateway/call/call_state.h"
#include "gateway/call/cause.h"
#include "gateway/call/fare_row.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_sip.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/trunks.h"
#include "media/bridge.h"
#include "sip/dialog.h"
#include "sip/unanswered.h"
#include "sip/uri.h"
#include "xmpp/jingle.h"
#include "xmpp/jmi.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* A Jingle session, or a proposal, that waits for the stream. Owns its text. */
struct lost_session {
	STAILQ_ENTRY(lost_session) link;
	struct jingle_state state;
	bool initiated; /* by messages (XEP-0353) */
	bool proposed;  /* nothing more than that */
	uint32_t ends;  /* enum session_jmi_end, of what was proposed */
};

/* Of the session table. */
struct lost_row {
	STAILQ_ENTRY(lost_row) link;
	struct session_row *row; /* owned */
};

struct lost_sessions {
	STAILQ_HEAD(, lost_session) jingle;
	STAILQ_HEAD(, lost_row) rows; /* by call and side, while it is read */
	bool unread;                  /* not all of them: no memory */
	unsigned resumed, ended;
	bool told; /* both sides; the rows are dropped */
	struct gateway *gateway;
};

static struct lost_session *lost_free(struct lost_session *lost)
{
	jingle_state_fini(&lost->state);
	free(lost);
	return NULL;
}

/* ---- SIP ---- */

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
	int r = leg_sip_read_state(&state, row);

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

/* Ours is cancelled; the peer's gets a response after which it may call anew at
 * once, by this server or another (RFC 3261, 21.5.4). */
static int end_invite(struct gateway *gateway, const struct session_row *row)
{
	const enum sip_transport transport =
		sip_transport_find(slice_of(row->sip.transport));
	const struct sip_hangup why = { .status = cause_sip_status(
						CAUSE_SHUTDOWN),
					.q850 = cause_q850(CAUSE_LOST),
					.text = cause_text(CAUSE_LOST) };
	struct sip_unanswered kept = {
		.ours = row->sip.uac,
		.invite = text_dup(slice_of(row->sip.invite)),
		.hop = { .addr = row->sip.remote, .transport = transport },
	};
	int r = -ENOMEM;

	if (kept.invite)
		r = transport == SIP_NTRANSPORTS
			    ? -EINVAL
			    : sip_unanswered_end(
				      gateway->agent, &kept,
				      trunks_find(gateway, row->trunk), &why);
	sip_unanswered_fini(&kept);
	return r;
}

static int end_sip(struct gateway *gateway, const struct session_row *row)
{
	if (row->state == SESSION_UP)
		return end_dialog(gateway, row);
	return *row->sip.invite ? end_invite(gateway, row) : 0;
}

/* ---- XMPP ---- */

static int keep_session(struct lost_sessions *all,
			const struct session_row *row)
{
	struct lost_session *lost = calloc(1, sizeof(*lost));

	if (!lost)
		return -ENOMEM;
	lost->initiated = *row->jingle.jmi_id != '\0';
	lost->proposed = !*row->jingle.content_creator;
	lost->ends = row->jingle.ends;
	int r = leg_xmpp_read_state(&lost->state, row);
	if (r) {
		free(lost);
		return r;
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

static void say(struct gateway *gateway, const struct lost_session *lost,
		const char *to, enum jmi_action action)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	const struct jmi_message message = { .action = action,
					     .sid = lost->state.sid,
					     .from = lost->state.local,
					     .to = to,
					     .reason = cause_reason(CAUSE_LOST),
					     .reason_text =
						     cause_text(CAUSE_LOST) };

	if (!jmi_format(&stanza, &message))
		on_send(stanza, gateway);
}

/* Of those that ring, which have a space between, the next; a device is alone,
 * and its resource may have spaces of its own (RFC 7622, 3.4). */
static struct slice next_party(struct slice *rest)
{
	return slice_cut(rest, memchr(rest->p, '/', rest->n) ? '\0' : ' ');
}

/* To all that ring, or to who calls. */
static void end_proposal(struct gateway *gateway,
			 const struct lost_session *lost)
{
	struct slice rest = slice_of(lost->state.remote);

	while (rest.n) {
		char *to = text_dup(next_party(&rest));

		if (!to)
			return;
		say(gateway, lost, to,
		    lost->ends & SESSION_JMI_REJECT ? JMI_REJECT : JMI_RETRACT);
		if (lost->ends & SESSION_JMI_FINISH)
			say(gateway, lost, to, JMI_FINISH);
		free(to);
	}
}

static void end_session(struct gateway *gateway,
			const struct lost_session *lost)
{
	struct jingle *jingle;

	if (!jingle_restore(&jingle, &lost->state, &only_send, gateway)) {
		jingle_terminate(jingle, cause_reason(CAUSE_LOST),
				 cause_text(CAUSE_LOST));
		jingle_free(jingle);
	}
	if (lost->initiated)
		say(gateway, lost, lost->state.remote, JMI_FINISH);
}

void recover_stream_up(struct gateway *gateway)
{
	struct lost_session *lost;

	while ((lost = STAILQ_FIRST(&gateway->lost->jingle))) {
		STAILQ_REMOVE_HEAD(&gateway->lost->jingle, link);
		if (lost->proposed)
			end_proposal(gateway, lost);
		else
			end_session(gateway, lost);
		lost_free(lost);
	}
	/* Not before: who dies while the stream is down is asked again. */
	if (!gateway->lost->told && session_drop_earlier(gateway->db))
		log_warn("event=recovered sessions=not-dropped");
	gateway->lost->told = true;
}

int recover_put_all(struct gateway *gateway)
{
	return gateway->lost && gateway->lost->told
		       ? session_drop_earlier(gateway->db)
		       : 0;
}

/* ---- both ---- */

/* As call_now_ms(). */
static int64_t now_of(const struct session_row *row)
{
	int64_t now_ms = (int64_t)clock_ms();

	return row->started_ms + now_ms -
	       call_begun_ms(row, now_ms, clock_wall_ms());
}

static void close_record(struct lost_sessions *all,
			 const struct session_row *row, int64_t ended_ms)
{
	const struct cdr cdr = {
		.call = row->call,
		.direction = row->inbound  ? CDR_INBOUND
			     : *row->trunk ? CDR_OUTBOUND
					   : CDR_LOCAL,
		.caller = row->caller,
		.callee = row->callee,
		.account = row->account,
		.trunk = row->trunk,
		.started_ms = row->started_ms,
		.ringing_ms = row->ringing_ms,
		.answered_ms = row->answered_ms,
		.ended_ms = ended_ms,
		.cause = cause_name(CAUSE_LOST),
		.q850 = (uint16_t)cause_q850(CAUSE_LOST),
		.ended_by = CDR_END_GATEWAY,
		.push = bill_pushes(all->gateway),
		.caller_name = row->caller_name,
		.verstat = row->verstat,
		.attestation = row->attestation,
		.first_called = row->first_called,
		.diversion = row->diversion,
	};

	/* The rows stay until the stream is up: each start until then finds
	 * the call lost again, but it ended, and is pushed, once. */
	if (cdr_put_first(all->gateway->db, &cdr, NULL, NULL))
		log_warn("call=%s cdr=not-written", row->call);
	bill_record_written(all->gateway);
	log_warn("call=%s event=lost: the process died during it; both sides "
		 "are told",
		 row->call);
}

static int say_end(struct lost_sessions *all, const struct session_row *row)
{
	if (row->kind == SESSION_SIP)
		return end_sip(all->gateway, row);
	return row->kind == SESSION_JINGLE ? keep_session(all, row) : 0;
}

static void end_leg(struct lost_sessions *all, const struct session_row *row)
{
	int r = say_end(all, row);

	if (call_tries_again(row->call, r))
		r = say_end(all, row);
	if (r)
		log_warn("call=%s event=lost r=%d: its peer could not be told",
			 row->call, r);
}

/* A call that goes on, or both sides are told. @b NULL: it has one row. */
static void settle(struct lost_sessions *all, const struct session_row *a,
		   const struct session_row *b)
{
	int r = b ? call_resume(all->gateway, a, b) : -ENOENT;

	all->resumed += !r;
	if (!r)
		return;
	int64_t ended_ms = now_of(a);
	log_info("call=%s event=not-resumed r=%d", a->call, r);
	end_leg(all, a);
	if (b)
		end_leg(all, b);
	close_record(all, a, ended_ms);
	fare_row_lost(all->gateway, a, b, ended_ms);
	all->ended++;
}

/* ---- the table ---- */

/* What it was, the caller's: session_free(). NULL: there is none. */
static struct session_row *take_first(struct lost_sessions *all)
{
	struct lost_row *first = STAILQ_FIRST(&all->rows);
	struct session_row *row = first ? first->row : NULL;

	if (!first)
		return NULL;
	STAILQ_REMOVE_HEAD(&all->rows, link);
	free(first);
	return row;
}

static void drop_rows(struct lost_sessions *all)
{
	while (!STAILQ_EMPTY(&all->rows))
		session_free(take_first(all));
}

/* The other row of the call of @row. */
static struct session_row *take_other(struct lost_sessions *all,
				      const struct session_row *row)
{
	const struct lost_row *next = STAILQ_FIRST(&all->rows);

	return next && !strcmp(next->row->call, row->call) ? take_first(all)
							   : NULL;
}

/* What is settled is not held beside the call that it has become. */
static void settle_all(struct lost_sessions *all)
{
	struct session_row *a, *b;

	while ((a = take_first(all))) {
		b = take_other(all, a);
		settle(all, a, b);
		session_free(a);
		session_free(b);
	}
}

static void on_row(const void *row, void *arg)
{
	struct lost_sessions *all = arg;
	struct lost_row *one = calloc(1, sizeof(*one));

	if (one)
		one->row = session_copy(row);
	if (one && one->row) {
		STAILQ_INSERT_TAIL(&all->rows, one, link);
		return;
	}
	all->unread = true;
	free(one);
}

/* All of it, before anything is begun: who cannot read it ends, and the next
 * process finds it as it was. */
static int read_rows(struct lost_sessions *all)
{
	all->unread = false;
	int r = session_load_all(all->gateway->db, on_row, all);

	if (!r && all->unread)
		r = -ENOMEM;
	if (r)
		drop_rows(all);
	return r;
}

int recover_new(struct gateway *gateway)
{
	struct lost_sessions *all = calloc(1, sizeof(*all));
	uint64_t begun_ms = clock_ms();

	gateway->lost = all;
	if (!all)
		return -ENOMEM;
	all->gateway = gateway;
	STAILQ_INIT(&all->jingle);
	STAILQ_INIT(&all->rows);
	int r = read_rows(all);
	if (call_tries_again("all", r))
		r = read_rows(all);
	if (r)
		return r;
	settle_all(all);
	media_forget(gateway->media);
	if (all->resumed || all->ended)
		log_warn("event=recovered resumed=%u ended=%u took_ms=%llu: "
			 "the process before this one ended during these "
			 "calls; those resumed go on",
			 all->resumed, all->ended,
			 (unsigned long long)(clock_ms() - begun_ms));
	return 0;
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
