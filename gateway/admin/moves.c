/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/moves.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"

struct move {
	TAILQ_ENTRY(move) link; /* by age */
	char from[JID_CAP], to[JID_CAP];
	char code[MOVE_CODE_LEN + 1];
	uint64_t opened_ms;
	unsigned wrong; /* tries */
};

struct moves {
	TAILQ_HEAD(, move) list;
	size_t n;
};

int moves_new(struct moves **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	TAILQ_INIT(&(*out)->list);
	return 0;
}

static void end(struct moves *moves, struct move *move)
{
	TAILQ_REMOVE(&moves->list, move, link);
	moves->n--;
	explicit_bzero(move, sizeof(*move));
	free(move);
}

struct moves *moves_free(struct moves *moves)
{
	struct move *move;

	if (!moves)
		return NULL;
	while ((move = TAILQ_FIRST(&moves->list)))
		end(moves, move);
	free(moves);
	return NULL;
}

static bool is_over(const struct move *move)
{
	return clock_ms() - move->opened_ms >= MOVE_MS;
}

/* What @from has asked before, what is over, and what there is no room for. */
static void make_room(struct moves *moves, const char *from)
{
	struct move *move, *next;

	TAILQ_FOREACH_SAFE(move, &moves->list, link, next) {
		if (is_over(move) || !strcmp(move->from, from) ||
		    moves->n >= MOVES_MAX)
			end(moves, move);
	}
}

int moves_open(struct moves *moves, const char *from, const char *to,
	       char code[static MOVE_CODE_LEN + 1])
{
	struct move *move = calloc(1, sizeof(*move));

	if (!move || text_set(move->from, sizeof(move->from), from) ||
	    text_set(move->to, sizeof(move->to), to)) {
		free(move);
		return -ENOMEM;
	}
	make_room(moves, from);
	rand_token(move->code, MOVE_CODE_LEN);
	memcpy(code, move->code, sizeof(move->code));
	move->opened_ms = clock_ms();
	TAILQ_INSERT_TAIL(&moves->list, move, link);
	moves->n++;
	return 0;
}

bool moves_await(const struct moves *moves, const char *to)
{
	const struct move *move = moves ? TAILQ_FIRST(&moves->list) : NULL;

	while (move && (is_over(move) || strcmp(move->to, to) != 0))
		move = TAILQ_NEXT(move, link);
	return move != NULL;
}

/* All that are open to @to: who guesses guesses at each of them. */
static int note_wrong(struct moves *moves, const char *to)
{
	struct move *move, *next;

	TAILQ_FOREACH_SAFE(move, &moves->list, link, next) {
		if (!strcmp(move->to, to) && ++move->wrong >= MOVE_TRIES)
			end(moves, move);
	}
	return moves_await(moves, to) ? MOVE_E_CODE : MOVE_E_OVER;
}

int moves_prove(struct moves *moves, const char *to, const char *code,
		char from[static JID_CAP])
{
	struct move *move;

	TAILQ_FOREACH(move, &moves->list, link) {
		if (!is_over(move) && !strcmp(move->to, to) &&
		    !strcmp(move->code, code)) {
			memcpy(from, move->from, sizeof(move->from));
			end(moves, move);
			return 0;
		}
	}
	return note_wrong(moves, to);
}
