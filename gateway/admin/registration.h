/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Registration (XEP-0077) where registration {} of tandem.conf(5) allows it: an
 * account of that domain chooses one of the numbers that are free, and gives it
 * back. Nobody else learns that there is such a thing.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct gateway;
struct service_query;
struct stanza;

enum {
	REGISTRATION_MAX = 4096, /* accounts whose tries are counted */
	REGISTRATION_MS = 60000,
};

/* 0 or -ENOMEM. */
CHECKED int registration_new(struct gateway *gateway);
void registration_free(struct gateway *gateway);

/* Whether @account, a bare JID in lower case, may. */
bool registration_is_for(const struct gateway *gateway, const char *account);

/* What who may is answered to jabber:iq:register: the result or the error,
 * owned by the caller. 0 or -ENOMEM. */
CHECKED int registration_answer(struct stanza **reply,
				const struct service_query *query);
