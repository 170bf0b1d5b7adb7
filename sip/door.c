/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/door.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define NTA_AGENT_MAGIC_T struct sip_agent
#include <sofia-sip/nta.h>
#include <sofia-sip/su.h>
#include <sys/uio.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "sip/agent_int.h"
#include "sip/fence.h"
#include "sip/raw.h"
#include "sip/stranger.h"
#include "sip/tap.h"

enum { CALL_ID_CAP = 256 };

static struct sip_agent *watched; /* su_vrecv() has no argument for it */

void sip_door_watch(struct sip_agent *agent)
{
	watched = agent;
}

/* Of a call of ours: carriers send a BYE from where they like. */
static bool is_of_a_dialog(const struct sip_agent *agent,
			   const struct sip_raw *raw)
{
	struct slice value = raw->call_id;
	char text[CALL_ID_CAP];

	slice_cut(&value, ':');
	return !text_copy(text, sizeof(text), slice_trim(value)) &&
	       nta_leg_by_call_id(agent->nta, text);
}

static_assert(sizeof(su_iovec_t) == sizeof(struct iovec) &&
		      offsetof(su_iovec_t, siv_len) ==
			      offsetof(struct iovec, iov_len),
	      "as sofia itself takes it");

/* The answer in @reply, of at most @cap; "" none. */
static void answer(struct sip_agent *agent, const struct sip_raw *raw,
		   const struct sip_source *source, char *reply, size_t cap)
{
	char method[SIP_RAW_METHOD_MAX + 1];

	if (text_copy(method, sizeof(method), raw->method) ||
	    !sip_stranger_seen(agent->strangers, source, method, clock_ms()) ||
	    !strcmp(method, "ACK") ||
	    sip_raw_refuse(reply, cap, raw, &source->addr))
		reply[0] = '\0';
}

/* Whether what a stranger sent may pass; or else the answer to it. */
static bool may_pass(struct sip_agent *agent, const struct sip_source *source,
		     struct slice octets, char *reply, size_t cap)
{
	struct sip_raw raw;

	reply[0] = '\0';
	if (sip_raw_is_response(octets))
		return true;
	if (sip_raw_parse(&raw, octets)) {
		sip_stranger_seen(agent->strangers, source, "none", clock_ms());
		return false;
	}
	if (is_of_a_dialog(agent, &raw))
		return true;
	answer(agent, &raw, source, reply, cap);
	return false;
}

/* Whether sofia shall not see it. No answer is longer than what was sent, as
 * who sent it may be forged. */
static bool turned_away(int fd, struct slice datagram,
			const struct sockaddr *sa)
{
	struct sip_source source = { .transport = SIP_UDP };
	char reply[SIP_DOOR_REPLY_CAP];
	size_t cap = datagram.n < sizeof(reply) ? datagram.n : sizeof(reply);

	if (!cap || addr_from(&source.addr, sa) ||
	    watched->handlers->source(&source, watched->arg) == SIP_TRUSTED ||
	    may_pass(watched, &source, datagram, reply, cap))
		return false;
	if (*reply)
		sendto(fd, reply, strlen(reply), MSG_DONTWAIT, &source.addr.sa,
		       addr_len(&source.addr));
	return true;
}

static bool is_blank(struct slice octets)
{
	return !slice_trim(octets).n;
}

bool sip_door_stream(struct sip_agent *agent, const struct sip_source *source,
		     struct slice octets, char reply[static SIP_DOOR_REPLY_CAP])
{
	while (octets.n && strchr("\r\n", *octets.p) && *octets.p) {
		octets.p++; /* keepalives */
		octets.n--;
	}
	reply[0] = '\0';
	/* The name of its trunk may have been looked up since it connected. */
	return is_blank(octets) ||
	       agent->handlers->source(source, agent->arg) == SIP_TRUSTED ||
	       may_pass(agent, source, octets, reply, SIP_DOOR_REPLY_CAP);
}

/* A piece of the stream @fd; false: it was a stranger's, and that is its end.
 */
static bool take_stream(int fd, const su_iovec_t *iov, size_t niov, size_t n)
{
	struct slice first = { iov[0].siv_base,
			       n < iov[0].siv_len ? n : iov[0].siv_len };

	if (!sip_fence_pass(fd, first))
		return false;
	for (size_t i = 0; n && i < niov; i++) {
		size_t part = n < iov[i].siv_len ? n : iov[i].siv_len;

		sip_fence_received(fd, iov[i].siv_base, part);
		n -= part;
	}
	return true;
}

/* sofia's, for every datagram and every piece of a stream; those have no @su.
 */
issize_t su_vrecv(su_socket_t fd, su_iovec_t iov[], isize_t niov, int flags,
		  su_sockaddr_t *su, socklen_t *len)
{
	struct msghdr msg = { .msg_name = su,
			      .msg_namelen = su && len ? *len : 0,
			      .msg_iov = (struct iovec *)iov,
			      .msg_iovlen = niov };
	issize_t n = recvmsg(fd, &msg, flags);

	if (su && len)
		*len = msg.msg_namelen;
	if (n <= 0 || !watched)
		return n;
	size_t head = (size_t)n < iov[0].siv_len ? (size_t)n : iov[0].siv_len;
	if (su ? !turned_away(fd, (struct slice){ iov[0].siv_base, head },
			      &su->su_sa)
	       : take_stream(fd, iov, niov, (size_t)n)) {
		if (sip_tap_is_set)
			sip_tap_octets(fd, true, msg.msg_iov, niov, (size_t)n,
				       su ? &su->su_sa : NULL);
		return n;
	}
	errno = EAGAIN;
	return -1;
}
