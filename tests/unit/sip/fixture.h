/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An agent on loopback in the test's own loop, a peer, a trunk that leads to
 * it, and a record of what the handlers were told. Include it in one .c.
 */
#pragma once

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "media/desc.h"
#include "sip/agent.h"
#include "sip/dialog.h"
#include "sip/identity.h"
#include "sip/sdp.h"
#include "sip/trunk.h"
#include "sip/waiting.h"
#include "tests/mock/name_server.h"
#include "tests/mock/sip_peer.h"
#include "tests/test.h"

/* Not every test needs all of it. */
#pragma GCC diagnostic ignored "-Wunused-function"

struct fixture {
	struct event_base *base;
	struct event *tick;
	struct sip_agent *agent;
	struct sip_trunk *trunk;
	struct sip_peer peer;
	struct name_server ns;
	struct sip_dialog *dialog; /* the last one */
	char log[4096];            /* "ring:180 answer ended:486 …" */
	enum sip_trust trust;
	struct sip_source source; /* the last one that was asked of */
	unsigned options_status;
	bool free_in_ended, answer_at_once;
	char called_user[64];
	char request_user[64], to_user[64], from_user[64], display[64];
	bool anonymous, had_offer;
	enum media_dir dir; /* of the last description */
	struct sip_policy policy;
	struct sip_waiting waiting;
	unsigned waitings;
	bool replaces, picks_up;
	char refer[256]; /* "user uri replaces" */
	struct sip_end end;
	char end_text[128];
	unsigned invites;
};

static struct fixture *fx; /* the test's; handlers need it */

/* Names for the agent, set before set_up(); NULL: none. */
static const struct name_record *fixture_zone;
static size_t fixture_nzone;
/* TLS for the agent; NULL: none. */
static const struct sip_tls_files *fixture_tls;
/* Of one address; requests in a second. */
static unsigned fixture_half_open_each = 400, fixture_requests_each = 500;
/* The agent's; unset: none. */
static struct addr fixture_public;

static void note(const char *fmt, ...) PRINTF(1, 2);
static void note(const char *fmt, ...)
{
	size_t at = strlen(fx->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fx->log + at, sizeof(fx->log) - at, fmt, ap);
	va_end(ap);
}

static void note_desc(const struct media_desc *desc)
{
	struct media_content *c =
		desc ? media_desc_first(desc, MEDIA_AUDIO) : NULL;

	if (c)
		fx->dir = c->dir;
}

/* ---- descriptions ---- */

static struct media_desc *make_desc(uint16_t port, enum media_dir dir)
{
	struct media_desc *desc;
	struct media_content *c;
	struct media_codec pcmu;

	assert_int_equal(media_desc_new(&desc), 0);
	assert_int_equal(media_desc_add(desc, &c), 0);
	assert_int_equal(media_codec_static(&pcmu, 0), 0);
	assert_int_equal(media_content_add_codec(c, &pcmu), 0);
	assert_int_equal(addr_parse(&c->rtp, slice_of("127.0.0.1"), port), 0);
	c->profile = MEDIA_RTP_AVP;
	c->dir = dir;
	return desc;
}

/* ---- dialog handlers ---- */

static void on_ring(unsigned status, const struct media_desc *early, void *arg)
{
	(void)arg;
	note_desc(early);
	note("ring:%u%s ", status, early ? "+sdp" : "");
}

static void on_answer(const struct media_desc *answer, void *arg)
{
	(void)arg;
	note_desc(answer);
	note("answer ");
}

static void on_offer(const struct media_desc *offer, void *arg)
{
	(void)arg;
	note_desc(offer);
	note("offer%s ", offer ? "" : ":none");
}

static void on_late_answer(const struct media_desc *answer, void *arg)
{
	(void)arg;
	note_desc(answer);
	note("late-answer ");
}

static void on_refused(unsigned status, void *arg)
{
	(void)arg;
	note("refused:%u ", status);
}

static void on_digit(char digit, unsigned duration_ms, void *arg)
{
	(void)arg;
	note("digit:%c/%u ", digit, duration_ms);
}

static void on_ended(const struct sip_end *end, void *arg)
{
	(void)arg;
	fx->end = *end;
	snprintf(fx->end_text, sizeof(fx->end_text), "%s", end->text);
	note("ended:%u ", end->status);
	if (fx->free_in_ended)
		fx->dialog = sip_dialog_free(fx->dialog);
}

