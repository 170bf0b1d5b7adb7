/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Calls through a whole gateway on loopback, once for each allocation of ours
 * that a call needs: that one fails. The call may fail with it; the process
 * stays, everything is given back, and the next call works.
 *
 * The server and the telephone are text on sockets of the test, which never
 * run out of memory.
 */
#include <event2/event.h>
#include <event2/thread.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/recent.h"
#include "gateway/component.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg_xmpp.h"
#include "gateway/text/text_again.h"
#include "gateway/text/text_int.h"
#include "gateway/watch/watch.h"
#include "sip/agent.h"
#include "tests/fail_ours.h"
#include "tests/mock/sip_peer.h"
#include "tests/test.h"
#include "xmpp/iq.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/xmpp_stream.h"

enum {
	XML_CAP = 1 << 20,
	UP_MS = 10000,
	/* Then the test ends the call from its side. */
	PATIENCE_MS = 20,
	END_MS = 8000,
	NUDGE_MS = 30,
	RUNS_MAX = 5000,
	LATE_MS = 3600 * 1000,
	SETTLE_MS = 300,
};

/* ---- the stage ---- */

static struct stage {
	char dir[64];
	struct config *config;
	struct event_base *base;
	struct event *tick;
	struct gateway *gateway;
	int listener, server; /* the XMPP server's sockets */
	char *xml;            /* what came to it since the call began */
	size_t nxml;
	struct sip_peer peer;
	char invite[SIP_PEER_TEXT_CAP]; /* the last that came */
	unsigned sid;
} st;

static void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static unsigned short port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

static int bind_loopback(int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* One that nobody uses now. */
static unsigned short free_port(int type)
{
	int fd = bind_loopback(type);
	unsigned short port = port_of(fd);

	close(fd);
	return port;
}

static void configure(unsigned short sip_port)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "xmpp { port = %u domain = \"tel.example.org\" "
		 "secret = \"s\" }\n"
		 "sip { listen = { \"udp:127.0.0.1:%u\" } }\n"
		 "media { address = \"127.0.0.1\" ice_port = %u "
		 "port_min = 30000 port_max = 31999 workers = 1 "
		 "allow_loopback = true certificate = \"%s/t.pem\" }\n"
		 "db { path = \"%s/t.db\" }\n"
		 "limits { calls_per_minute = 0 }\n"
		 "trunk \"carrier\" { proxy = \"sip:127.0.0.1:%u\" "
		 "allow = { \"127.0.0.1\" } }\n"
		 "number \"+15557654321\" { owner = \"alice@example.org\" "
		 "trunk = \"carrier\" }\n",
		 port_of(st.listener), sip_port, free_port(SOCK_DGRAM), st.dir,
		 st.dir, addr_port(&st.peer.at));
	assert_int_equal(config_parse(&st.config, "test", slice_of(text),
				      on_mistake, NULL),
			 0);
}

/* ---- the XMPP server ---- */

static void greet(void)
{
	static const char text[] =
		"<?xml version='1.0'?><stream:stream id='x' "
		"from='tel.example.org' xmlns='jabber:component:accept' "
		"xmlns:stream='http://etherx.jabber.org/streams'>"
		"<handshake/>";

	assert_int_equal(send(st.server, text, strlen(text), 0), strlen(text));
}

/* Behind the parser: without memory there it is the stream that ends, which
 * tests/unit/xmpp does. */
static void xml_send(const char *fmt, ...) PRINTF(1, 2);
static void xml_send(const char *fmt, ...)
{
	static char text[16384];
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_in_range(n, 1, sizeof(text) - 1);
	assert_int_equal(stanza_parse(&stanza, slice_of(text)), 0);
	fail_ours_on();
	component_receive(st.gateway, stanza);
	fail_ours_off();
}

#define DOMAIN "tel.example.org"

