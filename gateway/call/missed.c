/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/missed.h"

#include <time.h>

#include "gateway/base/clock.h"
#include "gateway/base/recent.h"
#include "gateway/base/text.h"
#include "gateway/call/notice.h"
#include "gateway/gateway.h"
#include "xmpp/jid.h"

enum {
	NAME_CAP = 2 * JID_CAP,
	BODY_CAP = 1024,
	TIME_CAP = sizeof("2026-11-21 14:25 UTC"),
};

int missed_new(struct gateway *gateway)
{
	return recent_new(&gateway->missed, MISSED_MAX, MISSED_AGAIN_MS);
}

void missed_free(struct gateway *gateway)
{
	gateway->missed = recent_free(gateway->missed);
}

/* NULL: it was not missed. */
static const char *why(enum cause cause)
{
	switch (cause) {
	case CAUSE_DECLINE:
	case CAUSE_ELSEWHERE:
	case CAUSE_NORMAL:
		return NULL;
	case CAUSE_CANCEL:
		return "the caller hung up";
	case CAUSE_NO_ANSWER:
		return "nobody answered";
	case CAUSE_BUSY:
		return "busy";
	case CAUSE_UNREACHABLE:
		return "no device could be reached";
	default:
		return "the call could not be connected";
	}
}

static void write_time(char out[static TIME_CAP], int64_t at_ms)
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&at, &tm) ||
	    !strftime(out, TIME_CAP, "%Y-%m-%d %H:%M UTC", &tm))
		out[0] = '\0';
}

static int write_body(char out[static BODY_CAP],
		      const struct missed_call *missed, const char *reason)
{
	bool named = missed->name && *missed->name;
	struct slice rest = slice_of(missed->from);
	struct slice number = slice_cut(&rest, '@');
	char at[TIME_CAP];

	write_time(at, missed->at_ms);
	return text_format(
		out, BODY_CAP, "Missed call from %s%s%.*s%s to %s, %s: %s.",
		named ? missed->name : "", named ? " (" : "", SLICE_ARG(number),
		named ? ")" : "", missed->to, at, reason);
}

/* Whether it is told of already; each try counts as the last. */
static bool is_told(struct gateway *gateway, const struct missed_call *missed)
{
	char name[NAME_CAP];
	uint64_t now = clock_ms();

	if (text_format(name, sizeof(name), "%s %s", missed->account,
			missed->from))
		return false;
	bool told = recent_has(gateway->missed, name, now);
	recent_add(gateway->missed, name, now);
	return told;
}

void missed_tell(struct gateway *gateway, const struct missed_call *missed)
{
	const char *reason = why(missed->cause);
	char body[BODY_CAP];

	if (reason && !is_told(gateway, missed) &&
	    !write_body(body, missed, reason))
		notice_send(gateway, missed->from, missed->account, body);
}
