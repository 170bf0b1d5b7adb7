/* SPDX-License-Identifier: AGPL-3.0-or-later */
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

static void on_up(void *arg)
{
	struct rig *rig = arg;

	rig->ups++;
}

static void on_down(const char *why, void *arg)
{
	struct rig *rig = arg;

	rig->downs++;
	assert_int_equal(text_set(rig->why, sizeof(rig->why), why), 0);
	assert_false(xmpp_stream_is_up(rig->stream));
}

static void on_stanza(const struct stanza *stanza, void *arg)
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

static void on_whole(bool whole, int fd, void *arg)
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

static void rig_init(struct rig *rig, const char *host, const char *secret,
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

static void rig_fini(struct rig *rig)
{
	xmpp_stream_free(rig->stream);
	if (rig->mock)
		mock_xmpp_free(rig->mock);
	stanza_free(rig->last);
	if (rig->kept)
		close(rig->kept);
	event_base_free(rig->base);
}

static bool has_ups(void *arg)
{
	struct rig *rig = arg;

	return rig->ups >= rig->wanted;
}

static void wait_up(struct rig *rig, unsigned ups)
{
	rig->wanted = ups;
	assert_true(mock_run(rig->base, has_ups, rig, LIMIT_MS));
	assert_true(xmpp_stream_is_up(rig->stream));
}

static void rig_up(struct rig *rig)
{
	rig_init(rig, "127.0.0.1", SECRET, &fast);
	wait_up(rig, 1);
}

static bool has_downs(void *arg)
{
	struct rig *rig = arg;

	return rig->downs >= rig->wanted;
}

static void wait_down(struct rig *rig, const char *why)
{
	rig->wanted = rig->downs + 1;
	assert_true(mock_run(rig->base, has_downs, rig, LIMIT_MS));
	assert_string_equal(rig->why, why);
}

static bool has_stanzas(void *arg)
{
	struct rig *rig = arg;

	return rig->stanzas >= rig->wanted;
}

static void wait_stanzas(struct rig *rig, unsigned stanzas)
{
	rig->wanted = stanzas;
	assert_true(mock_run(rig->base, has_stanzas, rig, LIMIT_MS));
}

static bool has_mock_stanzas(void *arg)
{
	struct rig *rig = arg;

	return mock_xmpp_counts(rig->mock).stanzas >= rig->wanted;
}

static void wait_mock_stanzas(struct rig *rig, unsigned stanzas)
{
	rig->wanted = stanzas;
	assert_true(mock_run(rig->base, has_mock_stanzas, rig, LIMIT_MS));
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void pass_time(struct rig *rig, unsigned ms)
{
	assert_false(mock_run(rig->base, never, NULL, ms));
}

static struct stanza *parse(const char *xml)
{
	struct stanza *st = NULL;

	assert_int_equal(stanza_parse(&st, slice_of(xml)), 0);
	return st;
}

#define NS "xmlns='jabber:component:accept' "
#define PING                                                  \
	"<iq type='get' id='p1' from='" ALICE "' to='" DOMAIN \
	"'><ping xmlns='urn:xmpp:ping'/></iq>"

static void hands_are_shaken_and_stanzas_pass(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	rig.reply = true;
	mock_xmpp_send(rig.mock, PING);
	wait_mock_stanzas(&rig, 1);
	assert_int_equal(rig.stanzas, 1);
	assert_string_equal(stanza_attr(rig.last, "from"), ALICE);
	const struct stanza *reply = mock_xmpp_last(rig.mock);
	assert_string_equal(stanza_attr(reply, "to"), ALICE);
	assert_string_equal(stanza_attr(reply, "id"), "p1");
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static void names_are_resolved(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, "localhost", SECRET, &fast);
	wait_up(&rig, 1);
	rig_fini(&rig);
}

static void a_name_that_does_not_exist_is_tried_again(void **state)
{
	(void)state;
	struct rig rig;

	rig_init(&rig, "no such host", SECRET, &fast);
	pass_time(&rig, 100);
	assert_int_equal(rig.ups, 0);
	assert_int_equal(mock_xmpp_counts(rig.mock).connections, 0);
	rig_fini(&rig);
}

static void a_stanza_may_come_octet_by_octet(void **state)
{
	(void)state;
	struct rig rig;

	for (size_t step = 1; step < 4; step++) {
		rig_up(&rig);
		rig.reply = true;
		mock_xmpp_send_in_pieces(rig.mock, PING, step);
		/* nothing follows it: it is delivered all the same */
		wait_mock_stanzas(&rig, 1);
		rig_fini(&rig);
	}
}

static void a_lost_connection_comes_back_with_a_new_parser(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 2; i < 6; i++) {
		mock_xmpp_send(rig.mock, "<iq type='get' id='half");
		pass_time(&rig, 10);
		mock_xmpp_drop(rig.mock);
		wait_down(&rig, "connection closed");
		wait_up(&rig, i);
		mock_xmpp_send(rig.mock, PING);
		wait_stanzas(&rig, i - 1);
	}
	assert_int_equal(rig.downs, 4);
	rig_fini(&rig);
}

static void a_server_that_says_goodbye_is_called_again(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock, "</stream:stream>");
	wait_down(&rig, "closed by the server");
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static void a_stream_error_names_its_condition(void **state)
{
	(void)state;
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock,
		       "<stream:error><text xmlns='urn:ietf:params:xml:ns:"
		       "xmpp-streams'>bye</text><system-shutdown xmlns='urn:"
		       "ietf:params:xml:ns:xmpp-streams'/></stream:error>");
	wait_down(&rig, "system-shutdown");
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static bool has_connections(void *arg)
{
	struct rig *rig = arg;

	return mock_xmpp_counts(rig->mock).connections >= rig->wanted;
}

static void wait_connections(struct rig *rig, unsigned connections)
{
	rig->wanted = connections;
	assert_true(mock_run(rig->base, has_connections, rig, LIMIT_MS));
}

static void a_wrong_secret_is_tried_again_slowly(void **state)
{
	(void)state;
	struct rig rig;

	uint64_t began = clock_ms();
	rig_init(&rig, "127.0.0.1", "wrong", &fast);
	wait_connections(&rig, 2);
	/* any other failure is tried again after 20 ms at most */
	assert_true(clock_ms() - began >= fast.refused_ms);
	assert_int_equal(rig.ups, 0);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

/* Prosody, until it has noticed that our old connection is dead. */
static void a_conflict_is_tried_again_until_it_ends(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner conflict = {
		.refuse_handshake = "conflict",
	};
	static const struct mock_xmpp_manner normal = { 0 };
	struct rig rig;

	rig_init(&rig, "127.0.0.1", SECRET, &fast);
	mock_xmpp_set_manner(rig.mock, &conflict);
	wait_connections(&rig, 4);
	assert_int_equal(rig.ups, 0);
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_up(&rig, 1);
	rig_fini(&rig);
}

static void an_unknown_host_is_tried_again(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner manner = {
		.refuse_stream = "host-unknown",
	};
	struct rig rig;

	rig_init(&rig, "127.0.0.1", SECRET, &fast);
	mock_xmpp_set_manner(rig.mock, &manner);
	wait_connections(&rig, 3);
	assert_int_equal(rig.ups, 0);
	rig_fini(&rig);
}

static void a_silent_server_is_given_up(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner silent = { .silent = true };
	struct xmpp_stream_timing timing = fast;
	struct rig rig;

	timing.handshake_ms = 30;
	rig_init(&rig, "127.0.0.1", SECRET, &timing);
	mock_xmpp_set_manner(rig.mock, &silent);
	wait_connections(&rig, 3);
	rig_fini(&rig);
}

/* Each of them costs the stream and names the error that RFC 6120 has. */
static void what_xmpp_forbids_ends_the_stream(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *condition;
	} bad[] = {
		{ "<!DOCTYPE a><a/>", "not-well-formed" },
		{ "<iq><!-- x --></iq>", "restricted-xml" },
		{ "<?php ?>", "restricted-xml" },
		{ "<iq></message>", "not-well-formed" },
		{ "<iq>&#1;</iq>", "not-well-formed" },
		{ "text", "bad-format" },
	};
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		mock_xmpp_send(rig.mock, bad[i].xml);
		wait_down(&rig, bad[i].condition);
		wait_up(&rig, i + 2);
		assert_string_equal(mock_xmpp_stream_error(rig.mock),
				    bad[i].condition);
		assert_int_equal(mock_xmpp_counts(rig.mock).faults, 0);
	}
	rig_fini(&rig);
}

