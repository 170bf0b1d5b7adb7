/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Connections as their own files see them: connection.c (who may stay, and for
 * how long), connection_hold.c (what strangers send).
 */
#pragma once

#include <stdint.h>

#include "sip/agent_int.h"
#include "sip/connection.h"
#include "sip/progress.h"

struct event;

struct sip_connection {
	int fd;
	struct addr peer;
	enum sip_transport transport;
	bool stranger;
	bool passed;       /* something of it may pass */
	uint64_t since_ms; /* it came, or its message began that is held */
	size_t held;       /* a stranger's octets that wait for more */
	size_t judged;     /* those that may be read */
	struct sip_progress progress;
};

struct sip_connections {
	struct sip_agent *agent;
	struct sip_connection open[SIP_CONNECTIONS_MAX];
	size_t n;
	struct event *slow; /* armed while a message is under way */
	uint64_t slow_logged_ms;
	unsigned slow_unlogged;
};

/* NULL: it is none that was let in. */
struct sip_connection *connection_find(struct sip_agent *agent, int fd);
/* sofia closes them, and tells nobody: the descriptor is another's by now. */
bool connection_is_gone(const struct sip_connection *c);
bool connection_is_strangers(const struct sip_agent *agent,
			     const struct sip_source *source);
/* One of them is waited for: it is looked at again in time. */
void connection_watch_slow(struct sip_connections *all);
