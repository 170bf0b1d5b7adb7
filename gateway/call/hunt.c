/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/hunt.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/gateway.h"
#include "gateway/leg/leg.h"

struct hunted {
	struct hunt_target target;
	char name[HUNT_NAME_CAP];
	char trunk[CONFIG_TRUNK_NAME_MAX + 1];
};

struct hunt {
	struct gateway *gateway;
	struct hunted *targets;
	size_t n, next;
	bool noted;
	enum cause cause; /* of those that have ended, combined */
	struct event *burial;
	struct leg *buried[HUNT_MAX_TARGETS];
	size_t nburied;
};

static_assert(CAUSE_NVALUES <= 32, "a set of causes is a uint32_t");

static void bury_all(struct hunt *hunt)
{
	while (hunt->nburied) {
		struct leg *leg = hunt->buried[--hunt->nburied];
		leg->ops->free(leg);
	}
}

static void on_burial(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	bury_all(arg);
}

int hunt_new(struct hunt **out, struct gateway *gateway)
{
	AUTO(hunt_freep) struct hunt *hunt = calloc(1, sizeof(*hunt));

	if (!hunt)
		return -ENOMEM;
	hunt->gateway = gateway;
	hunt->burial = evtimer_new(gateway->base, on_burial, hunt);
	if (!hunt->burial)
		return -ENOMEM;
	*out = hunt;
	hunt = NULL;
	return 0;
}

static void free_arg(const struct hunt_target *target)
{
	if (target->free_arg)
		target->free_arg(target->arg);
}

struct hunt *hunt_free(struct hunt *hunt)
{
	if (!hunt)
		return NULL;
	bury_all(hunt);
	for (size_t i = 0; i < hunt->n; i++)
		free_arg(&hunt->targets[i].target);
	if (hunt->burial)
		event_free(hunt->burial);
	free(hunt->targets);
	free(hunt);
	return NULL;
}

static int add(struct hunt *hunt, const struct hunt_target *target)
{
	assert(!hunt->next); /* they move */
	if (hunt->n == HUNT_MAX_TARGETS)
		return -E2BIG;
	struct hunted *grown = reallocarray(hunt->targets, hunt->n + 1,
					    sizeof(*hunt->targets));
	if (!grown)
		return -ENOMEM;
	hunt->targets = grown;
	struct hunted *added = &grown[hunt->n];
	added->target = *target;
	int r = text_set(added->trunk, sizeof(added->trunk), target->trunk);
	if (r)
		return r;
	text_clean(added->name, sizeof(added->name), slice_of(target->name));
	hunt->n++;
	return 0;
}

int hunt_add(struct hunt *hunt, const struct hunt_target *target)
{
	int r = add(hunt, target);

	if (r)
		free_arg(target);
	return r;
}

int hunt_next(struct hunt *hunt, struct leg **out)
{
	while (hunt->next < hunt->n) {
		struct hunted *now = &hunt->targets[hunt->next++];
		int r = now->target.new_leg(out, hunt->gateway,
					    now->target.arg);

		now->target.name = now->name;
		now->target.trunk = now->trunk;
		if (!r)
			return 0;
		log_warn("hunt=passed-over target=%s r=%d",
			 log_text(slice_of(now->name)).s, r);
		hunt_note(hunt, CAUSE_FAILED);
	}
	return HUNT_E_OVER;
}

const struct hunt_target *hunt_now(const struct hunt *hunt)
{
	return hunt && hunt->next ? &hunt->targets[hunt->next - 1].target
				  : NULL;
}

bool hunt_goes_on(const struct hunt *hunt, enum cause cause)
{
	const struct hunt_target *now = hunt_now(hunt);

	return now && hunt->next < hunt->n && (now->next_on & HUNT_ON(cause));
}

void hunt_note(struct hunt *hunt, enum cause cause)
{
	hunt->cause = hunt->noted ? cause_combine(hunt->cause, cause) : cause;
	hunt->noted = true;
}

enum cause hunt_cause(const struct hunt *hunt, enum cause cause)
{
	return hunt && hunt->noted ? cause_combine(hunt->cause, cause) : cause;
}

void hunt_bury(struct hunt *hunt, struct leg *leg)
{
	const struct timeval now = { 0, 0 };

	assert(hunt->nburied < HUNT_MAX_TARGETS);
	hunt->buried[hunt->nburied++] = leg;
	evtimer_add(hunt->burial, &now);
}
