/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Reports of what became of a text, both ways: those of telephones (RFC 5438)
 * and those of accounts' devices (XEP-0184, XEP-0333, errors).
 *
 *     account --text--> us --MESSAGE, wants--> telephone
 *     account <-- received, displayed, error -- us <-- imdn -- telephone
 *
 *     account <-- text, request, markable -- us <-- MESSAGE, wants -- telephone
 *     account -- received, displayed, error --> us -- imdn --> telephone
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

struct chat;
struct gateway;
struct stanza;

enum { TEXT_REPORT_STANZAS = 2 }; /* that one report becomes, at most */

/* What a report says. */
enum text_outcome {
	TEXT_OTHER,     /* it is on its way, or nobody will know */
	TEXT_DELIVERED, /* a device has it */
	TEXT_DISPLAYED, /* and somebody saw it */
	TEXT_FAILED,
	TEXT_NOUTCOMES
};

/* A report's XML. *@idp is owned by the caller: free(). 0, -EINVAL (it is
 * none), -ENOMEM. */
CHECKED int text_report_parse(enum text_outcome *out, char **idp,
			      struct slice xml);
/* One of the text @id, which was written at @date. *@out is owned by the
 * caller: free(). 0, -EINVAL (no XML can hold them), -ENOMEM. */
CHECKED int text_report_format(char **out, enum text_outcome outcome,
			       const char *id, const char *date);

/*
 * The telephone @party tells @number. What its account is told goes to @out,
 * owned by the caller, and how many stanzas those are to *@n; a report that
 * nobody waits for becomes none. 0 or -ENOMEM.
 */
CHECKED int text_report_came(struct gateway *gateway, struct slice xml,
			     const char *party, const char *number,
			     struct stanza *out[static TEXT_REPORT_STANZAS],
			     size_t *n);
/* A device of an account tells: CHAT_RECEIVED, _DISPLAYED or _BOUNCED. */
void text_report_answer(struct gateway *gateway, const struct chat *chat);
