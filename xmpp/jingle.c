/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * XEP-0166, 6 and 7: the session and its table of actions. An iq is answered
 * exactly once, before anything is done about it: Conversations takes an error,
 * or no answer, for the end of the call.
 */
#include "xmpp/jingle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "xmpp/jid.h"
#include "xmpp/jingle_desc.h"
#include "xmpp/jingle_session.h"

typedef void (*act_fn)(struct jingle *jingle, const struct jingle_event *e);

/* What is not in the table is out of order (XEP-0166, 10). */
static const struct {
	act_fn act;
	enum jingle_phase next;
} actions[JINGLE_NPHASES][JINGLE_NACTIONS] = {
	[JINGLE_IDLE] = {
		[JINGLE_SESSION_INITIATE] = { jingle_on_initiate,
					      JINGLE_INVITED },
		/* it was proposed (XEP-0353), and is not wanted any more */
		[JINGLE_SESSION_TERMINATE] = { jingle_on_terminate,
					       JINGLE_ENDED },
	},
	[JINGLE_OFFERED] = {
		[JINGLE_CONTENT_ADD] = { jingle_on_add, JINGLE_OFFERED },
		[JINGLE_CONTENT_MODIFY] = { jingle_on_modify, JINGLE_OFFERED },
		[JINGLE_CONTENT_REMOVE] = { jingle_on_remove, JINGLE_OFFERED },
		[JINGLE_DESCRIPTION_INFO] = { jingle_on_nothing,
					      JINGLE_OFFERED },
		[JINGLE_SESSION_ACCEPT] = { jingle_on_accept, JINGLE_ACTIVE },
		[JINGLE_SESSION_INFO] = { jingle_on_info, JINGLE_OFFERED },
		[JINGLE_SESSION_TERMINATE] = { jingle_on_terminate,
					       JINGLE_ENDED },
		[JINGLE_TRANSPORT_INFO] = { jingle_on_transport,
					    JINGLE_OFFERED },
		[JINGLE_TRANSPORT_REPLACE] = { jingle_on_replace,
					       JINGLE_OFFERED },
	},
	[JINGLE_INVITED] = {
		[JINGLE_CONTENT_ADD] = { jingle_on_add, JINGLE_INVITED },
		[JINGLE_CONTENT_MODIFY] = { jingle_on_modify, JINGLE_INVITED },
		[JINGLE_CONTENT_REMOVE] = { jingle_on_remove, JINGLE_INVITED },
		[JINGLE_DESCRIPTION_INFO] = { jingle_on_nothing,
					      JINGLE_INVITED },
		[JINGLE_SESSION_INFO] = { jingle_on_info, JINGLE_INVITED },
		[JINGLE_SESSION_TERMINATE] = { jingle_on_terminate,
					       JINGLE_ENDED },
		[JINGLE_TRANSPORT_INFO] = { jingle_on_transport,
					    JINGLE_INVITED },
		[JINGLE_TRANSPORT_REPLACE] = { jingle_on_replace,
					       JINGLE_INVITED },
	},
	[JINGLE_ACTIVE] = {
		[JINGLE_CONTENT_ADD] = { jingle_on_add, JINGLE_ACTIVE },
		[JINGLE_CONTENT_MODIFY] = { jingle_on_modify, JINGLE_ACTIVE },
		[JINGLE_CONTENT_REMOVE] = { jingle_on_remove, JINGLE_ACTIVE },
		[JINGLE_DESCRIPTION_INFO] = { jingle_on_nothing,
					      JINGLE_ACTIVE },
		[JINGLE_SESSION_INFO] = { jingle_on_info, JINGLE_ACTIVE },
		[JINGLE_SESSION_TERMINATE] = { jingle_on_terminate,
					       JINGLE_ENDED },
		[JINGLE_TRANSPORT_INFO] = { jingle_on_transport,
					    JINGLE_ACTIVE },
		[JINGLE_TRANSPORT_REPLACE] = { jingle_on_replace,
					       JINGLE_ACTIVE },
	},
	[JINGLE_ENDED] = {
		/* both ended it at once, or a resumed stream says it again */
		[JINGLE_SESSION_TERMINATE] = { jingle_on_nothing,
					       JINGLE_ENDED },
	},
};

static const struct jingle_fault bad_request = { "bad-request", NULL };
static const struct jingle_fault unknown_session = { "item-not-found",
						     "unknown-session" };
static const struct jingle_fault out_of_order = { "unexpected-request",
						  "out-of-order" };
static const struct jingle_fault tie_break = { "conflict", "tie-break" };
/* XEP-0166, 7.2.8: its preconditions would change, and cannot. */
static const struct jingle_fault no_security_info = { "feature-not-implemented",
						      NULL };

