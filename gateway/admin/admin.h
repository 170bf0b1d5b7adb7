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

/* 0 or -errno. Without its socket it goes on, and says so in the log. */
CHECKED int admin_new(struct gateway *gateway);
void admin_free(struct gateway *gateway);

/* Whether nobody at its socket waits for an answer. */
bool admin_is_idle(const struct gateway *gateway);

/* For the faces alone. */
struct adhoc_sessions *admin_adhoc(struct admin *admin);
struct chats *admin_chats(struct admin *admin);

/* Of the next change; ascends. */
uint64_t admin_audit_id(struct admin *admin);
