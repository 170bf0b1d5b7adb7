/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_given.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/tally.h"
#include "gateway/base/text.h"
#include "gateway/text/text_again.h"
#include "xmpp/jid.h"

enum { CONVERSATION_CAP = 2 * JID_CAP };

static int compare_keys(const struct text_given *a, const struct text_given *b)
{
	return strcmp(a->key, b->key);
}
TREE_GENERATE(text_given_tree, text_given, link, compare_keys)

static int compare_held(const struct text_held *a, const struct text_held *b)
{
	return strcmp(a->key, b->key);
}
TREE_GENERATE(text_held_tree, text_held, link, compare_held)

int text_givens_init(struct text_givens *givens)
{
	*givens = (struct text_givens){ .ngiven = 0 };
	RB_INIT(&givens->tree);
	RB_INIT(&givens->conversations);
	TAILQ_INIT(&givens->due);
	TAILQ_INIT(&givens->given);
	return tally_new(&givens->accounts);
}

void text_givens_fini(struct text_givens *givens)
{
	struct text_given *given;

	while ((given = RB_MIN(text_given_tree, &givens->tree)))
		text_given_forget(givens, given);
	givens->accounts = tally_free(givens->accounts);
}

/* ---- keys: no JID has a space here, ids may have ---- */

/* Whose it is, as they are counted. */
static void name_account(char out[static JID_CAP],
			 const struct text_given *given)
{
	size_t n = strcspn(given->key, " ");

	if (text_copy(out, JID_CAP, (struct slice){ given->key, n }))
		out[0] = '\0';
}

static struct slice conversation_of(const struct text_given *given)
{
	size_t n = strcspn(given->key, " ") + 1;

	return (struct slice){ given->key, n + strcspn(given->key + n, " ") };
}

static struct text_held *find_held(const struct text_givens *givens,
				   const struct text_given *given)
{
	struct text_held_tree tree = givens->conversations;
	char name[CONVERSATION_CAP];
	struct text_held wanted = { .key = name };

	return text_copy(name, sizeof(name), conversation_of(given))
		       ? NULL
		       : RB_FIND(text_held_tree, &tree, &wanted);
}

struct text_given *text_given_find(const struct text_givens *givens,
				   const char *key)
{
	struct text_given wanted = { .key = (char *)key };
	struct text_given_tree tree = givens->tree;

	return RB_FIND(text_given_tree, &tree, &wanted);
}

struct text_given *text_given_next(const struct text_givens *givens,
				   const char *key)
{
	struct text_given wanted = { .key = (char *)key };
	struct text_given_tree tree = givens->tree;
	struct text_given *one = RB_NFIND(text_given_tree, &tree, &wanted);

	return one && !strcmp(one->key, key)
		       ? RB_NEXT(text_given_tree, &tree, one)
		       : one;
}

struct text_given *text_given_first_of(const struct text_givens *givens,
				       const char *account)
{
	struct text_given_tree tree = givens->tree;
	struct text_given *first;
	char name[JID_CAP], whose[JID_CAP];

	if (text_format(name, sizeof(name), "%s ", account))
		return NULL;
	first = RB_NFIND(text_given_tree, &tree,
			 &(struct text_given){ .key = name });
	if (!first)
		return NULL;
	name_account(whose, first);
	return strcmp(whose, account) ? NULL : first;
}

/* ---- conversations that wait ---- */

/* From its end: the longest waits are the last. */
static void put_due(struct text_givens *givens, struct text_held *held)
{
	struct text_held *before = TAILQ_LAST(&givens->due, text_held_list);

	while (before && before->next_ms > held->next_ms)
		before = TAILQ_PREV(before, text_held_list, by_time);
	if (before)
		TAILQ_INSERT_AFTER(&givens->due, before, held, by_time);
	else
		TAILQ_INSERT_HEAD(&givens->due, held, by_time);
}

void text_held_set(struct text_givens *givens, struct text_held *held,
		   int64_t next_ms)
{
	TAILQ_REMOVE(&givens->due, held, by_time);
	held->next_ms = next_ms;
	put_due(givens, held);
}

/* NULL without memory. */
static struct text_held *held_new(struct text_givens *givens,
				  const struct text_given *given,
				  int64_t next_ms)
{
	struct slice name = conversation_of(given);
	struct text_held *held = calloc(1, sizeof(*held) + name.n + 1);

	if (!held)
		return NULL;
	memcpy(held->text, name.p, name.n);
	held->key = held->text;
	TAILQ_INIT(&held->texts);
	held->next_ms = next_ms;
	RB_INSERT(text_held_tree, &givens->conversations, held);
	put_due(givens, held);
	return held;
}

/* What comes back comes in its order, nearly always. */
static void put_in_order(struct text_held *held, struct text_given *given)
{
	struct text_given *before = TAILQ_LAST(&held->texts, text_given_list);

	while (before && before->order > given->order)
		before = TAILQ_PREV(before, text_given_list, entry);
	if (before)
		TAILQ_INSERT_AFTER(&held->texts, before, given, entry);
	else
		TAILQ_INSERT_HEAD(&held->texts, given, entry);
}

