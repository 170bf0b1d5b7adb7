/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/face_adhoc.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/admin/adhoc_disco.h"
#include "gateway/admin/adhoc_result.h"
#include "gateway/admin/admin.h"
#include "gateway/admin/face_chat.h"
#include "gateway/admin/run.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"
#include "xmpp/adhoc.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* What a session stands for. */
struct talk {
	struct gateway *gateway;
	struct adhoc_session *session;
	struct run *run;
	struct stanza *asked; /* not answered yet; owned, NULL: none */
};

static void send_reply(struct gateway *gateway, const struct stanza *reply)
{
	if (reply && xmpp_stream_send(gateway->stream, reply))
		log_warn("xmpp=reply not-sent to=%s",
			 log_text(slice_of(stanza_attr(reply, "to"))).s);
}

static void refuse(struct gateway *gateway, const struct stanza *iq,
		   int outcome, const char *text)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	if (outcome < 0 ? !stanza_error_reply(&reply, iq, NULL,
					      "resource-constraint", NULL)
			: !adhoc_error(&reply, iq, outcome, text))
		send_reply(gateway, reply);
}

/* ---- answers ---- */

/* A list may be longer than a stanza can be, which nobody would hear of. */
static void send_answer(struct gateway *gateway, const struct stanza *iq,
			const struct stanza *answer)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = xmpp_stream_send(gateway->stream, answer);

	if (r == XMPP_E_ILLEGAL &&
	    !stanza_error_reply(&reply, iq, NULL, "resource-constraint",
				"This is too long for one answer; ask for "
				"less."))
		send_reply(gateway, reply);
	else if (r)
		log_warn("xmpp=reply not-sent to=%s",
			 log_text(slice_of(stanza_attr(answer, "to"))).s);
}

static struct adhoc_stage stage_of(const struct talk *talk,
				   enum adhoc_status status)
{
	return (struct adhoc_stage){
		.node = run_command(talk->run)->node,
		.sessionid = adhoc_session_id(talk->session),
		.status = status,
		.first = run_is_first(talk->run),
		.last = run_is_last(talk->run),
	};
}

/* The form of now, to @iq. */
static void show_form(struct talk *talk, const struct stanza *iq)
{
	const struct adhoc_stage stage = stage_of(talk, ADHOC_EXECUTING);
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct stanza *command;

	if (adhoc_answer(&reply, &command, iq, &stage))
		return;
	form_print(command, run_form(talk->run));
	if (stanza_ok(reply))
		send_answer(talk->gateway, iq, reply);
	else
		refuse(talk->gateway, iq, -ENOMEM, NULL);
}

/* Done: what it has to say, and the end of the session. */
static void on_done(struct run *run, void *arg)
{
	struct talk *talk = arg;
	const struct adhoc_stage stage = stage_of(talk, ADHOC_COMPLETED);
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct stanza *command;

	if (!adhoc_answer(&reply, &command, talk->asked, &stage)) {
		adhoc_result_print(command, run_command(run)->title,
				   run_answer(run));
		if (stanza_ok(reply) && answer_ok(run_answer(run)))
			send_answer(talk->gateway, talk->asked, reply);
		else
			refuse(talk->gateway, talk->asked, -ENOMEM, NULL);
	}
	talk->asked = stanza_free(talk->asked);
	adhoc_session_close(admin_adhoc(talk->gateway->admin), talk->session);
}

/* What it works at is given up, with the answer that somebody waits for. */
static void answer_pending(struct talk *talk)
{
	const struct adhoc_stage stage = stage_of(talk, ADHOC_CANCELED);
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct stanza *command;

	if (!adhoc_answer(&reply, &command, talk->asked, &stage))
		send_reply(talk->gateway, reply);
	talk->asked = stanza_free(talk->asked);
}

static void free_talk(struct talk *talk)
{
	run_free(talk->run);
	stanza_free(talk->asked);
	free(talk);
}

void face_adhoc_ended(void *arg)
{
	struct talk *talk = arg;

	if (talk->asked)
		answer_pending(talk);
	free_talk(talk);
}

/* ---- requests ---- */

/* The run may be done, and @talk gone, when this returns 0 without a form: so
 * whether there is one is asked of the session table. */
static bool is_alive(struct gateway *gateway, const struct adhoc_request *of,
		     const char *sessionid)
{
	const struct adhoc_request request = { .from = of->from,
					       .node = of->node,
					       .sessionid = sessionid };
	struct adhoc_session *session;

	return !adhoc_session_find(&session, admin_adhoc(gateway->admin),
				   &request, clock_ms());
}

/* The answer to @iq may come later, and by then it is gone. */
static int keep_asked(struct talk *talk, const struct stanza *iq)
{
	talk->asked = stanza_free(talk->asked);
	return stanza_copy(&talk->asked, iq);
}

