/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Jingle Message Initiation (XEP-0353, 0.8): reading and writing its messages.
 * The states of a call are the leg's.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "xmpp/reason.h"

struct stanza;

#define JMI_NS "urn:xmpp:jingle-message:0"

enum jmi_action {
	JMI_PROPOSE,
	JMI_RINGING,
	JMI_PROCEED,
	JMI_REJECT,
	JMI_RETRACT,
	JMI_FINISH,
	JMI_ACCEPT, /* between a user's own devices: read over */
	JMI_NACTIONS,
};

enum { JMI_SID_MAX = 64 };

/* Borrowed from the stanza. */
struct jmi {
	enum jmi_action action;
	const char *sid;
	const char *from, *to;
	const char *message_id; /* NULL none */
	bool audio, video;      /* propose: the kinds described */
	bool tie_break;
	const char *migrated_to; /* finish; NULL none */
	enum reason reason;
	const char *reason_text; /* NULL none */
	bool receipt_requested;  /* XEP-0184 */
	bool delayed;            /* XEP-0203: from an archive, rings nobody */
	/*
	 * A bounce of our own message. Without its payload (servers need not
	 * return it) action and sid are those of our message id.
	 */
	bool error;
	const char *error_condition; /* of that */
};

/*
 * Read @message of any type but groupchat. 0, or 1: it has no JMI element, or
 * one without a sid of 1 to JMI_SID_MAX printable ASCII characters, or no
 * sender. Clients that leave out type or id (Movim) are understood.
 */
CHECKED int jmi_parse(struct jmi *out, const struct stanza *message);

/* A sid, or an id of ours: 1 to JMI_SID_MAX characters '!' to '~'. */
bool jmi_is_sid(const char *text);

struct jmi_message { /* borrowed for the call alone */
	enum jmi_action action;
	const char *sid, *from, *to;
	enum reason reason; /* REASON_NONE: the action's own, if it needs one */
	const char *reason_text;
	const char *migrated_to;
	bool tie_break;
	const char *nick; /* of who sends it (XEP-0172); NULL none */
};

/*
 * type=chat with a store hint (XEP-0334), so that every device gets it; propose
 * describes audio. Each message has an id of its own. retract and reject always
 * have a reason (Conversations and Monal read it): cancel, busy. *@out is owned
 * by the caller. 0 or -ENOMEM.
 */
CHECKED int jmi_format(struct stanza **out, const struct jmi_message *message);

/* Whether @message asks for a receipt (XEP-0184). */
bool jmi_wants_receipt(const struct stanza *message);

/* XEP-0184 receipt for a message that asked for one. *@out is owned by the
 * caller. 0 or -ENOMEM. */
CHECKED int jmi_receipt(struct stanza **out, const char *from, const char *to,
			const char *message_id);