static void on_refer(const struct sip_refer *refer, void *arg)
{
	(void)arg;
	snprintf(fx->refer, sizeof(fx->refer), "%s %s %s", refer->user,
		 refer->uri, refer->replaces);
	note("refer ");
}

static void on_referred(unsigned status, bool over, void *arg)
{
	(void)arg;
	note("referred:%u%s ", status, over ? "!" : "");
}

static const struct sip_dialog_handlers dialog_handlers = {
	.ring = on_ring,
	.answer = on_answer,
	.offer = on_offer,
	.late_answer = on_late_answer,
	.refused = on_refused,
	.digit = on_digit,
	.refer = on_refer,
	.referred = on_referred,
	.ended = on_ended,
};

/* ---- agent handlers ---- */

static enum sip_trust on_source(const struct sip_source *source, void *arg)
{
	fx->source = *source;
	(void)arg;
	return fx->trust;
}

static void on_invite(struct sip_dialog *dialog,
		      const struct sip_invite *invite, void *arg)
{
	struct sip_party caller;

	(void)arg;
	fx->dialog = dialog;
	fx->invites++;
	sip_dialog_accept(dialog, &dialog_handlers, fx);
	snprintf(fx->request_user, 64, "%s", invite->request_user);
	snprintf(fx->to_user, 64, "%s", invite->to_user);
	snprintf(fx->called_user, 64, "%s", invite->called_user);
	sip_identity_caller(&caller, invite->identity, true);
	snprintf(fx->from_user, 64, "%.63s", caller.user);
	snprintf(fx->display, 64, "%.63s", caller.display);
	fx->anonymous = invite->identity->withheld;
	fx->had_offer = invite->offer != NULL;
	fx->replaces = invite->replaces != NULL;
	fx->picks_up = invite->picks_up;
	note_desc(invite->offer);
	if (fx->answer_at_once) {
		struct media_desc *answer = make_desc(4000, MEDIA_SENDRECV);

		assert_int_equal(sip_dialog_answer(dialog, answer), 0);
		media_desc_free(answer);
		return;
	}
	note("invite ");
}

static unsigned on_options(const struct sip_invite *request, void *arg)
{
	(void)request;
	(void)arg;
	return fx->options_status;
}

static void on_policy(const struct sip_invite *request, struct sip_policy *out,
		      void *arg)
{
	(void)request;
	(void)arg;
	*out = fx->policy;
}

static void on_waiting(const struct sip_invite *request,
		       const struct sip_waiting *waiting, void *arg)
{
	(void)request;
	(void)arg;
	fx->waiting = *waiting;
	fx->waitings++;
}

static const struct sip_agent_handlers agent_handlers = {
	.source = on_source,
	.invite = on_invite,
	.options = on_options,
	.policy = on_policy,
	.waiting = on_waiting,
};

/* ---- the loop ---- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void turn(void *arg)
{
	struct fixture *f = arg;

	event_base_loop(f->base, EVLOOP_ONCE);
	sip_agent_pump(f->agent);
}

/* Let things happen for a while. */
static void run_ms(struct fixture *f, unsigned ms)
{
	uint64_t end = clock_ms() + ms;

	while (clock_ms() < end)
		turn(f);
}

/* Until the record ends with @tail. */
static void expect_log(struct fixture *f, const char *tail)
{
	uint64_t end = clock_ms() + SIP_PEER_WAIT_MS;
	size_t n = strlen(tail);

	while (clock_ms() < end) {
		size_t have = strlen(f->log);

		if (have >= n && !strcmp(f->log + have - n, tail))
			return;
		turn(f);
	}
	fail_msg("\"%s\" expected, the record is \"%s\"", tail, f->log);
}

/* By a connection of the peer's, which is answered (RFC 5626, 4.4.1). */
static void ping(struct fixture *f)
{
	char octets[8] = "";

	sip_peer_connect(&f->peer);
	sip_peer_send(&f->peer, "\r\n\r\n", 4);
	for (int i = 0; i < 100 && sip_peer_read(&f->peer, octets, 8) <= 0; i++)
		run_ms(f, 5);
	assert_string_equal(octets, "\r\n");
}

/* The peer's next request is of no dialog yet. */
static void aim(struct fixture *f, const char *scheme)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "%s:+15557654321@%s", scheme,
		 addr_text(&f->peer.target).s);
	sip_peer_dialog(&f->peer, uri);
}

static void forget_log(struct fixture *f)
{
	f->log[0] = '\0';
}

/* ---- set up ---- */

