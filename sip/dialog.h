/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One INVITE dialog (RFC 3261, 12 to 15; RFC 3262, 3264, 3311, 4028), in
 * either role, with its offers and answers, and what is needed to take it up
 * again in another process.
 *
 * Handlers run from the loop alone, in sip_agent_pump() or a timer, never
 * inside a function of this header. A handler may call all of them, also
 * sip_dialog_free(): what is left to send goes on by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "sip/agent.h"
#include "sip/parties.h"
#include "sip/policy.h"

struct media_desc;
struct sip_dialog;
struct sip_trunk;

enum sip_dialog_outcome {
	SIP_E_STATE = 1,       /* not now: already answered, ended, glare */
	SIP_E_UNREACHABLE = 2, /* no address for the next hop */
};

/* Why a dialog ended. Strings are borrowed until the handler returns. */
struct sip_end {
	unsigned status;     /* final response, or 0: BYE, CANCEL or ours */
	unsigned q850;       /* Reason: Q.850;cause= (RFC 3326); 0 none */
	unsigned reason_sip; /* Reason: SIP;cause=; 0 none */
	const char *text;    /* cleaned reason phrase or Reason text; "" */
	bool by_cancel;      /* CANCEL before the answer */
	bool timeout;        /* transaction or session timer, no ACK */
};

/* Whom a REFER names (RFC 3515). Borrowed until the handler returns. */
struct sip_refer {
	const char *user;     /* unescaped */
	const char *uri;      /* without headers and method */
	const char *replaces; /* checked value of Replaces (RFC 3891), or "" */
};

struct sip_dialog_handlers {
	/* 18x to our INVITE; @early may be NULL. Can come repeatedly. */
	void (*ring)(unsigned status, const struct media_desc *early,
		     void *arg);
	/* 2xx to our INVITE or re-INVITE with the answer (ACK is sent). */
	void (*answer)(const struct media_desc *answer, void *arg);
	/* The peer's re-INVITE or UPDATE (which may come before the answer,
	 * when the first offer has been answered reliably). @offer NULL: it
	 * wants ours. Answer with sip_dialog_answer() or sip_dialog_refuse().
	 */
	void (*offer)(const struct media_desc *offer, void *arg);
	/* The answer the peer put in ACK, after an offerless INVITE. */
	void (*late_answer)(const struct media_desc *answer, void *arg);
	/* Our re-INVITE was refused; the old description stays. @status 0: it
	 * waited after a 491, and the peer's own offer came before it. */
	void (*refused)(unsigned status, void *arg);
	/* INFO with application/dtmf-relay or application/dtmf. */
	void (*digit)(char digit, unsigned duration_ms, void *arg);
	/* REFER, where the policy takes it: @refer shall be called in the
	 * peer's place. Answer with sip_dialog_refer_answer(). */
	void (*refer)(const struct sip_refer *refer, void *arg);
	/* What the peer tells of our REFER: the status of its call, or of the
	 * refusal. @over: nothing more will come. */
	void (*referred)(unsigned status, bool over, void *arg);
	/* Something sip_dialog_save() or sip_unanswered_save() tells has
	 * changed. */
	void (*changed)(void *arg);
	/* Over. No handler runs afterwards; free the dialog. */
	void (*ended)(const struct sip_end *end, void *arg);
};

struct sip_dialog_start {
	struct sip_trunk *trunk; /* must outlive the dialog */
	struct sip_parties parties;
	const struct media_desc *offer; /* NULL: offerless */
	struct sip_policy policy;
	/* Of a transfer, as a REFER gave them, or NULL: the Request-URI instead
	 * of parties.to at the trunk, and Replaces. */
	const char *uri, *replaces;
};

/*
 * Send an INVITE through a trunk. *@out is owned by the caller:
 * sip_dialog_free(). @handlers and @arg are borrowed for its lifetime.
 * 0, SIP_E_UNREACHABLE (no address is known of the trunk), or -errno.
 */
CHECKED int sip_dialog_start(struct sip_dialog **out, struct sip_agent *agent,
			     const struct sip_dialog_start *start,
			     const struct sip_dialog_handlers *handlers,
			     void *arg);

/* Inbound: take the dialog that the agent's invite handler gave. */
void sip_dialog_accept(struct sip_dialog *dialog,
		       const struct sip_dialog_handlers *handlers, void *arg);

/* Whose call it turned out to be: the trunk's credentials and name hold for
 * requests of ours inside. It must outlive the dialog. 0 or -ENOMEM. */
CHECKED int sip_dialog_set_trunk(struct sip_dialog *dialog,
				 struct sip_trunk *trunk);

