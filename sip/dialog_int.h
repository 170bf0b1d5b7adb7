/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A dialog as its own files see it:
 *
 *     dialog.c        its life, its state table, what the header offers
 *     dialog_invite.c the INVITE we send
 *     dialog_uac.c    its responses, forks
 *     dialog_early.c  its reliable provisional responses, PRACK (RFC 3262)
 *     dialog_uas.c    the INVITE we get, the 200 until its ACK
 *     dialog_ring.c   ringing there, reliably where that is wanted
 *     dialog_recv.c   requests inside it
 *     dialog_offer.c  re-INVITE and UPDATE that we get
 *     dialog_reoffer.c those we send; glare
 *     dialog_info.c   DTMF that we send
 *     dialog_refer.c  REFER, both ways (RFC 3515)
 *     dialog_timer.c  session timers (RFC 4028)
 *     dialog_send.c   messages, next hop, Contact
 *     dialog_end.c    Reason, hang-up, what is reported
 *     dialog_state.c  saved and restored
 */
#pragma once

#include <bsd/sys/queue.h>

#include "gateway/base/slice.h"
#include "sip/agent_int.h"
#include "sip/client.h"
#include "sip/dialog.h"
#include "sip/server.h"

struct event;
struct msg_s;
struct nta_incoming_s;
struct nta_leg_s;
struct sip_share;
struct sip_via_s;

enum {
	SIP_TAG_LEN = 16,
	SIP_REASON_CAP = 320,
	SIP_REASON_TEXT_CAP = SIP_REASON_CAP * 2 + 64,
	SIP_MIN_SE_S = 90,    /* RFC 4028, 5 */
	DIALOG_EARLY_MAX = 8, /* forks that are PRACKed */
	DIALOG_PENDING_MAX = 8,
	DIALOG_TARGETS_MAX = 8,      /* of redirections; more are not tried */
	RING_AGAIN_MS = 60 * 1000,   /* RFC 3261, 13.3.1.1 */
	OFFER_ANSWER_MS = 25 * 1000, /* then the peer gets 500 */
};

enum dialog_state {
	DIALOG_NEW,
	DIALOG_CALLING,    /* our INVITE is out */
	DIALOG_RINGING,    /* and has a provisional response */
	DIALOG_GIVING_UP,  /* hung up, CANCEL waits for one */
	DIALOG_CANCELLING, /* CANCEL is out */
	DIALOG_INVITED,    /* the peer's INVITE is not answered */
	DIALOG_ANSWERED,   /* our 200 waits for its ACK */
	DIALOG_LEAVING,    /* so does our BYE */
	DIALOG_UP,
	DIALOG_ENDING, /* our BYE is out */
	DIALOG_OVER,
	DIALOG_NSTATES,
};

enum dialog_event {
	DIALOG_EV_INVITE,      /* ours goes out */
	DIALOG_EV_INVITED,     /* the peer's came */
	DIALOG_EV_RESTORE,     /* it was up in another process */
	DIALOG_EV_PROVISIONAL, /* to our INVITE */
	DIALOG_EV_ACCEPTED,    /* 2xx */
	DIALOG_EV_REJECTED,    /* any other final one */
	DIALOG_EV_ANSWER,      /* our 200 goes out */
	DIALOG_EV_ACK,
	DIALOG_EV_NO_ACK,
	DIALOG_EV_CANCEL, /* from the peer */
	DIALOG_EV_BYE,
	DIALOG_EV_HANGUP, /* by our user */
	DIALOG_EV_FAILED, /* session timer, 481: end.* says what */
	DIALOG_EV_DONE,   /* nothing more comes of the BYE or CANCEL */
	DIALOG_NEVENTS,
};

/* The offer in the air inside the dialog (RFC 3261, 14; RFC 3311). */
enum dialog_offer {
	OFFER_NONE,
	OFFER_LOCAL,   /* our re-INVITE is out */
	OFFER_RETRY,   /* it met 491 and waits (14.1) */
	OFFER_REMOTE,  /* the peer's waits for our user */
	OFFER_ACK,     /* our 200 to its re-INVITE waits for the ACK */
	OFFER_REFRESH, /* our session refresh is out */
};

