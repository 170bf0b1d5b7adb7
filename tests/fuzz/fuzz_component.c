/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A whole gateway, to which people and components write what they like: the
 * input is stanzas as a server passes them on, which vouches for their sender.
 * Each iq get and set gets one answer, and whatever is said stands in a stream
 * that a server takes, with a sender of ours. A telephone rings and answers.
 *
 * What is called does not outlast the input, texts, rosters and what sessions
 * were called do: a gateway is for so many inputs, and @N@ stands for what no
 * other input has.
 */
#include <assert.h>

#include "gateway/base/text.h"
#include "gateway/call/call.h"
#include "tests/unit/gateway/stage.h"
#include "xmpp/jid.h"
#include "xmpp/stanza_text.h"

enum {
	INPUT_MAX = 16 * 1024,
	STANZAS_MAX = 16,
	INPUTS_PER_GATEWAY = 500,
	ANSWER_MS = 30 * 1000, /* of a busy machine */
	TURNS = 2,
	NO_LIMIT = 100000,
	NUMBER_CAP = 12,
};

#define WRITER    "alice@example.org/x"
#define COMPONENT "sms.example.org"

static const char stream[] =
	"<stream:stream xmlns='jabber:component:accept' "
	"xmlns:stream='http://etherx.jabber.org/streams' id='1'>";

/* Alice has one number with a carrier, bob one with a component; others may
 * have one by themselves. */
static const char more[] =
	"number \"+15557654322\" { owner = \"bob@example.org\" "
	"trunk = \"carrier\" texts = \"" COMPONENT "\" }\n"
	"registration { domain = \"example.com\" numbers = { \"+1555000\" } "
	"trunk = \"carrier\" }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stanza_parser *heard_by_server;
static unsigned inputs, asked, answers, stanzas;
static char id[24]; /* of the iq that waits for its answer */
static char question[64], from[JID_CAP]; /* the gateway's last iq: id and to */

/* ---- what the gateway says ---- */

static bool is_request(const struct stanza *stanza)
{
	const char *type = stanza_attr(stanza, "type");

	return stanza_is(stanza, "iq", STANZA_NS) && type &&
	       (!strcmp(type, "get") || !strcmp(type, "set"));
}

/* It asks itself whether the stream works. */
static void send_back(const struct stanza *stanza)
{
	char *text = NULL;
	size_t n;

	assert(!stanza_format(stanza, 0, &text, &n));
	assert(send(st.server, text, n, 0) == (ssize_t)n);
	free(text);
}

static void on_asked(const struct stanza *iq)
{
	const char *to = stanza_attr(iq, "to");

	if (to && !strcmp(to, DOMAIN))
		send_back(iq);
	else if (!to || text_set(from, sizeof(from), to) ||
		 text_set(question, sizeof(question), stanza_attr(iq, "id")))
		question[0] = '\0';
}

static void on_said(struct stanza *stanza, void *arg)
{
	const char *name = stanza_name(stanza);
	const char *sender = stanza_attr(stanza, "from");
	const char *about = stanza_attr(stanza, "id");
	struct jid jid;

	(void)arg;
	assert(!strcmp(name, "iq") || !strcmp(name, "message") ||
	       !strcmp(name, "presence"));
	assert(sender && !jid_parse(&jid, sender));
	assert(slice_is_nocase(jid.domain, DOMAIN));
	if (is_request(stanza))
		on_asked(stanza);
	else if (!strcmp(name, "iq"))
		answers += about && !strcmp(about, id);
	stanza_free(stanza);
}

static void on_stream(const struct stanza *head, void *arg)
{
	(void)head;
	(void)arg;
}

static void on_stream_end(void *arg)
{
	(void)arg;
}

static void listen_to_gateway(void)
{
	ssize_t n;

	while ((n = recv(st.server, st.xml, XML_CAP, MSG_DONTWAIT)) > 0)
		assert(!stanza_parser_feed(heard_by_server, st.xml, (size_t)n));
	assert(n < 0); /* the stream stays */
}

