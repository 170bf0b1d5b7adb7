/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/face_chat.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/admin.h"
#include "gateway/admin/args.h"
#include "gateway/admin/chat_ear.h"
#include "gateway/admin/chat_say.h"
#include "gateway/admin/run.h"
#include "gateway/admin/words.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "xmpp/chat.h"
#include "xmpp/jid.h"
#include "xmpp/stanza.h"
#include "xmpp/xmpp_stream.h"

/* One command in conversation with one device. */
struct talk {
	TAILQ_ENTRY(talk) link; /* by last use */
	struct gateway *gateway;
	char *jid; /* full; owned */
	struct run *run;
	struct chat_ear *ear;     /* of a live command; NULL before it tells */
	struct form_values *said; /* for all steps */
	bool asks_all;            /* nothing was said at the beginning */
	const char *asked;        /* the field that is asked for; NULL */
	bool *gone;               /* set when it is freed; NULL: no one asks */
	uint64_t used_ms;
};

struct chats {
	TAILQ_HEAD(, talk) list;
	size_t n;
};

int chats_new(struct chats **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	TAILQ_INIT(&(*out)->list);
	return 0;
}

static void end(struct chats *chats, struct talk *talk)
{
	TAILQ_REMOVE(&chats->list, talk, link);
	chats->n--;
	if (talk->gone)
		*talk->gone = true;
	run_free(talk->run);
	chat_ear_free(talk->ear);
	form_values_free(talk->said);
	free(talk->jid);
	free(talk);
}

struct chats *chats_free(struct chats *chats)
{
	struct talk *talk;

	if (!chats)
		return NULL;
	while ((talk = TAILQ_FIRST(&chats->list)))
		end(chats, talk);
	free(chats);
	return NULL;
}

static void touch(struct chats *chats, struct talk *talk, uint64_t now_ms)
{
	talk->used_ms = now_ms;
	TAILQ_REMOVE(&chats->list, talk, link);
	TAILQ_INSERT_TAIL(&chats->list, talk, link);
}

/* What works has an end of its own: it may have nothing to tell for long. */
void chats_expire(struct chats *chats, uint64_t now_ms)
{
	struct talk *talk;

	while ((talk = TAILQ_FIRST(&chats->list)) &&
	       now_ms - talk->used_ms >= CHATS_MS) {
		if (run_form(talk->run))
			end(chats, talk);
		else
			touch(chats, talk, now_ms);
	}
}

static struct talk *find(struct chats *chats, const char *jid)
{
	struct talk *talk;

	TAILQ_FOREACH(talk, &chats->list, link) {
		if (!strcmp(talk->jid, jid))
			return talk;
	}
	return NULL;
}

/* ---- a command ---- */

static void ask(struct talk *talk, struct form_field *field)
{
	talk->asked = form_field_spec(field)->var;
	chat_say_question(talk->gateway, talk->jid, field);
}

/* The next field to be asked for; NULL: all is said. */
static struct form_field *missing(const struct talk *talk,
				  const struct form *form)
{
	for (size_t i = 0; i < form_count(form); i++) {
		struct form_field *field = form_at(form, i);
		const struct form_spec *spec = form_field_spec(field);
		bool needed = spec->required && !form_field_value(field, 0);

		if (spec->type != FORM_FIXED && spec->type != FORM_HIDDEN &&
		    !form_values_has(talk->said, spec->var) &&
		    (needed || talk->asks_all))
			return field;
	}
	return NULL;
}

static void give_up(struct talk *talk, const char *why)
{
	chat_say(talk->gateway, talk->jid, why);
	end(admin_chats(talk->gateway->admin), talk);
}

/* Who meant to write something else is told how. */
static void say_mistake(const struct talk *talk,
			const struct form_mistake *mistake)
{
	char text[FORM_MISTAKE_CAP + sizeof("\nTo leave it, write: cancel")];

	if (!text_format(text, sizeof(text), "%s\nTo leave it, write: cancel",
			 mistake->text))
		chat_say(talk->gateway, talk->jid, text);
}

/* What did not fit is asked for again. */
static void ask_again(struct talk *talk)
{
	const struct form_mistake *mistake = run_mistake(talk->run);
	struct form_field *field = form_find(run_form(talk->run), mistake->var);

	say_mistake(talk, mistake);
	if (field)
		ask(talk, field);
}

/* As far as what was said goes. */
static void go_on(struct talk *talk)
{
	bool gone = false;
	int r = 0;

	talk->gone = &gone;
	while (!gone && !r && run_form(talk->run)) {
		struct form_field *field = missing(talk, run_form(talk->run));

		if (field) {
			ask(talk, field);
			break;
		}
		r = run_submit(talk->run, talk->said);
	}
	if (gone)
		return;
	talk->gone = NULL;
	if (r == RUN_E_INVALID)
		ask_again(talk);
	else if (r)
		give_up(talk, "This is not possible now.");
}

