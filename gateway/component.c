/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/component.h"

#include <string.h>

#include "gateway/admin/face_adhoc.h"
#include "gateway/admin/face_chat.h"
#include "gateway/admin/role.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/call/chat_digits.h"
#include "gateway/call/place.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/route/moved.h"
#include "gateway/route/refused.h"
#include "gateway/service/devices.h"
#include "gateway/service/presence.h"
#include "gateway/service/service.h"
#include "gateway/text/text_component.h"
#include "gateway/text/texts.h"
#include "xmpp/chat.h"
#include "xmpp/disco.h"
#include "xmpp/iq.h"
#include "xmpp/jid.h"
#include "xmpp/jingle.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static void send_reply(struct gateway *gateway, const struct stanza *reply)
{
	if (reply && xmpp_stream_send(gateway->stream, reply))
		log_warn("xmpp=reply not-sent to=%s",
			 log_text(slice_of(stanza_attr(reply, "to"))).s);
}

static void refuse(struct gateway *gateway, const struct stanza *request,
		   const char *condition, const char *text)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	if (!stanza_error_reply(&reply, request, NULL, condition, text))
		send_reply(gateway, reply);
}

/* What is said to an address that nobody lives at: the right one, if its number
 * is written in another form. */
static void refuse_address(struct gateway *gateway,
			   const struct stanza *request, const char *condition,
			   const char *text)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;

	if (!moved_error(&reply, gateway, request))
		send_reply(gateway, reply);
	else
		refuse(gateway, request, condition, text);
}

/* ---- iq ---- */

/* Whom @query->iq is for; false: nobody lives there. */
static bool read_addressee(struct service_query *query,
			   char local[static JID_PART_MAX + 1],
			   char account[static JID_CAP])
{
	struct jid to;

	query->local = local;
	query->account = account;
	return !jid_parse(&to, stanza_attr(query->iq, "to")) &&
	       !text_copy(local, JID_PART_MAX + 1, to.local) &&
	       !jid_bare(account, JID_CAP, stanza_attr(query->iq, "from")) &&
	       presence_entity(&query->entity, query->gateway, account, local);
}

/* A session that the peer begins. */
static void on_initiate(struct gateway *gateway, const struct stanza *iq,
			const char *sid)
{
	struct leg *calling = leg_xmpp_calling(gateway, stanza_attr(iq, "from"),
					       stanza_attr(iq, "to"));

	if (calling) {
		leg_xmpp_tie_session(calling, iq);
		return;
	}
	const char *condition = place_session(gateway, iq, sid);
	if (condition)
		refuse_address(gateway, iq, condition, NULL);
}

static void on_jingle(struct gateway *gateway, const struct stanza *iq)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	bool initiate;
	const char *sid = jingle_iq_sid(iq, &initiate);
	struct leg *leg =
		sid ? leg_xmpp_find(gateway, sid, stanza_attr(iq, "from"))
		    : NULL;

	if (leg) {
		leg_xmpp_iq(leg, iq);
		return;
	}
	if (sid && initiate &&
	    !leg_xmpp_has_ended(gateway, sid, stanza_attr(iq, "from"))) {
		on_initiate(gateway, iq, sid);
		return;
	}
	if (!jingle_unknown(&reply, iq))
		send_reply(gateway, reply);
}

static int answer_query(struct stanza **reply,
			const struct service_query *query)
{
	const char *ns = stanza_ns(stanza_first(query->iq));

	if (ns && (!strcmp(ns, DISCO_NS_INFO) || !strcmp(ns, DISCO_NS_ITEMS)))
		return disco_answer(reply, query->iq,
				    role_entity(query->gateway, query->account,
						query->entity));
	int r = disco_basic_answer(reply, query->iq);
	return r > 0 ? service_answer(reply, query) : r;
}

static void on_query(struct gateway *gateway, const struct stanza *iq)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct service_query query = { .gateway = gateway, .iq = iq };
	char local[JID_PART_MAX + 1], account[JID_CAP];

	if (!read_addressee(&query, local, account)) {
		refuse_address(gateway, iq, "item-not-found", NULL);
		return;
	}
	if (query.entity == DISCO_GATEWAY &&
	    (face_adhoc_take(gateway, iq) ||
	     text_component_register(gateway, iq, account)))
		return;
	int r = answer_query(&reply, &query);
	if (!r)
		send_reply(gateway, reply);
	else
		refuse(gateway, iq,
		       r < 0 ? "resource-constraint" : "service-unavailable",
		       NULL);
}

static void on_iq(struct gateway *gateway, const struct stanza *iq)
{
	const char *type = stanza_attr(iq, "type");
	if (!type || (strcmp(type, "get") != 0 && strcmp(type, "set") != 0)) {
		if (!iq_receive(gateway->iqs, iq))
			log_debug("xmpp=stray-answer");
		return;
	}
	if (!strcmp(type, "set") && jingle_is_iq(iq))
		on_jingle(gateway, iq);
	else
		on_query(gateway, iq);
}

