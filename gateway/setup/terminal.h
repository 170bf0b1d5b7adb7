/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A question at the terminal, and the line that answers it. */
#pragma once

#include "gateway/base/err.h"
#include "gateway/setup/question.h"

/*
 * Ask @question until the answer fits; @out is that without blanks around it,
 * or what an empty one means. 0, or -1 at the end of the input.
 */
CHECKED int terminal_ask(char out[static ANSWER_CAP],
			 const struct question *question);
