/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The octets of a stranger stay in the kernel until their message is whole:
 * sofia would parse them as they come, and then it is too late to ask who it
 * is from. So that nobody is woken for what is known, the kernel is told how
 * many there have to be.
 */
#include "sip/connection_int.h"

#include <string.h>
#include <sys/socket.h>

#include "gateway/base/clock.h"
#include "sip/door.h"
#include "sip/frame.h"
#include "sip/stranger.h"

static void wake_at(const struct sip_connection *c, size_t octets)
{
	int n = (int)octets;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n));
}

static void let_go(struct sip_connection *c)
{
	if (c->held)
		wake_at(c, 1);
	c->held = 0;
}

/* sofia closes it, once there is nothing left to read. */
static void end_stream(struct sip_connection *c, const char *reply)
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
static void hold(struct sip_agent *agent, struct sip_connection *c, size_t n)
{
	if (c->held == n) {
		end_stream(c, "");
		return;
	}
	if (!c->held && c->passed)
		c->since_ms = clock_ms();
	c->held = n;
	wake_at(c, n + 1);
	connection_watch_slow(agent->connections);
}

static void end_garbage(struct sip_agent *agent, struct sip_connection *c,
			const struct sip_source *source)
{
	sip_stranger_seen(agent->strangers, source, "garbage", clock_ms());
	end_stream(c, "");
}

/* The message, or the blanks, that the stream begins with. */
static size_t judge(struct sip_agent *agent, struct sip_connection *c,
		    const struct sip_source *source)
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
		hold(agent, c, (size_t)n);
		return 0;
	case SIP_FRAME_BAD:
		end_garbage(agent, c, source);
		return 0;
	case SIP_FRAME_BLANK:
		break;
	case SIP_FRAME_MESSAGE:
		if (!sip_door_message(agent, source,
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

size_t sip_connection_may_read(struct sip_agent *agent, int fd)
{
	struct sip_connection *c = connection_find(agent, fd);

	if (!c || !c->stranger || c->transport != SIP_TCP ||
	    connection_is_gone(c))
		return SIZE_MAX;
	const struct sip_source source = { c->peer, c->transport };

	c->stranger = connection_is_strangers(agent, &source);
	if (!c->stranger) {
		let_go(c);
		return SIZE_MAX;
	}
	if (!c->judged)
		c->judged = judge(agent, c, &source);
	return c->judged;
}
