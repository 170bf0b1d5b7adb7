/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/bench/load/sip_wire.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/addr.h"
#include "gateway/base/text.h"
#include "sip/field.h"
#include "tests/bench/load/die.h"

enum {
	ROUNDS = 64, /* datagrams read in one turn */
	RCVBUF = 4 * 1024 * 1024,
	STREAM_CAP = 16 * SIP_MESSAGE_CAP,
};

struct sip_wire {
	struct loop *loop;
	sip_wire_fn fn;
	void *arg;
	struct addr target;
	struct loop_source datagrams;
	struct loop_source stream; /* fd -1: not connected */
	size_t n;                  /* octets of an unfinished message */
	char text[STREAM_CAP];
};

static void on_datagram(void *arg)
{
	struct sip_wire *wire = arg;
	char text[SIP_MESSAGE_CAP];

	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n = recv(wire->datagrams.fd, text, sizeof(text),
				 MSG_DONTWAIT);

		if (n <= 0)
			return;
		wire->fn(wire->arg, SIP_WAY_UDP,
			 (struct slice){ text, (size_t)n });
	}
}

/* ---- the stream ---- */

static void disconnect(struct sip_wire *wire)
{
	if (wire->stream.fd < 0)
		return;
	loop_remove(wire->loop, &wire->stream);
	close(wire->stream.fd);
	wire->stream.fd = -1;
	wire->n = 0;
}

/* The first message of @text, taken off it; empty: it is not all there yet. */
static struct slice cut_message(struct slice *text)
{
	const char *end = memmem(text->p, text->n, "\r\n\r\n", 4);
	uint64_t body;

	if (!end)
		return SLICE_NONE;
	struct slice message = { text->p, (size_t)(end + 4 - text->p) };
	if (text_number(sip_find_field(message, "Content-Length", 'l'),
			STREAM_CAP, &body))
		DIE("load: a stream without Content-Length");
	message.n += body;
	if (message.n > text->n)
		return SLICE_NONE;
	text->p += message.n;
	text->n -= message.n;
	return message;
}

static void on_stream(void *arg)
{
	struct sip_wire *wire = arg;
	ssize_t n = recv(wire->stream.fd, wire->text + wire->n,
			 sizeof(wire->text) - wire->n, MSG_DONTWAIT);

	if (n <= 0) {
		disconnect(wire);
		return;
	}
	struct slice rest = { wire->text, wire->n + (size_t)n };
	struct slice message;
	while ((message = cut_message(&rest)).n)
		wire->fn(wire->arg, SIP_WAY_TCP, message);
	if (rest.n == sizeof(wire->text))
		DIE("load: SIP message too long");
	memmove(wire->text, rest.p, rest.n);
	wire->n = rest.n;
}

static void connect_stream(struct sip_wire *wire)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, &wire->target.sa, addr_len(&wire->target)))
		DIE("load: no connection to port %d", SIP_TARGET_PORT);
	wire->stream.fd = fd;
	loop_add(wire->loop, &wire->stream);
}

static void send_stream(struct sip_wire *wire, struct slice message)
{
	if (wire->stream.fd < 0)
		connect_stream(wire);
	while (message.n) {
		ssize_t n = send(wire->stream.fd, message.p, message.n,
				 MSG_NOSIGNAL);

		if (n < 0)
			DIE("load: the connection is broken");
		message.p += n;
		message.n -= (size_t)n;
	}
}

void sip_wire_send(struct sip_wire *wire, enum sip_way way,
		   struct slice message)
{
	if (way == SIP_WAY_TCP)
		send_stream(wire, message);
	else /* what the kernel does not take is repeated */
		(void)!sendto(wire->datagrams.fd, message.p, message.n, 0,
			      &wire->target.sa, addr_len(&wire->target));
}

/* ---- life ---- */

struct sip_wire *sip_wire_open(struct loop *loop, sip_wire_fn fn, void *arg)
{
	struct sip_wire *wire = calloc(1, sizeof(*wire));
	struct addr local;
	int size = RCVBUF;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (!wire || addr_parse(&local, slice_of("127.0.0.1"), SIP_PORT) ||
	    addr_parse(&wire->target, slice_of("127.0.0.1"), SIP_TARGET_PORT) ||
	    fd < 0 || bind(fd, &local.sa, addr_len(&local)))
		DIE("load: port %d is taken", SIP_PORT);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	wire->loop = loop;
	wire->fn = fn;
	wire->arg = arg;
	wire->datagrams = (struct loop_source){ fd, on_datagram, wire };
	wire->stream = (struct loop_source){ -1, on_stream, wire };
	loop_add(loop, &wire->datagrams);
	return wire;
}

struct sip_wire *sip_wire_close(struct sip_wire *wire)
{
	disconnect(wire);
	loop_remove(wire->loop, &wire->datagrams);
	close(wire->datagrams.fd);
	free(wire);
	return NULL;
}
