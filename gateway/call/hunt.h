/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Who is called one after the other until one answers: the owners of a number
 * in their order, where a call is forwarded to, the trunks of a route. It knows
 * no protocol: a target makes its leg when its turn comes.
 *
 * The call asks for the first leg before it begins (hunt_next()), and owns the
 * hunt from call_new() on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"
#include "gateway/call/cause.h"

struct fare;
struct gateway;
struct hunt;
struct leg;

enum {
	HUNT_MAX_TARGETS = 32,
	HUNT_NAME_CAP = 64,
};

enum hunt_outcome {
	HUNT_E_OVER = 1, /* nobody is left */
};

/* A set of causes after which the next target is tried. */
#define HUNT_ON(cause) (UINT32_C(1) << (cause))
/* An owner who does not take the call leaves it to the next. */
#define HUNT_ON_NOT_TAKEN                                      \
	(HUNT_ON(CAUSE_BUSY) | HUNT_ON(CAUSE_DECLINE) |        \
	 HUNT_ON(CAUSE_NO_ANSWER) | HUNT_ON(CAUSE_ELSEWHERE) | \
	 HUNT_ON(CAUSE_FORBIDDEN) | HUNT_ON_UNREACHABLE)
/* A way that leads nowhere: what was called may still be had by another. */
#define HUNT_ON_UNREACHABLE                                        \
	(HUNT_ON(CAUSE_UNREACHABLE) | HUNT_ON(CAUSE_CONGESTION) |  \
	 HUNT_ON(CAUSE_INCOMPATIBLE) | HUNT_ON(CAUSE_MEDIA_LOST) | \
	 HUNT_ON(CAUSE_SECURITY) | HUNT_ON(CAUSE_FAILED))

struct hunt_target {
	const char *name;  /* for the log; copied */
	const char *trunk; /* by name, for the record; "" none; copied */
	unsigned ring_ms;  /* then the next; 0: as long as the call may ring */
	bool early_answer; /* ringing with media connects the caller */
	const struct fare
		*fare;    /* of a trunk; @arg's, NULL: it costs nothing */
	uint32_t next_on; /* HUNT_ON() */
	/* Make its leg, owned by the caller. 0 or -errno: it is passed over. */
	int (*new_leg)(struct leg **out, struct gateway *gateway, void *arg);
	void (*free_arg)(void *arg); /* NULL: @arg is nobody's */
	void *arg;
};

/* *@out is owned by the caller. 0 or -ENOMEM. */
CHECKED int hunt_new(struct hunt **out, struct gateway *gateway);
/* NULL is fine; returns NULL. */
struct hunt *hunt_free(struct hunt *hunt);
DEFINE_AUTO(struct hunt *, hunt_free)

/* The next in the order; all are added before the first hunt_next(). Its arg is
 * taken, also when it fails. 0, -E2BIG (HUNT_MAX_TARGETS), -EMSGSIZE (the name
 * of a trunk), -ENOMEM. */
CHECKED int hunt_add(struct hunt *hunt, const struct hunt_target *target);

/* The leg of the next target that can make one; *@out is owned by the caller.
 * 0, HUNT_E_OVER. */
CHECKED int hunt_next(struct hunt *hunt, struct leg **out);
/* Whose leg that was; borrowed, NULL before the first. */
const struct hunt_target *hunt_now(const struct hunt *hunt);

/* Whether there is a next target, and @cause of the one of now leads to it.
 * @hunt NULL: no. */
bool hunt_goes_on(const struct hunt *hunt, enum cause cause);
/* The one of now has ended by @cause: it counts for the cause of the call. */
void hunt_note(struct hunt *hunt, enum cause cause);
/* What the caller is told when the last has ended by @cause. @hunt NULL:
 * @cause. */
enum cause hunt_cause(const struct hunt *hunt, enum cause cause);

/* A leg that is over, perhaps in a callback of its own: freed at the end of the
 * loop's turn. */
void hunt_bury(struct hunt *hunt, struct leg *leg);
