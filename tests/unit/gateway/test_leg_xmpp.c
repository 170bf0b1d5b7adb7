/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP on its own: what it sends when something of ours fails, and
 * what a peer can make it hold. Crossing messages between real peers are in
 * tests/integration/test_jmi.py.
 */
#include "gateway/leg_xmpp.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/call.h"
#include "gateway/devices.h"
#include "gateway/caller.h"
#include "gateway/gateway.h"
#include "gateway/leg_xmpp_state.h"
#include "gateway/unsent.h"
#include "tests/test.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define ALICE "alice@example.org"
#define PHONE ALICE "/phone"
#define US    "+15551234567@tel.example.org/sip"

/* ---- what was sent: "message/propose" and the like, and to whom ---- */

static char said[4000];
static int send_result, open_result, iq_result;
static unsigned waiting; /* iqs */

static void note(const struct stanza *stanza)
{
	const struct stanza *child = stanza_first(stanza);
	const char *action = stanza_attr(child, "action");
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s %s\n",
		 action ? action : stanza_name(child),
		 stanza_attr(stanza, "to"));
}

static void expect(const char *lines)
{
	assert_string_equal(said, lines);
	said[0] = '\0';
}

int xmpp_stream_send(struct xmpp_stream *stream, const struct stanza *stanza)
{
	(void)stream;
	if (!send_result)
		note(stanza);
	return send_result;
}

bool xmpp_stream_is_up(const struct xmpp_stream *stream)
{
	(void)stream;
	return true;
}

void unsent_send(struct gateway *gateway, const struct stanza *stanza)
{
	(void)gateway;
	note(stanza);
}

int iq_send(struct iq_table *table, struct stanza *iq, iq_fn fn, void *arg)
{
	(void)table;
	(void)fn;
	(void)arg;
	if (iq_result)
		return iq_result;
	waiting++;
	note(iq);
	return 0;
}

void iq_cancel(struct iq_table *table, const void *arg)
{
	(void)table;
	(void)arg;
}

void caller_keep_name(struct gateway *gateway, const char *account,
		      const char *local, const char *display)
{
	(void)gateway;
	(void)account;
	(void)local;
	(void)display;
}

void caller_introduce(struct gateway *gateway, const char *account,
		      const char *local)
{
	(void)gateway;
	(void)account;
	(void)local;
}

const char *caller_name(const struct gateway *gateway, const char *account,
			const char *local)
{
	(void)gateway;
	(void)account;
	(void)local;
	return NULL;
}

/* ---- the call ---- */

static struct leg *leg;
static int ended_by_us = -1, ended_by_peer = -1;

const struct origin *call_origin(const struct call *call)
{
	(void)call;
	return NULL;
}

const char *call_name(const struct call *call)
{
	(void)call;
	return "call";
}

struct bridge *call_bridge(const struct call *call)
{
	(void)call;
	return NULL;
}

/* As a call does: the leg hangs up in the way that fits its state. */
void call_hangup(struct call *call, enum cause cause)
{
	(void)call;
	ended_by_us = (int)cause;
	leg->ops->hangup(leg, cause, NULL);
}

bool call_talks(const struct call *call)
{
	(void)call;
	return true;
}

static char missed[500];

void call_missed(struct call *call, const char *account, const char *from,
		 enum cause cause)
{
	size_t n = strlen(missed);

	(void)call;
	assert_string_equal(from, US);
	snprintf(missed + n, sizeof(missed) - n, "%s %s\n", account,
		 cause_name(cause));
}

void call_record_refresh(struct call *call)
{
	(void)call;
}

int call_record_put(struct call *call, const struct session_row *row)
{
	(void)call;
	(void)row;
	return 0;
}

void leg_calls(struct leg *of)
{
	(void)of;
}

static unsigned rang;

void leg_rings(struct leg *of)
{
	(void)of;
	rang++;
}

void leg_proceeds(struct leg *of)
{
	(void)of;
}

void leg_answers(struct leg *of)
{
	(void)of;
}

void leg_offers(struct leg *of)
{
	(void)of;
}

void leg_holds(struct leg *of, bool on)
{
	(void)of;
	(void)on;
}

void leg_digit(struct leg *of, char digit, unsigned duration_ms)
{
	(void)of;
	(void)digit;
	(void)duration_ms;
}

