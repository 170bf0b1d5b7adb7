/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A session that outlives its process: XEP-0166 knows nothing of it, and the
 * peer shall not notice.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/base/text.h"
#include "xmpp/jingle_session.h"

static int dup_into(char **out, const char *text)
{
	*out = text_dup(slice_of(text));
	return *out ? 0 : -ENOMEM;
}

int jingle_save(const struct jingle *jingle, struct jingle_state *out)
{
	struct jingle_state state = { .initiator = jingle->initiator };
	const struct {
		char **to;
		const char *from;
	} parts[] = {
		{ &state.sid, jingle->sid },
		{ &state.local, jingle->local },
		{ &state.remote, jingle->remote },
		{ &state.mid, jingle->mid },
		/* ours and every client's: contents are the initiator's */
		{ &state.creator, "initiator" },
		{ &state.local_ufrag, jingle->ours.ufrag },
		{ &state.local_pwd, jingle->ours.pwd },
		{ &state.remote_ufrag, jingle->theirs.ufrag },
		{ &state.remote_pwd, jingle->theirs.pwd },
	};

	if (jingle->phase == JINGLE_IDLE || jingle->phase == JINGLE_ENDED)
		return JINGLE_E_STATE;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int r = dup_into(parts[i].to, parts[i].from);
		if (r) {
			jingle_state_fini(&state);
			return r;
		}
	}
	*out = state;
	return 0;
}

void jingle_state_fini(struct jingle_state *state)
{
	char **const parts[] = {
		&state->sid,       &state->local,        &state->remote,
		&state->mid,       &state->creator,      &state->local_ufrag,
		&state->local_pwd, &state->remote_ufrag, &state->remote_pwd,
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		*parts[i] = text_wipe(*parts[i]);
}

int jingle_restore(struct jingle **out, const struct jingle_state *state,
		   const struct jingle_handlers *handlers, void *arg)
{
	const struct jingle_config config = { .sid = state->sid,
					      .local = state->local,
					      .remote = state->remote,
					      .initiator = state->initiator };
	AUTO(jingle_freep) struct jingle *jingle = NULL;
	int r = jingle_new(&jingle, &config, handlers, arg);

	if (r)
		return r;
	const struct {
		char *to;
		size_t cap;
		const char *from;
	} parts[] = {
		{ jingle->mid, sizeof(jingle->mid), state->mid },
		{ jingle->ours.ufrag, MEDIA_UFRAG_CAP, state->local_ufrag },
		{ jingle->ours.pwd, MEDIA_PWD_CAP, state->local_pwd },
		{ jingle->theirs.ufrag, MEDIA_UFRAG_CAP, state->remote_ufrag },
		{ jingle->theirs.pwd, MEDIA_PWD_CAP, state->remote_pwd },
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (text_set(parts[i].to, parts[i].cap, parts[i].from))
			return -EINVAL;
	jingle_enter(jingle, JINGLE_ACTIVE);
	*out = jingle;
	jingle = NULL;
	return 0;
}
