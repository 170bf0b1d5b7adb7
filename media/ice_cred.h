/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * ICE credentials (RFC 8445, 5.3; lengths of RFC 8839, 5.4), and the USERNAME
 * that two of them make (RFC 8445, 7.2.2).
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum {
	ICE_UFRAG_MIN = 4,
	ICE_UFRAG_MAX = 256,
	ICE_PWD_MIN = 22,
	ICE_PWD_MAX = 256,
};

/* Owned texts; NULL: not known. */
struct ice_cred {
	char *ufrag, *pwd;
};

/* What one generation of checks is authenticated with. */
struct ice_keys {
	struct ice_cred local, remote;
};

/* Each replaces what @cred held; on failure it holds what it did. */
CHECKED int ice_cred_make(struct ice_cred *cred); /* 0, -ENOMEM */
/* 0, -EINVAL, -ENOMEM. */
CHECKED int ice_cred_set(struct ice_cred *cred, const char *ufrag,
			 const char *pwd);
/* Wipes and frees; @cred is empty afterwards. */
void ice_cred_fini(struct ice_cred *cred);
void ice_keys_fini(struct ice_keys *keys);

bool ice_cred_is(const struct ice_cred *cred, const char *ufrag,
		 const char *pwd);

/*
 * The sender's ufrag in the USERNAME of a request that is for @local; empty
 * when it is for somebody else or malformed.
 */
struct slice ice_cred_sender(const struct ice_cred *local,
			     struct slice username);
