/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * No text from SIP adds to, ends or changes a stanza, or a line of log: what is
 * written is read again as the one text that it was, with nothing in it that
 * would close the stream to the XMPP server.
 */
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/text/text_int.h"
#include "sip/identity.h"
#include "tests/test.h"
#include "tests/tricks.h"
#include "xmpp/chat.h"
#include "xmpp/jmi.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

#define NS_NICK "http://jabber.org/protocol/nick"

enum { FORMS = 3, MESSAGE_CAP = 1024 };

/* An INVITE with @trick in its From, in one of the ways it may stand there. */
static msg_t *invite_of(const char *trick, unsigned form)
{
	static const char *const forms[FORMS] = {
		"From: \"%s\" <sip:+15551112222@x>;tag=1\r\n",
		"From: %s <sip:+15551112222@x>;tag=1\r\n",
		"From: \"x\" <sip:%s@x>;tag=1\r\n",
	};
	char message[MESSAGE_CAP], from[MESSAGE_CAP / 2];

	_Pragma("GCC diagnostic push")
		_Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"")
			snprintf(from, sizeof(from), forms[form], trick);
	_Pragma("GCC diagnostic pop") int n =
		snprintf(message, sizeof(message),
			 "INVITE sip:1@x SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
			 "%sTo: <sip:1@x>\r\nCall-ID: 1\r\n"
			 "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
			 from);
	return msg_make(sip_default_mclass(), 0, message, n);
}

/* As it stands in a stream, read again; what leads to it is the caller's. */
static struct stanza *read_again(const char *xml, struct stanza **stream)
{
	size_t cap = strlen(xml) + 64;
	char *all = malloc(cap);

	assert_non_null(all);
	assert_int_equal(
		text_format(all, cap, "<x xmlns='" STANZA_NS "'>%s</x>", xml),
		0);
	assert_int_equal(stanza_parse(stream, slice_of(all)), 0);
	free(all);
	struct stanza *first = stanza_find(*stream, NULL, NULL);
	const struct stanza *child;
	unsigned n = 0;
	STANZA_FOREACH(child, *stream)
		n++;
	assert_int_equal(n, 1);
	return first;
}

static struct stanza *travel(const struct stanza *stanza,
			     struct stanza **stream)
{
	char *xml = NULL;
	size_t n;

	assert_int_equal(stanza_format(stanza, 0, &xml, &n), 0);
	assert_int_equal(strlen(xml), n);
	struct stanza *again = read_again(xml, stream);
	free(xml);
	return again;
}

static void assert_same(const struct stanza *a, const struct stanza *b)
{
	const struct stanza *x, *y = NULL;
	unsigned nx = 0, ny = 0;

	assert_string_equal(stanza_name(a), stanza_name(b));
	assert_string_equal(stanza_ns(a), stanza_ns(b));
	STANZA_FOREACH(x, a)
		nx++;
	STANZA_FOREACH(y, b)
		ny++;
	assert_int_equal(nx, ny);
	STANZA_FOREACH(x, a) {
		unsigned at = 0, i = 0;
		const struct stanza *z;

		STANZA_FOREACH(z, a) {
			if (z == x)
				break;
			at++;
		}
		STANZA_FOREACH(y, b)
			if (i++ == at)
				assert_same(x, y);
	}
}

static void assert_fit(const char *text)
{
	struct slice rest = slice_of(text);
	uint32_t c;

	while (rest.n) {
		size_t n = text_utf8(rest, &c);
		assert_true(n > 0);
		assert_true(text_is_fit(c));
		rest.p += n;
		rest.n -= n;
	}
}

static void propose(const char *nick)
{
	AUTO(stanza_freep) struct stanza *written = NULL;
	AUTO(stanza_freep) struct stanza *plain = NULL;
	AUTO(stanza_freep) struct stanza *stream = NULL;
	struct jmi_message message = { .action = JMI_PROPOSE,
				       .sid = "sid",
				       .from = "+15551112222@tel.example.org",
				       .to = "alice@example.org",
				       .nick = nick };

	assert_int_equal(jmi_format(&written, &message), 0);
	message.nick = "plain";
	assert_int_equal(jmi_format(&plain, &message), 0);
	struct stanza *again = travel(written, &stream);
	assert_same(again, plain);
	assert_string_equal(stanza_find_text(again, "nick", NS_NICK), nick);
}

static void no_name_changes_a_stanza(void **state)
{
	unsigned named = 0;

	(void)state;
	for (size_t i = 0; i < NTRICKS; i++) {
		for (unsigned form = 0; form < FORMS; form++) {
			struct sip_identity identity;
			struct sip_party party;
			msg_t *msg = invite_of(tricks[i], form);

			assert_non_null(msg);
			if (!sip_object(msg)->sip_from) { /* goes no further */
				msg_destroy(msg);
				continue;
			}
			sip_identity_read(&identity, sip_object(msg));
			sip_identity_caller(&party, &identity, false);
			assert_fit(party.display);
			if (*party.display) {
				propose(party.display);
				named++;
			}
			msg_destroy(msg);
		}
	}
	assert_in_range(named, NTRICKS / 2, FORMS * NTRICKS);
}

static void no_body_changes_a_stanza(void **state)
{
	(void)state;
	for (size_t i = 0; i < NTRICKS; i++) {
		AUTO(stanza_freep) struct stanza *written = NULL;
		AUTO(stanza_freep) struct stanza *stream = NULL;
		char *body = text_body(slice_of(tricks[i]));
		const struct chat_text text = { .from = "+1@tel.example.org",
						.to = "alice@example.org",
						.id = "1",
						.body = body };
		struct chat chat;

		assert_non_null(body);
		assert_int_equal(chat_format(&written, &text), 0);
		struct stanza *again = travel(written, &stream);
		assert_same(again, written);
		chat_read(&chat, again);
		assert_string_equal(chat.body, body);
		free(body);
	}
}

/* Whatever a stanza is given, what leaves is one stanza or nothing. */
static void no_text_at_all_ends_the_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < NTRICKS; i++) {
		AUTO(stanza_freep) struct stanza *message = NULL;
		AUTO(stanza_freep) struct stanza *stream = NULL;
		char *xml = NULL;
		size_t n;

		assert_int_equal(stanza_new(&message, "message", NULL), 0);
		stanza_set(message, "id", tricks[i]);
		stanza_child_text(message, "body", NULL, tricks[i]);
		assert_true(stanza_ok(message));
		if (stanza_format(message, 0, &xml, &n))
			continue;
		assert_same(read_again(xml, &stream), message);
		free(xml);
	}
}

/* Quoted, in one line, and of what can be seen. */
static void no_text_ends_its_place_in_the_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < NTRICKS; i++) {
		struct log_text text = log_text(slice_of(tricks[i]));
		size_t n = strlen(text.s);

		assert_true(n >= 2 && text.s[0] == '"' && text.s[n - 1] == '"');
		text.s[n - 1] = '\0';
		assert_fit(text.s + 1);
		for (const char *p = text.s + 1; *p; p++) {
			assert_int_not_equal(*p, '"');
			if (*p == '\\')
				assert_int_equal(p[1], 'x');
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_changes_a_stanza),
		cmocka_unit_test(no_body_changes_a_stanza),
		cmocka_unit_test(no_text_at_all_ends_the_stream),
		cmocka_unit_test(no_text_ends_its_place_in_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
