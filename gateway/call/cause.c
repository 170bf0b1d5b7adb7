/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/cause.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned status;
	const char *phrase;
	unsigned q850;
	enum reason reason;
	const char *text;
} causes[] = {
	[CAUSE_NORMAL] = { "normal", 480, "Normal Clearing", 16, REASON_SUCCESS,
			   NULL },
	[CAUSE_CANCEL] = { "cancel", 487, "Request Terminated", 16,
			   REASON_CANCEL, NULL },
	[CAUSE_ELSEWHERE] = { "elsewhere", 486, "Answered Elsewhere", 26,
			      REASON_CANCEL, "Answered on another device." },
	[CAUSE_BUSY] = { "busy", 486, "Busy Here", 17, REASON_BUSY,
			 "The line is busy." },
	/* Telnyx and others try no other route after a 603. */
	[CAUSE_DECLINE] = { "decline", 603, "Decline", 21, REASON_DECLINE,
			    "The call was declined." },
	[CAUSE_NO_ANSWER] = { "no-answer", 480, "No Answer", 19, REASON_TIMEOUT,
			      "Nobody answered." },
	[CAUSE_UNREACHABLE] = { "unreachable", 480, "Temporarily Unavailable",
				20, REASON_TIMEOUT,
				"Nobody can be reached there now." },
	[CAUSE_UNKNOWN_NUMBER] = { "unknown-number", 404, "Not Found", 1,
				   REASON_GONE,
				   "This number is not in service." },
	[CAUSE_GONE] = { "gone", 410, "Gone", 22, REASON_GONE,
			 "This number is no longer in service." },
	[CAUSE_FORBIDDEN] = { "forbidden", 403, "Forbidden", 21, REASON_DECLINE,
			      "This call is not allowed." },
	[CAUSE_CREDIT] = { "credit", 402, "Payment Required", 21,
			   REASON_DECLINE,
			   "The credit of this account does not cover it." },
	[CAUSE_INCOMPATIBLE] = { "incompatible", 488, "Not Acceptable Here", 88,
				 REASON_INCOMPATIBLE_PARAMETERS,
				 "No audio format is known to both sides." },
	[CAUSE_SECURITY] = { "security", 488, "Not Acceptable Here", 88,
			     REASON_SECURITY_ERROR,
			     "The encryption could not be verified." },
	[CAUSE_MEDIA_LOST] = { "media-lost", 480, "Temporarily Unavailable", 41,
			       REASON_CONNECTIVITY_ERROR,
			       "The audio connection was lost." },
	[CAUSE_CONGESTION] = { "congestion", 503, "Service Unavailable", 42,
			       REASON_GENERAL_ERROR,
			       "All lines are in use; try again later." },
	[CAUSE_SHUTDOWN] = { "shutdown", 503, "Service Unavailable", 41,
			     REASON_GENERAL_ERROR,
			     "The gateway is being restarted." },
	[CAUSE_LOST] = { "lost", 500, "Server Internal Error", 41,
			 REASON_CONNECTIVITY_ERROR,
			 "The gateway was interrupted." },
	[CAUSE_FAILED] = { "failed", 500, "Server Internal Error", 41,
			   REASON_GENERAL_ERROR, "The call failed." },
};
static_assert(sizeof(causes) / sizeof(causes[0]) == CAUSE_NVALUES,
	      "a row for each cause");

const char *cause_name(enum cause cause)
{
	return causes[cause].name;
}

bool cause_find(enum cause *out, const char *name)
{
	for (size_t i = 0; name && i < CAUSE_NVALUES; i++) {
		if (strcmp(causes[i].name, name) != 0)
			continue;
		*out = (enum cause)i;
		return true;
	}
	return false;
}

unsigned cause_sip_status(enum cause cause)
{
	return causes[cause].status;
}

const char *cause_sip_phrase(enum cause cause)
{
	return causes[cause].phrase;
}

unsigned cause_q850(enum cause cause)
{
	return causes[cause].q850;
}

enum reason cause_reason(enum cause cause)
{
	return causes[cause].reason;
}

const char *cause_text(enum cause cause)
{
	return causes[cause].text;
}

/* In the order in which they tell the caller more. */
static const enum cause telling[] = {
	CAUSE_SHUTDOWN,     CAUSE_CANCEL,     CAUSE_ELSEWHERE,
	CAUSE_NO_ANSWER,    CAUSE_BUSY,       CAUSE_DECLINE,
	CAUSE_NORMAL,       CAUSE_GONE,       CAUSE_UNKNOWN_NUMBER,
	CAUSE_FORBIDDEN,    CAUSE_CREDIT,     CAUSE_SECURITY,
	CAUSE_INCOMPATIBLE, CAUSE_MEDIA_LOST, CAUSE_UNREACHABLE,
	CAUSE_CONGESTION,   CAUSE_LOST,       CAUSE_FAILED,
};
static_assert(sizeof(telling) / sizeof(telling[0]) == CAUSE_NVALUES,
	      "each cause has its place");

enum cause cause_combine(enum cause a, enum cause b)
{
	size_t i = 0;

