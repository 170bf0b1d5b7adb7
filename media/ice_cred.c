/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/ice_cred.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "media/ice.h"

void ice_cred_fini(struct ice_cred *cred)
{
	free(cred->ufrag);
	text_wipe(cred->pwd);
	*cred = (struct ice_cred){ NULL, NULL };
}

void ice_keys_fini(struct ice_keys *keys)
{
	ice_cred_fini(&keys->local);
	ice_cred_fini(&keys->remote);
}

static bool within(struct slice s, size_t min, size_t max)
{
	return s.n >= min && s.n <= max;
}

int ice_cred_set(struct ice_cred *cred, const char *ufrag, const char *pwd)
{
	struct slice u = slice_of(ufrag), p = slice_of(pwd);

	if (!within(u, ICE_UFRAG_MIN, ICE_UFRAG_MAX) ||
	    !within(p, ICE_PWD_MIN, ICE_PWD_MAX))
		return -EINVAL;

	struct ice_cred made = { text_dup(u), text_dup(p) };
	if (!made.ufrag || !made.pwd) {
		ice_cred_fini(&made);
		return -ENOMEM;
	}
	ice_cred_fini(cred);
	*cred = made;
	return 0;
}

int ice_cred_make(struct ice_cred *cred)
{
	char ufrag[ICE_UFRAG_LEN + 1], pwd[ICE_PWD_LEN + 1];

	rand_token(ufrag, ICE_UFRAG_LEN);
	rand_token(pwd, ICE_PWD_LEN);
	int r = ice_cred_set(cred, ufrag, pwd);
	explicit_bzero(pwd, sizeof(pwd));
	return r;
}

bool ice_cred_is(const struct ice_cred *cred, const char *ufrag,
		 const char *pwd)
{
	return cred->ufrag && !strcmp(cred->ufrag, ufrag) &&
	       !strcmp(cred->pwd, pwd);
}

struct slice ice_cred_sender(const struct ice_cred *local,
			     struct slice username)
{
	size_t n = local->ufrag ? strlen(local->ufrag) : 0;

	if (!n || username.n <= n || username.p[n] != ':' ||
	    memcmp(username.p, local->ufrag, n))
		return SLICE_NONE;

	struct slice sender = { username.p + n + 1, username.n - n - 1 };
	if (!within(sender, ICE_UFRAG_MIN, ICE_UFRAG_MAX))
		return SLICE_NONE;
	return sender;
}
