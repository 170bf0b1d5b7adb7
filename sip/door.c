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
#include "sip/client.h"
#include "sip/connection.h"
#include "sip/dialog_int.h"
#include "sip/raw.h"
#include "sip/share.h"
#include "sip/stranger.h"
#include "sip/tap.h"

enum { CALL_ID_CAP = 256, TAG_CAP = 128 };

static struct sip_agent *watched; /* su_vrecv() has no argument for it */

void sip_door_watch(struct sip_agent *agent)
{
	watched = agent;
}

/*
 * Of a call or a request of ours, by its Call-ID and our tag, which nobody else
 * knows: carriers send a BYE from where they like, and some answer from another
 * address than was asked.
 */
static bool is_ours(const struct sip_agent *agent, const struct sip_raw *raw)
{
	char id[CALL_ID_CAP], tag[TAG_CAP];

	if (text_copy(id, sizeof(id), sip_raw_value(raw->call_id)) ||
	    text_copy(tag, sizeof(tag),
		      sip_raw_tag(raw->response ? raw->from : raw->to)) ||
	    !*tag)
		return false;
	return dialog_is_live(agent, id, tag) ||
	       (raw->response && sip_client_is_live(agent, id, tag));
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

/* Whether a message of a stranger's may pass; or else the answer to it. */
static bool may_pass(struct sip_agent *agent, const struct sip_source *source,
		     struct slice octets, char *reply, size_t cap)
{
	struct sip_raw raw;

	reply[0] = '\0';
	if (sip_raw_parse(&raw, octets)) {
		sip_stranger_seen(agent->strangers, source, "none", clock_ms());
		return false;
	}
	if (is_ours(agent, &raw))
		return true;
	if (raw.response)
		sip_stranger_seen(agent->strangers, source, "response",
				  clock_ms());
	else
		answer(agent, &raw, source, reply, cap);
	return false;
}

/*
 * A datagram from the address of a trunk that has asked for more than its share
 * and been told so often enough: only what is of calls there are, or ends one,
 * is read any more.
 */
static bool is_too_much(struct sip_agent *agent, const struct addr *peer,
			struct slice octets)
{
	struct sip_raw raw;

	if (!sip_share_is_spent(agent->shares, peer, clock_us()))
		return false;
	if (sip_raw_parse(&raw, octets))
		return true;
	return !raw.response && !slice_is(raw.method, "ACK") &&
	       !slice_is(raw.method, "CANCEL") && !is_ours(agent, &raw);
}

/* Whether sofia shall not see it. No answer is longer than what was sent, as
 * who sent it may be forged. */
static bool turned_away(int fd, struct slice datagram,
			const struct sockaddr *sa)
{
	struct sip_source source = { .transport = SIP_UDP };
	char reply[SIP_DOOR_REPLY_CAP];
	size_t cap = datagram.n < sizeof(reply) ? datagram.n : sizeof(reply);

	if (!cap || addr_from(&source.addr, sa))
		return false;
	if (watched->handlers->source(&source, watched->arg) == SIP_TRUSTED)
		return is_too_much(watched, &source.addr, datagram);
	if (may_pass(watched, &source, datagram, reply, cap))
		return false;
	if (*reply)
		sendto(fd, reply, strlen(reply), MSG_DONTWAIT, &source.addr.sa,
		       addr_len(&source.addr));
	return true;
}

bool sip_door_message(struct sip_agent *agent, const struct sip_source *source,
		      struct slice octets,
		      char reply[static SIP_DOOR_REPLY_CAP])
{
	reply[0] = '\0';
	/* The name of its trunk may have been looked up since it connected. */
	return agent->handlers->source(source, agent->arg) == SIP_TRUSTED ||
	       may_pass(agent, source, octets, reply, SIP_DOOR_REPLY_CAP);
}

static void note_received(int fd, const su_iovec_t *iov, size_t niov, size_t n)
{
	for (size_t i = 0; n && i < niov; i++) {
		size_t part = n < iov[i].siv_len ? n : iov[i].siv_len;

		sip_connection_received(watched, fd, iov[i].siv_base, part);
		n -= part;
	}
}

/* No more of @iov than @most octets; how many parts that are. */
static size_t cut(su_iovec_t *iov, size_t niov, size_t most)
{
	for (size_t i = 0; i < niov; i++) {
		if (most <= iov[i].siv_len) {
			iov[i].siv_len = most;
			return i + 1;
		}
		most -= iov[i].siv_len;
	}
	return niov;
}

/* A piece of the stream @fd; of a stranger's a message at a time, and none but
 * those that may pass. */
static issize_t receive_stream(int fd, su_iovec_t *iov, size_t niov, int flags)
{
	size_t most = watched ? sip_connection_may_read(watched, fd) : SIZE_MAX;
	struct msghdr msg = { .msg_iov = (struct iovec *)iov };

	if (!most) {
		errno = EAGAIN;
		return -1;
	}
	msg.msg_iovlen = niov = cut(iov, niov, most);
	issize_t n = recvmsg(fd, &msg, flags);
	if (n <= 0)
		return n;
	if (watched)
		note_received(fd, iov, niov, (size_t)n);
	if (sip_tap_is_set)
		sip_tap_octets(fd, true, msg.msg_iov, niov, (size_t)n, NULL);
	return n;
}

/* sofia's, for every datagram and every piece of a stream; those have no @su.
 */
issize_t su_vrecv(su_socket_t fd, su_iovec_t iov[], isize_t niov, int flags,
		  su_sockaddr_t *su, socklen_t *len)
{
	struct msghdr msg = { .msg_name = su,
			      .msg_namelen = len ? *len : 0,
			      .msg_iov = (struct iovec *)iov,
			      .msg_iovlen = niov };

	if (!su)
		return receive_stream(fd, iov, niov, flags);
	issize_t n = recvmsg(fd, &msg, flags);
	if (len)
		*len = msg.msg_namelen;
	if (n <= 0 || !watched)
		return n;
	size_t head = (size_t)n < iov[0].siv_len ? (size_t)n : iov[0].siv_len;
	if (!turned_away(fd, (struct slice){ iov[0].siv_base, head },
			 &su->su_sa)) {
		if (sip_tap_is_set)
			sip_tap_octets(fd, true, msg.msg_iov, niov, (size_t)n,
				       &su->su_sa);
		return n;
	}
	errno = EAGAIN;
	return -1;
}