void leg_ends(struct leg *of, enum cause cause, const char *text)
{
	(void)of;
	(void)text;
	ended_by_peer = (int)cause;
}

static int replace(struct media_desc **kept, const struct media_desc *desc)
{
	media_desc_free(*kept);
	*kept = NULL;
	return media_desc_copy(kept, desc);
}

int leg_set_local(struct leg *of, const struct media_desc *desc)
{
	return replace(&of->local, desc);
}

int leg_set_remote(struct leg *of, const struct media_desc *desc)
{
	return replace(&of->remote, desc);
}

struct media_content *leg_local_audio(const struct leg *of)
{
	return of->local ? media_desc_first(of->local, MEDIA_AUDIO) : NULL;
}

struct media_content *leg_remote_audio(const struct leg *of)
{
	return of->remote ? media_desc_first(of->remote, MEDIA_AUDIO) : NULL;
}

void leg_fini(struct leg *of)
{
	of->local = media_desc_free(of->local);
	of->remote = media_desc_free(of->remote);
}

/* ---- the bridge ---- */

bool bridge_is_open(const struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	(void)side;
	return false;
}

static unsigned closed;

int bridge_close(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	(void)side;
	closed++;
	return 0;
}

int bridge_open(struct bridge *bridge, enum media_side side,
		enum media_transport transport, bool offerer,
		const struct addr *peer)
{
	(void)bridge;
	(void)side;
	(void)transport;
	(void)offerer;
	(void)peer;
	return open_result;
}

int bridge_local(struct bridge *bridge, enum media_side side,
		 struct media_content *content)
{
	(void)bridge;
	(void)side;
	(void)content;
	return 0;
}

int bridge_remote(struct bridge *bridge, enum media_side side,
		  const struct media_content *content)
{
	(void)bridge;
	(void)side;
	(void)content;
	return 0;
}

int bridge_candidate(struct bridge *bridge, enum media_side side,
		     const struct media_cand *cand)
{
	(void)bridge;
	(void)side;
	(void)cand;
	return 0;
}

int bridge_restart(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	(void)side;
	return 0;
}

/* ---- */

static struct gateway gateway;

static const char *direct[3]; /* devices of ALICE */

static int set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	send_result = open_result = iq_result = 0;
	ended_by_us = ended_by_peer = -1;
	waiting = rang = 0;
	missed[0] = '\0';
	closed = 0;
	memset(direct, 0, sizeof(direct));
	gateway = (struct gateway){ .base = event_base_new() };
	return leg_xmpp_index_new(&gateway);
}

static int tear_down(void **state)
{
	(void)state;
	if (leg)
		leg = leg->ops->free(leg);
	leg_xmpp_index_free(&gateway);
	event_base_free(gateway.base);
	return 0;
}

/* To @n accounts at once. */
static void offer_to(const char *const *accounts, size_t n)
{
	AUTO(media_desc_freep) struct media_desc *desc = NULL;
	struct media_content *audio;

	assert_int_equal(leg_xmpp_new_callee(&leg, &gateway,
					     &(struct leg_xmpp_callees){
						     .local = US,
						     .accounts = accounts,
						     .naccounts = n }),
			 0);
	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &audio), 0);
	memcpy(audio->mid, "0", 2);
	assert_int_equal(leg->ops->offer(leg, desc), 0);
}

static void offer(void)
{
	static const char *const alone[] = { ALICE };

	offer_to(alone, 1);
}

static void hear(enum jmi_action action, const char *from)
{
	leg_xmpp_message(leg, &(struct jmi){ .action = action,
					     .sid = xmpp_of(leg)->sid,
					     .from = from,
					     .to = US });
}

static void call_device(void)
{
	offer();
	hear(JMI_PROCEED, PHONE);
	expect("propose " ALICE "\nsession-initiate " PHONE "\n");
}

static void a_proposal_that_cannot_be_sent_rings_nobody(void **state)
{
	(void)state;
	send_result = XMPP_E_FULL;
	offer();
	assert_int_equal(ended_by_us, CAUSE_CONGESTION);
	expect("");
}

/* Conversations takes the retract, Monal the finish. */
static void a_session_that_cannot_be_offered_ends_for_the_device(void **state)
{
	(void)state;
	open_result = -ENOBUFS;
	offer();
	expect("propose " ALICE "\n");
	hear(JMI_PROCEED, PHONE);
	assert_int_equal(ended_by_us, CAUSE_FAILED);
	expect("retract " PHONE "\nfinish " PHONE "\n");
}