/* Answers. */

static int make_fault(struct stanza **out, const struct stanza *iq,
		      const struct jingle_fault *fault)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = stanza_error_reply(&reply, iq, NULL, fault->condition, NULL);

	if (r)
		return r;
	if (fault->detail)
		stanza_child(stanza_find(reply, "error", NULL), fault->detail,
			     JINGLE_NS_ERRORS);
	if (!stanza_ok(reply))
		return -ENOMEM;
	*out = reply;
	reply = NULL;
	return 0;
}

static bool is_sid(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	if (!n || n > JINGLE_SID_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return true;
}

int jingle_unknown(struct stanza **reply, const struct stanza *iq)
{
	const struct stanza *jingle = stanza_find(iq, "jingle", JINGLE_NS);
	const char *action = stanza_attr(jingle, "action");
	bool wellformed = is_sid(stanza_attr(jingle, "sid")) &&
			  jingle_action_parse(action) < JINGLE_NACTIONS;

	return make_fault(reply, iq,
			  wellformed ? &unknown_session : &bad_request);
}

int jingle_tie(struct stanza **reply, const struct stanza *iq)
{
	return make_fault(reply, iq, &tie_break);
}

static void answer(struct jingle *jingle, const struct stanza *iq,
		   const struct jingle_fault *fault)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	int r = fault ? make_fault(&reply, iq, fault)
		      : stanza_result(&reply, iq);

	if (!r)
		jingle->handlers->send(reply, jingle->arg);
	else
		log_error("jingle=%s answer=none r=%d", jingle->sid, r);
}

/* Receiving. */

static bool is_from_peer(const struct jingle *jingle, const struct stanza *iq,
			 enum jingle_action action)
{
	const char *from = stanza_attr(iq, "from");

	if (action == JINGLE_SESSION_TERMINATE)
		return jid_same_bare(from, jingle->remote);
	return jid_same(from, jingle->remote);
}

/* Why @action cannot be taken now; NULL: it can. */
static const struct jingle_fault *check_phase(const struct jingle *jingle,
					      enum jingle_action action)
{
	if (actions[jingle->phase][action].act)
		return NULL;
	if (jingle->phase == JINGLE_ENDED)
		return &unknown_session;
	/* XEP-0166, 7.2.10: both begin the same session; ours goes on */
	if (jingle->phase == JINGLE_OFFERED &&
	    action == JINGLE_SESSION_INITIATE)
		return &tie_break;
	if (action == JINGLE_SECURITY_INFO && jingle->phase != JINGLE_IDLE)
		return &no_security_info;
	return &out_of_order;
}

static void act(struct jingle *jingle, const struct jingle_event *e)
{
	act_fn fn = actions[jingle->phase][e->action].act;

	jingle_enter(jingle, actions[jingle->phase][e->action].next);
	fn(jingle, e);
}

/* The peer is told nothing; we are. */
static void end(struct jingle *jingle, enum reason reason, const char *text)
{
	jingle_enter(jingle, JINGLE_ENDED);
	jingle->handlers->ended(reason, text, jingle->arg);
}

/* An offer that cannot be read: there is no session, and its owner knows. */
static void refuse_offer(struct jingle *jingle, const struct jingle_event *e)
{
	if (jingle->phase == JINGLE_IDLE &&
	    e->action == JINGLE_SESSION_INITIATE)
		end(jingle, REASON_FAILED_APPLICATION, "malformed offer");
}

static void take(struct jingle *jingle, const struct stanza *iq,
		 struct jingle_event *e)
{
	const char *id = stanza_attr(iq, "id");
	const struct jingle_seen *seen =
		id ? jingle_seen_find(jingle, id, e) : NULL;

	if (seen) {
		log_debug("jingle=%s repeated=%s", jingle->sid,
			  jingle_action_names[e->action]);
		answer(jingle, iq, seen->fault);
		return;
	}
	const struct jingle_fault *fault = check_phase(jingle, e->action);
	if (!fault)
		fault = jingle_read(jingle, e);
	if (id)
		jingle_seen_keep(jingle, id, e, fault);
	answer(jingle, iq, fault);
	if (!fault)
		act(jingle, e);
	else
		refuse_offer(jingle, e);
}

void jingle_receive(struct jingle *jingle, const struct stanza *iq)
{
	struct jingle_event e = {
		.jingle = stanza_find(iq, "jingle", JINGLE_NS),
		.info = -1,
	};

	e.digest = jingle_seen_digest(e.jingle);
	e.action = jingle_action_parse(stanza_attr(e.jingle, "action"));
	if (e.action == JINGLE_NACTIONS)
		answer(jingle, iq, &bad_request);
	else if (!is_from_peer(jingle, iq, e.action))
		answer(jingle, iq, &unknown_session);
	else
		take(jingle, iq, &e);
	jingle_event_fini(&e);
}