/* A message of @n octets; owned by the caller. */
static char *long_message(size_t n)
{
	char *xml = malloc(n + 256);

	assert_non_null(xml);
	int head = snprintf(xml, 256,
			    "<message from='" ALICE "' to='" DOMAIN "'><body>");
	memset(xml + head, 'a', n);
	snprintf(xml + head + n, 64, "</body></message>");
	return xml;
}

/* Prosody would hold back what follows such an echo. */
static void a_long_id_is_not_echoed(void **state)
{
	(void)state;
	char xml[8192], id[4001];
	struct rig rig;

	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	rig_up(&rig);
	snprintf(xml, sizeof(xml),
		 "<iq type='get' id='%s' from='" ALICE "' to='" DOMAIN "'>"
		 "<a xmlns='b'/></iq><iq type='what' id='1' from='" ALICE
		 "' to='" DOMAIN "'/>",
		 id);
	mock_xmpp_send(rig.mock, xml);
	wait_mock_stanzas(&rig, 1);
	assert_string_equal(stanza_attr(mock_xmpp_last(rig.mock), "id"), "1");
	assert_int_equal(rig.stanzas, 0);
	rig_fini(&rig);
}

static void a_stanza_above_the_limit_is_refused_alone(void **state)
{
	(void)state;
	char *xml = long_message(4 * STANZA_PARSE_MAX);
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock, xml);
	wait_mock_stanzas(&rig, 1);
	assert_string_equal(stanza_error_condition(mock_xmpp_last(rig.mock)),
			    "policy-violation");
	assert_string_equal(stanza_attr(mock_xmpp_last(rig.mock), "to"), ALICE);
	assert_int_equal(rig.stanzas, 0);
	assert_int_equal(rig.downs, 0);
	free(xml);
	rig_fini(&rig);
}

