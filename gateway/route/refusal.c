/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/refusal.h"

#include <assert.h>

static const struct refusal refusals[] = {
	[0] = { "failed", CAUSE_FAILED, "internal-server-error", NULL, 0,
		NULL },
	[ROUTE_E_FORBIDDEN] = { "forbidden", CAUSE_FORBIDDEN, "forbidden",
				"This account has no number here.", 0, NULL },
	[ROUTE_E_NUMBER] = { "no-number", CAUSE_UNKNOWN_NUMBER,
			     "item-not-found",
			     "This is not a telephone number.", 0, NULL },
	[ROUTE_E_COUNTRY] = { "no-country", CAUSE_UNKNOWN_NUMBER,
			      "item-not-found",
			      "Numbers begin with + and the country code.", 0,
			      NULL },
	[ROUTE_E_UNKNOWN] = { "unknown-number", CAUSE_UNKNOWN_NUMBER,
			      "item-not-found",
			      "This number is not in service.", 0, NULL },
	[ROUTE_E_BUSY] = { "calls", CAUSE_CONGESTION, "resource-constraint",
			   "Too many calls at once.", 486, "Busy Here" },
	[ROUTE_E_RATE] = { "rate", CAUSE_CONGESTION, "policy-violation",
			   "Too many calls in a minute; try again later.", 0,
			   NULL },
	[ROUTE_E_DESTINATION] = { "destination", CAUSE_FORBIDDEN,
				  "policy-violation",
				  "Calls to this number are not allowed.", 0,
				  NULL },
	[ROUTE_E_MINUTES] = { "minutes", CAUSE_FORBIDDEN, "policy-violation",
			      "The minutes of this day are used up.", 0, NULL },
	[ROUTE_E_TRUNK_BUSY] = { "trunk-limit", CAUSE_CONGESTION,
				 "resource-constraint",
				 "All lines are in use; try again later.", 0,
				 NULL },
	[ROUTE_E_EMERGENCY] = { "emergency", CAUSE_FORBIDDEN, "not-allowed",
				NULL, 0, NULL }, /* its text is configured */
	[ROUTE_E_STRANGER] = { "stranger", CAUSE_FORBIDDEN, "forbidden", NULL,
			       0, NULL },
	/* RFC 5079 */
	[ROUTE_E_ANONYMOUS] = { "anonymous", CAUSE_DECLINE, "not-allowed", NULL,
				433, "Anonymity Disallowed" },
	/* Telnyx and others try no other route after a 603. */
	[ROUTE_E_VERDICT] = { "verstat", CAUSE_DECLINE, "not-allowed", NULL, 0,
			      NULL },
};
static_assert(sizeof(refusals) / sizeof(refusals[0]) == ROUTE_NOUTCOMES,
	      "a row for each outcome");

const struct refusal *refusal_of(int outcome)
{
	return &refusals[outcome > 0 ? outcome : 0];
}

const struct refusal *refusal_no_line(void)
{
	static const struct refusal row = { "no-line",
					    CAUSE_CONGESTION,
					    "resource-constraint",
					    "All lines are in use.",
					    0,
					    NULL };

	return &row;
}

const struct refusal *refusal_nobody(enum cause why)
{
	static const struct refusal busy = { "busy",
					     CAUSE_BUSY,
					     "recipient-unavailable",
					     "The line is busy.",
					     0,
					     NULL };
	static const struct refusal absent = { "nobody",
					       CAUSE_UNREACHABLE,
					       "recipient-unavailable",
					       "Nobody can be reached there.",
					       0,
					       NULL };

	return why == CAUSE_BUSY ? &busy : &absent;
}

const char *refusal_text(const struct refusal *refusal,
			 const struct config *config)
{
	return refusal == &refusals[ROUTE_E_EMERGENCY] ? config->emergency.text
						       : refusal->text;
}
