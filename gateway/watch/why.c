/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/watch/why.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "db/cdr.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/call/cause.h"

/* What happened, and what may help; NULL: nothing to say, or it depends. */
static const struct {
	const char *happened, *helps;
	bool failure;
} words[] = {
	[CAUSE_NORMAL] = { "The call was hung up.", NULL, false },
	[CAUSE_CANCEL] = { "The caller hung up before anybody answered.", NULL,
			   false },
	[CAUSE_ELSEWHERE] = { "The call was answered on another device.", NULL,
			      false },
	[CAUSE_BUSY] = { "The line was busy.", "Try again later.", true },
	[CAUSE_DECLINE] = { "The call was declined.", NULL, true },
	[CAUSE_NO_ANSWER] = { "Nobody answered.", NULL, true },
	[CAUSE_UNREACHABLE] = { "The telephone or device that was called could "
				"not be reached: it is switched off, out of "
				"coverage or offline.",
				"Try again later.", true },
	[CAUSE_UNKNOWN_NUMBER] = { "The number that was called is not in "
				   "service.",
				   "Check the number and its country code.",
				   true },
	[CAUSE_GONE] = { "The number that was called is no longer in service.",
			 NULL, true },
	[CAUSE_FORBIDDEN] = { "The call was not permitted.",
			      "Ask the operator of this service if it should "
			      "be.",
			      true },
	[CAUSE_CREDIT] = { "The account's credit did not cover the call, or "
			   "was used "
			   "up during it.",
			   "Top it up, or ask the operator.", true },
	[CAUSE_INCOMPATIBLE] = { "The two sides know no common audio format.",
				 "Another client or trunk may.", true },
	[CAUSE_SECURITY] = { "The encryption of the audio could not be set up "
			     "safely, so no audio was let through.",
			     "If it happens again, tell the operator.", true },
	[CAUSE_MEDIA_LOST] = { NULL, NULL, true },
	[CAUSE_CONGESTION] = { "No line was free, here or at the telephone "
			       "company.",
			       "Try again later.", true },
	[CAUSE_SHUTDOWN] = { "The gateway was being restarted.", "Call again.",
			     true },
	[CAUSE_LOST] = { "The gateway was interrupted during the call.",
			 "Call again.", true },
	[CAUSE_FAILED] = { "The call failed for a technical reason.",
			   "If it happens again, tell the operator.", true },
};
static_assert(sizeof(words) / sizeof(words[0]) == CAUSE_NVALUES,
	      "words for each cause");

/* A record of a later version may have a cause that we do not know. */
static enum cause cause_of(const struct cdr *cdr)
{
	enum cause cause = CAUSE_FAILED;

	(void)cause_find(&cause, cdr->cause);
	return cause;
}

bool why_is_failure(const struct cdr *cdr)
{
	return words[cause_of(cdr)].failure;
}

/* ---- where the audio was lost ---- */

struct end_point {
	const struct cdr_media *media;
	const char *who;
	bool xmpp;
};

static struct end_point caller_of(const struct cdr *cdr)
{
	bool xmpp = cdr->direction != CDR_INBOUND;

	return (struct end_point){ &cdr->caller_media,
				   xmpp ? "the caller's device"
					: "the caller's telephone",
				   xmpp };
}

static struct end_point callee_of(const struct cdr *cdr)
{
	bool xmpp = cdr->direction != CDR_OUTBOUND;

	return (struct end_point){ &cdr->callee_media,
				   xmpp ? "the device that was called"
					: "the telephone that was called",
				   xmpp };
}

/* How far the media of an XMPP client came; of a trunk's, whether it came. */
static bool explain_end(FILE *out, const struct end_point *end)
{
	const struct cdr_media *m = end->media;

	if (end->xmpp && !m->ice_ms) {
		fprintf(out,
			"No way for the audio was found between %s and the "
			"gateway. A firewall there may block UDP: try another "
			"network.",
			end->who);
		return true;
	}
	if (end->xmpp && !m->dtls_ms) {
		fprintf(out,
			"%s was reached, but did not finish to encrypt the "
			"audio.",
			end->who);
		return true;
	}
	if (!m->rx_packets) {
		fprintf(out, "No audio came from %s.", end->who);
		return true;
	}
	return false;
}

static void explain_media(FILE *out, const struct cdr *cdr)
{
	struct end_point caller = caller_of(cdr), callee = callee_of(cdr);

	if (!explain_end(out, &caller) && !explain_end(out, &callee))
		fputs("The audio connection was lost during the call: one "
		      "side's network went away.",
		      out);
}

/* What was said at the end, unless it is what everybody is told. */
static void quote(FILE *out, const struct cdr *cdr, enum cause cause)
{
	const char *text = cdr->end_text, *usual = cause_text(cause);

	if (!text || !*text || (usual && !strcmp(text, usual)))
		return;
	if (cdr->ended_by == CDR_END_GATEWAY)
		fprintf(out, " %s", text);
	else
		fprintf(out, " The other side said: \u201c%s\u201d.", text);
}

static void explain(FILE *out, const struct cdr *cdr, enum cause cause)
{
	if (cause == CAUSE_MEDIA_LOST)
		explain_media(out, cdr);
	else
		fputs(words[cause].happened, out);
	if (cause == CAUSE_NO_ANSWER && cdr->ringing_ms &&
	    cdr->ended_ms > cdr->ringing_ms)
		fprintf(out, " It rang for %lld s.",
			(long long)(cdr->ended_ms - cdr->ringing_ms) /
				MS_PER_S);
	quote(out, cdr, cause);
	if (words[cause].helps)
		fprintf(out, " %s", words[cause].helps);
}

int why_text(char out[static WHY_CAP], const struct cdr *cdr)
{
	FILE *f = fmemopen(out, WHY_CAP, "w");

	out[0] = '\0';
	if (!f)
		return -ENOMEM;
	explain(f, cdr, cause_of(cdr));
	fflush(f);
	long n = ftell(f);
	bool fits = !ferror(f) && n >= 0 && n < WHY_CAP - 1;
	fclose(f);
	if (!fits) {
		out[0] = '\0';
		return -EMSGSIZE;
	}
	/* A sentence begins with a capital, also with a name in front. */
	if (*out >= 'a' && *out <= 'z')
		*out = (char)(*out - 'a' + 'A');
	return 0;
}