static void before_a_device_proceeds_all_are_told(void **state)
{
	(void)state;
	offer();
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("retract " ALICE "\n");
}

static void in_a_session_the_device_is_told(void **state)
{
	(void)state;
	call_device();
	call_hangup(NULL, CAUSE_CANCEL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\n");
}

static void a_second_device_is_told_that_it_is_late(void **state)
{
	(void)state;
	call_device();
	hear(JMI_PROCEED, ALICE "/other");
	expect("retract " ALICE "/other\nfinish " ALICE "/other\n");
	hear(JMI_PROCEED, PHONE);
	hear(JMI_REJECT, ALICE "/other");
	hear(JMI_FINISH, ALICE "/other");
	expect("");
	assert_int_equal(ended_by_peer, -1);
}

static void a_reject_of_the_device_crosses_our_session(void **state)
{
	(void)state;
	call_device();
	hear(JMI_REJECT, PHONE);
	expect("session-terminate " PHONE "\n");
	assert_int_equal(ended_by_peer, CAUSE_DECLINE);
}

static void content_add(unsigned n)
{
	AUTO(stanza_freep) struct stanza *iq = NULL;

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", "set");
	stanza_setf(iq, "id", "i%u", n);
	stanza_set(iq, "from", PHONE);
	stanza_set(iq, "to", US);
	struct stanza *jingle = stanza_child(iq, "jingle", "urn:xmpp:jingle:1");
	stanza_set(jingle, "action", "content-add");
	stanza_set(jingle, "sid", xmpp_of(leg)->sid);
	struct stanza *content = stanza_child(jingle, "content", NULL);
	stanza_set(content, "creator", "initiator");
	stanza_set(content, "name", "video");
	assert_true(stanza_ok(iq));
	leg_xmpp_iq(leg, iq);
	said[0] = '\0';
}

static void a_peer_fills_no_more_than_its_share_of_our_iqs(void **state)
{
	(void)state;
	call_device();
	for (unsigned i = 0; i < 10 * XMPP_IQS_MAX; i++)
		content_add(i);
	assert_int_equal(waiting, XMPP_IQS_MAX);
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " PHONE "\nfinish " PHONE "\n");
}

static void an_ended_leg_is_known_for_a_while(void **state)
{
	(void)state;
	const struct leg_xmpp_caller peer = { .local = US,
					      .peer = PHONE,
					      .sid = "s1" };

	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg = leg->ops->free(leg);
	assert_false(leg_xmpp_has_ended(&gateway, "s1", PHONE));

	assert_int_equal(leg_xmpp_new_caller(&leg, &gateway, &peer), 0);
	leg_xmpp_begin(leg, &(struct jmi){ .action = JMI_PROPOSE,
					   .sid = "s1",
					   .from = PHONE,
					   .to = US });
	assert_false(leg_xmpp_has_ended(&gateway, "s1", PHONE));
	leg = leg->ops->free(leg);
	assert_true(leg_xmpp_has_ended(&gateway, "s1", PHONE));
	assert_true(leg_xmpp_has_ended(&gateway, "s1", "Alice@Example.org"));
	assert_false(leg_xmpp_has_ended(&gateway, "s1", "bob@example.org"));
	assert_false(leg_xmpp_has_ended(&gateway, "s2", PHONE));
}

/* ---- several accounts ---- */

#define BOB   "bob@example.org"
#define CAROL "carol@example.org"

static const char *const three[] = { ALICE, BOB, CAROL };

static void reject_from(const char *from, enum reason reason)
{
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_REJECT,
					     .sid = xmpp_of(leg)->sid,
					     .from = from,
					     .to = US,
					     .reason = reason });
}

static void bounce_from(const char *from)
{
	leg_xmpp_message(
		leg, &(struct jmi){ .action = JMI_PROPOSE,
				    .sid = xmpp_of(leg)->sid,
				    .from = from,
				    .to = US,
				    .error = true,
				    .error_condition = "service-unavailable" });
}

