/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The party that is echo@domain: whom it calls, or who calls it, hears himself.
 */
#pragma once

#include "gateway/leg/leg.h"

/* *@out is owned by the caller, until a call takes it. 0 or -ENOMEM. */
CHECKED int leg_echo_new(struct leg **out);

/* A caller's leg is in its call now: it offers all that we can relay. */
void leg_echo_begin(struct leg *leg);
