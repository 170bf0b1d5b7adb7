/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The callee of echo@domain. *@out is owned by the caller, until a call takes
 * it. 0 or -ENOMEM.
 */
#pragma once

#include "gateway/leg/leg.h"

CHECKED int leg_echo_new(struct leg **out);
