/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/xmpp_out.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct xmpp_out_piece {
	TAILQ_ENTRY(xmpp_out_piece) entry;
	bool stanza;
	size_t n;
	char text[];
};

void xmpp_out_init(struct xmpp_out *out)
{
	*out = (struct xmpp_out){ 0 };
	TAILQ_INIT(&out->pieces);
}

/* A piece of @n spaces. */
static struct xmpp_out_piece *append(struct xmpp_out *out, size_t n)
{
	struct xmpp_out_piece *piece = malloc(sizeof(*piece) + n);

	if (!piece)
		return NULL;
	piece->stanza = false;
	piece->n = n;
	memset(piece->text, ' ', n);
	TAILQ_INSERT_TAIL(&out->pieces, piece, entry);
	out->octets += n;
	return piece;
}

static void remove_first(struct xmpp_out *out)
{
	struct xmpp_out_piece *piece = TAILQ_FIRST(&out->pieces);

	TAILQ_REMOVE(&out->pieces, piece, entry);
	out->octets -= piece->n - out->offset;
	out->offset = 0;
	if (piece->stanza)
		out->stanzas--;
	free(piece);
}

void xmpp_out_fini(struct xmpp_out *out)
{
	while (!TAILQ_EMPTY(&out->pieces))
		remove_first(out);
	out->cut = 0;
}

bool xmpp_out_is_clogged(const struct xmpp_out *out)
{
	return out->octets > XMPP_OUT_MAX / 2 ||
	       out->stanzas > XMPP_OUT_MAX_STANZAS / 2;
}

int xmpp_out_add(struct xmpp_out *out, const char *text, size_t n)
{
	if (out->stanzas == XMPP_OUT_MAX_STANZAS ||
	    n > XMPP_OUT_MAX - out->octets)
		return XMPP_OUT_E_FULL;
	struct xmpp_out_piece *piece = append(out, n);
	if (!piece)
		return -ENOMEM;
	memcpy(piece->text, text, n);
	piece->stanza = true;
	out->stanzas++;
	return 0;
}

int xmpp_out_add_space(struct xmpp_out *out)
{
	if (!TAILQ_EMPTY(&out->pieces))
		return 0;
	return append(out, 1) ? 0 : -ENOMEM;
}

/* The end of the first piece was written. */
static int finish_first(struct xmpp_out *out)
{
	struct xmpp_out_piece *piece = TAILQ_FIRST(&out->pieces);
	size_t pad = piece->stanza ? out->cut : 0;

	out->cut = 0;
	if (pad && !TAILQ_NEXT(piece, entry) && !append(out, pad))
		return -ENOMEM;
	remove_first(out);
	return 0;
}

static int write_first(struct xmpp_out *out, int fd)
{
	const struct xmpp_out_piece *piece = TAILQ_FIRST(&out->pieces);
	size_t left = piece->n - out->offset;
	ssize_t n;

	do
		n = send(fd, piece->text + out->offset, left, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return XMPP_OUT_E_BLOCKED;
	if (n < 0)
		return -errno;
	if ((size_t)n == left)
		return finish_first(out);
	out->offset += (size_t)n;
	out->octets -= (size_t)n;
	out->cut = piece->n;
	return 0;
}

int xmpp_out_flush(struct xmpp_out *out, int fd)
{
	while (!TAILQ_EMPTY(&out->pieces)) {
		int r = write_first(out, fd);
		if (r)
			return r;
	}
	return 0;
}
