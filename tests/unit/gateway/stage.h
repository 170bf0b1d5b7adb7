/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A whole gateway on loopback, between an XMPP server and a telephone that are
 * text on sockets of the test: these never run out of memory, as it does
 * between fail_ours_on() and fail_ours_off(). Include it in one .c of a test
 * program; there is one stage in it.
 */
#pragma once

#include <event2/event.h>
#include <event2/thread.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/component.h"
#include "gateway/gateway.h"
#include "tests/fail_ours.h"
#include "tests/mock/sip_peer.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

enum {
	XML_CAP = 1 << 20,
	UP_MS = 10000,
};

static struct stage {
	char dir[64];
	struct config *config;
	const char *more; /* of the configuration, or NULL; set before */
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

static inline void on_mistake(const char *line, void *arg)
{
	(void)arg;
	print_error("%s\n", line);
}

static inline unsigned short port_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

static inline int bind_loopback(int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* One that nobody uses now. */
static inline unsigned short free_port(int type)
{
	int fd = bind_loopback(type);
	unsigned short port = port_of(fd);

	close(fd);
	return port;
}

static inline void configure(unsigned short sip_port)
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
		 "trunk = \"carrier\" }\n%s",
		 port_of(st.listener), sip_port, free_port(SOCK_DGRAM), st.dir,
		 st.dir, addr_port(&st.peer.at), st.more ? st.more : "");
	assert_int_equal(config_parse(&st.config, "test", slice_of(text),
				      on_mistake, NULL),
			 0);
}

/* ---- the XMPP server ---- */

static inline void greet(void)
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
static inline void xml_send(const char *fmt, ...) PRINTF(1, 2);
static inline void xml_send(const char *fmt, ...)
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
static inline void return_pings(const char *text)
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

static inline void xml_receive(void)
{
	ssize_t n;

	while ((n = recv(st.server, st.xml + st.nxml, XML_CAP - 1 - st.nxml,
			 MSG_DONTWAIT)) > 0) {
		st.xml[st.nxml + (size_t)n] = '\0';
		return_pings(st.xml + st.nxml);
		st.nxml += (size_t)n;
	}
}

static inline bool heard(const char *text)
{
	return strstr(st.xml, text) != NULL;
}

/* ---- turns ---- */

static inline void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static inline void turn_gateway(void)
{
	fail_ours_on();
	event_base_loop(st.base, EVLOOP_ONCE);
	gateway_pump(st.gateway);
	fail_ours_off();
}

/* The telephone: rings, takes the call, and lets it be ended. */
static inline void answer_request(struct sip_peer *peer)
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

static inline void on_sip(struct sip_peer *peer)
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

static inline void turn(void)
{
	turn_gateway();
	xml_receive();
	while (sip_peer_next(&st.peer, 0))
		on_sip(&st.peer);
}

static inline bool run_until(bool (*done)(void), unsigned limit_ms)
{
	uint64_t until = clock_ms() + limit_ms;

	while (!done()) {
		if (clock_ms() > until)
			return false;
		turn();
	}
	return true;
}

static inline bool is_ready(void)
{
	return st.gateway->announced;
}

/* A process, with its stream up. */
static inline void begin_gateway(void)
{
	assert_int_equal(gateway_new(&st.gateway, st.config, st.base), 0);
	for (struct pollfd p = { st.listener, POLLIN, 0 }; !poll(&p, 1, 0);)
		turn_gateway();
	st.server = accept(st.listener, NULL, NULL);
	greet();
	assert_true(run_until(is_ready, UP_MS));
}

static inline void end_gateway(void)
{
	st.gateway = gateway_free(st.gateway);
	close(st.server);
}

static inline int open_stage(void **state)
{
	const struct timeval tick = { 0, 2000 };
	unsigned short sip_port = free_port(SOCK_DGRAM);

	(void)state;
	st.xml = calloc(1, XML_CAP);
	snprintf(st.dir, sizeof(st.dir), "/tmp/tandem-stage-XXXXXX");
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
	begin_gateway();
	return 0;
}

static inline int close_stage(void **state)
{
	char command[160];

	(void)state;
	end_gateway();
	event_free(st.tick);
	event_base_free(st.base);
	libevent_global_shutdown();
	st.config = config_free(st.config);
	sip_peer_close(&st.peer);
	close(st.listener);
	free(st.xml);
	snprintf(command, sizeof(command), "rm -r %s", st.dir);
	assert_int_equal(system(command), 0);
	return 0;
}