	while (telling[i] != a && telling[i] != b)
		i++;
	return telling[i];
}

/* A table by number ends with number 0: all others. */
struct numbered {
	unsigned number;
	enum cause cause;
};

static enum cause find(const struct numbered *row, unsigned number)
{
	while (row->number && row->number != number)
		row++;
	return row->cause;
}

enum cause cause_of_status(unsigned status)
{
	static const struct numbered rows[] = {
		{ 401, CAUSE_FAILED },         { 407, CAUSE_FAILED },
		{ 403, CAUSE_FORBIDDEN },      { 404, CAUSE_UNKNOWN_NUMBER },
		{ 408, CAUSE_NO_ANSWER },      { 410, CAUSE_GONE },
		{ 415, CAUSE_INCOMPATIBLE },   { 420, CAUSE_INCOMPATIBLE },
		{ 480, CAUSE_UNREACHABLE },    { 484, CAUSE_UNKNOWN_NUMBER },
		{ 485, CAUSE_UNKNOWN_NUMBER }, { 486, CAUSE_BUSY },
		{ 487, CAUSE_NO_ANSWER },      { 488, CAUSE_INCOMPATIBLE },
		{ 503, CAUSE_CONGESTION },     { 600, CAUSE_BUSY },
		{ 603, CAUSE_DECLINE },        { 604, CAUSE_UNKNOWN_NUMBER },
		{ 606, CAUSE_INCOMPATIBLE },   { 607, CAUSE_DECLINE },
		{ 608, CAUSE_DECLINE },        { 0, CAUSE_FAILED },
	};

	return find(rows, status);
}

enum cause cause_of_q850(unsigned q850)
{
	static const struct numbered rows[] = {
		{ 1, CAUSE_UNKNOWN_NUMBER },  { 2, CAUSE_UNKNOWN_NUMBER },
		{ 3, CAUSE_UNKNOWN_NUMBER },  { 16, CAUSE_NORMAL },
		{ 17, CAUSE_BUSY },           { 18, CAUSE_NO_ANSWER },
		{ 19, CAUSE_NO_ANSWER },      { 20, CAUSE_UNREACHABLE },
		{ 21, CAUSE_DECLINE },        { 22, CAUSE_GONE },
		{ 26, CAUSE_ELSEWHERE },      { 27, CAUSE_UNREACHABLE },
		{ 28, CAUSE_UNKNOWN_NUMBER }, { 34, CAUSE_CONGESTION },
		{ 38, CAUSE_FAILED },         { 41, CAUSE_FAILED },
		{ 42, CAUSE_CONGESTION },     { 47, CAUSE_CONGESTION },
		{ 55, CAUSE_FORBIDDEN },      { 57, CAUSE_FORBIDDEN },
		{ 58, CAUSE_INCOMPATIBLE },   { 65, CAUSE_INCOMPATIBLE },
		{ 79, CAUSE_INCOMPATIBLE },   { 87, CAUSE_FORBIDDEN },
		{ 88, CAUSE_INCOMPATIBLE },   { 102, CAUSE_NO_ANSWER },
		{ 0, CAUSE_NORMAL },
	};

	return find(rows, q850);
}

enum cause cause_of_reason(enum reason reason, bool answered)
{
	static const enum cause rows[] = {
		[REASON_NONE] = CAUSE_DECLINE,
		[REASON_ALTERNATIVE_SESSION] = CAUSE_BUSY,
		[REASON_BUSY] = CAUSE_BUSY,
		[REASON_CANCEL] = CAUSE_CANCEL,
		[REASON_CONNECTIVITY_ERROR] = CAUSE_MEDIA_LOST,
		[REASON_DECLINE] = CAUSE_DECLINE,
		[REASON_EXPIRED] = CAUSE_NO_ANSWER,
		[REASON_FAILED_APPLICATION] = CAUSE_INCOMPATIBLE,
		[REASON_FAILED_TRANSPORT] = CAUSE_MEDIA_LOST,
		[REASON_GENERAL_ERROR] = CAUSE_FAILED,
		[REASON_GONE] = CAUSE_UNREACHABLE,
		[REASON_INCOMPATIBLE_PARAMETERS] = CAUSE_INCOMPATIBLE,
		[REASON_MEDIA_ERROR] = CAUSE_MEDIA_LOST,
		[REASON_SECURITY_ERROR] = CAUSE_SECURITY,
		[REASON_SUCCESS] = CAUSE_NORMAL,
		[REASON_TIMEOUT] = CAUSE_NO_ANSWER,
		[REASON_UNSUPPORTED_APPLICATIONS] = CAUSE_INCOMPATIBLE,
		[REASON_UNSUPPORTED_TRANSPORTS] = CAUSE_INCOMPATIBLE,
	};
	static_assert(sizeof(rows) / sizeof(rows[0]) == REASON_NVALUES,
		      "a row for each reason");
	enum cause cause = rows[reason];

	/* After the answer these words only say who pressed which button. */
	if (answered && (cause == CAUSE_DECLINE || cause == CAUSE_CANCEL ||
			 cause == CAUSE_BUSY))
		return CAUSE_NORMAL;
	return cause;
}