static void a_stanza_without_end_ends_the_stream(void **state)
{
	(void)state;
	char *xml = long_message(STANZA_PARSE_SKIP_MAX + 1000);
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_send(rig.mock, xml);
	wait_down(&rig, "policy-violation");
	assert_int_equal(rig.stanzas, 0);
	wait_up(&rig, 2);
	assert_string_equal(mock_xmpp_stream_error(rig.mock),
			    "policy-violation");
	free(xml);
	rig_fini(&rig);
}

static bool is_kept_alive(void *arg)
{
	const struct rig *rig = arg;
	struct mock_xmpp_counts counts = mock_xmpp_counts(rig->mock);

	return counts.pings >= 2 && counts.spaces >= 2;
}

static void an_idle_stream_is_kept_alive(void **state)
{
	(void)state;
	struct xmpp_stream_timing timing = fast;
	struct rig rig;

	timing.keepalive_ms = 100;
	rig_init(&rig, "127.0.0.1", SECRET, &timing);
	wait_up(&rig, 1);
	assert_true(mock_run(rig.base, is_kept_alive, &rig, LIMIT_MS));
	/* its own pings are nobody else's business */
	assert_int_equal(rig.stanzas, 0);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static void a_ping_without_answer_ends_the_stream(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner no_pong = { .no_pong = true };
	static const struct mock_xmpp_manner normal = { 0 };
	struct xmpp_stream_timing timing = fast;
	struct rig rig;

	timing.keepalive_ms = 20;
	rig_init(&rig, "127.0.0.1", SECRET, &timing);
	mock_xmpp_set_manner(rig.mock, &no_pong);
	wait_up(&rig, 1);
	wait_down(&rig, "no answer to ping");
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_up(&rig, 2);
	rig_fini(&rig);
}

static void faulty_stanzas_are_answered_or_dropped(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *condition; /* NULL: no answer */
	} bad[] = {
		{ "<message from='" ALICE "' to='a b@" DOMAIN "'/>",
		  "jid-malformed" },
		{ "<iq type='get' id='1' from='" ALICE "' to='@" DOMAIN
		  "'><ping xmlns='urn:xmpp:ping'/></iq>",
		  "jid-malformed" },
		{ "<iq type='what' id='1' from='" ALICE "' to='" DOMAIN "'/>",
		  "bad-request" },
		{ "<iq type='get' id='1' from='" ALICE "' to='" DOMAIN "'/>",
		  "bad-request" },
		{ "<iq type='set' id='1' from='" ALICE "' to='" DOMAIN
		  "'><a/><b/></iq>",
		  "bad-request" },
		{ "<iq type='get' from='" ALICE "' to='" DOMAIN "'><a/></iq>",
		  NULL },
		{ "<iq type='error' id='1' from='" ALICE "' to='a b@" DOMAIN
		  "'/>",
		  NULL },
		{ "<message from='" ALICE "' to='a@elsewhere.example'/>",
		  NULL },
		{ "<message from='@' to='" DOMAIN "'/>", NULL },
		{ "<message from='" ALICE "'/>", NULL },
		{ "<message to='" DOMAIN "'/>", NULL },
		{ "<message xmlns='jabber:client' from='" ALICE "' to='" DOMAIN
		  "'/>",
		  NULL },
		{ "<handshake/>", NULL },
		{ "<auth from='" ALICE "' to='" DOMAIN "'/>", NULL },
	};
	unsigned answers = 0;
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		mock_xmpp_send(rig.mock, bad[i].xml);
		mock_xmpp_send(rig.mock, PING);
		wait_stanzas(&rig, i + 1);
		if (!bad[i].condition)
			continue;
		wait_mock_stanzas(&rig, ++answers);
		const struct stanza *reply = mock_xmpp_last(rig.mock);
		assert_string_equal(stanza_error_condition(reply),
				    bad[i].condition);
		assert_string_equal(stanza_attr(reply, "to"), ALICE);
		assert_string_equal(stanza_attr(reply, "from"), DOMAIN);
	}
	pass_time(&rig, 20);
	assert_int_equal(mock_xmpp_counts(rig.mock).stanzas, answers);
	assert_int_equal(rig.stanzas, sizeof(bad) / sizeof(*bad));
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