static void all_accounts_ring_and_stop_when_one_answers(void **state)
{
	(void)state;
	offer_to(three, 3);
	expect("propose " ALICE "\npropose " BOB "\npropose " CAROL "\n");
	hear(JMI_RINGING, BOB "/tablet");
	hear(JMI_RINGING, PHONE);
	assert_int_equal(rang, 1);
	assert_int_equal(leg_xmpp_calls_of(&gateway, CAROL), 1);
	hear(JMI_PROCEED, BOB "/tablet");
	expect("retract " ALICE "\nretract " CAROL "\nsession-initiate " BOB
	       "/tablet\n");
	assert_string_equal(leg->ops->account(leg), BOB);
	assert_int_equal(leg_xmpp_calls_of(&gateway, CAROL), 0);
	assert_int_equal(leg_xmpp_calls_of(&gateway, "Bob@Example.org/any"), 1);
	/* late ones */
	hear(JMI_PROCEED, PHONE);
	expect("retract " PHONE "\nfinish " PHONE "\n");
	reject_from(CAROL "/x", REASON_BUSY);
	hear(JMI_RINGING, CAROL "/x");
	expect("");
	assert_int_equal(ended_by_peer, -1);
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " BOB "/tablet\nfinish " BOB "/tablet\n");
}

static void one_reject_leaves_it_to_the_others(void **state)
{
	(void)state;
	offer_to(three, 3);
	reject_from(PHONE, REASON_DECLINE);
	reject_from(ALICE "/other", REASON_BUSY);
	bounce_from(BOB);
	assert_int_equal(ended_by_peer, -1);
	said[0] = '\0';
	/* who has refused does not answer any more */
	hear(JMI_PROCEED, PHONE);
	expect("");
	reject_from(CAROL "/x", REASON_BUSY);
	assert_int_equal(ended_by_peer, CAUSE_BUSY);
	call_hangup(NULL, CAUSE_BUSY);
	expect("");
}

static void who_is_left_is_told_of_the_end(void **state)
{
	(void)state;
	offer_to(three, 3);
	reject_from(PHONE, REASON_DECLINE);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("retract " BOB "\nretract " CAROL "\n");
}

static void who_did_not_answer_has_missed_the_call(void **state)
{
	(void)state;
	offer_to(three, 3);
	reject_from(PHONE, REASON_DECLINE);
	assert_string_equal(missed, "");
	call_hangup(NULL, CAUSE_CANCEL);
	call_hangup(NULL, CAUSE_CANCEL);
	assert_string_equal(missed, ALICE " decline\n" BOB " cancel\n" CAROL
					  " cancel\n");
}

static void who_has_picked_up_misses_nothing(void **state)
{
	(void)state;
	offer_to(three, 3);
	hear(JMI_PROCEED, PHONE);
	call_hangup(NULL, CAUSE_MEDIA_LOST);
	assert_string_equal(missed, "");
}

static void the_leg_of_a_running_call_is_found_by_both_parties(void **state)
{
	(void)state;
	offer_to(three, 3);
	assert_ptr_equal(leg_xmpp_talking(&gateway, BOB "/any",
					  "+15551234567@tel.example.org"),
			 leg);
	assert_null(leg_xmpp_talking(&gateway, "dora@example.org", US));
	assert_null(leg_xmpp_talking(&gateway, BOB,
				     "+15559999999@tel.example.org/sip"));
	hear(JMI_PROCEED, PHONE);
	assert_null(leg_xmpp_talking(&gateway, BOB, US));
	assert_ptr_equal(leg_xmpp_talking(&gateway, ALICE, US), leg);
}

/* ---- devices that take no proposals ---- */

void devices_each_direct(const struct gateway *of, const char *account,
			 device_fn fn, void *arg)
{
	(void)of;
	if (strcmp(account, ALICE) != 0)
		return;
	for (size_t i = 0; i < 3 && direct[i]; i++)
		fn(direct[i], arg);
}

#define WEB ALICE "/web"
#define OLD ALICE "/old"

static struct stanza *initiate(const char *sid, const char *from)
{
	struct stanza *iq;

	assert_int_equal(stanza_new(&iq, "iq", NULL), 0);
	stanza_set(iq, "type", "set");
	stanza_setf(iq, "id", "i-%s", sid);
	stanza_set(iq, "from", from);
	stanza_set(iq, "to", US);
	struct stanza *jingle = stanza_child(iq, "jingle", "urn:xmpp:jingle:1");
	stanza_set(jingle, "action", "session-initiate");
	stanza_set(jingle, "sid", sid);
	struct stanza *content = stanza_child(jingle, "content", NULL);
	stanza_set(content, "creator", "initiator");
	stanza_set(content, "name", "0");
	struct stanza *rtp = stanza_child(content, "description",
					  "urn:xmpp:jingle:apps:rtp:1");
	stanza_set(rtp, "media", "audio");
	struct stanza *pcmu = stanza_child(rtp, "payload-type", NULL);
	stanza_set(pcmu, "id", "0");
	stanza_set(pcmu, "name", "PCMU");
	stanza_set(pcmu, "clockrate", "8000");
	stanza_child(content, "transport",
		     "urn:xmpp:jingle:transports:ice-udp:1");
	assert_true(stanza_ok(iq));
	return iq;
}

