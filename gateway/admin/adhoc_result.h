/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a command has to say, as notes (XEP-0050) and a form of results
 * (XEP-0004, 3.4).
 */
#pragma once

struct answer;
struct stanza;

/* Within @command, which is marked without memory. */
void adhoc_result_print(struct stanza *command, const char *title,
			const struct answer *answer);
