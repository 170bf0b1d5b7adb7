/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "xmpp/chat.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

#define US   "+15551234567@tel.example.org"
#define THEM "alice@example.org"

#define BODY(lang, text) "<body xml:lang='" lang "'>" text "</body>"

static struct stanza *parse(const char *children, const char *type)
{
	char text[1024];
	AUTO(stanza_freep) struct stanza *stream = NULL;

	snprintf(text, sizeof(text),
		 "<stream xmlns='" STANZA_NS "'><message from='" THEM
		 "/phone' to='" US "' id='m1' %s>%s</message></stream>",
		 type, children);
	assert_int_equal(stanza_parse(&stream, slice_of(text)), 0);
	return stanza_detach(stanza_first(stream));
}

static void check_kind(const char *children, const char *type,
		       enum chat_kind kind)
{
	AUTO(stanza_freep) struct stanza *message = parse(children, type);
	struct chat chat;

	chat_read(&chat, message);
	assert_int_equal(chat.kind, kind);
}

static void a_text_is_read(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *message =
		parse("<body xml:lang='de'>Hallo</body>"
		      "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>"
		      "<request xmlns='urn:xmpp:receipts'/>"
		      "<active xmlns='http://jabber.org/protocol/chatstates'/>",
		      "type='chat' xml:lang='en'");
	struct chat chat;

	chat_read(&chat, message);
	assert_int_equal(chat.kind, CHAT_TEXT);
	assert_string_equal(chat.from, THEM "/phone");
	assert_string_equal(chat.to, US);
	assert_string_equal(chat.id, "m1");
	assert_string_equal(chat.origin_id, "o1");
	assert_string_equal(chat.body, "Hallo");
	assert_string_equal(chat.lang, "de");
	assert_true(chat.receipt_requested);
}