/* After a step went well: its form is shown; what works, or is done, sees to
 * itself. */
static void show_step(struct gateway *gateway, struct talk *talk,
		      const char *sessionid,
		      const struct adhoc_request *request,
		      const struct stanza *iq)
{
	if (!is_alive(gateway, request, sessionid) || !run_form(talk->run))
		return;
	talk->asked = stanza_free(talk->asked);
	show_form(talk, iq);
}

static void begin(struct gateway *gateway, const struct adhoc_request *request,
		  const struct command *command, const struct actor *actor,
		  const struct stanza *iq)
{
	struct adhoc_sessions *sessions = admin_adhoc(gateway->admin);
	struct talk *talk = calloc(1, sizeof(*talk));
	char id[ADHOC_SESSIONID_CAP];
	int r = talk ? run_new(&talk->run, gateway, command, actor, on_done,
			       talk)
		     : -ENOMEM;

	if (!r) {
		talk->gateway = gateway;
		r = keep_asked(talk, iq);
	}
	if (!r)
		r = adhoc_session_open(&talk->session, sessions, request, talk,
				       clock_ms());
	if (r) {
		if (talk)
			free_talk(talk);
		refuse(gateway, iq, r, NULL);
		return;
	}
	memcpy(id, adhoc_session_id(talk->session), sizeof(id));
	r = run_start(talk->run);
	if (r) {
		talk->asked = stanza_free(talk->asked);
		adhoc_session_close(sessions, talk->session);
		refuse(gateway, iq, r, NULL);
		return;
	}
	show_step(gateway, talk, id, request, iq);
}

static void cancel(struct talk *talk, const struct stanza *iq)
{
	const struct adhoc_stage stage = stage_of(talk, ADHOC_CANCELED);
	struct gateway *gateway = talk->gateway;
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct stanza *command;

	if (!adhoc_answer(&reply, &command, iq, &stage))
		send_reply(gateway, reply);
	adhoc_session_close(admin_adhoc(gateway->admin), talk->session);
}

/* Gajim does not send what was emptied (nbxmpp 4.2, DataForm.get_purged()): a
 * hyphen is nothing, as where it is typed. 0, -ENOMEM. */
static int take_hyphens(struct form_values *values, const struct form *form)
{
	int r = 0;

	for (size_t i = 0; form && values && !r && i < form_count(form); i++) {
		const struct form_spec *spec =
			form_field_spec(form_at(form, i));
		const char *value = form_value(values, spec->var, 0);

		if (value && !strcmp(value, "-") &&
		    !form_value(values, spec->var, 1))
			r = form_values_clear(values, spec->var);
	}
	return r;
}

/* What was filled in; nothing is none. *@out is owned by the caller. 0,
 * ADHOC_E_BAD_PAYLOAD, -ENOMEM. */
static int read_values(struct form_values **out, const struct talk *talk,
		       const struct adhoc_request *request)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	int r = form_values_parse(&values, request->command);

	if (r == FORM_E_NONE)
		r = form_values_new(&values);
	if (!r)
		r = take_hyphens(values, run_form(talk->run));
	if (r)
		return r < 0 ? r : ADHOC_E_BAD_PAYLOAD;
	*out = values;
	values = NULL;
	return 0;
}

/* One step forward with what was filled in. 0, ADHOC_E_*, -ENOMEM. */
static int submit(struct talk *talk, const struct adhoc_request *request,
		  const char **text)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	int r = read_values(&values, talk, request);

	if (r)
		return r;
	r = run_submit(talk->run, values);
	if (r == RUN_E_INVALID)
		*text = run_mistake(talk->run)->text;
	return r == RUN_E_INVALID     ? ADHOC_E_BAD_PAYLOAD
	       : r == RUN_E_FORBIDDEN ? ADHOC_E_NOT_FOUND
	       : r == RUN_E_BUSY      ? ADHOC_E_BAD_ACTION
				      : r;
}

/* It goes on as a conversation with the device that asked, which can stop it
 * there. */
static int begin_conversation(struct talk *talk, const struct actor *actor,
			      const struct adhoc_request *request,
			      const struct form_values *values)
{
	const struct adhoc_stage stage = stage_of(talk, ADHOC_COMPLETED);
	AUTO(answer_freep) struct answer *answer = NULL;
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct gateway *gateway = talk->gateway;
	struct stanza *command;
	int r = answer_new(&answer);

	if (!r)
		r = adhoc_answer(&reply, &command, talk->asked, &stage);
	if (r)
		return r;
	answer_info(answer,
		    "It goes on as messages from %s. To stop it, write: stop",
		    gateway->config->xmpp.domain);
	adhoc_result_print(command, run_command(talk->run)->title, answer);
	send_answer(gateway, talk->asked, reply);
	talk->asked = stanza_free(talk->asked);
	r = face_chat_begin(gateway, actor, run_command(talk->run),
			    request->from, values);
	adhoc_session_close(admin_adhoc(gateway->admin), talk->session);
	if (r)
		log_warn("command=not-begun r=%d", r);
	return 0;
}

