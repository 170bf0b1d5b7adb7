/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Entries of a trace as text for people: a line each, or whole messages below
 * it. Text of peers is made fit for people.
 *
 *     17:04:05.123456  <- udp 192.0.2.1:5060  INVITE sip:+15551234567@…
 *     17:04:05.124001  -> xmpp  message alice@example.org propose
 *     17:04:05.124001     call new + offer -> offered
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct entry;

void script_put(FILE *to, const struct entry *entry, bool whole);
