/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A name server of a few records (RFC 1035, 2782, 3403) on loopback, in the
 * test's own loop.
 */
#pragma once

#include <event2/event.h>
#include <stdint.h>

enum { NS_A = 1, NS_SRV = 33, NS_NAPTR = 35, NS_TTL_S = 77 };

struct name_record {
	const char *name;
	uint16_t type;
	const char *text;        /* A: the address; NAPTR: the service */
	uint16_t priority, port; /* SRV; NAPTR: order and preference */
	const char *target;
	uint16_t weight;
};

struct name_server {
	int fd;
	struct event *event;
	const struct name_record *zone;
	size_t nzone;
	char servers[64]; /* "127.0.0.1:4711" */
};

/* @zone is borrowed, and may change. */
void name_server_open(struct name_server *ns, struct event_base *base,
		      const struct name_record *zone, size_t nzone);
void name_server_close(struct name_server *ns);