/* Prosody closes the stream, and with it all calls, on each of these. */
static void what_a_server_would_not_forgive_is_not_sent(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"<message " NS "from='a@elsewhere.example' to='" ALICE "'/>",
		"<message " NS "to='" ALICE "'/>",
		"<message " NS "from='" NUMBER "'/>",
		"<message " NS "from='" NUMBER "' to='@'/>",
		"<iq " NS "type='get' from='" NUMBER "' to='" ALICE "'/>",
		"<message xmlns='a' from='" NUMBER "' to='" ALICE "'/>",
		"<stream " NS "from='" NUMBER "' to='" ALICE "'/>",
	};
	struct rig rig;

	rig_up(&rig);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		AUTO(stanza_freep) struct stanza *st = parse(bad[i]);
		assert_int_equal(xmpp_stream_send(rig.stream, st),
				 XMPP_E_ILLEGAL);
	}
	AUTO(stanza_freep)
	struct stanza *st =
		parse("<message " NS "from='" NUMBER "' to='" ALICE "'/>");
	assert_int_equal(xmpp_stream_send(rig.stream, st), 0);
	stanza_child_text(st, "body", NULL, "\x01");
	assert_int_equal(xmpp_stream_send(rig.stream, st), XMPP_E_ILLEGAL);
	wait_mock_stanzas(&rig, 1);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static struct stanza *big_message(size_t octets)
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

/* How many stanzas of @octets go out before the queue is full. */
static unsigned fill(struct rig *rig, size_t octets)
{
	AUTO(stanza_freep) struct stanza *st = big_message(octets);
	unsigned n = 0;

	for (;;) {
		int r = xmpp_stream_send(rig->stream, st);
		if (r == XMPP_E_FULL)
			return n;
		assert_int_equal(r, 0);
		n++;
	}
}

