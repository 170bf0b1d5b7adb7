/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a trace has seen, in the order of time; the oldest gives way.
 */
#pragma once

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum entry_kind {
	ENTRY_SIP,
	ENTRY_XMPP,
	ENTRY_STATE, /* of a call */
	ENTRY_MEDIA,
	ENTRY_NKINDS,
};

enum {
	RING_OCTETS_MAX = 2 << 20, /* of one trace, all it keeps */
	ENTRY_CALL_CAP = 64,
	ENTRY_NAME_CAP = 256,
};

struct entry {
	TAILQ_ENTRY(entry) link;
	int64_t at_us; /* wall */
	enum entry_kind kind;
	bool rx;                   /* of messages */
	const char *transport;     /* "udp"; a constant; "" of others */
	struct addr local, remote; /* unset: none, or not known */
	char call[ENTRY_CALL_CAP]; /* by our name; "" none, or not known */
	char name[ENTRY_NAME_CAP]; /* Call-ID, sid; "" none */
	unsigned adopted;          /* bits: by whom, while it waits */
	size_t n;
	char text[]; /* and NUL; secrets are masked */
};
TAILQ_HEAD(entries, entry);

struct ring {
	struct entries entries;
	size_t octets, octets_max;
	uint64_t forgotten;
};

/* A copy of @like with @text; owned by the caller until ring_put(). NULL
 * without memory. */
struct entry *entry_new(const struct entry *like, struct slice text);

void ring_init(struct ring *ring, size_t octets_max);
void ring_fini(struct ring *ring);
/* At its time; @entry, which may be NULL, is the ring's, and gone when it is
 * the oldest of a full one. */
void ring_put(struct ring *ring, struct entry *entry);
/* @entry is the caller's again. */
void ring_take(struct ring *ring, struct entry *entry);