/* What we sent last of the answer that is repeated until its ACK. */
struct dialog_reply {
	struct nta_incoming_s *irq;
	uint32_t cseq;
	unsigned interval_ms;
	uint64_t give_up_ms;
	bool offered; /* our SDP in it was an offer: the ACK has the answer */
	struct event *timer;
};

/* A fork that answered reliably, before one of them is the dialog. */
struct dialog_early {
	TAILQ_ENTRY(dialog_early) entry;
	struct nta_leg_s *leg;
	struct sip_hop hop;
	char *tag;
	uint32_t rseq; /* the last that was PRACKed */
};
TAILQ_HEAD(dialog_earlies, dialog_early);

/* The INVITE as it is sent, less the session timer, and whom it goes to: the
 * first, then those that redirections have named, in the order of being tried
 * (RFC 3261, 8.1.3.4). */
struct dialog_invite {
	struct msg_s *message;
	char *uris[DIALOG_TARGETS_MAX];
	size_t nuris, at;
	unsigned again;
};

/* Our provisional response that waits for its PRACK. */
struct dialog_reliable {
	bool wanted; /* the INVITE's sender takes them */
	bool waits;
	char *sdp; /* what it describes; a repetition is the same. NULL: none */
	bool again; /* there is something newer to say */
	bool hold_answer;
	unsigned status;
	uint32_t rseq, cseq; /* the INVITE's */
	unsigned interval_ms;
	uint64_t give_up_ms;
	struct event *timer;
};

/* REFER (RFC 3515). */
struct dialog_refer {
	struct nta_incoming_s *irq; /* the peer's, open */
	bool subscribed;            /* it is told how its wish goes */
	unsigned told;              /* the last status */
	bool silent;                /* it does not want to be (RFC 4488) */
	uint32_t cseq;              /* of the peer's */
	bool repeated;              /* there was another before */
	struct sip_client *client;  /* ours */
	bool asked;                 /* ours was taken: NOTIFY will come */
	struct event *timer;        /* until then it has to have come */
};

struct sip_dialog {
	TAILQ_ENTRY(sip_dialog) entry;
	TAILQ_ENTRY(sip_dialog) due_entry;
	struct sip_agent *agent;
	struct sip_trunk *trunk; /* NULL: not known */
	char *trunk_name;
	struct sip_policy policy;
	const struct sip_dialog_handlers *handlers; /* NULL: nobody listens */
	void *arg;
	bool owned; /* its user has not freed it */
	bool uac;
	bool restored; /* of an earlier process */
	bool due, changed, hung_up;

	enum dialog_state state;
	bool running; /* inside an action: events wait */
	enum dialog_event pending[DIALOG_PENDING_MAX];
	size_t npending;
	/* What the event that is being handled came with. */
	const struct sip_s *input;
	struct sip_end end;
	char end_text[SIP_REASON_CAP];

	struct nta_leg_s *leg;
	char *call_id;
	char *local_address, *remote_address; /* name-addr without tag */
	char *contact;                        /* ours, "<sip:…>" */
	char *remote_tag;
	uint32_t remote_cseq;
	struct sip_hop peer; /* where it speaks from */
	struct sip_hop hop;  /* where requests go */
	struct sip_query *query;

	/* As client. */
	struct sip_client *invite;  /* the last INVITE; its CSeq is ACKed */
	struct sip_client *request; /* UPDATE, or a session refresh */
	struct sip_client *bye;
	bool late_offer; /* the 2xx brought the offer, our ACK waits */
	char *ack_sdp;   /* the answer in that ACK */
	char *early_tag; /* of the fork whose description this is: */
	char *early_sdp;
	bool early_answered; /* and it came reliably: our offer is answered */
	struct dialog_earlies earlies;
	struct dialog_invite *wanted; /* to send it anew; until the answer */
	struct event *give_up;        /* CANCEL without an end */

	/* As server. */
	struct nta_incoming_s *server; /* the INVITE, until it is answered */
	unsigned ring_status;
	struct event *ring_timer;
	struct event *expiry_timer; /* what its Expires says */
	struct dialog_reliable reliable;
	struct dialog_reply reply;
	struct sip_share *ringing; /* where it counts while it does */