static void a_full_queue_is_told_and_drained_whole(void **state)
{
	(void)state;
	static const struct mock_xmpp_manner deaf = { .deaf = true };
	static const struct mock_xmpp_manner normal = { 0 };
	struct rig rig;

	rig_up(&rig);
	mock_xmpp_set_manner(rig.mock, &deaf);
	unsigned n = fill(&rig, 60000);
	assert_true(n * 60000 >= XMPP_OUT_MAX - 60000);
	assert_true(xmpp_stream_is_up(rig.stream));
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_mock_stanzas(&rig, n);
	pass_time(&rig, 20);
	assert_int_equal(mock_xmpp_counts(rig.mock).stanzas, n);
	assert_int_equal(mock_xmpp_counts(rig.mock).faults, 0);

	mock_xmpp_set_manner(rig.mock, &deaf);
	unsigned small = fill(&rig, 1);
	assert_true(small >= XMPP_OUT_MAX_STANZAS);
	mock_xmpp_set_manner(rig.mock, &normal);
	wait_mock_stanzas(&rig, n + small);
	assert_int_equal(mock_xmpp_counts(rig.mock).faults, 0);
	rig_fini(&rig);
}

static void nothing_is_sent_while_the_stream_is_down(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = big_message(1);
	struct rig rig;

	rig_init(&rig, "127.0.0.1", SECRET, &fast);
	assert_int_equal(xmpp_stream_send(rig.stream, st), XMPP_E_DOWN);
	wait_up(&rig, 1);
	assert_int_equal(xmpp_stream_send(rig.stream, st), 0);
	wait_mock_stanzas(&rig, 1);
	mock_xmpp_drop(rig.mock);
	wait_down(&rig, "connection closed");
	assert_int_equal(xmpp_stream_send(rig.stream, st), XMPP_E_DOWN);
	rig_fini(&rig);
}

/* ---- another process goes on ---- */

#define TEXT(id)                                                        \
	"<message from='" ALICE "' to='" NUMBER "' type='chat' id='" id \
	"'><body>x</body></message>"

/* The process of @dead stands still for ever; @next has a loop of its own. */
static void take_up_counted(struct rig *next, const struct rig *dead,
			    unsigned holds, _Atomic uint32_t *tries)
{
	*next = (struct rig){ .base = event_base_new(), .holds = holds };
	assert_true(dead->kept > 0);
	const struct xmpp_stream_config config = { .host = "127.0.0.1",
						   .port = 9,
						   .domain = DOMAIN,
						   .secret = SECRET,
						   .timing = fast,
						   .resumed_fd =
							   dup(dead->kept),
						   .tries = tries };
	assert_int_equal(xmpp_stream_new(&next->stream, &config, next->base,
					 &handlers, next),
			 0);
	wait_up(next, 1);
}

static void take_up(struct rig *next, const struct rig *dead)
{
	take_up_counted(next, dead, 0, NULL);
}

static void both_fini(struct rig *next, struct rig *dead)
{
	rig_fini(next);
	rig_fini(dead);
}

static const char *last_id(const struct rig *rig)
{
	return stanza_attr(rig->last, "id");
}

static void what_was_not_done_is_read_again_by_who_goes_on(void **state)
{
	struct rig dead, next;

	(void)state;
	rig_up(&dead);
	mock_xmpp_send(dead.mock, TEXT("done"));
	wait_stanzas(&dead, 1);
	dead.holds = 1;
	mock_xmpp_send(dead.mock, TEXT("held") TEXT("behind"));
	wait_stanzas(&dead, 3);
	take_up(&next, &dead);
	wait_stanzas(&next, 2);
	assert_string_equal(last_id(&next), "behind");
	pass_time(&next, 20);
	assert_int_equal(next.stanzas, 2);
	both_fini(&next, &dead);
}

static void what_was_released_is_not_read_again(void **state)
{
	struct rig dead, next;

	(void)state;
	rig_up(&dead);
	dead.holds = 1;
	mock_xmpp_send(dead.mock, TEXT("held") TEXT("behind"));
	wait_stanzas(&dead, 2);
	xmpp_stream_release(dead.stream, dead.held);
	/* half of the next has come */
	mock_xmpp_send(dead.mock, "<message from='" ALICE "' ");
	pass_time(&dead, 20);
	take_up(&next, &dead);
	mock_xmpp_send(dead.mock, "to='" NUMBER "' id='new'/>");
	wait_stanzas(&next, 1);
	assert_string_equal(last_id(&next), "new");
	both_fini(&next, &dead);
}