static void on_done(struct run *run, void *arg)
{
	struct talk *talk = arg;

	if (answer_ok(run_answer(run)))
		chat_say_answer(talk->gateway, talk->jid, run_answer(run));
	end(admin_chats(talk->gateway->admin), talk);
}

/* What a live command would tell there, nobody hears. */
static void end_unheard(void *arg)
{
	struct talk *talk = arg;

	log_info("command=%s abandoned=unheard to=%s",
		 command_word(run_command(talk->run)),
		 log_text(slice_of(talk->jid)).s);
	end(admin_chats(talk->gateway->admin), talk);
}

/* A conversation that hears something is none that is forgotten. */
static void on_told(const char *text, size_t n, void *arg)
{
	struct talk *talk = arg;
	touch(admin_chats(talk->gateway->admin), talk, clock_ms());
	chat_say_passing(talk->gateway, talk->jid, (struct slice){ text, n });
	if (talk->ear || !chat_ear_new(&talk->ear, talk->gateway, talk->jid,
				       end_unheard, talk))
		chat_ear_ask(talk->ear);
}

/* Somebody's many devices cost nobody else his conversation. */
static void make_room(struct chats *chats, const char *jid)
{
	struct talk *talk, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH(talk, &chats->list, link) {
		if (!jid_same_bare(talk->jid, jid))
			continue;
		n++;
		oldest = oldest ? oldest : talk;
	}
	if (n >= CHATS_MAX_OF_JID)
		end(chats, oldest);
	else if (chats->n >= CHATS_MAX)
		end(chats, TAILQ_FIRST(&chats->list));
}

static int new_talk(struct talk **out, struct gateway *gateway,
		    const struct command *command, const struct actor *actor,
		    const char *jid)
{
	struct chats *chats = admin_chats(gateway->admin);
	struct talk *talk = calloc(1, sizeof(*talk));

	if (!talk)
		return -ENOMEM;
	make_room(chats, jid);
	talk->gateway = gateway;
	talk->used_ms = clock_ms();
	TAILQ_INSERT_TAIL(&chats->list, talk, link);
	chats->n++;
	talk->jid = text_dup(slice_of(jid));
	int r = talk->jid ? form_values_new(&talk->said) : -ENOMEM;
	if (!r)
		r = run_new(&talk->run, gateway, command, actor, on_done, talk);
	if (r) {
		end(chats, talk);
		return r;
	}
	run_on_told(talk->run, on_told);
	*out = talk;
	return 0;
}

/* What was typed behind the command. 0 or what args_add() says of @odd. */
static int take_words(struct talk *talk, const struct command *command,
		      char *const *words, size_t n, const char **odd)
{
	struct args args = { .command = command, .values = talk->said };
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		*odd = words[i];
		r = args_add(&args, words[i]);
	}
	return r;
}

static void start(struct talk *talk)
{
	bool gone = false;

	talk->gone = &gone;
	int r = run_start(talk->run);
	if (gone)
		return;
	talk->gone = NULL;
	if (r)
		give_up(talk, "This is not possible now.");
	else
		go_on(talk);
}

static void begin(struct gateway *gateway, const struct actor *actor,
		  const struct command *command, const char *jid,
		  char *const *words, size_t n)
{
	struct chats *chats = admin_chats(gateway->admin);
	const char *odd = NULL;
	struct talk *talk;
	int r = new_talk(&talk, gateway, command, actor, jid);

	if (r)
		return;
	r = take_words(talk, command, words, n, &odd);
	if (r) {
		chat_say_fields(gateway, jid, command,
				r == ARGS_E_UNKNOWN ? odd : NULL);
		end(chats, talk);
		return;
	}
	talk->asks_all = command->changes && !n;
	start(talk);
}

int face_chat_begin(struct gateway *gateway, const struct actor *actor,
		    const struct command *command, const char *jid,
		    const struct form_values *said)
{
	struct chats *chats = admin_chats(gateway->admin);
	struct talk *talk = find(chats, jid);

	if (talk)
		end(chats, talk);
	int r = new_talk(&talk, gateway, command, actor, jid);
	if (r)
		return r;
	if (said)
		r = form_values_merge(talk->said, said);
	if (r) {
		end(chats, talk);
		return r;
	}
	start(talk);
	return 0;
}

/* ---- words ---- */

static void help(struct gateway *gateway, const struct actor *actor,
		 const char *jid, const char *node)
{
	const struct command *command = node ? command_find(node) : NULL;

	if (command && !role_may(actor, command->need))
		command = NULL;
	if (command)
		chat_say_fields(gateway, jid, command, NULL);
	else
		chat_say_commands(gateway, jid, actor);
}