/* 180 or 183, with early media's answer or NULL. Repeated by the dialog so
 * that proxies keep waiting (RFC 3261, 13.3.1.1). 0, SIP_E_STATE, -EINVAL (no
 * such status, or nothing that SDP can say), -ENOMEM. */
CHECKED int sip_dialog_ring(struct sip_dialog *dialog, unsigned status,
			    const struct media_desc *early);
/* 200 to the INVITE, or to the re-INVITE or UPDATE that is open. As
 * sip_dialog_ring(). */
CHECKED int sip_dialog_answer(struct sip_dialog *dialog,
			      const struct media_desc *answer);
/* Refuse the open re-INVITE or UPDATE (488, 491, 500 …). */
void sip_dialog_refuse(struct sip_dialog *dialog, unsigned status);
/* Our re-INVITE with a new offer; answer() or refused() follows. 491 is tried
 * again by the dialog (RFC 3261, 14.1). 0, SIP_E_STATE, -errno. */
CHECKED int sip_dialog_offer(struct sip_dialog *dialog,
			     const struct media_desc *offer);
/* INFO with application/dtmf-relay. 0, SIP_E_STATE, -EINVAL (no digit),
 * -errno. */
CHECKED int sip_dialog_digit(struct sip_dialog *dialog, char digit,
			     unsigned duration_ms);

/*
 * REFER (RFC 3515). The answer to the one that is open: 202, and the peer is
 * told that it is being tried; or a refusal. Then how the call goes that it
 * wanted, until @over. Without a REFER that waits nothing is done.
 */
void sip_dialog_refer_answer(struct sip_dialog *dialog, unsigned status);
void sip_dialog_refer_notify(struct sip_dialog *dialog, unsigned status,
			     bool over);
/* Ask the peer to call @to_user of its own, in the place of the call that
 * @replaces is a dialog of (with the peer; NULL: a call of its own).
 * referred() follows. 0, SIP_E_STATE, -errno. */
CHECKED int sip_dialog_refer(struct sip_dialog *dialog, const char *to_user,
			     const struct sip_dialog *replaces);

struct sip_hangup {
	unsigned status;        /* the final response when not yet answered */
	unsigned q850;          /* 0: no Reason header */
	const char *text;       /* reason phrase or NULL */
	unsigned retry_after_s; /* with 503; 0 none */
};
/*
 * Refuse, CANCEL or BYE, whatever fits now. The dialog still needs freeing; no
 * handler runs any more. What must be repeated or waited for (CANCEL against a
 * crossing 200: ACK and BYE) goes on by itself.
 */
void sip_dialog_hangup(struct sip_dialog *dialog, const struct sip_hangup *why);

/* Hangs up when it still lives. NULL is fine; returns NULL. */
struct sip_dialog *sip_dialog_free(struct sip_dialog *dialog);

/* Borrowed. */
const char *sip_dialog_call_id(const struct sip_dialog *dialog);
/* The peer's address in signalling: media of a NATed peer may come from it. */
struct addr sip_dialog_peer(const struct sip_dialog *dialog);

/* All a fresh process needs. Strings are owned by the struct. */
struct sip_dialog_state {
	bool uac;
	char *call_id, *local_tag, *remote_tag;
	char *local, *remote; /* name-addr without tag, as in From and To */
	char *remote_target;  /* the peer's Contact */
	char *route;          /* in the order of sending, comma-separated */
	char *contact;        /* our Contact */
	char *trunk;          /* its name; "" none */
	enum sip_transport transport;
	struct addr peer;
	uint32_t local_cseq, remote_cseq;
	uint64_t sdp_id, sdp_version;
	unsigned session_expires_s; /* 0: no session timer */
	int64_t session_left_ms;    /* of that, without a refresh */
	bool we_refresh;
	struct sip_policy policy;
};
/* Of an answered dialog, or of an inbound one just before sip_dialog_answer(),
 * so that it is kept before the 200 leaves. 0, SIP_E_STATE, -ENOMEM. */
CHECKED int sip_dialog_save(const struct sip_dialog *dialog,
			    struct sip_dialog_state *out);
void sip_dialog_state_fini(struct sip_dialog_state *state);
/* As sip_dialog_start(), of a dialog that lived before; @trunk may be NULL. */
CHECKED int sip_dialog_restore(struct sip_dialog **out, struct sip_agent *agent,
			       const struct sip_dialog_state *state,
			       struct sip_trunk *trunk,
			       const struct sip_dialog_handlers *handlers,
			       void *arg);
/* What a dialog that was restored has said of media last: for session
 * refreshes, and to be told from what is new. 0, -EINVAL, -ENOMEM. */
CHECKED int sip_dialog_describe(struct sip_dialog *dialog,
				const struct media_desc *local);
