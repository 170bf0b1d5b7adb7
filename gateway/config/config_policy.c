/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The types of values that say who rings and how: words of which one is chosen,
 * and where calls are forwarded to.
 */
#include "gateway/config/config_table.h"

#include "gateway/base/text.h"

/* The field is an enum that counts the words from 0. */
static int read_word(void *field, const struct config_key *key,
		     const char *text)
{
	const struct config_kind *kind = key->kind;

	for (unsigned i = 0; i < kind->nwords; i++) {
		if (kind->words[i] && !strcmp(text, kind->words[i])) {
			*(unsigned *)field = i;
			return 0;
		}
	}
	return CONFIG_E_INVALID;
}

static void print_word(const void *field, const struct config_key *key,
		       const char *indent, FILE *to)
{
	config_put_key(to, indent, key->name,
		       key->kind->words[*(const unsigned *)field]);
}

static int read_forward(void *field, const struct config_key *key,
			const char *text)
{
	static const char scheme[] = "sip:";
	size_t n = strlen(scheme);
	bool sip = !strncmp(text, scheme, n) && config_is_bare_jid(text + n);

	if (*text && !sip && !config_is_number(text))
		return config_kind_jid.read(field, key, text);
	return config_set_string(field, slice_of(text));
}

#define WORDS(list) .words = (list), .nwords = sizeof(list) / sizeof(*(list))

static const char *const second_words[] = {
	[ACCOUNT_SECOND_RING] = "ring",
	[ACCOUNT_SECOND_BUSY] = "busy",
	[ACCOUNT_SECOND_NEXT] = "next",
	[ACCOUNT_SECOND_FORWARD] = "forward",
};
static const char *const ring_words[] = {
	[ACCOUNT_RING_ALL] = "all",
	[ACCOUNT_RING_ORDER] = "order",
};
static const char *const early_words[] = {
	"",
	[ACCOUNT_EARLY_RINGING] = "ringing",
	[ACCOUNT_EARLY_ANSWER] = "answer",
};

CONFIG_KIND(second, "\"ring\", \"busy\", \"next\" or \"forward\"",
	    .read = read_word, .fini = config_fini_nothing, .print = print_word,
	    WORDS(second_words));
CONFIG_KIND(ring, "\"all\" or \"order\"", .read = read_word,
	    .fini = config_fini_nothing, .print = print_word,
	    WORDS(ring_words));
CONFIG_KIND(own_early, "\"ringing\", \"answer\", or \"\": as the trunk has it",
	    .read = read_word, .fini = config_fini_nothing, .print = print_word,
	    WORDS(early_words));
CONFIG_KIND(forward,
	    "a bare JID, a number such as +15551234567, "
	    "\"sip:user@host\" of a trunk, or \"\"",
	    .read = read_forward, .fini = config_fini_text,
	    .print = config_print_text);
