/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Datagrams of a peer against a whole agent on loopback: sofia's parser, our
 * server, and dialogs of both roles. A line "----" parts datagrams; so that
 * they can hit what is random, these stand for what the agent said last:
 *
 *     @VIA@ @FROM@ @CALL@ @CSEQ@   headers of its last request
 *     @TAG@                        its tag in the call that came in last
 *     @RSEQ@                       of its last reliable response (RFC 3262)
 *     @AT@                         where the peer is
 *     @N@                          what no other input has: transactions of
 *                                  one agent last beyond an input
 *
 * A line with one of these instead of a datagram makes the agent's user act:
 * ring, answer, refuse, offer, hold, digit, hangup, call, forward, refer,
 * replace; has the dialog taken up as by another process: resume; has its
 * timers end, at their time or when their patience is over, too: time, late; or
 * makes the peer one whom nobody knows: stranger.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "media/desc.h"
#include "sip/dialog_int.h"
#include "sip/message.h"
#include "sip/trunk.h"
#include "sip/waiting.h"

enum {
	PART_CAP = 8192,
	PARTS_MAX = 24,
	/* Transactions stay 32 s: a new agent now and then frees them. */
	INPUTS_PER_AGENT = 400,
	TURNS = 2,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
	char via[256], from[256], call[128], cseq[32], rseq[16];
};

static struct event_base *base;
static struct sip_agent *agent;
static struct sip_trunk *trunk;
static struct sip_dialog *dialog;
static struct media_desc *desc, *held;
static struct said said;
static struct addr at;
static int fd = -1;
static bool strange; /* the peer is, until the input ends */
static unsigned inputs;

static void on_ring(unsigned status, const struct media_desc *early, void *arg)
{
	(void)status;
	(void)early;
	(void)arg;
}

static void on_desc(const struct media_desc *d, void *arg)
{
	(void)d;
	(void)arg;
}

static void on_ended(const struct sip_end *end, void *arg)
{
	(void)arg;
	assert(end->text);
	dialog = sip_dialog_free(dialog);
}

static void on_refer(const struct sip_refer *refer, void *arg)
{
	(void)arg;
	assert(refer->user[0] && refer->uri && refer->replaces);
	if (refer->user[0] == '6') {
		sip_dialog_refer_answer(dialog, 603);
		return;
	}
	sip_dialog_refer_answer(dialog, 202);
	if (refer->user[0] == '1')
		sip_dialog_refer_notify(dialog, 180, false);
	sip_dialog_refer_notify(dialog, 200, true);
}

static void on_referred(unsigned status, bool over, void *arg)
{
	(void)status;
	(void)over;
	(void)arg;
}

static void on_refused(unsigned status, void *arg)
{
	(void)arg;
	assert(!status || status >= 300);
}

static void on_digit(char c, unsigned duration_ms, void *arg)
{
	(void)arg;
	assert(strchr("0123456789*#ABCD", c) && c && duration_ms);
}

static void on_changed(void *arg)
{
	(void)arg;
	assert(*sip_dialog_call_id(dialog));
}

static const struct sip_dialog_handlers dialog_handlers = {
	.changed = on_changed,
	.refused = on_refused,
	.digit = on_digit,
	.refer = on_refer,
	.referred = on_referred,
	.ring = on_ring,
	.answer = on_desc,
	.offer = on_desc,
	.late_answer = on_desc,
	.ended = on_ended,
};

static enum sip_trust on_source(const struct sip_source *source, void *arg)
{
	(void)source;
	(void)arg;
	return strange ? SIP_STRANGER : SIP_TRUSTED;
}

static void on_invite(struct sip_dialog *d, const struct sip_invite *invite,
		      void *arg)
{
	(void)invite;
	(void)arg;
	sip_dialog_free(dialog);
	dialog = d;
	sip_dialog_accept(d, &dialog_handlers, NULL);
	if (sip_dialog_set_trunk(d, trunk))
		return;
}

