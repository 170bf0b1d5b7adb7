/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a trunk's answer to a text means: whether it may pass, and the stanza
 * error that its writer gets (RFC 7247, table 3), in words for people.
 */
#pragma once

#include <stdbool.h>

/* Worth another try, later. @local: our own stack says so. */
bool text_status_may_pass(unsigned status, bool local);
/* RFC 6120, 8.3.3. */
const char *text_status_condition(unsigned status);
/* One sentence. */
const char *text_status_words(unsigned status);