/* A live command was told all. 0, ADHOC_E_*, -ENOMEM. */
static int converse(struct talk *talk, const struct actor *actor,
		    const struct adhoc_request *request,
		    struct form_mistake *mistake)
{
	AUTO(form_values_freep) struct form_values *values = NULL;
	int r = read_values(&values, talk, request);

	if (r)
		return r;
	r = form_check(run_form(talk->run), values, mistake);
	if (r)
		return r < 0 ? r : ADHOC_E_BAD_PAYLOAD;
	return begin_conversation(talk, actor, request, values);
}

static bool form_is_cancelled(const struct adhoc_request *request)
{
	AUTO(form_values_freep) struct form_values *values = NULL;

	return form_values_parse(&values, request->command) == FORM_E_CANCEL;
}

/* An earlier request may still be waiting for what it works at. */
static void refuse_step(struct talk *talk, const struct stanza *iq, int outcome,
			const char *text)
{
	if (run_form(talk->run))
		talk->asked = stanza_free(talk->asked);
	refuse(talk->gateway, iq, outcome, text);
}

static void go_on(struct talk *talk, const struct actor *actor,
		  const struct adhoc_request *request, const struct stanza *iq)
{
	const struct adhoc_stage stage = stage_of(talk, ADHOC_EXECUTING);
	struct gateway *gateway = talk->gateway;
	enum adhoc_action action;
	struct form_mistake mistake = { .text = "" };
	const char *text = NULL;
	char id[ADHOC_SESSIONID_CAP];
	int r = adhoc_resolve(&action, request->action, &stage);

	memcpy(id, stage.sessionid, sizeof(id));
	if (!r && (action == ADHOC_CANCEL || form_is_cancelled(request))) {
		cancel(talk, iq);
		return;
	}
	if (!r && !run_form(talk->run))
		r = ADHOC_E_BAD_ACTION; /* it works at the last one */
	if (!r)
		r = keep_asked(talk, iq);
	if (!r && action != ADHOC_PREV && run_command(talk->run)->live &&
	    run_is_last(talk->run)) {
		r = converse(talk, actor, request, &mistake);
		if (r)
			refuse_step(talk, iq, r,
				    *mistake.text ? mistake.text : NULL);
		return;
	}
	if (!r)
		r = action == ADHOC_PREV ? run_back(talk->run)
					 : submit(talk, request, &text);
	if (r)
		refuse_step(talk, iq, r, text);
	else
		show_step(gateway, talk, id, request, iq);
}

static void on_command(struct gateway *gateway, const struct actor *actor,
		       const struct stanza *iq)
{
	const struct command *command;
	struct adhoc_session *session = NULL;
	struct adhoc_request request;
	int r = adhoc_parse(&request, iq);

	command = r == ADHOC_E_REQUEST ? NULL : command_of_node(request.node);
	if (r != ADHOC_E_REQUEST &&
	    (!command || !role_may(actor, command->need)))
		r = ADHOC_E_NOT_FOUND; /* as one that there is not */
	if (!r && request.sessionid)
		r = adhoc_session_find(&session, admin_adhoc(gateway->admin),
				       &request, clock_ms());
	else if (!r && request.action != ADHOC_EXECUTE)
		r = ADHOC_E_BAD_ACTION; /* of no session */
	if (r) {
		refuse(gateway, iq, r, NULL);
		return;
	}
	if (!session) {
		begin(gateway, &request, command, actor, iq);
		return;
	}
	struct talk *talk = adhoc_session_arg(session);
	run_refresh(talk->run, actor);
	go_on(talk, actor, &request, iq);
}

/* Whether the node is ours to answer for. */
static bool on_disco(struct gateway *gateway, const struct actor *actor,
		     const struct stanza *iq)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = adhoc_disco(&reply, iq, actor);

	if (r < 0)
		refuse(gateway, iq, r, NULL);
	else if (!r)
		send_reply(gateway, reply);
	return r != ADHOC_DISCO_E_OTHER;
}

bool face_adhoc_take(struct gateway *gateway, const struct stanza *iq)
{
	bool disco = adhoc_disco_is(iq);
	const char *from = stanza_attr(iq, "from");
	struct actor actor;

	if ((!disco && !adhoc_is_command(iq)) ||
	    !role_may_anything(gateway, from) ||
	    !role_actor(&actor, gateway, from, "ad-hoc"))
		return false;
	if (disco)
		return on_disco(gateway, &actor, iq);
	on_command(gateway, &actor, iq);
	return true;
}
