/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/call/notice.h"

#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "xmpp/chat.h"
#include "xmpp/stanza.h"

void notice_send(struct gateway *gateway, const char *from, const char *account,
		 const char *body)
{
	AUTO(stanza_freep) struct stanza *stanza = NULL;
	char id[RAND_UUID_CAP];

	rand_uuid(id);
	int r = chat_format(&stanza, &(struct chat_text){ .from = from,
							  .to = account,
							  .id = id,
							  .body = body });
	if (!r)
		r = outbox_send(gateway, stanza, NULL, NULL);
	if (r)
		log_warn("notice=not-sent to=%s r=%d",
			 log_text(slice_of(account)).s, r);
}