/* An iq of @action from @device in our session, with or without contents. */
static void hear_session(const char *action, const char *device,
			 const char *reason)
{
	AUTO(stanza_freep)
	struct stanza *iq = initiate(xmpp_of(leg)->sid, device);
	struct stanza *jingle = stanza_first(iq);

	stanza_setf(iq, "id", "%s-%s", action, reason ? reason : "none");
	stanza_set(jingle, "action", action);
	if (reason) {
		struct stanza *st = stanza_child(jingle, "reason", NULL);
		stanza_child(st, reason, NULL);
	}
	leg_xmpp_iq(leg, iq);
}

static void devices_without_proposals_have_a_session_at_once(void **state)
{
	(void)state;
	direct[0] = WEB;
	direct[1] = OLD;
	offer_to(three, 3);
	expect("propose " ALICE "\npropose " BOB "\npropose " CAROL
	       "\nsession-initiate " WEB "\nsession-initiate " OLD "\n");
	hear_session("session-accept", OLD, NULL);
	expect(" " OLD "\nsession-terminate " WEB "\nretract " ALICE
	       "\nretract " BOB "\nretract " CAROL "\n");
	assert_string_equal(leg->ops->account(leg), ALICE);
	/* the other device is late */
	hear_session("session-accept", WEB, NULL);
	assert_int_equal(ended_by_peer, -1);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " OLD "\n");
}

static void a_proposal_that_is_taken_ends_the_sessions(void **state)
{
	(void)state;
	direct[0] = WEB;
	offer();
	said[0] = '\0';
	hear(JMI_PROCEED, PHONE);
	expect("session-terminate " WEB "\nsession-initiate " PHONE "\n");
}

static void a_bounced_proposal_leaves_it_to_the_sessions(void **state)
{
	(void)state;
	direct[0] = WEB;
	direct[1] = OLD;
	offer();
	bounce_from(ALICE);
	assert_int_equal(ended_by_peer, -1);
	hear_session("session-terminate", WEB, "unsupported-transports");
	assert_int_equal(ended_by_peer, -1);
	hear_session("session-terminate", OLD, "busy");
	assert_int_equal(ended_by_peer, CAUSE_BUSY);
}

static void who_declines_does_so_for_all_devices(void **state)
{
	(void)state;
	direct[0] = WEB;
	direct[1] = OLD;
	offer();
	said[0] = '\0';
	hear_session("session-terminate", WEB, "decline");
	expect(" " WEB "\nsession-terminate " OLD "\n");
	assert_int_equal(ended_by_peer, CAUSE_DECLINE);
}

static void a_call_that_is_cancelled_ends_all_sessions(void **state)
{
	(void)state;
	direct[0] = WEB;
	offer();
	said[0] = '\0';
	call_hangup(NULL, CAUSE_CANCEL);
	expect("session-terminate " WEB "\nretract " ALICE "\n");
}

/* ---- another device of the same account ---- */

static void begin_from(const char *sid, const char *from)
{
	AUTO(stanza_freep) struct stanza *iq = initiate(sid, from);

	leg_xmpp_iq(leg, iq);
}

#define TABLET ALICE "/tablet"

static void propose_move(void)
{
	call_device();
	leg_xmpp_move(leg, &(struct jmi){ .action = JMI_PROPOSE,
					  .sid = "second",
					  .from = TABLET,
					  .to = US });
	expect("proceed " TABLET "\n");
	assert_ptr_equal(leg_xmpp_find(&gateway, "second", TABLET), leg);
}