	/* Descriptions. */
	uint64_t sdp_id;
	uint64_t sdp_version, local_version; /* highest; of local_sdp */
	char *local_sdp, *remote_sdp;        /* in force */
	char *offered_sdp;                   /* in our open offer */
	uint64_t offered_version;
	struct nta_incoming_s *offer_irq; /* the open one of the peer */
	char *remote_offer; /* what is in it; NULL: it wants ours */
	bool remote_update; /* it came in an UPDATE (or PRACK) */
	unsigned retries;   /* of ours after 491 */
	enum dialog_offer offer;
	struct event *offer_timer;

	struct dialog_refer refer;

	/* RFC 4028 */
	unsigned session_expires_s; /* 0: none */
	unsigned min_se_s;
	bool we_refresh;
	bool peer_has_timer, peer_has_update;
	uint64_t session_end_ms;
	struct event *session_timer;

	struct sip_hangup hangup;
	char hangup_text[SIP_REASON_CAP];
};

/* ---- dialog.c ---- */

CHECKED int dialog_new(struct sip_dialog **out, struct sip_agent *agent,
		       bool uac);
/* Through the table; waits when an action is running. */
void dialog_event(struct sip_dialog *d, enum dialog_event ev);
/* Our tag; "" before there is one. */
const char *dialog_tag(const struct sip_dialog *d);
/* Whether there is one of that Call-ID and tag of ours. */
bool dialog_is_live(const struct sip_agent *agent, const char *call_id,
		    const char *tag);
/* Something that is saved has changed. */
void dialog_changed(struct sip_dialog *d);
/* Look at it after sofia's turn. */
void dialog_due(struct sip_dialog *d);
/* The event or timer is made at first use. */
void dialog_timer_set(struct sip_dialog *d, struct event **timer,
		      void (*fn)(int fd, short what, void *arg),
		      unsigned delay_ms);
void dialog_timer_clear(struct event *timer);
CHECKED int dialog_set_text(char **slot, const char *text);

/* For the agent: whether anything was done; and free what is left. */
bool sip_dialogs_run(struct sip_agent *agent);
void sip_dialogs_free(struct sip_agent *agent);
/* Whether one whose user has gone still waits: for the ACK before its BYE, or
 * for the answer to its BYE or CANCEL. */
bool sip_dialogs_are_ending(const struct sip_agent *agent);
/* @trunk goes: what its dialogs still send is not authenticated any more. */
void sip_dialogs_forget(struct sip_agent *agent, struct sip_trunk *trunk);

/* ---- dialog_invite.c ---- */

/* Send the INVITE anew when @response says how it would be taken: 422, or 3xx
 * where that is followed; and when another was named before. False: that was
 * it. */
bool dialog_invite_again(struct sip_dialog *d, const struct sip_s *response);
/* It will not be needed any more. */
void dialog_invite_forget(struct sip_dialog *d);

/* ---- dialog_early.c ---- */

/* A provisional response with a tag. False: it was here before, or comes too
 * early, and is passed over (RFC 3262, 4). */
bool dialog_early_take(struct sip_dialog *d, const struct sip_s *sip);
struct dialog_early *dialog_early_find(struct sip_dialog *d, const char *tag);
/* The fork's leg, the caller's from now on; NULL: none. */
struct nta_leg_s *dialog_early_detach(struct sip_dialog *d, const char *tag);
void dialog_early_free(struct sip_dialog *d);

/* ---- dialog_uac.c ---- */

/* A response to the INVITE that opens the dialog; a sip_client_fn. */
void dialog_invite_response(struct sip_client *client, unsigned status,
			    const struct sip_s *response, bool local,
			    void *arg);
