/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages that wait in a carrier's mailbox, told to the owners of its number.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route/number.h"
#include "gateway/route/route.h"
#include "gateway/text/text_int.h"
#include "gateway/text/texts.h"
#include "sip/waiting.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"

enum { WORDS_CAP = 128 };

/* As many as there are numbers, at most. */
struct mailbox {
	RB_ENTRY(mailbox) node;
	bool waiting;
	unsigned fresh;
	char number[];
};

static int compare(const struct mailbox *a, const struct mailbox *b)
{
	return strcmp(a->number, b->number);
}

TREE_GENERATE(mailboxes, mailbox, node, compare)

void text_mailboxes_free(struct texts *texts)
{
	struct mailbox *box;

	while ((box = RB_MIN(mailboxes, &texts->mailboxes))) {
		RB_REMOVE(mailboxes, &texts->mailboxes, box);
		free(box);
	}
}

/* Made when it is not known yet; NULL without memory. */
static struct mailbox *take(struct texts *texts, const char *number)
{
	size_t n = strlen(number) + 1;
	struct mailbox *box = calloc(1, sizeof(*box) + n), *known;

	if (!box)
		return NULL;
	memcpy(box->number, number, n);
	known = RB_INSERT(mailboxes, &texts->mailboxes, box);
	if (known)
		free(box);
	return known ? known : box;
}

/* Whether there is more than when it was told of last. */
static bool note(struct mailbox *box, const struct sip_waiting *waiting)
{
	bool more = waiting->waiting &&
		    (!box->waiting || waiting->voice_new > box->fresh);

	box->waiting = waiting->waiting;
	box->fresh = waiting->voice_new;
	return more;
}

static int format_words(char out[static WORDS_CAP], const char *number,
			const struct sip_waiting *waiting)
{
	if (!waiting->has_voice)
		return text_format(out, WORDS_CAP,
				   "There are messages in the mailbox of %s.",
				   number);
	return text_format(out, WORDS_CAP,
			   "The mailbox of %s has %u new message%s (%u old).",
			   number, waiting->voice_new,
			   waiting->voice_new == 1 ? "" : "s",
			   waiting->voice_old);
}

static int tell(struct gateway *gateway, const char *owner, const char *words)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char id[RAND_UUID_CAP];
	int r;

	rand_uuid(id);
	r = chat_format(&stanza, &(struct chat_text){
					 .from = gateway->config->xmpp.domain,
					 .to = owner,
					 .id = id,
					 .body = words });
	return r ? r : outbox_send(gateway, stanza, NULL, NULL);
}

void texts_waiting(struct gateway *gateway, const struct sip_invite *request,
		   const struct sip_waiting *waiting)
{
	char words[WORDS_CAP];
	struct mailbox *box;
	struct number number;
	int r = route_mailbox(&number, gateway, request, waiting->account);

	log_info("event=messages-waiting number=%s account=%s waiting=%d "
		 "new=%u old=%u",
		 r ? "" : number.number, log_text(slice_of(waiting->account)).s,
		 waiting->waiting, waiting->voice_new, waiting->voice_old);
	box = r ? NULL : take(gateway->texts, number.number);
	if (!box || !note(box, waiting))
		return;
	r = format_words(words, number.number, waiting);
	for (size_t i = 0; !r && i < number.nowners; i++)
		r = tell(gateway, number.owners[i], words);
	if (r)
		log_warn("event=messages-waiting number=%s not-told r=%d",
			 number.number, r);
}
