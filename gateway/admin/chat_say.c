/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/chat_say.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/admin/answer.h"
#include "gateway/admin/args.h"
#include "gateway/admin/words.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

static int send_text(struct gateway *gateway, const char *to, const char *text,
		     bool passing)
{
	AUTO(stanza_freep) struct stanza *message = NULL;
	char id[RAND_UUID_CAP];
	const struct chat_text chat = { .id = id,
					.from = gateway->config->xmpp.domain,
					.to = to,
					.body = text,
					.lang = "en",
					.passing = passing };

	rand_uuid(id);
	int r = chat_format(&message, &chat);

	return r ? r : xmpp_stream_send(gateway->stream, message);
}

/* A list may be longer than a stanza can be, which nobody would hear of. */
static void say(struct gateway *gateway, const char *to, const char *text,
		bool passing)
{
	int r = send_text(gateway, to, text, passing);

	if (r == XMPP_E_ILLEGAL)
		r = send_text(gateway, to,
			      "This is too long for one message; ask for "
			      "less.",
			      passing);
	if (r)
		log_warn("xmpp=reply not-sent to=%s", log_text(slice_of(to)).s);
}

void chat_say(struct gateway *gateway, const char *to, const char *text)
{
	say(gateway, to, text, false);
}

void chat_say_passing(struct gateway *gateway, const char *to,
		      struct slice text)
{
	char *copy = text_dup(text);

	if (copy)
		say(gateway, to, copy, true);
	free(copy);
}

/* What @write writes; text of peers is among it, already clean. */
struct telling {
	void (*write)(FILE *to, const struct telling *telling);
	const struct actor *actor;
	const struct command *command;
	const struct answer *answer;
	const struct form_field *field;
	const char *odd;
};

static void tell(struct gateway *gateway, const char *to,
		 const struct telling *telling)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return;
	telling->write(out, telling);
	if (!fclose(out)) {
		while (n && text[n - 1] == '\n')
			text[--n] = '\0';
		chat_say(gateway, to, text);
	}
	free(text);
}

static void write_answer(FILE *to, const struct telling *telling)
{
	answer_print(telling->answer, ANSWER_CHAT, to);
}

void chat_say_answer(struct gateway *gateway, const char *to,
		     const struct answer *answer)
{
	tell(gateway, to,
	     &(struct telling){ .write = write_answer, .answer = answer });
}

static void write_commands(FILE *to, const struct telling *telling)
{
	words_help(to, telling->actor);
}

void chat_say_commands(struct gateway *gateway, const char *to,
		       const struct actor *actor)
{
	tell(gateway, to,
	     &(struct telling){ .write = write_commands, .actor = actor });
}

static void write_fields(FILE *to, const struct telling *telling)
{
	if (telling->odd)
		args_explain(to, telling->command, telling->odd);
	words_help_command(to, telling->command);
}

void chat_say_fields(struct gateway *gateway, const char *to,
		     const struct command *command, const char *odd)
{
	tell(gateway, to,
	     &(struct telling){
		     .write = write_fields, .command = command, .odd = odd });
}

static void write_question(FILE *to, const struct telling *telling)
{
	words_question(to, telling->field);
}

void chat_say_question(struct gateway *gateway, const char *to,
		       const struct form_field *field)
{
	tell(gateway, to,
	     &(struct telling){ .write = write_question, .field = field });
}
