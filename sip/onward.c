/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/onward.h"

#include <assert.h>
#include <sofia-sip/sip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "sip/agent.h"
#include "sip/identity.h"

enum { HOPS_MAX = 255 }; /* RFC 3261, 20.22 */

static const struct {
	const char *reason; /* RFC 5806, 4 */
	unsigned cause;     /* RFC 4458; of what follows in History-Info */
} diversions[] = {
	[SIP_DIVERSION_UNKNOWN] = { "unknown", 404 },
	[SIP_DIVERSION_UNCONDITIONAL] = { "unconditional", 302 },
	[SIP_DIVERSION_USER_BUSY] = { "user-busy", 486 },
	[SIP_DIVERSION_NO_ANSWER] = { "no-answer", 408 },
	[SIP_DIVERSION_UNAVAILABLE] = { "unavailable", 503 },
	[SIP_DIVERSION_DO_NOT_DISTURB] = { "do-not-disturb", 404 },
	[SIP_DIVERSION_TIME_OF_DAY] = { "time-of-day", 404 },
};
static_assert(sizeof(diversions) / sizeof(diversions[0]) == SIP_NDIVERSIONS,
	      "a row for each");

/* ---- what came ---- */

/* All values of a header that sofia does not know; NULL in @out: none, or too
 * many. */
static int join(char **out, const struct sip_s *sip, const char *name,
		const char *compact)
{
	size_t n = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &n);

	*out = NULL;
	if (!f)
		return -ENOMEM;
	for (const sip_unknown_t *un = sip->sip_unknown; un; un = un->un_next) {
		if (!un->un_name || !un->un_value ||
		    (strcasecmp(un->un_name, name) != 0 &&
		     strcasecmp(un->un_name, compact) != 0))
			continue;
		fprintf(f, "%s%s", ftell(f) ? ", " : "", un->un_value);
	}
	if (fclose(f)) {
		free(text);
		return -ENOMEM;
	}
	if (n > SIP_ONWARD_MAX)
		log_info("event=onward what=\"too long\" header=%s", name);
	if (n && n <= SIP_ONWARD_MAX)
		*out = text;
	else
		free(text);
	return 0;
}

int sip_onward_new(struct sip_onward **out, const struct sip_invite *invite)
{
	AUTO(sip_onward_freep) struct sip_onward *o = calloc(1, sizeof(*o));
	const struct sip_s *sip = invite->message;
	int r = 0;

	if (!o)
		return -ENOMEM;
	o->diversions = invite->identity->diversions;
	o->has_hops = sip->sip_max_forwards != NULL;
	if (o->has_hops)
		o->hops = sip->sip_max_forwards->mf_count < HOPS_MAX
				  ? (unsigned)sip->sip_max_forwards->mf_count
				  : HOPS_MAX;
	if (!invite->identity->withheld)
		r = join(&o->identity, sip, "Identity", "y");
	if (!r)
		r = join(&o->history, sip, "History-Info", "History-Info");
	if (r)
		return r;
	*out = o;
	o = NULL;
	return 0;
}

int sip_onward_copy(struct sip_onward **out, const struct sip_onward *onward)
{
	AUTO(sip_onward_freep) struct sip_onward *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->diversions = onward->diversions;
	o->has_hops = onward->has_hops;
	o->hops = onward->hops;
	o->identity =
		onward->identity ? text_dup(slice_of(onward->identity)) : NULL;
	o->history =
		onward->history ? text_dup(slice_of(onward->history)) : NULL;
	if ((onward->identity && !o->identity) ||
	    (onward->history && !o->history))
		return -ENOMEM;
	*out = o;
	o = NULL;
	return 0;
}

struct sip_onward *sip_onward_free(struct sip_onward *onward)
{
	if (onward) {
		free(onward->identity);
		free(onward->history);
	}
	free(onward);
	return NULL;
}

int sip_onward_hops(const struct sip_onward *onward)
{
	if (!onward || !onward->has_hops)
		return -1;
	return onward->hops ? (int)onward->hops - 1 : 0;
}

/* ---- what goes ---- */

/* RFC 5806, 5.2.2: ours alone, with the count of all. */
static void put_diversion(FILE *f, const struct sip_diverted *d)
{
	unsigned before = d->onward ? d->onward->diversions : 0;

	fprintf(f, "Diversion: <%s>;reason=%s;counter=%u%s\r\n", d->by_uri,
		diversions[d->why].reason, before + 1,
		d->hidden ? ";privacy=full" : "");
}

/* The index of the entry that stands last; "" none. */
static struct slice last_index(const char *history)
{
	static const char name[] = "index=";
	const char *found = NULL, *p = history;

	while (p && (p = strcasestr(p, name))) {
		found = p + strlen(name);
		p = found;
	}
	if (!found)
		return SLICE_NONE;
	return (struct slice){ found, strspn(found, "0123456789.") };
}

/*
 * RFC 7044, 9.2: what came stays as it is; behind it who was called, if that is
 * not told, and who is called now, with the reason (RFC 4458) in its URI.
 */
static void put_history(FILE *f, const struct sip_diverted *d)
{
	const char *before = d->onward ? d->onward->history : NULL;
	struct slice index = before ? last_index(before) : SLICE_NONE;
	const char *hidden = d->hidden ? "?Privacy=history" : "";

	if (before && !index.n)
		return; /* there is no going on with it */
	fputs("History-Info: ", f);
	if (before)
		fputs(before, f);
	else
		fprintf(f, "<%s%s>;index=1", d->by_uri, hidden);
	if (!before)
		index = slice_of("1");
	fprintf(f, ", <%s;cause=%u%s>;index=%.*s.1;mp=%.*s\r\n", d->to_uri,
		diversions[d->why].cause, hidden, SLICE_ARG(index),
		SLICE_ARG(index));
}

int sip_onward_format(char **out, const struct sip_diverted *diverted)
{
	size_t n;
	FILE *f = open_memstream(out, &n);

	if (!f)
		return -ENOMEM;
	put_diversion(f, diverted);
	put_history(f, diverted);
	if (diverted->onward && diverted->onward->identity)
		fprintf(f, "Identity: %s\r\n", diverted->onward->identity);
	if (!fclose(f))
		return 0;
	free(*out);
	*out = NULL;
	return -ENOMEM;
}
