/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_in.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

struct xmpp_hold {
	TAILQ_ENTRY(xmpp_hold) entry;
	uint64_t id, begin;
};

int xmpp_in_init(struct xmpp_in *in, int fd, uint64_t skip)
{
	const int room = XMPP_IN_KERNEL;

	*in = (struct xmpp_in){
		.fd = fd, .taken = skip, .seen = skip, .boundary = skip
	};
	/* as much as the system allows */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	TAILQ_INIT(&in->holds);
	in->buf = malloc(XMPP_IN_MAX);
	return in->buf ? 0 : -ENOMEM;
}

void xmpp_in_fini(struct xmpp_in *in)
{
	struct xmpp_hold *hold;

	while ((hold = TAILQ_FIRST(&in->holds))) {
		TAILQ_REMOVE(&in->holds, hold, entry);
		free(hold);
	}
	free(in->buf);
	in->buf = NULL;
}

static ssize_t peek(struct xmpp_in *in)
{
	return recv(in->fd, in->buf, XMPP_IN_MAX, MSG_PEEK | MSG_DONTWAIT);
}

/* Octets that stay hide the end behind them from recv(2). What has come with
 * the end since @n were there is looked at first. */
static bool is_at_end(struct xmpp_in *in, ssize_t n)
{
	struct pollfd one = { .fd = in->fd, .events = POLLRDHUP };

	return TAILQ_EMPTY(&in->holds) && poll(&one, 1, 0) == 1 &&
	       peek(in) <= n;
}

/* Before the parser has them: it may be what we die of. */
static void count_try(struct xmpp_in *in)
{
	if (in->tries && !in->tried)
		++*in->tries;
	in->tried = true;
}

int xmpp_in_look(struct xmpp_in *in, struct slice *out, bool *ended)
{
	size_t known = (size_t)(in->seen - in->taken);
	ssize_t n = peek(in);

	*out = (struct slice){ in->buf, 0 };
	*ended = n == 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)n <= known) {
		*ended = *ended || is_at_end(in, n);
		return 0;
	}
	*out = (struct slice){ in->buf + known, (size_t)n - known };
	in->seen += out->n;
	count_try(in);
	return 0;
}

void xmpp_in_pass(struct xmpp_in *in, uint64_t offset)
{
	in->boundary = offset;
}

static bool is_full(const struct xmpp_in *in)
{
	return in->seen - in->taken == XMPP_IN_MAX;
}

/* A stanza that does not fit is taken in pieces, whole or not. */
static uint64_t done_to(const struct xmpp_in *in)
{
	const struct xmpp_hold *first = TAILQ_FIRST(&in->holds);
	uint64_t to = first && first->begin < in->boundary ? first->begin
							   : in->boundary;

	return is_full(in) && to <= in->taken && (!first || in->hurried)
		       ? in->seen
		       : to;
}

bool xmpp_in_is_stuck(const struct xmpp_in *in)
{
	return is_full(in) && !TAILQ_EMPTY(&in->holds);
}

void xmpp_in_hurry(struct xmpp_in *in)
{
	in->hurried = xmpp_in_is_stuck(in);
}

bool xmpp_in_take(struct xmpp_in *in)
{
	uint64_t to = done_to(in);
	bool full = is_full(in);

	while (in->taken < to) {
		/* TCP throws away without copying (tcp(7)) */
		ssize_t n = recv(in->fd, in->buf, (size_t)(to - in->taken),
				 MSG_TRUNC | MSG_DONTWAIT);
		if (n <= 0)
			break;
		in->taken += (uint64_t)n;
		if (in->tries)
			*in->tries = 0;
	}
	return full || in->taken == in->seen;
}

bool xmpp_in_is_torn(const struct xmpp_in *in)
{
	return in->taken > in->boundary;
}

void xmpp_in_hold(struct xmpp_in *in, uint64_t id)
{
	struct xmpp_hold *hold = malloc(sizeof(*hold));

	if (!hold)
		return;
	hold->id = id;
	hold->begin = in->boundary;
	TAILQ_INSERT_TAIL(&in->holds, hold, entry);
}

bool xmpp_in_release(struct xmpp_in *in, uint64_t id)
{
	struct xmpp_hold *hold;

	TAILQ_FOREACH(hold, &in->holds, entry) {
		if (hold->id == id)
			break;
	}
	if (!hold)
		return false;
	TAILQ_REMOVE(&in->holds, hold, entry);
	free(hold);
	hold = TAILQ_FIRST(&in->holds);
	if (!hold || hold->begin >= in->taken)
		in->hurried = false;
	return !hold;
}
