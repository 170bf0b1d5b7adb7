/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The packets between one peer and the worker: one side of a circuit. What
 * comes in is checked (source, authentication, replay) and handed to the
 * circuit in plain; what goes out is protected and addressed.
 *
 *   flow_ice.c   ICE on the shared port, DTLS-SRTP
 *   flow_dtls.c  the latter's association
 *   flow_rtp.c   a pair of ports, symmetric RTP, SDES-SRTP
 *
 * Embedded in the circuit, belongs to its worker's thread; the counters may be
 * read by others.
 */
#pragma once

#include "gateway/base/tree.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/batch.h"
#include "media/bridge.h"
#include "media/command.h"
#include "media/dtls.h"
#include "media/ice.h"
#include "media/keep.h"
#include "media/latch.h"
#include "media/report.h"
#include "media/srtp.h"
#include "media/tuple.h"

enum {
	FLOW_HELLO_MAX = 1500,   /* octets of an early ClientHello */
	FLOW_SILENCE_MS = 60000, /* then MEDIA_FAIL_SILENCE */
};

struct circuit;
struct flow;

enum flow_kind { FLOW_CLOSED, FLOW_ICE, FLOW_RTP };

/* Written by the worker alone, read by anybody. */
struct flow_counters {
	_Atomic uint64_t rx_packets, rx_octets, tx_packets, tx_octets;
	_Atomic uint64_t lost, dropped;
	_Atomic uint32_t jitter_us, rtt_us;
	_Atomic uint64_t unauthentic; /* of the dropped: SRTP refused them */
};

