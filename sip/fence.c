/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/fence.h"

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sofia-sip/url.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "sip/agent_int.h"
#include "sip/connection.h"
#include "sip/tls.h"

struct sip_fence {
	struct sip_agent *agent;
	int spare; /* given up to refuse one when there is no other */
	pthread_t thread;
};

static struct sip_fence *fence; /* accept() has no argument for it */

int sip_fence_new(struct sip_agent *agent)
{
	struct sip_fence *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->agent = agent;
	f->thread = pthread_self();
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
	       sip_connection_enter(fence->agent, fd, &peer, SIP_TCP,
				    &stranger);
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