void dialog_act_provisional(struct sip_dialog *d);
void dialog_act_accepted(struct sip_dialog *d);
void dialog_act_accepted_too_late(struct sip_dialog *d);
void dialog_act_rejected(struct sip_dialog *d);
void dialog_act_cancel(struct sip_dialog *d);
void dialog_act_cancel_done(struct sip_dialog *d);
/* ACK the 2xx @sip, without body or with @sdp. */
void dialog_ack(struct sip_dialog *d, const char *sdp);
/* A 2xx that no transaction waits for: again, or from another fork. */
void sip_dialog_stray(struct sip_agent *agent, const struct sip_s *sip,
		      const struct sip_hop *from);
/* A 2xx to @left, an INVITE that was given up. */
void sip_dialog_late(struct sip_agent *agent, const struct sip_client *left,
		     const struct sip_s *sip);

/* ---- dialog_uas.c ---- */

/* A dialog for an INVITE that was found good. @sdp (or NULL) becomes its own.
 * 0, SIP_E_INTERVAL (its Session-Expires is too small), or -errno. */
enum { SIP_E_INTERVAL = 8 };
CHECKED int dialog_invited(struct sip_dialog **out,
			   const struct sip_incoming *in, char *sdp);
void dialog_act_refuse(struct sip_dialog *d);
void dialog_act_cancelled(struct sip_dialog *d);
void dialog_act_bye_early(struct sip_dialog *d);
void dialog_act_acked(struct sip_dialog *d);
/* 200 to @irq with @sdp (or NULL), repeated until its ACK (13.3.1.4). */
void dialog_reply_start(struct sip_dialog *d, struct nta_incoming_s *irq,
			const char *sdp, bool offered);
void dialog_reply_stop(struct sip_dialog *d);

/* Send the 200 that a PRACK kept back. */
void dialog_answer_now(struct sip_dialog *d);
void dialog_act_given_up(struct sip_dialog *d);

/* ---- dialog_ring.c ---- */

void dialog_prack_recv(struct sip_dialog *d, const struct sip_incoming *in);
void dialog_ring_stop(struct sip_dialog *d);

/* ---- dialog_recv.c ---- */

/* sofia's callback for all requests inside the dialog. */
int dialog_recv(struct sip_dialog *d, struct nta_leg_s *leg,
		struct nta_incoming_s *irq, const struct sip_s *sip);

/* ---- dialog_offer.c ---- */

/* The peer's re-INVITE or UPDATE, or an offer in PRACK. */
void dialog_offer_recv(struct sip_dialog *d, const struct sip_incoming *in);
/* 500, to be tried again after a while (RFC 3261, 14.2; RFC 3311, 5.2). */
void dialog_refuse_busy(struct nta_incoming_s *irq);
/* The ACK of our 200: with an answer when that was an offer. */
void dialog_offer_acked(struct sip_dialog *d, const struct sip_s *sip);
CHECKED int dialog_offer_answer(struct sip_dialog *d,
				const struct media_desc *answer);
/* What waits, by OFFER_REMOTE or OFFER_RETRY, waits for so long. */
void dialog_offer_wait(struct sip_dialog *d, unsigned ms);
void dialog_offer_stop(struct sip_dialog *d);

/* ---- dialog_reoffer.c ---- */

/* OFFER_RETRY has waited. */
void dialog_reoffer_again(struct sip_dialog *d);
void dialog_reoffer_close(struct sip_dialog *d);
/* The current description again, in a re-INVITE or UPDATE. */
void dialog_reoffer_refresh(struct sip_dialog *d);

/* ---- dialog_timer.c ---- */

/* Read the request's wishes; 0, or 422 when its interval is too small. */
unsigned dialog_session_request(struct sip_dialog *d, const struct sip_s *sip);
/* 422 with our Min-SE. The transaction is over. */
void dialog_refuse_interval(struct nta_incoming_s *irq);
/* Read what a 2xx to our request settled. */
void dialog_session_response(struct sip_dialog *d, const struct sip_s *sip);
/* Session-Expires for our 2xx, or "" when there is none. */
enum { DIALOG_SESSION_CAP = 48 };
void dialog_session_format(const struct sip_dialog *d, bool response,
			   char out[static DIALOG_SESSION_CAP]);
