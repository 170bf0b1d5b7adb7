/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What sofia asks of the system and must not get as it asks, what it does
 * without a word, and one thing that it does wrong. All are taken at the
 * symbol, as the library has no hook for them.
 *
 * - su_getaddrinfo(): it resolves a name in `maddr` of anybody's Via, and all
 *   our loop waits for that name server. Only addresses are resolved.
 * - accept(): it takes every connection (sip/connection.h says which may stay),
 *   and spins when descriptors run out.
 * - accept() and connect() where TLS is: sip/tls.h.
 * - bind(): it tells nobody the descriptor of a listener.
 * - url_param(): it reads on behind the end where the last parameter only
 *   begins with the name that is looked for, as in "<sip:host;lrx>" of a
 *   Record-Route.
 */
#pragma once

#include <stddef.h>

#include "gateway/base/err.h"

struct sip_agent;

/* The descriptors that sofia binds while it opens a listener. */
struct sip_fence_binds {
	int fds[8];
	size_t n;
};
/* Note them there from now on; NULL: no more. */
void sip_fence_note_binds(struct sip_fence_binds *binds);

/* Guard @agent's listeners; one agent in a process. 0 or -errno. */
CHECKED int sip_fence_new(struct sip_agent *agent);
void sip_fence_free(struct sip_agent *agent);

/* Take one off @listener's queue when there is no descriptor for it: left there
 * it would wake us for ever. */
void sip_fence_refuse(int listener);
