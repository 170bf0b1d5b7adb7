/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the billing system answers, as bill.h has it. */
#pragma once

#include "gateway/base/slice.h"
#include "gateway/bill/bill.h"

/*
 * @out's words are in @reason. 0, or -EINVAL: it is no such object, and nobody
 * has decided.
 */
CHECKED int bill_answer_parse(struct bill_answer *out,
			      char reason[static BILL_REASON_CAP],
			      struct slice json);
