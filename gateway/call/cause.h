/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Why a call ended, in words of our own, and what SIP, Q.850 and Jingle call
 * it (RFC 3261, 21; RFC 3326; ITU-T Q.850; XEP-0166, 7.4).
 */
#pragma once

#include <stdbool.h>

#include "xmpp/reason.h"

enum cause {
	CAUSE_NORMAL,    /* somebody hung up after the answer */
	CAUSE_CANCEL,    /* the caller gave up before the answer */
	CAUSE_ELSEWHERE, /* another device has answered */
	CAUSE_BUSY,
	CAUSE_DECLINE,
	CAUSE_NO_ANSWER,   /* it rang, nobody came */
	CAUSE_UNREACHABLE, /* no device there, offline */
	CAUSE_UNKNOWN_NUMBER,
	CAUSE_GONE,         /* the number has changed or ended */
	CAUSE_FORBIDDEN,    /* the caller may not */
	CAUSE_CREDIT,       /* it is not paid for, or not any more */
	CAUSE_INCOMPATIBLE, /* no common codec or transport */
	CAUSE_SECURITY,     /* fingerprint, encryption */
	CAUSE_MEDIA_LOST,   /* ICE, consent, silence: no audio gets through */
	CAUSE_CONGESTION,   /* our limits, a trunk's 503 */
	CAUSE_SHUTDOWN,     /* we are stopping */
	CAUSE_LOST,         /* our process died during it */
	CAUSE_FAILED,       /* anything else that broke */
	CAUSE_NVALUES,
};

const char *cause_name(enum cause cause); /* "no-answer": CDR and log */
/* Whether @name is one; NULL is none. */
bool cause_find(enum cause *out, const char *name);

/* For the party that still waits for an answer. */
unsigned cause_sip_status(enum cause cause);
const char *cause_sip_phrase(enum cause cause);
unsigned cause_q850(enum cause cause);
/* To a Jingle session or a proposal. */
enum reason cause_reason(enum cause cause);
/* What a person is told, in one short sentence; NULL: nothing to say. */
const char *cause_text(enum cause cause);

/*
 * What the caller is told when several were called and none took it: that it
 * rang is truer than that somebody refused, and any of both truer than that
 * there was no way (compare RFC 3261, 16.7.6).
 */
enum cause cause_combine(enum cause a, enum cause b);

/* A final response of 300 and above to our INVITE. */
enum cause cause_of_status(unsigned status);
/* Of BYE or CANCEL: Reason's Q.850 value; 0 is a plain hang-up. */
enum cause cause_of_q850(unsigned q850);
/* What the peer's session-terminate or reject means; @answered: whether
 * the session was accepted before. */
enum cause cause_of_reason(enum reason reason, bool answered);