/* The end of the element that begins at @iq, or NULL. */
static const char *end_of_iq(const char *iq)
{
	const char *head = strchr(iq, '>');
	const char *end =
		head && head[-1] != '/' ? strstr(head, "</iq>") : NULL;

	return end ? end + strlen("</iq>") : head ? head + 1 : NULL;
}

/* The gateway pings itself through the server: ping and result go back. */
static void return_pings(const char *text)
{
	const char *iq = strstr(text, "<iq"), *end;

	for (; iq && (end = end_of_iq(iq)); iq = strstr(end, "<iq")) {
		size_t n = (size_t)(end - iq);
		const char *to = memmem(iq, n, " to=", 4);
		if (to && !strncmp(to + 5, DOMAIN, strlen(DOMAIN)) &&
		    to[5 + strlen(DOMAIN)] == to[4])
			assert_true(send(st.server, iq, n, 0) > 0);
	}
}

static void xml_receive(void)
{
	ssize_t n;

	while ((n = recv(st.server, st.xml + st.nxml, XML_CAP - 1 - st.nxml,
			 MSG_DONTWAIT)) > 0) {
		st.xml[st.nxml + (size_t)n] = '\0';
		return_pings(st.xml + st.nxml);
		st.nxml += (size_t)n;
	}
}

static bool heard(const char *text)
{
	return strstr(st.xml, text) != NULL;
}

/* ---- turns ---- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void turn_gateway(void)
{
	fail_ours_on();
	event_base_loop(st.base, EVLOOP_ONCE);
	gateway_pump(st.gateway);
	fail_ours_off();
}

/* The telephone: rings, takes the call, and lets it be ended. */
static void answer_request(struct sip_peer *peer)
{
	if (!strncmp(peer->last, "INVITE ", 7)) {
		memcpy(st.invite, peer->last, sizeof(st.invite));
		sip_peer_respond(peer, "180 Ringing", "", NULL);
		sip_peer_respond(peer, "200 OK", "",
				 sip_peer_sdp(40000, "sendrecv"));
	} else if (!strncmp(peer->last, "CANCEL ", 7)) {
		sip_peer_respond(peer, "200 OK", "", NULL);
		memcpy(peer->last, st.invite, sizeof(peer->last));
		sip_peer_respond(peer, "487 Request Terminated", "", NULL);
	} else if (strncmp(peer->last, "ACK ", 4) &&
		   strncmp(peer->last, "SIP/2.0 ", 8)) {
		sip_peer_respond(peer, "200 OK", "", NULL);
	}
}

static void on_sip(struct sip_peer *peer)
{
	bool final = !strncmp(peer->last, "SIP/2.0 ", 8) &&
		     peer->last[8] >= '2' &&
		     sip_peer_header_has(peer, "CSeq", "INVITE");

	answer_request(peer);
	if (final && peer->last[8] == '2')
		sip_peer_request(peer, "ACK", "", NULL);
	else if (final)
		sip_peer_request_ack(peer);
}

static void turn(void)
{
	turn_gateway();
	xml_receive();
	while (sip_peer_next(&st.peer, 0))
		on_sip(&st.peer);
}

static bool run_until(bool (*done)(void), unsigned limit_ms)
{
	uint64_t until = clock_ms() + limit_ms;

	while (!done()) {
		if (clock_ms() > until)
			return false;
		turn();
	}
	return true;
}

static bool is_ready(void)
{
	return st.gateway->announced;
}

