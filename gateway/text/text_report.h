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

/* A telephone's, on its way to the account. */
struct text_told {
	const char *key; /* of the text; borrowed until it is settled */
	enum text_outcome outcome;
	struct stanza *stanzas[TEXT_REPORT_STANZAS]; /* owned by the caller */
	size_t n; /* 0: nobody waits for it, and there is no key */
};

/*
 * The telephone @party tells @number. Who hands on what its account is told
 * settles it when that cannot be lost any more. 0 or -ENOMEM.
 */
CHECKED int text_report_came(struct gateway *gateway, struct slice xml,
			     const char *party, const char *number,
			     struct text_told *out);
/* What it owns. */
void text_told_free(struct text_told *told);
/* Who waits for what becomes of the text @key has been told @outcome. */
void text_report_settle(struct gateway *gateway, const char *key,
			enum text_outcome outcome);
/* A device of an account tells: CHAT_RECEIVED, _DISPLAYED or _BOUNCED. */
void text_report_answer(struct gateway *gateway, const struct chat *chat);
