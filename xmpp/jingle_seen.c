/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Iqs that come again: a resumed stream (XEP-0198) delivers what was delivered.
 * Who gives several iqs one id means each of them, so what they say counts too.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jingle_session.h"
#include "xmpp/stanza_text.h"

uint64_t jingle_seen_digest(const struct stanza *element)
{
	char *text = NULL;
	size_t n;

	if (!element || stanza_format(element, 0, &text, &n))
		return 0;
	uint64_t digest = text_digest((struct slice){ text, n });
	free(text);
	return digest;
}

const struct jingle_seen *jingle_seen_find(const struct jingle *jingle,
					   const char *id,
					   const struct jingle_event *e)
{
	for (size_t i = 0; i < JINGLE_SEEN_MAX; i++) {
		const struct jingle_seen *seen = &jingle->seen[i];

		if (seen->id && seen->action == e->action &&
		    seen->digest == e->digest && !strcmp(seen->id, id))
			return seen;
	}
	return NULL;
}

void jingle_seen_keep(struct jingle *jingle, const char *id,
		      const struct jingle_event *e,
		      const struct jingle_fault *fault)
{
	struct jingle_seen *seen = &jingle->seen[jingle->next_seen];

	if (strlen(id) > JINGLE_SEEN_ID_MAX)
		return;
	free(seen->id);
	/* without memory it is only not known again */
	*seen = (struct jingle_seen){ text_dup(slice_of(id)), e->action,
				      e->digest, fault };
	jingle->next_seen = (jingle->next_seen + 1) % JINGLE_SEEN_MAX;
}
