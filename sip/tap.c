/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>
#include <sofia-sip/su.h>

#include "sip/agent_int.h"
#include "sip/datagram.h"
#include "sip/frame.h"
#include "sip/tls.h"

/* Half a message of a stream, in one direction. */
struct half {
	bool used, rx;
	struct addr local, remote;
	struct sip_frame frame;
	char *p; /* of 2 * SIP_MESSAGE_MAX */
	size_t n;
};

static struct {
	struct sip_agent *agent;
	sip_tap_fn fn;
	void *arg;
	struct half halves[SIP_TAP_STREAMS];
} tap;

bool sip_tap_is_set;

static void drop(struct half *half)
{
	free(half->p);
	*half = (struct half){ .used = false };
}

void sip_tap_set(struct sip_agent *agent, sip_tap_fn fn, void *arg)
{
	for (size_t i = 0; i < SIP_TAP_STREAMS; i++)
		drop(&tap.halves[i]);
	tap.agent = agent;
	tap.fn = fn;
	tap.arg = arg;
	sip_tap_is_set = fn;
}

static void tell(const struct sip_tapped *like, const char *p, size_t n)
{
	struct sip_tapped message = *like;

	message.text = (struct slice){ p, n };
	tap.fn(&message, tap.arg);
}

/* ---- streams ---- */

static struct half *find(const struct sip_tapped *like)
{
	for (size_t i = 0; i < SIP_TAP_STREAMS; i++) {
		struct half *half = &tap.halves[i];

		if (half->used && half->rx == like->rx &&
		    addr_equal(&half->local, &like->local) &&
		    addr_equal(&half->remote, &like->remote))
			return half;
	}
	return NULL;
}

static struct half *begin(const struct sip_tapped *like)
{
	for (size_t i = 0; i < SIP_TAP_STREAMS; i++) {
		struct half *half = &tap.halves[i];

		if (half->used)
			continue;
		*half = (struct half){ .used = true,
				       .rx = like->rx,
				       .local = like->local,
				       .remote = like->remote,
				       .p = malloc(2 * SIP_MESSAGE_MAX) };
		if (half->p)
			return half;
		half->used = false;
		return NULL;
	}
	return NULL;
}

/* All whole messages of @p; how many octets they took, or all when the rest is
 * no SIP. */
static size_t take(const struct sip_tapped *like, struct sip_frame *frame,
		   const char *p, size_t n)
{
	size_t at = 0, len;

	while (at < n) {
		switch (sip_frame_next(frame, p + at, n - at, &len)) {
		case SIP_FRAME_MORE:
			return at;
		case SIP_FRAME_BAD:
			return n;
		case SIP_FRAME_MESSAGE:
			tell(like, p + at, len);
			break;
		case SIP_FRAME_BLANK:
			break;
		}
		*frame = (struct sip_frame){ .total = 0 };
		at += len;
	}
	return at;
}

static void add(struct half *half, const char *p, size_t n)
{
	if (n > 2 * SIP_MESSAGE_MAX - half->n) {
		drop(half);
		return;
	}
	memcpy(half->p + half->n, p, n);
	half->n += n;
}

static void take_stream(const struct sip_tapped *like, const char *p, size_t n)
{
	struct half *half = find(like);
	struct sip_frame frame = { .total = 0 };

	if (!half) {
		size_t taken = take(like, &frame, p, n);

		if (taken < n && (half = begin(like)))
			add(half, p + taken, n - taken);
		return;
	}
	add(half, p, n);
	if (!half->used)
		return;
	size_t taken = take(like, &half->frame, half->p, half->n);
	half->n -= taken;
	memmove(half->p, half->p + taken, half->n);
	if (!half->n)
		drop(half);
}

/* ---- what is read and written ---- */

static bool get_ends(int fd, struct sip_tapped *out,
		     const struct sockaddr *peer)
{
	struct sockaddr_storage local, remote;
	socklen_t n = sizeof(local), m = sizeof(remote);

	return !getsockname(fd, (struct sockaddr *)&local, &n) &&
	       !addr_from(&out->local, (struct sockaddr *)&local) &&
	       (peer || !getpeername(fd, (struct sockaddr *)&remote, &m)) &&
	       !addr_from(&out->remote,
			  peer ? peer : (struct sockaddr *)&remote);
}

static bool is_stream(int fd)
{
	int type = SOCK_DGRAM;
	socklen_t n = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) &&
	       type == SOCK_STREAM;
}

void sip_tap_octets(int fd, bool rx, const struct iovec *iov, size_t niov,
		    size_t n, const struct sockaddr *peer)
{
	struct sip_tapped message = { .rx = rx };
	char *p = malloc(n);
	size_t at = 0;
	int was = errno; /* sofia looks at it */

	for (size_t i = 0; p && i < niov && at < n; i++) {
		size_t part = iov[i].iov_len < n - at ? iov[i].iov_len : n - at;

		memcpy(p + at, iov[i].iov_base, part);
		at += part;
	}
	if (p && get_ends(fd, &message, peer)) {
		message.transport = is_stream(fd) ? SIP_TCP : SIP_UDP;
		if (message.transport == SIP_UDP)
			tell(&message, p, at);
		else if (!sip_tls_is_inside(tap.agent, &message.local,
					    &message.remote))
			take_stream(&message, p, at);
	}
	free(p);
	errno = was;
}

void sip_tap_tls(bool rx, const struct addr *peer, const char *p, size_t n)
{
	const struct sip_tapped message = {
		.transport = SIP_TLS,
		.rx = rx,
		.local = { .sa.sa_family = ADDR_NONE },
		.remote = *peer,
	};

	tell(&message, p, n);
}

/* sofia's, for every datagram and every piece of a stream. */
issize_t su_vsend(su_socket_t fd, const su_iovec_t iov[], isize_t niov,
		  int flags, const su_sockaddr_t *su, socklen_t len)
{
	struct msghdr msg = { .msg_name = (void *)su,
			      .msg_namelen = su ? len : 0,
			      .msg_iov = (struct iovec *)iov,
			      .msg_iovlen = niov };

	if (su && !sip_datagram_may_leave(msg.msg_iov, niov, &su->su_sa)) {
		errno = EMSGSIZE;
		return -1;
	}
	issize_t n = sendmsg(fd, &msg, flags);
	if (n > 0 && sip_tap_is_set)
		sip_tap_octets(fd, false, msg.msg_iov, niov, (size_t)n,
			       su ? &su->su_sa : NULL);
	return n;
}