void dialog_session_arm(struct sip_dialog *d);
/* Of a dialog that is restored: so much of the interval is left. */
void dialog_session_resume(struct sip_dialog *d, int64_t left_ms);
int64_t dialog_session_left_ms(const struct sip_dialog *d);
/* A refresh failed with @status; @sip may be NULL. */
void dialog_session_failed(struct sip_dialog *d, unsigned status,
			   const struct sip_s *sip);

/* ---- dialog_refer.c ---- */

void dialog_refer_recv(struct sip_dialog *d, const struct sip_incoming *in);
void dialog_notify_recv(struct sip_dialog *d, const struct sip_incoming *in);
void dialog_subscribe_recv(struct sip_dialog *d, const struct sip_incoming *in);
void dialog_refer_stop(struct sip_dialog *d);

/* ---- dialog_send.c ---- */

/* What requests of now go in: an early dialog's leg, or the dialog's. */
struct nta_leg_s *dialog_leg(struct sip_dialog *d, struct sip_hop *hop);
/* Where requests in @leg go first when that is told by an address. */
struct sip_hop dialog_literal_hop(struct nta_leg_s *leg,
				  const struct sip_hop *otherwise);

/* The credentials that may go to @hop; NULL: none. */
const struct sip_digest_account *dialog_account(const struct sip_dialog *d,
						const struct sip_hop *hop);
/* A bare request inside the dialog; its message is the caller's until it is
 * started. */
CHECKED int dialog_request_spec(struct sip_dialog *d,
				struct sip_client_spec *spec,
				const char *method, sip_client_fn fn);
/* A request inside the dialog; with the body @sdp of @type unless NULL. */
CHECKED int dialog_send(struct sip_dialog *d, struct sip_client **out,
			const char *method, const char *type, const char *body,
			sip_client_fn fn);
/* A response with Contact, Allow, Supported, session timer and body. */
int dialog_respond(struct sip_dialog *d, struct nta_incoming_s *irq,
		   unsigned status, const char *sdp);
/* A response without any of that, and the end of the transaction. */
void dialog_respond_end(struct nta_incoming_s *irq, unsigned status);
/* The next hop follows from the leg's route and target. */
void dialog_update_hop(struct sip_dialog *d);
CHECKED int dialog_set_contact(struct sip_dialog *d, const char *user);
CHECKED int dialog_renew_contact(struct sip_dialog *d);
CHECKED int dialog_contact_uri(const struct sip_dialog *d, struct sip_uri *out);
/* @desc as SDP text in *@out, with our id and the version that it gets: a new
 * one when it differs from what was said last. */
CHECKED int dialog_format(struct sip_dialog *d, const struct media_desc *desc,
			  char **out, uint64_t *version);
CHECKED int dialog_format_version(struct sip_dialog *d,
				  const struct media_desc *desc,
				  uint64_t version, char **out);

/* ---- dialog_state.c ---- */

struct sip_addr_s;
CHECKED int dialog_keep_addresses(struct sip_dialog *d,
				  const struct sip_addr_s *local,
				  const struct sip_addr_s *remote);

/* ---- dialog_end.c ---- */

void dialog_set_end(struct sip_dialog *d, const struct sip_end *end,
		    const char *text);
/* It ends by DIALOG_EV_FAILED; @timeout: nobody has answered. */
void dialog_fail(struct sip_dialog *d, unsigned status, const char *text,
		 bool timeout);
/* From Reason headers (RFC 3326). */
void dialog_read_reason(struct sip_dialog *d, const struct sip_s *sip);
/* `Q.850;cause=16;text="…"` from what our user gave, in @out; or NULL. */
const char *sip_hangup_reason(const struct sip_hangup *why,
			      char out[static SIP_REASON_TEXT_CAP]);
/* The same of how @d ends, be it by our user or by time; or NULL. */
const char *dialog_format_reason(const struct sip_dialog *d,
				 char out[static SIP_REASON_TEXT_CAP]);
/* Tell the user, once. */
void dialog_report_end(struct sip_dialog *d);
void dialog_act_bye(struct sip_dialog *d);
void dialog_act_report(struct sip_dialog *d);
void dialog_act_report_and_bye(struct sip_dialog *d);
void dialog_act_bye_done(struct sip_dialog *d);