static void who_dies_of_what_is_read_is_counted(void **state)
{
	_Atomic uint32_t tries = 0;
	struct rig first, second, third;

	(void)state;
	rig_up(&first);
	first.holds = 1;
	mock_xmpp_send(first.mock, TEXT("deadly"));
	wait_stanzas(&first, 1);
	take_up_counted(&second, &first, 1, &tries);
	wait_stanzas(&second, 1);
	assert_int_equal(tries, 1);
	/* a process counts once */
	mock_xmpp_send(first.mock, TEXT("behind"));
	wait_stanzas(&second, 2);
	assert_int_equal(tries, 1);
	take_up_counted(&third, &first, 1, &tries);
	wait_stanzas(&third, 2);
	assert_int_equal(tries, 2);
	xmpp_stream_release(third.stream, third.held);
	assert_int_equal(tries, 0);
	rig_fini(&third);
	both_fini(&second, &first);
}

static void a_new_stream_is_to_blame_for_nothing(void **state)
{
	_Atomic uint32_t tries = 1;
	struct rig rig = { .base = event_base_new() };

	(void)state;
	rig.mock = mock_xmpp_new(rig.base, SECRET);
	const struct xmpp_stream_config config = {
		.host = "127.0.0.1",
		.port = mock_xmpp_port(rig.mock),
		.domain = DOMAIN,
		.secret = SECRET,
		.timing = fast,
		.tries = &tries,
	};
	assert_int_equal(xmpp_stream_new(&rig.stream, &config, rig.base,
					 &handlers, &rig),
			 0);
	wait_up(&rig, 1);
	assert_int_equal(tries, 0);
	rig_fini(&rig);
}

static void who_goes_on_is_heard_in_the_same_stream(void **state)
{
	AUTO(stanza_freep)
	struct stanza *message =
		parse("<message " NS "from='" NUMBER "' to='" ALICE
		      "' id='m1'><body>x</body></message>");
	struct rig dead, next;

	(void)state;
	rig_up(&dead);
	take_up(&next, &dead);
	assert_int_equal(xmpp_stream_send(next.stream, message), 0);
	wait_mock_stanzas(&dead, 1);
	assert_int_equal(mock_xmpp_counts(dead.mock).connections, 1);
	assert_int_equal(mock_xmpp_counts(dead.mock).faults, 0);
	both_fini(&next, &dead);
}

/* The server ends it: only when all that waits is released is the end seen. */
static void the_end_of_a_stream_waits_for_what_is_held(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig.holds = 1;
	mock_xmpp_send(rig.mock, TEXT("held"));
	wait_stanzas(&rig, 1);
	mock_xmpp_drop(rig.mock);
	pass_time(&rig, 20);
	assert_int_equal(rig.downs, 0);
	xmpp_stream_release(rig.stream, rig.held);
	wait_down(&rig, "connection closed");
	assert_int_equal(rig.kept, 0);
	rig_fini(&rig);
}

/* More than is waited for: the server goes on being read. */
static void who_holds_for_ever_does_not_stop_the_stream(void **state)
{
	enum { N = 2000 };
	struct rig rig;

	(void)state;
	rig_up(&rig);
	rig.holds = 1;
	for (unsigned i = 0; i < N; i++)
		mock_xmpp_send(rig.mock, TEXT("many"));
	wait_stanzas(&rig, N);
	rig_fini(&rig);
}

static void nothing_is_held_outside_of_a_stanza(void **state)
{
	struct rig rig;

	(void)state;
	rig_up(&rig);
	assert_int_equal(xmpp_stream_hold(rig.stream), 0);
	xmpp_stream_release(rig.stream, 0);
	xmpp_stream_release(rig.stream, 77);
	rig_fini(&rig);
}

static bool has_goodbye(void *arg)
{
	struct rig *rig = arg;

	return mock_xmpp_counts(rig->mock).goodbyes == 1;
}