static unsigned on_options(const struct sip_invite *request, void *arg)
{
	(void)request;
	(void)arg;
	return 200;
}

/* All that a peer can be allowed. */
static void on_policy(const struct sip_invite *request, struct sip_policy *out,
		      void *arg)
{
	(void)request;
	(void)arg;
	*out = (struct sip_policy){ .prack = true,
				    .refer = true,
				    .follow = true };
}

static void on_waiting(const struct sip_invite *request,
		       const struct sip_waiting *waiting, void *arg)
{
	(void)request;
	(void)waiting;
	(void)arg;
}

static void on_message(struct sip_message *message,
		       const struct sip_message_in *in, void *arg)
{
	(void)arg;
	assert(in->request_user && in->called_user && in->to_user);
	assert(in->key && *in->key && in->lang && in->subject);
	assert(!strpbrk(in->lang, "\r\n"));
	sip_message_answer(message, 200);
}

static const struct sip_agent_handlers agent_handlers = {
	.message = on_message,
	.source = on_source,
	.invite = on_invite,
	.options = on_options,
	.policy = on_policy,
	.waiting = on_waiting,
};

/* ---- the peer's socket ---- */

static void keep(char *out, size_t cap, const char *text, const char *name)
{
	const char *p = strstr(text, name);
	size_t n;

	if (!p)
		return;
	p += strlen(name);
	n = strcspn(p, "\r\n");
	if (n < cap) {
		memcpy(out, p, n);
		out[n] = '\0';
	}
}

static void listen_to_agent(void)
{
	char text[PART_CAP];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
		text[n] = '\0';
		keep(said.rseq, sizeof(said.rseq), text, "\r\nRSeq: ");
		if (!strncmp(text, "SIP/2.0", 7) || !strncmp(text, "ACK", 3))
			continue;
		/* not what was left unanswered by an input before */
		if (!dialog || !strstr(text, dialog->call_id))
			continue;
		keep(said.via, sizeof(said.via), text, "\r\nVia: ");
		keep(said.from, sizeof(said.from), text, "\r\nFrom: ");
		keep(said.call, sizeof(said.call), text, "\r\nCall-ID: ");
		keep(said.cseq, sizeof(said.cseq), text, "\r\nCSeq: ");
	}
}

static void turns(void)
{
	for (int i = 0; i < TURNS; i++) {
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		sip_agent_pump(agent);
	}
	listen_to_agent();
}

/* ---- set up ---- */

static void open_socket(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert(!bind(fd, (struct sockaddr *)&sin, len));
	assert(!getsockname(fd, (struct sockaddr *)&sin, &len));
	assert(!addr_from(&at, (struct sockaddr *)&sin));
}

static void make_desc(void)
{
	struct media_content *c;
	struct media_codec pcmu;

	assert(!media_desc_new(&desc) && !media_desc_add(desc, &c));
	assert(!media_codec_static(&pcmu, 0));
	assert(!media_content_add_codec(c, &pcmu));
	assert(!addr_parse(&c->rtp, slice_of("127.0.0.1"), 4000));
	assert(!media_desc_copy(&held, desc));
	held->contents[0]->dir = MEDIA_SENDONLY;
}

static void open_agent(void)
{
	struct sip_listen listen = { .transport = SIP_UDP };
	struct sip_agent_config config = { .listens = &listen,
					   .nlistens = 1,
					   .max_half_open = 100,
					   .max_half_open_each = 100,
					   .max_requests_each = 100000 };
	char proxy[128];
	struct sip_trunk_config tc = { .name = "t",
				       .proxy = proxy,
				       .username = "u",
				       .password = "p",
				       .realm = "",
				       .from_domain = "" };

	snprintf(proxy, sizeof(proxy), "sip:%s", addr_text(&at).s);
	assert(!addr_parse(&listen.addr, slice_of("127.0.0.1"), 0));
	assert(!sip_agent_new(&agent, &config, base, &agent_handlers, NULL));
	assert(!sip_trunk_new(&trunk, agent, &tc, NULL, NULL));
	turns();
}