static void a_call_moves_to_another_device(void **state)
{
	(void)state;
	char first[XMPP_SID_CAP];

	propose_move();
	memcpy(first, xmpp_of(leg)->sid, sizeof(first));
	begin_from("second", BOB "/x");
	assert_int_equal(closed, 0);
	said[0] = '\0';
	begin_from("second", TABLET);
	assert_int_equal(closed, 1);
	expect("finish " PHONE "\nsession-terminate " PHONE "\n " TABLET "\n");
	assert_string_equal(xmpp_of(leg)->sid, "second");
	assert_null(leg_xmpp_find(&gateway, first, PHONE));
	assert_int_equal(leg_xmpp_calls_of(&gateway, ALICE), 1);
	/* the first device is nobody's any more */
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_FINISH,
					     .sid = first,
					     .from = PHONE,
					     .to = US });
	assert_int_equal(ended_by_peer, -1);
	/* once, however often it is delivered */
	begin_from("second", TABLET);
	assert_int_equal(closed, 1);
	said[0] = '\0';
	call_hangup(NULL, CAUSE_NORMAL);
	expect("session-terminate " TABLET "\nfinish " TABLET "\n");
}

static void a_call_that_ends_is_not_moved(void **state)
{
	(void)state;
	propose_move();
	call_hangup(NULL, CAUSE_NORMAL);
	expect("reject " TABLET "\nfinish " TABLET "\nsession-terminate " PHONE
	       "\nfinish " PHONE "\n");
	assert_null(leg_xmpp_find(&gateway, "second", TABLET));
}

static void a_call_outlives_its_first_device_for_the_second(void **state)
{
	(void)state;
	propose_move();
	hear(JMI_FINISH, PHONE);
	assert_int_equal(ended_by_peer, -1);
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_RETRACT,
					     .sid = "second",
					     .from = TABLET,
					     .to = US });
	assert_int_equal(ended_by_peer, CAUSE_NORMAL);
}

static void strangers_cannot_take_or_refuse_a_call(void **state)
{
	(void)state;
	static const char *const alone[] = { ALICE };

	offer_to(alone, 1);
	said[0] = '\0';
	hear(JMI_PROCEED, BOB "/tablet");
	reject_from(BOB "/tablet", REASON_BUSY);
	bounce_from(BOB);
	expect("");
	assert_int_equal(ended_by_peer, -1);
}

static void an_account_is_called_once_by_a_leg(void **state)
{
	(void)state;
	static const char *const twice[] = { ALICE, "Alice@Example.org" };

	assert_int_equal(leg_xmpp_new_callee(
				 &leg, &gateway,
				 &(struct leg_xmpp_callees){ .local = US,
							     .accounts = twice,
							     .naccounts = 2 }),
			 -EEXIST);
	leg = NULL;
	assert_int_equal(leg_xmpp_calls_of(&gateway, ALICE), 0);
}

#define LEG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEG_TEST(a_proposal_that_cannot_be_sent_rings_nobody),
		LEG_TEST(a_session_that_cannot_be_offered_ends_for_the_device),
		LEG_TEST(before_a_device_proceeds_all_are_told),
		LEG_TEST(in_a_session_the_device_is_told),
		LEG_TEST(a_second_device_is_told_that_it_is_late),
		LEG_TEST(a_reject_of_the_device_crosses_our_session),
		LEG_TEST(a_peer_fills_no_more_than_its_share_of_our_iqs),
		LEG_TEST(an_ended_leg_is_known_for_a_while),
		LEG_TEST(all_accounts_ring_and_stop_when_one_answers),
		LEG_TEST(one_reject_leaves_it_to_the_others),
		LEG_TEST(who_is_left_is_told_of_the_end),
		LEG_TEST(who_did_not_answer_has_missed_the_call),
		LEG_TEST(who_has_picked_up_misses_nothing),
		LEG_TEST(the_leg_of_a_running_call_is_found_by_both_parties),
		LEG_TEST(devices_without_proposals_have_a_session_at_once),
		LEG_TEST(a_proposal_that_is_taken_ends_the_sessions),
		LEG_TEST(a_bounced_proposal_leaves_it_to_the_sessions),
		LEG_TEST(who_declines_does_so_for_all_devices),
		LEG_TEST(a_call_that_is_cancelled_ends_all_sessions),
		LEG_TEST(a_call_moves_to_another_device),
		LEG_TEST(a_call_that_ends_is_not_moved),
		LEG_TEST(a_call_outlives_its_first_device_for_the_second),
		LEG_TEST(strangers_cannot_take_or_refuse_a_call),
		LEG_TEST(an_account_is_called_once_by_a_leg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
