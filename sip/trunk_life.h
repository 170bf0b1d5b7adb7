/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A trunk as its own files see it: trunk.c, trunk_register.c, trunk_qualify.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sip/agent_int.h"
#include "sip/client.h"
#include "sip/hops.h"
#include "sip/trunk_int.h"

struct event;
struct nta_leg_s;

enum {
	TRUNK_EXPIRES_S = 600,
	TRUNK_REFRESH_MIN_S = 5, /* however short a registration lasts */
	TRUNK_EXPIRES_MAX_S = 24 * 3600,
	TRUNK_QUALIFY_S = 30,
	TRUNK_QUALIFY_SOON_MS = 5 * 1000, /* while it is not decided */
	TRUNK_QUALIFY_WAIT_MS = 5 * 1000, /* for the last hop's answer */
	TRUNK_FAILURES_DOWN = 2,
	TRUNK_SUCCESSES_UP = 2,
	TRUNK_BACKOFF_MIN_MS = 2 * 1000,
	TRUNK_BACKOFF_MAX_MS = 300 * 1000,
};

enum trunk_life { TRUNK_UNDECIDED, TRUNK_ALIVE, TRUNK_DEAD };

struct trunk_qualify {
	enum trunk_life state;
	unsigned good, bad; /* in a row */
	struct nta_leg_s *leg;
	struct sip_client *client;
	struct event *timer;
};

struct trunk_register {
	enum trunk_life state;
	unsigned failures; /* in a row */
	unsigned expires_s;
	struct nta_leg_s *leg;
	struct sip_client *client;
	struct event *timer;
	struct sip_hop hop; /* the registrar that took it */
	uint64_t until_ms;  /* it stands until then; 0: none */
	bool left;          /* for good */
};

struct sip_trunk {
	struct sip_agent *agent;
	const struct sip_trunk_handlers *handlers;
	void *arg;
	char *name, *username, *password, *realm, *hostport, *domain;
	char *contact_user;
	struct sip_digest_account account;
	struct addr_net *allow;
	size_t nallow;
	enum sip_identity_mode identity;
	char *headers;
	bool do_register;
	unsigned expires_s, qualify_s;

	struct sip_uri uri;
	struct sip_hops hops;
	struct sip_query *query;
	struct event *resolve_timer;

	enum sip_trunk_state state;
	struct sip_trunk_stats stats;
	struct trunk_qualify health;
	struct trunk_register reg;
};

/* The event is made at first use, with @fn. */
void trunk_timer_set(struct sip_trunk *t, struct event **timer,
		     void (*fn)(int fd, short what, void *arg),
		     unsigned delay_ms);
/* Look at health and registration; report a change. */
void trunk_judge(struct sip_trunk *t, const char *why);
void trunk_note_error(struct sip_trunk *t, const char *why);
/* A leg for requests of ours outside dialogs: @from and @to are values. */
struct nta_leg_s *trunk_leg(struct sip_trunk *t, const char *from,
			    const char *to);

/* OPTIONS in *@leg, which is made when it is NULL. *@client is the caller's. 0
 * or -errno. */
CHECKED int trunk_send_options(struct sip_trunk *t, struct nta_leg_s **leg,
			       struct sip_client **client, sip_client_fn fn,
			       void *arg);

void trunk_qualify_start(struct sip_trunk *t);
void trunk_qualify_stop(struct sip_trunk *t);
void trunk_register_start(struct sip_trunk *t);
/* Gives the registration up; the answer is not waited for. */
void trunk_register_stop(struct sip_trunk *t);