static void close_agent(void)
{
	dialog = sip_dialog_free(dialog);
	trunk = sip_trunk_free(trunk);
	agent = sip_agent_free(agent);
}

static void prepare(void)
{
	if (!base) {
		assert(!log_open("/dev/null", LOG_LEVEL_ERROR));
		base = event_base_new();
		open_socket();
		make_desc();
		atexit(close_agent);
	}
	if (inputs++ % INPUTS_PER_AGENT)
		return;
	if (agent)
		close_agent();
	open_agent();
}

/* ---- one input ---- */

static void ring(void)
{
	if (dialog && sip_dialog_ring(dialog, 183, desc))
		return;
}

static void answer(void)
{
	if (dialog && sip_dialog_answer(dialog, desc))
		return;
}

static void refuse(void)
{
	if (dialog)
		sip_dialog_refuse(dialog, 488);
}

static void offer(void)
{
	if (dialog && sip_dialog_offer(dialog, desc))
		return;
}

static void hold(void)
{
	if (dialog && sip_dialog_offer(dialog, held))
		return;
}

static void digit(void)
{
	if (dialog && sip_dialog_digit(dialog, '5', 100))
		return;
}

static void hangup(void)
{
	if (dialog)
		sip_dialog_hangup(
			dialog, &(struct sip_hangup){ .status = 486,
						      .q850 = 17,
						      .text = "busy \"now\"" });
}

static void estrange(void)
{
	strange = true;
}

static void start(const char *diverted)
{
	struct sip_dialog_start start = {
		.trunk = trunk,
		.parties.to = "+1",
		.parties.from = "+2",
		.parties.display = "A \"B\"",
		.parties.diverted = diverted,
		.offer = desc,
		.policy = { .prack = true, .refer = true, .follow = true }
	};

	dialog = sip_dialog_free(dialog);
	if (sip_dialog_start(&dialog, agent, &start, &dialog_handlers, NULL))
		dialog = NULL;
}

static void call(void)
{
	start(NULL);
}

static void forward(void)
{
	start("+4 \"");
}

static void refer(void)
{
	if (dialog && !sip_dialog_refer(dialog, "+3", NULL))
		return;
}

static void replace(void)
{
	if (dialog && !sip_dialog_refer(dialog, "+3", dialog))
		return;
}

/* ---- another process, other times ---- */

static void expect_same(const struct sip_dialog_state *a,
			const struct sip_dialog_state *b)
{
	assert(a->uac == b->uac && a->transport == b->transport);
	assert(addr_equal(&a->peer, &b->peer));
	assert(!strcmp(a->call_id, b->call_id));
	assert(!strcmp(a->local_tag, b->local_tag));
	assert(!strcmp(a->remote_tag, b->remote_tag));
	assert(!strcmp(a->local, b->local) && !strcmp(a->remote, b->remote));
	assert(!strcmp(a->remote_target, b->remote_target));
	assert(!strcmp(a->route, b->route) && !strcmp(a->contact, b->contact));
	assert(!strcmp(a->trunk, b->trunk));
	assert(a->local_cseq == b->local_cseq);
	assert(a->remote_cseq == b->remote_cseq);
	assert(a->session_expires_s == b->session_expires_s);
	assert(a->session_left_ms >= b->session_left_ms);
}

/* The one that had it has died without a word; what is kept of it is enough
 * for the next one, and for the one after that. */
static void resume(void)
{
	struct sip_dialog_state state, again;

	if (!dialog || sip_dialog_save(dialog, &state))
		return;
	dialog->state = DIALOG_OVER;
	dialog = sip_dialog_free(dialog);
	turns();
	assert(!sip_dialog_restore(&dialog, agent, &state, trunk,
				   &dialog_handlers, NULL));
	assert(!sip_dialog_describe(dialog, desc));
	assert(!sip_dialog_save(dialog, &again));
	expect_same(&state, &again);
	sip_dialog_state_fini(&state);
	sip_dialog_state_fini(&again);
}