static void turns(unsigned n)
{
	while (n--) {
		event_base_loop(st.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		gateway_pump(st.gateway);
		while (sip_peer_next(&st.peer, 0))
			on_sip(&st.peer);
		listen_to_gateway();
	}
}

/* ---- what it is told ---- */

/* A server lets nobody write for somebody else, nor for us. */
static void stamp_sender(struct stanza *stanza)
{
	const char *sender = stanza_attr(stanza, "from");
	struct jid jid;

	if (!sender || jid_parse(&jid, sender) ||
	    slice_is_nocase(jid.domain, DOMAIN))
		stanza_set(stanza, "from", WRITER);
}

static void stamp_addressee(struct stanza *stanza)
{
	const char *to = stanza_attr(stanza, "to");
	struct jid jid;

	if (!to || jid_parse(&jid, to) || !slice_is(jid.domain, DOMAIN))
		stanza_set(stanza, "to", DOMAIN);
}

/* Answers are to what was asked. */
static void stamp_answer(struct stanza *iq)
{
	if (!question[0])
		return;
	stanza_set(iq, "id", question);
	stanza_set(iq, "from", from);
}

static void wait_for_answer(void)
{
	uint64_t until = clock_ms() + ANSWER_MS;

	while (!answers && clock_ms() < until) {
		turns(1);
		if (!answers)
			event_base_loop(st.base, EVLOOP_ONCE);
	}
	turns(TURNS);
	assert(answers == 1);
	id[0] = '\0';
}

static void on_written(struct stanza *stanza, void *arg)
{
	bool request = is_request(stanza);

	(void)arg;
	stamp_sender(stanza);
	stamp_addressee(stanza);
	if (request) {
		snprintf(id, sizeof(id), "q%u", asked++);
		stanza_set(stanza, "id", id);
	} else if (!strcmp(stanza_name(stanza), "iq")) {
		stamp_answer(stanza);
	}
	answers = 0;
	if (stanzas++ < STANZAS_MAX && stanza_ok(stanza)) {
		component_receive(st.gateway, stanza);
		turns(TURNS);
		if (request)
			wait_for_answer();
	}
	stanza_free(stanza);
}

/* ---- a gateway ---- */

static void open_parser(struct stanza_parser **out,
			void (*on_stanza)(struct stanza *stanza, void *arg))
{
	static struct stanza_parser_handlers handlers[2];
	struct stanza_parser_handlers *h = &handlers[on_stanza == on_said];

	*h = (struct stanza_parser_handlers){ .on_open = on_stream,
					      .on_stanza = on_stanza,
					      .on_close = on_stream_end };
	assert(!stanza_parser_new(out, h, NULL));
	assert(!stanza_parser_feed(*out, stream, sizeof(stream) - 1));
}

static void close_gateway(void)
{
	heard_by_server = stanza_parser_free(heard_by_server);
	close_stage(NULL);
}

static void open_gateway(void)
{
	memset(&st, 0, sizeof(st));
	st.more = more;
	open_stage(NULL);
	assert(!log_open("/dev/null", LOG_LEVEL_ERROR));
	st.config->limits.texts_per_minute = NO_LIMIT;
	st.config->limits.texts_in_per_minute = NO_LIMIT;
	open_parser(&heard_by_server, on_said);
}

static void prepare(void)
{
	if (inputs++ % INPUTS_PER_GATEWAY)
		return;
	if (inputs > 1)
		close_gateway();
	open_gateway();
	/* Last in, first out: before OpenSSL's own end, which what closes a
	 * gateway would begin anew. */
	if (inputs == 1)
		atexit(close_gateway);
}

/* What is written into @out has room for a number in each place. */
static size_t number_names(char *out, const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		if (size - i < 3 || memcmp(data + i, "@N@", 3) != 0) {
			out[n++] = (char)data[i];
			continue;
		}
		n += (size_t)snprintf(out + n, NUMBER_CAP, "%u", inputs);
		i += 2;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[INPUT_MAX * NUMBER_CAP];
	AUTO(stanza_parser_freep) struct stanza_parser *parser = NULL;

	if (size > INPUT_MAX)
		return 0;
	prepare();
	stanzas = 0;
	question[0] = '\0';
	open_parser(&parser, on_written);
	size = number_names(text, data, size);
	(void)!stanza_parser_feed(parser, text, size);
	call_end_all(st.gateway, CAUSE_SHUTDOWN);
	turns(TURNS);
	return 0;
}
