/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A message of an account's, from its XML to what would leave: everything that
 * is read is there, what is no language is not said, and a text becomes one
 * that can be written to another account.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/text/text_int.h"
#include "gateway/text/text_refuse.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"
#include "xmpp/stanza_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_on(const struct chat *chat)
{
	struct stanza *message = NULL;
	struct chat again;
	char *body = text_body(slice_of(chat->body)), *xml = NULL;
	size_t n;

	assert(body);
	const struct chat_text text = { .from = "a@x",
					.to = "b@x",
					.id = "1",
					.body = body,
					.subject = chat->subject,
					.nick = chat->lang,
					.lang = chat->lang,
					.receipt = chat->receipt_requested,
					.markable = chat->markable };
	assert(!chat_format(&message, &text));
	assert(!stanza_format(message, 0, &xml, &n));
	chat_read(&again, message);
	assert(again.kind == CHAT_TEXT || again.kind == CHAT_ENCRYPTED);
	assert(!strcmp(again.body, body) && !strcmp(again.lang, chat->lang));
	assert(again.receipt_requested == chat->receipt_requested);
	stanza_free(message);
	free(body);
	free(xml);
}

/* What is said of it to who wrote it, whatever its id is. */
static void answer(const struct chat *chat)
{
	struct stanza *said[3] = { NULL };
	struct chat again;

	assert(!chat_format_receipt(&said[0], "b@x", "a@x", chat->id));
	assert(!chat_format_displayed(&said[1], "b@x", "a@x", chat->id));
	assert(!chat_format_error(&said[2], "b@x", "a@x", chat->id,
				  "not-acceptable", chat->body));
	for (size_t i = 0; i < 3; i++) {
		chat_add_delay(said[i], "x", (int64_t)i * 1000000);
		assert(stanza_ok(said[i]));
		chat_read(&again, said[i]);
		assert(again.kind != CHAT_TEXT);
		stanza_free(said[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stanza *message = NULL;
	struct chat chat;

	if (stanza_parse(&message, (struct slice){ (const char *)data, size }))
		return 0;
	chat_read(&chat, message);
	assert(chat.from && chat.to && chat.id && chat.body && chat.lang &&
	       chat.origin_id && chat.about && chat.subject);
	assert(!strpbrk(chat.lang, "\r\n\t :;<"));
	if (chat.kind == CHAT_TEXT) {
		assert(*chat.body && !text_refusal_of(chat.kind));
		write_on(&chat);
		answer(&chat);
	}
	stanza_free(message);
	return 0;
}