/* ---- message ---- */

/*
 * Of a call that is over, or never was: the peer shall not wait for ever. An
 * error ends it in Conversations (which does the same); in Monal, whose proceed
 * has crossed our retract, a finish alone.
 */
static void on_stray_proceed(struct gateway *gateway,
			     const struct stanza *message,
			     const struct jmi *jmi)
{
	AUTO(stanza_freep) struct stanza *finish = NULL;
	const struct jmi_message m = { .action = JMI_FINISH,
				       .sid = jmi->sid,
				       .from = jmi->to,
				       .to = jmi->from,
				       .reason = REASON_CANCEL };

	refused_log(gateway, "stray-proceed", jmi->from, jmi->to);
	refuse(gateway, message, "item-not-found", NULL);
	if (!jmi_format(&finish, &m))
		send_reply(gateway, finish);
}

/* To a number that the account talks to: on another device from now on. */
static void on_propose(struct gateway *gateway, const struct jmi *jmi)
{
	bool call = jmi->audio && !jmi->video;
	struct leg *talking =
		call ? leg_xmpp_talking(gateway, jmi->from, jmi->to) : NULL;
	struct leg *calling =
		call ? leg_xmpp_calling(gateway, jmi->from, jmi->to) : NULL;

	if (talking)
		leg_xmpp_move(talking, jmi);
	else if (calling)
		leg_xmpp_tie(calling, jmi);
	else
		place_proposal(gateway, jmi);
}

static void on_jmi(struct gateway *gateway, const struct stanza *message,
		   const struct jmi *jmi)
{
	struct leg *leg = leg_xmpp_find(gateway, jmi->sid, jmi->from);

	if (leg)
		leg_xmpp_message(leg, jmi);
	else if (jmi->error || jmi->delayed ||
		 leg_xmpp_has_ended(gateway, jmi->sid, jmi->from))
		log_debug("xmpp=late-message from=%s",
			  log_text(slice_of(jmi->from)).s);
	else if (jmi->action == JMI_PROPOSE)
		on_propose(gateway, jmi);
	else if (jmi->action == JMI_PROCEED)
		on_stray_proceed(gateway, message, jmi);
}

/* RFC 6121, 5.2.2: errors and headlines are never answered. */
static bool wants_answer(const struct stanza *message)
{
	const char *type = stanza_attr(message, "type");

	return !type ||
	       (strcmp(type, "error") != 0 && strcmp(type, "headline") != 0);
}

/* An address that is no number, and none in another form either. */
static bool is_group_or_code(const char *to)
{
	char local[JID_PART_MAX + 1];
	struct jid jid;

	return !jid_parse(&jid, to) &&
	       !text_copy(local, sizeof(local), jid.local) &&
	       text_component_is_party(local);
}

/* A number in another form than ours gets its address, any text else its way.
 */
static void on_text(struct gateway *gateway, const struct stanza *message)
{
	AUTO(stanza_freep) struct stanza *reply = NULL;
	struct chat chat;

	chat_read(&chat, message);
	if (face_chat_take(gateway, &chat))
		return;
	if (chat.kind == CHAT_TEXT && !is_group_or_code(chat.to) &&
	    !moved_error(&reply, gateway, message))
		send_reply(gateway, reply);
	else
		texts_from_account(gateway, &chat);
}

/* What became of a text of a telephone's; a headline is nothing. */
static void on_bounce(struct gateway *gateway, const struct stanza *message)
{
	struct chat chat;

	chat_read(&chat, message);
	if (chat.kind == CHAT_BOUNCED)
		face_chat_bounced(gateway, &chat);
	texts_from_account(gateway, &chat);
}

static void on_message(struct gateway *gateway, const struct stanza *message)
{
	struct jmi jmi;

	if (text_component_take(gateway, message))
		return;
	if (!jmi_parse(&jmi, message))
		on_jmi(gateway, message, &jmi);
	else if (!wants_answer(message))
		on_bounce(gateway, message);
	else if (stanza_find(message, "propose", JMI_NS))
		refuse(gateway, message, "bad-request",
		       "A proposal has an id of 1 to 64 printable characters.");
	else if (!chat_digits_take(gateway, message))
		on_text(gateway, message);
}

static void on_presence(struct gateway *gateway, const struct stanza *presence)
{
	devices_presence(gateway, presence);
	presence_receive(gateway, presence);
}

void component_receive(struct gateway *gateway, const struct stanza *stanza)
{
	const char *name = stanza_name(stanza);

	if (!strcmp(name, "iq"))
		on_iq(gateway, stanza);
	else if (!strcmp(name, "message"))
		on_message(gateway, stanza);
	else if (!strcmp(name, "presence"))
		on_presence(gateway, stanza);
}
