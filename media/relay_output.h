/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What goes out on one direction: a sequence and a timeline that never break,
 * and where the source's numbers lie in them.
 */
#pragma once

#include "media/relay.h"

/* The source's packet @ext, the first of its source, follows what was sent. */
void relay_output_base(struct relay_output *output, uint32_t ext);

/*
 * The source's packet @ext is kept back: if it is the @newest, what follows
 * closes up.
 */
void relay_output_skip(struct relay_output *output, uint32_t ext, bool newest);

/* A packet of our own goes out: its sequence number. @next is the source's
 * extended number to come. */
uint16_t relay_output_own(struct relay_output *output, uint32_t next);

/* The output's time now, in ticks of @clock; not before the next packet's. */
uint32_t relay_output_now(const struct relay_output *output, uint32_t clock,
			  uint64_t now_us);

/* The output's time of the source's audio @ts; output->based. */
uint32_t relay_output_ts(const struct relay_output *output, uint32_t ts);

/*
 * The time of audio that came now, of clocks @source_clock and @clock. When the
 * correspondence was lost, or would lead back, it is made anew.
 */
uint32_t relay_output_audio(struct relay_output *output, uint32_t ts,
			    uint32_t source_clock, uint32_t clock, bool newest,
			    uint64_t now_us);

/* The output's time is @ts now. */
void relay_output_set(struct relay_output *output, uint32_t ts,
		      uint64_t now_us);

/* Sequence number of the source's packet @ext, which is sent now. */
uint16_t relay_output_seq(struct relay_output *output, uint32_t ext);
