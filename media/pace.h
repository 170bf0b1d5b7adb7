/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * When a worker's turns begin. A wake-up costs more than a packet: so a worker
 * with few packets takes each as it comes, and one with many sleeps between
 * turns, half a turn's time a packet on average. With more left to read than a
 * turn takes it does not sleep, but not for long: its priority would keep all
 * else from the processor. One that does not catch up has what waits older and
 * older, and colder, until a packet takes it twice its time: media that has
 * waited for too long is let go. A plain value; the time is given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* With much to do, a turn begins so long after the one before: what
	 * came meanwhile shares one wake-up and one sendmmsg(). With less of it
	 * to share, it takes longer to come. */
	PACE_US = 1250,
	PACE_LESS_US = 2500,
	PACE_FROM = 2,        /* packets in PACE_US: then it is much, */
	PACE_LESS = 10,       /* and less than so many are less */
	PACE_LOOK_US = 20000, /* as seen over so long */
	/* Who has been behind for so long rests for a moment. Where most of it
	 * is nobody's, somebody floods us, and gets two thirds of us. */
	PACE_BEHIND_US = 20000,
	PACE_FLOOD_US = 2000,
	PACE_REST_US = 1000,
	/* What has waited for so long is no audio any more (jitter buffers hold
	 * less), and only keeps what comes after it waiting. */
	PACE_LATE_US = 100000,
};

/* Its fields are private; all zero at first. */
struct pace {
	uint64_t looked_us, moved;  /* packets received since then */
	uint64_t apart_us;          /* turns; 0: as packets come */
	bool behind;                /* the last turn has left some unread */
	uint64_t behind_us;         /* since then; 0: not */
	uint64_t received, foreign; /* since then */
	uint64_t late_us;           /* behind all the time since then; 0: not */
};

/*
 * A turn is over: @received packets, of which @foreign were of no call;
 * @behind: it has left some unread.
 */
void pace_turn(struct pace *pace, size_t received, size_t foreign, bool behind);
/* Whether packets are many, as of a turn that begins at @now_us. */
bool pace_is_many(struct pace *pace, uint64_t now_us);
/* Whether a turn that begins at @now_us is to let media go. Not in a flood,
 * which would cost the calls what is theirs. */
bool pace_is_late(struct pace *pace, uint64_t now_us);
/*
 * When the turn after the one that began at @turn_us is to begin, whatever
 * comes; 0: when something has come, or at once if some was left.
 */
uint64_t pace_next_us(struct pace *pace, uint64_t turn_us, uint64_t now_us);
