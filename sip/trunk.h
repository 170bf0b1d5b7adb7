/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * One configured SIP peer: where it is, who may speak for it, digest
 * credentials, registration (RFC 3261, 10) and health by OPTIONS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	const char *contact_user;                /* "", NULL: @username */
	enum sip_identity_mode identity;
	/* Lines that each INVITE carries as well ("X-Token: abc"); checked by
	 * the caller. */
	const char *const *headers;
	size_t nheaders;
	bool do_register;
	unsigned expires_s;
	unsigned qualify_s; /* between two OPTIONS; 0: 30 */
	const struct addr_net *allow;
	size_t nallow;
};

enum sip_trunk_state {
	SIP_TRUNK_UNKNOWN,
	SIP_TRUNK_UP,
	/* It takes calls, but: a hop of it is dead, an OPTIONS was not
	 * answered, or its registration runs out. */
	SIP_TRUNK_DEGRADED,
	SIP_TRUNK_DOWN,
	SIP_TRUNK_NSTATES,
};

const char *sip_trunk_state_name(enum sip_trunk_state state);

enum sip_registration {
	SIP_REGISTRATION_NONE, /* it does not register */
	SIP_REGISTRATION_DOWN,
	SIP_REGISTRATION_UP,
};

enum {
	SIP_TRUNK_STATUS_FIRST = 300,
	SIP_TRUNK_STATUS_END = 700,
	SIP_TRUNK_WHY_CAP = 64,
};

/* What calls to it have come to since the start. Answer ratio: @answered of
 * @calls; post-dial delay, until it rings, is answered or refused. */
struct sip_trunk_stats {
	uint64_t calls, answered;
	uint64_t pdd_count, pdd_sum_ms;
	uint32_t pdd_max_ms;
	/* By final status, our own timeout (408) and transport errors (503)
	 * included: failures[status - SIP_TRUNK_STATUS_FIRST]. */
	uint32_t failures[SIP_TRUNK_STATUS_END - SIP_TRUNK_STATUS_FIRST];
	uint64_t registrations, registration_failures;
	uint64_t qualify_failures;
	uint64_t state_since_ms;            /* clock_ms() */
	char last_error[SIP_TRUNK_WHY_CAP]; /* "no answer", "401"; "" none */
	uint64_t last_error_ms;
};

/* Run from the loop, never inside sip_trunk_new(). */
struct sip_trunk_handlers {
	/* @why is borrowed text: "401", "no answer", … */
	void (*changed)(struct sip_trunk *trunk, enum sip_trunk_state state,
			const char *why, void *arg);
};

/*
 * Resolves, registers and qualifies from now on. @agent must outlive it.
 * 0, -EINVAL (proxy, from_domain), -EPROTONOSUPPORT (tel:, or TLS where none
 * is spoken), -ENOMEM.
 */
CHECKED int sip_trunk_new(struct sip_trunk **out, struct sip_agent *agent,
			  const struct sip_trunk_config *config,
			  const struct sip_trunk_handlers *handlers, void *arg);
/* Leaves as well. Its dialogs must have been freed; what they still send is no
 * longer authenticated. */
struct sip_trunk *sip_trunk_free(struct sip_trunk *trunk);

/* Give the registration up, and not come back; sip_agent_is_busy() until that
 * is answered. */
void sip_trunk_leave(struct sip_trunk *trunk);

/* It is to go: nothing is sent to it on its own any more, and its handlers hear
 * nothing; its dialogs go on. @leave: its registration is given up, else it is
 * another trunk's now. */
void sip_trunk_retire(struct sip_trunk *trunk, bool leave);

/* Our own address changed: a registration says the new one. */
void sip_trunk_moved(struct sip_trunk *trunk);

const char *sip_trunk_name(const struct sip_trunk *trunk);
enum sip_trunk_state sip_trunk_state(const struct sip_trunk *trunk);
/* Up or degraded. */
bool sip_trunk_takes_calls(const struct sip_trunk *trunk);
enum sip_registration sip_trunk_registration(const struct sip_trunk *trunk);
/* Whether @source may speak for the trunk: its allow list, or, when that is
 * empty, the addresses its proxy resolves to. */
bool sip_trunk_allows(const struct sip_trunk *trunk, const struct addr *source);

const struct sip_trunk_stats *sip_trunk_stats(const struct sip_trunk *trunk);

/* Where requests to the trunk go now; unset while that is not known. */
struct addr sip_trunk_address(const struct sip_trunk *trunk);