static void open_agent(struct fixture *f, uint16_t port)
{
	struct sip_listen listen = { .transport = f->peer.tls   ? SIP_TLS
						  : f->peer.tcp ? SIP_TCP
								: SIP_UDP };
	struct sip_agent_config config = {
		.listens = &listen,
		.nlistens = 1,
		.tls = fixture_tls,
		.public_address = fixture_public,
		.max_half_open = 400,
		.max_half_open_each = fixture_half_open_each,
		.max_requests_each = fixture_requests_each,
		.nameservers = fixture_zone ? f->ns.servers : NULL,
	};

	assert_int_equal(addr_parse(&listen.addr, slice_of("127.0.0.1"), port),
			 0);
	assert_int_equal(sip_agent_new(&f->agent, &config, f->base,
				       &agent_handlers, NULL),
			 0);
	f->peer.target = sip_agent_bound(f->agent, 0);
}

static void add_trunk(struct fixture *f, const char *username,
		      const char *password, const char *realm)
{
	char proxy[128];
	struct sip_trunk_config config = {
		.name = "carrier",
		.proxy = proxy,
		.username = username,
		.password = password,
		.realm = realm,
		.from_domain = "",
	};

	snprintf(proxy, sizeof(proxy), "sip:%s%s", addr_text(&f->peer.at).s,
		 f->peer.tls   ? ";transport=tls"
		 : f->peer.tcp ? ";transport=tcp"
			       : "");
	assert_int_equal(
		sip_trunk_new(&f->trunk, f->agent, &config, NULL, NULL), 0);
	/* Its first OPTIONS is answered, so that it does not disturb. */
	sip_peer_expect(&f->peer, "OPTIONS ");
	sip_peer_respond(&f->peer, "200 OK", "", NULL);
}

static int set_up_with(void **state, void (*open_peer)(struct sip_peer *))
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct timeval often = { 0, 5000 };

	fx = f;
	f->base = event_base_new();
	f->trust = SIP_TRUSTED;
	f->options_status = 200;
	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, NULL);
	event_add(f->tick, &often);
	open_peer(&f->peer);
	f->peer.turn = turn;
	f->peer.arg = f;
	if (fixture_zone)
		name_server_open(&f->ns, f->base, fixture_zone, fixture_nzone);
	open_agent(f, 0);
	*state = f;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, sip_peer_open);
}

static int set_up_tcp(void **state)
{
	return set_up_with(state, sip_peer_open_tcp);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sip_dialog_free(f->dialog);
	sip_trunk_free(f->trunk);
	sip_agent_free(f->agent);
	if (fixture_zone)
		name_server_close(&f->ns);
	sip_peer_close(&f->peer);
	event_free(f->tick);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* ---- steps that many tests begin with ---- */

static void call_out(struct fixture *f)
{
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);
	struct sip_dialog_start start = {
		.trunk = f->trunk,
		.parties.to = "+15551234567",
		.parties.from = "+15557654321",
		.parties.display = "Alice",
		.offer = offer,
		.policy = f->policy,
	};

	assert_int_equal(sip_dialog_start(&f->dialog, f->agent, &start,
					  &dialog_handlers, f),
			 0);
	media_desc_free(offer);
	sip_peer_expect(&f->peer, "INVITE ");
}

/* An outbound call that is up. */
static void call_out_up(struct fixture *f)
{
	call_out(f);
	sip_peer_respond(&f->peer, "200 OK", "Allow: INVITE, ACK, BYE\r\n",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "ACK ");
	expect_log(f, "answer ");
	forget_log(f);
}

static void call_in(struct fixture *f)
{
	aim(f, "sip");
	sip_peer_request(&f->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendrecv"));
	sip_peer_expect(&f->peer, "SIP/2.0 100");
	expect_log(f, "invite ");
}

static void answer_in(struct fixture *f)
{
	struct media_desc *answer = make_desc(4000, MEDIA_SENDRECV);

	assert_int_equal(sip_dialog_answer(f->dialog, answer), 0);
	media_desc_free(answer);
	sip_peer_expect(&f->peer, "SIP/2.0 200");
}

/* An inbound call that is up. */
static void call_in_up(struct fixture *f)
{
	call_in(f);
	answer_in(f);
	sip_peer_request(&f->peer, "ACK", "", NULL);
	run_ms(f, 30);
	forget_log(f);
}

static void hang_up(struct fixture *f, unsigned status, unsigned q850,
		    const char *text)
{
	struct sip_hangup why = { status, q850, text, 0 };

	sip_dialog_hangup(f->dialog, &why);
}
