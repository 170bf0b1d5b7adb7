/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The commands as XEP-0050. To who may none, the domain answers as if there
 * were no such thing.
 */
#pragma once

#include <stdbool.h>

struct gateway;
struct stanza;

/* An iq of type get or set to the domain: whether it was about commands and
 * has been answered, or will be. */
bool face_adhoc_take(struct gateway *gateway, const struct stanza *iq);

/* For adhoc_sessions_new(). */
void face_adhoc_ended(void *arg);
