/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What is remembered of addresses, their ports aside, however many there are:
 * in a table of so many, where the longest silent gives way.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"

struct sip_addresses;

/* The first member of what its user remembers of one. Its fields are the
 * table's, but for @ip, which has no port. */
struct sip_address {
	struct addr ip;
	RB_ENTRY(sip_address) node;
	TAILQ_ENTRY(sip_address) age; /* unless it is held */
	bool held;
};

/* Of @max, with @size octets each. *@out is owned by the caller:
 * sip_addresses_free(). 0 or -ENOMEM. */
CHECKED int sip_addresses_new(struct sip_addresses **out, size_t max,
			      size_t size);
/* NULL is fine; returns NULL. */
struct sip_addresses *sip_addresses_free(struct sip_addresses *addresses);

/* Borrowed until it gives way; NULL: it is not known. */
void *sip_addresses_find(struct sip_addresses *addresses,
			 const struct addr *addr);
/* The same, heard of now; zeros when it was not known. NULL: all that there is
 * room for are held. */
void *sip_addresses_hear(struct sip_addresses *addresses,
			 const struct addr *addr);
/* It does not give way until it is let go. */
void sip_addresses_hold(struct sip_addresses *addresses,
			struct sip_address *address);
void sip_addresses_let_go(struct sip_addresses *addresses,
			  struct sip_address *address);
