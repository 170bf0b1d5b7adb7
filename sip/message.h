/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts as MESSAGE requests outside dialogs (RFC 3428), both ways.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "sip/agent.h"

struct sip_cpim;
struct sip_envelope;
struct sip_incoming;
struct sip_message;
struct sip_request;
struct sip_trunk;

/* ---- from a trunk ---- */

/* One that came. All borrowed until the handler returns. */
struct sip_message_in {
	struct sip_source source;
	const char *request_user; /* Request-URI's user, unescaped; "" none */
	const char *called_user;  /* P-Called-Party-ID's; "" none */
	const char *to_user;
	const struct sip_identity *identity;
	const struct sip_s *message; /* for sip_header_text() */
	const char *key;  /* the same for each copy of it, for no other */
	const char *lang; /* Content-Language; "" not said */
	/* Subject's, fit to be shown, cut where it is very long; "" none. */
	const char *subject;
	int64_t date_ms; /* wall time at which it was written; 0 not said */
	/* text/plain's text in UTF-8, as it came: not fit to be shown yet. */
	struct slice text;
	bool is_report; /* no: it is message/imdn+xml (RFC 5438, 7) */
	const struct sip_cpim *cpim; /* what it was in; NULL: nothing */
};

/*
 * The one answer to @message, now or later: a final status. It is freed. What
 * still waits when the agent is freed is answered 503.
 */
void sip_message_answer(struct sip_message *message, unsigned status);

/* For sip/server.c and sip/agent.c. */
void sip_server_message(const struct sip_incoming *in);
void sip_messages_free(struct sip_agent *agent);

/* ---- to a trunk ---- */

struct sip_message_out { /* borrowed for the call alone */
	struct sip_trunk *trunk;
	const char *to_user, *from_user;
	/* A resend is the same request: with its Call-ID, CSeq 1 and tag. */
	const char *call_id;
	const char *lang; /* "", NULL or no language tag: not said */
	const char *text; /* UTF-8, of type text/plain … */
	const struct sip_envelope *envelope; /* NULL: and in nothing else */
};

/* In message/cpim (RFC 3862), with what RFC 5438 adds. */
struct sip_envelope {
	const char *id;   /* imdn.Message-ID, 6.3 */
	const char *date; /* DateTime, RFC 3339 */
	unsigned wants;   /* enum sip_cpim_wants */
	bool is_report;   /* the text is a report of type message/imdn+xml */
};

/* @status is final; @local: our own stack says it (408, 503). @phrase is the
 * peer's, borrowed. What is too long for the way to the trunk is 513, as if the
 * peer had said so. The request has been freed. */
typedef void (*sip_message_fn)(unsigned status, const char *phrase, bool local,
			       void *arg);

/* *@out is owned by the caller until @fn: sip_message_cancel(). 0,
 * -EHOSTUNREACH (no hop), -EINVAL (a user that no header can hold), -errno. */
CHECKED int sip_message_send(struct sip_request **out, struct sip_agent *agent,
			     const struct sip_message_out *message,
			     sip_message_fn fn, void *arg);
/* @fn is not called any more. NULL is fine; returns NULL. */
struct sip_request *sip_message_cancel(struct sip_request *request);