static void pass_time(void)
{
	struct event *const timers[] = {
		dialog ? dialog->session_timer : NULL,
		dialog ? dialog->ring_timer : NULL,
		dialog ? dialog->expiry_timer : NULL,
		dialog ? dialog->reply.timer : NULL,
		dialog ? dialog->reliable.timer : NULL,
		dialog ? dialog->offer_timer : NULL,
		dialog ? dialog->refer.timer : NULL,
		dialog ? dialog->give_up : NULL,
	};

	for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++)
		if (timers[i] && evtimer_pending(timers[i], NULL))
			event_active(timers[i], EV_TIMEOUT, 0);
}

static void pass_deadlines(void)
{
	if (!dialog)
		return;
	dialog->session_end_ms = 0;
	dialog->reply.give_up_ms = 0;
	dialog->reliable.give_up_ms = 0;
	pass_time();
}

static bool act(struct slice part)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} acts[] = { { "ring\n", ring },           { "answer\n", answer },
		     { "refuse\n", refuse },       { "offer\n", offer },
		     { "hold\n", hold },           { "digit\n", digit },
		     { "hangup\n", hangup },       { "call\n", call },
		     { "forward\n", forward },     { "refer\n", refer },
		     { "resume\n", resume },       { "time\n", pass_time },
		     { "late\n", pass_deadlines }, { "replace\n", replace },
		     { "stranger\n", estrange } };

	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		if (!slice_is(part, acts[i].name))
			continue;
		acts[i].fn();
		return true;
	}
	return false;
}

static const char *value_of(const char *p, size_t *skip)
{
	static char number[24], where[64];
	const char *tag = dialog && dialog->leg ? dialog_tag(dialog) : "t";
	const struct {
		const char *name, *value;
	} values[] = { { "@VIA@", said.via },   { "@FROM@", said.from },
		       { "@CALL@", said.call }, { "@CSEQ@", said.cseq },
		       { "@TAG@", tag },        { "@RSEQ@", said.rseq },
		       { "@N@", number } };

	snprintf(number, sizeof(number), "%u", inputs);
	snprintf(where, sizeof(where), "%s", addr_text(&at).s);

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		*skip = strlen(values[i].name);
		if (!strncmp(p, values[i].name, *skip))
			return values[i].value;
	}
	return NULL;
}

/* Filled in, with CRLF for LF; and sent. */
static void send_part(struct slice part)
{
	char in[PART_CAP] = "", out[PART_CAP * 2];
	size_t n = 0, skip = 1;

	if (part.n >= sizeof(in) / 2)
		return;
	memcpy(in, part.p, part.n);
	for (size_t i = 0; i < part.n; i += skip) {
		const char *value =
			in[i] == '@' ? value_of(in + i, &skip) : NULL;

		struct slice put = slice_of(value);

		if (value && n + put.n + 3 < sizeof(out)) {
			memcpy(out + n, put.p, put.n);
			n += put.n;
			continue;
		}
		skip = 1;
		if (n + 3 >= sizeof(out))
			return;
		if (in[i] == '\n')
			out[n++] = '\r';
		out[n++] = in[i];
	}
	struct addr to = sip_agent_bound(agent, 0);

	sendto(fd, out, n, 0, &to.sa, addr_len(&to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = { (const char *)data, size };

	prepare();
	strange = false;
	for (int i = 0; i < PARTS_MAX && rest.n; i++) {
		const char *end = memmem(rest.p, rest.n, "----\n", 5);
		struct slice part = { rest.p,
				      end ? (size_t)(end - rest.p) : rest.n };
		size_t used = end ? part.n + 5 : part.n;

		rest.p += used;
		rest.n -= used;
		if (!act(part))
			send_part(part);
		turns();
	}
	dialog = sip_dialog_free(dialog);
	turns();
	return 0;
}
