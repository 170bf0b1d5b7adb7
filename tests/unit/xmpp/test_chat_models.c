/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What clients and components write is what it is meant to be:
 * tests/data/texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"
#include "xmpp/stanza_parse.h"

enum { FILE_MAX = 32 * 1024 };

static const char *const kinds[] = {
	[CHAT_NOTHING] = "nothing",     [CHAT_TEXT] = "text",
	[CHAT_EMPTY] = "empty",         [CHAT_ENCRYPTED] = "encrypted",
	[CHAT_EDIT] = "edit",           [CHAT_RETRACTION] = "retraction",
	[CHAT_REACTION] = "reaction",   [CHAT_FILE] = "file",
	[CHAT_GROUP] = "group",         [CHAT_RECEIVED] = "received",
	[CHAT_DISPLAYED] = "displayed", [CHAT_BOUNCED] = "bounced",
};

static void read_file(struct stanza **out, const char *name)
{
	static char text[FILE_MAX];
	char path[128];

	snprintf(path, sizeof(path), "tests/data/texts/%s.xml", name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text), file);
	fclose(file);
	assert_in_range(n, 1, sizeof(text) - 1);
	assert_int_equal(stanza_parse(out, (struct slice){ text, n }), 0);
}

static void check(const char *file, const char *what, const char *wanted,
		  const char *found)
{
	if (wanted && strcmp(wanted, found) != 0)
		fail_msg("%s: %s is \"%s\", not \"%s\"", file, what, found,
			 wanted);
}

static void check_model(const char *file, const struct stanza *model)
{
	struct chat chat;

	if (!stanza_attr(model, "kind"))
		fail_msg("%s: a model has no kind", file);
	chat_read(&chat, stanza_first(model));
	check(file, "kind", stanza_attr(model, "kind"), kinds[chat.kind]);
	check(file, "body", stanza_attr(model, "body"), chat.body);
	check(file, "link", stanza_attr(model, "link"),
	      chat.nlinks ? chat.links[0] : "");
	check(file, "subject", stanza_attr(model, "subject"), chat.subject);
	if (stanza_attr(model, "about"))
		check(file, "about", stanza_attr(model, "about"), chat.about);
	check(file, "receipt", stanza_attr(model, "receipt"),
	      chat.receipt_requested ? "yes" : "no");
	check(file, "markable", stanza_attr(model, "markable"),
	      chat.markable ? "yes" : "no");
}

static void each_model_is_what_it_says(void **state)
{
	static const char *const files[] = { "conversations",
					     "cheogram-android",
					     "dino",
					     "gajim",
					     "monal",
					     "movim",
					     "sgx" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		AUTO(stanza_freep) struct stanza *models = NULL;
		const struct stanza *model;
		unsigned n = 0;

		read_file(&models, files[i]);
		assert_non_null(stanza_attr(models, "source"));
		STANZA_FOREACH(model, models) {
			check_model(files[i], model);
			n++;
		}
		assert_in_range(n, 2, 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_model_is_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