static void freeing_says_goodbye_behind_the_last_stanza(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *st = big_message(50000);
	struct rig rig;

	rig_up(&rig);
	assert_int_equal(xmpp_stream_send(rig.stream, st), 0);
	rig.stream = xmpp_stream_free(rig.stream);
	assert_true(mock_run(rig.base, has_goodbye, &rig, LIMIT_MS));
	assert_int_equal(mock_xmpp_counts(rig.mock).stanzas, 1);
	assert_int_equal(rig.downs, 0);
	rig_fini(&rig);
}

static void a_configuration_without_sense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "a@b", "a/b", "a b", "a.", "<a>"
	};
	struct event_base *base = event_base_new();
	struct xmpp_stream_config config = { .host = "127.0.0.1",
					     .port = 1,
					     .secret = "x" };
	struct xmpp_stream *stream = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		config.domain = bad[i];
		assert_int_equal(xmpp_stream_new(&stream, &config, base,
						 &handlers, NULL),
				 -EINVAL);
	}
	config.domain = DOMAIN;
	config.host = "";
	assert_int_equal(
		xmpp_stream_new(&stream, &config, base, &handlers, NULL),
		-EINVAL);
	assert_null(xmpp_stream_free(NULL));
	event_base_free(base);
}

static void memory_may_run_out_anywhere(void **state)
{
	(void)state;
	struct event_base *base = event_base_new();
	const struct xmpp_stream_config config = {
		.host = "127.0.0.1", .port = 1, .domain = DOMAIN, .secret = "x"
	};
	struct xmpp_stream *stream = NULL;
	int r;

	FAIL_EACH_ALLOCATION(
		r, xmpp_stream_new(&stream, &config, base, &handlers, NULL))
	stream = xmpp_stream_free(stream);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_are_shaken_and_stanzas_pass),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(a_name_that_does_not_exist_is_tried_again),
		cmocka_unit_test(a_stanza_may_come_octet_by_octet),
		cmocka_unit_test(
			a_lost_connection_comes_back_with_a_new_parser),
		cmocka_unit_test(a_server_that_says_goodbye_is_called_again),
		cmocka_unit_test(a_stream_error_names_its_condition),
		cmocka_unit_test(a_wrong_secret_is_tried_again_slowly),
		cmocka_unit_test(a_conflict_is_tried_again_until_it_ends),
		cmocka_unit_test(an_unknown_host_is_tried_again),
		cmocka_unit_test(a_silent_server_is_given_up),
		cmocka_unit_test(what_xmpp_forbids_ends_the_stream),
		cmocka_unit_test(a_stanza_above_the_limit_is_refused_alone),
		cmocka_unit_test(a_long_id_is_not_echoed),
		cmocka_unit_test(a_stanza_without_end_ends_the_stream),
		cmocka_unit_test(an_idle_stream_is_kept_alive),
		cmocka_unit_test(a_ping_without_answer_ends_the_stream),
		cmocka_unit_test(faulty_stanzas_are_answered_or_dropped),
		cmocka_unit_test(what_a_server_would_not_forgive_is_not_sent),
		cmocka_unit_test(a_full_queue_is_told_and_drained_whole),
		cmocka_unit_test(nothing_is_sent_while_the_stream_is_down),
		cmocka_unit_test(freeing_says_goodbye_behind_the_last_stanza),
		cmocka_unit_test(a_configuration_without_sense_is_refused),
		cmocka_unit_test(memory_may_run_out_anywhere),
		cmocka_unit_test(
			what_was_not_done_is_read_again_by_who_goes_on),
		cmocka_unit_test(what_was_released_is_not_read_again),
		cmocka_unit_test(who_dies_of_what_is_read_is_counted),
		cmocka_unit_test(a_new_stream_is_to_blame_for_nothing),
		cmocka_unit_test(who_goes_on_is_heard_in_the_same_stream),
		cmocka_unit_test(the_end_of_a_stream_waits_for_what_is_held),
		cmocka_unit_test(who_holds_for_ever_does_not_stop_the_stream),
		cmocka_unit_test(nothing_is_held_outside_of_a_stanza),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
