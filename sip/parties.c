/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/parties.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What copies are in; the texts stand behind it. */
struct copied {
	struct sip_parties parties;
	struct sip_onward *onward;
	char texts[];
};

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static const char *put(char **at, const char *text)
{
	size_t n = size_of(text);
	char *to = *at;

	if (!text)
		return NULL;
	memcpy(to, text, n);
	*at += n;
	return to;
}

int sip_parties_copy(struct sip_parties **out, const struct sip_parties *from)
{
	struct copied *copy = calloc(
		1, sizeof(*copy) + size_of(from->to) + size_of(from->from) +
			   size_of(from->display) + size_of(from->diverted));
	char *at;

	if (!copy)
		return -ENOMEM;
	if (from->onward && sip_onward_copy(&copy->onward, from->onward)) {
		free(copy);
		return -ENOMEM;
	}
	at = copy->texts;
	copy->parties = *from;
	copy->parties.to = put(&at, from->to);
	copy->parties.from = put(&at, from->from);
	copy->parties.display = put(&at, from->display);
	copy->parties.diverted = put(&at, from->diverted);
	copy->parties.onward = copy->onward;
	*out = &copy->parties;
	return 0;
}

struct sip_parties *sip_parties_free(struct sip_parties *parties)
{
	struct copied *copy = (struct copied *)parties;

	if (copy)
		sip_onward_free(copy->onward);
	free(copy);
	return NULL;
}