static int open_stage(void **state)
{
	const struct timeval tick = { 0, 2000 };
	unsigned short sip_port = free_port(SOCK_DGRAM);

	(void)state;
	st.xml = calloc(1, XML_CAP);
	snprintf(st.dir, sizeof(st.dir), "/tmp/tandem-nomem-XXXXXX");
	assert_non_null(mkdtemp(st.dir));
	st.listener = bind_loopback(SOCK_STREAM);
	assert_int_equal(listen(st.listener, 1), 0);
	sip_peer_open(&st.peer);
	configure(sip_port);
	assert_int_equal(
		addr_parse(&st.peer.target, slice_of("127.0.0.1"), sip_port),
		0);
	assert_int_equal(evthread_use_pthreads(), 0);
	st.base = event_base_new();
	assert_non_null(st.base);
	st.tick = event_new(st.base, -1, EV_PERSIST, on_tick, NULL);
	event_add(st.tick, &tick);
	assert_int_equal(log_open("", LOG_LEVEL_ERROR), 0);
	assert_int_equal(gateway_new(&st.gateway, st.config, st.base), 0);
	for (struct pollfd p = { st.listener, POLLIN, 0 }; !poll(&p, 1, 0);)
		turn_gateway();
	st.server = accept(st.listener, NULL, NULL);
	greet();
	assert_true(run_until(is_ready, UP_MS));
	return 0;
}

static int close_stage(void **state)
{
	char command[160];

	(void)state;
	st.gateway = gateway_free(st.gateway);
	event_free(st.tick);
	event_base_free(st.base);
	libevent_global_shutdown();
	st.config = config_free(st.config);
	sip_peer_close(&st.peer);
	close(st.server);
	close(st.listener);
	free(st.xml);
	snprintf(command, sizeof(command), "rm -r %s", st.dir);
	assert_int_equal(system(command), 0);
	return 0;
}

/* ---- what the parties do ---- */

#define ALICE  "alice@example.org/x"
#define NUMBER "+15550001111@tel.example.org"

static const char content[] =
	"<content creator='initiator' name='0'>"
	"<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
	"<payload-type id='111' name='opus' clockrate='48000' channels='2'/>"
	"<payload-type id='0' name='PCMU' clockrate='8000'/>"
	"<payload-type id='101' name='telephone-event' clockrate='8000'/>"
	"<rtcp-mux/></description>"
	"<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' "
	"ufrag='abcd' pwd='abcdefghijklmnopqrstuv'>"
	"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' "
	"setup='actpass'>49:66:12:17:0D:1C:91:AE:57:4C:C6:36:DD:D5:97:D2:7D:62:"
	"C9:"
	"9A:7F:B9:A3:F4:70:03:E7:43:91:73:23:5E</fingerprint>"
	"<candidate component='1' foundation='1' generation='0' id='c1' "
	"ip='127.0.0.1' port='9' priority='2122260223' protocol='udp' "
	"type='host'/></transport></content>";

static const char accepted[] =
	"<content creator='initiator' name='0'>"
	"<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>"
	"<payload-type id='0' name='PCMU' clockrate='8000'/><rtcp-mux/>"
	"</description>"
	"<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' "
	"ufrag='efgh' pwd='abcdefghijklmnopqrstuv'>"
	"<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' "
	"setup='active'>49:66:12:17:0D:1C:91:AE:57:4C:C6:36:DD:D5:97:D2:7D:62:"
	"C9:"
	"9A:7F:B9:A3:F4:70:03:E7:43:91:73:23:5E</fingerprint>"
	"<candidate component='1' foundation='1' generation='0' id='c1' "
	"ip='127.0.0.1' port='9' priority='2122260223' protocol='udp' "
	"type='host'/></transport></content>";

/* A jingle iq of alice's. */
static void jingle(const char *to, const char *action, const char *inner)
{
	xml_send("<iq xmlns='jabber:component:accept' type='set' id='%s%u' "
		 "from='" ALICE "' to='%s'>"
		 "<jingle xmlns='urn:xmpp:jingle:1' action='%s' sid='s%u'>%s"
		 "</jingle></iq>",
		 action, st.sid, to, action, st.sid, inner);
}

