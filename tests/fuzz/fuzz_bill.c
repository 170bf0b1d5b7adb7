/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a billing system answers, by a local socket or over HTTP, as the first
 * octet says: each question has one answer, its words are fit for people, and
 * nobody calls because of something that does not say so.
 */
#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill.h"
#include "gateway/gateway.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIMEOUT_MS = 60000, LOCAL = 1, ON_FAILURE = 2 };

static struct event_base *base;
static char path[] = "/tmp/tandem-fuzz-bill-XXXXXX", urls[2][80];
static char token[] = "t";
static struct config configs[2];
static struct gateway gateways[2]; /* over HTTP, by a local socket */
static struct question *question;
static unsigned answers, connections;
static bool on_failure;

/* ---- the billing system ---- */

static struct slice reply;

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(bev);
	connections--;
}

static void on_written(struct bufferevent *bev, void *arg)
{
	on_gone(bev, 0, arg);
}

static void on_request(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);

	(void)arg;
	evbuffer_drain(in, evbuffer_get_length(in));
	if (!reply.n) {
		on_gone(bev, 0, NULL);
		return;
	}
	bufferevent_setcb(bev, NULL, on_written, on_gone, NULL);
	bufferevent_write(bev, reply.p, reply.n);
}

static void on_connection(struct evconnlistener *from, evutil_socket_t fd,
			  struct sockaddr *address, int n, void *arg)
{
	struct bufferevent *bev =
		bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)from;
	(void)address;
	(void)n;
	(void)arg;
	assert(bev);
	bufferevent_setcb(bev, on_request, NULL, on_gone, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	connections++;
}

static void listen_at(struct sockaddr *address, socklen_t n)
{
	const unsigned flags = LEV_OPT_CLOSE_ON_FREE;
	struct evconnlistener *listener = evconnlistener_new_bind(
		base, on_connection, NULL, flags, -1, address, (int)n);

	assert(listener);
	assert(!getsockname(evconnlistener_get_fd(listener), address, &n));
}

static void leave(void)
{
	unlink(path);
}

static void open_listeners(void)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listen_at((struct sockaddr *)&sin, sizeof(sin));
	snprintf(urls[0], sizeof(urls[0]), "http://127.0.0.1:%u/x",
		 ntohs(sin.sin_port));
	int fd = mkstemp(path);
	assert(fd >= 0);
	close(fd);
	unlink(path);
	atexit(leave);
	snprintf(local.sun_path, sizeof(local.sun_path), "%s", path);
	listen_at((struct sockaddr *)&local, sizeof(local));
	snprintf(urls[1], sizeof(urls[1]), "unix:%s", path);
}

static void prepare(void)
{
	if (base)
		return;
	assert(!log_open("/dev/null", LOG_LEVEL_ERROR));
	base = event_base_new();
	assert(base);
	open_listeners();
	for (int i = 0; i < 2; i++) {
		configs[i] = (struct config){
			.billing = { .url = urls[i],
				     .token = token,
				     .timeout_ms = TIMEOUT_MS,
				     .authorise = true },
		};
		gateways[i] =
			(struct gateway){ .config = &configs[i], .base = base };
		assert(!bill_new(&gateways[i]));
	}
}

/* ---- who asks ---- */

static void check_words(const char *text)
{
	assert(strnlen(text, BILL_REASON_CAP) < BILL_REASON_CAP);
	for (struct slice rest = slice_of(text); rest.n;) {
		uint32_t c;
		size_t n = text_utf8(rest, &c);

		assert(n);
		rest.p += n;
		rest.n -= n;
	}
}

static void on_answer(const struct bill_answer *answer, void *arg)
{
	bool local = arg == &gateways[1];

	answers++;
	assert(answer->seconds <= BILL_SECONDS_MAX);
	check_words(answer->reason);
	/* over HTTP it may come in pieces */
	assert(!answer->allowed || on_failure || !local ||
	       memmem(reply.p, reply.n, "true", 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bill_request request = { .id = "c1",
					      .account = "a@example.org",
					      .from = "+15550001",
					      .to = "+15550002",
					      .trunk = "carrier" };

	if (!size)
		return 0;
	prepare();
	struct gateway *gateway = &gateways[data[0] & LOCAL ? 1 : 0];

	reply = (struct slice){ (const char *)data + 1, size - 1 };
	on_failure = data[0] & ON_FAILURE;
	configs[data[0] & LOCAL ? 1 : 0].billing.on_failure = on_failure;
	answers = 0;
	assert(!bill_ask(&question, gateway, &request, on_answer, gateway));
	while (!answers)
		event_base_loop(base, EVLOOP_ONCE);
	question = question_free(question);
	while (connections)
		event_base_loop(base, EVLOOP_ONCE);
	assert(answers == 1 && !gateway->bill->nwaiting);
	return 0;
}