static void on_words(struct gateway *gateway, const struct actor *actor,
		     const char *jid, struct words *words)
{
	const struct command *command = words->n ? words_command(words) : NULL;

	if (command && role_may(actor, command->need))
		begin(gateway, actor, command, jid, words->v + words->used,
		      words->n - words->used);
	else if (words->n && !strcasecmp(words->v[0], "help"))
		help(gateway, actor, jid, words->n > 1 ? words->v[1] : NULL);
	else
		chat_say(gateway, jid,
			 "I do not know this command. Write: help");
}

static bool is_word(const char *text, const char *const *list)
{
	while (*list && strcasecmp(text, *list) != 0)
		list++;
	return *list != NULL;
}

/* The answer to the question that is open. */
static void on_answer(struct talk *talk, const struct actor *actor,
		      const char *text)
{
	static const char *const keeps[] = { ".", "next", "keep", NULL };
	static const char *const backs[] = { "back", "prev", NULL };
	struct form_field *field =
		talk->asked ? form_find(run_form(talk->run), talk->asked)
			    : NULL;
	struct form_mistake mistake = { .text = "This is too long." };
	int r = 0;

	run_refresh(talk->run, actor);
	if (is_word(text, backs) && !run_is_first(talk->run)) {
		r = run_back(talk->run);
		form_values_free(talk->said);
		talk->said = NULL;
		if (!r)
			r = form_values_new(&talk->said);
		talk->asks_all = true;
		field = NULL;
	} else if (field) {
		r = is_word(text, keeps)
			    ? words_keep(talk->said, field)
			    : words_answer(talk->said, field, text);
	}
	if (!r && field)
		r = form_check_field(field, talk->said, &mistake);
	if (r < 0) {
		give_up(talk, "This is not possible now.");
	} else if (r) {
		say_mistake(talk, &mistake);
		ask(talk, field);
	} else {
		go_on(talk);
	}
}

static void on_text(struct gateway *gateway, const struct actor *actor,
		    const struct chat *chat)
{
	static const char *const cancels[] = { "cancel", "stop", NULL };
	struct talk *talk = find(admin_chats(gateway->admin), chat->from);
	struct words words;

	if (talk && is_word(chat->body, cancels)) {
		give_up(talk, "Cancelled.");
	} else if (is_word(chat->body, cancels)) {
		chat_say(gateway, chat->from,
			 "There is nothing to stop. Write: help");
	} else if (talk && run_form(talk->run)) {
		touch(admin_chats(gateway->admin), talk, clock_ms());
		on_answer(talk, actor, chat->body);
	} else if (talk) {
		chat_say(gateway, chat->from,
			 "Still at work on the last command; cancel stops it.");
	} else if (words_split(&words, chat->body)) {
		chat_say(gateway, chat->from, "This is too long.");
	} else {
		on_words(gateway, actor, chat->from, &words);
		words_fini(&words);
	}
}

static void acknowledge(struct gateway *gateway, const struct chat *chat)
{
	AUTO(stanza_freep) struct stanza *receipt = NULL;

	if (chat->receipt_requested && *chat->id &&
	    !chat_format_receipt(&receipt, gateway->config->xmpp.domain,
				 chat->from, chat->id) &&
	    xmpp_stream_send(gateway->stream, receipt))
		log_debug("xmpp=receipt not-sent");
}

bool face_chat_take(struct gateway *gateway, const struct chat *chat)
{
	struct actor actor;
	struct jid to;

	if (chat->kind != CHAT_TEXT || !chat->from ||
	    jid_parse(&to, chat->to) || to.local.n ||
	    !role_may_anything(gateway, chat->from) ||
	    !role_actor(&actor, gateway, chat->from, "chat"))
		return false;
	acknowledge(gateway, chat);
	on_text(gateway, &actor, chat);
	return true;
}

void face_chat_recheck(struct gateway *gateway)
{
	struct chats *chats = admin_chats(gateway->admin);
	struct talk *talk, *next;

	TAILQ_FOREACH_SAFE(talk, &chats->list, link, next) {
		const struct command *command = run_command(talk->run);
		struct actor actor;

		if (!command->live || run_form(talk->run) ||
		    (role_actor(&actor, gateway, talk->jid, "chat") &&
		     role_may(&actor, command->need)))
			continue;
		give_up(talk, "This is not for you any more.");
	}
}

void face_chat_bounced(struct gateway *gateway, const struct chat *chat)
{
	struct chats *chats = admin_chats(gateway->admin);
	struct talk *talk = chat->from ? find(chats, chat->from) : NULL;
	struct jid to;

	if (!talk || run_form(talk->run) || jid_parse(&to, chat->to) ||
	    to.local.n)
		return;
	end_unheard(talk);
}
