/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Call detail records: one row per call, written when it has ended.
 *
 * Strings are borrowed for the call; NULL and "" are the same. Times are wall
 * time in ms since 1970, 0 where it never came to that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"

enum cdr_direction {
	CDR_OUTBOUND = 1, /* XMPP to SIP */
	CDR_INBOUND = 2,  /* SIP to XMPP */
	CDR_LOCAL = 3,    /* the echo number and the like */
};

enum cdr_end {
	CDR_END_GATEWAY = 0, /* we did: a limit, a failure, shutdown */
	CDR_END_CALLER = 1,
	CDR_END_CALLEE = 2,
};

/* "outbound", "caller"; "" of what a later version may have written. */
const char *cdr_direction_name(enum cdr_direction direction);
const char *cdr_end_name(enum cdr_end end);

enum { CDR_FIND_MAX = 1000 };

struct cdr_media {
	uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	uint64_t lost, dropped;
	uint32_t jitter_us, rtt_us;
	uint32_t ice_ms, dtls_ms;
	const char *codec;        /* "PCMU/8000" */
	const char *srtp_profile; /* "" none */
};

struct cdr {
	const char *call;
	enum cdr_direction direction;
	const char *caller, *callee; /* as dialled: numbers, bare JIDs */
	const char *account;         /* bare JID */
	const char *trunk;
	int64_t started_ms, ringing_ms, answered_ms, ended_ms;
	const char *cause;    /* the neutral name */
	const char *end_text; /* what a person was told, or told us; "" none */
	uint16_t sip_status;
	uint16_t q850;
	enum cdr_end ended_by;
	struct cdr_media caller_media, callee_media;
	/* What the trunk said of a call in: the caller's name, whether and
	 * how the number was verified (RFC 8224), whom it was for first. */
	const char *caller_name, *verstat, *attestation;
	const char *first_called, *diversion;
	bool push; /* somebody is to be told of it: cdr_pushed() */
	const char *node_id, *boot_id; /* filled when it is put */
};

/* As session_put(). A record of the same call replaces the first. The call's
 * rows of the session table go with it, both or neither: what has its record
 * does not go on in the next process. */
CHECKED int cdr_put(struct db *db, const struct cdr *cdr, db_done_fn done,
		    void *arg);
/* A record of the same call stays as it is, and so do its rows. */
CHECKED int cdr_put_first(struct db *db, const struct cdr *cdr, db_done_fn done,
			  void *arg);

/* NULL or 0: whatever. */
struct cdr_filter {
	const char *call, *account, *trunk, *cause;
	const char *party; /* caller or callee: a number, a bare JID */
	bool failed;       /* neither hung up, given up nor taken elsewhere */
	bool to_push;      /* cdr.push; those that ended first, first */
	int64_t since_ms, until_ms; /* began from, and before */
	unsigned limit;             /* 0 or above CDR_FIND_MAX: CDR_FIND_MAX */
};

/* @rows, newest first, are borrowed for the call. @result 0 or -errno. */
typedef void (*cdr_rows_fn)(int result, const struct cdr *rows, size_t n,
			    void *arg);

/*
 * Find records; @fn is called from the event loop, after all writes that were
 * queued before. 0, -ENOBUFS, -ENOMEM.
 */
CHECKED int cdr_find(struct db *db, const struct cdr_filter *filter,
		     cdr_rows_fn fn, void *arg);

/* Whom it is pushed to has taken the record of @call. As session_put(). */
CHECKED int cdr_pushed(struct db *db, const char *call, db_done_fn done,
		       void *arg);