struct text_held *text_given_held_before(const struct text_givens *givens,
					 const struct text_given *given)
{
	struct text_held *held = find_held(givens, given);

	return held && TAILQ_FIRST(&held->texts)->order < given->order ? held
								       : NULL;
}

static void take_out_waiting(struct text_givens *givens,
			     struct text_given *given)
{
	struct text_held *held = given->held;
	char account[JID_CAP];

	name_account(account, given);
	if (given->counted)
		tally_take(givens->accounts, account, given->octets);
	given->counted = false;
	given->held = NULL;
	givens->nwaiting--;
	givens->waiting_octets -= given->octets;
	TAILQ_REMOVE(&held->texts, given, entry);
	if (!TAILQ_EMPTY(&held->texts))
		return;
	RB_REMOVE(text_held_tree, &givens->conversations, held);
	TAILQ_REMOVE(&givens->due, held, by_time);
	free(held);
}

static void take_out(struct text_givens *givens, struct text_given *given)
{
	if (given->held) {
		take_out_waiting(givens, given);
		return;
	}
	TAILQ_REMOVE(&givens->given, given, entry);
	givens->ngiven--;
	givens->given_octets -= given->octets;
}

bool text_given_has_room(const struct text_givens *givens,
			 const struct text_given *given)
{
	char account[JID_CAP];
	size_t octets = given->octets;

	name_account(account, given);
	return givens->nwaiting < TEXT_AGAIN_MAX &&
	       tally_of(givens->accounts, account) < TEXT_AGAIN_ACCOUNT_MAX &&
	       givens->waiting_octets + octets <= TEXT_AGAIN_OCTETS_MAX &&
	       tally_octets(givens->accounts, account) + octets <=
		       TEXT_AGAIN_ACCOUNT_OCTETS_MAX;
}

/* Not counted without memory for it. */
int text_given_hold(struct text_givens *givens, struct text_given *given,
		    int64_t next_ms)
{
	struct text_held *held = find_held(givens, given);
	char account[JID_CAP];

	if (!held)
		held = held_new(givens, given, next_ms);
	if (!held)
		return -ENOMEM;
	if (held->next_ms < next_ms)
		text_held_set(givens, held, next_ms);
	take_out(givens, given);
	name_account(account, given);
	given->counted = !tally_add(givens->accounts, account, given->octets);
	given->held = held;
	put_in_order(held, given);
	givens->nwaiting++;
	givens->waiting_octets += given->octets;
	return 0;
}

/* ---- what was given ---- */

void text_given_forget(struct text_givens *givens, struct text_given *given)
{
	take_out(givens, given);
	RB_REMOVE(text_given_tree, &givens->tree, given);
	free(given->key);
	free(given->xml);
	free(given);
}

static void put_given(struct text_givens *givens, struct text_given *given,
		      int64_t now_ms)
{
	given->given_ms = now_ms;
	TAILQ_INSERT_TAIL(&givens->given, given, entry);
	givens->ngiven++;
	givens->given_octets += given->octets;
}

void text_givens_expire(struct text_givens *givens, int64_t now_ms)
{
	struct text_given *first;

	while ((first = TAILQ_FIRST(&givens->given)) &&
	       (givens->ngiven > TEXT_GIVEN_MAX ||
		givens->given_octets > TEXT_GIVEN_OCTETS_MAX ||
		first->given_ms < now_ms - TEXT_GIVEN_MS))
		text_given_forget(givens, first);
}

void text_given_give(struct text_givens *givens, struct text_given *given,
		     int64_t now_ms)
{
	take_out(givens, given);
	put_given(givens, given, now_ms);
	text_givens_expire(givens, now_ms);
}

/* Also when the clock was set back. */
static int64_t next_order(struct text_givens *givens,
			  const struct text_written *written)
{
	int64_t order = written->kept_ms;

	if (!written->earlier && order <= givens->last_order)
		order = givens->last_order + 1;
	if (order > givens->last_order)
		givens->last_order = order;
	return order;
}

struct text_given *text_given_add(struct text_givens *givens,
				  const struct text_written *written,
				  int64_t now_ms)
{
	struct text_given *given = calloc(1, sizeof(*given));

	if (!given)
		return NULL;
	given->key = text_dup(slice_of(written->key));
	given->xml = text_dup(slice_of(written->xml));
	if (!given->key || !given->xml) {
		free(given->key);
		free(given->xml);
		free(given);
		return NULL;
	}
	given->octets = strlen(written->xml);
	given->kept_ms = written->kept_ms;
	given->order = next_order(givens, written);
	RB_INSERT(text_given_tree, &givens->tree, given);
	put_given(givens, given, now_ms);
	text_givens_expire(givens, now_ms);
	return given;
}
