/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One configured SIP peer: where it is, who may speak for it, digest
 * credentials, registration (RFC 3261, 10) and health by OPTIONS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "sip/agent.h"
#include "sip/identity.h"

struct sip_trunk;

struct sip_trunk_config { /* borrowed for the call alone */
	const char *name;
	const char *proxy; /* "sip:host:port;transport=tcp" */
	const char *username, *password, *realm; /* "" none */
	const char *from_domain;                 /* "": the proxy's host */
	enum sip_identity_mode identity;
	/* Lines that each INVITE carries as well ("X-Token: abc"); checked by
	 * the caller. */
	const char *const *headers;
	size_t nheaders;
	bool do_register;
	unsigned expires_s;
	const struct addr_net *allow;
	size_t nallow;
};

enum sip_trunk_state { SIP_TRUNK_UNKNOWN, SIP_TRUNK_UP, SIP_TRUNK_DOWN };

/* Run from the loop, never inside sip_trunk_new(). */
struct sip_trunk_handlers {
	/* @why is borrowed text: "401", "no answer", … */
	void (*changed)(struct sip_trunk *trunk, enum sip_trunk_state state,
			const char *why, void *arg);
};

/*
 * Resolves, registers and qualifies from now on. @agent must outlive it.
 * 0, -EINVAL (proxy, from_domain), -EPROTONOSUPPORT (sips:, tel:), -ENOMEM.
 */
CHECKED int sip_trunk_new(struct sip_trunk **out, struct sip_agent *agent,
			  const struct sip_trunk_config *config,
			  const struct sip_trunk_handlers *handlers, void *arg);
/* Gives its registration up, without waiting for the answer. Its dialogs must
 * have been freed; what they still send is no longer authenticated. */
struct sip_trunk *sip_trunk_free(struct sip_trunk *trunk);

/* Our own address changed: a registration says the new one. */
void sip_trunk_moved(struct sip_trunk *trunk);

const char *sip_trunk_name(const struct sip_trunk *trunk);
enum sip_trunk_state sip_trunk_state(const struct sip_trunk *trunk);
/* Whether @source may speak for the trunk: its allow list, or, when that is
 * empty, the addresses its proxy resolves to. */
bool sip_trunk_allows(const struct sip_trunk *trunk, const struct addr *source);

/* Where requests to the trunk go now; unset while that is not known. */
struct addr sip_trunk_address(const struct sip_trunk *trunk);
