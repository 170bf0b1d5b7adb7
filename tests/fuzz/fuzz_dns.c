/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A name server of somebody's whose names we look up (RFC 3263): whatever it
 * answers, a lookup ends, and leads to addresses of ours alone. The first octet
 * says what is looked up. Then, for each question: an octet with the code and
 * one with the number of records, two with a length, and so many octets behind
 * the question.
 */
#include <assert.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/base/cursor.h"
#include "sip/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	HEAD_LEN = 12,
	PACKET_CAP = 4096,
	ANSWER_MAX = 1000,
	NXDOMAIN = 3,
	QUESTIONS_MAX = 200, /* of one lookup, all that is repeated too */
	FAMILIES = 3,
};

static const char *const uris[] = {
	"sip:a.test",      "sip:a.test;transport=tcp",      "sips:a.test",
	"sip:a.test:5070", "sip:+1@a.test:1;transport=tls",
};
enum { NURIS = sizeof(uris) / sizeof(uris[0]) };

static struct event_base *base;
static struct sip_resolver *resolvers[FAMILIES];
static int server;
static struct cursor in;
static unsigned questions, ends;

/* ---- the name server ---- */

/* The length of head and question; 0: it is none. */
static size_t question_len(const uint8_t *p, size_t n)
{
	size_t at = HEAD_LEN;

	while (at < n && p[at])
		at += 1u + p[at];
	return at + 5 <= n ? at + 5 : 0;
}

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	uint8_t p[PACKET_CAP];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t got = recvfrom(fd, p, sizeof(p) - ANSWER_MAX, 0,
			       (struct sockaddr *)&from, &len);
	size_t n = got > 0 ? question_len(p, (size_t)got) : 0;

	(void)what;
	(void)arg;
	assert(n && ++questions < QUESTIONS_MAX);
	bool more = cursor_left(&in) >= 4;
	uint8_t code = more ? cursor_u8(&in) & 15 : NXDOMAIN;
	uint8_t records = more ? cursor_u8(&in) : 0;
	size_t body = more ? cursor_u16(&in) % ANSWER_MAX : 0;

	if (body > cursor_left(&in))
		body = cursor_left(&in);
	const uint8_t *octets = cursor_take(&in, body);
	if (body)
		memcpy(p + n, octets, body);
	p[2] = 0x81;
	p[3] = 0x80 | code;
	memset(p + 6, 0, 6);
	p[7] = records;
	sendto(fd, p, n + body, 0, (struct sockaddr *)&from, len);
}

/* ---- who asks ---- */

static void on_resolved(const struct sip_hop *hops, size_t n, unsigned ttl_s,
			void *arg)
{
	uintptr_t family = (uintptr_t)arg;

	ends++;
	assert(n <= SIP_HOPS_MAX);
	assert(ttl_s >= SIP_TTL_MIN_S && ttl_s <= SIP_TTL_MAX_S);
	for (size_t i = 0; i < n; i++) {
		assert(addr_is_set(&hops[i].addr) && addr_port(&hops[i].addr));
		assert(hops[i].transport < SIP_NTRANSPORTS);
		assert(family == 2 ||
		       addr_is_v6(&hops[i].addr) == (family == 1));
		assert(!i || hops[i].priority >= hops[i - 1].priority);
	}
}

static void prepare(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	char servers[64];

	if (base)
		return;
	base = event_base_new();
	server = socket(AF_INET, SOCK_DGRAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert(base && !bind(server, (struct sockaddr *)&sin, len));
	assert(!getsockname(server, (struct sockaddr *)&sin, &len));
	event_add(event_new(base, server, EV_READ | EV_PERSIST, on_question,
			    NULL),
		  NULL);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", ntohs(sin.sin_port));
	for (int i = 0; i < FAMILIES; i++) {
		const struct sip_resolver_config config = {
			.servers = servers,
			.v4 = i != 1,
			.v6 = i != 0,
			.udp = true,
			.tcp = true,
			.tls = true,
		};

		assert(!sip_resolver_new(&resolvers[i], base, &config));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_query *query;
	struct sip_uri uri;

	prepare();
	in = cursor_reading(data, size);
	uint8_t what = cursor_u8(&in);
	uintptr_t family = what / NURIS % FAMILIES;

	questions = ends = 0;
	assert(!sip_uri_parse(&uri, slice_of(uris[what % NURIS])));
	assert(!sip_resolve(&query, resolvers[family], &uri, on_resolved,
			    (void *)family));
	while (!ends)
		event_base_loop(base, EVLOOP_ONCE);
	sip_query_free(query);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert(ends == 1);
	return 0;
}
