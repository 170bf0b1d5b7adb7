/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * STUN Binding messages (RFC 8489, RFC 8445 section 7.1) to and from octets.
 * No I/O and no state: transactions are the caller's. Callable from any thread.
 *
 * A packet on a shared socket is sorted first, which costs no allocation:
 * stun_head() tells its class, transaction and USERNAME. Only then is the key
 * known with which stun_decode() verifies and reads the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/slice.h"

enum {
	STUN_TID_LEN = 12,
	STUN_INPUT_MAX = 1280,   /* octets; longer messages are refused */
	STUN_PACKET_MAX = 640,   /* octets; what stun_encode() may need */
	STUN_USERNAME_MAX = 513, /* RFC 8489, 14.3; two ufrags of 256, ":" */
	STUN_MAX_ATTRS = 24,
	STUN_MAX_UNKNOWN = 8,
};

/* Outcomes of stun_head() and stun_decode(). */
enum {
	STUN_E_SYNTAX = 1,    /* not a Binding message, or malformed */
	STUN_E_INTEGRITY = 2, /* MESSAGE-INTEGRITY absent or wrong */
};

/* Error codes of RFC 8489, 14.8 and RFC 8445, 7.3.1.1. */
enum {
	STUN_BAD_REQUEST = 400,
	STUN_UNKNOWN_ATTRIBUTE = 420,
	STUN_ROLE_CONFLICT = 487,
};

enum stun_kind { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

/* ICE-CONTROLLED, ICE-CONTROLLING. */
enum stun_role { STUN_NO_ROLE, STUN_CONTROLLED, STUN_CONTROLLING };

/* Attributes that are absent have zero or empty values. */
struct stun_packet {
	enum stun_kind kind;
	uint8_t tid[STUN_TID_LEN];
	struct slice username; /* decoded: a view into the packet */
	bool has_priority;
	uint32_t priority;
	bool use_candidate;
	enum stun_role role;
	uint64_t tie_breaker;
	struct addr mapped; /* XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS */
	uint16_t error;     /* ERROR-CODE; 0: none */
	/* Comprehension-required attributes that a Binding has no use for; to
	 * encode: what UNKNOWN-ATTRIBUTES lists. */
	uint16_t unknown[STUN_MAX_UNKNOWN];
	size_t nunknown;
};

/* What a packet says before it is verified; views into the packet. */
struct stun_head {
	enum stun_kind kind;
	const uint8_t *tid;
	struct slice username; /* empty when there is none */
};

/*
 * Whether @p is one well-formed Binding message, and its head. Reads the
 * attributes' headers alone and allocates nothing. 0 or STUN_E_SYNTAX.
 */
CHECKED int stun_head(struct stun_head *out, const uint8_t *p, size_t n);

/*
 * The USERNAME of a Binding request, from which the shared socket knows whose
 * it is (the part before ':' is the receiver's ufrag); empty for anything else.
 */
struct slice stun_username(const uint8_t *p, size_t n);

/*
 * The first four octets of a transaction id. An agent starts all of its own
 * with the same ones (ice_tag()), so that a response is led back to it.
 */
uint32_t stun_tag(const uint8_t tid[static STUN_TID_LEN]);

/*
 * Read a Binding message whose MESSAGE-INTEGRITY was made with @key; with an
 * empty @key it need not have one. A FINGERPRINT that is there must be right.
 * @out borrows from @p. 0, STUN_E_SYNTAX, STUN_E_INTEGRITY, -ENOMEM.
 */
CHECKED int stun_decode(struct stun_packet *out, const uint8_t *p, size_t n,
			struct slice key);

/*
 * Write @packet into @p, with MESSAGE-INTEGRITY when @key is not empty and
 * always with FINGERPRINT; @n is the length. STUN_PACKET_MAX octets are always
 * enough. 0, -EMSGSIZE, -ENOMEM.
 */
CHECKED int stun_encode(const struct stun_packet *packet, struct slice key,
			uint8_t *p, size_t cap, size_t *n);
