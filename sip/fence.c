/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/fence.h"

#include <event2/event.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sofia-sip/url.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "sip/agent_int.h"
#include "sip/door.h"
#include "sip/frame.h"
#include "sip/progress.h"
#include "sip/stranger.h"
#include "sip/tls.h"

struct connection {
	int fd;
	struct addr peer;
	enum sip_transport transport;
	bool stranger;
	bool passed;       /* something of it may pass */
	uint64_t since_ms; /* it came, or its message began that is held */
	size_t held;       /* a stranger's octets that wait for more */
	size_t judged;     /* those that may be read */
	struct sip_progress progress;
};

struct sip_fence {
	struct sip_agent *agent;
	struct connection open[SIP_CONNECTIONS_MAX];
	size_t nopen;
	int spare; /* given up to refuse one when there is no other */
	pthread_t thread;
	struct event *slow; /* armed while a message is under way */
	uint64_t slow_logged_ms;
	unsigned slow_unlogged;
};

static struct sip_fence *fence; /* accept() has no argument for it */

/* ---- messages that come slowly ---- */

static bool is_gone(const struct connection *c);

static void watch_slow(struct sip_fence *f)
{
	/* It may have begun just after the timer was set. */
	const struct timeval tv = { SIP_CONNECTION_MESSAGE_MS / 2000, 0 };

	if (!evtimer_pending(f->slow, NULL))
		evtimer_add(f->slow, &tv);
}

void sip_fence_note_slow(const struct addr *peer, const char *what)
{
	uint64_t now = clock_ms();

	if (!fence)
		return;
	fence->slow_unlogged++;
	if (fence->slow_logged_ms &&
	    now - fence->slow_logged_ms < SIP_CONNECTION_LOG_MS)
		return;
	log_info("event=sip_connection peer=%s slow=%s count=%u",
		 addr_text(peer).s, what, fence->slow_unlogged);
	fence->slow_logged_ms = now;
	fence->slow_unlogged = 0;
}

/* Since when it is waited for; 0: nothing is. TLS has times of its own. */
static uint64_t waited_since_ms(const struct connection *c)
{
	if (c->progress.begun)
		return c->progress.since_ms;
	return c->stranger && (!c->passed || c->held) && c->transport == SIP_TCP
		       ? c->since_ms
		       : 0;
}

static void on_slow(evutil_socket_t fd, short what, void *arg)
{
	struct sip_fence *f = arg;
	uint64_t now = clock_ms();
	bool more = false;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < f->nopen; i++) {
		struct connection *c = &f->open[i];
		uint64_t since = waited_since_ms(c);

		if (!since || is_gone(c))
			continue;
		more = true;
		if (now - since < SIP_CONNECTION_MESSAGE_MS)
			continue;
		sip_fence_note_slow(&c->peer, "message");
		c->progress.begun = false;
		shutdown(c->fd, SHUT_RDWR); /* sofia closes it */
	}
	if (more)
		watch_slow(f);
}

static struct connection *find(int fd)
{
	for (size_t i = 0; fence && i < fence->nopen; i++)
		if (fence->open[i].fd == fd)
			return &fence->open[i];
	return NULL;
}

void sip_fence_received(int fd, const void *p, size_t n)
{
	struct connection *c = find(fd);

	if (!c)
		return;
	c->judged -= n < c->judged ? n : c->judged;
	sip_progress_add(&c->progress, p, n, clock_ms());
	if (c->progress.begun)
		watch_slow(fence);
}

static bool is_stranger(const struct sip_agent *agent,
			const struct sip_source *source)
{
	return agent->handlers->source(source, agent->arg) != SIP_TRUSTED;
}

/* ---- what strangers send ---- */

/*
 * The octets of a stranger stay in the kernel until their message is whole:
 * sofia would parse them as they come, and then it is too late to ask who it
 * is from. So that nobody is woken for what is known, the kernel is told how
 * many there have to be.
 */
static void wake_at(const struct connection *c, size_t octets)
{
	int n = (int)octets;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n));
}

static void let_go(struct connection *c)
{
	if (c->held)
		wake_at(c, 1);
	c->held = 0;
}