/* RFC 6121, 5.2.3 */
static void the_words_are_those_in_the_language_of_the_message(void **state)
{
	(void)state;
	static const struct {
		const char *attributes, *children, *body, *lang;
	} cases[] = {
		{ "", BODY("cs", "ahoj") "<body>hello</body>", "hello", "" },
		{ "xml:lang='EN'", BODY("cs", "ahoj") BODY("en", "hello"),
		  "hello", "en" },
		{ "xml:lang='en'", BODY("cs", "ahoj") "<body>hello</body>",
		  "hello", "en" },
		{ "xml:lang='de'", BODY("cs", "ahoj") BODY("en", "hello"),
		  "ahoj", "cs" },
		{ "", BODY("cs", "") BODY("en", "hello"), "hello", "en" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(stanza_freep)
		struct stanza *message =
			parse(cases[i].children, cases[i].attributes);
		struct chat chat;

		chat_read(&chat, message);
		assert_string_equal(chat.body, cases[i].body);
		assert_string_equal(chat.lang, cases[i].lang);
	}
}

static void a_subject_alone_is_the_text(void **state)
{
	(void)state;
	static const char subject[] =
		"<subject xml:lang='cs'>x</subject><subject>Call me</subject>";
	AUTO(stanza_freep) struct stanza *message = parse(subject, "");
	struct chat chat;

	chat_read(&chat, message);
	assert_int_equal(chat.kind, CHAT_TEXT);
	assert_string_equal(chat.body, "Call me");
	assert_string_equal(chat.subject, "");
	check_kind("<subject>x</subject><body/>", "", CHAT_TEXT);
	check_kind("<subject>x</subject>", "type='groupchat'", CHAT_GROUP);
	check_kind("<subject/>", "", CHAT_NOTHING);
}

#define LINK "https://example.org/cat.jpg"
#define OOB  "<x xmlns='jabber:x:oob'><url>" LINK "</url></x>"
#define SFS                                                     \
	"<file-sharing xmlns='urn:xmpp:sfs:0'><sources>"        \
	"<url-data xmlns='http://jabber.org/protocol/url-data'" \
	" target='" LINK "'/></sources></file-sharing>"

static void check_link(const char *children, const char *body)
{
	AUTO(stanza_freep)
	struct stanza *message = parse(children, "type='chat'");
	struct chat chat;

	chat_read(&chat, message);
	assert_int_equal(chat.kind, CHAT_TEXT);
	assert_int_equal(chat.nlinks, 1);
	assert_string_equal(chat.links[0], LINK);
	assert_string_equal(chat.body, body);
}

static void a_picture_without_words_is_its_link(void **state)
{
	(void)state;
	check_link(OOB, LINK);
	check_link(SFS, LINK);
	check_link("<body>look</body>" OOB, "look");
	check_link("<body>" LINK "</body>" SFS, LINK);
}

static void each_link_is_there_once(void **state)
{
	AUTO(stanza_freep) struct stanza *again = NULL;
	AUTO(stanza_freep)
	struct stanza *message =
		parse("<body>two</body>" OOB SFS
		      "<x xmlns='jabber:x:oob'><url>https://x/2</url></x>"
		      "<x xmlns='jabber:x:oob'/>",
		      "type='chat'");
	struct chat chat;

	(void)state;
	chat_read(&chat, message);
	assert_int_equal(chat.nlinks, 2);
	assert_string_equal(chat.links[0], LINK);
	assert_string_equal(chat.links[1], "https://x/2");
	assert_int_equal(
		chat_format(&again,
			    &(struct chat_text){ .from = US,
						 .to = THEM,
						 .id = "m1",
						 .body = chat.body,
						 .links = chat.links,
						 .nlinks = chat.nlinks }),
		0);
	chat_read(&chat, again);
	assert_int_equal(chat.nlinks, 2);
}

static void check_lang(const char *lang, const char *expected)
{
	char attribute[128];
	struct chat chat;

	snprintf(attribute, sizeof(attribute), "xml:lang='%s'", lang);
	AUTO(stanza_freep)
	struct stanza *message = parse("<body>x</body>", attribute);
	chat_read(&chat, message);
	assert_string_equal(chat.lang, expected);
}

static void what_is_no_language_is_not_said(void **state)
{
	(void)state;
	check_lang("zh-Hant-TW", "zh-Hant-TW");
	check_lang("en&#13;&#10;P-Asserted-Identity: &lt;sip:a@b&gt;", "");
	check_lang("de DE", "");
	check_lang("a-language-tag-that-is-too-long-for-all", "");
	check_lang("", "");
}

static void what_is_no_text_is_told_apart(void **state)
{
	(void)state;
	static const char body[] = "<body>x</body>";

	check_kind(body, "", CHAT_TEXT);
	check_kind(body, "type='normal'", CHAT_TEXT);
	check_kind(body, "type='groupchat'", CHAT_GROUP);
	check_kind(body, "type='error'", CHAT_BOUNCED);
	check_kind(body, "type='headline'", CHAT_NOTHING);
	check_kind("<body/>", "", CHAT_EMPTY);
	check_kind("<body>?OTRv23?</body>", "", CHAT_ENCRYPTED);
	check_kind("<file-sharing xmlns='urn:xmpp:sfs:0'/>", "", CHAT_FILE);
	check_kind("<body>https://example.org/x</body>"
		   "<file-sharing xmlns='urn:xmpp:sfs:0'/>",
		   "", CHAT_TEXT);
	check_kind("<x xmlns='jabber:x:conference' jid='r@x.org'/>", "",
		   CHAT_GROUP);
	check_kind(
		"<x xmlns='http://jabber.org/protocol/muc#user'><invite/></x>",
		"", CHAT_GROUP);
	check_kind("<html xmlns='http://jabber.org/protocol/xhtml-im'/>", "",
		   CHAT_MARKUP);
	check_kind("<body>x</body>"
		   "<html xmlns='http://jabber.org/protocol/xhtml-im'/>",
		   "", CHAT_TEXT);
	check_kind("<received xmlns='urn:xmpp:receipts' id='m0'/>"
		   "<encrypted xmlns='urn:xmpp:omemo:2'/>",
		   "", CHAT_ENCRYPTED);
	check_kind("<composing xmlns='http://jabber.org/protocol/chatstates'/>",
		   "type='chat'", CHAT_NOTHING);
	check_kind("<body>x</body><encrypted "
		   "xmlns='eu.siacs.conversations.axolotl'/>",
		   "", CHAT_ENCRYPTED);
	check_kind("<encrypted xmlns='urn:xmpp:omemo:2'/>", "", CHAT_ENCRYPTED);
	check_kind("<body>x</body><x xmlns='jabber:x:encrypted'>q</x>", "",
		   CHAT_ENCRYPTED);
	check_kind("<body>x</body><replace "
		   "xmlns='urn:xmpp:message-correct:0' id='m0'/>",
		   "", CHAT_EDIT);
	check_kind("<body>x</body><retract "
		   "xmlns='urn:xmpp:message-retract:1' id='m0'/>",
		   "", CHAT_RETRACTION);
	check_kind("<reactions xmlns='urn:xmpp:reactions:0' id='m0'/>", "",
		   CHAT_REACTION);
}

static void check_about(const char *child, enum chat_kind kind)
{
	AUTO(stanza_freep) struct stanza *message = parse(child, "");
	struct chat chat;

	chat_read(&chat, message);
	assert_int_equal(chat.kind, kind);
	assert_string_equal(chat.about, "m0");
}

static void what_became_of_a_text_names_it(void **state)
{
	(void)state;
	AUTO(stanza_freep)
	struct stanza *bounced =
		parse("<body>x</body><error type='cancel'><service-unavailable "
		      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text "
		      "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Away.</text>"
		      "</error>",
		      "type='error'");
	struct chat chat;

	check_about("<received xmlns='urn:xmpp:receipts' id='m0'/>",
		    CHAT_RECEIVED);
	check_about("<received xmlns='urn:xmpp:chat-markers:0' id='m0'/>",
		    CHAT_RECEIVED);
	check_about("<displayed xmlns='urn:xmpp:chat-markers:0' id='m0'/>",
		    CHAT_DISPLAYED);
	check_about("<acknowledged xmlns='urn:xmpp:chat-markers:0' id='m0'/>",
		    CHAT_DISPLAYED);
	chat_read(&chat, bounced);
	assert_int_equal(chat.kind, CHAT_BOUNCED);
	assert_string_equal(chat.about, "m1");
	assert_string_equal(chat.body, "Away.");
}

static void what_is_asked_for_is_said(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *message = NULL;
	const struct chat_text text = { .from = US,
					.to = THEM,
					.id = "i1",
					.body = "x",
					.receipt = true,
					.markable = true };
	struct chat chat;

	assert_int_equal(chat_format(&message, &text), 0);
	chat_add_delay(message, "tel.example.org", 1767225600000);
	chat_read(&chat, message);
	assert_true(chat.receipt_requested);
	assert_true(chat.markable);
	const struct stanza *delay =
		stanza_find(message, "delay", "urn:xmpp:delay");
	assert_string_equal(stanza_attr(delay, "stamp"),
			    "2026-01-01T00:00:00Z");
}

static void a_text_is_written(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *message = NULL;
	const struct chat_text text = { .from = US,
					.to = THEM,
					.id = "i1",
					.body = "a <b>\n",
					.lang = "de",
					.nick = "Berta" };
	struct chat chat;

	assert_int_equal(chat_format(&message, &text), 0);
	chat_read(&chat, message);
	assert_int_equal(chat.kind, CHAT_TEXT);
	assert_string_equal(chat.body, "a <b>\n");
	assert_string_equal(chat.id, "i1");
	assert_string_equal(chat.origin_id, "i1");
	assert_string_equal(chat.lang, "de");
	assert_string_equal(stanza_attr(message, "type"), "chat");
	assert_string_equal(stanza_find_text(message, "nick",
					     "http://jabber.org/protocol/nick"),
			    "Berta");
	assert_non_null(stanza_find(message, "store", "urn:xmpp:hints"));
}

static void receipts_and_errors_name_the_text(void **state)
{
	(void)state;
	AUTO(stanza_freep) struct stanza *receipt = NULL;
	AUTO(stanza_freep) struct stanza *error = NULL;

	assert_int_equal(chat_format_receipt(&receipt, US, THEM, "m1"), 0);
	assert_string_equal(stanza_attr(stanza_find(receipt, "received",
						    "urn:xmpp:receipts"),
					"id"),
			    "m1");
	assert_non_null(stanza_find(receipt, "no-copy", "urn:xmpp:hints"));
	assert_int_equal(
		chat_format_error(&error, US, THEM, "m1", "forbidden", "No."),
		0);
	assert_string_equal(stanza_attr(error, "id"), "m1");
	assert_string_equal(stanza_attr(error, "from"), US);
	assert_string_equal(stanza_attr(error, "to"), THEM);
	assert_string_equal(stanza_attr(error, "type"), "error");
	assert_string_equal(stanza_error_condition(error), "forbidden");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_read),
		cmocka_unit_test(
			the_words_are_those_in_the_language_of_the_message),
		cmocka_unit_test(a_subject_alone_is_the_text),
		cmocka_unit_test(a_picture_without_words_is_its_link),
		cmocka_unit_test(each_link_is_there_once),
		cmocka_unit_test(what_is_no_language_is_not_said),
		cmocka_unit_test(what_is_no_text_is_told_apart),
		cmocka_unit_test(what_became_of_a_text_names_it),
		cmocka_unit_test(what_is_asked_for_is_said),
		cmocka_unit_test(a_text_is_written),
		cmocka_unit_test(receipts_and_errors_name_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
