/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A bridge that only notes what it is told. */
#pragma once

#include "media/bridge.h"
#include "media/resume.h"
#include "tests/unit/gateway/call_rig_said.h"

static const struct bridge_handlers *bridge_events;
static void *bridge_arg;
static bool bridge_takes_digits = true;
static struct media_map maps[2];

int bridge_new(struct bridge **out, struct media *media, const char *name,
	       const struct bridge_handlers *handlers, void *arg)
{
	(void)media;
	(void)name;
	bridge_events = handlers;
	bridge_arg = arg;
	*out = (struct bridge *)&bridge_arg;
	return 0;
}

struct bridge *bridge_free(struct bridge *bridge)
{
	(void)bridge;
	return NULL;
}

int bridge_open(struct bridge *bridge, enum media_side side,
		enum media_transport transport, bool offerer,
		const struct addr *peer)
{
	(void)bridge;
	(void)transport;
	(void)offerer;
	(void)peer;
	say(side == MEDIA_SIDE_A ? "a-open" : "b-open");
	return 0;
}

int bridge_close(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	say(side == MEDIA_SIDE_A ? "a-close" : "b-close");
	return 0;
}

static bool caller_has_no_media; /* as an echo */

bool bridge_is_open(const struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	return side == MEDIA_SIDE_B || !caller_has_no_media;
}

int bridge_map(struct bridge *bridge, enum media_side from,
	       const struct media_map *map)
{
	(void)bridge;
	maps[from] = *map;
	return 0;
}

int bridge_direction(struct bridge *bridge, enum media_side side,
		     enum media_dir dir)
{
	static const char *const words[2][4] = {
		{ "a-none", "a-send", "a-recv", "" },
		{ "b-none", "b-send", "b-recv", "" },
	};

	(void)bridge;
	if (*words[side][dir])
		say(words[side][dir]);
	return 0;
}

int bridge_digit(struct bridge *bridge, enum media_side side, char digit,
		 unsigned duration_ms)
{
	(void)bridge;
	(void)digit;
	(void)duration_ms;
	say(side == MEDIA_SIDE_A ? "a-tone" : "b-tone");
	return bridge_takes_digits ? 0 : -EINVAL;
}

int bridge_echo(struct bridge *bridge, enum media_side side)
{
	(void)bridge;
	(void)side;
	return 0;
}

int bridge_save(const struct bridge *bridge, enum media_side side,
		struct bridge_saved *out)
{
	(void)bridge;
	(void)side;
	(void)out;
	return -ENOTCONN;
}

void bridge_stats(const struct bridge *bridge, enum media_side side,
		  struct media_side_stats *out)
{
	(void)bridge;
	(void)side;
	memset(out, 0, sizeof(*out));
}