/* RFC 6120 conditions answered to our session-initiate. */
static enum reason reason_of(const char *condition)
{
	static const char *const gone[] = { "service-unavailable",
					    "recipient-unavailable",
					    "item-not-found" };

	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		if (!strcmp(condition, gone[i]))
			return REASON_GONE;
	return REASON_GENERAL_ERROR;
}

void jingle_reply(struct jingle *jingle, const struct stanza *iq)
{
	const char *type = stanza_attr(iq, "type");
	const char *id = stanza_attr(iq, "id");
	const struct stanza *error = stanza_find(iq, "error", NULL);

	if (jingle->phase == JINGLE_ENDED || jingle->phase == JINGLE_IDLE ||
	    !type || strcmp(type, "error") != 0)
		return;
	const char *condition = stanza_error_condition(iq);
	if (id && !strcmp(id, jingle->initiate_id))
		end(jingle, reason_of(condition), condition);
	else if (stanza_find(error, "unknown-session", JINGLE_NS_ERRORS))
		end(jingle, REASON_GONE, "unknown-session");
	else
		log_debug("jingle=%s ignored=%s", jingle->sid, condition);
}

/* The session itself. */

void jingle_enter(struct jingle *jingle, enum jingle_phase phase)
{
	static const char *const names[JINGLE_NPHASES] = {
		[JINGLE_IDLE] = "idle",       [JINGLE_OFFERED] = "offered",
		[JINGLE_INVITED] = "invited", [JINGLE_ACTIVE] = "active",
		[JINGLE_ENDED] = "ended",
	};

	if (phase == jingle->phase)
		return;
	log_debug("jingle=%s state=%s was=%s", jingle->sid, names[phase],
		  names[jingle->phase]);
	jingle->phase = phase;
}

int jingle_new(struct jingle **out, const struct jingle_config *config,
	       const struct jingle_handlers *handlers, void *arg)
{
	struct jid jid;

	if (!is_sid(config->sid) || jid_parse(&jid, config->local) ||
	    jid_parse(&jid, config->remote))
		return -EINVAL;
	AUTO(jingle_freep) struct jingle *jingle = calloc(1, sizeof(*jingle));
	if (!jingle)
		return -ENOMEM;
	jingle->handlers = handlers;
	jingle->arg = arg;
	jingle->initiator = config->initiator;
	jingle->remote_dir = MEDIA_SENDRECV;
	jingle->sid = text_dup(slice_of(config->sid));
	jingle->local = text_dup(slice_of(config->local));
	jingle->remote = text_dup(slice_of(config->remote));
	if (!jingle->sid || !jingle->local || !jingle->remote)
		return -ENOMEM;
	*out = jingle;
	jingle = NULL;
	return 0;
}

struct jingle *jingle_free(struct jingle *jingle)
{
	if (!jingle)
		return NULL;
	for (size_t i = 0; i < JINGLE_SEEN_MAX; i++)
		free(jingle->seen[i].id);
	if (jingle->early)
		media_content_fini(jingle->early);
	free(jingle->early);
	free(jingle->sid);
	free(jingle->local);
	free(jingle->remote);
	explicit_bzero(jingle, sizeof(*jingle));
	free(jingle);
	return NULL;
}

const char *jingle_sid(const struct jingle *jingle)
{
	return jingle->sid;
}

const char *jingle_local(const struct jingle *jingle)
{
	return jingle->local;
}

const char *jingle_remote(const struct jingle *jingle)
{
	return jingle->remote;
}

bool jingle_is_up(const struct jingle *jingle)
{
	return jingle->phase == JINGLE_ACTIVE;
}

bool jingle_is_iq(const struct stanza *iq)
{
	return stanza_find(iq, "jingle", JINGLE_NS) != NULL;
}

static bool iq_is(const struct stanza *iq, enum jingle_action action)
{
	const struct stanza *jingle = stanza_find(iq, "jingle", JINGLE_NS);

	return jingle_action_parse(stanza_attr(jingle, "action")) == action;
}

bool jingle_iq_terminates(const struct stanza *iq)
{
	return iq_is(iq, JINGLE_SESSION_TERMINATE);
}

const char *jingle_iq_sid(const struct stanza *iq, bool *initiate)
{
	const struct stanza *jingle = stanza_find(iq, "jingle", JINGLE_NS);
	const char *sid = stanza_attr(jingle, "sid");

	*initiate = iq_is(iq, JINGLE_SESSION_INITIATE);
	return is_sid(sid) ? sid : NULL;
}