static void jmi(const char *to, const char *action, const char *sid)
{
	xml_send("<message xmlns='jabber:component:accept' type='chat' "
		 "id='m%s%s' from='" ALICE "' to='%s'>"
		 "<%s xmlns='urn:xmpp:jingle-message:0' id='%s'>%s</%s>"
		 "</message>",
		 action, sid, to, action, sid,
		 strcmp(action, "propose")
			 ? ""
			 : "<description xmlns='urn:xmpp:jingle:apps:rtp:1' "
			   "media='audio'/>",
		 action);
}

static void begin_session(void)
{
	jingle(NUMBER "/sip", "session-initiate", content);
}

static void begin_echo(void)
{
	jingle("echo@tel.example.org/sip", "session-initiate", content);
}

static void end_session(void)
{
	jingle(NUMBER "/sip", "session-terminate",
	       "<reason><success/></reason>");
}

static void begin_proposal(void)
{
	char sid[16];

	snprintf(sid, sizeof(sid), "s%u", st.sid);
	jmi(NUMBER, "propose", sid);
}

static void follow_proposal(void)
{
	if (heard("<proceed"))
		begin_session();
}

static void end_proposal(void)
{
	char sid[16];

	snprintf(sid, sizeof(sid), "s%u", st.sid);
	jmi(NUMBER, "retract", sid);
	end_session();
}

static void begin_invite(void)
{
	char uri[128];

	snprintf(uri, sizeof(uri), "sip:+15557654321@%s",
		 addr_text(&st.peer.target).s);
	sip_peer_dialog(&st.peer, uri);
	sip_peer_request(&st.peer, "INVITE", "",
			 sip_peer_sdp(40000, "sendrecv"));
}

/* The sid that the gateway proposed. */
static bool proposed(char sid[static 64])
{
	const char *at = strstr(st.xml, "<propose");
	const char *id = at ? strstr(at, "id=") : NULL;

	return id && sscanf(id + 4, "%63[^'\"]", sid) == 1;
}

#define CALLER "+15550001111@tel.example.org/sip"

static void follow_invite(void)
{
	char sid[64];

	if (heard("session-initiate") || !proposed(sid))
		return;
	jmi(CALLER, "ringing", sid);
	jmi(CALLER, "proceed", sid);
}

/* A jingle iq of the device in the session that the gateway proposed. */
static void device_jingle(const char *id, const char *action, const char *inner)
{
	char sid[64];

	if (proposed(sid))
		xml_send("<iq xmlns='jabber:component:accept' type='set' "
			 "id='%s-%s' from='" ALICE "' to='" CALLER "'>"
			 "<jingle xmlns='urn:xmpp:jingle:1' action='%s' "
			 "sid='%s'>%s</jingle></iq>",
			 id, sid, action, sid, inner);
}

/* The device takes it. */
static void accept_invite(void)
{
	device_jingle("taken", "session-accept", accepted);
}

static void end_invite(void)
{
	char sid[64];

	if (!proposed(sid)) {
		sip_peer_request(&st.peer, "CANCEL", "", NULL);
		return;
	}
	jmi(CALLER, "reject", sid);
	device_jingle("ended", "session-terminate",
		      "<reason><success/></reason>");
	/* last: who cancels may call again, and is waited for */
	sip_peer_request(&st.peer, "CANCEL", "", NULL);
}

/* Nobody answers here, and what has ended is known for a while: as if all that
 * time were over. */
static void forget(void)
{
	uint64_t later = clock_ms() + LATE_MS;

	iq_expire(st.gateway->iqs, later);
	recent_expire(st.gateway->refused, later);
	recent_expire(st.gateway->missed, later);
	leg_xmpp_index_expire(st.gateway, later);
	text_again_due(st.gateway->texts->again, clock_wall_ms() + LATE_MS);
	/* What is counted, and the last failures, stay; here they begin anew.
	 */
	watch_free(st.gateway);
	assert_int_equal(watch_new(st.gateway), 0);
}

/* Once after each begin, when @follow_on was heard, and then @then_on; then the
 * end. */
