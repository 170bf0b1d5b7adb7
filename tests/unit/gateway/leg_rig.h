/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A leg over XMPP on its own: a stream, iqs, a call and a bridge that write
 * down what they are told.
 */
#pragma once

#include "gateway/leg/leg_xmpp.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/call/call.h"
#include "gateway/call/caller.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp_state.h"
#include "gateway/service/devices.h"
#include "gateway/unsent.h"
#include "tests/test.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

#define ALICE  "alice@example.org"
#define PHONE  ALICE "/phone"
#define BOB    "bob@example.org"
#define CAROL  "carol@example.org"
#define WEB    ALICE "/web"
#define OLD    ALICE "/old"
#define TABLET ALICE "/tablet"
#define US     "+15551234567@tel.example.org/sip"

/* ---- what was sent: "message/propose" and the like, and to whom ---- */

static char said[4000];
static int send_result, open_result, iq_result;
static unsigned waiting; /* iqs */

static inline void note(const struct stanza *stanza)
{
	const struct stanza *child = stanza_first(stanza);
	const char *action = stanza_attr(child, "action");
	size_t n = strlen(said);

	snprintf(said + n, sizeof(said) - n, "%s %s\n",
		 action ? action : stanza_name(child),
		 stanza_attr(stanza, "to"));
}

static inline void expect(const char *lines)
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

bool call_takes_digits(const struct call *call)
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

static unsigned rang, proceeded, answered;

void leg_rings(struct leg *of)
{
	(void)of;
	rang++;
}

void leg_proceeds(struct leg *of)
{
	(void)of;
	proceeded++;
}

void leg_answers(struct leg *of)
{
	(void)of;
	answered++;
}

void leg_offers(struct leg *of)
{
	(void)of;
}

static bool held;

void leg_holds(struct leg *of, bool on)
{
	(void)of;
	held = on;
}

static unsigned agreements;

void leg_agrees(struct leg *of)
{
	(void)of;
	agreements++;
}

static struct media_desc *agreed; /* by the other party */

const struct media_desc *leg_agreed(const struct leg *of)
{
	(void)of;
	return agreed;
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

static inline int replace(struct media_desc **kept,
			  const struct media_desc *desc)
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

static inline int set_up(void **state)
{
	(void)state;
	said[0] = '\0';
	send_result = open_result = iq_result = 0;
	ended_by_us = ended_by_peer = -1;
	waiting = rang = proceeded = answered = agreements = 0;
	held = false;
	missed[0] = '\0';
	closed = 0;
	memset(direct, 0, sizeof(direct));
	gateway = (struct gateway){ .base = event_base_new() };
	return leg_xmpp_index_new(&gateway);
}

static inline int tear_down(void **state)
{
	(void)state;
	if (leg)
		leg = leg->ops->free(leg);
	leg_xmpp_index_free(&gateway);
	event_base_free(gateway.base);
	return 0;
}

/* To @n accounts at once. */
static inline void offer_to(const char *const *accounts, size_t n)
{
	const struct media_codec pcmu = {
		.pt = 0, .channels = 1, .clockrate = 8000, .name = "PCMU"
	};
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
	assert_int_equal(media_content_add_codec(audio, &pcmu), 0);
	assert_int_equal(leg->ops->offer(leg, desc), 0);
}

static inline void offer(void)
{
	static const char *const alone[] = { ALICE };

	offer_to(alone, 1);
}

static inline void hear(enum jmi_action action, const char *from)
{
	leg_xmpp_message(leg, &(struct jmi){ .action = action,
					     .sid = xmpp_of(leg)->sid,
					     .from = from,
					     .to = US });
}

static inline void call_device(void)
{
	offer();
	hear(JMI_PROCEED, PHONE);
	expect("propose " ALICE "\nsession-initiate " PHONE "\n");
}

void devices_each_direct(const struct gateway *of, const char *account,
			 device_fn fn, void *arg)
{
	(void)of;
	if (strcmp(account, ALICE) != 0)
		return;
	for (size_t i = 0; i < 3 && direct[i]; i++)
		fn(direct[i], arg);
}

static inline struct stanza *initiate(const char *sid, const char *from)
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
	struct stanza *transport = stanza_child(
		content, "transport", "urn:xmpp:jingle:transports:ice-udp:1");
	stanza_set(transport, "ufrag", "abcd");
	stanza_set(transport, "pwd", "abcdefghijklmnopqrstuv");
	assert_true(stanza_ok(iq));
	return iq;
}

/* An iq of @action from @device in our session, with or without contents. */
static inline void hear_session(const char *action, const char *device,
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

static inline void reject_from(const char *from, enum reason reason)
{
	leg_xmpp_message(leg, &(struct jmi){ .action = JMI_REJECT,
					     .sid = xmpp_of(leg)->sid,
					     .from = from,
					     .to = US,
					     .reason = reason });
}

static inline void bounce_from(const char *from)
{
	leg_xmpp_message(
		leg, &(struct jmi){ .action = JMI_PROPOSE,
				    .sid = xmpp_of(leg)->sid,
				    .from = from,
				    .to = US,
				    .error = true,
				    .error_condition = "service-unavailable" });
}

static const char *const three[]
	__attribute__((unused)) = { ALICE, BOB, CAROL };

#define LEG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
