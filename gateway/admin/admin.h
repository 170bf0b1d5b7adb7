/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The commands as a part of the process: what its three faces keep.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/err.h"

struct admin;
struct adhoc_sessions;
struct chats;
struct control;
struct gateway;
struct probe_list;

/* 0 or -errno. Without its socket it goes on, and says so in the log. */
CHECKED int admin_new(struct gateway *gateway);
void admin_free(struct gateway *gateway);

/* Whether nobody at its socket waits for an answer, and no test call is up. */
bool admin_is_idle(const struct gateway *gateway);
/* Another process takes the place of this one, or none: test calls end now. */
void admin_leave(struct gateway *gateway);
/* Who may what was configured anew: what live commands tell, they tell no one
 * who may not hear it any more. */
void admin_configured(struct gateway *gateway);

/* @fn is called in @delay_s, in another turn of the loop, and what was to come
 * before is not. 0 or -ENOMEM. */
CHECKED int admin_later(struct gateway *gateway, unsigned delay_s,
			void (*fn)(struct gateway *gateway));

/* For the faces alone. */
struct adhoc_sessions *admin_adhoc(struct admin *admin);
struct chats *admin_chats(struct admin *admin);
struct probe_list *admin_probes(struct admin *admin);

/* Wall time in microseconds, later than all that were given before: the id of a
 * change, the name of a file. */
uint64_t admin_stamp(struct admin *admin);