static const struct scenario {
	const char *name;
	void (*begin)(void);
	const char *follow_on;
	void (*follow)(void);
	const char *then_on;
	void (*then)(void);
	const char *end_on;
	void (*end)(void);
} scenarios[] = {
	{ "session", begin_session, NULL, NULL, NULL, NULL, "session-accept",
	  end_session },
	{ "proposal", begin_proposal, "<proceed", follow_proposal, NULL, NULL,
	  "session-accept", end_proposal },
	{ "invite", begin_invite, "<propose", follow_invite, "session-initiate",
	  accept_invite, "taken-", end_invite },
	{ "echo", begin_echo, NULL, NULL, NULL, NULL, "session-accept",
	  end_session },
};

/* ---- runs ---- */

static const struct scenario *scenario; /* this process's */

static bool is_over(void)
{
	return !st.gateway->ncalls && !sip_agent_is_busy(st.gateway->agent);
}

static struct fail_ours_mark mark;
static long live;

static bool is_clean(void)
{
	return is_over() && fail_ours_count() == live;
}

/* One call in which allocation @run fails (-1: none), unless it does not need
 * so many. Whether it came as far as its good end. */
static bool play(long run)
{
	uint64_t until = clock_ms() + UP_MS;
	bool followed = !scenario->follow_on, then = !scenario->then_on;
	bool good = false, failed = run < 0;

	st.sid++;
	st.nxml = 0;
	st.xml[0] = '\0';
	fail_ours_arm(run);
	scenario->begin();
	while (!good && clock_ms() < until) {
		turn();
		if (!failed && fail_ours_has_failed()) {
			failed = true;
			until = clock_ms() + PATIENCE_MS;
		}
		if (!followed && heard(scenario->follow_on)) {
			followed = true;
			scenario->follow();
		}
		if (followed && !then && heard(scenario->then_on)) {
			then = true;
			scenario->then();
		}
		good = heard(scenario->end_on);
	}
	return good;
}

/* Everything of the call ends, and all of its memory comes back. */
static void finish(long run)
{
	uint64_t until = clock_ms() + END_MS;

	while (clock_ms() < until) {
		scenario->end();
		forget();
		if (run_until(is_clean, NUDGE_MS))
			return;
	}
	fail_ours_tell(&mark);
	fail_msg("%s, allocation %ld: %u calls, dialogs %d, %ld blocks left",
		 scenario->name, run, st.gateway->ncalls,
		 sip_agent_is_busy(st.gateway->agent),
		 fail_ours_count() - live);
}

static bool never(void)
{
	return false;
}

static void any_allocation_of_a_call_may_fail(void **state)
{
	long run = 0;

	(void)state;
	live = fail_ours_count();
	assert_true(play(-1)); /* fills what is kept */
	scenario->end();
	assert_true(run_until(is_over, END_MS));
	forget();
	/* the writer has its rows still */
	run_until(never, SETTLE_MS);
	live = fail_ours_count();
	fail_ours_note(&mark);
	for (bool failed = true; failed; run++) {
		assert_true(run < RUNS_MAX);
		bool good = play(run);
		failed = fail_ours_has_failed();
		fail_ours_arm(-1);
		finish(run);
		assert_true(good || failed);
	}
	print_message("%s: %ld allocations\n", scenario->name, run - 1);
}

static int run_scenario(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			any_allocation_of_a_call_may_fail, open_stage,
			close_stage),
	};

	return cmocka_run_group_tests_name(scenario->name, tests, NULL, NULL);
}

/* Each in a process of its own, side by side: they wait more than they work. */
int main(void)
{
	enum { N = sizeof(scenarios) / sizeof(*scenarios) };
	bool failed = false;
	int status;

	for (size_t i = 0; i < N; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		scenario = &scenarios[i];
		if (!pid)
			exit(run_scenario());
	}
	for (size_t i = 0; i < N; i++)
		failed |= wait(&status) < 0 || status != 0;
	return failed;
}