static inline void flow_count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(
		counter,
		atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

/* A socket in the worker's epoll. */
enum source_kind {
	SOURCE_WAKE,
	SOURCE_SHARED,
	SOURCE_RTP,
	SOURCE_RTCP,
	SOURCE_OWN
};
struct source {
	enum source_kind kind;
	int fd;    /* -1: none */
	int which; /* shared: BATCH_V4 or BATCH_V6 */
	struct addr local;
	struct flow *flow;
	uint32_t turn; /* of the worker, in which it had a packet last */
};

/* Our ufrag, by which checks are told apart: now, and before a restart. */
struct flow_name {
	RB_ENTRY(flow_name) entry;
	struct flow *flow; /* NULL: not in the tree */
	char ufrag[ICE_UFRAG_LEN + 1];
};
enum { FLOW_NAME_NOW, FLOW_NAME_BEFORE, FLOW_NNAMES };

struct flow_ice {
	struct ice *ice;
	struct flow_name names[FLOW_NNAMES];
	/* The tag of our own checks' transactions (ice_tag()). */
	RB_ENTRY(flow) tag_entry;
	uint32_t tag;
	bool tagged;
	struct tuple tuples[TUPLES_PER_FLOW];
	struct source own;
	bool crowded; /* told already */
	uint64_t since_ms, took_ms;
	bool selected;
};

struct flow_dtls {
	struct dtls *association; /* NULL: none yet */
	/* the peer, as far as it is known */
	bool peer_known, active;
	struct media_fingerprint fingerprints[MEDIA_MAX_FINGERPRINTS];
	size_t nfingerprints;
	/* a ClientHello that came too early; owned, NULL: none */
	uint8_t *hello;
	size_t hello_n;
	uint64_t since_ms, took_ms;
	/* The keys are those of a process that died: there is no association
	 * they came from. */
	bool resumed;
};

struct flow_rtp {
	bool mux;
	struct latch latch;
	struct source rtp, rtcp;
	struct addr rtcp_remote;
	bool rtcp_learned;
};

struct flow {
	/* What each packet needs stands first, in few cache lines: flow_near()
	 * brings them before it is needed. */
	struct circuit *circuit;
	struct keep_slot *kept; /* the circuit's */
	struct srtp *tx, *rx;
	enum media_side side;
	enum flow_kind kind;
	enum media_dir dir;
	bool ready;   /* verified: media may flow */
	bool secured; /* it has had keys: nothing goes without any more */
	bool failed;  /* nothing is sent, and said so */
	bool rests;   /* without a peer's consent: nothing is sent as well */
	bool held;    /* the peer's address is unspecified: send nothing */
	bool alone;   /* the kernel lets its remote alone be heard */
	bool settled; /* authentic media came: dtls_settle() */
	int fd;       /* by which it leaves; -1: the shared one */
	struct addr local, remote; /* where packets go */
	uint64_t last_rx_ms;       /* a good packet, or since when one is due */
	struct flow_counters counters;
	uint64_t tx_payload; /* octets, for our reports */
	struct flow_rtp rtp;
	/* and this does not */
	enum media_failure why;
	struct dtls_keys keys; /* in force; of profile NONE: none */
	uint64_t last_rtcp_ms; /* sent */
	struct report report;
	struct flow_ice ice;
	struct flow_dtls dtls;
};

void flow_init(struct flow *flow, struct circuit *circuit,
	       enum media_side side);
void flow_fini(struct flow *flow);
/* As flow_init() made it, but what was counted goes on; its sockets are closed.
 */
void flow_reset(struct flow *flow);

/* New keys, a context each way; the old ones are wiped. 0 or -errno: then they
 * stay. */
CHECKED int flow_set_keys(struct flow *flow, const struct dtls_keys *keys);
/* It goes without, and never had any: those kept are of a flow before it. */
void flow_set_plain(struct flow *flow);
/* Those of a process that died, and its indices. 0, -ESTALE (the indices are of
 * other keys, or of any where there are none), -ENOTSUP (the engine cannot),
 * -errno. */
CHECKED int flow_resume_keys(struct flow *flow, const struct dtls_keys *keys);
/* Only the peer's is new. 0 or -errno. */
CHECKED int flow_set_rx_key(struct flow *flow, const struct dtls_keys *keys);
/* Counters to and from what is kept of them. */
void flow_note_counts(const struct flow *flow, struct keep_counts *out);
void flow_recount(struct flow *flow, const struct keep_counts *counts);
/* The media path stands: tell the main thread, once. */
void flow_ready(struct flow *flow);
void flow_fail(struct flow *flow, enum media_failure why);
/* Tell the main thread that our own address may have changed. */
void flow_doubt(struct flow *flow);
/* Tell the main thread where packets go, and how. */
void flow_changed(struct flow *flow);

/* RTCP, which goes on while media is held. */
bool flow_may_report(const struct flow *flow);
bool flow_may_send(const struct flow *flow);
bool flow_may_receive(const struct flow *flow);

/* Unprotect in place. Whether it is authentic. */
bool flow_unprotect(struct flow *flow, struct packet *packet, bool rtcp);
/* An authentic packet in plain: count it, and pass it on if it may. */
void flow_deliver(struct flow *flow, struct packet *packet, bool rtcp);
/*
 * Protect and send: a packet received in this turn is queued, one of our own
 * (@own) leaves at once.
 */
void flow_send(struct flow *flow, struct packet *packet, bool rtcp, bool own);
void flow_drop(struct flow *flow);

/*
 * Have what a packet of @flow's peer will need on its way to the other side
 * come into the cache: first flow_near(), and when that is there
 * flow_near_path(), and then flow_near_keys().
 */
void flow_near(const struct flow *flow);
void flow_near_path(const struct flow *flow, const struct packet *packet);
void flow_near_keys(const struct flow *flow);

/* Returns when to be called again, UINT64_MAX: never. */
uint64_t flow_tick(struct flow *flow, uint64_t now_ms);

/* flow_ice.c */
CHECKED int flow_ice_open(struct flow *flow, const struct command_local *local);
CHECKED int flow_ice_restart(struct flow *flow,
			     const struct command_local *local);
CHECKED int flow_ice_peer(struct flow *flow,
			  const struct command_ice_peer *peer);
CHECKED int flow_ice_candidate(struct flow *flow,
			       const struct media_cand *cand);
CHECKED int flow_ice_own_port(struct flow *flow, const struct command_own *own);
/* After flow_ice_peer(): the pair and keys of before. */
CHECKED int flow_ice_resume(struct flow *flow,
			    const struct command_resume *resume);
void flow_ice_close(struct flow *flow);
/* Sorted by the worker: a STUN message, RTP or RTCP of this flow. */
void flow_ice_stun(struct flow *flow, struct packet *packet);
/* Returns whether it was the peer's. */
bool flow_ice_media(struct flow *flow, struct packet *packet);
uint64_t flow_ice_tick(struct flow *flow, uint64_t now_ms);
/* Whether the packet left, or is queued. */
bool flow_ice_output(struct flow *flow, struct packet *packet, bool own);
/* Octets of our own, to where media goes. */
void flow_ice_send(struct flow *flow, const uint8_t *p, size_t n);

/* flow_dtls.c */
/* It starts once a pair is selected, consent does not rest, and the peer is
 * known. */
void flow_dtls_start(struct flow *flow);
/* 0, -EINVAL (no fingerprint of a hash that counts) or -ENOMEM. */
CHECKED int flow_dtls_peer(struct flow *flow,
			   const struct command_ice_peer *peer);
/* A datagram of DTLS; only validated tuples lead here. */
void flow_dtls_recv(struct flow *flow, const struct packet *packet);
/* Authentic media came: the peer has the last flight. */
void flow_dtls_settle(struct flow *flow);
/* Returns when to be called again, UINT64_MAX: never. */
uint64_t flow_dtls_tick(struct flow *flow, uint64_t now_ms);
void flow_dtls_close(struct flow *flow);

/* flow_rtp.c */
CHECKED int flow_rtp_open(struct flow *flow, const struct command_rtp *rtp);
CHECKED int flow_rtp_peer(struct flow *flow,
			  const struct command_rtp_peer *peer);
/* What was agreed upon, and learned, before. */
CHECKED int flow_rtp_resume_peer(struct flow *flow,
				 const struct command_resume *resume);
/* Other sockets for ours, which are closed. */
CHECKED int flow_rtp_move(struct flow *flow, const struct command_rtp *rtp);
void flow_rtp_close(struct flow *flow);
/* Returns whether it was the peer's. */
bool flow_rtp_packet(struct flow *flow, struct packet *packet, bool rtcp);
/* The side receives again: silence counts from now. */
void flow_rtp_resume(struct flow *flow);
/* Now and then. A peer that has proved to be the one is the only one heard. */
void flow_rtp_beat(struct flow *flow);
/* Returns when to be called again, UINT64_MAX: never. */
uint64_t flow_rtp_tick(struct flow *flow, uint64_t now_ms);
bool flow_rtp_output(struct flow *flow, struct packet *packet, bool rtcp,
		     bool own);
