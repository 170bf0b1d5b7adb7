/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Requests over HTTP/1.1 by libevent's client.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "gateway/base/text.h"
#include "gateway/bill/wire_int.h"

static void on_reply(struct evhttp_request *request, void *arg)
{
	struct exchange *exchange = arg;
	struct evbuffer *body =
		request ? evhttp_request_get_input_buffer(request) : NULL;
	int status = request ? evhttp_request_get_response_code(request) : 0;
	size_t n = body ? evbuffer_get_length(body) : 0;

	if (status <= 0)
		exchange_done(exchange, 0, slice_of("no connection"));
	else
		exchange_done(exchange, (unsigned)status,
			      (struct slice){ n ? (const char *)evbuffer_pullup(
							  body, -1)
						: "",
					      n });
}

static int dress(const struct wire *wire, struct evhttp_request *request,
		 struct slice json)
{
	enum { FIELD_CAP = 2048 };
	struct evkeyvalq *out = evhttp_request_get_output_headers(request);
	bool bracketed = strchr(wire->host, ':');
	char field[FIELD_CAP];
	int r = text_format(field, sizeof(field),
			    bracketed ? "[%s]:%u" : "%s:%u", wire->host,
			    wire->port);

	if (!r)
		evhttp_add_header(out, "Host", field);
	evhttp_add_header(out, "Content-Type", "application/json");
	evhttp_add_header(out, "Connection", "close");
	if (!r && *wire->token) {
		r = text_format(field, sizeof(field), "Bearer %s", wire->token);
		evhttp_add_header(out, "Authorization", field);
		explicit_bzero(field, sizeof(field));
	}
	if (!r && evbuffer_add(evhttp_request_get_output_buffer(request),
			       json.p, json.n))
		r = -ENOMEM;
	return r;
}

static int connect_to(struct exchange *exchange)
{
	struct wire *wire = exchange->wire;
	struct bufferevent *bev =
		wire->kind == WIRE_HTTPS
			? wire_tls_new(wire)
			: bufferevent_socket_new(wire->base, -1,
						 BEV_OPT_CLOSE_ON_FREE);

	if (!bev)
		return -ENOMEM;
	exchange->http = evhttp_connection_base_bufferevent_new(
		wire->base, wire->dns, bev, wire->host, wire->port);
	if (!exchange->http) {
		bufferevent_free(bev);
		return -ENOMEM;
	}
	evhttp_connection_set_max_body_size(exchange->http, WIRE_REPLY_MAX);
	evhttp_connection_set_max_headers_size(exchange->http, WIRE_REPLY_MAX);
	return 0;
}

int wire_http_send(struct exchange *exchange, const char *name,
		   struct slice json)
{
	char path[WIRE_URL_MAX];
	struct evhttp_request *request;
	int r = text_format(path, sizeof(path), "%s/%s", exchange->wire->path,
			    name);

	if (!r)
		r = connect_to(exchange);
	if (r)
		return r;
	request = evhttp_request_new(on_reply, exchange);
	if (!request)
		return -ENOMEM;
	r = dress(exchange->wire, request, json);
	if (r) {
		evhttp_request_free(request);
		return r;
	}
	/* The request is the connection's from now on, also when this fails. */
	return evhttp_make_request(exchange->http, request, EVHTTP_REQ_POST,
				   path)
		       ? -EIO
		       : 0;
}