/* sofia closes it, once there is nothing left to read. */
static void end_stream(struct connection *c, const char *reply)
{
	char scrap[SIP_DOOR_REPLY_CAP];

	if (*reply)
		send(c->fd, reply, strlen(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(c->fd, SHUT_RDWR);
	while (recv(c->fd, scrap, sizeof(scrap), MSG_DONTWAIT) > 0)
		;
	let_go(c);
}

/* More has to come. Who is woken without that was told that it will not. */
static void hold(struct connection *c, size_t n)
{
	if (c->held == n) {
		end_stream(c, "");
		return;
	}
	if (!c->held && c->passed)
		c->since_ms = clock_ms();
	c->held = n;
	wake_at(c, n + 1);
	watch_slow(fence);
}

static void end_garbage(struct connection *c, const struct sip_source *source)
{
	sip_stranger_seen(fence->agent->strangers, source, "garbage",
			  clock_ms());
	end_stream(c, "");
}

/* The message, or the blanks, that the stream begins with. */
static size_t judge(struct connection *c, const struct sip_source *source)
{
	static char octets[SIP_MESSAGE_MAX + 1];
	char reply[SIP_DOOR_REPLY_CAP];
	struct sip_frame frame = { .total = 0 };
	ssize_t n =
		recv(c->fd, octets, sizeof(octets), MSG_PEEK | MSG_DONTWAIT);
	size_t len = 0;

	if (n <= 0)
		return SIZE_MAX; /* sofia is told what there is to tell */
	switch (sip_frame_next(&frame, octets, (size_t)n, &len)) {
	case SIP_FRAME_MORE:
		hold(c, (size_t)n);
		return 0;
	case SIP_FRAME_BAD:
		end_garbage(c, source);
		return 0;
	case SIP_FRAME_BLANK:
		break;
	case SIP_FRAME_MESSAGE:
		if (!sip_door_message(fence->agent, source,
				      (struct slice){ octets, len }, reply)) {
			end_stream(c, reply);
			return 0;
		}
		c->passed = true;
		break;
	}
	let_go(c);
	return len;
}

size_t sip_fence_may_read(int fd)
{
	struct connection *c = find(fd);

	if (!c || !c->stranger || c->transport != SIP_TCP || is_gone(c))
		return SIZE_MAX;
	const struct sip_source source = { c->peer, c->transport };

	c->stranger = is_stranger(fence->agent, &source);
	if (!c->stranger) {
		let_go(c);
		return SIZE_MAX;
	}
	if (!c->judged)
		c->judged = judge(c, &source);
	return c->judged;
}

/* ---- life ---- */

int sip_fence_new(struct sip_agent *agent)
{
	struct sip_fence *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->agent = agent;
	f->thread = pthread_self();
	f->slow = evtimer_new(agent->base, on_slow, f);
	if (!f->slow) {
		free(f);
		return -ENOMEM;
	}
	f->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fence = f;
	return 0;
}

void sip_fence_free(struct sip_agent *agent)
{
	struct sip_fence *f = fence;

	if (!f || f->agent != agent)
		return;
	fence = NULL;
	if (f->spare >= 0)
		close(f->spare);
	event_free(f->slow);
	free(f);
}

/* ---- connections ---- */

/* sofia closes them, and tells nobody: the descriptor is another's by now. */
static bool is_gone(const struct connection *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr now;

	return getpeername(c->fd, (struct sockaddr *)&ss, &len) ||
	       addr_from(&now, (struct sockaddr *)&ss) ||
	       addr_compare(&now, &c->peer);
}

static void forget_gone(struct sip_fence *f)
{
	for (size_t i = 0; i < f->nopen;)
		if (is_gone(&f->open[i]))
			f->open[i] = f->open[--f->nopen];
		else
			i++;
}

static bool may_enter(struct sip_fence *f, const struct connection *c)
{
	unsigned same = 0, strangers = 0;

	forget_gone(f);
	for (size_t i = 0; i < f->nopen; i++) {
		same += addr_same_ip(&f->open[i].peer, &c->peer);
		strangers += f->open[i].stranger;
	}
	return f->nopen < SIP_CONNECTIONS_MAX &&
	       same < SIP_CONNECTIONS_EACH_MAX &&
	       (!c->stranger || strangers < SIP_CONNECTIONS_STRANGERS_MAX);
}

bool sip_fence_enter(struct sip_agent *agent, int fd, const struct addr *peer,
		     enum sip_transport transport, bool *stranger)
{
	struct sip_source source = { *peer, transport };
	struct connection c = { .fd = fd,
				.peer = *peer,
				.transport = transport,
				.since_ms = clock_ms() };
	bool limited;

	c.stranger = is_stranger(agent, &source);
	*stranger = c.stranger;
	/* A handshake costs more than an answer does. */
	limited = c.stranger && transport == SIP_TLS;
	if (limited && !sip_stranger_seen(agent->strangers, &source,
					  "connection", clock_ms()))
		return false;
	if (!may_enter(fence, &c)) {
		if (!limited)
			sip_stranger_seen(agent->strangers, &source,
					  "connection", clock_ms());
		return false;
	}
	fence->open[fence->nopen++] = c;
	if (waited_since_ms(&c))
		watch_slow(fence);
	return true;
}

void sip_fence_refuse(int listener)
{
	int fd;

	if (!fence || fence->spare < 0)
		return;
	close(fence->spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	fence->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_warn("event=sip_connection what=refused why=\"no descriptors\"");
}

/* One that sip/tls.c hands over: sofia is told who it is from. */
static bool take_inner(int listener, struct sockaddr *sa, socklen_t *len,
		       bool *known)
{
	struct addr peer;

	*known = false;
	if (addr_from(&peer, sa) ||
	    !sip_tls_accepted(fence->agent, listener, &peer, known))
		return false;
	if (*known) {
		*len = addr_len(&peer);
		memcpy(sa, &peer.sa, *len);
	}
	return true;
}

static bool may_stay(int listener, int fd, struct sockaddr *sa, socklen_t *len)
{
	struct addr peer;
	bool known, stranger;

	if (take_inner(listener, sa, len, &known))
		return known;
	return !addr_from(&peer, sa) &&
	       sip_fence_enter(fence->agent, fd, &peer, SIP_TCP, &stranger);
}

/* sofia's, and anybody's else who asks for an address. */
int accept(int listener, struct sockaddr *restrict sa, socklen_t *restrict len)
{
	int fd = accept4(listener, sa, len, SOCK_CLOEXEC);

	if (!fence || !sa)
		return fd;
	if (fd < 0) {
		int error = errno;

		if (error == EMFILE || error == ENFILE)
			sip_fence_refuse(listener);
		errno = error;
		return -1;
	}
	if (may_stay(listener, fd, sa, len))
		return fd;
	close(fd);
	errno = EAGAIN;
	return -1;
}

/* Everybody's: only sofia's, on its own thread, can be for TLS. */
int connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct addr peer;
	int type, r;
	socklen_t n = sizeof(type);

	if (fence && pthread_equal(fence->thread, pthread_self()) &&
	    !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	    type == SOCK_STREAM && !addr_from(&peer, sa) &&
	    sip_tls_connecting(fence->agent, fd, &peer, &r))
		return r;
	return (int)syscall(SYS_connect, fd, sa, len);
}

static struct sip_fence_binds *binds; /* bind() has no argument for it */
static pthread_t binder;

void sip_fence_note_binds(struct sip_fence_binds *notes)
{
	binds = notes;
	binder = pthread_self();
}

/* Everybody's: only who opens a listener of sofia's notes anything. */
int bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	int r = (int)syscall(SYS_bind, fd, sa, len);

	if (!r && binds && pthread_equal(binder, pthread_self()) &&
	    binds->n < sizeof(binds->fds) / sizeof(binds->fds[0]))
		binds->fds[binds->n++] = fd;
	return r;
}

/* ---- names ---- */

int su_getaddrinfo(const char *node, const char *service,
		   const struct addrinfo *hints, struct addrinfo **res);

int su_getaddrinfo(const char *node, const char *service,
		   const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo wanted = { .ai_flags = 0 };

	if (hints)
		wanted = *hints;
	wanted.ai_flags |= AI_NUMERICHOST | AI_NUMERICSERV;
	return getaddrinfo(node, service && *service ? service : "0", &wanted,
			   res);
}

/* ---- parameters of URLs ---- */

/* As sofia's own: 0, not there; 1, there without a value; else its length and
 * one, and @value has it when it fits. */
isize_t url_param(const char *params, const char *tag, char value[],
		  isize_t vlen)
{
	struct slice rest = slice_of(params), wanted = slice_of(tag);

	if (wanted.n && tag[wanted.n - 1] == '=')
		wanted.n--;
	while (rest.n) {
		struct slice is = slice_cut(&rest, ';');
		size_t whole = is.n;
		struct slice name = slice_cut(&is, '=');

		if (name.n != wanted.n || strncasecmp(name.p, tag, name.n) != 0)
			continue;
		if (vlen > 0 && is.n < (size_t)vlen) {
			memcpy(value, is.p, is.n);
			value[is.n] = '\0';
		}
		return name.n == whole ? 1 : (isize_t)is.n + 1;
	}
	return 0;
}
