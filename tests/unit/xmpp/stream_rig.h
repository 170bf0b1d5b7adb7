/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A stream and its server. */
#pragma once

#include "xmpp/xmpp_stream.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "tests/fail_alloc.h"
#include "tests/mock/xmpp_server.h"
#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/xmpp_out.h"

#define DOMAIN "tel.example.org"
#define NUMBER "+15551234567@tel.example.org"
#define ALICE  "alice@example.org/phone"
#define SECRET "s3cret"

enum { LIMIT_MS = 5000 };

/* A stream, its server, and what its handlers were told. */
struct rig {
	struct event_base *base;
	struct mock_xmpp *mock;
	struct xmpp_stream *stream;
	unsigned ups, downs, stanzas;
	char why[64];
	struct stanza *last;
	bool reply;     /* answer each iq from within the handler */
	unsigned holds; /* so many of the next stanzas */
	uint64_t held;  /* the last of them */
	int kept;       /* what another process could go on with; 0: none */
	unsigned wanted;
};

static inline void on_up(void *arg)
{
	struct rig *rig = arg;

	rig->ups++;
}

static inline void on_down(const char *why, void *arg)
{
	struct rig *rig = arg;

	rig->downs++;
	assert_int_equal(text_set(rig->why, sizeof(rig->why), why), 0);
	assert_false(xmpp_stream_is_up(rig->stream));
}

static inline void on_stanza(const struct stanza *stanza, void *arg)
{
	struct rig *rig = arg;

	rig->stanzas++;
	if (rig->holds && rig->holds--)
		rig->held = xmpp_stream_hold(rig->stream);
	rig->last = stanza_free(rig->last);
	assert_int_equal(stanza_copy(&rig->last, stanza), 0);
	if (rig->reply) {
		AUTO(stanza_freep) struct stanza *reply = NULL;

		assert_int_equal(stanza_result(&reply, stanza), 0);
		assert_int_equal(xmpp_stream_send(rig->stream, reply), 0);
	}
}

static inline void on_whole(bool whole, int fd, void *arg)
{
	struct rig *rig = arg;

	if (rig->kept)
		close(rig->kept);
	rig->kept = whole ? dup(fd) : 0;
}

static const struct xmpp_stream_handlers handlers = {
	.up = on_up,
	.down = on_down,
	.whole = on_whole,
	.stanza = on_stanza,
};

/* Fast, but keepalives out of the way. */
static const struct xmpp_stream_timing fast = {
	.keepalive_ms = 60000,
	.connect_ms = 2000,
	.handshake_ms = 2000,
	.retry_min_ms = 5,
	.retry_max_ms = 20,
	.refused_ms = 60,
};

static inline void rig_init(struct rig *rig, const char *host,
			    const char *secret,
			    const struct xmpp_stream_timing *timing)
{
	*rig = (struct rig){ .base = event_base_new() };
	assert_non_null(rig->base);
	rig->mock = mock_xmpp_new(rig->base, SECRET);
	const struct xmpp_stream_config config = {
		.host = host,
		.port = mock_xmpp_port(rig->mock),
		.domain = DOMAIN,
		.secret = secret,
		.timing = *timing,
	};
	assert_int_equal(xmpp_stream_new(&rig->stream, &config, rig->base,
					 &handlers, rig),
			 0);
	assert_string_equal(xmpp_stream_domain(rig->stream), DOMAIN);
}

static inline void rig_fini(struct rig *rig)
{
	xmpp_stream_free(rig->stream);
	if (rig->mock)
		mock_xmpp_free(rig->mock);
	stanza_free(rig->last);
	if (rig->kept)
		close(rig->kept);
	event_base_free(rig->base);
}

static inline bool has_ups(void *arg)
{
	struct rig *rig = arg;

	return rig->ups >= rig->wanted;
}

static inline void wait_up(struct rig *rig, unsigned ups)
{
	rig->wanted = ups;
	assert_true(mock_run(rig->base, has_ups, rig, LIMIT_MS));
	assert_true(xmpp_stream_is_up(rig->stream));
}

static inline void rig_up(struct rig *rig)
{
	rig_init(rig, "127.0.0.1", SECRET, &fast);
	wait_up(rig, 1);
}

static inline bool has_downs(void *arg)
{
	struct rig *rig = arg;

	return rig->downs >= rig->wanted;
}

static inline void wait_down(struct rig *rig, const char *why)
{
	rig->wanted = rig->downs + 1;
	assert_true(mock_run(rig->base, has_downs, rig, LIMIT_MS));
	assert_string_equal(rig->why, why);
}

static inline bool has_stanzas(void *arg)
{
	struct rig *rig = arg;

	return rig->stanzas >= rig->wanted;
}

static inline void wait_stanzas(struct rig *rig, unsigned stanzas)
{
	rig->wanted = stanzas;
	assert_true(mock_run(rig->base, has_stanzas, rig, LIMIT_MS));
}

static inline bool has_mock_stanzas(void *arg)
{
	struct rig *rig = arg;

	return mock_xmpp_counts(rig->mock).stanzas >= rig->wanted;
}

static inline void wait_mock_stanzas(struct rig *rig, unsigned stanzas)
{
	rig->wanted = stanzas;
	assert_true(mock_run(rig->base, has_mock_stanzas, rig, LIMIT_MS));
}

static inline bool never(void *arg)
{
	(void)arg;
	return false;
}

static inline void pass_time(struct rig *rig, unsigned ms)
{
	assert_false(mock_run(rig->base, never, NULL, ms));
}

static inline struct stanza *parse(const char *xml)
{
	struct stanza *st = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(xml)), 0);
	return st;
}

#define NS "xmlns='jabber:component:accept' "
#define PING                                                  \
	"<iq type='get' id='p1' from='" ALICE "' to='" DOMAIN \
	"'><ping xmlns='urn:xmpp:ping'/></iq>"

static inline struct stanza *big_message(size_t octets)
{
	struct stanza *st =
		parse("<message " NS "from='" NUMBER "' to='" ALICE "'/>");
	char *body = malloc(octets + 1);

	assert_non_null(body);
	memset(body, 'x', octets);
	body[octets] = '\0';
	stanza_child_text(st, "body", NULL, body);
	free(body);
	assert_true(stanza_ok(st));
	return st;
}
