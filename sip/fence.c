/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/fence.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "sip/agent_int.h"
#include "sip/stranger.h"

struct connection {
	int fd;
	struct addr peer;
	bool stranger;
};

struct sip_fence {
	struct sip_agent *agent;
	struct connection open[SIP_CONNECTIONS_MAX];
	size_t nopen;
	int spare; /* given up to refuse one when there is no other */
};

static struct sip_fence *fence; /* accept() has no argument for it */

int sip_fence_new(struct sip_agent *agent)
{
	struct sip_fence *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->agent = agent;
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

static bool enter(struct sip_fence *f, int fd, const struct sockaddr *sa)
{
	const struct sip_agent *agent = f->agent;
	struct sip_source source = { .transport = SIP_TCP };
	struct connection c = { .fd = fd };

	if (addr_from(&c.peer, sa))
		return false;
	source.addr = c.peer;
	c.stranger =
		agent->handlers->source(&source, agent->arg) != SIP_TRUSTED;
	if (!may_enter(f, &c)) {
		/* Logged as seldom as other visits. */
		sip_stranger_seen(agent->strangers, &source, "connection",
				  clock_ms());
		return false;
	}
	f->open[f->nopen++] = c;
	return true;
}

/* Left in the queue it would wake us for ever. */
static void refuse_without_descriptor(struct sip_fence *f, int listener)
{
	int fd;

	if (f->spare < 0)
		return;
	close(f->spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	f->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_warn("event=sip_connection what=refused why=\"no descriptors\"");
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
			refuse_without_descriptor(fence, listener);
		errno = error;
		return -1;
	}
	if (enter(fence, fd, sa))
		return fd;
	close(fd);
	errno = EAGAIN;
	return -1;
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
