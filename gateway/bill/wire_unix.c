/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Requests over a local stream socket: a line of JSON there, a line back.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/un.h>

#include "gateway/base/text.h"
#include "gateway/bill/wire_int.h"

static void on_read(struct bufferevent *bev, void *arg)
{
	enum { OK = 200 };
	struct exchange *exchange = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	size_t n = 0;
	char *line = evbuffer_readln(input, &n, EVBUFFER_EOL_LF);

	if (line)
		exchange_done(exchange, OK, (struct slice){ line, n });
	else if (evbuffer_get_length(input) >= WIRE_REPLY_MAX)
		exchange_done(exchange, 0, slice_of("the answer is too long"));
	free(line);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
		exchange_done(arg, 0, slice_of("no connection"));
}

int wire_unix_send(struct exchange *exchange, struct slice json)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct wire *wire = exchange->wire;
	int r = text_set(address.sun_path, sizeof(address.sun_path),
			 wire->path);

	if (r)
		return r;
	exchange->line =
		bufferevent_socket_new(wire->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!exchange->line)
		return -ENOMEM;
	bufferevent_setcb(exchange->line, on_read, NULL, on_event, exchange);
	bufferevent_setwatermark(exchange->line, EV_READ, 0, WIRE_REPLY_MAX);
	if (bufferevent_write(exchange->line, json.p, json.n) ||
	    bufferevent_write(exchange->line, "\n", 1) ||
	    bufferevent_enable(exchange->line, EV_READ | EV_WRITE))
		return -ENOMEM;
	/* Nobody listens: a reply as any other, from the loop. */
	if (bufferevent_socket_connect(exchange->line,
				       (struct sockaddr *)&address,
				       sizeof(address)))
		exchange_done(exchange, 0, slice_of("no connection"));
	return 0;
}
