/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Why a call failed, in words for the person whose call it was: from the cause
 * and from what its record shows besides (how far ICE and DTLS came, who sent
 * audio, how long it rang).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/err.h"

struct cdr;

enum { WHY_CAP = 512 };

/* Whether it ended otherwise than its parties wanted. */
bool why_is_failure(const struct cdr *cdr);

/*
 * One to three sentences, UTF-8 fit for people (what a peer said is quoted
 * in them); of a call that did not fail, how it ended. 0 or -EMSGSIZE.
 */
CHECKED int why_text(char out[static WHY_CAP], const struct cdr *cdr);
